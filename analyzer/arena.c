/* arena.c: chunks that double up to a limit, pieces cut from the newest one. A large piece has a
 * block of its own, which moves when it grows: arrays that double leave nothing behind.
 *
 * In the mode for tests each piece is a chunk of its own, so that AddressSanitizer watches its
 * borders; the bookkeeping is the same.
 */
#include "arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define AK_PIECES true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define AK_PIECES true
#endif
#endif
#ifndef AK_PIECES
#define AK_PIECES false
#endif

enum {
    ALIGN = 8,
    FIRST_CHUNK = 32 * 1024,
    LARGEST_CHUNK = 1024 * 1024,
    LARGE_PIECE = 64 * 1024
};

typedef struct Chunk {
    struct Chunk *older;
    size_t size, used;
    _Alignas(ALIGN) unsigned char bytes[];
} Chunk;

typedef struct Disposal {
    struct Disposal *older;
    void (*dispose)(void *);
    void *what;
} Disposal;

struct AkArena {
    Chunk *newest;
    Chunk *large; /* of one piece each */
    Disposal *disposals;
    unsigned char *last; /* the newest piece: the one that can grow in place */
    size_t used;
    size_t fail_at;
    bool pieces;
    bool guarded;
    jmp_buf guard;
};

AkArena *ak__arena_new(void)
{
    AkArena *arena = calloc(1, sizeof *arena);
    if (arena)
        arena->pieces = AK_PIECES;
    return arena;
}

static void run_disposals(AkArena *arena)
{
    /* Unhooked first: a disposal that looks at the arena sees a consistent one. */
    while (arena->disposals) {
        Disposal *first = arena->disposals;
        arena->disposals = first->older;
        first->dispose(first->what);
    }
}

static void free_chunks(Chunk *chunk)
{
    while (chunk) {
        Chunk *older = chunk->older;
        free(chunk);
        chunk = older;
    }
}

void ak__arena_free(AkArena *arena)
{
    if (!arena)
        return;
    run_disposals(arena);
    free_chunks(arena->newest);
    free_chunks(arena->large);
    free(arena);
}

void ak__arena_reset(AkArena *arena)
{
    run_disposals(arena);
    Chunk *kept = arena->pieces ? NULL : arena->newest;
    free_chunks(arena->large);
    arena->large = NULL;
    if (kept) {
        free_chunks(kept->older);
        kept->older = NULL;
        kept->used = 0;
    } else {
        free_chunks(arena->newest);
    }
    arena->newest = kept;
    arena->last = NULL;
    arena->used = 0;
}

static _Noreturn void leave(AkArena *arena)
{
    if (arena->guarded)
        longjmp(arena->guard, 1);
    assert(arena->guarded && "an arena ran out of memory and had no guard");
    __builtin_trap();
}

static bool must_fail(AkArena *arena)
{
    return arena->fail_at && --arena->fail_at == 0;
}

static Chunk *chunk_before(Chunk *older, size_t room)
{
    if (room > SIZE_MAX - sizeof(Chunk))
        return NULL;
    Chunk *chunk = malloc(sizeof *chunk + room);
    if (!chunk)
        return NULL;
    chunk->size = room;
    chunk->used = 0;
    chunk->older = older;
    return chunk;
}

/* A chunk with room for size; NULL when there is no memory. */
static Chunk *add_chunk(AkArena *arena, size_t size)
{
    size_t room = size;
    if (!arena->pieces) {
        size_t usual = arena->newest ? arena->newest->size * 2 : FIRST_CHUNK;
        usual = usual > LARGEST_CHUNK ? LARGEST_CHUNK : usual;
        room = size > usual ? size : usual;
    }
    Chunk *chunk = chunk_before(arena->newest, room);
    if (chunk)
        arena->newest = chunk;
    return chunk;
}

static size_t rounded(size_t size)
{
    return (size + (ALIGN - 1)) & ~(size_t)(ALIGN - 1);
}

static bool is_large(const AkArena *arena, size_t size)
{
    return size >= LARGE_PIECE && !arena->pieces;
}

static unsigned char *take_large(AkArena *arena, size_t size)
{
    Chunk *chunk = chunk_before(arena->large, size);
    if (!chunk)
        return NULL;
    arena->large = chunk;
    arena->used += size;
    return chunk->bytes;
}

