/* The child reads "length\n" and a text, and answers "1\n" or "0 line column length\n" and a
 * sentence. A child that dies (a stack that overflows) or takes too long costs its question
 * only: the next one starts another. */
#define _GNU_SOURCE
#include "python.h"
#include "paths.h"
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { PATIENCE_MS = 30000, STARTS = 5 };

struct CliPython {
    const char *chosen, *project;
    pthread_mutex_t lock;
    pid_t child; /* 0: none */
    int fd;
    unsigned starts;
    bool absent;
};

/* What a text says at its top may not reach the terminal, so no warnings. */
static const char script[] =
    "import sys, warnings\n"
    "warnings.simplefilter('ignore')\n"
    "take, give = sys.stdin.buffer, sys.stdout.buffer\n"
    "def judge(text):\n"
    "    try:\n"
    "        compile(text, '<source>', 'exec', dont_inherit=True)\n"
    "    except SyntaxError as error:\n"
    "        return error.lineno or 1, error.offset or 1, error.msg or 'invalid syntax'\n"
    "    except ValueError as error:\n"
    "        at = text.find(b'\\0')\n"
    "        return text.count(b'\\n', 0, max(at, 0)) + 1, 1, str(error)\n"
    "    except (RecursionError, MemoryError, OverflowError) as error:\n"
    "        return 1, 1, str(error) or 'too complex to compile'\n"
    "while True:\n"
    "    head = take.readline()\n"
    "    if not head:\n"
    "        break\n"
    "    wrong = judge(take.read(int(head)))\n"
    "    if wrong is None:\n"
    "        give.write(b'1\\n')\n"
    "    else:\n"
    "        why = str(wrong[2]).encode('utf-8', 'replace')\n"
    "        give.write(b'0 %d %d %d\\n' % (max(wrong[0], 1), max(wrong[1], 1), len(why)) + "
    "why)\n"
    "    give.flush()\n";

CliPython *cli_python_new(const char *chosen, const char *project)
{
    CliPython *python = cli_malloc(sizeof *python);

    *python = (CliPython){.chosen = chosen, .project = project, .fd = -1};
    pthread_mutex_init(&python->lock, NULL);
    return python;
}

static const char *executable(const char *path)
{
    return access(path, X_OK) == 0 ? path : NULL;
}

static const char *choose(const CliPython *python)
{
    static const char *const folders[] = {".venv", "venv"};
    const char *venv = getenv("VIRTUAL_ENV"), *path = NULL;

    if (python->chosen)
        return python->chosen;
    if (venv && *venv)
        path = executable(cli_path_join(venv, "bin/python"));
    for (size_t i = 0; !path && i < 2; i++)
        path = executable(cli_keep_format("%s/%s/bin/python", python->project, folders[i]));
    return path ? path : "python3";
}

void cli_python_sites(CliPython *python, CliList *folders)
{
    const char *const argv[] = {
        choose(python), "-I", "-c",
        "import sys\nfor p in sys.path:\n    if p.endswith('-packages'):\n        print(p)",
        NULL};
    CliBuf out = {0};

    if (cli_process(argv, &out) == 0)
        for (size_t at = 0; at < out.len;) {
            size_t n = strcspn(out.data + at, "\n");
            cli_list_add(folders, cli_keep_text(out.data + at, n));
            at += n + 1;
        }
    cli_buf_free(&out);
}

static void hang_up(CliPython *python)
{
    if (!python->child)
        return;
    close(python->fd);
    kill(python->child, SIGKILL);
    waitpid(python->child, NULL, 0);
    python->child = 0;
    python->fd = -1;
}

static int spawn(CliPython *python, const char *program, int child_fd)
{
    char *argv[] = {(char *)(uintptr_t)program, "-I", "-S", "-c",
                    (char *)(uintptr_t)script,  NULL};
    posix_spawn_file_actions_t actions;
    int error;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, child_fd, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, child_fd, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    error = posix_spawnp(&python->child, program, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error)
        python->child = 0;
    return error;
}

static bool start(CliPython *python)
{
    const char *program = choose(python);
    int ends[2];

    if (python->child)
        return true;
    if (python->absent || python->starts++ == STARTS)
        return false;
    /* A socket, as writing to one whose reader died needs not raise SIGPIPE. */
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return false;
    if (spawn(python, program, ends[1]) != 0 &&
        (python->chosen || spawn(python, "python", ends[1]) != 0)) {
        python->absent = true;
        close(ends[0]);
        close(ends[1]);
        return false;
    }
    close(ends[1]);
    python->fd = ends[0];
    return true;
}

void cli_python_start(CliPython *python)
{
    pthread_mutex_lock(&python->lock);
    start(python);
    pthread_mutex_unlock(&python->lock);
}

static bool send_all(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        data += n;
        len -= (size_t)n;
    }
    return true;
}

static bool receive(int fd, char *c)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    int ready;

    do
        ready = poll(&wait, 1, PATIENCE_MS);
    while (ready < 0 && errno == EINTR);
    return ready > 0 && recv(fd, c, 1, 0) == 1;
}

/* Up to a line's end, or len bytes. */
static bool receive_text(int fd, CliBuf *text, size_t len)
{
    char c;

    while (text->len < len) {
        if (!receive(fd, &c))
            return false;
        if (c == '\n' && len == SIZE_MAX)
            return true;
        cli_buf_putc(text, c);
    }
    return true;
}

static int answer(CliPython *python, uint32_t *line, uint32_t *column, const char **why)
{
    CliBuf head = {0}, sentence = {0};
    size_t len = 0;
    int verdict = -1;

    if (receive_text(python->fd, &head, SIZE_MAX) && head.len) {
        if (!strcmp(head.data, "1"))
            verdict = 1;
        else if (sscanf(head.data, "0 %u %u %zu", line, column, &len) == 3 && len < 1u << 16 &&
                 receive_text(python->fd, &sentence, len))
            verdict = 0;
    }
    if (verdict == 0)
        *why = cli_keep_text(sentence.data ? sentence.data : "", sentence.len);
    cli_buf_free(&head);
    cli_buf_free(&sentence);
    return verdict;
}

static int ask(CliPython *python, const char *text, size_t len, uint32_t *line,
               uint32_t *column, const char **why)
{
    char head[32];
    int verdict = -1, n = snprintf(head, sizeof head, "%zu\n", len);

    if (!start(python))
        return -1;
    if (send_all(python->fd, head, (size_t)n) && send_all(python->fd, text, len))
        verdict = answer(python, line, column, why);
    if (verdict < 0)
        hang_up(python);
    return verdict;
}

int cli_python_compiles(CliPython *python, const char *path, const char *text, size_t len,
                        uint32_t *line, uint32_t *column, const char **why)
{
    int verdict;

    (void)path;
    pthread_mutex_lock(&python->lock);
    verdict = ask(python, text, len, line, column, why);
    pthread_mutex_unlock(&python->lock);
    return verdict;
}

void cli_python_free(CliPython *python)
{
    if (!python)
        return;
    hang_up(python);
    pthread_mutex_destroy(&python->lock);
    free(python);
}
