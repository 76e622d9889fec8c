/* collect.c: one walk of a block's tree fills the tables of facts.h.
 *
 * The walk is split by what it reads: statements, expressions, strings. Each function is called
 * on its node and leaves the cursor there. Expressions get their numbers on the way down, so
 * that a parent comes before its children; their kids wait in `pending` until the last one is
 * known and are then written side by side. What several statements decide together (the scope
 * of a name declared global, whether an import is optional) is settled in the end, over the
 * tables.
 */
#include "collect.h"

#include <stdlib.h>
#include <string.h>

/* ---- Tables ---- */

/* An arena leaves by its guard when it cannot give: nothing has so many bytes. */
_Noreturn void ak__no_memory(AkWalk *w)
{
    ak__alloc(w->arena, SIZE_MAX);
    abort();
}

void *ak__widen(AkWalk *w, AkTable table, size_t size, uint32_t *cap)
{
    void *wider = *cap > UINT32_MAX / 2
                      ? NULL
                      : ak__scratch(w->parser, table, (*cap ? (size_t)*cap * 2 : 16) * size);
    if (!wider)
        ak__no_memory(w);
    size_t room = ak__scratch_size(w->parser, table) / size;
    *cap = room > UINT32_MAX ? UINT32_MAX : (uint32_t)room;
    return wider;
}

/* ---- Names ---- */

/* One to seven bytes as one number; those of four and more overlap. */
static uint64_t last_bytes(const char *bytes, size_t len)
{
    uint32_t first, last;
    if (len < 4)
        return (uint64_t)(unsigned char)bytes[0] << 16 |
               (uint64_t)(unsigned char)bytes[len / 2] << 8 | (unsigned char)bytes[len - 1];
    memcpy(&first, bytes, 4);
    memcpy(&last, bytes + len - 4, 4);
    return (uint64_t)first << 32 | last;
}

/* In the manner of FNV-1a, eight bytes at a time, its bits mixed in the end. */
uint32_t ak__hash(const char *bytes, size_t len)
{
    uint64_t hash = 0xcbf29ce484222325u ^ len;
    for (; len >= 8; len -= 8, bytes += 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
        hash ^= hash >> 32;
    }
    if (len)
        hash = (hash ^ last_bytes(bytes, len)) * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 29;
    hash *= 0x9E3779B97F4A7C15u;
    return (uint32_t)(hash >> 32);
}

static void rehash(AkWalk *w)
{
    uint32_t len = w->slot_len ? w->slot_len * 2 : 256;
    w->slots = ak__scratch(w->parser, AK_T_SLOTS, (size_t)len * sizeof *w->slots);
    if (!w->slots)
        ak__no_memory(w);
    w->slot_len = len;
    memset(w->slots, 0, (size_t)len * sizeof *w->slots);
    for (uint32_t i = 1; i < w->name_len; i++) {
        uint32_t slot = w->names[i].hash & (len - 1);
        while (w->slots[slot])
            slot = (slot + 1) & (len - 1);
        w->slots[slot] = i;
    }
}

static uint32_t add_chars(AkWalk *w, const char *bytes, size_t len)
{
    uint32_t at = w->char_len;
    while (w->char_cap - at < len + 1)
        w->chars = ak__widen(w, AK_T_CHARS, 1, &w->char_cap);
    if (len)
        memcpy(w->chars + at, bytes, len);
    w->chars[at + len] = 0;
    w->char_len += (uint32_t)len + 1;
    return at;
}

AkName ak__intern(AkWalk *w, const char *bytes, size_t len)
{
    uint32_t hash = ak__hash(bytes, len);
    if (w->name_len * 2 >= w->slot_len)
        rehash(w);
    uint32_t slot = hash & (w->slot_len - 1);
    for (; w->slots[slot]; slot = (slot + 1) & (w->slot_len - 1)) {
        const AkNamed *name = &w->names[w->slots[slot]];
        if (name->hash == hash && name->len == len &&
            (!len || memcmp(w->chars + name->at, bytes, len) == 0))
            return w->slots[slot];
    }
    uint32_t at = add_chars(w, bytes, len);
    w->slots[slot] = w->name_len;
    AK_ADD(w, names, name, AK_T_NAMES) = (AkNamed){at, (uint32_t)len, hash};
    return w->name_len - 1;
}

