/* Another program, asked once. */
#define _GNU_SOURCE
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void read_all(int fd, CliBuf *out)
{
    char piece[8192];
    ssize_t n;

    while ((n = read(fd, piece, sizeof piece)) != 0) {
        if (n > 0)
            cli_buf_add(out, piece, (size_t)n);
        else if (errno != EINTR)
            return;
    }
}

int cli_process(const char *const *argv, CliBuf *out)
{
    posix_spawn_file_actions_t actions;
    int ends[2], error, status;
    pid_t child;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    error =
        posix_spawnp(&child, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (!error)
        read_all(ends[0], out);
    close(ends[0]);
    if (error)
        return -1;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
