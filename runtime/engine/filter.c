/* filter.c: a filter's parser (precedence climbing over a table of operators) and its
 * evaluation.
 *
 * A string literal is kept as it stands and unescaped while it is compared, so that no memory
 * is needed: `unescape` gives one character at a time.
 */
#include "filter.h"

#include <string.h>

enum {
    N_NONE,
    N_NAME,   /* text */
    N_STRING, /* text, quotes included */
    N_INT,
    N_FLOAT,
    N_TRUE,
    N_FALSE,
    N_NULL,
    N_LIST,  /* left: first item */
    N_FIELD, /* left: object; text: the name */
    N_INDEX, /* left: object, right: index */
    N_CALL,  /* text: the function; left: receiver or none; right: first argument */
    N_NOT,
    N_NEGATE,
    N_OR,
    N_AND,
    N_EQ,
    N_NE,
    N_LE,
    N_LT,
    N_GE,
    N_GT,
    N_IN,
    N_ADD,
    N_SUB,
    N_MUL,
    N_DIV,
    N_MOD,
    N_CHOICE, /* left: the test; right: then, whose next is else */
};

typedef struct Operator {
    const char *text;
    uint8_t kind, level;
} Operator;

/* Longer texts before their beginnings. */
static const Operator operators[] = {
    {"||", N_OR, 1}, {"&&", N_AND, 2}, {"==", N_EQ, 3}, {"!=", N_NE, 3}, {"<=", N_LE, 3},
    {"<", N_LT, 3},  {">=", N_GE, 3},  {">", N_GT, 3},  {"in", N_IN, 3}, {"+", N_ADD, 4},
    {"-", N_SUB, 4}, {"*", N_MUL, 5},  {"/", N_DIV, 5}, {"%", N_MOD, 5},
};

static const struct {
    const char *name;
    bool method;
    uint8_t arguments;
} functions[] = {
    {"startsWith", true, 1}, {"endsWith", true, 1}, {"contains", true, 1},
    {"size", true, 0},       {"size", false, 1},    {"has", false, 1},
};

typedef struct Parser {
    AkFilter *filter;
    const char *at;
    const char *why;
    const char *wrong;
    int depth;
} Parser;

static uint16_t fail(Parser *p, const char *why)
{
    if (!p->why) {
        p->why = why;
        p->wrong = p->at;
    }
    return 0;
}

static void skip_space(Parser *p)
{
    while (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r')
        p->at++;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c);
}

static bool take(Parser *p, char c)
{
    skip_space(p);
    if (*p->at != c)
        return false;
    p->at++;
    return true;
}

static uint16_t node(Parser *p, uint8_t kind, uint16_t left, uint16_t right)
{
    AkFilter *f = p->filter;

    if (f->count == AK_FILTER_NODES)
        return fail(p, "the filter is too long");
    f->nodes[f->count] = (AkFilterNode){.kind = kind, .left = left, .right = right};
    return f->count++;
}

static uint16_t text_node(Parser *p, uint8_t kind, uint16_t left, const char *start)
{
    uint16_t n = node(p, kind, left, 0);

    p->filter->nodes[n].start = (uint32_t)(start - p->filter->text);
    p->filter->nodes[n].len = (uint32_t)(p->at - start);
    return n;
}

static uint16_t expression(Parser *p);
static uint16_t unary(Parser *p);

/* Expressions up to `end`, chained by next; the first of them. count says how many. */
static uint16_t sequence(Parser *p, char end, uint8_t *count)
{
    uint16_t first = 0, last = 0;

    *count = 0;
    while (!p->why && !take(p, end)) {
        uint16_t item;

        if (*count && !take(p, ','))
            return fail(p, "a comma or a closing bracket is missing");
        item = expression(p);
        if (last)
            p->filter->nodes[last].next = item;
        else
            first = item;
        last = item;
        ++*count;
    }
    return first;
}

