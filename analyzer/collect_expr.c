/* collect_expr.c: expressions, calls and their arguments, lambdas, comprehensions.
 *
 * Chains that lean to the left (a.b.c(), x + y + z) can be thousands long in honest code; they
 * are walked down in a loop and finished on the way back, so that only what leans to the right,
 * or lies in brackets, takes stack. Below AK_DEEPEST an expression is AK_X_ERROR: unknown.
 */
#include "collect.h"

#include <string.h>

AkExprId ak__expr_new(AkWalk *w, AkExprKind kind, uint32_t node)
{
    AkExpr expr = {.kind = (uint8_t)kind,
                   .flags = w->flags,
                   .scope = w->scope,
                   .stmt = w->stmt,
                   .parent = w->parent,
                   .start = w->nodes[node].start + w->shift,
                   .end = w->nodes[node].end + w->shift};

    AK_PUSH(w->scratch, w->exprs, w->exprs_len, w->exprs_cap) = expr;
    return w->exprs_len - 1;
}

uint32_t ak__kids_mark(const AkWalk *w)
{
    return w->stack_len;
}

void ak__kids_push(AkWalk *w, AkExprId expr)
{
    AK_PUSH(w->scratch, w->stack, w->stack_len, w->stack_cap) = expr;
}

AkKids ak__kids_take(AkWalk *w, uint32_t mark)
{
    AkKids kids = {w->kids_len, w->stack_len - mark};

    for (uint32_t i = mark; i < w->stack_len; i++) {
        AkExprId kid = w->stack[i];

        AK_PUSH(w->scratch, w->kids, w->kids_len, w->kids_cap) = kid;
    }
    w->stack_len = mark;
    return kids;
}

bool ak__is_expr(const AkWalk *w, uint32_t node)
{
    switch (w->nodes[node].kind) {
    case AK_T_identifier:
    case AK_T_attribute:
    case AK_T_call:
    case AK_T_subscript:
    case AK_T_list:
    case AK_T_tuple:
    case AK_T_set:
    case AK_T_dictionary:
    case AK_T_list_comprehension:
    case AK_T_set_comprehension:
    case AK_T_dictionary_comprehension:
    case AK_T_generator_expression:
    case AK_T_string:
    case AK_T_concatenated_string:
    case AK_T_integer:
    case AK_T_float:
    case AK_T_true:
    case AK_T_false:
    case AK_T_none:
    case AK_T_ellipsis:
    case AK_T_lambda:
    case AK_T_conditional_expression:
    case AK_T_named_expression:
    case AK_T_await:
    case AK_T_yield:
    case AK_T_unary_operator:
    case AK_T_not_operator:
    case AK_T_boolean_operator:
    case AK_T_binary_operator:
    case AK_T_comparison_operator:
    case AK_T_parenthesized_expression:
    case AK_T_as_pattern:
    case AK_T_expression_list:
    case AK_T_tuple_expression:
    case AK_T_pattern_list:
    case AK_T_tuple_pattern:
    case AK_T_list_pattern:
    case AK_T_list_splat:
    case AK_T_parenthesized_list_splat:
    case AK_T_list_splat_pattern:
    case AK_T_dictionary_splat:
    case AK_T_slice:
    case AK_T_type:
    case AK_T_generic_type:
    case AK_T_union_type:
    case AK_T_member_type:
    case AK_T_constrained_type:
    case AK_T_splat_type:
    case AK_T_dotted_name:
    case AK_T_keyword_argument: return true;
    default: return false;
    }
}

/* Walks the expressions among a node's children, as kids of id. */
static void all_kids(AkWalk *w, AkExprId id, uint32_t node)
{
    AkExprId parent = w->parent;
    uint32_t mark = ak__kids_mark(w);

    w->parent = id;
    AK_EACH_CHILD(w, node, c)
    if (ak__is_expr(w, c))
        ak__kids_push(w, ak__expr(w, c));
    w->parent = parent;
    AkKids kids = ak__kids_take(w, mark);
    w->exprs[id].kids = kids;
}

static AkExprId simple(AkWalk *w, AkExprKind kind, uint32_t node)
{
    AkExprId id = ak__expr_new(w, kind, node);

    all_kids(w, id, node);
    return id;
}

