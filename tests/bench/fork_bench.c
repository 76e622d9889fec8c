/* bench_fork AK PROGRAM_DIR FILE.py:FUNC SUPPORT_DIR [N]: from the request for a runner to its
 * first protocol line, with the warm process up. Prints p50, p99 and the cold start. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

extern char **environ;

typedef struct Bench {
    bool heard;
    size_t gone;
} Bench;

static void on_message(void *owner, const AkMessage *message)
{
    Bench *bench = owner;

    bench->heard = message->kind == AK_MSG_MODULE;
}

static void on_words(void *owner, const char *words)
{
    (void)owner;
    fprintf(stderr, "bench_fork: %s\n", words);
    exit(1);
}

static void on_output(void *owner, int stream, const char *text, size_t len)
{
    (void)owner;
    (void)stream;
    fwrite(text, 1, len, stderr);
}

static const AkRunnerEvents events = {on_message, on_words, on_words,
                                      on_output,  on_words, on_words};

static int64_t first_line(AkLoop *loop, AkHost *host, const char *entry)
{
    Bench bench = {0};
    int64_t start = ak_loop_now().mono_us;
    AkRunner *runner = ak_runner_start(host, entry, &events, &bench);

    while (runner && !bench.heard)
        ak_loop_turn(loop);
    int64_t took = ak_loop_now().mono_us - start;
    ak_runner_end(runner);
    /* The process is gone before the next one comes, as one measures the fork and not the
     * queue. */
    for (int i = 0; i < 3; i++) {
        ak_loop_hurry(loop);
        ak_loop_turn(loop);
    }
    return took;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    if (argc < 5)
        return 2;
    int n = argc > 5 ? atoi(argv[5]) : 300;
    AkHostOptions options = {.warm = {.program = argv[1],
                                      .code = argv[2],
                                      .entry = argv[3],
                                      .support = argv[4],
                                      .cwd = argv[2],
                                      .env = environ,
                                      .limits = {4ull << 30, 1024, 256}}};
    AkLoop *loop = ak_loop_new();
    AkHost *host = ak_host_new(loop, &options);
    int64_t *times = calloc((size_t)n, sizeof *times), cold = first_line(loop, host, argv[3]);

    for (int i = 0; i < n; i++)
        times[i] = first_line(loop, host, argv[3]);
    qsort(times, (size_t)n, sizeof *times, by_size);
    printf("fork to first line: p50 %.2f ms, p99 %.2f ms (n=%d); cold %.1f ms\n",
           (double)times[n / 2] / 1e3, (double)times[n * 99 / 100] / 1e3, n,
           (double)cold / 1e3);
    ak_host_free(host);
    ak_loop_free(loop);
    free(times);
    return 0;
}