AkName ak__intern_node(AkWalk *w)
{
    const AkNode *node = ak__at(w);
    return ak__intern(w, w->text + node->start, node->end - node->start);
}

bool ak__name_is(const AkWalk *w, AkName name, const char *text)
{
    return strcmp(w->chars + w->names[name].at, text) == 0;
}

AkName ak__intern_dotted(AkWalk *w, const char *bytes, size_t len)
{
    bool blanks = false;
    for (size_t i = 0; i < len && !blanks; i++)
        blanks = bytes[i] != '.' && (unsigned char)bytes[i] < '0';
    if (!blanks && !memchr(bytes, '\\', len))
        return ak__intern(w, bytes, len);
    w->value_len = 0;
    for (size_t i = 0; i < len; i++)
        if (bytes[i] == '.' || ((unsigned char)bytes[i] >= '0' && bytes[i] != '\\'))
            AK_ADD(w, value, value, AK_T_VALUE) = bytes[i];
    return ak__intern(w, w->value, w->value_len);
}

/* ---- Scopes and bindings ---- */

AkScopeId ak__open_scope(AkWalk *w, AkScopeKind kind, uint32_t index)
{
    AkScopeId id = w->scope_len;
    uint32_t function = kind == AK_SCOPE_FUNCTION ? index : w->scopes[w->scope].function;
    AK_ADD(w, scopes, scope, AK_T_SCOPES) = (AkScope){
        .kind = (uint8_t)kind, .parent = w->scope, .index = index, .function = function};
    return id;
}

AkBinding ak__binding(const AkWalk *w, AkBindingKind kind, AkName name, uint32_t start,
                      uint32_t end)
{
    return (AkBinding){.kind = (uint8_t)kind,
                       .name = name,
                       .scope = w->scope,
                       .start = start + w->shift,
                       .end = end + w->shift,
                       .stmt = w->stmt};
}

void ak__bind(AkWalk *w, AkBinding binding)
{
    AK_ADD(w, bindings, binding, AK_T_BINDINGS) = binding;
}

static AkHow how_of_part(AkHow whole)
{
    return whole == AK_HOW_WHOLE  ? AK_HOW_PART
           : whole == AK_HOW_ITEM ? AK_HOW_ITEM_PART
                                  : AK_HOW_UNKNOWN;
}

void ak__bind_target(AkWalk *w, AkExprId target, AkExprFlag flag, const AkBinding *what)
{
    AkExpr *expr = &w->exprs[target];
    AkBinding part = *what;
    switch (expr->kind) {
    case AK_X_NAME:
        part.name = expr->name;
        part.start = expr->start;
        part.end = expr->end;
        ak__bind(w, part);
        expr->flags |= (uint16_t)flag;
        break;
    case AK_X_ATTRIBUTE:
    case AK_X_SUBSCRIPT: expr->flags |= (uint16_t)flag; break;
    case AK_X_STAR:
        part.how = what->how == AK_HOW_PART ? AK_HOW_REST : AK_HOW_UNKNOWN;
        if (expr->kids.count)
            ak__bind_target(w, w->kids[expr->kids.first], flag, &part);
        break;
    case AK_X_TUPLE:
    case AK_X_LIST:
        part.how = (uint8_t)how_of_part((AkHow)what->how);
        for (uint32_t i = 0; i < expr->kids.count; i++) {
            AkExprId kid = w->kids[expr->kids.first + i];
            part.part = (uint16_t)i;
            ak__bind_target(w, kid, flag, &part);
            /* Behind the rest, places count from the end. */
            if (w->exprs[kid].kind == AK_X_STAR)
                part.how = AK_HOW_UNKNOWN;
        }
        break;
    default: break;
    }
}

