/* One batch at a time. Whoever asks for a batch works on it too, so that nothing waits for a
 * thread to wake. */
#define _GNU_SOURCE
#include "threads.h"
#include "mem.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

typedef struct Batch {
    void (*job)(void *arg, size_t i);
    void *arg;
    size_t n;
    atomic_size_t next;
} Batch;

struct CliThreads {
    unsigned count, started, at_work;
    pthread_t *threads;
    pthread_mutex_t lock;
    pthread_cond_t wake, idle;
    Batch *batch; /* NULL between batches */
    unsigned long round;
    int ending;
};

static _Thread_local int within_job;

static void work(Batch *batch)
{
    size_t i;

    within_job++;
    while ((i = atomic_fetch_add_explicit(&batch->next, 1, memory_order_relaxed)) < batch->n)
        batch->job(batch->arg, i);
    within_job--;
}

static void *thread_main(void *arg)
{
    CliThreads *t = arg;
    unsigned long seen = 0;

    pthread_mutex_lock(&t->lock);
    for (;;) {
        Batch *batch;
        while (!t->ending && (!t->batch || t->round == seen))
            pthread_cond_wait(&t->wake, &t->lock);
        if (t->ending)
            break;
        seen = t->round;
        batch = t->batch;
        t->at_work++;
        pthread_mutex_unlock(&t->lock);
        work(batch);
        pthread_mutex_lock(&t->lock);
        if (--t->at_work == 0)
            pthread_cond_signal(&t->idle);
    }
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

unsigned cli_threads_cores(void)
{
    cpu_set_t set;
    int n;

    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) < 0)
        return 1;
    n = CPU_COUNT(&set);
    return n < 1 ? 1 : n > 64 ? 64 : (unsigned)n;
}

CliThreads *cli_threads_new(unsigned count)
{
    CliThreads *t = cli_malloc(sizeof *t);

    *t = (CliThreads){.count = count};
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->wake, NULL);
    pthread_cond_init(&t->idle, NULL);
    return t;
}

static void start(CliThreads *t)
{
    pthread_attr_t attr;

    t->threads = cli_malloc(t->count * sizeof *t->threads);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 8u << 20);
    while (t->started + 1 < t->count) {
        if (pthread_create(&t->threads[t->started], &attr, thread_main, t) != 0)
            break;
        t->started++;
    }
    pthread_attr_destroy(&attr);
}

void cli_threads_run(CliThreads *t, void (*job)(void *arg, size_t i), void *arg, size_t n)
{
    Batch batch = {.job = job, .arg = arg, .n = n};

    if (n < 2 || t->count < 2 || within_job) {
        work(&batch);
        return;
    }
    if (!t->threads)
        start(t);
    pthread_mutex_lock(&t->lock);
    t->batch = &batch;
    t->round++;
    pthread_cond_broadcast(&t->wake);
    pthread_mutex_unlock(&t->lock);
    work(&batch);
    pthread_mutex_lock(&t->lock);
    t->batch = NULL;
    while (t->at_work)
        pthread_cond_wait(&t->idle, &t->lock);
    pthread_mutex_unlock(&t->lock);
}

void cli_threads_free(CliThreads *t)
{
    if (!t)
        return;
    pthread_mutex_lock(&t->lock);
    t->ending = 1;
    pthread_cond_broadcast(&t->wake);
    pthread_mutex_unlock(&t->lock);
    for (unsigned i = 0; i < t->started; i++)
        pthread_join(t->threads[i], NULL);
    pthread_mutex_destroy(&t->lock);
    pthread_cond_destroy(&t->wake);
    pthread_cond_destroy(&t->idle);
    free(t->threads);
    free(t);
}
