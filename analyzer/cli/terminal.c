/* The progress line is written by whoever comes by and finds it old; nobody waits for it. */
#define _GNU_SOURCE
#include "terminal.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_MS = 500, NEXT_MS = 100, STOPPED = 130 };

static volatile sig_atomic_t stopped;
static bool wanted;
static atomic_bool on_screen;
static _Atomic int64_t due_ms;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The first Ctrl-C ends the run in order; whoever presses it again does not want to wait. */
static void on_interrupt(int number)
{
    static const char reset[] = "\r\033[K\033[0m";

    (void)number;
    if (stopped) {
        /* Nothing can be done about a terminal that is gone. */
        if (on_screen && write(STDERR_FILENO, reset, sizeof reset - 1) < 0)
            stopped = 2;
        _exit(STOPPED);
    }
    stopped = 1;
}

bool cli_terminal_color(CliColor color, int fd)
{
    const char *no = getenv("NO_COLOR"), *force = getenv("FORCE_COLOR"), *term = getenv("TERM");

    if (color != CLI_COLOR_AUTO)
        return color == CLI_COLOR_ALWAYS;
    if (no && *no)
        return false;
    if (force && *force && strcmp(force, "0"))
        return true;
    return isatty(fd) && (!term || strcmp(term, "dumb"));
}

void cli_terminal_start(bool progress)
{
    struct sigaction action = {.sa_handler = on_interrupt};

    wanted = progress && isatty(STDERR_FILENO);
    due_ms = now_ms() + FIRST_MS;
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    sigaction(SIGINT, &action, NULL);
}

void cli_terminal_clear(void)
{
    pthread_mutex_lock(&lock);
    if (on_screen)
        fputs("\r\033[K", stderr);
    on_screen = false;
    pthread_mutex_unlock(&lock);
}

void cli_terminal_end(void)
{
    cli_terminal_clear();
    wanted = false;
}

void cli_terminal_progress(const char *what, size_t done, size_t all)
{
    int64_t now;

    if (!wanted)
        return;
    now = now_ms();
    if (now < due_ms || pthread_mutex_trylock(&lock) != 0)
        return;
    due_ms = now + NEXT_MS;
    if (all)
        fprintf(stderr, "\r\033[K%s %zu/%zu", what, done, all);
    else
        fprintf(stderr, "\r\033[K%s %zu", what, done);
    fflush(stderr);
    on_screen = true;
    pthread_mutex_unlock(&lock);
}

bool cli_terminal_stopped(void)
{
    return stopped;
}
