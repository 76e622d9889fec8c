/* ask.c: the questions of rule.h. */
#include "stages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Contexts ---- */

static uint8_t book_of(const AkPass *pass)
{
    return pass->dialect == AK_DIALECT_TEMPORAL ? AK_BOOK_TEMPORAL : AK_BOOK_AK;
}

unsigned ak_contexts(const AkPass *pass, const AkFunction *fn)
{
    uint8_t book = book_of(pass);
    unsigned contexts = ak__function(fn)->reach.contexts[book];
    if (contexts || book != AK_BOOK_TEMPORAL)
        return contexts;
    return AK_CTX_CLIENT;
}

unsigned ak_contexts_at(const AkPass *pass, const AkCall *call)
{
    if (call->unless && ak__function(call->fn)->reach.contexts[book_of(pass)])
        return ak__contexts_of_call(call, book_of(pass));
    return ak_contexts(pass, call->fn) & call->mask;
}

unsigned ak_contexts_of(const AkPass *pass, const AkFunction *fn, AkStmtId stmt)
{
    return ak_contexts(pass, fn) & ak__stmt_mask(pass->program, fn->unit, stmt);
}

AkExprId ak_first_expr(const AkFunction *fn)
{
    return ak__first_expr(fn->unit->facts, ak_fact(fn)->start);
}

AkBudgets ak_budgets(const AkPass *pass)
{
    return pass->program->options.budgets;
}

static bool is_straight(const AkCall *call, bool is_called)
{
    const AkStmt *stmts = call->fn->unit->facts->stmts;
    for (AkStmtId i = call->stmt; i && ak_owns_stmt(call->fn, i); i = stmts[i].parent) {
        AkStmtKind kind = (AkStmtKind)stmts[i].kind;
        if (kind == AK_S_HANDLER || (is_called && (kind == AK_S_IF || kind == AK_S_FOR ||
                                                   kind == AK_S_WHILE || kind == AK_S_CASE)))
            return false;
    }
    return true;
}

bool ak_surely_runs(const AkPass *pass, const AkCall *call, unsigned context)
{
    const AkLink *link = ak__link_of_call(call, book_of(pass), context);
    if (!link || !is_straight(call, link->from && link->call->kind != AK_CALL_IMPORT))
        return false;
    for (; link->from; link = link->up)
        if (!is_straight(link->call, link->up->from && link->up->call->kind != AK_CALL_IMPORT))
            return false;
    return true;
}

const AkCall *ak_way_in(const AkPass *pass, const AkCall *call, unsigned context)
{
    const AkLink *link = ak__link_of_call(call, book_of(pass), context);
    for (; link && link->from && link->call->kind != AK_CALL_IMPORT; link = link->up)
        call = link->call;
    return call;
}

static bool is_of_self(AkPass *pass, const AkCall *call)
{
    const AkUnit *unit = call->fn->unit;
    AkExprId object = call->expr;
    if (call->target && call->target->outer == call->fn)
        return true;
    if (call->kind == AK_CALL_PLAIN || call->kind == AK_CALL_DECORATOR)
        object = ak_kid(unit->facts, ak_call_expr(call)->kids, 0);
    const AkExpr *row = ak_expr(unit->facts, object);
    if (ak_self_root(unit, object))
        return true;
    return row->kind == AK_X_ATTRIBUTE &&
           ak_value(pass, unit, ak_kid(unit->facts, row->kids, 0)).kind == AK_V_SUPER;
}

bool ak_keeps_self(AkPass *pass, const AkFunction *fn, unsigned context)
{
    const AkLink *link = ak__link(fn, book_of(pass), context);
    for (; link && link->from; link = link->up)
        if (!is_of_self(pass, link->call))
            return false;
    return link != NULL;
}

bool ak_does(const AkCall *call, AkEffects effects)
{
    return call->known && (call->known->effects & effects) == effects;
}

bool ak_does_any(const AkCall *call, AkEffects effects)
{
    return call->known && call->known->effects & effects;
}