static int by_place(const void *a, const void *b)
{
    const AkBinding *x = a, *y = b;
    if (x->scope != y->scope)
        return x->scope < y->scope ? -1 : 1;
    if (x->name != y->name)
        return x->name < y->name ? -1 : 1;
    return x->start < y->start ? -1 : x->start > y->start;
}

/* The first binding of a name in a scope, or of what comes behind. */
static uint32_t find_binding(const AkWalk *w, AkScopeId scope, AkName name)
{
    uint32_t low = 1, high = w->binding_len;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const AkBinding *binding = &w->bindings[middle];
        if (binding->scope < scope || (binding->scope == scope && binding->name < name))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_of(const AkWalk *w, uint32_t i, AkScopeId scope, AkName name)
{
    return i < w->binding_len && w->bindings[i].scope == scope && w->bindings[i].name == name;
}

/* How a scope declares a name: AK_B_GLOBAL, AK_B_NONLOCAL, or -1; -2 if it does not know it. */
static int declared(const AkWalk *w, AkScopeId scope, AkName name)
{
    uint32_t i = find_binding(w, scope, name);
    int result = is_of(w, i, scope, name) ? -1 : -2;
    for (; is_of(w, i, scope, name); i++)
        if (w->bindings[i].kind == AK_B_GLOBAL || w->bindings[i].kind == AK_B_NONLOCAL)
            result = w->bindings[i].kind;
    return result;
}

/* The function around that has the name; the scope itself where there is none. */
static AkScopeId nonlocal_scope(const AkWalk *w, AkScopeId from, AkName name)
{
    for (AkScopeId scope = w->scopes[from].parent; scope; scope = w->scopes[scope].parent)
        if (w->scopes[scope].kind == AK_SCOPE_FUNCTION && declared(w, scope, name) == -1)
            return scope;
    return from;
}

/* Names declared global or nonlocal move to the scope that has them. Those entries are changed
 * in place first, as the search needs the order, and sorted again after. */
static void move_declared(AkWalk *w)
{
    uint32_t count = 0;
    AkScopeId *scopes =
        ak__scratch(w->parser, AK_T_SPINE, (size_t)w->binding_len * sizeof *scopes);
    if (!scopes)
        ak__no_memory(w);
    for (uint32_t i = 1; i < w->binding_len; i++) {
        const AkBinding *binding = &w->bindings[i];
        scopes[i] = binding->scope;
        if (binding->kind == AK_B_GLOBAL || binding->kind == AK_B_NONLOCAL)
            continue;
        int how = declared(w, binding->scope, binding->name);
        if (how == AK_B_GLOBAL)
            scopes[i] = 1;
        else if (how == AK_B_NONLOCAL)
            scopes[i] = nonlocal_scope(w, binding->scope, binding->name);
        count += scopes[i] != binding->scope;
    }
    for (uint32_t i = 1; i < w->binding_len && count; i++)
        w->bindings[i].scope = scopes[i];
    if (count)
        qsort(w->bindings + 1, w->binding_len - 1, sizeof *w->bindings, by_place);
}

static void settle_bindings(AkWalk *w)
{
    qsort(w->bindings + 1, w->binding_len - 1, sizeof *w->bindings, by_place);
    if (w->has_declared)
        move_declared(w);
    for (uint32_t i = 1; i < w->binding_len; i++) {
        AkScope *scope = &w->scopes[w->bindings[i].scope];
        if (!scope->binding_len++)
            scope->first_binding = i;
    }
}

/* ---- Imports ---- */

static bool has_last_name(const AkWalk *w, AkExprId id, const char *name)
{
    const AkExpr *expr = &w->exprs[id];
    return (expr->kind == AK_X_NAME || expr->kind == AK_X_ATTRIBUTE) &&
           ak__name_is(w, expr->name, name);
}

static bool handles_import_error(const AkWalk *w, AkExprId type)
{
    static const char *const names[] = {"ImportError", "ModuleNotFoundError", "Exception",
                                        "BaseException"};
    const AkExpr *expr = &w->exprs[type];
    if (!type)
        return true;
    if (expr->kind == AK_X_TUPLE) {
        for (uint32_t i = 0; i < expr->kids.count; i++)
            if (handles_import_error(w, w->kids[expr->kids.first + i]))
                return true;
        return false;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (has_last_name(w, type, names[i]))
            return true;
    return false;
}

static bool try_handles_import_error(const AkWalk *w, AkStmtId id)
{
    for (AkStmtId i = id + 1; i <= w->stmts[id].last; i = w->stmts[i].last + 1)
        if (w->stmts[i].kind == AK_S_HANDLER && handles_import_error(w, w->stmts[i].value))
            return true;
    return false;
}

static void settle_import(AkWalk *w, AkImport *import)
{
    AkStmtId below = import->stmt;
    for (AkStmtId id = w->stmts[below].parent; id; below = id, id = w->stmts[id].parent) {
        const AkStmt *stmt = &w->stmts[id];
        if (stmt->kind == AK_S_IF) {
            import->optional = true;
            import->type_checking |= w->stmts[below].suite == AK_SUITE_BODY &&
                                     has_last_name(w, stmt->value, "TYPE_CHECKING");
        } else if (stmt->kind == AK_S_TRY && w->stmts[below].suite != AK_SUITE_FINALLY) {
            import->optional |= try_handles_import_error(w, id);
        }
    }
}

/* ---- Comments and errors ---- */

static bool same_letters(const char *at, const char *lower, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((at[i] | 0x20) != lower[i])
            return false;
    return true;
}

/* Where "aklint:" or "noqa" (in any case) stands in text[at, end); end if nowhere. */
static uint32_t find_word(const char *text, uint32_t at, uint32_t end)
{
    for (; at + 4 <= end; at++)
        if (same_letters(text + at, "noqa", 4) ||
            (at + 7 <= end && same_letters(text + at, "aklint", 6) && text[at + 6] == ':'))
            return at;
    return end;
}

static bool on_own_line(const char *text, uint32_t start)
{
    while (start &&
           (text[start - 1] == ' ' || text[start - 1] == '\t' || text[start - 1] == '\f'))
        start--;
    return !start || text[start - 1] == '\n' || text[start - 1] == '\r';
}

/* A `#` may stand in a string as well: the tree tells. */
static void find_comments(AkWalk *w, uint32_t len)
{
    const char *sign = len ? memchr(w->block, '#', len) : NULL;
    while (sign) {
        uint32_t at = (uint32_t)(sign - w->block), start, end;
        const char *newline = memchr(sign, '\n', len - at);
        uint32_t line_end = newline ? (uint32_t)(newline - w->block) : len;
        uint32_t word = find_word(w->block, at, line_end);
        if (word < line_end && ak__comment_at(w->parser, word, &start, &end))
            AK_ADD(w, comments, comment, AK_T_COMMENTS) =
                (AkComment){start, end, on_own_line(w->block, start)};
        sign = newline ? memchr(newline, '#', len - line_end) : NULL;
    }
}

static int by_start(const void *a, const void *b)
{
    const AkSyntaxError *x = a, *y = b;
    return x->start < y->start ? -1 : x->start > y->start;
}

static void find_errors(AkWalk *w)
{
    uint32_t len;
    const AkSyntaxError *errors = ak__parse_errors(w->parser, 0, &len);
    for (uint32_t i = 0; i < len; i++)
        AK_ADD(w, errors, error, AK_T_ERRORS) = errors[i];
    qsort(w->errors + 1, w->error_len - 1, sizeof *w->errors, by_start);
}

/* ---- The whole ---- */

/* Number 0 of each table. */
static void add_dummies(AkWalk *w)
{
    AK_ADD(w, exprs, expr, AK_T_EXPRS) = (AkExpr){0};
    AK_ADD(w, kids, kid, AK_T_KIDS) = 0;
    AK_ADD(w, stmts, stmt, AK_T_STMTS) = (AkStmt){0};
    AK_ADD(w, scopes, scope, AK_T_SCOPES) = (AkScope){0};
    AK_ADD(w, bindings, binding, AK_T_BINDINGS) = (AkBinding){0};
    AK_ADD(w, params, param, AK_T_PARAMS) = (AkParam){0};
    AK_ADD(w, functions, function, AK_T_FUNCTIONS) = (AkFunctionFact){0};
    AK_ADD(w, classes, class, AK_T_CLASSES) = (AkClassFact){0};
    AK_ADD(w, imports, import, AK_T_IMPORTS) = (AkImport){0};
    AK_ADD(w, loops, loop, AK_T_LOOPS) = (AkLoop){0};
    AK_ADD(w, comments, comment, AK_T_COMMENTS) = (AkComment){0};
    AK_ADD(w, errors, error, AK_T_ERRORS) = (AkSyntaxError){0};
    AK_ADD(w, names, name, AK_T_NAMES) = (AkNamed){add_chars(w, "", 0), 0, ak__hash("", 0)};
}

static void *keep(AkWalk *w, const void *from, uint32_t len, size_t size)
{
    void *copy = ak__alloc(w->arena, len * size);
    memcpy(copy, from, len * size);
    return copy;
}

static void keep_names(AkWalk *w, AkFacts *facts)
{
    const char *chars = keep(w, w->chars, w->char_len, 1);
    const char **names = ak__alloc(w->arena, w->name_len * sizeof *names);
    uint32_t *lens = ak__alloc(w->arena, w->name_len * sizeof *lens);
    uint32_t *hashes = ak__alloc(w->arena, w->name_len * sizeof *hashes);
    for (uint32_t i = 0; i < w->name_len; i++) {
        names[i] = chars + w->names[i].at;
        lens[i] = w->names[i].len;
        hashes[i] = w->names[i].hash;
    }
    facts->names = names;
    facts->name_len = lens;
    facts->name_hash = hashes;
    facts->name_count = w->name_len;
}

static const AkFacts *keep_all(AkWalk *w)
{
    AkFacts *facts = ak__alloc(w->arena, sizeof *facts);
    keep_names(w, facts);
#define KEEP(array, one)                                                                       \
    facts->array = keep(w, w->array, w->one##_len, sizeof *w->array);                          \
    facts->one##_len = w->one##_len
    KEEP(exprs, expr);
    KEEP(kids, kid);
    KEEP(stmts, stmt);
    KEEP(scopes, scope);
    KEEP(bindings, binding);
    KEEP(params, param);
    KEEP(functions, function);
    KEEP(classes, class);
    KEEP(imports, import);
    KEEP(loops, loop);
    KEEP(comments, comment);
    KEEP(errors, error);
#undef KEEP
    return facts;
}

const AkFacts *ak__collect(struct AkArena *arena, AkParser *parser, const char *text,
                           uint32_t len)
{
    AkWalk walk = {.arena = arena, .parser = parser, .block = text, .text = text}, *w = &walk;
    if (!ak__parse(parser, 0, text, len))
        ak__no_memory(w);
    add_dummies(w);
    w->scope = ak__open_scope(w, AK_SCOPE_MODULE, 0);
    ak__suite(w, AK_SUITE_BODY);
    settle_bindings(w);
    for (uint32_t i = 1; i < w->import_len; i++)
        settle_import(w, &w->imports[i]);
    find_comments(w, len);
    find_errors(w);
    return keep_all(w);
}
