#define _GNU_SOURCE
#include "runner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { SECOND_US = 1000000, FLUSH_WAIT_US = SECOND_US / 2, STACK_QUIET_US = SECOND_US / 20 };

/* What a runner's life is waiting for; its one timer belongs to this. */
typedef enum Phase {
    STARTING, /* for `module` */
    TALKING,
    STOPPED,   /* somebody sent SIGSTOP */
    HUNG_UP,   /* the socket is closed, the process should end soon */
    FINISHING, /* after `done`: flushes */
    ENDING,    /* SIGKILL was sent */
    STUCK,     /* loading took too long, the stack was asked for */
} Phase;

struct AkRunner {
    AkRunner *next;
    AkHost *host;
    const AkRunnerEvents *events; /* NULL: nobody listens any more */
    AkLateOutput *late;           /* after ak_runner_finish */
    char name[64];
    void *owner;
    uint32_t id;
    int pid;
    Phase phase;
    int listener, sock, out[2];
    char path[108];
    AkWatch *sock_watch, *out_watch[2];
    AkTimer *timer;
    AkReader *reader;
    AkText unsent, stack;
    size_t sent;
    bool wants_stack;
    AkTimer *quiet;
};

struct AkHost {
    AkLoop *loop;
    AkWarm *warm;
    AkHostOptions options;
    AkRunner *runners;
    uint32_t last_id;
    char *dir; /* of the sockets for other interpreters */
};

static void on_told(void *owner, const AkZygoteTell *telling);
static void on_warm_output(void *owner, int stream, const char *text, size_t len);
static void on_warm_lost(void *owner, const char *how);

