#define _GNU_SOURCE
#include "warm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_ARGS = 16 };

struct AkWarm {
    AkLoop *loop;
    AkWarmEvents events;
    void *owner;
    char *program, *interpreter, *cwd, *args[MAX_ARGS];
    char **env;
    pid_t pid; /* 0: not started */
    bool ready;
    int control, out[2]; /* out: what it prints, stdout and stderr */
    AkWatch *control_watch, *out_watch[2];
    AkTimer *dead; /* `lost` comes from the loop, never from inside a call */
};

static char *copy(const char *text)
{
    return text ? strdup(text) : NULL;
}

static char *argument(const char *name, const char *value)
{
    char *text;

    return asprintf(&text, "%s=%s", name, value ? value : "") < 0 ? NULL : text;
}

static char *number(const char *name, uint64_t value)
{
    char *text;

    return asprintf(&text, "%s=%llu", name, (unsigned long long)value) < 0 ? NULL : text;
}

static void free_list(char **list)
{
    for (char **item = list; item && *item; item++)
        free(*item);
}

static char **copy_env(char *const *env)
{
    size_t n = 0;

    while (env[n])
        n++;
    char **own = calloc(n + 1, sizeof *own);
    for (size_t i = 0; own && i < n; i++)
        own[i] = strdup(env[i]);
    return own;
}

static void report_lost(void *owner);

AkWarm *ak_warm_new(AkLoop *loop, const AkWarmSpec *spec, const AkWarmEvents *events,
                    void *owner)
{
    AkWarm *warm = calloc(1, sizeof *warm);
    char *runner = NULL;

    if (!warm || asprintf(&runner, "%s/ak_runner.py", spec->support) < 0) {
        free(warm);
        return NULL;
    }
    *warm = (AkWarm){.loop = loop,
                     .events = *events,
                     .owner = owner,
                     .control = -1,
                     .out = {-1, -1},
                     .program = copy(spec->program ? spec->program : "/proc/self/exe"),
                     .interpreter = copy(spec->interpreter),
                     .cwd = copy(spec->cwd),
                     .env = copy_env(spec->env),
                     .dead = ak_timer_new(loop, report_lost, warm)};
    char *list[] = {strdup("ak"),
                    strdup(AK_ZYGOTE_WORD),
                    argument("entry", spec->entry),
                    argument("code", spec->code),
                    argument("support", spec->support),
                    argument("runner", spec->runner ? spec->runner : runner),
                    argument("tar", spec->tar),
                    argument("python", spec->interpreter),
                    argument("venv", spec->venv),
                    number("memory", spec->limits.memory_bytes),
                    number("files", spec->limits.open_files),
                    number("processes", spec->limits.processes)};
    memcpy(warm->args, list, sizeof list);
    free(runner);
    return warm;
}

static void let_go(AkWarm *warm)
{
    ak_unwatch(warm->control_watch);
    warm->control_watch = NULL;
    if (warm->control >= 0)
        close(warm->control);
    warm->control = -1;
    for (int i = 0; i < 2; i++) {
        ak_unwatch(warm->out_watch[i]);
        warm->out_watch[i] = NULL;
        if (warm->out[i] >= 0)
            close(warm->out[i]);
        warm->out[i] = -1;
    }
    warm->ready = false;
}

/* Its end of the control socket closes, so it ends its runners and itself; SIGKILL is for one
 * that hangs in a module. */
void ak_warm_free(AkWarm *warm)
{
    if (!warm)
        return;
    let_go(warm);
    if (warm->pid) {
        for (int tries = 0; tries < 100 && waitpid(warm->pid, NULL, WNOHANG) == 0; tries++) {
            if (tries == 50)
                kill(warm->pid, SIGKILL);
            usleep(tries < 10 ? 1000 : 10000);
        }
    }
    ak_timer_free(warm->dead);
    free_list(warm->args);
    free_list(warm->env);
    free(warm->env);
    free(warm->program);
    free(warm->interpreter);
    free(warm->cwd);
    free(warm);
}

