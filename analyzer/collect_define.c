/* collect_define.c: functions, their parameters, classes. */
#include "collect.h"

uint32_t ak__open_function(AkWalk *w, bool is_lambda)
{
    uint32_t function = w->function_len;
    const AkScope *around = &w->scopes[w->scope];
    bool method = around->kind == AK_SCOPE_CLASS && !is_lambda;
    const AkNode *node = ak__at(w);
    AK_ADD(w, functions, function, AK_T_FUNCTIONS) =
        (AkFunctionFact){.is_lambda = is_lambda,
                         .returns_value = is_lambda,
                         .start = node->start + w->shift,
                         .end = node->end + w->shift,
                         .parent = w->scope,
                         .stmt = w->stmt,
                         .class_ = method ? around->index : 0,
                         .outer = around->function};
    AkScopeId scope = ak__open_scope(w, AK_SCOPE_FUNCTION, function);
    w->functions[function].scope = scope;
    return function;
}

/* What a function's returns or yields left behind its mark, as kids. */
static AkKids take(AkWalk *w, const AkExprId *values, uint32_t from, uint32_t to)
{
    uint32_t mark = w->pending_len;
    for (uint32_t i = from; i < to; i++)
        ak__push(w, values[i]);
    return ak__kids(w, mark);
}

void ak__close_function(AkWalk *w, uint32_t function, uint32_t returned, uint32_t yielded)
{
    AkKids values = take(w, w->returned, returned, w->returned_len);
    w->functions[function].returned = values;
    w->returned_len = returned;
    values = take(w, w->yielded, yielded, w->yielded_len);
    w->functions[function].yielded = values;
    w->yielded_len = yielded;
    w->scope = w->functions[function].parent;
}

static void named_param(AkWalk *w, AkParam *param)
{
    const AkNode *node = ak__at(w);
    param->name = ak__intern_node(w);
    param->start = node->start + w->shift;
    param->end = node->end + w->shift;
}

static void starred_param(AkWalk *w, AkParam *param)
{
    param->kind = ak__kind(w) == AK_N_LIST_SPLAT_PATTERN ? AK_PARAM_ARGS : AK_PARAM_KWARGS;
    if (!ak__first(w, AK_N_NODES, 0))
        return;
    named_param(w, param);
    ak__rest(w, 0);
}

/* Name, annotation, default: what of them there is. */
static void full_param(AkWalk *w, AkParam *param, AkExprId parent)
{
    bool named = false;
    for (bool more = ak__first(w, AK_N_NODES, parent); more;
         more = ak__next(w, AK_N_NODES, parent)) {
        AkNodeKind kind = ak__kind(w);
        if (!named &&
            (kind == AK_N_LIST_SPLAT_PATTERN || kind == AK_N_DICTIONARY_SPLAT_PATTERN)) {
            starred_param(w, param);
        } else if (!named) {
            named_param(w, param);
        } else if (kind == AK_N_TYPE) {
            param->annotation = ak__annotation(w);
        } else {
            param->value = ak__expr(w, parent);
            w->exprs[param->value].flags |= AK_XF_DEFAULT;
        }
        named = true;
    }
}

static void bind_params(AkWalk *w, uint32_t function, uint32_t mark)
{
    w->functions[function].first_param = w->param_len;
    w->functions[function].param_len = w->open_param_len - mark;
    for (uint32_t i = mark; i < w->open_param_len; i++) {
        AkParam param = w->open_params[i];
        AkBinding what = ak__binding(w, AK_B_PARAMETER, param.name, param.start - w->shift,
                                     param.end - w->shift);
        what.scope = w->functions[function].scope;
        what.how = AK_HOW_UNKNOWN;
        what.annotation = param.annotation;
        what.index = w->param_len;
        AK_ADD(w, params, param, AK_T_PARAMS) = param;
        if (param.name)
            ak__bind(w, what);
    }
    w->open_param_len = mark;
}

