/* memory.c: what blocks said, kept from one check to the next of the same process.
 *
 * Facts depend on a block's bytes alone, so whoever brings the same bytes gets the same facts.
 * Workers only look things up; what they made is taken over when they are done.
 */
#include "stages.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 1024, STAYS = 2 };

struct AkKept {
    struct AkKept *next;
    uint64_t hash;
    char *text;
    uint32_t len;
    AkFacts *facts; /* with all its tables, in one piece */
    atomic_uint turn;
};

struct AkMemory {
    AkKept *slots[SLOTS];
    unsigned turn;
};

AkMemory *ak_memory_new(void)
{
    return calloc(1, sizeof(AkMemory));
}

static void free_kept(AkKept *kept)
{
    free(kept->facts);
    free(kept->text);
    free(kept);
}

void ak_memory_free(AkMemory *memory)
{
    if (!memory)
        return;
    for (size_t i = 0; i < SLOTS; i++)
        ak__kept_free(memory->slots[i]);
    free(memory);
}

void ak__kept_free(AkKept *list)
{
    while (list) {
        AkKept *next = list->next;
        free_kept(list);
        list = next;
    }
}

void ak_memory_turn(AkMemory *memory)
{
    memory->turn++;
    for (size_t i = 0; i < SLOTS; i++)
        for (AkKept **at = &memory->slots[i]; *at;) {
            AkKept *kept = *at;
            if (memory->turn - atomic_load(&kept->turn) <= STAYS) {
                at = &kept->next;
                continue;
            }
            *at = kept->next;
            free_kept(kept);
        }
}

/* FNV, eight bytes at a time: texts are compared whole before they count as the same. */
static uint64_t hash_of(const char *text, uint32_t len)
{
    uint64_t hash = 0xcbf29ce484222325u ^ len, piece;
    uint32_t i = 0;
    for (; i + 8 <= len; i += 8) {
        memcpy(&piece, text + i, 8);
        hash = (hash ^ piece) * 0x100000001b3u;
        hash ^= hash >> 29;
    }
    for (; i < len; i++)
        hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u;
    return hash ^ hash >> 32;
}

const AkFacts *ak__memory_find(AkMemory *memory, const char *text, uint32_t len)
{
    uint64_t hash = hash_of(text, len);
    for (AkKept *kept = memory->slots[hash % SLOTS]; kept; kept = kept->next)
        if (kept->hash == hash && kept->len == len && memcmp(kept->text, text, len) == 0) {
            atomic_store(&kept->turn, memory->turn);
            return kept->facts;
        }
    return NULL;
}

/* ---- Keeping ---- */

#define TABLES(X)                                                                              \
    X(exprs, expr)                                                                             \
    X(kids, kid)                                                                               \
    X(stmts, stmt)                                                                             \
    X(scopes, scope)                                                                           \
    X(bindings, binding)                                                                       \
    X(params, param)                                                                           \
    X(functions, function)                                                                     \
    X(classes, class)                                                                          \
    X(imports, import)                                                                         \
    X(loops, loop)                                                                             \
    X(comments, comment)                                                                       \
    X(errors, error)

static size_t padded(size_t size)
{
    return (size + 15) & ~(size_t)15;
}

static void *put(char **at, const void *from, size_t size)
{
    void *to = *at;
    memcpy(to, from, size);
    *at += padded(size);
    return to;
}

static size_t size_of(const AkFacts *facts)
{
    size_t size = padded(sizeof *facts), names = facts->name_count;
#define ADD_SIZE(array, one) size += padded(facts->one##_len * sizeof *facts->array);
    TABLES(ADD_SIZE)
#undef ADD_SIZE
    size += padded(names * sizeof *facts->names) + 2 * padded(names * sizeof(uint32_t));
    for (uint32_t i = 0; i < names; i++)
        size += facts->name_len[i] + 1;
    return size;
}

static AkFacts *copy_of(const AkFacts *facts)
{
    char *at = malloc(size_of(facts));
    if (!at)
        return NULL;
    AkFacts *copy = put(&at, facts, sizeof *facts);
#define COPY(array, one)                                                                       \
    copy->array = put(&at, facts->array, facts->one##_len * sizeof *facts->array);
    TABLES(COPY)
#undef COPY
    const char **names = put(&at, facts->names, facts->name_count * sizeof *facts->names);
    copy->name_len = put(&at, facts->name_len, facts->name_count * sizeof(uint32_t));
    copy->name_hash = put(&at, facts->name_hash, facts->name_count * sizeof(uint32_t));
    copy->names = names;
    for (uint32_t i = 0; i < facts->name_count; i++) {
        names[i] = memcpy(at, facts->names[i], facts->name_len[i] + 1);
        at += facts->name_len[i] + 1;
    }
    return copy;
}

AkKept *ak__kept_new(const AkMemory *memory, const char *text, uint32_t len,
                     const AkFacts *facts)
{
    AkKept *kept = calloc(1, sizeof *kept);
    if (!kept)
        return NULL;
    kept->facts = copy_of(facts);
    kept->text = malloc(len + 1);
    kept->len = len;
    kept->hash = hash_of(text, len);
    atomic_store(&kept->turn, memory->turn);
    if (!kept->facts || !kept->text) {
        free_kept(kept);
        return NULL;
    }
    memcpy(kept->text, text, len);
    return kept;
}

void ak__kept_push(AkKept **list, AkKept *kept)
{
    kept->next = *list;
    *list = kept;
}

void ak__memory_take(AkMemory *memory, AkKept *list)
{
    while (list) {
        AkKept *next = list->next, **slot = &memory->slots[list->hash % SLOTS];
        list->next = *slot;
        *slot = list;
        list = next;
    }
}
