/* mem.h: memory of the command line.
 *
 * What cli_keep gives lives until cli_forget at the end of main: nobody frees it. Lists
 * live there too; buffers grow by malloc and are freed by their owner. No allocation returns
 * NULL: without memory the program says so and ends with 2. All may be called from any thread.
 */
#ifndef CLI_MEM_H
#define CLI_MEM_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#if defined(__GNUC__)
#define CLI_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define CLI_PRINTF(f, a)
#endif

void *cli_keep(size_t size); /* zeroed */
char *cli_keep_text(const char *text, size_t len);
char *cli_keep_string(const char *text);
char *cli_keep_format(const char *format, ...) CLI_PRINTF(1, 2);
void cli_forget(void);

void *cli_malloc(size_t size);
void *cli_realloc(void *old, size_t size);

/* Bytes; data is NULL or ends with a zero that len does not count. */
typedef struct CliBuf {
    char *data;
    size_t len, cap;
} CliBuf;

void cli_buf_add(CliBuf *buf, const char *text, size_t len);
void cli_buf_puts(CliBuf *buf, const char *text);
void cli_buf_putc(CliBuf *buf, char c);
void cli_buf_repeat(CliBuf *buf, char c, size_t n);
void cli_buf_printf(CliBuf *buf, const char *format, ...) CLI_PRINTF(2, 3);
void cli_buf_free(CliBuf *buf);

/* Pointers that belong to somebody else; the list itself is kept. items is NULL-ended once
 * something was added. */
typedef struct CliList {
    void **items;
    size_t len, cap;
} CliList;

void cli_list_add(CliList *list, const void *item);
const char *cli_list_text(const CliList *list, size_t i);
bool cli_list_has(const CliList *list, const char *text);

#endif
