/* source.h: one Python file as UTF-8 text, and the places in it.
 *
 * Opening does what CPython does before its tokenizer: the byte order mark is skipped, the
 * encoding cookie of the first two lines is obeyed (PEP 263), and a lone CR becomes a newline.
 * What comes out is valid UTF-8 without NUL bytes, its lines end in LF or CRLF, and at least
 * AK_PADDING zero bytes follow it, so that scanners may read ahead.
 *
 * Offsets count bytes of `text`. Lines and columns count from 1; columns count characters
 * (code points), a tab is one. Everything lives in the arena given to the opener.
 */
#ifndef AK_SOURCE_H
#define AK_SOURCE_H

#include "arena.h"

#include <stdint.h>

enum { AK_PADDING = 64 };

/* What ak__source_open returns: 0, or why Python would not read the file. */
enum {
    AK_SOURCE_OK = 0,
    AK_SOURCE_ENCODING = -1, /* an encoding that is unknown, or that we do not decode */
    AK_SOURCE_INVALID = -2,  /* bytes that the encoding does not have */
    AK_SOURCE_NUL = -3,
    AK_SOURCE_TOO_LONG = -4, /* 4 GiB and more; the text is empty */
};

typedef struct AkPos {
    uint32_t line, column;
} AkPos;

typedef struct AkSource {
    const char *path;
    const char *text;
    uint32_t len;
    bool bom;     /* a mark stood before the text */
    bool recoded; /* the file's bytes are not UTF-8: offsets are not those of the file */

    /* On failure: a sentence without a period, and the bytes it is about. */
    const char *problem;
    uint32_t problem_start, problem_end;

    /* Where each line starts: built when first asked for, by one thread. */
    AkArena *arena;
    uint32_t *lines;
    uint32_t line_count;
} AkSource;

/* Copies the bytes; path must live as long as the source. On failure the text is there too, for
 * showing the place: bytes that cannot be read stand as '?', a NUL as a space, at the same
 * offset each. */
int ak__source_open(AkArena *arena, AkSource *source, const char *path, const char *bytes,
                    size_t len);
/* The same without a copy where none is needed: the caller promises that AK_PADDING zero bytes
 * follow the bytes and that both outlive the source. */
int ak__source_open_padded(AkArena *arena, AkSource *source, const char *path,
                           const char *bytes, size_t len);

/* Any offset up to len; one inside a character counts as that character's. */
AkPos ak__source_pos(AkSource *source, uint32_t offset);
/* The way back. A column beyond the line gives the line's end, a line beyond the text its len.
 */
uint32_t ak__source_offset(AkSource *source, AkPos pos);
/* The number of lines; an empty text has one, and so has the empty rest after a last newline.
 */
uint32_t ak__source_line_count(AkSource *source);
/* Start of a line (1 to line_count) and its end, before its LF or CRLF. */
void ak__source_line(AkSource *source, uint32_t line, uint32_t *start, uint32_t *end);

#endif