void ak__parameters(AkWalk *w, uint32_t function)
{
    uint32_t mark = w->open_param_len;
    AkExprId parent = w->functions[function].expr;
    AkParamKind plain = AK_PARAM_PLAIN;
    for (bool more = ak__first(w, AK_N_NODES, parent); more;
         more = ak__next(w, AK_N_NODES, parent)) {
        AkParam param = {.kind = (uint8_t)plain};
        switch (ak__kind(w)) {
        case AK_N_POSITIONAL_SEPARATOR:
            for (uint32_t i = mark; i < w->open_param_len; i++)
                w->open_params[i].kind = AK_PARAM_POSITIONAL_ONLY;
            continue;
        case AK_N_KEYWORD_SEPARATOR: plain = AK_PARAM_KEYWORD_ONLY; continue;
        case AK_N_IDENTIFIER: named_param(w, &param); break;
        case AK_N_LIST_SPLAT_PATTERN:
        case AK_N_DICTIONARY_SPLAT_PATTERN: starred_param(w, &param); break;
        case AK_N_TYPED_PARAMETER:
        case AK_N_DEFAULT_PARAMETER:
        case AK_N_TYPED_DEFAULT_PARAMETER: full_param(w, &param, parent); break;
        default: ak__report(w, ak__at(w)->start, ak__at(w)->end); continue;
        }
        if (param.kind == AK_PARAM_ARGS)
            plain = AK_PARAM_KEYWORD_ONLY;
        AK_ADD(w, open_params, open_param, AK_T_OPEN_PARAMS) = param;
    }
    bind_params(w, function, mark);
}

static void type_parameter(AkWalk *w, AkScopeId scope)
{
    bool named = false;
    for (bool more = ak__first(w, AK_N_NODES, 0); more; more = ak__next(w, AK_N_NODES, 0)) {
        AkNodeKind kind = ak__kind(w);
        if (named) {
            ak__annotation(w);
        } else if (kind == AK_N_IDENTIFIER) {
            const AkNode node = *ak__at(w);
            AkBinding what =
                ak__binding(w, AK_B_TYPE, ak__intern_node(w), node.start, node.end);
            what.scope = scope;
            what.how = AK_HOW_UNKNOWN;
            ak__bind(w, what);
        } else {
            type_parameter(w, scope);
        }
        named = true;
    }
}

static void type_parameters(AkWalk *w, AkScopeId scope)
{
    for (bool more = ak__first(w, AK_N_NODES, 0); more; more = ak__next(w, AK_N_NODES, 0))
        if (ak__kind(w) == AK_N_TYPE)
            type_parameter(w, scope);
}

static bool is_not_implemented(const AkWalk *w, AkExprId id)
{
    const AkExpr *expr = &w->exprs[id];
    if (expr->kind == AK_X_CALL)
        expr = &w->exprs[w->kids[expr->kids.first]];
    return expr->kind == AK_X_NAME && ak__name_is(w, expr->name, "NotImplementedError");
}

static bool is_trivial(const AkWalk *w, AkStmtId first, AkStmtId last)
{
    for (AkStmtId i = first; i <= last; i++) {
        const AkStmt *stmt = &w->stmts[i];
        uint8_t value = w->exprs[stmt->value].kind;
        bool says_nothing =
            stmt->kind == AK_S_PASS ||
            (stmt->kind == AK_S_EXPR && (value == AK_X_STRING || value == AK_X_ELLIPSIS)) ||
            (stmt->kind == AK_S_RAISE && is_not_implemented(w, stmt->value));
        if (!says_nothing)
            return false;
    }
    return first <= last;
}

static void function_body(AkWalk *w, uint32_t function)
{
    uint32_t returned = w->returned_len, yielded = w->yielded_len;
    AkStmtId first = w->stmt_len;
    w->scope = w->functions[function].scope;
    ak__suite(w, AK_SUITE_BODY);
    w->functions[function].is_trivial = is_trivial(w, first, w->stmt_len - 1);
    ak__close_function(w, function, returned, yielded);
}

/* Binds the name that the cursor is on; index is the function's or class's. */
static AkBinding own_name(AkWalk *w, AkBindingKind kind, uint32_t index)
{
    const AkNode node = *ak__at(w);
    AkBinding what = ak__binding(w, kind, ak__intern_node(w), node.start, node.end);
    what.index = index;
    ak__bind(w, what);
    return what;
}