static AkExprId constant(AkWalk *w, AkExprKind kind, uint32_t node)
{
    AkExprId id = ak__expr_new(w, kind, node);
    AkName name = kind == AK_X_INT || kind == AK_X_FLOAT || kind == AK_X_NAME
                      ? ak__node_name(w, node)
                      : 0;

    w->exprs[id].name = name;
    return id;
}

/* ---- Operators ---- */

static uint8_t operator_of(const AkWalk *w, uint32_t node)
{
    AK_EACH_CHILD(w, node, c)
    if (w->nodes[c].kind == AK_T_operator)
        return w->nodes[c].op;
    return AK_OP_NONE;
}

static AkExprId unary(AkWalk *w, uint32_t node)
{
    uint8_t op = operator_of(w, node);
    AkExprId id = simple(w, AK_X_UNARY, node);

    w->exprs[id].op = (uint8_t)(w->nodes[node].kind == AK_T_not_operator ? AK_OP_NOT
                                : op == AK_OP_SUB                        ? AK_OP_NEGATE
                                : op == AK_OP_ADD                        ? AK_OP_PLUS
                                                                         : AK_OP_INVERT);
    return id;
}

static AkExprId comparison(AkWalk *w, uint32_t node)
{
    uint8_t op = operator_of(w, node);
    uint16_t mixed = 0;
    AkExprId id = simple(w, AK_X_COMPARE, node);

    AK_EACH_CHILD(w, node, c)
    if (w->nodes[c].kind == AK_T_operator && w->nodes[c].op != op)
        mixed = AK_XF_MIXED;
    w->exprs[id].op = op;
    w->exprs[id].flags = (uint16_t)(w->exprs[id].flags | mixed);
    return id;
}

/* `a and b and c` is one node of three: the grammar's leans to the left, without parentheses.
 */
static AkExprId boolean(AkWalk *w, uint32_t node)
{
    AkExprId id = ak__expr_new(w, AK_X_BOOL, node), parent = w->parent;
    uint8_t op = operator_of(w, node);
    uint32_t mark = ak__kids_mark(w), rights = 0, at = node;
    AkKids kids;

    w->exprs[id].op = op;
    w->parent = id;
    for (;;) {
        uint32_t left = ak__child(w, at, AK_F_left);

        ak__kids_push(w, ak__child(w, at, AK_F_right)); /* the node, for now */
        rights++;
        if (!left || w->nodes[left].kind != AK_T_boolean_operator ||
            operator_of(w, left) != op) {
            AkExprId first = ak__expr(w, left);

            for (uint32_t i = 0; i < rights / 2; i++) {
                uint32_t other = w->stack[mark + rights - 1 - i];

                w->stack[mark + rights - 1 - i] = w->stack[mark + i];
                w->stack[mark + i] = other;
            }
            for (uint32_t i = 0; i < rights; i++) {
                AkExprId right = ak__expr(w, w->stack[mark + i]);

                w->stack[mark + i] = right;
            }
            ak__kids_push(w, 0);
            memmove(&w->stack[mark + 1], &w->stack[mark], rights * sizeof(*w->stack));
            w->stack[mark] = first;
            break;
        }
        at = left;
    }
    w->parent = parent;
    kids = ak__kids_take(w, mark);
    w->exprs[id].kids = kids;
    return id;
}

/* ---- Calls ---- */

static AkExprId keyword(AkWalk *w, uint32_t node)
{
    AkExprId id = ak__expr_new(w, AK_X_KEYWORD, node), parent = w->parent, value;
    AkName name = ak__node_name(w, ak__child(w, node, AK_F_name));
    uint32_t mark = ak__kids_mark(w);
    AkKids kids;

    w->exprs[id].name = name;
    w->parent = id;
    value = ak__expr(w, ak__child(w, node, AK_F_value));
    w->parent = parent;
    ak__kids_push(w, value);
    kids = ak__kids_take(w, mark);
    w->exprs[id].kids = kids;
    return id;
}