bool ak_only_in(const AkCall *call, unsigned contexts)
{
    unsigned there = ak__contexts_of_call(call, AK_BOOK_TEMPORAL);
    return there && !(there & ~contexts);
}

bool ak_calls(const AkCall *call, const char *dotted)
{
    return call->dotted && call->kind != AK_CALL_READ && strcmp(call->dotted, dotted) == 0;
}

static bool is_beside(const AkManifest *manifest, const AkModule *module)
{
    const char *slash = strrchr(manifest->path, '/');
    return !slash ||
           strncmp(manifest->path, module->path, (size_t)(slash - manifest->path) + 1) == 0;
}

bool ak_is_durable(const AkPass *pass, const AkModule *module)
{
    bool some = false;
    for (size_t i = 0; pass->dialect == AK_DIALECT_AUTOKITTEH && i < pass->entry_len; i++) {
        const AkEntry *entry = &pass->entries[i];
        if (!entry->manifest || !is_beside(entry->manifest, module))
            continue;
        if (entry->durable)
            return true;
        some = true;
    }
    return !some;
}

/* ---- Values ---- */

AkValues ak_values(AkPass *pass, const AkUnit *unit, AkExprId expr)
{
    pass->program->depth = 0;
    return ak__eval(pass->program, unit, expr);
}

AkValue ak_value(AkPass *pass, const AkUnit *unit, AkExprId expr)
{
    AkValues values = ak_values(pass, unit, expr);
    return values.len == 1 ? values.items[0] : (AkValue){.kind = AK_V_UNKNOWN};
}

const AkValue *ak_value_of_kind(AkPass *pass, const AkUnit *unit, AkExprId expr,
                                AkValueKind kind)
{
    AkValues values = ak_values(pass, unit, expr);
    for (uint32_t i = 0; i < values.len; i++)
        if (values.items[i].kind == kind)
            return &values.items[i];
    return NULL;
}

static AkValues kept(AkPass *pass, const AkSet *set)
{
    AkValue *items = ak__alloc(pass->program->arena, set->len * sizeof *items);
    memcpy(items, set->items, set->len * sizeof *items);
    return (AkValues){items, set->len};
}

AkValues ak_lookup(AkPass *pass, const AkUnit *unit, AkScopeId scope, const char *name)
{
    AkSet set = {.len = 0};
    AkName local = ak__name_in(pass->program, unit, ak__atom(pass->program, name));
    if (local)
        ak__lookup(pass->program, unit, scope, local, 0, &set);
    else if (!ak__module_name(pass->program, unit->module, ak__atom(pass->program, name), &set))
        ak__add_unknown(&set);
    return kept(pass, &set);
}

AkValues ak_attribute(AkPass *pass, const AkValue *value, const char *name)
{
    AkSet set = {.len = 0};
    ak__attribute(pass->program, value, name, &set);
    return kept(pass, &set);
}

static const char *string_of(AkPass *pass, const AkUnit *unit, AkExprId expr, int depth);

static const char *joined_fields(AkPass *pass, const AkUnit *unit, AkExprId expr, int depth)
{
    const AkExpr *row = &unit->facts->exprs[expr];
    const char *left = string_of(pass, unit, ak_kid(unit->facts, row->kids, 0), depth + 1);
    const char *right = string_of(pass, unit, ak_kid(unit->facts, row->kids, 1), depth + 1);
    if (row->op != AK_OP_ADD || !left || !right)
        return NULL;
    return ak__atom_join(pass->program, left, "", right);
}

static const char *string_of(AkPass *pass, const AkUnit *unit, AkExprId expr, int depth)
{
    if (depth > 20)
        return NULL;
    if (unit->facts->exprs[expr].kind == AK_X_BINARY)
        return joined_fields(pass, unit, expr, depth);
    AkValue value = ak_value(pass, unit, expr);
    return value.kind == AK_V_STRING ? value.text : NULL;
}

