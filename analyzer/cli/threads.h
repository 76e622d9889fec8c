/* threads.h: jobs on all cores. Threads start with the first work that can use them. */
#ifndef CLI_THREADS_H
#define CLI_THREADS_H

#include <stddef.h>

typedef struct CliThreads CliThreads;

CliThreads *cli_threads_new(unsigned count);
void cli_threads_free(CliThreads *threads);

/* How many cores this process may use. */
unsigned cli_threads_cores(void);

/* Runs job(arg, 0) … job(arg, n - 1) and returns when all are done. A job may call this too. */
void cli_threads_run(CliThreads *threads, void (*job)(void *arg, size_t i), void *arg,
                     size_t n);

#endif