void ak__arguments(AkWalk *w, uint32_t node)
{
    if (w->nodes[node].kind == AK_T_generator_expression) {
        ak__kids_push(w, ak__expr(w, node));
        return;
    }
    AK_EACH_CHILD(w, node, c)
    {
        if (w->nodes[c].kind == AK_T_keyword_argument)
            ak__kids_push(w, keyword(w, c));
        else if (ak__is_expr(w, c) || w->nodes[c].kind == AK_T_ERROR)
            ak__kids_push(w, ak__expr(w, c));
    }
}

/* ---- Lambdas and comprehensions ---- */

static AkExprId lambda(AkWalk *w, uint32_t node)
{
    AkExprId id = ak__expr_new(w, AK_X_LAMBDA, node), parent = w->parent, body;
    uint32_t fn = ak__function_new(w, node), mark = ak__kids_mark(w);
    AkScopeId scope = w->scope;
    AkKids kids;

    w->exprs[id].index = fn;
    w->functions[fn].is_lambda = w->functions[fn].returns_value = true;
    w->functions[fn].expr = id;
    w->parent = id;
    ak__parameters(w, fn, ak__child(w, node, AK_F_parameters));
    w->scope = w->functions[fn].scope;
    body = ak__expr(w, ak__child(w, node, AK_F_body));
    w->scope = scope;
    w->parent = parent;
    ak__kids_push(w, body);
    kids = ak__kids_take(w, mark);
    w->functions[fn].returned = kids;
    return id;
}

/* One `for` with the `if`s behind it. The first iterable is evaluated outside. */
static void clause(AkWalk *w, AkExprId comp, uint32_t node, bool first, AkScopeId outside)
{
    AkScopeId inside = w->scope;
    uint32_t loop, bindings = w->bindings_len, right = 0;
    AkExprId target, iterated;

    AK_PUSH(w->scratch, w->loops, w->loops_len, w->loops_cap) =
        (AkLoop){.scope = first ? outside : inside,
                 .stmt = w->stmt,
                 .comp = comp,
                 .is_async = ak__has_token(w, node, AK_T_async)};
    loop = w->loops_len - 1;
    target = ak__target(w, ak__child(w, node, AK_F_left), AK_B_FOR, AK_HOW_ITEM);
    AK_EACH_CHILD(w, node, c)
    if (w->nodes[c].field == AK_F_right && ak__is_expr(w, c) && !right)
        right = c;
    if (first)
        w->scope = outside;
    iterated = ak__expr(w, right);
    w->scope = inside;
    ak__bind_value(w, bindings, iterated);
    w->loops[loop].target = target;
    w->loops[loop].iterated = iterated;
}

static void condition(AkWalk *w, uint32_t loop, uint32_t node)
{
    AkExprId test = 0;

    AK_EACH_CHILD(w, node, c)
    if (ak__is_expr(w, c))
        test = ak__expr(w, c);
    /* A loop's conditions stand behind each other unless something nested came between. */
    if (w->loops[loop].conditions.count &&
        w->loops[loop].conditions.first + w->loops[loop].conditions.count != w->kids_len) {
        AkKids old = w->loops[loop].conditions;

        w->loops[loop].conditions.first = w->kids_len;
        for (uint32_t i = 0; i < old.count; i++) {
            AkExprId kid = w->kids[old.first + i];

            AK_PUSH(w->scratch, w->kids, w->kids_len, w->kids_cap) = kid;
        }
    }
    if (!w->loops[loop].conditions.count)
        w->loops[loop].conditions.first = w->kids_len;
    AK_PUSH(w->scratch, w->kids, w->kids_len, w->kids_cap) = test;
    w->loops[loop].conditions.count++;
}

static void elements(AkWalk *w, AkExprId id, uint32_t body)
{
    uint32_t mark = ak__kids_mark(w);
    AkKids kids;

    if (w->nodes[body].kind == AK_T_pair) {
        ak__kids_push(w, ak__expr(w, ak__child(w, body, AK_F_key)));
        ak__kids_push(w, ak__expr(w, ak__child(w, body, AK_F_value)));
    } else {
        ak__kids_push(w, ak__expr(w, body));
    }
    kids = ak__kids_take(w, mark);
    w->exprs[id].kids = kids;
}

