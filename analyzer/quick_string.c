/* quick_string.c: f-strings. Their nodes' children are what stands in their fields, which is all
 * that is read of them. */
#include "quick.h"

#include <string.h>

typedef struct Quotes {
    char quote;
    bool triple, raw;
} Quotes;

static bool is_closing(const AkQuick *q, const Quotes *s, uint32_t at)
{
    return ak__quick_peek(q, at) == s->quote &&
           (!s->triple ||
            (ak__quick_peek(q, at + 1) == s->quote && ak__quick_peek(q, at + 2) == s->quote));
}

static void field(AkQuick *q, const Quotes *s, AkTreeKids *kids);

/* From behind the colon up to the bracket that closes the field; fields in it, too. */
static void spec(AkQuick *q, const Quotes *s, AkTreeKids *kids)
{
    while (!q->refused) {
        char c = ak__quick_peek(q, q->at);
        if (c == '}')
            return;
        if (c == '{' && ak__quick_peek(q, q->at + 1) != '{')
            field(q, s, kids);
        else if (c < ' ' || c > '~' || strchr("{\\'\"", c))
            ak__quick_refuse(q);
        else
            q->at++;
    }
}

static uint32_t skip_blanks(const AkQuick *q, uint32_t at)
{
    while (ak__quick_peek(q, at) == ' ')
        at++;
    return at;
}

/* Behind the expression: `=`, `!r`, `:…`. Leaves at behind the closing bracket. */
static void field_end(AkQuick *q, const Quotes *s, AkTreeKids *kids)
{
    uint32_t at = q->start;
    if (q->token == AK_TOK_ASSIGN)
        at = skip_blanks(q, at + 1);
    if (ak__quick_peek(q, at) == '!') {
        char c = ak__quick_peek(q, at + 1);
        if (c != 'r' && c != 's' && c != 'a')
            ak__quick_refuse(q);
        at = skip_blanks(q, at + 2);
    }
    q->at = at;
    if (ak__quick_peek(q, at) == ':') {
        q->at++;
        spec(q, s, kids);
    }
    if (q->refused || ak__quick_peek(q, q->at) != '}')
        ak__quick_refuse(q);
    else
        q->at++;
}

/* At the opening bracket of a field. */
static void field(AkQuick *q, const Quotes *s, AkTreeKids *kids)
{
    uint32_t brackets = q->brackets, begin = q->at;
    if (++q->depth > AK_QUICK_DEEPEST) {
        ak__quick_refuse(q);
        return;
    }
    q->fields++;
    q->at++;
    q->brackets = 1;
    ak__quick_next(q);
    ak__quick_add(q, kids, ak__quick_value(q));
    if (q->token != AK_TOK_CLOSE_DICT && q->token != AK_TOK_ASSIGN && q->token != AK_TOK_BANG &&
        q->token != AK_TOK_COLON && q->token != AK_TOK_WALRUS)
        ak__quick_refuse(q);
    field_end(q, s, kids);
    /* In quotes of one line a field has one line, and no backslash. */
    if (!q->refused && (memchr(q->text + begin, '\\', q->at - begin) ||
                        (!s->triple && memchr(q->text + begin, '\n', q->at - begin))))
        ak__quick_refuse(q);
    q->brackets = brackets;
    q->fields--;
    q->depth--;
}

/* At a backslash: to behind what it escapes. A bracket is a field's all the same. */
static void escape(AkQuick *q, const Quotes *s)
{
    char c = ak__quick_peek(q, ++q->at);
    if (c == '{' || c == '}')
        return;
    if (c == 'N' && !s->raw && ak__quick_peek(q, q->at + 1) == '{') {
        while (q->at < q->len && q->text[q->at] != '}' && q->text[q->at] != '\n' &&
               q->text[q->at] != s->quote)
            q->at++;
        if (ak__quick_peek(q, q->at) != '}')
            ak__quick_refuse(q);
    }
    if (!c || (c == '\r' && ak__quick_peek(q, ++q->at) != '\n'))
        ak__quick_refuse(q);
    q->at++;
}

static void content(AkQuick *q, const Quotes *s, AkTreeKids *kids)
{
    while (!q->refused && !is_closing(q, s, q->at)) {
        char c = ak__quick_peek(q, q->at);
        if (c == '{' && ak__quick_peek(q, q->at + 1) == '{')
            q->at += 2;
        else if (c == '{')
            field(q, s, kids);
        else if (c == '}' && ak__quick_peek(q, q->at + 1) == '}')
            q->at += 2;
        else if (c == '\\')
            escape(q, s);
        else if (!c || c == '}' || c == '\r' || (c == '\n' && !s->triple))
            ak__quick_refuse(q);
        else
            q->at++;
    }
}

uint32_t ak__quick_fstring(AkQuick *q)
{
    uint32_t start = q->start;
    Quotes s = {.quote = q->text[q->at]};
    AkTreeKids kids = {0};
    for (uint32_t i = start; i < q->at; i++)
        s.raw |= (q->text[i] | 0x20) == 'r';
    s.triple =
        ak__quick_peek(q, q->at + 1) == s.quote && ak__quick_peek(q, q->at + 2) == s.quote;
    q->at += s.triple ? 3 : 1;
    content(q, &s, &kids);
    if (q->refused)
        return 0;
    q->end = q->at += s.triple ? 3 : 1;
    uint32_t node = ak__quick_node(q, AK_N_STRING, start, q->end, kids);
    ak__quick_next(q);
    return node;
}
