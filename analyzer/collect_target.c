/* collect_target.c: what a statement binds: assignment targets, parameters, patterns of `case`.
 */
#include "collect.h"

#include <string.h>

static bool has_binding(const AkWalk *w, AkScopeId scope, AkName name)
{
    for (uint32_t i = w->bindings_len; i-- > 1;)
        if (w->bindings[i].scope == scope && w->bindings[i].name == name)
            return true;
    return false;
}

/* `nonlocal x` means the function around that has x; if none was seen to have it, the nearest.
 */
static AkScopeId scope_around(const AkWalk *w, AkScopeId scope, AkName name)
{
    AkScopeId nearest = 0;

    for (scope = w->scopes[scope].parent; scope > 1; scope = w->scopes[scope].parent) {
        if (w->scopes[scope].kind != AK_SCOPE_FUNCTION)
            continue;
        if (has_binding(w, scope, name))
            return scope;
        nearest = nearest ? nearest : scope;
    }
    return nearest ? nearest : 1;
}

/* The scope that a name written here belongs to: `global` and `nonlocal` stand before it. */
static AkScopeId owner(const AkWalk *w, AkScopeId scope, AkName name)
{
    for (uint32_t i = w->declared_len; i-- > 0;) {
        const AkBinding *b = &w->bindings[w->declared[i]];

        if (b->scope == scope && b->name == name)
            return b->kind == AK_B_GLOBAL ? 1 : scope_around(w, scope, name);
    }
    return scope;
}

uint32_t ak__bind(AkWalk *w, AkScopeId scope, AkName name, AkBindingKind kind, uint32_t start,
                  uint32_t end)
{
    bool declares = kind == AK_B_GLOBAL || kind == AK_B_NONLOCAL;

    if (w->declared_len && !declares && kind != AK_B_PARAMETER)
        scope = owner(w, scope, name);
    if (declares)
        AK_PUSH(w->scratch, w->declared, w->declared_len, w->declared_cap) = w->bindings_len;
    AK_PUSH(w->scratch, w->bindings, w->bindings_len, w->bindings_cap) =
        (AkBinding){.kind = (uint8_t)kind,
                    .name = name,
                    .scope = scope,
                    .stmt = w->stmt,
                    .start = start + w->shift,
                    .end = end + w->shift};
    return w->bindings_len - 1;
}

void ak__bind_value(AkWalk *w, uint32_t first_binding, AkExprId value)
{
    for (uint32_t i = first_binding; i < w->bindings_len; i++)
        if (!w->bindings[i].value)
            w->bindings[i].value = value;
}

/* ---- Targets ---- */

static AkHow how_of_part(AkHow how)
{
    return how == AK_HOW_WHOLE  ? AK_HOW_PART
           : how == AK_HOW_ITEM ? AK_HOW_ITEM_PART
                                : AK_HOW_UNKNOWN;
}

static AkExprId name_target(AkWalk *w, uint32_t node, AkBindingKind kind, AkHow how,
                            uint16_t part)
{
    AkExprId id = ak__expr_new(w, AK_X_NAME, node);
    AkName name = ak__node_name(w, node);
    uint32_t binding =
        ak__bind(w, w->scope, name, kind, w->nodes[node].start, w->nodes[node].end);

    w->exprs[id].name = name;
    w->exprs[id].flags |= AK_XF_STORE;
    w->bindings[binding].how = (uint8_t)how;
    w->bindings[binding].part = part;
    return id;
}

static AkExprId target(AkWalk *w, uint32_t node, AkBindingKind kind, AkHow how, uint16_t part);

static AkExprId several(AkWalk *w, uint32_t node, AkBindingKind kind, AkHow how)
{
    bool list = w->nodes[node].kind == AK_T_list || w->nodes[node].kind == AK_T_list_pattern;
    AkExprId id = ak__expr_new(w, list ? AK_X_LIST : AK_X_TUPLE, node), parent = w->parent;
    uint32_t mark = ak__kids_mark(w);
    bool starred = false;
    uint16_t part = 0;
    AkKids kids;

    w->exprs[id].flags |= AK_XF_STORE;
    w->parent = id;
    AK_EACH_CHILD(w, node, c)
    {
        if (!ak__is_expr(w, c))
            continue;
        /* Behind a starred target the number of an item is not known. */
        ak__kids_push(w,
                      target(w, c, kind, starred ? AK_HOW_UNKNOWN : how_of_part(how), part++));
        starred |=
            w->nodes[c].kind == AK_T_list_splat_pattern || w->nodes[c].kind == AK_T_list_splat;
    }
    w->parent = parent;
    kids = ak__kids_take(w, mark);
    w->exprs[id].kids = kids;
    return id;
}