static uint16_t string(Parser *p)
{
    const char *start = p->at;
    bool raw = *p->at == 'r' || *p->at == 'R';
    char quote;

    p->at += raw;
    quote = *p->at++;
    while (*p->at && *p->at != quote && *p->at != '\n')
        p->at += *p->at == '\\' && !raw && p->at[1] ? 2 : 1;
    if (*p->at != quote)
        return fail(p, "the string is not closed");
    p->at++;
    return text_node(p, N_STRING, 0, start);
}

static uint16_t number(Parser *p)
{
    const char *start = p->at;
    uint8_t kind = N_INT;

    while (is_digit(*p->at))
        p->at++;
    if (*p->at == '.' && is_digit(p->at[1])) {
        kind = N_FLOAT;
        for (p->at++; is_digit(*p->at);)
            p->at++;
    }
    if (is_word(*p->at))
        return fail(p, "a number ends in letters");
    return text_node(p, kind, 0, start);
}

static bool same(const char *text, size_t len, const char *word)
{
    return strlen(word) == len && memcmp(text, word, len) == 0;
}

static uint16_t call(Parser *p, const char *name, size_t len, uint16_t receiver)
{
    uint8_t given;
    uint16_t n, arguments;
    const char *end = p->at;

    p->at++;
    arguments = sequence(p, ')', &given);
    for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
        if (!same(name, len, functions[i].name) || functions[i].method != (receiver != 0))
            continue;
        if (functions[i].arguments != given)
            return fail(p, "the function takes another number of arguments");
        n = node(p, N_CALL, receiver, arguments);
        p->filter->nodes[n].start = (uint32_t)(name - p->filter->text);
        p->filter->nodes[n].len = (uint32_t)len;
        return n;
    }
    p->at = end;
    return fail(p, "no such function; there are startsWith, endsWith, contains, size and has");
}

static uint16_t word(Parser *p)
{
    static const struct {
        const char *text;
        uint8_t kind;
    } literals[] = {{"true", N_TRUE}, {"false", N_FALSE}, {"null", N_NULL}};
    const char *start = p->at;
    size_t len;

    while (is_word(*p->at))
        p->at++;
    len = (size_t)(p->at - start);
    for (size_t i = 0; i < 3; i++)
        if (same(start, len, literals[i].text))
            return text_node(p, literals[i].kind, 0, start);
    if (*p->at == '(')
        return call(p, start, len, 0);
    if (!same(start, len, "data") && !same(start, len, "event_type")) {
        p->at = start;
        return fail(p, "no such name; an event has data and event_type");
    }
    return text_node(p, N_NAME, 0, start);
}

static uint16_t primary(Parser *p)
{
    uint8_t count;
    uint16_t n;

    skip_space(p);
    if (take(p, '(')) {
        n = expression(p);
        return take(p, ')') ? n : fail(p, "a closing parenthesis is missing");
    }
    if (take(p, '[')) {
        n = sequence(p, ']', &count);
        return p->why ? 0 : node(p, N_LIST, n, 0);
    }
    if (*p->at == '"' || *p->at == '\'' ||
        ((*p->at == 'r' || *p->at == 'R') && (p->at[1] == '"' || p->at[1] == '\'')))
        return string(p);
    if (is_digit(*p->at))
        return number(p);
    if (is_word(*p->at))
        return word(p);
    return fail(p, *p->at ? "a value was expected here" : "the filter ends too early");
}

static uint16_t member(Parser *p)
{
    uint16_t n = primary(p);

    while (!p->why) {
        if (take(p, '.')) {
            const char *start = p->at;

            while (is_word(*p->at))
                p->at++;
            if (p->at == start || is_digit(*start))
                return fail(p, "a name was expected behind the dot");
            n = *p->at == '(' ? call(p, start, (size_t)(p->at - start), n)
                              : text_node(p, N_FIELD, n, start);
        } else if (take(p, '[')) {
            uint16_t index = expression(p);

            if (!take(p, ']'))
                return fail(p, "a closing bracket is missing");
            n = node(p, N_INDEX, n, index);
        } else {
            break;
        }
    }
    return p->why ? 0 : n;
}

