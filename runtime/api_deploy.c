/* A project that comes as JSON: its files are written to a folder of their own below the data
 * directory, `ak deploy` takes it from there, and the folder goes. What is deployed runs as this
 * server's user, so a token has to be set, on loopback too. */
#define _GNU_SOURCE
#include "api.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin.h"
#include "bundle.h"
#include "exit_codes.h"
#include "views.h"

enum { DEPLOY_S = 300, FILES_MAX = 1000, PATH_LEN = 250, ALLOW_MAX = 12 };

/* ---- The files */

/* "handlers/orders.py": no part of it leads out, or is hidden. */
static bool is_path(const char *path)
{
    if (strlen(path) > PATH_LEN || !*path || strchr(path, '\\'))
        return false;
    for (const char *part = path; part; part = strchr(part, '/')) {
        part += part != path;
        if (!*part || *part == '/' || *part == '.')
            return false;
    }
    return true;
}

static bool write_file(const char *dir, const char *name, const json_t *text)
{
    char path[PATH_MAX + PATH_LEN + 64];
    size_t len = json_string_length(text);

    snprintf(path, sizeof path, "%s/%s", dir, name);
    if (ak_make_parents(path) < 0)
        return false;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool written = write(fd, json_string_value(text), len) == (ssize_t)len;
    return close(fd) == 0 && written;
}

/* NULL when all are there. */
static json_t *write_files(const char *dir, json_t *files)
{
    const char *name;
    json_t *text;

    if (!json_object_get(files, "autokitteh.yaml"))
        return ak_admin_error(AK_EXIT_USAGE, "files: there is no autokitteh.yaml among them");
    if (json_object_size(files) > FILES_MAX)
        return ak_admin_error(AK_EXIT_USAGE, "files: %d at most", FILES_MAX);
    json_object_foreach(files, name, text)
    {
        if (!is_path(name))
            return ak_admin_error(AK_EXIT_USAGE, "files: '%.200s' is no path below the project",
                                  name);
        if (!json_is_string(text))
            return ak_admin_error(AK_EXIT_USAGE, "files: '%.200s' has to be a text", name);
        if (!write_file(dir, name, text))
            return ak_admin_error(AK_EXIT_USAGE, "files: '%.200s' cannot be written: %s", name,
                                  strerror(errno));
    }
    return NULL;
}

static char *make_dir(const AkPlace *place)
{
    char dir[PATH_MAX + 32], *real;

    snprintf(dir, sizeof dir, "%s/upload-XXXXXX", place->dir);
    if (!mkdtemp(dir))
        return NULL;
    real = realpath(dir, NULL);
    if (!real)
        rmdir(dir);
    return real;
}

/* ---- The answer */

/* Names of files as the caller knows them. */
static void forget_dir(json_t *value)
{
    const char *key, *text;
    json_t *member;
    size_t i;

    json_array_foreach(value, i, member) forget_dir(member);
    json_object_foreach(value, key, member)
    {
        text = strcmp(key, "filename") ? NULL : json_string_value(member);
        text = text ? strstr(text, "/upload-") : NULL;
        text = text ? strchr(text + 1, '/') : NULL;
        if (text)
            json_string_set(member, text + 1);
        forget_dir(member);
    }
}

static json_t *tell(json_t *said, int code, AkBytes words, unsigned *status)
{
    size_t found = json_array_size(json_object_get(said, "findings"));

    (void)words;
    forget_dir(said);
    if (code == 0)
        return said;
    json_object_del(said, "refused");
    *status = code == AK_EXIT_REFUSED ? 409 : 503;
    json_object_set_new(said, "code", json_string(*status == 409 ? "refused" : "unavailable"));
    if (!json_object_get(said, "error"))
        json_object_set_new(
            said, "error",
            json_sprintf("refused by the gate: %zu finding%s", found, found == 1 ? "" : "s"));
    return said;
}

/* The flags that stand for the members of the body; NULL, or what is wrong with them. */
static json_t *flags_of(json_t *body, const char *words[AK_API_WORDS], size_t n)
{
    static const char *const all[][2] = {{"check", "--check"},
                                         {"migrate", "--migrate"},
                                         {"dialect", "--dialect"},
                                         {"fail_on", "--fail-on"}};
    const char *rule;
    json_t *allow = json_object_get(body, "allow"), *reason;

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        json_t *value = json_object_get(body, all[i][0]);
        if (json_is_true(value) || json_is_string(value))
            words[n++] = all[i][1];
        if (json_is_string(value))
            words[n++] = json_string_value(value);
    }
    if (json_object_size(allow) > ALLOW_MAX)
        return ak_admin_error(AK_EXIT_USAGE, "allow: %d rules at most", ALLOW_MAX);
    json_object_foreach(allow, rule, reason)
    {
        if (!json_string_length(reason))
            return ak_admin_error(AK_EXIT_USAGE, "allow: '%.20s' wants a reason, a text", rule);
        words[n++] = "--allow";
        words[n++] = rule;
        words[n++] = "--reason";
        words[n++] = json_string_value(reason);
    }
    return NULL;
}

json_t *ak__api_deploy(AkApiCall *call)
{
    const char *words[AK_API_WORDS] = {"deploy"};

    if (!*call->serve->options->token)
        return ak_admin_error(AK_EXIT_NO_TOKEN,
                              "to deploy over HTTP the server needs a token, on localhost too: "
                              "AK_TOKEN, or the setting serve.token; ak deploy needs none");
    char *dir = make_dir(&call->serve->home->place);
    if (!dir)
        return ak_admin_error(AK_EXIT_FAILED, "no folder for the files: %s", strerror(errno));
    words[1] = dir;
    json_t *error = flags_of(call->body, words, 2);
    if (!error)
        error = write_files(dir, json_object_get(call->body, "files"));
    if (!error)
        return ak__api_child(call, words, DEPLOY_S, dir, tell);
    ak_remove_tree(dir);
    free(dir);
    return error;
}