static AkExprId star_target(AkWalk *w, uint32_t node, AkBindingKind kind)
{
    AkExprId id = ak__expr_new(w, AK_X_STAR, node), parent = w->parent;
    uint32_t mark = ak__kids_mark(w);
    AkKids kids;

    w->parent = id;
    AK_EACH_CHILD(w, node, c)
    if (ak__is_expr(w, c))
        ak__kids_push(w, target(w, c, kind, AK_HOW_REST, 0));
    w->parent = parent;
    kids = ak__kids_take(w, mark);
    w->exprs[id].kids = kids;
    return id;
}

static AkExprId target(AkWalk *w, uint32_t node, AkBindingKind kind, AkHow how, uint16_t part)
{
    AkExprId id;

    if (w->depth >= AK_DEEPEST)
        return ak__expr_new(w, AK_X_ERROR, node);
    w->depth++;
    switch (w->nodes[node].kind) {
    case AK_T_identifier: id = name_target(w, node, kind, how, part); break;
    case AK_T_pattern_list:
    case AK_T_tuple_pattern:
    case AK_T_list_pattern:
    case AK_T_tuple:
    case AK_T_list:
    case AK_T_expression_list:
    case AK_T_tuple_expression: id = several(w, node, kind, how); break;
    case AK_T_list_splat_pattern:
    case AK_T_list_splat: id = star_target(w, node, kind); break;
    case AK_T_parenthesized_expression: id = target(w, node + 1, kind, how, part); break;
    default:
        id = ak__expr(w, node);
        if (id)
            w->exprs[id].flags |= AK_XF_STORE;
    }
    w->depth--;
    return id;
}

AkExprId ak__target(AkWalk *w, uint32_t node, AkBindingKind kind, AkHow how)
{
    return node ? target(w, node, kind, how, 0) : 0;
}

/* ---- Parameters ---- */

typedef struct Parameter {
    uint32_t name, annotation, value; /* nodes */
    AkParamKind kind;
} Parameter;

static uint32_t splat_name(const AkWalk *w, uint32_t node, AkParamKind *kind)
{
    if (w->nodes[node].kind == AK_T_list_splat_pattern)
        *kind = AK_PARAM_ARGS;
    else if (w->nodes[node].kind == AK_T_dictionary_splat_pattern)
        *kind = AK_PARAM_KWARGS;
    else
        return node;
    return ak__child_of_kind(w, node, AK_T_identifier);
}

static Parameter read_parameter(const AkWalk *w, uint32_t node, AkParamKind kind)
{
    Parameter p = {.kind = kind};

    switch (w->nodes[node].kind) {
    case AK_T_default_parameter:
    case AK_T_typed_default_parameter:
        p.name = ak__child(w, node, AK_F_name);
        p.value = ak__child(w, node, AK_F_value);
        break;
    case AK_T_typed_parameter: p.name = splat_name(w, node + 1, &p.kind); break;
    default: p.name = splat_name(w, node, &p.kind);
    }
    p.annotation =
        w->nodes[node].kind == AK_T_default_parameter ? 0 : ak__child(w, node, AK_F_type);
    return p;
}

static AkParam parameter(AkWalk *w, AkScopeId scope, const Parameter *p)
{
    AkParam param = {.kind = (uint8_t)p->kind};
    uint32_t binding;

    param.annotation = p->annotation ? ak__annotation_expr(w, p->annotation) : 0;
    param.value = ak__expr(w, p->value);
    if (param.value)
        w->exprs[param.value].flags |= AK_XF_DEFAULT;
    param.name = ak__node_name(w, p->name);
    param.start = w->nodes[p->name].start + w->shift;
    param.end = w->nodes[p->name].end + w->shift;
    binding = ak__bind(w, scope, param.name, AK_B_PARAMETER, w->nodes[p->name].start,
                       w->nodes[p->name].end);
    w->bindings[binding].annotation = param.annotation;
    return param;
}

/* A default may hold a lambda, with parameters and bindings of its own: the rows are gathered
 * and added one behind the other at the end, and the bindings of this scope are told then. */
