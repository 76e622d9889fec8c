/* The event loop: descriptors, timers, signals and both clocks. A thin coat over libuv whose
 * only thought is lifetime: what is ended is never called again, and frees itself when libuv
 * lets go.
 *
 * Whoever runs the loop calls ak_loop_turn again and again, and does between two turns what
 * should be done once for everything that became ready (the driver's commit). */
#ifndef AK_LOOP_H
#define AK_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "engine.h" /* AkNow */

typedef struct AkLoop AkLoop;
typedef struct AkWatch AkWatch;
typedef struct AkTimer AkTimer;

enum { AK_READABLE = 1, AK_WRITABLE = 2 };

typedef void AkWatchFn(void *owner, unsigned events);
typedef void AkTimerFn(void *owner);
typedef void AkSignalFn(void *owner, int signal);

/* NULL when the system gives no descriptors. */
AkLoop *ak_loop_new(void);
void ak_loop_free(AkLoop *loop);
/* Waits until something is ready and calls it. */
void ak_loop_turn(AkLoop *loop);
/* The next turn does not wait. */
void ak_loop_hurry(AkLoop *loop);
AkNow ak_loop_now(void);
/* From now on it is this time by the wall clock of the whole process, until it is told another
 * one: tests of programs move it from one deadline to the next (ak_driver_rests). 0: the
 * system's clock again. */
void ak_loop_hold_clock(int64_t wall_us);

/* The descriptor stays the caller's and must live until ak_unwatch. NULL on refusal. */
AkWatch *ak_watch(AkLoop *loop, int fd, unsigned events, AkWatchFn *fn, void *owner);
void ak_watch_want(AkWatch *watch, unsigned events);
void ak_unwatch(AkWatch *watch);

AkTimer *ak_timer_new(AkLoop *loop, AkTimerFn *fn, void *owner);
void ak_timer_set(AkTimer *timer, int64_t after_us); /* once; replaces what was set */
void ak_timer_clear(AkTimer *timer);
void ak_timer_free(AkTimer *timer);

int ak_loop_on_signal(AkLoop *loop, int signal, AkSignalFn *fn, void *owner);

#endif
