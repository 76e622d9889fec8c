/* arena.h: memory that goes together.
 *
 * Everything a check learns lives in an arena and is released with it; nobody need free a single
 * piece. An allocation never returns NULL: when memory runs out, the arena jumps to its guard,
 * which the edge of the library sets:
 *
 *     AkArena *arena = ak__arena_new();
 *     if (!arena)
 *         return AK_ENOMEM;
 *     if (setjmp(*ak__arena_guard(arena))) {
 *         ak__arena_free(arena);
 *         return AK_ENOMEM;
 *     }
 *
 * The jump may cross our own frames only, never one of tree-sitter's. What is not arena memory
 * (a TSTree) is registered with ak__arena_on_free. An arena belongs to one thread at a time.
 */
#ifndef AK_ARENA_H
#define AK_ARENA_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>

#if defined(__GNUC__)
#define AK_PRINTF(at, first) __attribute__((format(printf, at, first)))
#else
#define AK_PRINTF(at, first)
#endif

typedef struct AkArena AkArena;

/* NULL when there is no memory. Under AddressSanitizer every piece is a malloc of its own. */
AkArena *ak__arena_new(void);
/* Runs what on_free registered, newest first, and releases all. NULL is fine. */
void ak__arena_free(AkArena *arena);
/* Empties the arena for the next use, with the same calls as ak__arena_free; keeps one chunk,
 * the guard and the switches below. */
void ak__arena_reset(AkArena *arena);

/* Zeroed, aligned to 8 bytes, never NULL; a size of 0 is a valid piece too. */
void *ak__alloc(AkArena *arena, size_t size);
/* A piece of new_size that begins with the old one's bytes, the rest zero. Grows in place when
 * old was the newest piece. old may be NULL when old_size is 0; new_size is not below it. */
void *ak__grow(AkArena *arena, void *old, size_t old_size, size_t new_size);
/* Gives a piece back that is large; a small one stays until the arena goes. */
void ak__drop(AkArena *arena, void *piece, size_t size);
/* Copies len bytes and ends them with a zero. */
char *ak__strndup(AkArena *arena, const char *text, size_t len);
char *ak__printf(AkArena *arena, const char *format, ...) AK_PRINTF(2, 3);

/* Calls dispose(what) when the arena is freed or reset. If there is no memory to remember
 * that, dispose runs at once, before the jump. */
void ak__arena_on_free(AkArena *arena, void (*dispose)(void *), void *what);

/* Where exhaustion goes: setjmp it before the first allocation. Without one it traps. */
jmp_buf *ak__arena_guard(AkArena *arena);

/* Bytes handed out since the start or the last reset. */
size_t ak__arena_used(const AkArena *arena);

/* For tests: every later piece its own malloc, so that overruns are seen. */
void ak__arena_use_pieces(AkArena *arena);
/* For tests: the n-th allocation from now fails, once (1 is the next one; 0 is never). */
void ak__arena_fail_at(AkArena *arena, size_t n);

#endif