static AkExprId comprehension(AkWalk *w, AkExprKind kind, uint32_t node)
{
    AkExprId id = ak__expr_new(w, kind, node), parent = w->parent;
    AkScopeId outside = w->scope;
    uint32_t loop = 0;

    w->scope = ak__scope_new(w, AK_SCOPE_COMPREHENSION, id);
    w->exprs[id].index = w->scope;
    w->parent = id;
    elements(w, id, ak__child(w, node, AK_F_body));
    AK_EACH_CHILD(w, node, c)
    {
        if (w->nodes[c].kind == AK_T_for_in_clause) {
            bool first = !loop;

            loop = w->loops_len;
            clause(w, id, c, first, outside);
        } else if (w->nodes[c].kind == AK_T_if_clause && loop) {
            condition(w, loop, c);
        }
    }
    w->parent = parent;
    w->scope = outside;
    return id;
}

/* ---- The rest ---- */

static AkExprId dictionary(AkWalk *w, uint32_t node)
{
    AkExprId id = ak__expr_new(w, AK_X_DICT, node), parent = w->parent;
    uint32_t mark = ak__kids_mark(w);
    AkKids kids;

    w->parent = id;
    AK_EACH_CHILD(w, node, c)
    {
        if (w->nodes[c].kind == AK_T_pair) {
            ak__kids_push(w, ak__expr(w, ak__child(w, c, AK_F_key)));
            ak__kids_push(w, ak__expr(w, ak__child(w, c, AK_F_value)));
        } else if (w->nodes[c].kind == AK_T_dictionary_splat) {
            ak__kids_push(w, 0);
            ak__kids_push(w, ak__expr(w, c));
        }
    }
    w->parent = parent;
    kids = ak__kids_take(w, mark);
    w->exprs[id].kids = kids;
    return id;
}

static AkExprId named(AkWalk *w, uint32_t node)
{
    AkExprId id = ak__expr_new(w, AK_X_NAMED, node), parent = w->parent, value;
    uint32_t name = ak__child(w, node, AK_F_name), mark = ak__kids_mark(w), binding;
    AkScopeId scope = w->scope;
    AkKids kids;

    w->parent = id;
    ak__kids_push(w, constant(w, AK_X_NAME, name));
    w->exprs[w->exprs_len - 1].flags |= AK_XF_STORE;
    value = ak__expr(w, ak__child(w, node, AK_F_value));
    ak__kids_push(w, value);
    w->parent = parent;
    kids = ak__kids_take(w, mark);
    w->exprs[id].kids = kids;
    while (w->scopes[scope].kind == AK_SCOPE_COMPREHENSION)
        scope = w->scopes[scope].parent;
    binding = w->bindings_len;
    ak__bind(w, scope, ak__node_name(w, name), AK_B_NAMED, w->nodes[name].start,
             w->nodes[name].end);
    ak__bind_value(w, binding, value);
    return id;
}

/* `value as name` outside a with statement's own items: in parentheses or a tuple of them. */
static AkExprId entered(AkWalk *w, uint32_t node)
{
    uint32_t bindings, value_node = node + 1 < w->nodes[node].next ? node + 1 : 0,
                       alias = ak__child(w, node, AK_F_alias);
    AkExprId value = ak__expr(w, value_node), parent = w->parent;

    if (!alias)
        return value;
    bindings = w->bindings_len;
    w->parent = 0;
    ak__target(w, w->nodes[alias].kind == AK_T_as_pattern_target ? alias + 1 : alias, AK_B_WITH,
               AK_HOW_ENTER);
    w->parent = parent;
    ak__bind_value(w, bindings, value);
    return value;
}

static AkExprId await(AkWalk *w, uint32_t node)
{
    AkExprId id = simple(w, AK_X_AWAIT, node);

    if (w->exprs[id].kids.count)
        w->exprs[w->kids[w->exprs[id].kids.first]].flags |= AK_XF_AWAITED;
    return id;
}

