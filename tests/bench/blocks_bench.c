/* blocks_bench: how fast files are opened, cut and read, from memory.
 *
 *     find FOLDER -name '*.py' | blocks_bench [SECONDS [LINE]]     LINE: "cut" for those only
 */
#define _GNU_SOURCE
#include "blocks.h"
#include "source.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct File {
    char *bytes;
    size_t len;
} File;

static File *files;
static size_t file_count;
static double seconds = 0.5;

typedef size_t Work(AkArena *arena, const AkSource *source);

static size_t open_only(AkArena *arena, const AkSource *source)
{
    (void)arena;
    return source->len;
}

static size_t cut_sse2(AkArena *arena, const AkSource *source)
{
    AkBlock *blocks;
    return ak__blocks_cut(arena, source->text, source->len, &blocks);
}

static size_t cut_plain(AkArena *arena, const AkSource *source)
{
    AkBlock *blocks;
    return ak__blocks_cut_plain(arena, source->text, source->len, &blocks);
}

static size_t names(AkArena *arena, const AkSource *source)
{
    AkBlock *blocks;
    size_t found = 0, count = ak__blocks_cut(arena, source->text, source->len, &blocks);
    for (size_t i = 0; i < count; i++) {
        AkBoundName *list;
        AkBlockImport *imports;
        found += ak__block_names(arena, source->text, &blocks[i], &list);
        found += ak__block_imports(arena, source->text, &blocks[i], &imports);
    }
    return found;
}

static size_t idents(AkArena *arena, const AkSource *source)
{
    AkMention *list;
    return ak__text_idents(arena, source->text, 0, source->len, 0, &list);
}

static size_t mentions(AkArena *arena, const AkSource *source)
{
    static const char *const words[] = {"temporalio", "autokitteh", "ak", NULL};
    (void)arena;
    return ak__text_mentions(source->text, source->len, words);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

typedef struct Run {
    pthread_t thread;
    Work *work;
    size_t bytes, found;
} Run;

static void *run(void *data)
{
    Run *r = data;
    AkArena *arena = ak__arena_new();
    if (!arena || setjmp(*ak__arena_guard(arena))) {
        fputs("blocks_bench: out of memory\n", stderr);
        exit(EXIT_FAILURE);
    }
    double start = now();
    while (now() - start < seconds)
        for (size_t i = 0; i < file_count; i++) {
            AkSource source;
            ak__source_open_padded(arena, &source, "", files[i].bytes, files[i].len);
            r->found += r->work(arena, &source);
            r->bytes += files[i].len;
            ak__arena_reset(arena);
        }
    ak__arena_free(arena);
    return NULL;
}

static double megabytes_per_second(Work *work, int threads)
{
    Run runs[2] = {{.work = work}, {.work = work}};
    double start = now();
    for (int i = 0; i < threads; i++)
        if (pthread_create(&runs[i].thread, NULL, run, &runs[i]) != 0)
            exit(EXIT_FAILURE);
    size_t bytes = 0;
    for (int i = 0; i < threads; i++) {
        pthread_join(runs[i].thread, NULL);
        bytes += runs[i].bytes;
    }
    return (double)bytes / (now() - start) / 1e6;
}

static void load(const char *path)
{
    FILE *stream = fopen(path, "rb");
    if (!stream)
        return;
    fseek(stream, 0, SEEK_END);
    long size = ftell(stream);
    rewind(stream);
    File file = {size > 0 ? calloc(1, (size_t)size + AK_PADDING) : NULL, 0};
    if (file.bytes) {
        file.len = fread(file.bytes, 1, (size_t)size, stream);
        files = realloc(files, (file_count + 1) * sizeof *files);
        if (!files)
            exit(EXIT_FAILURE);
        files[file_count++] = file;
    }
    fclose(stream);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        Work *work;
    } works[] = {{"open", open_only},
                 {"open + mentions", mentions},
                 {"open + cut, SSE2", cut_sse2},
                 {"open + cut, plain", cut_plain},
                 {"open + cut + names", names},
                 {"open + idents", idents}};
    if (argc > 1)
        seconds = atof(argv[1]);
    char *path = NULL;
    size_t room = 0, total = 0;
    for (ssize_t n; (n = getline(&path, &room, stdin)) > 0;) {
        path[strcspn(path, "\n")] = 0;
        load(path);
    }
    free(path);
    for (size_t i = 0; i < file_count; i++)
        total += files[i].len;
    printf("%zu files, %.2f MB\n%-22s %12s %12s\n", file_count, (double)total / 1e6, "MB/s",
           "1 thread", "2 threads");
    for (size_t i = 0; file_count && i < sizeof works / sizeof *works; i++) {
        if (argc > 2 && !strstr(works[i].name, argv[2]))
            continue;
        printf("%-22s %12.0f %12.0f\n", works[i].name, megabytes_per_second(works[i].work, 1),
               megabytes_per_second(works[i].work, 2));
    }
    for (size_t i = 0; i < file_count; i++)
        free(files[i].bytes);
    free(files);
    return EXIT_SUCCESS;
}