/* Not zeroed; NULL when there is no memory. */
static unsigned char *take(AkArena *arena, size_t size)
{
    if (must_fail(arena) || size > SIZE_MAX - ALIGN)
        return NULL;
    if (is_large(arena, size))
        return take_large(arena, size);
    /* Alone in its chunk, a piece keeps its exact size, so that one byte too far is seen. */
    size_t need = arena->pieces ? size : rounded(size);
    Chunk *chunk = arena->newest;
    if (arena->pieces || !chunk || chunk->size - chunk->used < need)
        chunk = add_chunk(arena, need);
    if (!chunk)
        return NULL;
    arena->last = chunk->bytes + chunk->used;
    chunk->used += need;
    arena->used += need;
    return arena->last;
}

void *ak__alloc(AkArena *arena, size_t size)
{
    unsigned char *piece = take(arena, size);
    if (!piece)
        leave(arena);
    memset(piece, 0, size);
    return piece;
}

static bool grow_in_place(AkArena *arena, unsigned char *old, size_t old_size, size_t new_size)
{
    Chunk *chunk = arena->newest;
    if (arena->pieces || !old || old != arena->last || new_size > SIZE_MAX - ALIGN ||
        is_large(arena, new_size))
        return false;
    size_t more = rounded(new_size) - rounded(old_size);
    if (chunk->size - chunk->used < more)
        return false;
    chunk->used += more;
    arena->used += more;
    return true;
}

/* The pointer that holds the chunk of a large piece. */
static Chunk **find_large(AkArena *arena, const void *piece)
{
    Chunk **at = &arena->large;
    while (*at && (*at)->bytes != piece)
        at = &(*at)->older;
    return at;
}

static unsigned char *grow_large(AkArena *arena, void *old, size_t old_size, size_t new_size)
{
    Chunk **at = find_large(arena, old), *chunk = NULL;
    if (!must_fail(arena) && new_size <= SIZE_MAX - sizeof *chunk)
        chunk = realloc(*at, sizeof *chunk + new_size);
    if (!chunk)
        leave(arena);
    *at = chunk;
    chunk->size = new_size;
    arena->used += new_size - old_size;
    memset(chunk->bytes + old_size, 0, new_size - old_size);
    return chunk->bytes;
}

void ak__drop(AkArena *arena, void *piece, size_t size)
{
    if (!is_large(arena, size))
        return;
    Chunk **at = find_large(arena, piece), *chunk = *at;
    *at = chunk->older;
    free(chunk);
}

void *ak__grow(AkArena *arena, void *old, size_t old_size, size_t new_size)
{
    assert(new_size >= old_size);
    unsigned char *piece = old;
    if (is_large(arena, old_size))
        return grow_large(arena, old, old_size, new_size);
    if (!grow_in_place(arena, old, old_size, new_size)) {
        piece = take(arena, new_size);
        if (!piece)
            leave(arena);
        if (old_size)
            memcpy(piece, old, old_size);
    } else if (must_fail(arena)) {
        leave(arena);
    }
    memset(piece + old_size, 0, new_size - old_size);
    return piece;
}

char *ak__strndup(AkArena *arena, const char *text, size_t len)
{
    char *copy = ak__alloc(arena, len + 1);
    if (len)
        memcpy(copy, text, len);
    return copy;
}

char *ak__printf(AkArena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(len >= 0);
    char *text = ak__alloc(arena, (size_t)len + 1);
    va_start(args, format);
    vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    return text;
}

void ak__arena_on_free(AkArena *arena, void (*dispose)(void *), void *what)
{
    Disposal *disposal = (Disposal *)(void *)take(arena, sizeof *disposal);
    if (!disposal) {
        dispose(what);
        leave(arena);
    }
    *disposal = (Disposal){arena->disposals, dispose, what};
    arena->disposals = disposal;
}

jmp_buf *ak__arena_guard(AkArena *arena)
{
    arena->guarded = true;
    return &arena->guard;
}

size_t ak__arena_used(const AkArena *arena)
{
    return arena->used;
}

void ak__arena_use_pieces(AkArena *arena)
{
    arena->pieces = true;
}

void ak__arena_fail_at(AkArena *arena, size_t n)
{
    arena->fail_at = n;
}
