/* One loop: asks from the control socket, ends of children from a signalfd. */
#define _GNU_SOURCE
#include "zygote.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bounds.h"
#include "python_host.h"

typedef struct Child {
    uint32_t id;
    pid_t pid; /* also its process group */
    bool too_many;
} Child;

typedef struct Zygote {
    AkPythonSpec python;
    const char *interpreter; /* NULL: the one built in */
    const char *runner, *tar;
    AkLimits limits;
    int signal_fd;
    int nice; /* of the runners */
    Child *children;
    size_t len, capacity;
} Zygote;

static void tell(uint32_t kind, uint32_t id, pid_t pid, int status)
{
    AkZygoteTell telling = {kind, id, pid, status};

    while (send(AK_ZYGOTE_CONTROL_FD, &telling, sizeof telling, MSG_NOSIGNAL) < 0 &&
           errno == EINTR)
        ;
}

/* An ask with its descriptors; 0 when `ak` is gone, -1 to try again. */
static int receive(AkZygoteAsk *ask, int fds[AK_ZYGOTE_ASK_FDS])
{
    union {
        char bytes[CMSG_SPACE(sizeof(int) * AK_ZYGOTE_ASK_FDS)];
        struct cmsghdr align;
    } control;
    struct iovec part = {ask, sizeof *ask};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t n = recvmsg(AK_ZYGOTE_CONTROL_FD, &message, MSG_CMSG_CLOEXEC);

    if (n < 0)
        return errno == EINTR || errno == EAGAIN ? -1 : 0;
    if (n != sizeof *ask)
        return 0;
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    if (c && c->cmsg_type == SCM_RIGHTS &&
        c->cmsg_len == CMSG_LEN(sizeof(int) * AK_ZYGOTE_ASK_FDS))
        memcpy(fds, CMSG_DATA(c), sizeof(int) * AK_ZYGOTE_ASK_FDS);
    return 1;
}

/* In the child: nothing of the warm process stays open, nothing outlives it. */
static int become_runner(const Zygote *z, const int fds[AK_ZYGOTE_ASK_FDS])
{
    sigset_t none;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0);
    if (z->nice > 0)
        setpriority(PRIO_PROCESS, 0, z->nice);
    close(AK_ZYGOTE_CONTROL_FD);
    close(z->signal_fd);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (dup2(null, 0) < 0 || dup2(fds[1], 1) < 0 || dup2(fds[2], 2) < 0)
        return -1;
    close(null);
    close(fds[1]);
    close(fds[2]);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_IGN);
    return 0;
}

static void exec_runner(const Zygote *z, const AkZygoteAsk *ask)
{
    char *const argv[] = {(char *)z->interpreter, (char *)z->runner,  (char *)ask->socket,
                          (char *)z->tar,         (char *)ask->entry, NULL};

    signal(SIGPIPE, SIG_DFL);
    if (ak_limits_apply(&z->limits) == 0)
        execvp(z->interpreter, argv);
    dprintf(2, "%s: %s\n", z->interpreter, strerror(errno));
    _exit(127);
}

static void remember(Zygote *z, uint32_t id, pid_t pid)
{
    if (z->len == z->capacity) {
        z->capacity = z->capacity ? z->capacity * 2 : 16;
        z->children = realloc(z->children, z->capacity * sizeof *z->children);
        if (!z->children)
            abort();
    }
    z->children[z->len++] = (Child){id, pid, false};
}

static void start(Zygote *z, const AkZygoteAsk *ask, int fds[AK_ZYGOTE_ASK_FDS])
{
    pid_t parent = getpid();
    pid_t pid = z->interpreter ? fork() : ak_python_fork();

    if (pid == 0) {
        if (become_runner(z, fds) < 0 || getppid() != parent ||
            ak_limits_processes(&z->limits) < 0)
            _exit(127);
        if (z->interpreter)
            exec_runner(z, ask);
        _exit(ak_python_session(fds[0], ask->entry));
    }
    int failed = errno;
    for (int i = 0; i < AK_ZYGOTE_ASK_FDS; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    if (pid < 0) {
        tell(AK_ZYGOTE_REFUSED, ask->id, 0, failed);
        return;
    }
    setpgid(pid, pid); /* both sides, whoever comes first */
    remember(z, ask->id, pid);
    tell(AK_ZYGOTE_STARTED, ask->id, pid, 0);
}

static Child *find(Zygote *z, uint32_t id, pid_t pid)
{
    for (size_t i = 0; i < z->len; i++)
        if (pid ? z->children[i].pid == pid : z->children[i].id == id)
            return &z->children[i];
    return NULL;
}

static void reap(Zygote *z)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED)) > 0) {
        Child *child = find(z, 0, pid);
        if (!child)
            continue; /* a grandchild that was left to us */
        if (WIFSTOPPED(status)) {
            tell(AK_ZYGOTE_STOPPED, child->id, pid, WSTOPSIG(status));
            continue;
        }
        if (WIFCONTINUED(status)) {
            tell(AK_ZYGOTE_CONTINUED, child->id, pid, 0);
            continue;
        }
        kill(-pid, SIGKILL); /* what it started goes with it */
        tell(AK_ZYGOTE_ENDED, child->id, pid, status);
        *child = z->children[--z->len];
    }
}

