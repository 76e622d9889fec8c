/* knowledge.c: the tables as one map per check, with what the user adds. */
#include "stages.h"

#include <string.h>

#define CLOCK          AK_CLOCK
#define RANDOM         AK_RANDOM
#define UUID           AK_UUID
#define ENV            AK_ENV
#define FILE           AK_FILE
#define NETWORK        AK_NETWORK
#define DATABASE       AK_DATABASE
#define PROCESS        AK_PROCESS
#define THREAD         AK_THREAD
#define SLEEP          AK_SLEEP
#define BLOCKS         AK_BLOCKS
#define ASYNC_WAIT     AK_ASYNC_WAIT
#define PRINT          AK_PRINT
#define LOG            AK_LOG
#define INPUT          AK_INPUT
#define UNORDERED      AK_UNORDERED
#define IDENTITY       AK_IDENTITY
#define INTROSPECTION  AK_INTROSPECTION
#define PURE           AK_PURE
#define DETERMINISTIC  AK_DETERMINISTIC
#define CONSTRUCTOR    AK_CONSTRUCTOR
#define UNPICKLABLE    AK_UNPICKLABLE
#define OPENS          AK_OPENS
#define ASYNC          AK_ASYNC
#define NO_ARGS        AK_NO_ARGS
#define FEWER_2        AK_FEWER_2
#define TRANSPARENT    AK_TRANSPARENT
#define LAZY           AK_LAZY
#define SERIALIZES     AK_SERIALIZES
#define MONEY          AK_MONEY
#define REGISTERS      AK_REGISTERS
#define MUTATES_SELF   AK_MUTATES_SELF
#define NEVER_RETURNS  AK_NEVER_RETURNS
#define RUNS_ELSEWHERE AK_RUNS_ELSEWHERE
#define DURABLE        AK_DURABLE
#define SESSION_API    AK_SESSION_API
#define VALUE          AK_VALUE
#define REFUSED        AK_REFUSED
#define CALLS_KEY      AK_CALLS_KEY
#define CALLS_ANY      AK_CALLS_ANY
#define CALLS(n)       AK_CALLS(n)
#define CONSUMES(n)    AK_CONSUMES(n)
#define CONSUMES_ALL   AK_CONSUMES_ALL
#define MUTATES(n)     AK_MUTATES(n)

#define AK_KNOW(name, effects, source) {name, (effects), NULL, source},
static const AkKnown rows[] = {
#include "knowledge/all.def"
};
#undef AK_KNOW

typedef struct Pair {
    const char *name, *other;
} Pair;

