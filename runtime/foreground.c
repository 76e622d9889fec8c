#define _GNU_SOURCE
#include "foreground.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exit_codes.h"
#include "progress.h"
#include "report.h"

struct AkForeground {
    AkHome *home;
    AkForegroundOptions options;
    AkLoop *loop;
    AkHosts *hosts;
    AkDriver *driver;
    AkProgress *progress;
    char id[64];
    int interrupts; /* Ctrl-C, so often */
    int signal;
    bool failed; /* the store did */
    bool ended;
    int code;
};

/* --- What the driver tells
 * ------------------------------------------------------------------------ */

static AkHost *on_host(void *owner, const char *deployment, const char *entry, char *why,
                       size_t size)
{
    AkForeground *f = owner;

    return ak_hosts_get(f->hosts, deployment, entry, why, size);
}

static void print_json(json_t *object)
{
    json_dumpf(object, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
    putchar('\n');
    fflush(stdout);
    json_decref(object);
}

static void on_show(void *owner, const char *id, AkStream stream, AkBytes text)
{
    AkForeground *f = owner;
    FILE *to = stream == AK_STREAM_STDERR ? stderr : stdout;

    if (f->options.quiet)
        return;
    ak_progress_clear(f->progress);
    if (f->options.json) {
        print_json(json_pack("{s:s, s:s, s:s, s:o}", "kind", "print", "session_id", id,
                             "stream", to == stderr ? "stderr" : "stdout", "text",
                             json_stringn(text.at, text.len)));
        return;
    }
    fwrite(text.at, 1, text.len, to);
    fflush(to);
}

static void on_note(void *owner, const char *id, AkBytes text)
{
    AkForeground *f = owner;

    ak_progress_clear(f->progress);
    if (f->options.json)
        print_json(json_pack("{s:s, s:s, s:o}", "kind", "note", "session_id", id, "text",
                             json_stringn(text.at, text.len)));
    else
        fprintf(stderr, "ak: %.*s\n", (int)text.len, text.at);
}

static void on_wait(void *owner, const char *id, AkWait wait, AkBytes text, int64_t since_us,
                    int64_t due_us)
{
    AkForeground *f = owner;

    if (!strcmp(id, f->id))
        ak_progress_wait(f->progress, wait, text, since_us, due_us);
}

static void on_finished(void *owner, const char *id, AkState state, AkBytes value,
                        AkBytes error)
{
    AkForeground *f = owner;
    bool mine = !strcmp(id, f->id);

    ak_progress_clear(f->progress);
    if (mine) {
        f->ended = true;
        f->code = state == AK_STATE_COMPLETED ? AK_EXIT_OK : AK_EXIT_FAILED;
    }
    if (f->options.json) {
        json_t *o = json_pack("{s:s, s:s, s:s}", "kind", "end", "session_id", id, "state",
                              ak_state_name(state));
        if (value.at)
            json_object_set_new(o, "value", json_stringn(value.at, value.len));
        if (error.at)
            json_object_set_new(o, "error",
                                json_loadb(error.at, error.len, JSON_DECODE_ANY, NULL));
        print_json(o);
    } else if (state == AK_STATE_ERROR) {
        fflush(stdout);
        if (!mine)
            fprintf(stderr, "ak: session %s failed\n", id);
        ak_report_error(stderr, error);
    } else if (state == AK_STATE_STOPPED) {
        fprintf(stderr, "ak: session %s was stopped\n", id);
    }
}

static void on_refused(void *owner, const char *id, int fault, const char *words)
{
    AkForeground *f = owner;

    ak_progress_clear(f->progress);
    ak_say_error(0, "session %s cannot go on: %s (%s)", id, words, ak_fault_name(fault));
    /* The first one that is loaded is ours, and may be refused before it is asked to run. */
    if (!*f->id || !strcmp(id, f->id)) {
        f->ended = true;
        f->code = AK_EXIT_FAILED;
    }
}

static void on_store_failed(void *owner, int fault, const char *words)
{
    AkForeground *f = owner;

    ak_progress_clear(f->progress);
    ak_say_error(0, "nothing can be recorded, so nothing goes on: %s (%s)", words,
                 ak_fault_name(fault));
    f->failed = true;
}

static const AkFront front = {.host = on_host,
                              .show = on_show,
                              .note = on_note,
                              .wait = on_wait,
                              .finished = on_finished,
                              .refused = on_refused,
                              .store_failed = on_store_failed};

/* --- Ctrl-C
 * ---------------------------------------------------------------------------------------- */

static void on_signal(void *owner, int number)
{
    AkForeground *f = owner;

    f->signal = number;
    f->interrupts++;
    if (f->interrupts == 1 && number == SIGINT && ak_driver_is_executing(f->driver)) {
        ak_progress_clear(f->progress);
        fputs("\nak: the step that runs is let finish; Ctrl-C again ends it now\n", stderr);
    }
}

/* The first Ctrl-C lets a step that is under way be recorded, so that it need not run again;
 * the second one, and any other signal, does not wait. */
static bool has_to_stop(const AkForeground *f)
{
    if (!f->interrupts)
        return false;
    return f->interrupts > 1 || f->signal != SIGINT || !ak_driver_is_executing(f->driver);
}

static void say_resume(AkForeground *f)
{
    char data[1100] = "";

    ak_progress_clear(f->progress);
    if (f->home->in_memory)
        return;
    if (strcmp(f->home->shown_dir, ""))
        snprintf(data, sizeof data, " --data %s", f->home->shown_dir);
    if (f->options.json)
        print_json(json_pack("{s:s, s:s}", "kind", "waiting", "session_id", f->id));
    else
        fprintf(stderr, "ak: session %s waits; it goes on with\n    ak%s run --resume %s\n",
                f->id, data, f->id);
}

/* --- Life
 * --------------------------------------------------------------------------------------------
 */

AkForeground *ak_foreground_new(AkHome *home, const AkForegroundOptions *options)
{
    AkForeground *f = calloc(1, sizeof *f);
    const AkConfig *config = home->config;

    f->home = home;
    f->options = *options;
    f->loop = ak_loop_new();
    f->hosts = ak_hosts_new(f->loop, home->store, config, &home->place);
    AkDriverOptions driving = {
        .run = ak_driver_run_options(config),
        .idle_us = ak_config_number(config, "run.idle") * 1000000,
    };
    f->driver = ak_driver_new(f->loop, home->store, &driving, &front, f);
    f->progress = ak_progress_new(f->loop);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a write that fails is told, not died of */
    int on[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof on / sizeof *on; i++)
        ak_loop_on_signal(f->loop, on[i], on_signal, f);
    return f;
}

void ak_foreground_free(AkForeground *f)
{
    if (!f)
        return;
    ak_progress_free(f->progress);
    ak_driver_free(f->driver);
    ak_hosts_free(f->hosts);
    ak_loop_free(f->loop);
    free(f);
}

AkDriver *ak_foreground_driver(AkForeground *f)
{
    return f->driver;
}

int ak_foreground_run(AkForeground *f, const char *id)
{
    snprintf(f->id, sizeof f->id, "%s", id);
    while (!f->failed) {
        ak_driver_turn(f->driver);
        if (f->failed || has_to_stop(f) || !ak_driver_sessions(f->driver))
            break;
        ak_loop_turn(f->loop);
    }
    /* Output that a finished runner flushes while it ends. */
    ak_hosts_settle(f->hosts, f->loop);
    if (f->ended && !f->interrupts)
        return f->code;
    if (f->failed && !f->ended) {
        say_resume(f);
        return AK_EXIT_FAILED;
    }
    if (ak_driver_sessions(f->driver) && !f->ended)
        say_resume(f);
    return f->ended ? f->code : f->signal == SIGINT ? AK_EXIT_INTERRUPTED : 128 + f->signal;
}
