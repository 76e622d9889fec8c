/* ak doctor: what is there, and what is missing. */
#define _GNU_SOURCE
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "commands.h"
#include "control.h"
#include "exit_codes.h"
#include "hosts.h"
#include "home.h"
#include "python_host.h"
#include "venv.h"
#include "zone.h"

typedef struct Doctor {
    json_t *lines;
    bool ill;
} Doctor;

static void tell(Doctor *d, bool well, const char *what, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void tell(Doctor *d, bool well, const char *what, const char *format, ...)
{
    char words[1400];
    va_list list;

    va_start(list, format);
    vsnprintf(words, sizeof words, format, list);
    va_end(list);
    d->ill |= !well;
    json_array_append_new(
        d->lines, json_pack("{s:s, s:b, s:s}", "what", what, "well", well, "words", words));
}

/* What some projects want and others do not is no illness. */
static void tell_absent(Doctor *d, const char *what, const char *words)
{
    json_array_append_new(d->lines, json_pack("{s:s, s:b, s:b, s:s}", "what", what, "well", 1,
                                              "there", 0, "words", words));
}

static void look_at_environments(Doctor *d)
{
    if (ak_venv_possible())
        tell(d, true, "environments", "%s makes them", ak_python_executable());
    else
        tell_absent(d, "environments",
                    "none can be made; projects with requirements want Python's module venv "
                    "(Debian: python3-venv)");
}

static void look_at_interpreter(Doctor *d, const AkConfig *config)
{
    const char *given = ak_config_text(config, "run.python");
    char path[1200];

    if (!*given) {
        tell(d, true, "interpreter", "the one built in");
        return;
    }
    const char *python = ak_venv_python(given, path, sizeof path);
    bool well = !strchr(python, '/') || access(python, X_OK) == 0;
    tell(d, well, "interpreter", "%s%s%s", python, well ? "" : ": ",
         well ? "" : strerror(errno));
}

static void look_at_place(Doctor *d, const AkPlace *place)
{
    struct statvfs fs;
    struct stat st;
    char support[1200];

    if (stat(place->dir, &st) < 0) {
        tell(d, false, "state", "%s: %s", place->dir, strerror(errno));
        return;
    }
    tell(d, !(st.st_mode & 022), "state", "%s%s", place->dir,
         st.st_mode & 022 ? ": others may write there; chmod 700 it" : "");
    if (statvfs(place->dir, &fs) == 0) {
        double mib = (double)fs.f_bavail * (double)fs.f_frsize / (1 << 20);
        tell(d, mib > 100, "room", "%.0f MiB are free", mib);
    }
    if (ak_support_dir(place, support, sizeof support) < 0)
        tell(d, false, "packages", "%s: %s", support, strerror(errno));
    else
        tell(d, true, "packages", "%s", support);
}

static void look_at_store(Doctor *d, const AkPlace *place, bool thoroughly)
{
    AkStoreOptions options = {.mode = AK_STORE_READ};
    AkStore *store;
    char why[1024];
    int fault = ak_store_open_sqlite(place->dir, &options, &store, why, sizeof why);

    if (fault == AK_E_ABSENT) {
        tell(d, true, "store", "nothing was run yet");
        return;
    }
    if (!fault && thoroughly && ak_store_verify(store) < 0) {
        tell(d, false, "store", "%s", ak_store_error(store));
    } else {
        tell(d, !fault, "store", "%s",
             fault        ? why
             : thoroughly ? "every record is as it was written"
                          : "opens");
    }
    if (!fault)
        ak_store_close(store);
}

static void look_at_server(Doctor *d, const AkPlace *place)
{
    json_t *request = json_pack("{s:s}", "op", "status");
    bool served;
    json_t *status = ak_control_ask(place->dir, request, &served);
    const char *url = json_string_value(json_object_get(status, "url"));

    if (served)
        tell(d, status != NULL, "server", "%s", url ? url : "does not answer");
    else
        tell(d, true, "server", "none runs; ak serve starts one");
    json_decref(request);
    json_decref(status);
}

static void show(const AkArgs *args, const Doctor *d)
{
    size_t i;
    json_t *line;

    if (ak_args_json(args)) {
        json_dumpf(d->lines, stdout, JSON_COMPACT);
        putchar('\n');
        return;
    }
    json_array_foreach(d->lines, i, line)
        printf("%s  %-12s %s\n",
               json_is_false(json_object_get(line, "there")) ? "no"
               : json_is_true(json_object_get(line, "well")) ? "ok"
                                                             : "--",
               json_string_value(json_object_get(line, "what")),
               json_string_value(json_object_get(line, "words")));
}

static int doctor(const AkArgs *args)
{
    Doctor d = {.lines = json_array()};
    char why[1024];
    AkPlace place;
    AkConfig *config = ak_config_load(why, sizeof why);

    tell(&d, config != NULL, "settings", "%s%s", ak_config_dir(), config ? "" : why);
    if (config &&
        ak_config_place(config, ak_args_state_dir(args), &place, why, sizeof why) < 0) {
        tell(&d, false, "state", "%s", why);
    } else if (config) {
        look_at_place(&d, &place);
        look_at_store(&d, &place, ak_args_switch(args, "verify"));
        look_at_server(&d, &place);
    }
    if (config)
        look_at_interpreter(&d, config);
    look_at_environments(&d);
    bool zones = ak_zone_exists("Europe/Berlin");
    tell(&d, zones, "time zones", "%s",
         zones ? "of the system" : "none; install tzdata for schedules with TZ=");
    show(args, &d);
    json_decref(d.lines);
    ak_config_free(config);
    return d.ill ? AK_EXIT_FAILED : AK_EXIT_OK;
}

static const AkFlag flags[] = {
    {"verify", 0, AK_FLAG_SWITCH, NULL, "read every record and bundle of the store"},
    {0},
};

const AkCmd ak_cmd_doctor = {
    .name = "doctor",
    .summary = "say what of the set-up is there, and what is missing",
    .more = "A line for each part: ok, -- for what has to be mended (then it ends with 1), no "
            "for what is\n"
            "not there and only some projects want.",
    .flags = flags,
    .run = doctor,
};
