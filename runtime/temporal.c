#define _GNU_SOURCE
#include "temporal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bundle.h"
#include "embedded.h"
#include "exit_codes.h"
#include "hosts.h"
#include "python_host.h"
#include "venv.h"

enum { MOST_WORDS = 128 };

typedef struct Words {
    const char *at[MOST_WORDS];
    size_t len;
} Words;

static void word(Words *words, const char *text)
{
    if (words->len < MOST_WORDS - 1)
        words->at[words->len++] = text;
}

static void pair(Words *words, const char *name, const char *value)
{
    if (value) {
        word(words, name);
        word(words, value);
    }
}

/* --- The environment with the SDK
 * ---------------------------------------------------------------------------------- */

/* Runs quietly, its output in a log. 0, or -1. */
static int quietly(const char *log, const char *const *argv)
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        dup2(fd, 1);
        dup2(fd, 2);
        execvp(argv[0], (char *const *)argv);
        _exit(127);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

/* The folder's name tells the list of packages and the interpreter that made it. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return hash;
}

static uint64_t environment_name(const char *python)
{
    uint64_t hash = hash_text(14695981039346656037u, python);

    for (const AkEmbedded *file = ak_embedded; file->path; file++)
        if (!strcmp(file->path, "temporal/requirements.txt"))
            hash = hash_text(hash, (const char *)file->bytes);
    return hash;
}

static int make_environment(const char *python, const char *support, const char *env,
                            const char *log)
{
    char list[1400], inner[1400];

    snprintf(list, sizeof list, "%s/temporal/requirements.txt", support);
    snprintf(inner, sizeof inner, "%s/bin/python", env);
    fprintf(stderr, "ak: fetching Temporal's SDK for Python, once ...\n");
    unlink(log);
    ak_remove_tree(env);
    if (quietly(log, (const char *[]){python, "-m", "venv", env, NULL}) < 0 ||
        quietly(log, (const char *[]){inner, "-m", "pip", "install", "--quiet",
                                      "--disable-pip-version-check", "--no-deps",
                                      "--require-hashes", "-r", list, NULL}) < 0) {
        ak_remove_tree(env);
        return ak_say_error(AK_EXIT_NOT_FOUND,
                            "Temporal's SDK for Python could not be installed with %s (its "
                            "words: %s); name an interpreter that has it: --sdk-python",
                            python, log);
    }
    return 0;
}

/* Made by one process at a time, and whole or not at all: .made is written last. */
static int managed_environment(const AkPlace *place, const char *support, char *python,
                               size_t size)
{
    char env[1200], path[1400], log[1400];
    const char *base = ak_python_executable();

    snprintf(env, sizeof env, "%s/cache/temporal-%016llx", place->dir,
             (unsigned long long)environment_name(base));
    snprintf(python, size, "%s/bin/python", env);
    snprintf(path, sizeof path, "%s.lock", env);
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0 || flock(lock, LOCK_EX) < 0)
        return ak_say_error(AK_EXIT_FAILED, "%s: %s", path, strerror(errno));
    snprintf(path, sizeof path, "%s/.made", env);
    snprintf(log, sizeof log, "%s.log", env);
    int code = access(path, F_OK) == 0 ? 0 : make_environment(base, support, env, log);
    if (!code)
        close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    close(lock);
    return code;
}

/* --- The command
 * ---------------------------------------------------------------------------------- */

const char *ak_temporal_python(const AkArgs *args, const AkConfig *config)
{
    static char path[1200];
    const char *given = ak_args_value(args, "python");

    if (!given)
        given = ak_config_text(config, "run.python");
    return *given ? ak_venv_python(given, path, sizeof path) : ak_python_executable();
}

