/* implicit.c: calls that no call shows.
 *
 * Operators, comparisons, subscripts, f-strings, loops, unpacking, `in`, `with`, `await` and
 * builtins such as len and sorted run methods of the objects they are given. Only objects whose
 * class the project defines have such methods here.
 */
#include "stages.h"

#include <string.h>

static void method_row(AkProgram *program, AkCalls *calls, AkExprId expr, AkCallKind kind,
                       AkFunction *method, const AkValue *object, AkExprId via)
{
    AkCall *row = ak__calls_add(program, calls, expr, kind);
    row->callee = (AkValue){.kind = AK_V_BOUND, .function = method, .class_ = object->class_};
    row->target = method;
    row->method = method->name;
    row->proved = !object->guessed;
    row->via = via;
    ak__reach(program, calls->fn, method);
}

/* Rows for each project method of that name which the expression's objects have. */
static bool run_method(AkProgram *program, AkCalls *calls, AkExprId expr, AkCallKind kind,
                       const char *method, const AkValue *object, AkExprId via)
{
    AkFunction *methods[4];
    if (object->kind != AK_V_INSTANCE)
        return false;
    uint32_t len = ak__methods(program, object, method, methods, 4);
    for (uint32_t i = 0; i < len; i++)
        method_row(program, calls, expr, kind, methods[i], object, via);
    return len > 0;
}

static void iterate_object(AkProgram *program, AkCalls *calls, AkExprId expr,
                           const AkValue *object, AkExprId via, bool async)
{
    AkFunction *iter[2];
    uint32_t len = ak__methods(program, object, async ? "__aiter__" : "__iter__", iter, 2);
    if (!len) {
        if (!async)
            run_method(program, calls, expr, AK_CALL_ITERATION, "__getitem__", object, via);
        return;
    }
    AkSet iterators = {.len = 0};
    for (uint32_t i = 0; i < len; i++) {
        method_row(program, calls, expr, AK_CALL_ITERATION, iter[i], object, via);
        AkValue callee = {.kind = AK_V_BOUND, .function = iter[i], .class_ = object->class_};
        ak__call_result(program, &callee, NULL, 0, &iterators);
    }
    for (uint32_t i = 0; i < iterators.len; i++)
        run_method(program, calls, expr, AK_CALL_ITERATION, async ? "__anext__" : "__next__",
                   &iterators.items[i], via);
}

static bool may_be_instance(AkValues values)
{
    for (uint32_t i = 0; i < values.len; i++)
        if (values.items[i].kind == AK_V_INSTANCE)
            return true;
    return false;
}

static void iteration(AkProgram *program, AkCalls *calls, AkExprId expr, AkExprId via,
                      bool async)
{
    AkValues values = ak__eval(program, calls->fn->unit, expr);
    for (uint32_t i = 0; i < values.len; i++)
        if (values.items[i].kind == AK_V_INSTANCE)
            iterate_object(program, calls, expr, &values.items[i], via, async);
}

void ak__implicit_iteration(AkProgram *program, AkCalls *calls, AkExprId expr, AkExprId via)
{
    iteration(program, calls, expr, via, false);
}

/* The first of the methods that the object has: `__contains__`, else `__iter__`, … */
static void first_method(AkProgram *program, AkCalls *calls, AkExprId expr, AkExprId operand,
                         AkCallKind kind, const char *const *methods, AkExprId via)
{
    AkValues values = ak__eval(program, calls->fn->unit, operand);
    for (uint32_t i = 0; i < values.len; i++)
        for (const char *const *method = methods;
             *method && values.items[i].kind == AK_V_INSTANCE; method++)
            if (run_method(program, calls, expr, kind, *method, &values.items[i], via))
                break;
}

static void one_method(AkProgram *program, AkCalls *calls, AkExprId expr, AkExprId operand,
                       AkCallKind kind, const char *method)
{
    const char *const methods[] = {method, NULL};
    first_method(program, calls, expr, operand, kind, methods, 0);
}