/* What a runner has become: all below it by the parent links of /proc, and all of its process group. */
typedef struct Task {
    pid_t pid, parent, group;
    unsigned threads;
    uint32_t runner; /* index of the child it belongs to, plus 1 */
} Task;

static bool read_task(const char *name, Task *task)
{
    char path[300], text[512], *rest;

    snprintf(path, sizeof path, "/proc/%s/stat", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    if (len <= 0)
        return false;
    text[len] = '\0';
    *task = (Task){.pid = (pid_t)atol(name)};
    return (rest = strrchr(text, ')')) != NULL &&
           sscanf(rest + 1,
                  " %*c %d %d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %u",
                  &task->parent, &task->group, &task->threads) == 3;
}

static size_t read_tasks(Task *tasks, size_t capacity)
{
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    size_t n = 0;

    while (proc && n < capacity && (entry = readdir(proc)))
        if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9')
            n += read_task(entry->d_name, &tasks[n]);
    if (proc)
        closedir(proc);
    return n;
}

static int by_pid(const void *a, const void *b)
{
    const Task *x = a, *y = b;

    return x->pid < y->pid ? -1 : x->pid > y->pid;
}

/* Says of each task whose it is. Parents mostly have the lower number, so that few rounds do. */
static void assign(const Zygote *z, Task *tasks, size_t n)
{
    qsort(tasks, n, sizeof *tasks, by_pid);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < z->len && !tasks[i].runner; k++)
            if (tasks[i].pid == z->children[k].pid || tasks[i].group == z->children[k].pid)
                tasks[i].runner = (uint32_t)k + 1;
    for (bool grown = true; grown;) {
        grown = false;
        for (size_t i = 0; i < n; i++) {
            Task key = {.pid = tasks[i].parent};
            const Task *parent =
                tasks[i].runner ? NULL : bsearch(&key, tasks, n, sizeof *tasks, by_pid);
            if (parent && parent->runner) {
                tasks[i].runner = parent->runner;
                grown = true;
            }
        }
    }
}

static void kill_tasks(const Task *tasks, size_t n, uint32_t runner)
{
    for (size_t i = 0; i < n; i++)
        if (tasks[i].runner == runner)
            kill(tasks[i].pid, SIGKILL);
}

/* Root is exempt from the kernel's limit on processes, so we look ourselves: one cheap system
 * call, and a walk through /proc only when the machine has grown by more than one runner may.
 */
static void guard_processes(Zygote *z)
{
    enum { CAPACITY = 8192 };
    static Task tasks[CAPACITY];
    static unsigned calm;
    struct sysinfo info;

    if (sysinfo(&info) < 0)
        return;
    if (!calm || info.procs < calm)
        calm = info.procs;
    if (info.procs < calm + z->limits.processes)
        return;
    size_t n = read_tasks(tasks, CAPACITY);
    bool guilty = false;
    assign(z, tasks, n);
    for (size_t k = 0; k < z->len; k++) {
        uint64_t threads = 0;
        for (size_t i = 0; i < n; i++)
            threads += tasks[i].runner == k + 1 ? tasks[i].threads : 0;
        if (threads <= z->limits.processes)
            continue;
        /* The whole group at once, before anything that takes time. */
        kill(-z->children[k].pid, SIGKILL);
        kill_tasks(tasks, n, (uint32_t)k + 1);
        if (!z->children[k].too_many)
            tell(AK_ZYGOTE_TOO_MANY, z->children[k].id, z->children[k].pid, 0);
        z->children[k].too_many = guilty = true;
    }
    if (!guilty)
        calm = info.procs;
}

/* Among thousands that want the processor the guard has to come first. Runners and what they start are ordinary. */
static void come_first(Zygote *z)
{
    struct sched_param param = {.sched_priority = 1};

    if (sched_getscheduler(0) != SCHED_OTHER)
        return; /* whoever started us has chosen, for the runners too */
    z->nice = getpriority(PRIO_PROCESS, 0);
    sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &param);
}