const char *ak_string(AkPass *pass, const AkUnit *unit, AkExprId expr)
{
    return string_of(pass, unit, expr, 0);
}

/* Python's literals; strtod is none of the pure functions. */
static bool literal(const char *text, double *out)
{
    double value = 0, scale = 1;
    bool point = false, any = false;
    if (text[0] == '0' &&
        (text[1] == 'x' || text[1] == 'X' || text[1] == 'o' || text[1] == 'b'))
        return false;
    for (; *text; text++) {
        if (*text == '_')
            continue;
        if (*text == '.' && !point) {
            point = true;
        } else if (*text >= '0' && *text <= '9') {
            value = value * 10 + (*text - '0');
            scale *= point ? 10 : 1;
            any = true;
        } else if ((*text == 'e' || *text == 'E') && any) {
            int exponent = 0, sign = 1;
            text++;
            if (*text == '-' || *text == '+')
                sign = *text++ == '-' ? -1 : 1;
            for (; *text >= '0' && *text <= '9' && exponent < 400; text++)
                exponent = exponent * 10 + (*text - '0');
            for (; exponent > 0; exponent--)
                value = sign > 0 ? value * 10 : value / 10;
            break;
        } else {
            return false;
        }
    }
    *out = value / scale;
    return any && !*text;
}

typedef bool (*Fold)(AkPass *, const AkUnit *, AkExprId, int, double *);

static bool fold_binary(AkPass *pass, const AkUnit *unit, AkExprId expr, int depth, Fold left,
                        Fold right, double *out)
{
    const AkExpr *row = &unit->facts->exprs[expr];
    double a, b;
    if (!left(pass, unit, ak_kid(unit->facts, row->kids, 0), depth + 1, &a) ||
        !right(pass, unit, ak_kid(unit->facts, row->kids, 1), depth + 1, &b))
        return false;
    switch ((AkOp)row->op) {
    case AK_OP_ADD: *out = a + b; return true;
    case AK_OP_SUB: *out = a - b; return true;
    case AK_OP_MUL: *out = a * b; return true;
    case AK_OP_DIV: *out = a / b; return b < 0 || b > 0;
    default: return false;
    }
}

static bool number_of(AkPass *pass, const AkUnit *unit, AkExprId expr, int depth, double *out)
{
    const AkExpr *row = &unit->facts->exprs[expr];
    if (depth > 20)
        return false;
    if (row->kind == AK_X_UNARY && row->op == AK_OP_NEGATE) {
        bool known = number_of(pass, unit, ak_kid(unit->facts, row->kids, 0), depth + 1, out);
        *out = -*out;
        return known;
    }
    if (row->kind == AK_X_BINARY)
        return fold_binary(pass, unit, expr, depth, number_of, number_of, out);
    AkValue value = ak_value(pass, unit, expr);
    if (value.kind != AK_V_NUMBER || !value.text)
        return false;
    bool negative = value.unit && value.unit->facts->exprs[value.expr].kind == AK_X_UNARY;
    bool known = literal(value.text, out);
    *out = negative ? -*out : *out;
    return known;
}

bool ak_number(AkPass *pass, const AkUnit *unit, AkExprId expr, double *out)
{
    *out = 0;
    return expr && number_of(pass, unit, expr, 0, out);
}

/* timedelta(days, seconds, microseconds, milliseconds, minutes, hours, weeks) */
static bool timedelta_of(AkPass *pass, const AkUnit *unit, AkExprId call, double *out)
{
    static const struct {
        const char *name;
        double seconds;
    } parts[] = {{"days", 86400},        {"seconds", 1},  {"microseconds", 1e-6},
                 {"milliseconds", 1e-3}, {"minutes", 60}, {"hours", 3600},
                 {"weeks", 604800}};
    *out = 0;
    for (int i = 0; i < 7; i++) {
        AkArgument part = ak_argument_at(pass, unit, call, parts[i].name, i);
        double number;
        if (part.given == AK_ABSENT)
            continue;
        if (part.given != AK_GIVEN || !ak_number(pass, part.unit, part.expr, &number))
            return false;
        *out += number * parts[i].seconds;
    }
    return true;
}