AkExprId ak__dotted_expr(AkWalk *w, uint32_t node)
{
    AkExprId id = 0, parent = w->parent;
    uint32_t parts = 0, last = node;

    AK_EACH_CHILD(w, node, c)
    parts++;
    if (parts < 2)
        return constant(w, AK_X_NAME, parts ? node + 1 : node);
    /* Parents before children: the attributes from the last to the first, then the name. */
    for (uint32_t n = parts; n > 1; n--) {
        uint32_t i = 0;
        AkName name;

        AK_EACH_CHILD(w, node, c)
        if (++i == n)
            last = c;
        name = ak__node_name(w, last);
        w->parent = ak__expr_new(w, AK_X_ATTRIBUTE, node);
        w->exprs[w->parent].end = w->nodes[last].end + w->shift;
        w->exprs[w->parent].name = name;
        if (!id)
            id = w->parent;
    }
    constant(w, AK_X_NAME, node + 1);
    for (AkExprId i = id; i < w->exprs_len - 1; i++) {
        w->exprs[i].kids = (AkKids){w->kids_len, 1};
        AK_PUSH(w->scratch, w->kids, w->kids_len, w->kids_cap) = i + 1;
    }
    w->parent = parent;
    return id;
}

/* ---- Annotations ---- */

static AkExprId generic(AkWalk *w, uint32_t node)
{
    AkExprId id = ak__expr_new(w, AK_X_SUBSCRIPT, node), parent = w->parent, index;
    uint32_t mark = ak__kids_mark(w), list = ak__child_of_kind(w, node, AK_T_type_parameter),
             items = 0;
    bool literal;
    uint16_t flags = w->flags;
    AkKids kids;

    w->parent = id;
    ak__kids_push(w, ak__expr(w, node + 1));
    literal = w->nodes[node + 1].end - w->nodes[node + 1].start >= 7 &&
              memcmp(w->text + w->nodes[node + 1].end - 7, "Literal", 7) == 0;
    if (literal)
        w->flags = (uint16_t)(w->flags & ~AK_XF_ANNOTATION);
    AK_EACH_CHILD(w, list, c)
    items++;
    index = list && items == 1 ? ak__expr(w, list + 1) : list ? simple(w, AK_X_TUPLE, list) : 0;
    if (list && items != 1) { /* without the brackets */
        w->exprs[index].start++;
        w->exprs[index].end--;
    }
    w->flags = flags;
    ak__kids_push(w, index);
    w->parent = parent;
    kids = ak__kids_take(w, mark);
    w->exprs[id].kids = kids;
    return id;
}

AkExprId ak__annotation_expr(AkWalk *w, uint32_t node)
{
    uint16_t flags = w->flags;
    AkExprId id;

    w->flags |= AK_XF_ANNOTATION;
    id = ak__expr(w, node);
    w->flags = flags;
    return id;
}

static bool is_last_name(const AkWalk *w, AkExprId expr, const char *name)
{
    return (w->exprs[expr].kind == AK_X_NAME || w->exprs[expr].kind == AK_X_ATTRIBUTE) &&
           strcmp(w->names[w->exprs[expr].name], name) == 0;
}

/* The index of `object[…]`: one expression, or a tuple of several. Strings in Literal["a"] stay
 * strings, and so does what Annotated[T, …] carries behind its type. */
static AkExprId index_of(AkWalk *w, uint32_t node, AkExprId object)
{
    uint32_t first = 0, last = 0, count = 0, mark = ak__kids_mark(w);
    AkExprId id, parent = w->parent;
    uint16_t flags = w->flags;
    bool annotated = is_last_name(w, object, "Annotated");
    AkKids kids;

    if (is_last_name(w, object, "Literal"))
        w->flags = (uint16_t)(w->flags & ~AK_XF_ANNOTATION);
    AK_EACH_CHILD(w, node, c)
    {
        if (w->nodes[c].field == AK_F_subscript && ak__is_expr(w, c)) {
            first = first ? first : c;
            last = c;
            count++;
        }
    }
    if (count <= 1) {
        id = ak__expr(w, first);
        w->flags = flags;
        return id;
    }
    id = ak__expr_new(w, AK_X_TUPLE, first);
    w->exprs[id].end = w->nodes[last].end + w->shift;
    w->parent = id;
    AK_EACH_CHILD(w, node, c)
    {
        if (w->nodes[c].field == AK_F_subscript && ak__is_expr(w, c)) {
            ak__kids_push(w, ak__expr(w, c));
            if (annotated)
                w->flags = (uint16_t)(w->flags & ~AK_XF_ANNOTATION);
        }
    }
    w->flags = flags;
    w->parent = parent;
    kids = ak__kids_take(w, mark);
    w->exprs[id].kids = kids;
    return id;
}