static void function(AkWalk *w, AkStmtId id, AkKids decorators)
{
    uint32_t function = ak__open_function(w, false);
    w->stmts[id].index = function;
    w->functions[function].decorators = decorators;
    for (bool more = ak__first(w, AK_N_TOKENS, 0); more; more = ak__next(w, AK_N_TOKENS, 0)) {
        switch (ak__kind(w)) {
        case AK_N_ASYNC: w->functions[function].is_async = w->stmts[id].is_async = true; break;
        case AK_N_IDENTIFIER: {
            AkBinding name = own_name(w, AK_B_FUNCTION, function);
            w->functions[function].name = w->stmts[id].name = name.name;
            w->functions[function].name_start = name.start;
            w->functions[function].name_end = name.end;
            break;
        }
        case AK_N_TYPE_PARAMETER: type_parameters(w, w->functions[function].scope); break;
        case AK_N_PARAMETERS: ak__parameters(w, function); break;
        case AK_N_TYPE: {
            AkExprId returns = ak__annotation(w);
            w->functions[function].returns = returns;
            break;
        }
        case AK_N_BLOCK: function_body(w, function); break;
        default: break;
        }
    }
    ak__close_stmt(w, id);
    w->functions[function].end = w->stmts[id].end;
}

static uint32_t class_around(const AkWalk *w)
{
    for (AkScopeId scope = w->scope; scope; scope = w->scopes[scope].parent)
        if (w->scopes[scope].kind == AK_SCOPE_CLASS)
            return w->scopes[scope].index;
    return 0;
}

static void class(AkWalk *w, AkStmtId id, AkKids decorators)
{
    uint32_t index = w->class_len, around = class_around(w);
    AkScopeId outside = w->scope;
    AK_ADD(w, classes, class, AK_T_CLASSES) =
        (AkClassFact){.start = ak__at(w)->start + w->shift,
                      .parent = outside,
                      .stmt = id,
                      .outer_function = w->scopes[outside].function,
                      .outer_class = around,
                      .decorators = decorators};
    AkScopeId scope = ak__open_scope(w, AK_SCOPE_CLASS, index);
    w->classes[index].scope = scope;
    w->stmts[id].index = index;
    for (bool more = ak__first(w, AK_N_NODES, 0); more; more = ak__next(w, AK_N_NODES, 0)) {
        uint32_t mark = w->pending_len;
        switch (ak__kind(w)) {
        case AK_N_IDENTIFIER: {
            AkBinding name = own_name(w, AK_B_CLASS, index);
            w->classes[index].name = w->stmts[id].name = name.name;
            w->classes[index].name_start = name.start;
            w->classes[index].name_end = name.end;
            break;
        }
        case AK_N_TYPE_PARAMETER: type_parameters(w, scope); break;
        case AK_N_ARGUMENT_LIST:
            ak__push_items(w, 0);
            w->classes[index].bases = ak__kids(w, mark);
            break;
        case AK_N_BLOCK:
            w->scope = scope;
            ak__suite(w, AK_SUITE_BODY);
            w->scope = outside;
            break;
        default: break;
        }
    }
    ak__close_stmt(w, id);
    w->classes[index].end = w->stmts[id].end;
}

static void define(AkWalk *w, AkStmtId id, AkKids decorators)
{
    if (ak__kind(w) == AK_N_CLASS_DEFINITION)
        class(w, id, decorators);
    else
        function(w, id, decorators);
}

static void decorated(AkWalk *w)
{
    AkStmtId id = ak__open_stmt(w, AK_S_ERROR);
    uint32_t mark = w->pending_len;
    bool defined = false;
    for (bool more = ak__first(w, AK_N_NODES, 0); more; more = ak__next(w, AK_N_NODES, 0)) {
        AkNodeKind kind = ak__kind(w);
        if (kind == AK_N_DECORATOR) {
            AkExprId decorator = ak__inner(w, 0);
            w->exprs[decorator].flags |= AK_XF_DECORATOR;
            ak__push(w, decorator);
        } else if (!defined &&
                   (kind == AK_N_CLASS_DEFINITION || kind == AK_N_FUNCTION_DEFINITION)) {
            defined = true;
            AkKids decorators = ak__kids(w, mark);
            w->stmts[id].kind = kind == AK_N_CLASS_DEFINITION ? AK_S_CLASS : AK_S_FUNCTION;
            define(w, id, decorators);
        }
    }
    w->pending_len = mark;
    if (!defined)
        ak__close_stmt(w, id);
}

void ak__definition(AkWalk *w)
{
    switch (ak__kind(w)) {
    case AK_N_DECORATED_DEFINITION: decorated(w); break;
    case AK_N_CLASS_DEFINITION: class(w, ak__open_stmt(w, AK_S_CLASS), (AkKids){0}); break;
    default: function(w, ak__open_stmt(w, AK_S_FUNCTION), (AkKids){0}); break;
    }
}
