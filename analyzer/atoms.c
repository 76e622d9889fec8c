/* atoms.c: strings kept once, and a small map of numbers. */
#include "stages.h"

#include <string.h>

enum { LARGE_MAP = 16 * 1024 };

struct AkAtomTable {
    AkArena *arena;
    const char **slots;
    uint32_t *hashes;
    uint32_t cap, len;
};

AkAtomTable *ak__atoms_new(AkArena *arena)
{
    AkAtomTable *atoms = ak__alloc(arena, sizeof *atoms);
    atoms->arena = arena;
    atoms->cap = 4096;
    atoms->slots = ak__alloc(arena, atoms->cap * sizeof *atoms->slots);
    atoms->hashes = ak__alloc(arena, atoms->cap * sizeof *atoms->hashes);
    return atoms;
}

static void widen(AkAtomTable *atoms)
{
    uint32_t cap = atoms->cap * 2;
    const char **slots = ak__alloc(atoms->arena, cap * sizeof *slots);
    uint32_t *hashes = ak__alloc(atoms->arena, cap * sizeof *hashes);
    for (uint32_t i = 0; i < atoms->cap; i++) {
        if (!atoms->slots[i])
            continue;
        uint32_t at = atoms->hashes[i] & (cap - 1);
        while (slots[at])
            at = (at + 1) & (cap - 1);
        slots[at] = atoms->slots[i];
        hashes[at] = atoms->hashes[i];
    }
    ak__drop(atoms->arena, atoms->slots, atoms->cap * sizeof *slots);
    ak__drop(atoms->arena, atoms->hashes, atoms->cap * sizeof *hashes);
    atoms->slots = slots;
    atoms->hashes = hashes;
    atoms->cap = cap;
}

/* Where the text is, or where it goes. At most three slots in four are taken: a large tree has so
 * many paths that a table of twice the size would be felt. */
static uint32_t slot_of(AkAtomTable *atoms, const char *text, uint32_t len, uint32_t hash)
{
    if (atoms->len >= atoms->cap / 4 * 3)
        widen(atoms);
    uint32_t at = hash & (atoms->cap - 1);
    for (; atoms->slots[at]; at = (at + 1) & (atoms->cap - 1))
        if (atoms->hashes[at] == hash && strncmp(atoms->slots[at], text, len) == 0 &&
            !atoms->slots[at][len])
            break;
    return at;
}

static const char *put(AkAtomTable *atoms, uint32_t at, const char *text, uint32_t hash)
{
    atoms->slots[at] = text;
    atoms->hashes[at] = hash;
    atoms->len++;
    return text;
}

const char *ak__atom_hashed(AkAtomTable *atoms, const char *text, uint32_t len, uint32_t hash)
{
    uint32_t at = slot_of(atoms, text, len, hash);
    return atoms->slots[at] ? atoms->slots[at]
                            : put(atoms, at, ak__strndup(atoms->arena, text, len), hash);
}

const char *ak__atom_lent(AkProgram *program, const char *text)
{
    AkAtomTable *atoms = program->atoms;
    size_t len = strlen(text);
    uint32_t hash = ak__hash(text, len), at = slot_of(atoms, text, (uint32_t)len, hash);
    return atoms->slots[at] ? atoms->slots[at] : put(atoms, at, text, hash);
}

const char *ak__atom_len(AkProgram *program, const char *text, size_t len)
{
    return ak__atom_hashed(program->atoms, text, (uint32_t)len, ak__hash(text, len));
}

const char *ak__atom(AkProgram *program, const char *text)
{
    return ak__atom_len(program, text, strlen(text));
}

const char *ak__atom_join(AkProgram *program, const char *a, const char *separator,
                          const char *b)
{
    char buffer[512];
    size_t alen = strlen(a), slen = strlen(separator), blen = strlen(b);
    if (alen + slen + blen >= sizeof buffer)
        return ak__atom(program, ak__printf(program->arena, "%s%s%s", a, separator, b));
    memcpy(buffer, a, alen);
    memcpy(buffer + alen, separator, slen);
    memcpy(buffer + alen + slen, b, blen);
    return ak__atom_len(program, buffer, alen + slen + blen);
}

static uint32_t mix(uint64_t key)
{
    key ^= key >> 31;
    key *= 0x9e3779b97f4a7c15u;
    return (uint32_t)(key >> 32);
}

uint32_t ak__map_get(const AkMap *map, uint64_t key)
{
    if (!map->cap)
        return 0;
    for (uint32_t at = mix(key) & (map->cap - 1); map->values[at];
         at = (at + 1) & (map->cap - 1))
        if (map->keys[at] == key)
            return map->values[at];
    return 0;
}

static void map_put(AkMap *map, uint64_t key, uint32_t value)
{
    uint32_t at = mix(key) & (map->cap - 1);
    while (map->values[at] && map->keys[at] != key)
        at = (at + 1) & (map->cap - 1);
    map->len += !map->values[at];
    map->keys[at] = key;
    map->values[at] = value;
}

/* A large map may be fuller: what it spares is more than what looking costs. */
static bool is_full(const AkMap *map)
{
    return map->len >= (map->cap < LARGE_MAP ? map->cap / 2 : map->cap / 4 * 3);
}

/* value is not 0. */
void ak__map_set(AkArena *arena, AkMap *map, uint64_t key, uint32_t value)
{
    if (is_full(map)) {
        AkMap wide = {.cap = map->cap ? map->cap * 2 : 8};
        wide.keys = ak__alloc(arena, wide.cap * sizeof *wide.keys);
        wide.values = ak__alloc(arena, wide.cap * sizeof *wide.values);
        for (uint32_t i = 0; i < map->cap; i++)
            if (map->values[i])
                map_put(&wide, map->keys[i], map->values[i]);
        ak__drop(arena, map->keys, map->cap * sizeof *map->keys);
        ak__drop(arena, map->values, map->cap * sizeof *map->values);
        *map = wide;
    }
    map_put(map, key, value);
}