/* ---- Chains ---- */

static bool leans_left(uint8_t kind)
{
    return kind == AK_T_attribute || kind == AK_T_call || kind == AK_T_subscript ||
           kind == AK_T_binary_operator;
}

static uint32_t left_of(const AkWalk *w, uint32_t node)
{
    switch (w->nodes[node].kind) {
    case AK_T_attribute: return ak__child(w, node, AK_F_object);
    case AK_T_call: return ak__child(w, node, AK_F_function);
    case AK_T_subscript: return ak__child(w, node, AK_F_value);
    default: return ak__child(w, node, AK_F_left);
    }
}

static AkExprKind chain_kind(uint8_t kind)
{
    switch (kind) {
    case AK_T_attribute: return AK_X_ATTRIBUTE;
    case AK_T_call: return AK_X_CALL;
    case AK_T_subscript: return AK_X_SUBSCRIPT;
    default: return AK_X_BINARY;
    }
}

static void finish_link(AkWalk *w, AkExprId id, uint32_t node, AkExprId left)
{
    uint32_t mark = ak__kids_mark(w);
    AkName name = 0;
    AkKids kids;

    w->parent = id;
    ak__kids_push(w, left);
    switch (w->nodes[node].kind) {
    case AK_T_attribute: name = ak__node_name(w, ak__child(w, node, AK_F_attribute)); break;
    case AK_T_call: ak__arguments(w, ak__child(w, node, AK_F_arguments)); break;
    case AK_T_subscript: ak__kids_push(w, index_of(w, node, left)); break;
    default: ak__kids_push(w, ak__expr(w, ak__child(w, node, AK_F_right)));
    }
    kids = ak__kids_take(w, mark);
    w->exprs[id].name = name;
    w->exprs[id].kids = kids;
    if (w->nodes[node].kind == AK_T_binary_operator)
        w->exprs[id].op = operator_of(w, node);
}

/* Parentheses do not show, but for a flag; those around a whole chain link are looked through.
 */
static uint32_t unwrap(const AkWalk *w, uint32_t node, bool *wrapped)
{
    while (w->nodes[node].kind == AK_T_parenthesized_expression ||
           w->nodes[node].kind == AK_T_type || w->nodes[node].kind == AK_T_constrained_type) {
        uint32_t inner = 0;

        AK_EACH_CHILD(w, node, c)
        if (ak__is_expr(w, c) && !inner)
            inner = c;
        if (!inner)
            return node;
        *wrapped |= w->nodes[node].kind == AK_T_parenthesized_expression;
        node = inner;
    }
    return node;
}

static AkExprId leaf(AkWalk *w, uint32_t node);

static AkExprId chain(AkWalk *w, uint32_t node, bool wrapped)
{
    uint32_t mark = ak__kids_mark(w), links = 0;
    AkExprId parent = w->parent, id;

    while (leans_left(w->nodes[node].kind)) {
        id = ak__expr_new(w, chain_kind(w->nodes[node].kind), node);
        if (wrapped)
            w->exprs[id].flags |= AK_XF_PARENTHESES;
        ak__kids_push(w, id);
        ak__kids_push(w, node);
        links++;
        w->parent = id;
        wrapped = false;
        node = unwrap(w, left_of(w, node), &wrapped);
        if (!node)
            break;
    }
    id = node ? leaf(w, node) : 0;
    if (wrapped && id)
        w->exprs[id].flags |= AK_XF_PARENTHESES;
    for (; links; links--) {
        AkExprId link = w->stack[mark + 2 * links - 2];

        finish_link(w, link, w->stack[mark + 2 * links - 1], id);
        id = link;
    }
    w->stack_len = mark;
    w->parent = parent;
    return id;
}