AkHost *ak_host_new(AkLoop *loop, const AkHostOptions *options)
{
    static const AkWarmEvents events = {on_told, on_warm_output, on_warm_lost};
    AkHost *host = calloc(1, sizeof *host);

    if (!host)
        return NULL;
    host->loop = loop;
    host->options = *options;
    if (!host->options.start_wait_us)
        host->options.start_wait_us = 10 * SECOND_US;
    if (!host->options.stop_wait_us)
        host->options.stop_wait_us = 10 * SECOND_US;
    if (options->warm.interpreter) {
        const char *base = getenv("XDG_RUNTIME_DIR");
        if (asprintf(&host->dir, "%s/ak-XXXXXX", base && strlen(base) < 60 ? base : "/tmp") <
                0 ||
            !mkdtemp(host->dir)) {
            free(host->dir);
            free(host);
            return NULL;
        }
    }
    host->warm = ak_warm_new(loop, &options->warm, &events, host);
    return host;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void close_socket(AkRunner *r)
{
    ak_unwatch(r->sock_watch);
    r->sock_watch = NULL;
    close_fd(&r->sock);
    close_fd(&r->listener);
    if (r->path[0])
        unlink(r->path);
    r->path[0] = '\0';
}

static void free_runner(AkRunner *r)
{
    AkRunner **link = &r->host->runners;

    while (*link != r)
        link = &(*link)->next;
    *link = r->next;
    close_socket(r);
    for (int i = 0; i < 2; i++) {
        ak_unwatch(r->out_watch[i]);
        close_fd(&r->out[i]);
    }
    ak_timer_free(r->timer);
    ak_timer_free(r->quiet);
    ak_reader_free(r->reader);
    ak_text_free(&r->unsent);
    ak_text_free(&r->stack);
    free(r);
}

void ak_host_free(AkHost *host)
{
    if (!host)
        return;
    ak_warm_free(host->warm);
    while (host->runners)
        free_runner(host->runners);
    if (host->dir)
        rmdir(host->dir);
    free(host->dir);
    free(host);
}

bool ak_host_is_finishing(const AkHost *host)
{
    for (const AkRunner *r = host->runners; r; r = r->next)
        if (r->phase == FINISHING)
            return true;
    return false;
}

static void kill_now(AkRunner *r)
{
    r->phase = ENDING;
    ak_warm_signal(r->host->warm, r->id, SIGKILL);
    /* A lost ending must not keep the runner for ever: the warm process answers within moments.
     */
    ak_timer_set(r->timer, 5 * SECOND_US);
}

/* --- What the process prints
 * ------------------------------------------------------------------ */

static void drain_output(AkRunner *r, int i)
{
    char text[8192];
    ssize_t n;

    while (r->out[i] >= 0 && (n = read(r->out[i], text, sizeof text)) != -1) {
        if (n == 0) {
            ak_unwatch(r->out_watch[i]);
            r->out_watch[i] = NULL;
            close_fd(&r->out[i]);
            return;
        }
        if (i == 1 && r->wants_stack) {
            ak_text_add(&r->stack, text, (size_t)n);
            ak_timer_set(r->quiet, STACK_QUIET_US);
        } else if (r->events && r->events->output) {
            r->events->output(r->owner, i + 1, text, (size_t)n);
        } else if (r->late) {
            r->late(r->owner, r->name, i + 1, text, (size_t)n);
        }
    }
}

static void on_stdout(void *owner, unsigned events)
{
    (void)events;
    drain_output(owner, 0);
}

static void on_stderr(void *owner, unsigned events)
{
    (void)events;
    drain_output(owner, 1);
}

/* The stack is whole when nothing came for a moment. */
static void on_quiet(void *owner)
{
    AkRunner *r = owner;

    r->wants_stack = false;
    if (!r->events)
        return;
    if (r->phase == STUCK) {
        const AkRunnerEvents *events = r->events;
        AkHost *host = r->host;
        kill_now(r);
        r->events = NULL;
        events->stuck(r->owner, r->stack.at ? r->stack.at : "");
        /* It hangs in a module: the next session gets a new one. */
        if (ak_warm_is_embedded(host->warm) && !ak_warm_is_ready(host->warm))
            ak_warm_kill(host->warm);
    } else {
        r->events->stack(r->owner, r->stack.at ? r->stack.at : "");
    }
}

void ak_runner_ask_stack(AkRunner *r)
{
    ak_text_clear(&r->stack);
    r->wants_stack = true;
    ak_warm_signal(r->host->warm, r->id, SIGUSR1);
}

/* --- The conversation
 * --------------------------------------------------------------------------- */

static void tell_broken(AkRunner *r, const char *why)
{
    const AkRunnerEvents *events = r->events;

    kill_now(r);
    close_socket(r);
    r->events = NULL;
    if (events)
        events->broken(r->owner, why);
}

static void give_messages(AkRunner *r)
{
    AkMessage message;
    int got = 0;

    while (r->events && (got = ak_reader_next(r->reader, &message)) > 0) {
        if (r->phase == STARTING || r->phase == STUCK) {
            /* Late, but before anybody was told. */
            r->phase = TALKING;
            r->wants_stack = false;
            ak_timer_clear(r->timer);
            ak_timer_clear(r->quiet);
        }
        r->events->message(r->owner, &message);
    }
    if (r->events && got < 0)
        tell_broken(r, ak_reader_error(r->reader));
}

static void hung_up(AkRunner *r)
{
    if (!ak_reader_is_empty(r->reader) && r->events) {
        tell_broken(r, "the connection ended in the middle of a line");
        return;
    }
    close_socket(r);
    if (r->phase == FINISHING || r->phase == ENDING)
        return;
    r->phase = HUNG_UP;
    ak_timer_set(r->timer, SECOND_US);
}

/* One read a turn unless `whole`: others are served in between. */
static void read_socket(AkRunner *r, bool whole)
{
    ssize_t n;

    do {
        size_t size;
        char *room = ak_reader_room(r->reader, &size);
        if (!room) {
            tell_broken(r, "out of memory");
            return;
        }
        n = recv(r->sock, room, size, MSG_DONTWAIT);
        if (n > 0) {
            ak_reader_filled(r->reader, (size_t)n);
            give_messages(r);
        }
    } while (n > 0 && whole && r->sock >= 0 && r->events);
    if (r->sock >= 0 && (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)))
        hung_up(r);
}

static void write_socket(AkRunner *r)
{
    while (r->sock >= 0 && r->sent < r->unsent.len) {
        ssize_t n = send(r->sock, r->unsent.at + r->sent, r->unsent.len - r->sent,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            if (errno == EAGAIN)
                ak_watch_want(r->sock_watch, AK_READABLE | AK_WRITABLE);
            return; /* anything else shows itself to the next read */
        }
        r->sent += (size_t)n;
    }
    if (r->sent && r->sock_watch)
        ak_watch_want(r->sock_watch, AK_READABLE);
    ak_text_clear(&r->unsent);
    r->sent = 0;
}

