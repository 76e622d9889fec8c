/* aklint check --watch: each check is a process of its own, started when a file that counts
 * changes; a change during a check ends it and starts the next. Between changes nothing runs. */
#define _GNU_SOURCE
#include "commands.h"

#include <stdio.h>

static int fail(const char *sentence)
{
    fprintf(stderr, "aklint: %s\n", sentence);
    return 2;
}

#ifdef __linux__
#include "paths.h"
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { INTERRUPTED = 130, QUIET_MS = 30, MOST_PIECES = 30 };

typedef struct Watch {
    int argc;
    char **argv;
    CliOptions options; /* of this round */
    int changes;        /* inotify */
    size_t folders;
    pid_t child; /* 0: none */
    int alive;   /* a pipe that the child holds open */
    sigset_t signals_before;
} Watch;

static volatile sig_atomic_t stopped;

static void stop(int signal_number)
{
    (void)signal_number;
    stopped = 1;
}

/* They come while we wait, and then only: none is lost between a look and a wait. */
static void take_signals(sigset_t *before)
{
    struct sigaction action = {.sa_handler = stop};
    sigset_t ours;

    sigemptyset(&ours);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    sigprocmask(SIG_BLOCK, &ours, before);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* ---- folders ---- */

static int watch_folder(Watch *w, CliMap *seen, const char *path)
{
    const uint32_t events = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVE | IN_DELETE_SELF |
                            IN_MOVE_SELF | IN_ONLYDIR;

    if (cli_map_has(seen, path))
        return 0;
    cli_map_put(seen, path, path);
    if (inotify_add_watch(w->changes, path, events) >= 0)
        w->folders++;
    else if (errno == ENOSPC)
        return fail("there are more folders than this system lets watch: raise "
                    "fs.inotify.max_user_watches");
    return 0;
}

/* Where a path is typed, settings of the folders above count too, up to where its project
 * begins; and the path may come and go. */
static int watch_named(Watch *w, CliMap *seen, const char *typed)
{
    const char *path = cli_path_absolute(typed), *base = cli_paths_base();
    struct stat st;
    int status;

    if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
        path = cli_path_folder(path);
    status = watch_folder(w, seen, path);
    while (!status && strcmp(path, "/") && cli_path_within(path = cli_path_folder(path), base))
        status = watch_folder(w, seen, path);
    return status;
}

static int watch_found(Watch *w, CliMap *seen, const CliRun *run)
{
    const CliSettings *settings;
    const char *path;
    int status = 0;

    for (size_t at = 0; !status && (path = cli_map_next(&run->files.folders, &at));)
        status = watch_folder(w, seen, path);
    for (size_t i = 0; !status && i < run->files.found.len; i++)
        status = watch_folder(w, seen,
                              cli_path_folder(((CliFile *)run->files.found.items[i])->path));
    for (size_t at = 0; !status && (settings = cli_map_next(&run->configs.by_file, &at));)
        status = watch_folder(w, seen, settings->folder);
    return status;
}

static int watch_all(Watch *w)
{
    const CliOptions *o = &w->options;
    CliMap seen = {0};
    CliRun run;
    int status = cli_run_start(&run, o);

    w->folders = 0;
    for (size_t i = 0; !status && i < o->words.len; i++)
        status = watch_named(w, &seen, cli_list_text(&o->words, i));
    if (!status && !o->words.len)
        status = watch_named(w, &seen, ".");
    if (!status && o->baseline)
        status = watch_named(w, &seen, o->baseline);
    if (!status)
        status = watch_found(w, &seen, &run);
    cli_run_end(&run);
    return status;
}

/* ---- changes ---- */

static bool ends_in(const char *name, const char *end)
{
    size_t len = strlen(name), n = strlen(end);

    return len > n && !strcmp(name + len - n, end);
}

/* A file counts once it is written, not when it is made. */
static bool counts(const Watch *w, const struct inotify_event *event)
{
    const char *name = event->len ? event->name : "";

    if (event->mask & (IN_ISDIR | IN_DELETE_SELF | IN_MOVE_SELF | IN_Q_OVERFLOW))
        return *name != '.';
    if (w->options.baseline && !strcmp(name, cli_path_name(w->options.baseline)))
        return true;
    return !(event->mask & IN_CREATE) &&
           (ends_in(name, ".py") || ends_in(name, ".toml") || !strcmp(name, ".gitignore") ||
            !strcmp(name, "autokitteh.yaml"));
}

/* Takes what is there; whether any of it counts. */
static bool take_changes(const Watch *w)
{
    _Alignas(struct inotify_event) char events[16 * 1024];
    bool any = false;
    ssize_t n = read(w->changes, events, sizeof events);

    for (ssize_t at = 0; at < n;) {
        const struct inotify_event *event = (const void *)(events + at);
        any |= counts(w, event);
        at += (ssize_t)(sizeof *event + event->len);
    }
    return any;
}

/* An editor that saves, or git, makes many changes in a row. */
static void let_settle(const Watch *w)
{
    struct pollfd wait = {.fd = w->changes, .events = POLLIN};

    for (int i = 0; i < MOST_PIECES && poll(&wait, 1, QUIET_MS) > 0; i++)
        take_changes(w);
}

/* ---- checks ---- */

static void child_ended(Watch *w)
{
    waitpid(w->child, NULL, 0);
    close(w->alive);
    w->child = 0;
    w->alive = -1;
}

static void end_child(Watch *w)
{
    if (!w->child)
        return;
    kill(w->child, SIGINT);
    child_ended(w);
}

static int be_child(const Watch *w)
{
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    sigprocmask(SIG_SETMASK, &w->signals_before, NULL);
    close(w->changes);
    return cli_check(&w->options);
}

/* Its memory and threads go with it. */
static int start_child(Watch *w)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return fail("no pipe can be made");
    w->child = fork();
    if (w->child == 0)
        exit(be_child(w));
    close(ends[1]);
    w->alive = ends[0];
    if (w->child > 0)
        return 0;
    close(ends[0]);
    w->child = 0;
    return fail("no process can be started");
}