const char *ak__binary_method(uint8_t op, bool reflected)
{
    static const char *const names[][2] = {
        [AK_OP_ADD] = {"__add__", "__radd__"},
        [AK_OP_SUB] = {"__sub__", "__rsub__"},
        [AK_OP_MUL] = {"__mul__", "__rmul__"},
        [AK_OP_DIV] = {"__truediv__", "__rtruediv__"},
        [AK_OP_FLOORDIV] = {"__floordiv__", "__rfloordiv__"},
        [AK_OP_MOD] = {"__mod__", "__rmod__"},
        [AK_OP_POW] = {"__pow__", "__rpow__"},
        [AK_OP_MATMUL] = {"__matmul__", "__rmatmul__"},
        [AK_OP_AND_BITS] = {"__and__", "__rand__"},
        [AK_OP_OR_BITS] = {"__or__", "__ror__"},
        [AK_OP_XOR] = {"__xor__", "__rxor__"},
        [AK_OP_LSHIFT] = {"__lshift__", "__rlshift__"},
        [AK_OP_RSHIFT] = {"__rshift__", "__rrshift__"},
    };
    return op < sizeof names / sizeof *names ? names[op][reflected] : NULL;
}

static const char *compare_method(uint8_t op)
{
    switch ((AkOp)op) {
    case AK_OP_LT: return "__lt__";
    case AK_OP_LE: return "__le__";
    case AK_OP_GT: return "__gt__";
    case AK_OP_GE: return "__ge__";
    case AK_OP_EQ: return "__eq__";
    case AK_OP_NE: return "__ne__";
    default: return NULL;
    }
}

/* `1 < x` asks x whether it is greater. */
static const char *reflected_method(uint8_t op)
{
    switch ((AkOp)op) {
    case AK_OP_LT: return "__gt__";
    case AK_OP_LE: return "__ge__";
    case AK_OP_GT: return "__lt__";
    case AK_OP_GE: return "__le__";
    default: return compare_method(op);
    }
}

static void compare(AkProgram *program, AkCalls *calls, AkExprId expr, const AkExpr *row)
{
    static const char *const contains[] = {"__contains__", "__iter__", "__getitem__", NULL};
    static const char *const unequal[] = {"__ne__", "__eq__", NULL};
    const AkFacts *facts = calls->fn->unit->facts;
    if (row->op == AK_OP_IN || row->op == AK_OP_NOT_IN)
        first_method(program, calls, expr, ak_kid(facts, row->kids, 1), AK_CALL_OPERATOR,
                     contains, 0);
    else if (row->op == AK_OP_NE)
        first_method(program, calls, expr, ak_kid(facts, row->kids, 0), AK_CALL_OPERATOR,
                     unequal, 0);
    else if (compare_method(row->op)) {
        one_method(program, calls, expr, ak_kid(facts, row->kids, 0), AK_CALL_OPERATOR,
                   compare_method(row->op));
        if (!may_be_instance(ak__eval(program, calls->fn->unit, ak_kid(facts, row->kids, 0))))
            one_method(program, calls, expr, ak_kid(facts, row->kids, 1), AK_CALL_OPERATOR,
                       reflected_method(row->op));
    }
}

static void property(AkProgram *program, AkCalls *calls, AkExprId expr, const AkExpr *row)
{
    const AkUnit *unit = calls->fn->unit;
    AkValues objects = ak__eval(program, unit, ak_kid(unit->facts, row->kids, 0));
    for (uint32_t i = 0; i < objects.len; i++) {
        AkFunction *getter = NULL;
        AkSet ignored = {.len = 0};
        if (objects.items[i].kind != AK_V_INSTANCE)
            continue;
        ak__class_attribute(program, objects.items[i].class_, unit->atoms[row->name],
                            &objects.items[i], &ignored, &getter);
        if (getter)
            method_row(program, calls, expr, AK_CALL_PROPERTY, getter, &objects.items[i], 0);
    }
}

/* `x.value = 1`, `del x.value`. In its own `__setattr__` a class stores by other means. */
static void stored(AkProgram *program, AkCalls *calls, AkExprId expr, const AkExpr *row)
{
    const AkUnit *unit = calls->fn->unit;
    const char *word = row->flags & AK_XF_STORE ? "setter" : "deleter";
    AkValues objects = ak__eval(program, unit, ak_kid(unit->facts, row->kids, 0));
    for (uint32_t i = 0; i < objects.len; i++) {
        const AkValue *object = &objects.items[i];
        AkFunction *runs =
            object->kind == AK_V_INSTANCE
                ? ak__accessor(program, object->class_, unit->atoms[row->name], word)
                : NULL;
        if (runs && runs != calls->fn)
            method_row(program, calls, expr, AK_CALL_PROPERTY, runs, object, 0);
    }
}

/* `HOST = os.name` at import was the reading: HOST is a constant. What is read of an `ENV = os.environ` is
 * read where ENV is used. */
