/* utf8.h: text of unknown origin, counted and made fit to show.
 *
 * Bytes that are no UTF-8 count as one character each and are shown as U+FFFD.
 */
#ifndef CLI_UTF8_H
#define CLI_UTF8_H

#include "mem.h"

#include <stdint.h>

/* Reads one character; returns its length in bytes (at least 1). *code is UINT32_MAX for a byte
 * that is no UTF-8. len is at least 1. */
size_t cli_utf8_next(const char *text, size_t len, uint32_t *code);

/* Whether all of a text is UTF-8. */
bool cli_utf8_valid(const char *text, size_t len);

/* How many cells of a terminal a character takes: 0, 1 or 2. */
unsigned cli_utf8_width(uint32_t code);

/* Adds text as valid UTF-8. */
void cli_utf8_add(CliBuf *buf, const char *text, size_t len);

/* The same, with control characters replaced too: nothing that a file holds steers a terminal.
 */
void cli_utf8_show(CliBuf *buf, const char *text);

/* One line of a file, tabs as spaces. Returns the cells taken, when the line starts at cell. */
size_t cli_utf8_line(CliBuf *buf, const char *text, size_t len, size_t cell);

#endif
