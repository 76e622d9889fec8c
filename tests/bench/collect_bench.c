/* collect_bench: how fast facts are made of files.
 *
 *     collect_bench [--whole] [--rounds N] < list-of-files
 *
 * In memory, one thread, block by block (or each file as one block): parsing alone, then
 * parsing and collecting; the best of N rounds. Prints MB/s of both and the memory that facts
 * take.
 */
#define _GNU_SOURCE
#include "blocks.h"
#include "facts.h"
#include "parse.h"
#include "source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct Piece {
    const char *text;
    uint32_t len;
} Piece;

typedef struct Pieces {
    Piece *at;
    size_t len, cap;
    size_t bytes;
} Pieces;

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static char *read_file(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    char *bytes = NULL;
    *len = 0;
    if (!file)
        return NULL;
    if (fseek(file, 0, SEEK_END) == 0) {
        long size = ftell(file);
        rewind(file);
        bytes = size < 0 ? NULL : malloc((size_t)size + 1);
        *len = bytes ? fread(bytes, 1, (size_t)size, file) : 0;
    }
    fclose(file);
    return bytes;
}

static void add(Pieces *pieces, Piece piece)
{
    if (pieces->len == pieces->cap) {
        pieces->cap = pieces->cap ? pieces->cap * 2 : 1024;
        pieces->at = realloc(pieces->at, pieces->cap * sizeof *pieces->at);
        if (!pieces->at)
            exit(EXIT_FAILURE);
    }
    pieces->at[pieces->len++] = piece;
    pieces->bytes += piece.len;
}

static void add_file(AkArena *arena, Pieces *pieces, const char *path, bool whole)
{
    size_t len;
    AkSource source;
    char *bytes = read_file(path, &len);
    if (bytes && ak__source_open(arena, &source, "", bytes, len) == AK_SOURCE_OK) {
        AkBlock *blocks;
        size_t count = whole ? 0 : ak__blocks_cut(arena, source.text, source.len, &blocks);
        if (whole)
            add(pieces, (Piece){source.text, source.len, 0});
        for (size_t i = 0; i < count; i++)
            add(pieces,
                (Piece){source.text + blocks[i].start, blocks[i].end - blocks[i].start, 0});
    }
    free(bytes);
}

static double parse_all(AkParser *parser, const Pieces *pieces)
{
    double start = seconds();
    for (size_t i = 0; i < pieces->len; i++)
        ak__parse(parser, 0, pieces->at[i].text, pieces->at[i].len);
    return seconds() - start;
}

static double collect_all(AkParser *parser, const Pieces *pieces, size_t *used)
{
    AkArena *arena = ak__arena_new();
    if (!arena || setjmp(*ak__arena_guard(arena)))
        exit(EXIT_FAILURE);
    double start = seconds();
    for (size_t i = 0; i < pieces->len; i++)
        ak__collect(arena, parser, pieces->at[i].text, pieces->at[i].len);
    double spent = seconds() - start;
    *used = ak__arena_used(arena);
    ak__arena_free(arena);
    return spent;
}

int main(int argc, char **argv)
{
    static bool whole;
    static int rounds = 3;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--whole") == 0)
            whole = true;
        else if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc)
            rounds = atoi(argv[++i]);
    }
    AkArena *arena = ak__arena_new();
    AkParser *parser = ak__parser_new();
    if (!arena || !parser || setjmp(*ak__arena_guard(arena)))
        return EXIT_FAILURE;
    static Pieces pieces;
    static char path[4096];
    while (fgets(path, sizeof path, stdin)) {
        path[strcspn(path, "\n")] = 0;
        add_file(arena, &pieces, path, whole);
    }
    double parse = 1e9, both = 1e9;
    size_t used = 0;
    for (int i = 0; i < rounds; i++) {
        double spent = parse_all(parser, &pieces);
        parse = spent < parse ? spent : parse;
        spent = collect_all(parser, &pieces, &used);
        both = spent < both ? spent : both;
    }
    double mb = (double)pieces.bytes / 1e6;
    printf(
        "%zu blocks, %.2f MB: parse %.2f MB/s, parse and collect %.2f MB/s (+%.1f %%), facts "
        "%.1f bytes a byte\n",
        pieces.len, mb, mb / parse, mb / both, 100 * (both - parse) / parse,
        (double)used / (double)pieces.bytes);
    ak__parser_free(parser);
    ak__arena_free(arena);
    free(pieces.at);
    return EXIT_SUCCESS;
}