static void on_socket(void *owner, unsigned events)
{
    AkRunner *r = owner;

    if (events & AK_WRITABLE)
        write_socket(r);
    if (events & AK_READABLE && r->sock >= 0 && r->events)
        read_socket(r, false);
}

static void on_connect(void *owner, unsigned events)
{
    AkRunner *r = owner;

    (void)events;
    r->sock = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (r->sock < 0)
        return;
    ak_unwatch(r->sock_watch);
    close_fd(&r->listener);
    unlink(r->path);
    r->path[0] = '\0';
    r->sock_watch = ak_watch(r->host->loop, r->sock, AK_READABLE, on_socket, r);
    write_socket(r);
}

void ak_runner_send(AkRunner *r, const char *line, size_t len)
{
    if (r->unsent.len == r->sent && r->sock >= 0) {
        ssize_t n = send(r->sock, line, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n == (ssize_t)len)
            return;
        if (n > 0) {
            line += n;
            len -= (size_t)n;
        }
    }
    ak_text_add(&r->unsent, line, len);
    write_socket(r);
}

/* --- Its life
 * ------------------------------------------------------------------------------------- */

static void tell_lost(AkRunner *r, const char *how)
{
    const AkRunnerEvents *events = r->events;

    r->events = NULL;
    if (events)
        events->lost(r->owner, how);
}

static void on_timer(void *owner)
{
    AkRunner *r = owner;
    AkHost *host = r->host;

    switch (r->phase) {
    case STARTING:
        r->phase = STUCK;
        if (ak_warm_is_embedded(host->warm) && !ak_warm_is_ready(host->warm)) {
            r->wants_stack = true;
            ak_warm_ask_stack(host->warm);
        } else {
            ak_runner_ask_stack(r);
        }
        ak_timer_set(r->quiet, SECOND_US);
        return;
    case STOPPED:
        tell_broken(r, "the process was stopped by a signal and nobody let it go on");
        return;
    case HUNG_UP:
        kill_now(r);
        tell_lost(r, "it closed its connection");
        return;
    case FINISHING: kill_now(r); return;
    case ENDING: free_runner(r); return;
    case TALKING:
    case STUCK: return;
    }
}

static AkRunner *find(AkHost *host, uint32_t id)
{
    AkRunner *r = host->runners;

    while (r && r->id != id)
        r = r->next;
    return r;
}

static void ended(AkRunner *r, const char *how)
{
    /* What it said before it ended still counts. */
    if (r->sock < 0 && r->listener >= 0)
        on_connect(r, 0);
    if (r->sock >= 0 && r->events)
        read_socket(r, true);
    for (int i = 0; i < 2; i++)
        drain_output(r, i);
    tell_lost(r, how);
    free_runner(r);
}

static void on_told(void *owner, const AkZygoteTell *t)
{
    AkRunner *r = find(owner, t->id);
    char how[128];

    if (!r)
        return;
    switch ((AkZygoteTellKind)t->kind) {
    case AK_ZYGOTE_STARTED: r->pid = t->pid; break;
    case AK_ZYGOTE_STOPPED:
        if (r->phase == TALKING || r->phase == STARTING) {
            r->phase = STOPPED;
            ak_timer_set(r->timer, r->host->options.stop_wait_us);
        }
        break;
    case AK_ZYGOTE_CONTINUED:
        if (r->phase == STOPPED) {
            r->phase = TALKING;
            ak_timer_clear(r->timer);
        }
        break;
    case AK_ZYGOTE_TOO_MANY:
        tell_broken(r, "it started more processes than a runner may have");
        break;
    case AK_ZYGOTE_REFUSED:
        snprintf(how, sizeof how, "no process could be made: %s", strerror(t->status));
        ended(r, how);
        break;
    case AK_ZYGOTE_ENDED: ended(r, ak_status_words(t->status, how, sizeof how)); break;
    case AK_ZYGOTE_READY: break;
    }
}