static bool was_read_before(const AkUnit *unit, const AkExpr *row, const char *dotted)
{
    return row->kind == AK_X_NAME && strncmp(dotted, "os.environ", 10) != 0 &&
           strcmp(strrchr(dotted, '.') + 1, unit->atoms[row->name]) != 0;
}

/* os.environ, sys.argv: data outside whose reading is the effect. */
static void read_outside(AkProgram *program, AkCalls *calls, AkExprId expr, const AkExpr *row)
{
    const AkUnit *unit = calls->fn->unit;
    const AkExpr *parent = &unit->facts->exprs[row->parent];
    if (row->flags & (AK_XF_STORE | AK_XF_DELETE) || parent->kind == AK_X_ATTRIBUTE)
        return;
    if (parent->kind == AK_X_CALL && ak_kid(unit->facts, parent->kids, 0) == expr)
        return;
    AkValues values = ak__eval(program, unit, expr);
    for (uint32_t i = 0; i < values.len; i++) {
        if (values.items[i].kind != AK_V_EXTERNAL)
            continue;
        const AkKnown *known = ak_known(program->knowledge, values.items[i].dotted);
        if (!known || !(known->effects & AK_VALUE) || known->name != values.items[i].dotted ||
            was_read_before(unit, row, known->name))
            continue;
        AkCall *call = ak__calls_add(program, calls, expr, AK_CALL_READ);
        call->callee = values.items[i];
        call->dotted = values.items[i].dotted;
        call->known = known;
        call->proved = !values.items[i].guessed;
    }
}

static const char *const *methods_of_builtin(const char *name)
{
    static const struct {
        const char *name;
        const char *methods[4];
    } table[] = {
        {"abs", {"__abs__"}},
        {"bool", {"__bool__", "__len__"}},
        {"bytes", {"__bytes__"}},
        {"complex", {"__complex__"}},
        {"divmod", {"__divmod__"}},
        {"float", {"__float__"}},
        {"format", {"__format__", "__str__"}},
        {"hash", {"__hash__"}},
        {"int", {"__int__", "__index__"}},
        {"iter", {"__iter__", "__getitem__"}},
        {"len", {"__len__"}},
        {"next", {"__next__"}},
        {"aiter", {"__aiter__"}},
        {"anext", {"__anext__"}},
        {"print", {"__str__", "__repr__"}},
        {"repr", {"__repr__"}},
        {"reversed", {"__reversed__", "__getitem__"}},
        {"round", {"__round__"}},
        {"str", {"__str__", "__repr__"}},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].name[0] == name[0] && strcmp(table[i].name, name) == 0)
            return table[i].methods;
    return NULL;
}

/* sorted(xs), min(xs), xs.sort() compare the items with one another, unless a key is compared. */
static void ordered(AkProgram *program, AkCalls *calls, AkExprId expr, AkExprId items, bool max)
{
    const AkUnit *unit = calls->fn->unit;
    AkSet compared = {.len = 0};
    if (ak__keyword_argument(unit, expr, "key"))
        return;
    ak__part(program, unit, items, AK_HOW_ITEM, 0, &compared);
    for (uint32_t i = 0; i < compared.len; i++)
        if (!run_method(program, calls, items, AK_CALL_OPERATOR, max ? "__gt__" : "__lt__",
                        &compared.items[i], expr))
            run_method(program, calls, items, AK_CALL_OPERATOR, max ? "__lt__" : "__gt__",
                       &compared.items[i], expr);
}

/* Methods of the standard library's objects, and functions, that run methods of what they get. */
static void library_call(AkProgram *program, AkCalls *calls, AkExprId expr, const char *dotted)
{
    static const char *const shown[] = {"__format__", "__str__", "__repr__", NULL};
    const AkFacts *facts = calls->fn->unit->facts;
    AkExprId callee = ak_kid(facts, facts->exprs[expr].kids, 0);
    AkExprId first = ak__plain_argument(facts, expr, 0);
    bool async = strstr(dotted, ".enter_async_context") != NULL;
    if (strcmp(dotted, "builtins.sorted") == 0 || strcmp(dotted, "builtins.min") == 0)
        ordered(program, calls, expr, first, false);
    else if (strcmp(dotted, "builtins.max") == 0)
        ordered(program, calls, expr, first, true);
    else if (strcmp(dotted, "builtins.list.sort") == 0)
        ordered(program, calls, expr, ak_kid(facts, facts->exprs[callee].kids, 0), false);
    else if (strcmp(dotted, "builtins.str.format") == 0)
        for (uint32_t n = 0; n < 8 && (first = ak__plain_argument(facts, expr, n)); n++)
            first_method(program, calls, first, first, AK_CALL_OPERATOR, shown, expr);
    else if (first && (async || strstr(dotted, "ExitStack.enter_context"))) {
        one_method(program, calls, first, first, AK_CALL_WITH,
                   async ? "__aenter__" : "__enter__");
        one_method(program, calls, first, first, AK_CALL_WITH,
                   async ? "__aexit__" : "__exit__");
    }
}

