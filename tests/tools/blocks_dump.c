/* blocks_dump: prints how files are cut, for tests/oracle_blocks.py.
 *
 *     blocks_dump < list-of-files      one JSON line a file
 *
 * Checks on the way that the cut without SSE2 is the same.
 */
#define _GNU_SOURCE
#include "blocks.h"
#include "source.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_file(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    char *bytes = NULL;
    *len = 0;
    if (fseek(file, 0, SEEK_END) == 0) {
        long size = ftell(file);
        rewind(file);
        bytes = size < 0 ? NULL : malloc((size_t)size + 1);
        *len = bytes ? fread(bytes, 1, (size_t)size, file) : 0;
    }
    fclose(file);
    return bytes;
}

static json_t *word(const char *text, uint32_t start, uint32_t len)
{
    return json_stringn_nocheck(text + start, len);
}

static json_t *names_of(AkArena *arena, const char *text, const AkBlock *block)
{
    AkBoundName *names;
    size_t count = ak__block_names(arena, text, block, &names);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list,
                              json_pack("[o,i,b]", word(text, names[i].start, names[i].len),
                                        (int)names[i].kind, (int)names[i].nested));
    return list;
}

static json_t *imports_of(AkArena *arena, const char *text, const AkBlock *block)
{
    AkBlockImport *imports;
    size_t count = ak__block_imports(arena, text, block, &imports);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        const AkBlockImport *one = &imports[i];
        json_array_append_new(
            list, json_pack("[o,i,o,o,b,b]", json_stringn_nocheck(one->module, one->module_len),
                            (int)one->level, word(text, one->name.start, one->name.len),
                            word(text, one->bound.start, one->bound.len), (int)one->nested,
                            (int)one->local));
    }
    return list;
}

/* Each identifier once, attributes left out. */
static json_t *idents_of(AkArena *arena, const char *text, const AkBlock *block)
{
    AkMention *found;
    size_t count = ak__text_idents(arena, text, block->start, block->end, 0, &found);
    json_t *set = json_object();
    for (size_t i = 0; i < count; i++)
        json_object_setn_new_nocheck(set, text + found[i].start, found[i].len, json_true());
    json_t *list = json_array();
    const char *key;
    json_t *value;
    json_object_foreach(set, key, value) json_array_append_new(list, json_string_nocheck(key));
    json_decref(set);
    return list;
}

static json_t *describe(AkArena *arena, const char *text, const AkBlock *blocks, size_t i)
{
    const AkBlock *block = &blocks[i];
    json_t *object = json_pack(
        "{s:i,s:i,s:i,s:i,s:i,s:o,s:b,s:b,s:b}", "start", (int)block->start, "end",
        (int)block->end, "code", (int)block->code, "line", (int)block->line, "kind",
        (int)block->kind, "name", word(text, block->name_start, block->name_len), "async",
        (int)block->is_async, "decorated", (int)block->decorated, "unsure", (int)block->unsure);
    json_object_set_new(object, "names", names_of(arena, text, block));
    json_object_set_new(object, "imports", imports_of(arena, text, block));
    json_object_set_new(object, "idents", idents_of(arena, text, block));
    return object;
}

static void dump(AkArena *arena, const char *path, const char *bytes, size_t len)
{
    AkSource source;
    int status = ak__source_open(arena, &source, path, bytes, len);
    AkBlock *blocks, *plain;
    size_t count = ak__blocks_cut(arena, source.text, source.len, &blocks);
    size_t plain_count = ak__blocks_cut_plain(arena, source.text, source.len, &plain);
    bool same = count == plain_count;
    for (size_t i = 0; i < count && same; i++)
        same = memcmp(&blocks[i], &plain[i], sizeof *blocks) == 0;
    json_t *list = json_array();
    for (size_t i = 0; i < count && status == AK_SOURCE_OK; i++)
        json_array_append_new(list, describe(arena, source.text, blocks, i));
    json_t *line =
        json_pack("{s:o,s:i,s:i,s:b,s:o}", "path", json_string_nocheck(path), "status", status,
                  "len", (int)source.len, "same", (int)same, "blocks", list);
    json_dumpf(line, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(line);
}

int main(void)
{
    char *path = NULL;
    size_t room = 0;
    AkArena *arena = ak__arena_new();
    if (!arena || setjmp(*ak__arena_guard(arena))) {
        fputs("blocks_dump: out of memory\n", stderr);
        return EXIT_FAILURE;
    }
    for (ssize_t n; (n = getline(&path, &room, stdin)) > 0;) {
        if (path[n - 1] == '\n')
            path[n - 1] = 0;
        size_t len = 0;
        char *bytes = read_file(path, &len);
        if (bytes)
            dump(arena, path, bytes, len);
        fflush(stdout);
        free(bytes);
        ak__arena_reset(arena);
    }
    free(path);
    ak__arena_free(arena);
    return EXIT_SUCCESS;
}