/* What every command of the Python side takes. */
static void add_common(Words *words, const AkArgs *args, const char *shared, const char *cache)
{
    static const char *const values[][2] = {
        {"temporal", "--temporal"},
        {"namespace", "--namespace"},
        {"task-queue", "--task-queue"},
        {"tls-ca", "--tls-ca"},
        {"tls-cert", "--tls-cert"},
        {"tls-key", "--tls-key"},
        {"tls-server-name", "--tls-server-name"},
        {"api-key", "--api-key-file"},
        {"codec", "--codec"},
    };

    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        pair(words, values[i][1], ak_args_value(args, values[i][0]));
    if (ak_args_switch(args, "tls"))
        word(words, "--tls");
    pair(words, "--shared", shared);
    pair(words, "--cache", cache);
}

static int set_environment(const char *support)
{
    char path[1400], self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

    self[n < 0 ? 0 : n] = '\0';
    snprintf(path, sizeof path, "%s/temporal", support);
    /* The codec's and the interceptors' modules may lie in PYTHONPATH as it was. */
    const char *before = getenv("PYTHONPATH");
    char *both = NULL;
    if (asprintf(&both, "%s%s%s", path, before && *before ? ":" : "", before ? before : "") < 0)
        return -1;
    setenv("PYTHONPATH", both, 1);
    setenv("AK_PROGRAM", self, 1);
    free(both);
    return 0;
}

/* HOST:PORT, as Temporal's SDK wants it. */
static bool is_address(const char *text)
{
    const char *colon = text ? strrchr(text, ':') : NULL;
    char *end;

    if (!colon || colon == text)
        return false;
    long port = strtol(colon + 1, &end, 10);
    return !*end && end != colon + 1 && port > 0 && port < 65536;
}

int ak_temporal_in(const AkArgs *args, const AkConfig *config, const AkPlace *place,
                   const char *name, const char *const *more)
{
    char support[1200], python[1300], shared[1200], cache[1200];
    const char *given = ak_args_value(args, "sdk-python"), *dir = ak_args_value(args, "shared");
    Words words = {0};
    int code = 0;

    if (!is_address(ak_args_value(args, "temporal")))
        return ak_usage_error("--temporal wants HOST:PORT, not '%s'",
                              ak_args_value(args, "temporal"));
    if (!dir || !*dir)
        dir = ak_config_text(config, "temporal.shared");
    snprintf(shared, sizeof shared, "%s%s", *dir ? dir : place->dir, *dir ? "" : "/temporal");
    snprintf(cache, sizeof cache, "%s/cache/temporal", place->dir);
    if (ak_make_dirs(cache) < 0)
        return ak_say_error(AK_EXIT_FAILED, "%s: %s", cache, strerror(errno));
    if (ak_support_dir(place, support, sizeof support) < 0)
        return ak_say_error(AK_EXIT_FAILED, "%s: %s", support, strerror(errno));
    if (given)
        snprintf(python, sizeof python, "%s", given);
    else
        code = managed_environment(place, support, python, sizeof python);
    if (code)
        return code;
    word(&words, python);
    word(&words, "-s");
    word(&words, "-m");
    word(&words, "ak_temporal");
    word(&words, name);
    add_common(&words, args, shared, cache);
    for (; more && *more; more++)
        word(&words, *more);
    if (!strcmp(name, "worker") || !strcmp(name, "deploy")) {
        pair(&words, "--support", support);
        pair(&words, "--python", ak_temporal_python(args, config));
    }
    set_environment(support);
    execvp(python, (char *const *)words.at);
    return ak_say_error(AK_EXIT_NOT_FOUND, "%s: %s", python, strerror(errno));
}

int ak_temporal_run(const AkArgs *args, const AkConfig *config, const AkPlace *place,
                    const char *name, const char *const *more)
{
    int status = 0;

    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        int code = ak_temporal_in(args, config, place, name, more);
        fflush(NULL);
        _exit(code);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (pid < 0 || !WIFEXITED(status))
        return ak_say_error(AK_EXIT_FAILED, "the command for Temporal did not end by itself");
    return WEXITSTATUS(status);
}