static void builtin_call(AkProgram *program, AkCalls *calls, AkExprId expr, const AkExpr *row)
{
    const AkUnit *unit = calls->fn->unit;
    const AkExpr *callee = &unit->facts->exprs[ak_kid(unit->facts, row->kids, 0)];
    AkValues called = ak__eval(program, unit, ak_kid(unit->facts, row->kids, 0));
    if (called.len != 1 || called.items[0].kind != AK_V_EXTERNAL)
        return;
    library_call(program, calls, expr, called.items[0].dotted);
    if (callee->kind != AK_X_NAME || strncmp(called.items[0].dotted, "builtins.", 9) != 0)
        return;
    const char *const *methods = methods_of_builtin(unit->atoms[callee->name]);
    AkExprId first = methods ? ak__plain_argument(unit->facts, expr, 0) : 0;
    if (first)
        first_method(program, calls, first, first, AK_CALL_OPERATOR, methods, expr);
}

static void subscript(AkProgram *program, AkCalls *calls, AkExprId expr, const AkExpr *row)
{
    const char *method = row->flags & AK_XF_STORE    ? "__setitem__"
                         : row->flags & AK_XF_DELETE ? "__delitem__"
                                                     : "__getitem__";
    one_method(program, calls, expr, ak_kid(calls->fn->unit->facts, row->kids, 0),
               AK_CALL_OPERATOR, method);
}

/* `"%s and %s" % (a, b)` */
static void printed(AkProgram *program, AkCalls *calls, AkExprId expr, AkExprId given)
{
    static const char *const methods[] = {"__str__", "__repr__", NULL};
    const AkFacts *facts = calls->fn->unit->facts;
    const AkExpr *row = &facts->exprs[given];
    if (row->kind != AK_X_TUPLE) {
        first_method(program, calls, expr, given, AK_CALL_OPERATOR, methods, 0);
        return;
    }
    for (uint32_t i = 0; i < row->kids.count; i++)
        first_method(program, calls, expr, ak_kid(facts, row->kids, i), AK_CALL_OPERATOR,
                     methods, 0);
}

void ak__implicit(AkProgram *program, AkCalls *calls, AkExprId expr)
{
    static const char *const shown[] = {"__format__", "__str__", "__repr__", NULL};
    const AkFacts *facts = calls->fn->unit->facts;
    const AkExpr *row = &facts->exprs[expr];
    AkExprId first = ak_kid(facts, row->kids, 0);
    switch ((AkExprKind)row->kind) {
    case AK_X_CALL: builtin_call(program, calls, expr, row); break;
    case AK_X_ATTRIBUTE:
        if (row->flags & (AK_XF_STORE | AK_XF_DELETE))
            stored(program, calls, expr, row);
        else
            property(program, calls, expr, row);
        read_outside(program, calls, expr, row);
        break;
    case AK_X_NAME: read_outside(program, calls, expr, row); break;
    case AK_X_SUBSCRIPT: subscript(program, calls, expr, row); break;
    case AK_X_BINARY:
        if (row->op == AK_OP_MOD && facts->exprs[first].kind == AK_X_STRING)
            printed(program, calls, expr, ak_kid(facts, row->kids, 1));
        else if (ak__binary_method(row->op, false)) {
            one_method(program, calls, expr, first, AK_CALL_OPERATOR,
                       ak__binary_method(row->op, false));
            one_method(program, calls, expr, ak_kid(facts, row->kids, 1), AK_CALL_OPERATOR,
                       ak__binary_method(row->op, true));
        }
        break;
    case AK_X_UNARY:
        if (row->op == AK_OP_NEGATE)
            one_method(program, calls, expr, first, AK_CALL_OPERATOR, "__neg__");
        break;
    case AK_X_COMPARE: compare(program, calls, expr, row); break;
    case AK_X_FSTRING:
        for (uint32_t i = 0; i < row->kids.count; i++) {
            AkExprId field = ak_kid(facts, row->kids, i);
            first_method(program, calls, field, field, AK_CALL_OPERATOR, shown, 0);
        }
        break;
    case AK_X_AWAIT: one_method(program, calls, expr, first, AK_CALL_AWAIT, "__await__"); break;
    case AK_X_STAR:
    case AK_X_YIELD_FROM:
        if (!(row->flags & AK_XF_STORE))
            iteration(program, calls, first, 0, false);
        break;
    default: break;
    }
}

