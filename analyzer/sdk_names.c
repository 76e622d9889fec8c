/* sdk_names.c: looking into the table of the SDK's names. */
#include "sdk_names.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "rule.h"

enum {
    MODULE = AK_SDK_MODULE,
    CLASS = AK_SDK_CLASS,
    OPEN_CLASS = AK_SDK_OPEN_CLASS,
    FUNCTION = AK_SDK_FUNCTION,
    ASYNC = AK_SDK_ASYNC,
    VALUE = AK_SDK_VALUE,
    OPEN = AK_SDK_OPEN,
    LONGEST_NAME = 256
};

#define AK_SDK(name, kind, versions, returns, params)                                          \
    {name, (AkSdkKind)(kind), versions, returns, params},
static const AkSdkName names[] = {
#include "sdk_names.def"
};
#undef AK_SDK

static const size_t name_len = sizeof(names) / sizeof(*names);

/* Names that are often guessed: what they mean, or what to write. */
typedef struct Confusion {
    const char *name, *true_name, *advice;
} Confusion;

#define AK_CONFUSED(name, true_name, advice) {name, true_name, advice},
static const Confusion confusions[] = {
#include "sdk_confusions.def"
};
#undef AK_CONFUSED

size_t ak_sdk_count(void)
{
    return name_len;
}

const AkSdkName *ak_sdk_at(size_t i)
{
    return &names[i];
}

AkSdkVersions ak_sdk_all(void)
{
    return ak_sdk_find("temporalio")->versions;
}