/* `ak` is gone: nobody records anything any more, so nothing may go on. */
static void end_all(Zygote *z)
{
    enum { CAPACITY = 8192 };
    static Task tasks[CAPACITY];

    for (size_t i = 0; i < z->len; i++)
        kill(-z->children[i].pid, SIGKILL);
    /* Those that left their process group; as a subreaper we are their parent in the end. */
    if (waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD)
        return;
    Child self = {.pid = getpid()};
    Zygote all = {.children = &self, .len = 1};
    for (int round = 0; round < 3; round++) {
        size_t n = read_tasks(tasks, CAPACITY);
        assign(&all, tasks, n);
        for (size_t i = 0; i < n; i++)
            if (tasks[i].runner && tasks[i].pid != self.pid)
                kill(tasks[i].pid, SIGKILL);
    }
}

static const char *argument(int argc, char **argv, const char *name)
{
    size_t len = strlen(name);

    for (int i = 2; i < argc; i++)
        if (!strncmp(argv[i], name, len) && argv[i][len] == '=' && argv[i][len + 1])
            return argv[i] + len + 1;
    return NULL;
}

static uint64_t number(int argc, char **argv, const char *name)
{
    const char *text = argument(argc, argv, name);

    return text ? strtoull(text, NULL, 10) : 0;
}

static void loop(Zygote *z)
{
    struct pollfd on[2] = {{AK_ZYGOTE_CONTROL_FD, POLLIN, 0}, {z->signal_fd, POLLIN, 0}};
    bool look = geteuid() == 0;

    if (look)
        come_first(z);
    for (;;) {
        if (poll(on, 2, look && z->len ? 50 : -1) < 0 && errno != EINTR)
            return;
        if (on[1].revents & POLLIN) {
            struct signalfd_siginfo info;
            if (read(z->signal_fd, &info, sizeof info) > 0)
                reap(z);
        }
        if (on[0].revents & (POLLIN | POLLHUP)) {
            AkZygoteAsk ask;
            int fds[AK_ZYGOTE_ASK_FDS] = {-1, -1, -1};
            int got = receive(&ask, fds);
            if (got == 0)
                return;
            if (got > 0 && ask.kind == AK_ZYGOTE_START)
                start(z, &ask, fds);
            Child *child = got > 0 && ask.kind == AK_ZYGOTE_SIGNAL ? find(z, ask.id, 0) : NULL;
            if (child)
                kill(-child->pid, ask.signal);
        }
        if (look && z->len)
            guard_processes(z);
    }
}

int ak_zygote_main(int argc, char **argv)
{
    sigset_t mask;
    Zygote z = {
        .python = {.support = argument(argc, argv, "support"),
                   .code = argument(argc, argv, "code"),
                   .entry = argument(argc, argv, "entry"),
                   .venv = argument(argc, argv, "venv"),
                   .cold = argument(argc, argv, "cold") != NULL},
        .interpreter = argument(argc, argv, "python"),
        .runner = argument(argc, argv, "runner"),
        .tar = argument(argc, argv, "tar"),
        .limits = {number(argc, argv, "memory"), number(argc, argv, "files"),
                   number(argc, argv, "processes")},
    };

    prctl(PR_SET_NAME, "ak-warm");
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    signal(SIGPIPE, SIG_IGN);
    fcntl(AK_ZYGOTE_CONTROL_FD, F_SETFD, FD_CLOEXEC);
    if (!z.interpreter) {
        if (ak_limits_apply(&z.limits) < 0) {
            dprintf(2, "limits: %s\n", strerror(errno));
            return 1;
        }
        int loaded = ak_python_load(&z.python);
        if (loaded == AK_PYTHON_HAS_THREADS) {
            /* A fork would lose the threads that a module started: load in each runner instead.
             */
            char *cold[argc + 2];
            memcpy(cold, argv, (size_t)argc * sizeof *argv);
            cold[argc] = (char *)"cold=yes";
            cold[argc + 1] = NULL;
            fcntl(AK_ZYGOTE_CONTROL_FD, F_SETFD, 0);
            execv("/proc/self/exe", cold);
        }
        if (loaded != 0)
            return 1;
    }
    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    z.signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    prctl(PR_SET_PDEATHSIG,
          0); /* from here on the closed socket tells, and all is cleared up */
    tell(AK_ZYGOTE_READY, 0, getpid(), 0);
    loop(&z);
    end_all(&z);
    return 0;
}
