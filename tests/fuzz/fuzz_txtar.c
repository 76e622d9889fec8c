/* fuzz_txtar.c: a test case is whatever somebody's editor left. An archive that is written
 * reads as the same one. */
#include "txtar.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(AkBytes a, AkBytes b)
{
    /* A last line without its end has got one. */
    if (a.len && a.at[a.len - 1] != '\n') {
        if (b.len != a.len + 1)
            abort();
        b.len--;
    }
    if (!ak_bytes_equal((AkBytes){a.len ? a.at : "", a.len},
                        (AkBytes){b.len ? b.at : "", b.len}))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AkTxtar one, two;
    AkText out = {0};

    ak_txtar_read((AkBytes){(const char *)data, size}, &one);
    ak_txtar_write(&one, &out);
    ak_txtar_read((AkBytes){out.at ? out.at : "", out.len}, &two);
    if (one.len != two.len)
        abort();
    same(one.comment, two.comment);
    for (size_t i = 0; i < one.len; i++) {
        if (!ak_bytes_equal(one.files[i].name, two.files[i].name))
            abort();
        same(one.files[i].text, two.files[i].text);
    }
    ak_txtar_free(&one);
    ak_txtar_free(&two);
    ak_text_free(&out);
    return 0;
}
