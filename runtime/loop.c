#define _GNU_SOURCE
#include "loop.h"

#include <stdlib.h>
#include <time.h>
#include <uv.h>

struct AkLoop {
    uv_loop_t uv;
    uv_idle_t idle;
};

struct AkWatch {
    uv_poll_t uv;
    AkWatchFn *fn;
    void *owner;
};

struct AkTimer {
    uv_timer_t uv;
    uv_idle_t *idle;
    AkTimerFn *fn;
    void *owner;
};

typedef struct Signal {
    uv_signal_t uv;
    AkSignalFn *fn;
    void *owner;
} Signal;

static void free_handle(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_idle(uv_idle_t *idle)
{
    (void)idle;
}

AkLoop *ak_loop_new(void)
{
    AkLoop *loop = calloc(1, sizeof *loop);

    if (!loop || uv_loop_init(&loop->uv) < 0) {
        free(loop);
        return NULL;
    }
    uv_idle_init(&loop->uv, &loop->idle);
    return loop;
}

static void close_left(uv_handle_t *handle, void *unused)
{
    (void)unused;
    if (!uv_is_closing(handle))
        uv_close(handle, handle->data ? free_handle : NULL);
}

void ak_loop_free(AkLoop *loop)
{
    if (!loop)
        return;
    uv_walk(&loop->uv, close_left, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    uv_loop_close(&loop->uv);
    free(loop);
}

void ak_loop_turn(AkLoop *loop)
{
    uv_run(&loop->uv, UV_RUN_ONCE);
    uv_idle_stop(&loop->idle);
}

void ak_loop_hurry(AkLoop *loop)
{
    uv_idle_start(&loop->idle, on_idle);
}

static int64_t held_us; /* ak_loop_hold_clock: the time that it is; 0: the system's clock */

void ak_loop_hold_clock(int64_t wall_us)
{
    held_us = wall_us;
}

AkNow ak_loop_now(void)
{
    struct timespec wall, mono;

    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_MONOTONIC, &mono);
    return (AkNow){held_us ? held_us : (int64_t)wall.tv_sec * 1000000 + wall.tv_nsec / 1000,
                   (int64_t)mono.tv_sec * 1000000 + mono.tv_nsec / 1000};
}

static void on_poll(uv_poll_t *uv, int status, int events)
{
    AkWatch *watch = uv->data;

    /* An error shows itself to the read or write that follows. */
    watch->fn(watch->owner, status < 0 ? AK_READABLE | AK_WRITABLE
                                       : (events & UV_READABLE ? AK_READABLE : 0u) |
                                             (events & UV_WRITABLE ? AK_WRITABLE : 0u));
}

void ak_watch_want(AkWatch *watch, unsigned events)
{
    int uv =
        (events & AK_READABLE ? UV_READABLE : 0) | (events & AK_WRITABLE ? UV_WRITABLE : 0);

    if (uv)
        uv_poll_start(&watch->uv, uv, on_poll);
    else
        uv_poll_stop(&watch->uv);
}

AkWatch *ak_watch(AkLoop *loop, int fd, unsigned events, AkWatchFn *fn, void *owner)
{
    AkWatch *watch = calloc(1, sizeof *watch);

    if (!watch || uv_poll_init(&loop->uv, &watch->uv, fd) < 0) {
        free(watch);
        return NULL;
    }
    watch->fn = fn;
    watch->owner = owner;
    watch->uv.data = watch;
    ak_watch_want(watch, events);
    return watch;
}

void ak_unwatch(AkWatch *watch)
{
    if (!watch)
        return;
    uv_poll_stop(&watch->uv);
    uv_close((uv_handle_t *)&watch->uv, free_handle);
}

static void on_timer(uv_timer_t *uv)
{
    AkTimer *timer = uv->data;

    /* libuv calls timers before it waits for descriptors, and would wait with what they have
     * brought about still undone. */
    uv_idle_start(timer->idle, on_idle);
    timer->fn(timer->owner);
}

AkTimer *ak_timer_new(AkLoop *loop, AkTimerFn *fn, void *owner)
{
    AkTimer *timer = calloc(1, sizeof *timer);

    if (!timer)
        return NULL;
    uv_timer_init(&loop->uv, &timer->uv);
    timer->uv.data = timer;
    timer->idle = &loop->idle;
    timer->fn = fn;
    timer->owner = owner;
    return timer;
}

void ak_timer_set(AkTimer *timer, int64_t after_us)
{
    /* libuv counts milliseconds; rounded up, so that an alarm does not come before its time.
     * The loop's clock may lag behind a long callback. */
    uv_update_time(timer->uv.loop);
    uv_timer_start(&timer->uv, on_timer, after_us <= 0 ? 0 : (uint64_t)(after_us + 999) / 1000,
                   0);
}

void ak_timer_clear(AkTimer *timer)
{
    uv_timer_stop(&timer->uv);
}

void ak_timer_free(AkTimer *timer)
{
    if (!timer)
        return;
    uv_timer_stop(&timer->uv);
    uv_close((uv_handle_t *)&timer->uv, free_handle);
}

static void on_signal(uv_signal_t *uv, int number)
{
    Signal *signal = uv->data;

    signal->fn(signal->owner, number);
}

int ak_loop_on_signal(AkLoop *loop, int number, AkSignalFn *fn, void *owner)
{
    Signal *signal = calloc(1, sizeof *signal);

    if (!signal)
        return -1;
    uv_signal_init(&loop->uv, &signal->uv);
    signal->uv.data = signal;
    signal->fn = fn;
    signal->owner = owner;
    uv_unref((uv_handle_t *)&signal->uv);
    return uv_signal_start(&signal->uv, on_signal, number);
}