static AkExprId leaf(AkWalk *w, uint32_t node)
{
    switch (w->nodes[node].kind) {
    case AK_T_identifier: return constant(w, AK_X_NAME, node);
    case AK_T_string: return ak__string(w, node);
    case AK_T_concatenated_string: return ak__strings(w, node);
    case AK_T_integer: return constant(w, AK_X_INT, node);
    case AK_T_float: return constant(w, AK_X_FLOAT, node);
    case AK_T_true: return constant(w, AK_X_TRUE, node);
    case AK_T_false: return constant(w, AK_X_FALSE, node);
    case AK_T_none: return constant(w, AK_X_NONE_LITERAL, node);
    case AK_T_ellipsis: return constant(w, AK_X_ELLIPSIS, node);
    case AK_T_list:
    case AK_T_list_pattern: return simple(w, AK_X_LIST, node);
    case AK_T_tuple:
    case AK_T_tuple_pattern:
    case AK_T_expression_list:
    case AK_T_tuple_expression:
    case AK_T_pattern_list: return simple(w, AK_X_TUPLE, node);
    case AK_T_set: return simple(w, AK_X_SET, node);
    case AK_T_dictionary: return dictionary(w, node);
    case AK_T_list_comprehension: return comprehension(w, AK_X_LIST_COMP, node);
    case AK_T_set_comprehension: return comprehension(w, AK_X_SET_COMP, node);
    case AK_T_dictionary_comprehension: return comprehension(w, AK_X_DICT_COMP, node);
    case AK_T_generator_expression: return comprehension(w, AK_X_GENERATOR, node);
    case AK_T_list_splat:
    case AK_T_list_splat_pattern:
    case AK_T_parenthesized_list_splat:
    case AK_T_splat_type: return simple(w, AK_X_STAR, node);
    case AK_T_dictionary_splat: return simple(w, AK_X_DOUBLE_STAR, node);
    case AK_T_lambda: return lambda(w, node);
    case AK_T_conditional_expression: return simple(w, AK_X_CONDITIONAL, node);
    case AK_T_named_expression: return named(w, node);
    case AK_T_await: return await(w, node);
    case AK_T_yield:
        return simple(w, ak__has_token(w, node, AK_T_from) ? AK_X_YIELD_FROM : AK_X_YIELD,
                      node);
    case AK_T_unary_operator:
    case AK_T_not_operator: return unary(w, node);
    case AK_T_boolean_operator: return boolean(w, node);
    case AK_T_comparison_operator: return comparison(w, node);
    case AK_T_as_pattern: return entered(w, node);
    case AK_T_slice: return simple(w, AK_X_SLICE, node);
    case AK_T_dotted_name: return ak__dotted_expr(w, node);
    case AK_T_keyword_argument: return keyword(w, node);
    case AK_T_generic_type: return generic(w, node);
    case AK_T_union_type: {
        AkExprId id = simple(w, AK_X_BINARY, node);

        w->exprs[id].op = AK_OP_OR_BITS;
        return id;
    }
    case AK_T_member_type: {
        AkExprId id = ak__expr_new(w, AK_X_ATTRIBUTE, node);
        uint32_t last = ak__child_of_kind(w, node, AK_T_identifier);
        AkName name = ak__node_name(w, last);

        all_kids(w, id, node);
        w->exprs[id].kids.count = w->exprs[id].kids.count ? 1 : 0;
        w->exprs[id].name = name;
        return id;
    }
    default: return simple(w, AK_X_ERROR, node);
    }
}

AkExprId ak__expr(AkWalk *w, uint32_t node)
{
    bool wrapped = false;
    AkExprId id;

    if (!node)
        return 0;
    if (w->depth >= AK_DEEPEST)
        return ak__expr_new(w, AK_X_ERROR, node);
    w->depth++;
    node = unwrap(w, node, &wrapped);
    if (leans_left(w->nodes[node].kind)) {
        id = chain(w, node, wrapped);
    } else {
        id = leaf(w, node);
        if (wrapped && id)
            w->exprs[id].flags |= AK_XF_PARENTHESES;
    }
    w->depth--;
    return id;
}