static uint16_t unary(Parser *p)
{
    uint16_t n;

    skip_space(p);
    if (*p->at != '!' && *p->at != '-')
        return member(p);
    if (p->depth == AK_FILTER_DEPTH)
        return fail(p, "the filter nests too deep");
    p->depth++;
    n = *p->at++ == '!' ? N_NOT : N_NEGATE;
    n = node(p, (uint8_t)n, unary(p), 0);
    p->depth--;
    return n;
}

static const Operator *operator_at(Parser *p)
{
    skip_space(p);
    for (size_t i = 0; i < sizeof(operators) / sizeof(*operators); i++) {
        size_t len = strlen(operators[i].text);

        if (strncmp(p->at, operators[i].text, len) == 0 &&
            (operators[i].kind != N_IN || !is_word(p->at[len])))
            return &operators[i];
    }
    return NULL;
}

static uint16_t binary(Parser *p, uint8_t level)
{
    uint16_t left = unary(p);
    const Operator *op;

    while (!p->why && (op = operator_at(p)) && op->level >= level) {
        p->at += strlen(op->text);
        left = node(p, op->kind, left, binary(p, (uint8_t)(op->level + 1)));
    }
    return left;
}

static uint16_t expression(Parser *p)
{
    uint16_t test, then, otherwise;

    if (p->depth == AK_FILTER_DEPTH)
        return fail(p, "the filter nests too deep");
    p->depth++;
    test = binary(p, 1);
    if (!p->why && take(p, '?')) {
        then = expression(p);
        if (!take(p, ':'))
            return fail(p, "the other case, behind a colon, is missing");
        otherwise = expression(p);
        if (!p->why) {
            p->filter->nodes[then].next = otherwise;
            test = node(p, N_CHOICE, test, then);
        }
    }
    p->depth--;
    return test;
}

int ak_filter_parse(AkFilter *filter, const char *text, const char **why, uint32_t *at)
{
    Parser p = {.filter = filter, .at = text};

    memset(filter, 0, sizeof(*filter));
    filter->text = text;
    filter->count = 1; /* node 0: none */
    skip_space(&p);
    if (!*p.at || (p.at[0] == '.' && !p.at[1]))
        return 0;
    filter->root = expression(&p);
    skip_space(&p);
    if (*p.at)
        fail(&p, "something is too much from here on");
    if (!p.why)
        return 0;
    *why = p.why;
    *at = (uint32_t)(p.wrong - text);
    return -1;
}

/* ---- evaluation ---- */

typedef struct Run {
    const AkFilter *filter;
    const AkFilterData *data;
} Run;

static const AkFilterValue an_error = {.kind = AK_FV_ERROR};

static AkFilterValue truth(bool b)
{
    return (AkFilterValue){.kind = AK_FV_BOOL, .integer = b};
}

static AkFilterValue integer(int64_t n)
{
    return (AkFilterValue){.kind = AK_FV_INT, .integer = n};
}

static AkFilterValue real(double x)
{
    return (AkFilterValue){.kind = AK_FV_DOUBLE, .number = x};
}

/* One byte of a string's value; a literal still has its quotes off but its escapes on (node is
 * then the mark). at moves on. -1 at the end. */
static int next_byte(const AkFilterValue *s, size_t *at)
{
    static const char escapes[] = "n\nt\tr\ra\ab\bf\fv\v";
    int c;

    if (*at >= s->len)
        return -1;
    c = (unsigned char)s->text[(*at)++];
    if (c != '\\' || !s->node || *at >= s->len)
        return c;
    c = (unsigned char)s->text[(*at)++];
    for (size_t i = 0; escapes[i]; i += 2)
        if (c == escapes[i])
            return escapes[i + 1];
    return c;
}