static void on_warm_output(void *owner, int stream, const char *text, size_t len)
{
    AkHost *host = owner;

    for (AkRunner *r = host->runners; stream == 2 && r; r = r->next) {
        if (r->phase == STUCK && r->wants_stack) {
            ak_text_add(&r->stack, text, len);
            ak_timer_set(r->quiet, STACK_QUIET_US);
            return;
        }
    }
    /* Modules print while they are loaded: whoever waits for them hears it. */
    for (AkRunner *r = host->runners; r; r = r->next) {
        if (r->events && r->events->output) {
            r->events->output(r->owner, stream, text, len);
            return;
        }
    }
}

static void on_warm_lost(void *owner, const char *how)
{
    AkHost *host = owner;

    for (AkRunner *r = host->runners, *next; r; r = next) {
        next = r->next;
        if (r->pid)
            kill(-r->pid, SIGKILL);
        ended(r, how);
    }
}

static int listen_at(AkRunner *r)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(r->path, sizeof r->path, "%s/%u.sock", r->host->dir, r->id);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", r->path);
    r->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (r->listener < 0 || bind(r->listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(r->listener, 1) < 0)
        return -1;
    r->sock_watch = ak_watch(r->host->loop, r->listener, AK_READABLE, on_connect, r);
    return r->sock_watch ? 0 : -1;
}

static int open_channels(AkRunner *r, int theirs[AK_ZYGOTE_ASK_FDS])
{
    int pair[2], out[2], err[2];

    if (r->host->dir) {
        if (listen_at(r) < 0)
            return -1;
        theirs[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    } else {
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
            return -1;
        r->sock = pair[0];
        theirs[0] = pair[1];
        r->sock_watch = ak_watch(r->host->loop, r->sock, AK_READABLE, on_socket, r);
        if (!r->sock_watch)
            return -1;
    }
    if (pipe2(out, O_CLOEXEC) < 0)
        return -1;
    r->out[0] = out[0];
    theirs[1] = out[1];
    if (pipe2(err, O_CLOEXEC) < 0)
        return -1;
    r->out[1] = err[0];
    theirs[2] = err[1];
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    fcntl(err[0], F_SETFL, O_NONBLOCK);
    r->out_watch[0] = ak_watch(r->host->loop, out[0], AK_READABLE, on_stdout, r);
    r->out_watch[1] = ak_watch(r->host->loop, err[0], AK_READABLE, on_stderr, r);
    return r->out_watch[0] && r->out_watch[1] ? 0 : -1;
}

AkRunner *ak_runner_start(AkHost *host, const char *entry, const AkRunnerEvents *events,
                          void *owner)
{
    int theirs[AK_ZYGOTE_ASK_FDS] = {-1, -1, -1};
    AkRunner *r = calloc(1, sizeof *r);

    if (!r)
        return NULL;
    *r = (AkRunner){.next = host->runners,
                    .host = host,
                    .events = events,
                    .owner = owner,
                    .id = ++host->last_id,
                    .listener = -1,
                    .sock = -1,
                    .out = {-1, -1},
                    .timer = ak_timer_new(host->loop, on_timer, r),
                    .quiet = ak_timer_new(host->loop, on_quiet, r),
                    .reader = ak_reader_new(AK_FROM_RUNNER, host->options.max_line)};
    host->runners = r;
    int failed =
        !r->timer || !r->quiet || !r->reader || open_channels(r, theirs) < 0 ||
        ak_warm_start_runner(host->warm, r->id, entry, r->path[0] ? r->path : NULL, theirs) < 0;
    int why = errno;
    for (int i = 0; i < AK_ZYGOTE_ASK_FDS; i++)
        close_fd(&theirs[i]);
    if (failed) {
        free_runner(r);
        errno = why;
        return NULL;
    }
    ak_timer_set(r->timer, host->options.start_wait_us);
    return r;
}

int ak_runner_pid(const AkRunner *r)
{
    return r->pid;
}

void ak_runner_end(AkRunner *r)
{
    r->events = NULL;
    close_socket(r);
    if (r->phase != ENDING)
        kill_now(r);
}

void ak_runner_finish(AkRunner *r, AkLateOutput *late, void *owner, const char *name)
{
    r->events = NULL;
    close_socket(r);
    if (r->phase == ENDING)
        return;
    r->late = late;
    r->owner = owner;
    snprintf(r->name, sizeof r->name, "%s", name);
    r->phase = FINISHING;
    ak_timer_set(r->timer, FLUSH_WAIT_US);
}