static bool seconds_of(AkPass *pass, const AkUnit *unit, AkExprId expr, int depth, double *out)
{
    const AkExpr *row = &unit->facts->exprs[expr];
    if (depth > 20)
        return false;
    if (row->kind == AK_X_BINARY && (row->op == AK_OP_ADD || row->op == AK_OP_SUB))
        return fold_binary(pass, unit, expr, depth, seconds_of, seconds_of, out);
    if (row->kind == AK_X_BINARY && row->op == AK_OP_MUL)
        return fold_binary(pass, unit, expr, depth, seconds_of, number_of, out) ||
               fold_binary(pass, unit, expr, depth, number_of, seconds_of, out);
    if (row->kind == AK_X_BINARY && row->op == AK_OP_DIV)
        return fold_binary(pass, unit, expr, depth, seconds_of, number_of, out);
    AkValue value = ak_value(pass, unit, expr);
    return value.kind == AK_V_RESULT && value.unit &&
           value.unit->facts->exprs[value.expr].kind == AK_X_CALL &&
           strcmp(value.dotted, "datetime.timedelta") == 0 &&
           timedelta_of(pass, value.unit, value.expr, out);
}

bool ak_seconds(AkPass *pass, const AkUnit *unit, AkExprId expr, double *out)
{
    *out = 0;
    return expr && seconds_of(pass, unit, expr, 0, out);
}

const char *ak_describe(AkPass *pass, const AkValue *value)
{
    AkArena *arena = pass->program->arena;
    switch ((AkValueKind)value->kind) {
    case AK_V_EXTERNAL: return value->dotted;
    case AK_V_RESULT: return ak__printf(arena, "%s()", value->dotted);
    case AK_V_MODULE: return value->module->name;
    case AK_V_FUNCTION:
    case AK_V_BOUND:
    case AK_V_COROUTINE:
        if (!value->function->index)
            return value->function->name;
        return ak_fact(value->function)->is_lambda ? "lambda" : value->function->qualified;
    case AK_V_CLASS: return value->class_->name;
    case AK_V_INSTANCE: return ak__printf(arena, "an instance of %s", value->class_->name);
    case AK_V_PARTIAL: {
        AkValue inner =
            ak_value(pass, value->unit, ak__plain_argument(value->unit->facts, value->expr, 0));
        return inner.kind == AK_V_PARTIAL || inner.kind == AK_V_UNKNOWN
                   ? "a partial"
                   : ak__printf(arena, "partial of %s", ak_describe(pass, &inner));
    }
    case AK_V_GENERATOR: return "a generator";
    case AK_V_STRING:
        return value->text ? ak__printf(arena, "\"%s\"", value->text) : "a string";
    case AK_V_BYTES: return "bytes";
    case AK_V_NUMBER: return value->text ? value->text : "a number";
    case AK_V_TRUE: return "True";
    case AK_V_FALSE: return "False";
    case AK_V_NONE: return "None";
    case AK_V_LIST: return "a list";
    case AK_V_TUPLE: return "a tuple";
    case AK_V_SET: return "a set";
    case AK_V_DICT: return "a dict";
    case AK_V_TYPED: return "a container";
    case AK_V_SUPER: return "super()";
    case AK_V_UNKNOWN: break;
    }
    return "a value";
}

static AkClass *changeable(const AkClass *class_)
{
    return (AkClass *)(uintptr_t)class_;
}

AkAnswer ak_derives(AkPass *pass, const AkClass *class_, const char *dotted)
{
    bool unsure;
    if (ak__derives(pass->program, changeable(class_), dotted, &unsure))
        return AK_YES;
    return unsure ? AK_MAYBE : AK_NO;
}

const AkFunction *ak_method(AkPass *pass, const AkClass *class_, const char *name)
{
    return ak__method(pass->program, changeable(class_), ak__atom(pass->program, name));
}