static void truth(AkProgram *program, AkCalls *calls, AkExprId test)
{
    static const char *const methods[] = {"__bool__", "__len__", NULL};
    const AkExpr *row = &calls->fn->unit->facts->exprs[test];
    if (row->kind == AK_X_NAME || row->kind == AK_X_ATTRIBUTE || row->kind == AK_X_CALL)
        first_method(program, calls, test, test, AK_CALL_OPERATOR, methods, 0);
}

static void with_statement(AkProgram *program, AkCalls *calls, const AkStmt *stmt)
{
    for (uint32_t i = 0; i < stmt->targets.count; i++) {
        AkExprId manager = ak_kid(calls->fn->unit->facts, stmt->targets, i);
        one_method(program, calls, manager, manager, AK_CALL_WITH,
                   stmt->is_async ? "__aenter__" : "__enter__");
        one_method(program, calls, manager, manager, AK_CALL_WITH,
                   stmt->is_async ? "__aexit__" : "__exit__");
    }
}

static void augmented(AkProgram *program, AkCalls *calls, const AkStmt *stmt)
{
    AkExprId target = ak_kid(calls->fn->unit->facts, stmt->targets, 0);
    const char *method = ak__binary_method(stmt->op, false);
    if (!target || !method)
        return;
    const char *const methods[] = {ak__printf(program->arena, "__i%s", method + 2), method,
                                   NULL};
    first_method(program, calls, target, target, AK_CALL_OPERATOR, methods, 0);
}

/* A class that is defined runs `__init_subclass__` of its bases. */
static void class_statement(AkProgram *program, AkCalls *calls, const AkStmt *stmt)
{
    const AkUnit *unit = calls->fn->unit;
    AkClass *class_ = unit->classes[stmt->index];
    AkExprId base = ak_kid(unit->facts, unit->facts->classes[stmt->index].bases, 0);
    if (!class_ || !base)
        return;
    AkFunction *hook =
        ak__inherited_method(program, class_, ak__atom(program, "__init_subclass__"));
    AkValue made = {.kind = AK_V_CLASS, .class_ = class_};
    if (hook)
        method_row(program, calls, base, AK_CALL_OPERATOR, hook, &made, 0);
}

static void statement(AkProgram *program, AkCalls *calls, const AkStmt *stmt)
{
    const AkFacts *facts = calls->fn->unit->facts;
    switch ((AkStmtKind)stmt->kind) {
    case AK_S_IF:
    case AK_S_WHILE:
    case AK_S_ASSERT: truth(program, calls, stmt->value); break;
    case AK_S_WITH: with_statement(program, calls, stmt); break;
    case AK_S_AUGMENTED: augmented(program, calls, stmt); break;
    case AK_S_CLASS: class_statement(program, calls, stmt); break;
    case AK_S_ASSIGN:
        for (uint32_t i = 0; i < stmt->targets.count; i++) {
            uint8_t kind = facts->exprs[ak_kid(facts, stmt->targets, i)].kind;
            if ((kind == AK_X_TUPLE || kind == AK_X_LIST) && stmt->value)
                iteration(program, calls, stmt->value, 0, false);
        }
        break;
    default: break;
    }
}

/* Statements and loops of the function itself, not of those defined in it. */
void ak__implicit_statements(AkProgram *program, AkCalls *calls)
{
    const AkFunction *fn = calls->fn;
    const AkFacts *facts = fn->unit->facts;
    const AkFunctionFact *fact = ak_fact(fn);
    if (fn->index && fact->is_lambda)
        return;
    AkStmtId first = fn->index ? fact->stmt + 1 : 1;
    AkStmtId last = fn->index ? facts->stmts[fact->stmt].last : facts->stmt_len - 1;
    for (AkStmtId i = first; i <= last; i++)
        if (facts->scopes[facts->stmts[i].scope].function == fn->index)
            statement(program, calls, &facts->stmts[i]);
    AkLoopList loops = ak__loops(program, fn);
    for (size_t i = 0; i < loops.len; i++)
        iteration(program, calls, loops.items[i]->iterated, 0, loops.items[i]->is_async);
}