static AkFilterValue literal_string(const Run *run, const AkFilterNode *n)
{
    const char *text = run->filter->text + n->start;
    bool raw = *text == 'r' || *text == 'R';

    /* node marks escapes; any address does. */
    return (AkFilterValue){.kind = AK_FV_STRING,
                           .text = text + 1 + raw,
                           .len = n->len - 2 - raw,
                           .node = raw ? NULL : &an_error};
}

/* Whether part stands in whole at this byte; from what follows end is told. */
static bool stands_at(const AkFilterValue *whole, size_t at, const AkFilterValue *part,
                      bool to_end)
{
    size_t i = 0;
    int want;

    while ((want = next_byte(part, &i)) >= 0)
        if (next_byte(whole, &at) != want)
            return false;
    return !to_end || next_byte(whole, &at) < 0;
}

static bool contains(const AkFilterValue *whole, const AkFilterValue *part, bool to_end)
{
    size_t at = 0;

    do {
        if (stands_at(whole, at, part, to_end))
            return true;
    } while (next_byte(whole, &at) >= 0);
    return false;
}

static bool is_number(const AkFilterValue *v)
{
    return v->kind == AK_FV_INT || v->kind == AK_FV_DOUBLE;
}

static double as_double(const AkFilterValue *v)
{
    return v->kind == AK_FV_INT ? (double)v->integer : v->number;
}

static int compare_text(const AkFilterValue *a, const AkFilterValue *b)
{
    size_t i = 0, k = 0;

    for (;;) {
        int x = next_byte(a, &i), y = next_byte(b, &k);

        if (x != y || x < 0)
            return x < y ? -1 : x > y;
    }
}

/* -1, 0, 1; 2 for values that have no order. */
static int compare(const AkFilterValue *a, const AkFilterValue *b)
{
    if (is_number(a) && is_number(b)) {
        if (a->kind == AK_FV_INT && b->kind == AK_FV_INT)
            return a->integer < b->integer ? -1 : a->integer > b->integer;
        return as_double(a) < as_double(b) ? -1 : as_double(a) > as_double(b);
    }
    if (a->kind != b->kind)
        return 2;
    if (a->kind == AK_FV_STRING)
        return compare_text(a, b);
    if (a->kind == AK_FV_BOOL)
        return a->integer < b->integer ? -1 : a->integer > b->integer;
    return a->kind == AK_FV_NULL ? 0 : 2;
}

static AkFilterValue evaluate(const Run *run, uint16_t id);

static uint64_t digits(const char *text, size_t len)
{
    uint64_t n = 0;

    for (size_t i = 0; i < len && n < UINT64_MAX / 10 - 10; i++)
        n = n * 10 + (uint64_t)(text[i] - '0');
    return n;
}

static AkFilterValue literal_number(const Run *run, const AkFilterNode *n)
{
    const char *text = run->filter->text + n->start, *dot = memchr(text, '.', n->len);
    double fraction = 0, scale = 1;

    if (!dot)
        return integer((int64_t)(digits(text, n->len) & INT64_MAX));
    for (const char *c = dot + 1; c < text + n->len; c++) {
        scale /= 10;
        fraction += (*c - '0') * scale;
    }
    return real((double)digits(text, (size_t)(dot - text)) + fraction);
}

static AkFilterValue field_of(const Run *run, const AkFilterValue *object, const char *key,
                              size_t len)
{
    return object->kind == AK_FV_MAP
               ? run->data->member(run->data->payload, object->node, key, len)
               : an_error;
}