/* ---- Arguments ---- */

static bool changes(const AkUnit *unit, const AkExpr *row, const char *name)
{
    const AkFacts *facts = unit->facts;
    const AkExpr *object = &facts->exprs[ak_kid(facts, row->kids, 0)];
    bool store = row->kind == AK_X_SUBSCRIPT && row->flags & (AK_XF_STORE | AK_XF_DELETE);
    bool method =
        row->kind == AK_X_ATTRIBUTE && (strcmp(unit->atoms[row->name], "update") == 0 ||
                                        strcmp(unit->atoms[row->name], "setdefault") == 0 ||
                                        strcmp(unit->atoms[row->name], "pop") == 0);
    return (store || method) && object->kind == AK_X_NAME && unit->atoms[object->name] == name;
}

/* `options["x"] = …` somewhere: what the literal says is not all. */
static bool is_changed(const AkUnit *unit, AkExprId expr)
{
    const AkExpr *row = &unit->facts->exprs[expr];
    if (row->kind != AK_X_NAME)
        return false;
    for (size_t u = 0; u < unit->module->unit_len; u++) {
        const AkUnit *other = unit->module->units[u];
        for (AkExprId i = 1; i < other->facts->expr_len; i++)
            if (changes(other, &other->facts->exprs[i], unit->atoms[row->name]))
                return true;
    }
    return false;
}

static AkArgument in_mapping(AkPass *pass, const AkUnit *unit, AkExprId expr,
                             const char *keyword, int depth);

static AkArgument in_display(AkPass *pass, const AkValue *dict, const char *keyword, int depth)
{
    const AkUnit *unit = dict->unit;
    const AkFacts *facts = unit->facts;
    AkKids kids = facts->exprs[dict->expr].kids;
    AkArgument answer = {.given = AK_ABSENT, .by_keyword = true};
    if (facts->exprs[dict->expr].kind != AK_X_DICT)
        return (AkArgument){.given = AK_MAYBE_GIVEN};
    /* Later entries win. */
    for (uint32_t i = 0; i + 1 < kids.count; i += 2) {
        AkExprId key = ak_kid(facts, kids, i), value = ak_kid(facts, kids, i + 1);
        if (!key) {
            AkArgument inner = in_mapping(
                pass, unit, ak_kid(facts, facts->exprs[value].kids, 0), keyword, depth + 1);
            answer = inner.given == AK_ABSENT ? answer : inner;
            continue;
        }
        const char *name = ak_string(pass, unit, key);
        if (!name && answer.given == AK_ABSENT)
            answer.given = AK_MAYBE_GIVEN;
        else if (name && strcmp(name, keyword) == 0)
            answer = (AkArgument){
                .given = AK_GIVEN, .unit = unit, .expr = value, .by_keyword = true};
    }
    return answer;
}

/* What `**x` brings for the keyword. */
static AkArgument in_mapping(AkPass *pass, const AkUnit *unit, AkExprId expr,
                             const char *keyword, int depth)
{
    static const AkArgument maybe = {.given = AK_MAYBE_GIVEN};
    AkValue value = ak_value(pass, unit, expr);
    if (depth > 8 || is_changed(unit, expr) || !value.unit)
        return maybe;
    if (value.kind == AK_V_DICT)
        return in_display(pass, &value, keyword, depth);
    if (value.kind == AK_V_RESULT && strcmp(value.dotted, "builtins.dict") == 0 &&
        value.unit->facts->exprs[value.expr].kind == AK_X_CALL) {
        AkArgument inner = ak_argument_at(pass, value.unit, value.expr, keyword, -1);
        AkExprId first = ak__plain_argument(value.unit->facts, value.expr, 0);
        if (inner.given == AK_ABSENT && first)
            return in_mapping(pass, value.unit, first, keyword, depth + 1);
        return inner;
    }
    return maybe;
}

