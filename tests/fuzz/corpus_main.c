/* corpus_main.c: runs a fuzz target over files, where there is no libFuzzer. Each file is tried
 * as it is, cut at some lengths, and with some bytes changed: a few thousand inputs a file, the
 * same every time.
 *
 *     fuzz_protocol [FILE...]
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIZE_MAX_HERE = 1 << 16, TRIES = 2000 };

static uint64_t state = 88172645463325252u;

static size_t draw(size_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state >> 20) % below;
}

static uint8_t changed(void)
{
    static const uint8_t telling[] = "{}[]\",:\\\n0nt";
    return draw(2) ? (uint8_t)draw(256) : telling[draw(sizeof telling - 1)];
}

static void try_all(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    LLVMFuzzerTestOneInput(data, size);
    for (int i = 0; i < TRIES && size; i++) {
        size_t len = draw(4) ? size : 1 + draw(size);
        memcpy(copy, data, size);
        for (size_t n = draw(4); n > 0; n--)
            copy[draw(len)] = changed();
        LLVMFuzzerTestOneInput(copy, len);
    }
    free(copy);
}

int main(int argc, char **argv)
{
    static uint8_t bytes[SIZE_MAX_HERE];
    int failed = 0;
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (!file) {
            perror(argv[i]);
            failed = 1;
            continue;
        }
        size_t size = fread(bytes, 1, sizeof bytes, file);
        fclose(file);
        try_all(bytes, size);
    }
    printf("%d files, %d inputs each\n", argc - 1, TRIES + 1);
    return failed;
}