static AkFilterValue index_of(const Run *run, const AkFilterNode *n)
{
    AkFilterValue object = evaluate(run, n->left), index = evaluate(run, n->right);

    if (object.kind == AK_FV_LIST && object.node && index.kind == AK_FV_INT &&
        index.integer >= 0 && (uint64_t)index.integer < object.len)
        return run->data->item(run->data->payload, object.node, (size_t)index.integer);
    if (object.kind == AK_FV_MAP && index.kind == AK_FV_STRING) {
        char key[256];
        size_t at = 0, len = 0;
        int c;

        while ((c = next_byte(&index, &at)) >= 0 && len < sizeof(key))
            key[len++] = (char)c;
        return c < 0 ? field_of(run, &object, key, len) : an_error;
    }
    return an_error;
}

static AkFilterValue is_in(const Run *run, const AkFilterNode *n)
{
    AkFilterValue item = evaluate(run, n->left);
    const AkFilterNode *right = &run->filter->nodes[n->right];
    AkFilterValue list;

    if (item.kind == AK_FV_ERROR)
        return item;
    if (right->kind == N_LIST) {
        for (uint16_t i = right->left; i; i = run->filter->nodes[i].next) {
            AkFilterValue one = evaluate(run, i);

            if (compare(&item, &one) == 0)
                return truth(true);
        }
        return truth(false);
    }
    list = evaluate(run, n->right);
    if (list.kind == AK_FV_MAP && item.kind == AK_FV_STRING)
        return truth(field_of(run, &list, item.text, item.len).kind != AK_FV_ERROR);
    if (list.kind != AK_FV_LIST || !list.node)
        return an_error;
    for (size_t i = 0; i < list.len; i++) {
        AkFilterValue one = run->data->item(run->data->payload, list.node, i);

        if (compare(&item, &one) == 0)
            return truth(true);
    }
    return truth(false);
}

static AkFilterValue size_of(const AkFilterValue *v)
{
    size_t at = 0;
    int64_t count = 0;
    int c;

    if (v->kind == AK_FV_LIST || v->kind == AK_FV_MAP)
        return integer((int64_t)v->len);
    if (v->kind != AK_FV_STRING)
        return an_error;
    while ((c = next_byte(v, &at)) >= 0)
        count += (c & 0xc0) != 0x80; /* characters, not bytes */
    return integer(count);
}

static AkFilterValue function(const Run *run, const AkFilterNode *n)
{
    const char *name = run->filter->text + n->start;
    AkFilterValue a = n->left ? evaluate(run, n->left) : evaluate(run, n->right), b;

    if (same(name, n->len, "has"))
        return truth(a.kind != AK_FV_ERROR);
    if (same(name, n->len, "size"))
        return size_of(&a);
    b = evaluate(run, n->right);
    if (a.kind != AK_FV_STRING || b.kind != AK_FV_STRING)
        return an_error;
    if (same(name, n->len, "startsWith"))
        return truth(stands_at(&a, 0, &b, false));
    return truth(contains(&a, &b, same(name, n->len, "endsWith")));
}

static AkFilterValue arithmetic(uint8_t kind, const AkFilterValue *a, const AkFilterValue *b)
{
    bool whole = a->kind == AK_FV_INT && b->kind == AK_FV_INT;
    uint64_t x = (uint64_t)a->integer, y = (uint64_t)b->integer;

    if (!is_number(a) || !is_number(b) || (kind == N_MOD && !whole))
        return an_error;
    if (whole && (kind == N_DIV || kind == N_MOD)) {
        if (b->integer == 0 || (b->integer == -1 && a->integer == INT64_MIN))
            return an_error;
        return integer(kind == N_DIV ? a->integer / b->integer : a->integer % b->integer);
    }
    switch (kind) {
    case N_ADD: return whole ? integer((int64_t)(x + y)) : real(as_double(a) + as_double(b));
    case N_SUB: return whole ? integer((int64_t)(x - y)) : real(as_double(a) - as_double(b));
    case N_MUL: return whole ? integer((int64_t)(x * y)) : real(as_double(a) * as_double(b));
    default: return as_double(b) == 0 ? an_error : real(as_double(a) / as_double(b));
    }
}

