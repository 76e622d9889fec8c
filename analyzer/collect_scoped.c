/* collect_scoped.c: lambdas, comprehensions, `yield`, `await` and `:=`: what opens a scope or asks
 * which one it is in. */
#include "collect.h"

AkExprId ak__lambda(AkWalk *w, AkExprId parent)
{
    AkExprId id = ak__expr_here(w, AK_X_LAMBDA, parent);
    uint32_t function = ak__open_function(w, true);
    AkFunctionFact *fact = &w->functions[function];
    fact->expr = id;
    fact->start = w->exprs[id].start;
    fact->end = w->exprs[id].end;
    w->exprs[id].index = function;
    uint32_t returned = w->returned_len, yielded = w->yielded_len;
    for (bool more = ak__first(w, AK_N_NODES, id); more; more = ak__next(w, AK_N_NODES, id)) {
        if (ak__kind(w) == AK_N_LAMBDA_PARAMETERS) {
            ak__parameters(w, function);
            continue;
        }
        returned = w->returned_len;
        yielded = w->yielded_len;
        w->scope = w->functions[function].scope;
        AkExprId body = ak__expr(w, id);
        AK_ADD(w, returned, returned, AK_T_RETURNED) = body;
        w->scope = w->functions[function].parent;
    }
    ak__close_function(w, function, returned, yielded);
    return id;
}

/* The items of a clause's `in`, which CPython wants to be one. */
static AkExprId iterated(AkWalk *w, AkExprId comp, bool *more)
{
    AkExprId id = ak__expr(w, comp);
    *more = ak__next(w, AK_N_NODES, comp);
    return id;
}

/* Evaluated in the scope outside by the first clause, in the comprehension's by the others. */
static uint32_t clause(AkWalk *w, AkExprId comp, AkScopeId outside, bool first)
{
    uint32_t loop = w->loop_len;
    AkScopeId inside = w->scope;
    AK_ADD(w, loops, loop, AK_T_LOOPS) =
        (AkLoop){.stmt = w->stmt, .comp = comp, .scope = first ? outside : inside};
    AkExprId target = 0, value = 0;
    bool more = ak__first(w, AK_N_TOKENS, comp), is_async = false;
    while (more && ak__kind(w) < AK_N_NODES) {
        is_async |= ak__kind(w) == AK_N_ASYNC;
        more = ak__next(w, AK_N_TOKENS, comp);
    }
    if (more) {
        target = ak__expr(w, comp);
        more = ak__next(w, AK_N_NODES, comp);
    }
    w->scope = first ? outside : inside;
    if (more)
        value = iterated(w, comp, &more);
    while (more) {
        ak__error_expr(w, comp);
        more = ak__next(w, AK_N_NODES, comp);
    }
    w->scope = inside;
    w->loops[loop].target = target;
    w->loops[loop].iterated = value;
    w->loops[loop].is_async = is_async;
    AkBinding what = ak__binding(w, AK_B_FOR, 0, 0, 0);
    what.value = value;
    what.how = AK_HOW_ITEM;
    ak__bind_target(w, target, AK_XF_STORE, &what);
    return loop;
}

AkExprId ak__comprehension(AkWalk *w, AkExprKind kind, AkExprId parent)
{
    AkExprId id = ak__expr_here(w, kind, parent);
    AkScopeId outside = w->scope;
    w->scope = ak__open_scope(w, AK_SCOPE_COMPREHENSION, id);
    w->exprs[id].index = w->scope;
    uint32_t mark = w->pending_len, loop = 0;
    for (bool more = ak__first(w, AK_N_NODES, id); more; more = ak__next(w, AK_N_NODES, id)) {
        AkNodeKind node = ak__kind(w);
        if (node == AK_N_FOR_IN_CLAUSE && loop)
            w->loops[loop].conditions = ak__kids(w, mark);
        else if (node == AK_N_FOR_IN_CLAUSE)
            ak__finish_expr(w, id, mark);
        if (node == AK_N_FOR_IN_CLAUSE)
            loop = clause(w, id, outside, !loop);
        else if (node == AK_N_IF_CLAUSE)
            ak__push(w, ak__inner(w, id));
        else if (node == AK_N_PAIR)
            ak__push_pair(w, id);
        else
            ak__push(w, ak__expr(w, id));
    }
    if (loop)
        w->loops[loop].conditions = ak__kids(w, mark);
    else
        ak__finish_expr(w, id, mark);
    w->scope = outside;
    return id;
}

AkExprId ak__yield(AkWalk *w, AkExprId parent)
{
    AkExprId id = ak__expr_here(w, AK_X_YIELD, parent);
    uint32_t mark = w->pending_len, function = w->scopes[w->scope].function;
    for (bool more = ak__first(w, AK_N_TOKENS, id); more; more = ak__next(w, AK_N_TOKENS, id)) {
        if (ak__kind(w) == AK_N_FROM)
            w->exprs[id].kind = AK_X_YIELD_FROM;
        else if (ak__kind(w) >= AK_N_NODES)
            ak__push(w, ak__expr(w, id));
    }
    w->functions[function].is_generator = function != 0;
    if (function && w->exprs[id].kind == AK_X_YIELD && w->pending_len > mark) {
        AkExprId value = w->pending[mark];
        AK_ADD(w, yielded, yielded, AK_T_YIELDED) = value;
    }
    ak__finish_expr(w, id, mark);
    return id;
}

AkExprId ak__await(AkWalk *w, AkExprId parent)
{
    AkExprId id = ak__unary(w, AK_X_AWAIT, parent);
    w->exprs[w->kids[w->exprs[id].kids.first]].flags |= AK_XF_AWAITED;
    return id;
}

/* `x := v` in a comprehension binds in the scope around. */
void ak__bind_named(AkWalk *w, AkExprId target, AkExprId value)
{
    AkBinding what = ak__binding(w, AK_B_NAMED, 0, 0, 0);
    what.value = value;
    while (w->scopes[what.scope].kind == AK_SCOPE_COMPREHENSION)
        what.scope = w->scopes[what.scope].parent;
    ak__bind_target(w, target, AK_XF_STORE, &what);
}

AkExprId ak__named(AkWalk *w, AkExprId parent)
{
    AkExprId id = ak__expr_here(w, AK_X_NAMED, parent);
    uint32_t mark = w->pending_len;
    ak__push_items(w, id);
    if (w->pending_len == mark + 2)
        ak__bind_named(w, w->pending[mark], w->pending[mark + 1]);
    ak__finish_expr(w, id, mark);
    return id;
}
