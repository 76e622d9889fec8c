/* blocks_text.h: the lexical rules that cutting (blocks.c) and reading names (blocks_names.c)
 * share: what is in a word, how wide an indentation is, where a string ends.
 */
#ifndef AK_BLOCKS_TEXT_H
#define AK_BLOCKS_TEXT_H

#include <stdbool.h>
#include <stdint.h>

/* Bytes beyond ASCII count as letters: Python's own identifiers may hold them. */
extern const bool ak__word_bytes[256];

static inline bool ak__in_word(char c)
{
    return ak__word_bytes[(unsigned char)c];
}

static inline bool ak__is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Whether the word at `at` is exactly this one. */
bool ak__word_is(const char *text, uint32_t len, uint32_t at, const char *word);
uint32_t ak__word_end(const char *text, uint32_t len, uint32_t at);
bool ak__is_keyword(const char *word, uint32_t len);

/* The offset behind a backslash and the newline it hides; `at` itself if there is no such pair.
 */
uint32_t ak__joined(const char *text, uint32_t len, uint32_t at);
/* The offset behind blanks, form feeds and joined lines. */
uint32_t ak__skip_blanks(const char *text, uint32_t len, uint32_t at);
/* The offset of the newline that ends the line of `at`, or len. */
uint32_t ak__line_end(const char *text, uint32_t len, uint32_t at);

typedef struct AkIndent {
    uint32_t column; /* as CPython's tokenizer counts it */
    uint32_t code;   /* the first byte that is no indentation */
    bool blank;      /* nothing, or only a comment, follows */
} AkIndent;

AkIndent ak__indent_at(const char *text, uint32_t len, uint32_t line);

typedef enum AkStringEnd {
    AK_STRING_CLOSED,
    AK_STRING_OPEN_LINE, /* the line ends first; `end` is its newline */
    AK_STRING_OPEN_FILE, /* three quotes that never close; `end` is len */
} AkStringEnd;

typedef struct AkString {
    uint32_t start, end;     /* prefix and quotes included */
    uint32_t body, body_end; /* between the quotes */
    uint8_t how;             /* AkStringEnd */
    bool format, raw, bytes; /* as the prefix says; format is false for one read as plain */
} AkString;

/* Reads f-strings by the rules of 3.12 (fields hold anything, the same quotes too). One whose
 * fields make no sense is read again as plain; `patience` counts down how often that may happen
 * before all of them are, so that broken text costs linear time. */
enum { AK_PATIENCE = 64 };

/* text[quote] opens a string; a prefix is looked for back to `from`. */
AkString ak__string_at(const char *text, uint32_t len, uint32_t from, uint32_t quote,
                       uint32_t *patience);

/* Calls see(data, start, end) for the expression of each field of a string whose `format` is
 * set, those inside format specifications included. */
void ak__string_fields(const char *text, const AkString *string,
                       void (*see)(void *data, uint32_t start, uint32_t end), void *data);

#endif