static void drain_output(AkWarm *warm, int i)
{
    char text[4096];
    ssize_t n = 0;

    while ((n = read(warm->out[i], text, sizeof text)) > 0)
        warm->events.output(warm->owner, i + 1, text, (size_t)n);
    if (n == 0) {
        ak_unwatch(warm->out_watch[i]);
        warm->out_watch[i] = NULL;
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

static void report_lost(void *owner)
{
    AkWarm *warm = owner;
    char how[128];
    int status = 0;

    if (!warm->pid)
        return;
    for (int i = 0; i < 2; i++)
        if (warm->out_watch[i])
            drain_output(warm, i);
    /* A closed control socket alone means that it is about to end. */
    for (int tries = 0; waitpid(warm->pid, &status, WNOHANG) == 0; tries++) {
        if (tries == 20)
            kill(warm->pid, SIGKILL);
        usleep(1000);
    }
    warm->pid = 0;
    let_go(warm);
    warm->events.lost(warm->owner, ak_status_words(status, how, sizeof how));
}

static void on_control(void *owner, unsigned events)
{
    AkWarm *warm = owner;
    AkZygoteTell telling;
    ssize_t n = 1;

    (void)events;
    while (warm->control >= 0 && (n = recv(warm->control, &telling, sizeof telling,
                                           MSG_DONTWAIT)) == sizeof telling) {
        if (telling.kind == AK_ZYGOTE_READY)
            warm->ready = true;
        else
            warm->events.told(warm->owner, &telling);
    }
    if (warm->control >= 0 && (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))) {
        ak_watch_want(warm->control_watch, 0);
        ak_timer_set(warm->dead, 0);
    }
}

static void become_warm(const AkWarm *warm, int control, int out, int err)
{
    /* Not to outlive `ak` while modules load; the loop of zygote.c takes over after that. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0);
    int null = open("/dev/null", O_RDONLY);
    /* All four are above 3, see pipes_above: nothing is overwritten before it was copied. */
    if (dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0 ||
        dup2(control, AK_ZYGOTE_CONTROL_FD) < 0 || (warm->cwd && chdir(warm->cwd) < 0)) {
        dprintf(2, "%s: %s\n", warm->cwd ? warm->cwd : "descriptors", strerror(errno));
        _exit(126);
    }
    close_range(AK_ZYGOTE_CONTROL_FD + 1, ~0u, 0);
    execve(warm->program, warm->args, warm->env);
    dprintf(2, "%s: %s\n", warm->program, strerror(errno));
    _exit(127);
}

static int above(int fd)
{
    if (fd < 0 || fd > AK_ZYGOTE_CONTROL_FD)
        return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, AK_ZYGOTE_CONTROL_FD + 1);
    close(fd);
    return moved;
}

/* Until it has closed what it took over, the new process holds the store's locks too: whoever
 * came to go on after our own sudden end would be refused. The pipe's end is among these. */
static void await_closing(const int alive[2])
{
    char none;

    close(alive[1]);
    while (read(alive[0], &none, 1) < 0 && errno == EINTR)
        ;
    close(alive[0]);
}

static int start(AkWarm *warm)
{
    int control[2], out[2], err[2], alive[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) < 0)
        return -1;
    if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0 || pipe2(alive, O_CLOEXEC) < 0)
        return -1;
    int theirs = above(control[1]), their_out = above(out[1]), their_err = above(err[1]);
    pid_t pid = fork();
    if (pid == 0)
        become_warm(warm, theirs, their_out, their_err);
    await_closing(alive);
    close(theirs);
    close(their_out);
    close(their_err);
    warm->control = control[0];
    warm->out[0] = out[0];
    warm->out[1] = err[0];
    if (pid < 0) {
        let_go(warm);
        return -1;
    }
    warm->pid = pid;
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    fcntl(err[0], F_SETFL, O_NONBLOCK);
    warm->control_watch = ak_watch(warm->loop, warm->control, AK_READABLE, on_control, warm);
    warm->out_watch[0] = ak_watch(warm->loop, out[0], AK_READABLE, on_stdout, warm);
    warm->out_watch[1] = ak_watch(warm->loop, err[0], AK_READABLE, on_stderr, warm);
    return 0;
}

static int ask(AkWarm *warm, const AkZygoteAsk *what, const int *fds)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int) * AK_ZYGOTE_ASK_FDS)];
        struct cmsghdr align;
    } control = {{0}};
    struct iovec part = {(void *)what, sizeof *what};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

    if (fds) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * AK_ZYGOTE_ASK_FDS);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * AK_ZYGOTE_ASK_FDS);
    }
    return sendmsg(warm->control, &message, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

int ak_warm_start_runner(AkWarm *warm, uint32_t id, const char *entry, const char *socket_path,
                         const int fds[AK_ZYGOTE_ASK_FDS])
{
    AkZygoteAsk what = {.kind = AK_ZYGOTE_START, .id = id};

    if (!warm->pid && start(warm) < 0)
        return -1;
    snprintf(what.entry, sizeof what.entry, "%s", entry);
    if (socket_path)
        snprintf(what.socket, sizeof what.socket, "%s", socket_path);
    return ask(warm, &what, fds);
}

void ak_warm_signal(AkWarm *warm, uint32_t id, int number)
{
    AkZygoteAsk what = {.kind = AK_ZYGOTE_SIGNAL, .id = id, .signal = number};

    if (warm->pid && warm->control >= 0)
        ask(warm, &what, NULL);
}

void ak_warm_ask_stack(AkWarm *warm)
{
    if (warm->pid)
        kill(warm->pid, SIGUSR1);
}

void ak_warm_kill(AkWarm *warm)
{
    if (warm->pid)
        kill(warm->pid, SIGKILL);
}

bool ak_warm_is_ready(const AkWarm *warm)
{
    return warm->ready;
}

bool ak_warm_is_embedded(const AkWarm *warm)
{
    return !warm->interpreter;
}