static AkFilterValue relation(uint8_t kind, const AkFilterValue *a, const AkFilterValue *b)
{
    int order;

    if (a->kind == AK_FV_ERROR || b->kind == AK_FV_ERROR)
        return an_error;
    order = compare(a, b);
    if (kind == N_EQ || kind == N_NE)
        return truth((order == 0) == (kind == N_EQ));
    if (order == 2)
        return an_error;
    return truth(kind == N_LT   ? order < 0
                 : kind == N_LE ? order <= 0
                 : kind == N_GT ? order > 0
                                : order >= 0);
}

/* Either side may decide, even beside an error. */
static AkFilterValue either(const Run *run, const AkFilterNode *n)
{
    bool decides = n->kind == N_OR;
    AkFilterValue a = evaluate(run, n->left), b;

    if (a.kind == AK_FV_BOOL && a.integer == decides)
        return a;
    b = evaluate(run, n->right);
    if (b.kind == AK_FV_BOOL && (b.integer == decides || a.kind == AK_FV_BOOL))
        return b;
    return an_error;
}

static AkFilterValue unary_value(const Run *run, const AkFilterNode *n)
{
    AkFilterValue v = evaluate(run, n->left);

    if (n->kind == N_NOT)
        return v.kind == AK_FV_BOOL ? truth(!v.integer) : an_error;
    if (v.kind == AK_FV_INT)
        return integer((int64_t)(0 - (uint64_t)v.integer));
    return v.kind == AK_FV_DOUBLE ? real(-v.number) : an_error;
}

static AkFilterValue choice(const Run *run, const AkFilterNode *n)
{
    AkFilterValue test = evaluate(run, n->left);

    if (test.kind != AK_FV_BOOL)
        return an_error;
    return evaluate(run, test.integer ? n->right : run->filter->nodes[n->right].next);
}

static AkFilterValue name_value(const Run *run, const AkFilterNode *n)
{
    if (same(run->filter->text + n->start, n->len, "data"))
        return run->data->data;
    if (!run->data->event_type)
        return (AkFilterValue){.kind = AK_FV_NULL};
    return (AkFilterValue){.kind = AK_FV_STRING,
                           .text = run->data->event_type,
                           .len = strlen(run->data->event_type)};
}

static AkFilterValue evaluate(const Run *run, uint16_t id)
{
    const AkFilterNode *n = &run->filter->nodes[id];
    AkFilterValue a, b;

    switch (n->kind) {
    case N_NAME: return name_value(run, n);
    case N_STRING: return literal_string(run, n);
    case N_INT:
    case N_FLOAT: return literal_number(run, n);
    case N_TRUE:
    case N_FALSE: return truth(n->kind == N_TRUE);
    case N_NULL: return (AkFilterValue){.kind = AK_FV_NULL};
    case N_LIST: return (AkFilterValue){.kind = AK_FV_LIST};
    case N_FIELD:
        a = evaluate(run, n->left);
        return field_of(run, &a, run->filter->text + n->start, n->len);
    case N_INDEX: return index_of(run, n);
    case N_CALL: return function(run, n);
    case N_NOT:
    case N_NEGATE: return unary_value(run, n);
    case N_OR:
    case N_AND: return either(run, n);
    case N_IN: return is_in(run, n);
    case N_CHOICE: return choice(run, n);
    default: break;
    }
    a = evaluate(run, n->left);
    b = evaluate(run, n->right);
    return n->kind >= N_ADD ? arithmetic(n->kind, &a, &b) : relation(n->kind, &a, &b);
}

bool ak_filter_match(const AkFilter *filter, const AkFilterData *data)
{
    Run run = {filter, data};
    AkFilterValue v;

    if (!filter->root)
        return true;
    v = evaluate(&run, filter->root);
    return v.kind == AK_FV_BOOL && v.integer;
}
