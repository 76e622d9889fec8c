/* Memory that ends with the program, and what grows. */
#include "mem.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Things stand from the beginning of a block on, texts from its end back: those need no borders. */
typedef struct Block {
    struct Block *next;
    size_t used, size; /* what is free lies between */
    max_align_t data[];
} Block;

enum { USUAL = 64 * 1024 };

static Block *blocks;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void *cli_realloc(void *old, size_t size)
{
    void *p = realloc(old, size ? size : 1);

    if (!p) {
        fputs("aklint: out of memory\n", stderr);
        exit(2);
    }
    return p;
}

void *cli_malloc(size_t size)
{
    return cli_realloc(NULL, size);
}

static Block *block_new(size_t size)
{
    Block *block = cli_malloc(sizeof *block + size);

    block->next = NULL;
    block->used = 0;
    block->size = size;
    return block;
}

/* A large piece has a block of its own, behind the one in use, so that the rest of that is not lost. */
static void *keep_large(size_t size)
{
    Block *block = block_new(size);

    block->used = size;
    if (blocks) {
        block->next = blocks->next;
        blocks->next = block;
    } else {
        blocks = block;
    }
    return block->data;
}

/* Room for so many bytes in the block in use. */
static void make_room(size_t size)
{
    if (!blocks || blocks->size - blocks->used < size) {
        Block *fresh = block_new(USUAL);
        fresh->next = blocks;
        blocks = fresh;
    }
}

void *cli_keep(size_t size)
{
    /* What has a larger alignment has a size that is a multiple of it. */
    const size_t align = size % sizeof(max_align_t) ? sizeof(void *) : sizeof(max_align_t);
    char *p;

    size = (size + align - 1) / align * align;
    pthread_mutex_lock(&lock);
    if (size > USUAL / 4) {
        p = keep_large(size);
    } else {
        make_room(size + align);
        blocks->used = (blocks->used + align - 1) / align * align;
        p = (char *)blocks->data + blocks->used;
        blocks->used += size;
    }
    pthread_mutex_unlock(&lock);
    return memset(p, 0, size);
}

/* Not zeroed. */
static char *keep_chars(size_t size)
{
    char *p;

    pthread_mutex_lock(&lock);
    if (size > USUAL / 4) {
        p = keep_large(size);
    } else {
        make_room(size);
        blocks->size -= size;
        p = (char *)blocks->data + blocks->size;
    }
    pthread_mutex_unlock(&lock);
    return p;
}

char *cli_keep_text(const char *text, size_t len)
{
    char *copy = keep_chars(len + 1);

    if (len)
        memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

char *cli_keep_string(const char *text)
{
    return cli_keep_text(text, strlen(text));
}

char *cli_keep_format(const char *format, ...)
{
    va_list args, again;
    char *text;
    int len;

    va_start(args, format);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    text = keep_chars((size_t)(len < 0 ? 0 : len) + 1);
    *text = '\0';
    vsnprintf(text, (size_t)(len < 0 ? 0 : len) + 1, format, again);
    va_end(again);
    return text;
}

void cli_forget(void)
{
    while (blocks) {
        Block *next = blocks->next;
        free(blocks);
        blocks = next;
    }
}

static void buf_reserve(CliBuf *buf, size_t more)
{
    size_t need = buf->len + more + 1;

    if (need <= buf->cap)
        return;
    buf->cap = need < 256 ? 256 : need + need / 2;
    buf->data = cli_realloc(buf->data, buf->cap);
}

void cli_buf_add(CliBuf *buf, const char *text, size_t len)
{
    buf_reserve(buf, len);
    if (len)
        memcpy(buf->data + buf->len, text, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void cli_buf_puts(CliBuf *buf, const char *text)
{
    cli_buf_add(buf, text, strlen(text));
}

void cli_buf_putc(CliBuf *buf, char c)
{
    cli_buf_add(buf, &c, 1);
}

void cli_buf_repeat(CliBuf *buf, char c, size_t n)
{
    buf_reserve(buf, n);
    memset(buf->data + buf->len, c, n);
    buf->len += n;
    buf->data[buf->len] = '\0';
}

void cli_buf_printf(CliBuf *buf, const char *format, ...)
{
    va_list args, again;
    int len;

    va_start(args, format);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len > 0) {
        buf_reserve(buf, (size_t)len);
        vsnprintf(buf->data + buf->len, (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    }
    va_end(again);
}

void cli_buf_free(CliBuf *buf)
{
    free(buf->data);
    *buf = (CliBuf){0};
}

void cli_list_add(CliList *list, const void *item)
{
    if (list->len + 2 > list->cap) {
        void **wider;
        list->cap = list->cap ? list->cap * 2 : 4;
        wider = cli_keep(list->cap * sizeof *wider);
        if (list->len)
            memcpy(wider, list->items, list->len * sizeof *wider);
        list->items = wider;
    }
    /* The list only carries the pointer; whoever reads it casts back to const. */
    list->items[list->len++] = (void *)(uintptr_t)item;
    list->items[list->len] = NULL;
}

const char *cli_list_text(const CliList *list, size_t i)
{
    return list->items[i];
}

bool cli_list_has(const CliList *list, const char *text)
{
    for (size_t i = 0; i < list->len; i++)
        if (!strcmp(list->items[i], text))
            return true;
    return false;
}