/* A check that writes is let finish: its own changes are no reason to end it. */
static bool may_be_ended(const CliOptions *o)
{
    return !o->fix && !o->add_allow && !o->update_baseline && !o->grow_baseline;
}

static void say_that_it_watches(const Watch *w)
{
    if (!w->options.quiet)
        fprintf(stderr, "Watching %zu folder%s; Ctrl-C ends.\n", w->folders,
                w->folders == 1 ? "" : "s");
}

/* Until something counts that changed, Ctrl-C, or nobody reads any more. */
static void wait_for_change(Watch *w)
{
    while (!stopped) {
        struct pollfd waits[] = {{.fd = STDOUT_FILENO},
                                 {.fd = w->child ? w->alive : -1, .events = POLLIN},
                                 {.fd = w->changes, .events = POLLIN}};
        waits[2].fd = !w->child || may_be_ended(&w->options) ? w->changes : -1;
        if (ppoll(waits, 3, NULL, &w->signals_before) < 0)
            continue;
        if (waits[0].revents & POLLERR)
            stopped = 1;
        if (waits[1].revents) {
            child_ended(w);
            say_that_it_watches(w);
        }
        if (waits[2].revents && take_changes(w))
            break;
    }
    if (!stopped)
        let_settle(w);
    end_child(w);
}

static void clear_screen(void)
{
    if (isatty(STDOUT_FILENO))
        fputs("\033[H\033[2J\033[3J", stdout);
    fflush(stdout);
}

static int check_and_wait(Watch *w, bool first)
{
    int status = cli_paths_start() ? cli_options_read(&w->options, w->argc, w->argv) : 2;

    if (!status)
        status = cli_check_usage(&w->options);
    if (status)
        return status;
    clear_screen();
    status = watch_all(w);
    if (!status)
        status = start_child(w);
    else if (!first)
        say_that_it_watches(w);
    /* A file of settings that cannot be read for now may be mended. */
    if (!status || !first)
        wait_for_change(w);
    cli_forget();
    return first ? status : 0;
}

int cli_watch(int argc, char **argv)
{
    Watch w = {.argc = argc, .argv = argv, .alive = -1};
    int status = 0;

    w.changes = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (w.changes < 0)
        return fail("this system lets no folder be watched (inotify)");
    take_signals(&w.signals_before);
    for (bool first = true; !status && !stopped; first = false)
        status = check_and_wait(&w, first);
    close(w.changes);
    return status ? status : INTERRUPTED;
}

#else

int cli_watch(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return fail("--watch works on Linux only");
}
#endif