/* The first row that is not before text[0, len). */
static size_t lower_bound(const char *text, size_t len)
{
    size_t low = 0, high = name_len;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strncmp(names[middle].name, text, len);

        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Rows by their names: a row's index + 1, or 0. Whoever looks first fills it; who does so at the
 * same time writes the same. */
enum { SLOTS = 16384, HASHED = 20 };
static _Atomic uint16_t slots[SLOTS];
static atomic_bool filled;
_Static_assert(sizeof(names) / sizeof(*names) < SLOTS / 2, "half of the slots stay free");

/* Names begin alike; their ends tell them apart. */
static size_t slot_of(const char *text, size_t len)
{
    size_t tail = len < HASHED ? len : HASHED;

    return (ak__hash(text + len - tail, tail) ^ (uint32_t)len) % SLOTS;
}

static void fill(void)
{
    for (size_t i = 0; i < name_len; i++) {
        size_t at = slot_of(names[i].name, strlen(names[i].name));
        uint16_t there;

        while ((there = atomic_load_explicit(&slots[at], memory_order_relaxed)) != 0 &&
               there != i + 1)
            at = (at + 1) % SLOTS;
        atomic_store_explicit(&slots[at], (uint16_t)(i + 1), memory_order_relaxed);
    }
    atomic_store_explicit(&filled, true, memory_order_release);
}

static const AkSdkName *find(const char *text, size_t len)
{
    uint16_t row;

    if (!atomic_load_explicit(&filled, memory_order_acquire))
        fill();
    for (size_t at = slot_of(text, len);
         (row = atomic_load_explicit(&slots[at], memory_order_relaxed)) != 0;
         at = (at + 1) % SLOTS)
        if (strncmp(names[row - 1].name, text, len) == 0 && !names[row - 1].name[len])
            return &names[row - 1];
    return NULL;
}

const AkSdkName *ak_sdk_find(const char *dotted)
{
    return find(dotted, strlen(dotted));
}

const AkSdkName *ak_sdk_prefix(const char *dotted, const char **rest)
{
    const AkSdkName *best = ak_sdk_find(dotted);

    *rest = "";
    if (best)
        return best;
    for (const char *end = dotted;; end++) {
        if (*end && *end != '.')
            continue;
        const AkSdkName *row = find(dotted, (size_t)(end - dotted));
        if (!row)
            break;
        best = row;
        *rest = *end ? end + 1 : "";
        if (!*end)
            break;
    }
    return best;
}

bool ak_sdk_is_closed(const AkSdkName *name)
{
    return name->kind == AK_SDK_MODULE || name->kind == AK_SDK_CLASS;
}

/* ---- Parameters ---- */

/* One word of a row's parameters. */
typedef struct Word {
    const char *text;
    size_t len;
    AkSdkVersions versions; /* 0: those of the row */
} Word;

static AkSdkVersions hexadecimal(const char *text, const char *end)
{
    AkSdkVersions value = 0;

    for (; text < end; text++)
        value = value << 4 | (AkSdkVersions)(*text <= '9' ? *text - '0' : *text - 'a' + 10);
    return value;
}

static bool next_word(const char **at, Word *word)
{
    while (**at == ' ')
        (*at)++;
    if (!**at)
        return false;
    const char *end = *at, *equals = NULL;
    for (; *end && *end != ' '; end++)
        if (*end == '=')
            equals = end;
    word->text = *at;
    word->len = (size_t)((equals ? equals : end) - *at);
    word->versions = equals ? hexadecimal(equals + 1, end) : 0;
    *at = end;
    return true;
}

static bool is_word(const Word *word, const char *text)
{
    return strlen(text) == word->len && memcmp(word->text, text, word->len) == 0;
}

AkSdkVersions ak_sdk_keyword(const AkSdkName *callable, const char *keyword)
{
    const char *at = callable->params;
    Word word;

    while (next_word(&at, &word)) {
        if (is_word(&word, "?") || is_word(&word, "**"))
            return ~(AkSdkVersions)0;
        if (is_word(&word, keyword))
            return word.versions ? word.versions : callable->versions;
    }
    return 0;
}

size_t ak_sdk_positions(const AkSdkName *callable)
{
    const char *at = callable->params;
    size_t count = 0;
    Word word;

    while (next_word(&at, &word)) {
        if (is_word(&word, "?") ||
            (word.text[0] == '*' && word.len > 1 && !is_word(&word, "**")))
            return SIZE_MAX;
        if (word.text[0] == '*')
            break;
        if (!is_word(&word, "/"))
            count++;
    }
    return count;
}

bool ak_sdk_nearest_keyword(const AkSdkName *callable, const char *keyword, char *out,
                            size_t room)
{
    const char *at = callable->params;
    size_t nearest = strlen(keyword) / 3 + 1;
    bool found = false;
    Word word;

    while (next_word(&at, &word)) {
        char name[64];

        if (word.len >= sizeof(name) || word.len >= room || strchr("*/?", word.text[0]))
            continue;
        memcpy(name, word.text, word.len);
        name[word.len] = 0;
        size_t distance = ak_distance(name, keyword, nearest);
        if (distance < nearest) {
            memcpy(out, name, word.len + 1);
            nearest = distance;
            found = true;
        }
    }
    return found;
}

/* ---- True names ---- */

static const Confusion *confusion(const char *dotted)
{
    for (size_t i = 0; i < sizeof(confusions) / sizeof(*confusions); i++)
        if (strcmp(confusions[i].name, dotted) == 0)
            return &confusions[i];
    return NULL;
}

const char *ak_sdk_advice(const char *dotted)
{
    const Confusion *known = confusion(dotted);

    return known ? known->advice : NULL;
}

static const char *last_part(const char *dotted)
{
    const char *dot = strrchr(dotted, '.');

    return dot ? dot + 1 : dotted;
}

static bool in_module(const char *dotted)
{
    const AkSdkName *parent = find(dotted, (size_t)(last_part(dotted) - dotted) - 1);

    return parent && parent->kind == AK_SDK_MODULE;
}

/* Things of modules that have the same last name: one, or several ways to the same. */
static const char *elsewhere(const char *dotted)
{
    const char *last = last_part(dotted), *found = NULL;

    for (size_t i = 0; i < name_len; i++) {
        const AkSdkName *row = &names[i];

        if (row->kind == AK_SDK_MODULE || row->kind == AK_SDK_OPEN ||
            strcmp(last_part(row->name), last) != 0 || !in_module(row->name) ||
            strncmp(row->name, "temporalio.contrib.", 19) == 0)
            continue;
        if (found)
            return NULL;
        found = row->name;
    }
    return found;
}

/* The nearest of the names right behind the same prefix. */
static const char *sibling(const char *dotted)
{
    const char *last = last_part(dotted), *found = NULL;
    size_t parent = (size_t)(last - dotted), nearest = strlen(last) / 4 + 2;

    for (size_t i = lower_bound(dotted, parent); i < name_len; i++) {
        const char *name = names[i].name;

        if (strncmp(name, dotted, parent) != 0)
            break;
        if (strchr(name + parent, '.'))
            continue;
        size_t distance = ak_distance(name + parent, last, nearest);
        if (distance < nearest) {
            found = name;
            nearest = distance;
        }
    }
    return found;
}

const char *ak_sdk_true_name(const char *dotted, bool *sure)
{
    const Confusion *known = confusion(dotted);
    const char *found;

    *sure = false;
    if (known) {
        *sure = known->true_name != NULL;
        return known->true_name;
    }
    if (in_module(dotted) && (found = elsewhere(dotted))) {
        *sure = true;
        return found;
    }
    return sibling(dotted);
}

/* ---- Requirements ---- */

typedef struct Version {
    unsigned major, minor, patch;
    unsigned parts; /* how many of them are written */
} Version;

static bool read_version(const char **at, Version *out)
{
    unsigned part[3] = {0, 0, 0}, parts = 0;

    while (parts < 3) {
        if (**at == '*') {
            (*at)++;
            break;
        }
        if (**at < '0' || **at > '9')
            break;
        while (**at >= '0' && **at <= '9' && part[parts] < 100000)
            part[parts] = part[parts] * 10 + (unsigned)(*(*at)++ - '0');
        parts++;
        if (**at != '.')
            break;
        (*at)++;
    }
    *out = (Version){part[0], part[1], part[2], parts};
    /* A rest such as `rc1` or `.post1` does not move the minor version. */
    while (**at && **at != ',' && **at != ' ' && **at != ';')
        (*at)++;
    return parts > 0;
}

/* Whether some patch of 1.minor satisfies one clause. */
static bool satisfies(const char *operator, size_t len, const Version *v, unsigned minor)
{
    if (v->major != 1) {
        bool above = v->major > 1;
        return (operator[0] == '<' && above) ||
               (operator[0] == '>' && !above) || operator[0] == '!';
    }
    if (len == 0 || (len == 2 && memcmp(operator, "==", 2) == 0) || operator[0] == '=')
        return v->parts == 1 ? true : minor == v->minor;
    if (operator[0] == '^')
        return minor >= v->minor;
    if (operator[0] == '~')
        return len == 2 && v->parts < 3 ? minor >= v->minor
                                        : v->parts == 1 || minor == v->minor;
    if (operator[0] == '>')
        return minor >= v->minor; /* a later patch of the same minor version may be there */
    if (operator[0] == '<')
        return len == 2 ? minor <= v->minor
                        : minor < v->minor || (minor == v->minor && v->patch > 0);
    return true; /* != takes out patches only, as far as this table can tell */
}

AkSdkVersions ak_sdk_allowed(const char *requirement)
{
    AkSdkVersions allowed = ak_sdk_all();
    const char *at = requirement;

    while (*at) {
        const char *operator;
        Version version;

        while (*at == ' ' || *at == ',')
            at++;
        if (!*at || *at == ';')
            break;
        operator= at;
        while (*at && strchr("=<>!~^", *at))
            at++;
        size_t len = (size_t)(at - operator);
        while (*at == ' ')
            at++;
        if (*at == '*') {
            at++;
            continue;
        }
        if (!read_version(&at, &version))
            return 0;
        for (unsigned i = 0; i < 64; i++)
            if (allowed >> i & 1 && !satisfies(operator, len, &version, AK_SDK_FIRST_MINOR + i))
                allowed &= ~((AkSdkVersions)1 << i);
    }
    return allowed;
}