#define AK_RETURNS(name, type) {name, type},
static const Pair returns[] = {
#include "knowledge/returns.def"
};
#define AK_ALIAS(name, other) {name, other},
static const Pair aliases[] = {
#include "knowledge/aliases.def"
};
#define AK_STDLIB(name) name,
static const char *const stdlib[] = {
#include "knowledge/stdlib_names.def"
};
#define AK_BUILTIN(name) name,
static const char *const builtin_names[] = {
#include "knowledge/builtin_names.def"
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

struct AkKnowledge {
    AkProgram *program;
    AkMap rows;    /* atom → index + 1 into known */
    AkMap aliases; /* atom → index + 1 into others */
    AkMap *found; /* atom of what was asked for → index + 2 into known; 1: nothing is known */
    AkKnown *known;
    uint32_t len, cap;
    const char **others; /* atoms */
    uint32_t other_len, other_cap;
};

static AkKnown *row_of(AkKnowledge *knowledge, const char *name)
{
    const char *atom = ak__atom(knowledge->program, name);
    uint32_t at = ak__map_get(&knowledge->rows, ak__key(atom));
    if (at)
        return &knowledge->known[at - 1];
    AK_PUSH(knowledge->program->arena, knowledge->known, knowledge->len, knowledge->cap) =
        (AkKnown){.name = atom};
    ak__map_set(knowledge->program->arena, &knowledge->rows, ak__key(atom), knowledge->len);
    return &knowledge->known[knowledge->len - 1];
}

/* The words of the configuration, as in `"mylib.now" = "clock"`. */
static const struct {
    const char *word;
    AkEffects effects;
} effect_words[] = {
    {"clock", AK_CLOCK},
    {"random", AK_RANDOM},
    {"uuid", AK_UUID},
    {"env", AK_ENV},
    {"file", AK_FILE},
    {"network", AK_NETWORK | AK_BLOCKS},
    {"database", AK_DATABASE},
    {"process", AK_PROCESS},
    {"thread", AK_THREAD},
    {"sleep", AK_SLEEP | AK_BLOCKS},
    {"blocks", AK_BLOCKS},
    {"print", AK_PRINT},
    {"log", AK_LOG},
    {"input", AK_INPUT},
    {"unordered", AK_UNORDERED},
    {"pure", AK_PURE},
    {"deterministic", AK_DETERMINISTIC},
    {"durable", AK_DURABLE},
    {"unpicklable", AK_UNPICKLABLE},
};

static AkEffects effect_of(const char *word)
{
    for (size_t i = 0; i < COUNT(effect_words); i++)
        if (strcmp(word, effect_words[i].word) == 0)
            return effect_words[i].effects;
    return 0;
}

const char *ak_call_word(size_t i)
{
    return i < COUNT(effect_words) ? effect_words[i].word : NULL;
}

static void add_user_rows(AkKnowledge *knowledge, const char *const *calls)
{
    for (; calls && calls[0] && calls[1]; calls += 2) {
        AkKnown *row = row_of(knowledge, calls[0]);
        row->effects = effect_of(calls[1]);
        row->source = "configuration";
    }
}

static void add_alias(AkKnowledge *knowledge, const char *name, const char *other)
{
    AkProgram *program = knowledge->program;
    AK_PUSH(program->arena, knowledge->others, knowledge->other_len, knowledge->other_cap) =
        ak__atom(program, other);
    ak__map_set(program->arena, &knowledge->aliases, ak__key(ak__atom(program, name)),
                knowledge->other_len);
}

static void add_wrappers(AkKnowledge *knowledge, const char *const *wrappers)
{
    for (; wrappers && wrappers[0] && wrappers[1]; wrappers += 2)
        add_alias(knowledge, wrappers[0], wrappers[1]);
}

AkKnowledge *ak__knowledge_new(AkProgram *program)
{
    AkKnowledge *knowledge = ak__alloc(program->arena, sizeof *knowledge);
    knowledge->program = program;
    knowledge->found = ak__alloc(program->arena, sizeof *knowledge->found);
    for (size_t i = 0; i < COUNT(rows); i++) {
        AkKnown *row = row_of(knowledge, rows[i].name);
        row->effects |= rows[i].effects;
        row->source = rows[i].source;
    }
    for (size_t i = 0; i < COUNT(returns); i++)
        row_of(knowledge, returns[i].name)->returns = ak__atom(program, returns[i].other);
    for (size_t i = 0; i < COUNT(aliases); i++)
        add_alias(knowledge, aliases[i].name, aliases[i].other);
    add_user_rows(knowledge, program->options.calls);
    add_wrappers(knowledge, program->options.wrappers);
    return knowledge;
}

/* `a.b.c` may be known as a whole, or because `a.b` is another name of something. */
const char *ak__canonical(AkProgram *program, const char *dotted)
{
    const AkKnowledge *knowledge = program->knowledge;
    uint32_t at = ak__map_get(&knowledge->aliases, ak__key(dotted));
    if (at)
        return knowledge->others[at - 1];
    const char *dot = strrchr(dotted, '.');
    if (!dot)
        return dotted;
    const char *owner = ak__atom_len(program, dotted, (size_t)(dot - dotted));
    at = ak__map_get(&knowledge->aliases, ak__key(owner));
    return at ? ak__atom_join(program, knowledge->others[at - 1], "", dot) : dotted;
}

static const AkKnown *exact(const AkKnowledge *knowledge, const char *name, size_t len)
{
    uint32_t at =
        ak__map_get(&knowledge->rows, ak__key(ak__atom_len(knowledge->program, name, len)));
    return at ? &knowledge->known[at - 1] : NULL;
}

/* Of "requests.HTTPError" a row "requests.*" tells nothing: making an exception does nothing. */
static bool names_exception(const char *dotted)
{
    static const char *const ends[] = {"Error", "Exception", "Timeout", "Warning"};
    const char *dot = strrchr(dotted, '.');
    const char *name = dot ? dot + 1 : dotted;
    size_t len = strlen(name);
    for (size_t i = 0; *name >= 'A' && *name <= 'Z' && i < COUNT(ends); i++)
        if (len >= strlen(ends[i]) && strcmp(name + len - strlen(ends[i]), ends[i]) == 0)
            return true;
    return false;
}

/* A row that only says what is returned does not hide what `module.*` says of effects. */
static const AkKnown *look_up(const AkKnowledge *knowledge, const char *dotted, size_t len)
{
    char name[512];
    const AkKnown *own = exact(knowledge, dotted, len);
    if ((own && own->source) || len + 2 > sizeof name || names_exception(dotted))
        return own;
    memcpy(name, dotted, len + 1);
    for (char *dot; (dot = strrchr(name, '.'));) {
        memcpy(dot, ".*", 3);
        const AkKnown *all = exact(knowledge, name, (size_t)(dot - name) + 2);
        if (all)
            return all;
        *dot = '\0';
    }
    return own;
}

/* The same few names are asked for at each of their calls. */
const AkKnown *ak_known(const AkKnowledge *knowledge, const char *dotted)
{
    size_t len = strlen(dotted);
    uint64_t key = ak__key(ak__atom_len(knowledge->program, dotted, len));
    uint32_t at = ak__map_get(knowledge->found, key);
    if (!at) {
        const AkKnown *known = look_up(knowledge, dotted, len);
        at = known ? (uint32_t)(known - knowledge->known) + 2 : 1;
        ak__map_set(knowledge->program->arena, knowledge->found, key, at);
    }
    return at > 1 ? &knowledge->known[at - 2] : NULL;
}

static bool is_row(const char *name)
{
    for (size_t i = 0; i < COUNT(rows); i++)
        if (strcmp(rows[i].name, name) == 0)
            return true;
    return false;
}

bool ak_wrapped_known(const char *dotted, const char **near)
{
    const AkSdkName *name = ak_sdk_find(dotted);
    bool sure, temporal = strncmp(dotted, "temporalio.", 11) == 0;
    *near = NULL;
    if (name)
        return name->kind != AK_SDK_MODULE && name->kind != AK_SDK_OPEN;
    if (temporal)
        *near = ak_sdk_true_name(dotted, &sure);
    return (strncmp(dotted, "autokitteh.", 11) == 0 && dotted[11]) ||
           (!temporal && is_row(dotted));
}

const char *ak__returns(const AkKnowledge *knowledge, const char *dotted)
{
    const AkKnown *row = exact(knowledge, dotted, strlen(dotted));
    if (row && row->returns)
        return row->returns;
    const AkSdkName *name =
        strncmp(dotted, "temporalio.", 11) == 0 ? ak_sdk_find(dotted) : NULL;
    return name ? name->returns : NULL;
}

static bool is_among(const char *const *sorted, size_t count, const char *name, size_t len)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strncmp(sorted[middle], name, len);
        if (!order)
            order = sorted[middle][len] != '\0';
        if (!order)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

bool ak__is_stdlib(const char *name, uint32_t len)
{
    return is_among(stdlib, COUNT(stdlib), name, len);
}

bool ak__is_builtin(const char *name)
{
    return is_among(builtin_names, COUNT(builtin_names), name, strlen(name));
}