AkArgument ak_argument_at(AkPass *pass, const AkUnit *unit, AkExprId call, const char *keyword,
                          int position)
{
    const AkFacts *facts = unit->facts;
    AkKids kids = facts->exprs[call].kids;
    AkArgument answer = {.given = AK_ABSENT};
    int plain = 0;
    bool starred = false;
    for (uint32_t i = 1; i < kids.count; i++) {
        AkExprId arg = ak_kid(facts, kids, i);
        const AkExpr *row = &facts->exprs[arg];
        AkExprId value = ak_kid(facts, row->kids, 0);
        if (row->kind == AK_X_KEYWORD && keyword && unit->atoms[row->name][0] == keyword[0] &&
            strcmp(unit->atoms[row->name], keyword) == 0)
            return (AkArgument){AK_GIVEN, unit, value, true};
        if (row->kind == AK_X_STAR) {
            starred = true;
        } else if (row->kind == AK_X_DOUBLE_STAR && keyword) {
            AkArgument inner = in_mapping(pass, unit, value, keyword, 0);
            if (inner.given == AK_GIVEN)
                return inner;
            if (inner.given == AK_MAYBE_GIVEN)
                answer.given = AK_MAYBE_GIVEN;
        } else if (row->kind != AK_X_KEYWORD && row->kind != AK_X_DOUBLE_STAR) {
            if (plain++ == position && !starred)
                return (AkArgument){AK_GIVEN, unit, arg, false};
        }
    }
    if (starred && position >= 0)
        answer.given = AK_MAYBE_GIVEN;
    return answer;
}

AkArgument ak_argument(AkPass *pass, const AkCall *call, const char *keyword, int position)
{
    if (call->kind != AK_CALL_PLAIN && call->kind != AK_CALL_INIT)
        return (AkArgument){.given = AK_ABSENT};
    return ak_argument_at(pass, call->fn->unit, call->expr, keyword, position);
}

size_t ak_positional_count(const AkCall *call, bool *unsure)
{
    const AkFacts *facts = call->fn->unit->facts;
    const AkExpr *row = ak_call_expr(call);
    size_t count = 0;
    *unsure = row->kind != AK_X_CALL;
    for (uint32_t i = 1; row->kind == AK_X_CALL && i < row->kids.count; i++) {
        uint8_t kind = facts->exprs[ak_kid(facts, row->kids, i)].kind;
        *unsure |= kind == AK_X_STAR;
        count += kind != AK_X_STAR && kind != AK_X_DOUBLE_STAR && kind != AK_X_KEYWORD;
    }
    return count;
}

/* ---- Text ---- */

const char *ak_text(const AkUnit *unit, AkExprId expr, size_t *len)
{
    const AkExpr *row = &unit->facts->exprs[expr];
    *len = row->end - row->start;
    return unit->module->text + unit->start + row->start;
}

const char *ak_callee_text(AkPass *pass, const AkCall *call)
{
    const AkExpr *row = ak_call_expr(call);
    size_t len;
    if (row->kind != AK_X_CALL)
        return "";
    const char *text =
        ak_text(call->fn->unit, ak_kid(call->fn->unit->facts, row->kids, 0), &len);
    return ak__strndup(pass->program->arena, text, len < 200 ? len : 200);
}

bool ak_inside(const AkFacts *facts, AkStmtId stmt, AkStmtId around)
{
    return stmt >= around && stmt <= facts->stmts[around].last;
}

const AkFunction *ak_function_of(const AkUnit *unit, AkExprId expr)
{
    const AkFacts *facts = unit->facts;
    return unit->functions[facts->scopes[facts->exprs[expr].scope].function];
}

const AkNode *ak_node_get(const AkNode *map, const char *key)
{
    if (!map || map->kind != AK_NODE_MAP)
        return NULL;
    for (size_t i = 0; i < map->count; i++) {
        const AkNode *name = map->items[2 * i];
        if (name && name->kind == AK_NODE_SCALAR && name->text && strcmp(name->text, key) == 0)
            return map->items[2 * i + 1];
    }
    return NULL;
}
