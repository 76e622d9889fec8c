/* Any bytes: blocks tile the text, are cut the same without SSE2, and what is read of them lies
 * inside. */
#include "blocks.h"
#include "blocks_text.h"
#include "source.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void must_lie_inside(const AkBlock *block, uint32_t start, uint32_t len)
{
    must(start >= block->start && start + len <= block->end);
}

static void read_block(AkArena *arena, const char *text, const AkBlock *block)
{
    AkBoundName *names;
    AkBlockImport *imports;
    AkMention *mentions;
    size_t count = ak__block_names(arena, text, block, &names);
    for (size_t i = 0; i < count; i++)
        must_lie_inside(block, names[i].start, names[i].len);
    count = ak__block_imports(arena, text, block, &imports);
    for (size_t i = 0; i < count; i++) {
        must(imports[i].module || imports[i].module_len == 0);
        must_lie_inside(block, imports[i].at, 0);
        if (imports[i].bound.len)
            must_lie_inside(block, imports[i].bound.start, imports[i].bound.len);
    }
    count = ak__text_idents(arena, text, block->start, block->end,
                            AK_MENTION_ATTRIBUTES | AK_MENTION_STRINGS, &mentions);
    for (size_t i = 0; i < count; i++)
        must_lie_inside(block, mentions[i].start, mentions[i].len);
}

static void must_tile(const AkBlock *blocks, size_t count, uint32_t start, uint32_t end)
{
    for (size_t i = 0; i < count; i++) {
        must(blocks[i].start == start && blocks[i].end > start);
        must(blocks[i].code >= blocks[i].start && blocks[i].code < blocks[i].end);
        start = blocks[i].end;
    }
    must(start == end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AkArena *arena = ak__arena_new();
    if (!arena)
        return 0;
    if (setjmp(*ak__arena_guard(arena)) == 0) {
        AkSource source;
        AkBlock *blocks, *plain;
        ak__source_open(arena, &source, "fuzz.py", (const char *)data, size);
        size_t count = ak__blocks_cut(arena, source.text, source.len, &blocks);
        size_t plain_count = ak__blocks_cut_plain(arena, source.text, source.len, &plain);
        must_tile(blocks, count, 0, source.len);
        must(count == plain_count);
        must(count == 0 || memcmp(blocks, plain, count * sizeof *blocks) == 0);
        for (size_t i = 0; i < count; i++) {
            read_block(arena, source.text, &blocks[i]);
            if (blocks[i].kind == AK_BLOCK_BLANK || blocks[i].kind == AK_BLOCK_FILE)
                continue; /* no statement begins it */
            uint32_t patience = AK_PATIENCE, line = blocks[i].code;
            while (line > blocks[i].start && source.text[line - 1] != '\n')
                line--;
            uint32_t end = ak__statement_end(source.text, source.len, line, &patience);
            must(end > blocks[i].code && end <= source.len);
        }
    }
    ak__arena_free(arena);
    return 0;
}