void ak__parameters(AkWalk *w, uint32_t function, uint32_t node)
{
    uint32_t count = 0, len = 0, first_binding = w->bindings_len;
    AkScopeId scope = w->functions[function].scope;
    AkParamKind kind = AK_PARAM_PLAIN;
    AkParam *rows;

    if (!node)
        return;
    AK_EACH_CHILD(w, node, c)
    count++;
    rows = ak__alloc(w->scratch, (count + 1) * sizeof(*rows));
    AK_EACH_CHILD(w, node, c)
    {
        Parameter p = read_parameter(w, c, kind);

        if (w->nodes[c].kind == AK_T_positional_separator)
            for (uint32_t i = 0; i < len; i++)
                rows[i].kind = AK_PARAM_POSITIONAL_ONLY;
        if (w->nodes[c].kind == AK_T_keyword_separator || p.kind == AK_PARAM_ARGS)
            kind = AK_PARAM_KEYWORD_ONLY;
        if (p.name && w->nodes[p.name].kind == AK_T_identifier)
            rows[len++] = parameter(w, scope, &p);
    }
    w->functions[function].first_param = w->params_len;
    w->functions[function].param_len = len;
    for (uint32_t i = 0; i < len; i++)
        AK_PUSH(w->scratch, w->params, w->params_len, w->params_cap) = rows[i];
    for (uint32_t i = first_binding, next = w->functions[function].first_param;
         i < w->bindings_len; i++)
        if (w->bindings[i].kind == AK_B_PARAMETER && w->bindings[i].scope == scope)
            w->bindings[i].index = next++;
}

void ak__type_parameters(AkWalk *w, uint32_t node)
{
    AK_EACH_CHILD(w, node, c)
    {
        uint32_t name = c;

        while (name < w->nodes[c].next && w->nodes[name].kind != AK_T_identifier)
            name++;
        if (name < w->nodes[c].next)
            ak__bind(w, w->scope, ak__node_name(w, name), AK_B_TYPE, w->nodes[name].start,
                     w->nodes[name].end);
    }
}

/* ---- Patterns ---- */

static void capture(AkWalk *w, uint32_t node, AkExprId subject, bool whole)
{
    AkName name = ak__node_name(w, node);
    uint32_t binding;

    if (strcmp(w->names[name], "_") == 0)
        return;
    binding = ak__bind(w, w->scope, name, AK_B_MATCH, w->nodes[node].start, w->nodes[node].end);
    w->bindings[binding].value = subject;
    w->bindings[binding].how = whole ? AK_HOW_WHOLE : AK_HOW_UNKNOWN;
}

static uint32_t child_count(const AkWalk *w, uint32_t node)
{
    uint32_t count = 0;

    AK_EACH_CHILD(w, node, c)
    count++;
    return count;
}

static void class_or_keyword(AkWalk *w, uint32_t node, AkExprId subject)
{
    bool is_class = w->nodes[node].kind == AK_T_class_pattern, first = true;

    AK_EACH_CHILD(w, node, c)
    {
        if (first && is_class)
            ak__kids_push(w, ak__dotted_expr(w, c));
        else if (!first)
            ak__pattern(w, c, subject, false);
        first = false;
    }
}

void ak__pattern(AkWalk *w, uint32_t node, AkExprId subject, bool whole)
{
    uint32_t last = 0;

    if (w->depth >= AK_DEEPEST)
        return;
    w->depth++;
    switch (w->nodes[node].kind) {
    case AK_T_dotted_name:
        if (child_count(w, node) == 1)
            capture(w, node + 1, subject, whole);
        else
            ak__kids_push(w, ak__dotted_expr(w, node));
        break;
    case AK_T_identifier: capture(w, node, subject, whole); break;
    case AK_T_splat_pattern:
        if (ak__child_of_kind(w, node, AK_T_identifier))
            capture(w, ak__child_of_kind(w, node, AK_T_identifier), subject, false);
        break;
    case AK_T_class_pattern:
    case AK_T_keyword_pattern: class_or_keyword(w, node, subject); break;
    case AK_T_as_pattern:
        AK_EACH_CHILD(w, node, c)
        {
            if (last)
                ak__pattern(w, last, subject, whole);
            last = c;
        }
        while (last && w->nodes[last].kind != AK_T_identifier && w->nodes[last].next > last + 1)
            last++;
        if (last)
            capture(w, last, subject, whole);
        break;
    case AK_T_case_pattern: AK_EACH_CHILD(w, node, c) ak__pattern(w, c, subject, whole); break;
    case AK_T_dict_pattern:
    case AK_T_union_pattern:
    case AK_T_tuple_pattern:
    case AK_T_list_pattern:
    case AK_T_ERROR: AK_EACH_CHILD(w, node, c) ak__pattern(w, c, subject, false); break;
    default:
        if (ak__is_expr(w, node))
            ak__kids_push(w, ak__expr(w, node));
    }
    w->depth--;
}
