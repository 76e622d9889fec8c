/* types.c: annotations and classes. attributes.c has what classes and instances hold.
 *
 * A class's methods come from its own body, then from its bases in the order of C3. An instance
 * also has what any method of those classes assigns to `self.x`. Bases that no file here
 * defines are kept by name: a method not found elsewhere is theirs ("threading.Thread.start").
 * A value marked open (self, an annotated parameter) may be of a class derived from the one
 * named: then methods of known subclasses count too.
 */
#include "stages.h"

#include <string.h>

enum { MOST_MRO = 1200 };

/* ---- Annotations ---- */

bool ak__is_class_name(const AkProgram *program, const char *dotted)
{
    const char *last = strrchr(dotted, '.');
    last = last ? last + 1 : dotted;
    while (*last == '_')
        last++;
    if (*last >= 'A' && *last <= 'Z')
        return true;
    const AkKnown *known = ak_known(program->knowledge, dotted);
    return known && known->effects & AK_CONSTRUCTOR;
}

static const char *last_part(const char *dotted)
{
    const char *dot = strrchr(dotted, '.');
    return dot ? dot + 1 : dotted;
}

bool ak__is_one_of(const char *word, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(word, *words) == 0)
            return true;
    return false;
}

static bool says_nothing(const char *dotted)
{
    static const char *const names[] = {
        "Any",       "Optional",  "Union",    "Callable", "TypeVar",  "object", "Self",
        "Awaitable", "Coroutine", "Protocol", "Generic",  "NoReturn", NULL};
    return ak__is_one_of(last_part(dotted), names) &&
           (strncmp(dotted, "typing", 6) == 0 || strncmp(dotted, "collections.abc", 15) == 0 ||
            strncmp(dotted, "builtins.", 9) == 0);
}

static void instance_of(AkProgram *program, const AkValue *type, AkSet *out)
{
    if (type->kind == AK_V_CLASS)
        ak__add(out, (AkValue){.kind = AK_V_INSTANCE, .class_ = type->class_, .open = true});
    else if (type->kind == AK_V_NONE)
        ak__add(out, *type);
    else if (type->kind == AK_V_EXTERNAL && ak__is_class_name(program, type->dotted) &&
             !says_nothing(type->dotted))
        ak__add(out, (AkValue){.kind = AK_V_RESULT, .dotted = type->dotted});
    else
        ak__add_unknown(out);
}

static void subscripted(AkProgram *program, const AkUnit *unit, AkExprId expr, AkSet *out);

void ak__annotated(AkProgram *program, const AkUnit *unit, AkExprId expr, AkSet *out)
{
    const AkFacts *facts = unit->facts;
    const AkExpr *row = &facts->exprs[expr];
    if (program->depth > 60) {
        program->unstable++;
        ak__add_unknown(out);
        return;
    }
    program->depth++;
    if (row->kind == AK_X_SUBSCRIPT) {
        subscripted(program, unit, expr, out);
    } else if (row->kind == AK_X_BINARY && row->op == AK_OP_OR_BITS) {
        ak__annotated(program, unit, ak_kid(facts, row->kids, 0), out);
        ak__annotated(program, unit, ak_kid(facts, row->kids, 1), out);
    } else if (row->kind == AK_X_NAME || row->kind == AK_X_ATTRIBUTE ||
               row->kind == AK_X_NONE_LITERAL) {
        AkValues types = ak__eval(program, unit, expr);
        for (uint32_t i = 0; i < types.len; i++)
            instance_of(program, &types.items[i], out);
    } else {
        ak__add_unknown(out);
    }
    program->depth--;
}

static void arguments(AkProgram *program, const AkUnit *unit, AkExprId index, bool all,
                      AkSet *out)
{
    const AkExpr *row = &unit->facts->exprs[index];
    if (row->kind != AK_X_TUPLE) {
        ak__annotated(program, unit, index, out);
        return;
    }
    for (uint32_t i = 0; i < row->kids.count && (all || i == 0); i++)
        ak__annotated(program, unit, ak_kid(unit->facts, row->kids, i), out);
}

static void class_object(AkProgram *program, const AkUnit *unit, AkExprId index, AkSet *out)
{
    AkSet instances = {.len = 0};
    ak__annotated(program, unit, index, &instances);
    for (uint32_t i = 0; i < instances.len; i++) {
        const AkValue *value = &instances.items[i];
        if (value->kind == AK_V_INSTANCE)
            ak__add(out, (AkValue){.kind = AK_V_CLASS, .class_ = value->class_, .open = true});
        else
            ak__add_unknown(out);
    }
}

/* Optional[X], list[X], Annotated[X, …], type[X], Box[X]. */
static void subscripted(AkProgram *program, const AkUnit *unit, AkExprId expr, AkSet *out)
{
    static const char *const unions[] = {"Optional", "Union", NULL};
    static const char *const through[] = {"Annotated",   "Final",    "ClassVar", "Required",
                                          "NotRequired", "ReadOnly", NULL};
    static const char *const containers[] = {"list",
                                             "List",
                                             "Sequence",
                                             "MutableSequence",
                                             "Iterable",
                                             "Iterator",
                                             "Collection",
                                             "set",
                                             "Set",
                                             "frozenset",
                                             "FrozenSet",
                                             "AbstractSet",
                                             "MutableSet",
                                             "tuple",
                                             "Tuple",
                                             "deque",
                                             "Deque",
                                             "dict",
                                             "Dict",
                                             "Mapping",
                                             "MutableMapping",
                                             "defaultdict",
                                             "DefaultDict",
                                             "OrderedDict",
                                             "AsyncIterator",
                                             "AsyncIterable",
                                             "Generator",
                                             "AsyncGenerator",
                                             NULL};
    AkKids kids = unit->facts->exprs[expr].kids;
    AkExprId index = ak_kid(unit->facts, kids, 1);
    AkValues bases = ak__eval(program, unit, ak_kid(unit->facts, kids, 0));
    for (uint32_t i = 0; i < bases.len; i++) {
        const AkValue *base = &bases.items[i];
        if (base->kind != AK_V_EXTERNAL) {
            instance_of(program, base, out);
            continue;
        }
        const char *name = last_part(base->dotted);
        if (ak__is_one_of(name, unions))
            arguments(program, unit, index, true, out);
        else if (ak__is_one_of(name, through))
            arguments(program, unit, index, false, out);
        else if (ak__is_one_of(name, containers))
            ak__add(out, (AkValue){.kind = AK_V_TYPED, .unit = unit, .expr = expr});
        else if (strcmp(name, "type") == 0 || strcmp(name, "Type") == 0)
            class_object(program, unit, index, out);
        else
            instance_of(program, base, out);
    }
}

/* ---- Bases and C3 ---- */

static void add_outside(AkProgram *program, AkClassX *class_, const char *dotted)
{
    for (uint32_t i = 0; i < class_->outside_len; i++)
        if (class_->outside[i] == dotted)
            return;
    AK_PUSH(program->arena, class_->outside, class_->outside_len, class_->outside_cap) = dotted;
}

static void add_base(AkProgram *program, AkClassX *class_, const AkValue *value)
{
    if (value->kind == AK_V_CLASS && value->class_ != &class_->class_) {
        for (uint32_t i = 0; i < class_->base_len; i++)
            if (class_->bases[i] == value->class_)
                return;
        AK_PUSH(program->arena, class_->bases, class_->base_len, class_->base_cap) =
            value->class_;
    } else if (value->kind == AK_V_EXTERNAL) {
        if (strcmp(value->dotted, "builtins.object") != 0)
            add_outside(program, class_, value->dotted);
    } else {
        class_->unknown_base = true;
    }
}

/* False when a base is in a block that is not there yet. */
static bool find_bases(AkProgram *program, AkClassX *class_)
{
    const AkUnit *unit = class_->class_.unit;
    const AkClassFact *fact = &unit->facts->classes[class_->class_.index];
    uint32_t missing = program->missing;
    class_->base_len = class_->outside_len = 0;
    class_->unknown_base = false;
    for (uint32_t i = 0; i < fact->bases.count; i++) {
        AkExprId base = ak_kid(unit->facts, fact->bases, i);
        const AkExpr *row = &unit->facts->exprs[base];
        if (row->kind == AK_X_KEYWORD || row->kind == AK_X_STAR ||
            row->kind == AK_X_DOUBLE_STAR)
            continue;
        /* Base[T]: the class is what stands before the bracket. */
        if (row->kind == AK_X_SUBSCRIPT)
            base = ak_kid(unit->facts, row->kids, 0);
        AkValues values = ak__eval(program, unit, base);
        for (uint32_t k = 0; k < values.len; k++)
            add_base(program, class_, &values.items[k]);
    }
    return program->missing == missing;
}

static bool in_tail(AkClass *const *list, size_t len, size_t from, const AkClass *class_)
{
    for (size_t i = from; i < len; i++)
        if (list[i] == class_)
            return true;
    return false;
}

/* The usual merge; where Python would refuse the order, the bases' own orders stand one after
 * the other. Most classes have one base: theirs is that base's order behind the class. */
static void merge_orders(AkProgram *program, AkClassX *class_)
{
    size_t total = 1 + class_->base_len, len = 1;
    for (uint32_t i = 0; i < class_->base_len; i++)
        total += class_->bases[i]->mro_len;
    AkClass **mro = ak__alloc(program->arena, total * sizeof *mro);
    mro[0] = &class_->class_;
    size_t *at = ak__alloc(program->arena, (class_->base_len + 1) * sizeof *at);
    for (;;) {
        AkClass *next = NULL, *any = NULL;
        for (uint32_t i = 0; i < class_->base_len && !next; i++) {
            const AkClass *base = class_->bases[i];
            if (at[i] >= base->mro_len)
                continue;
            AkClass *candidate = base->mro[at[i]];
            any = any ? any : candidate;
            bool blocked = false;
            for (uint32_t k = 0; k < class_->base_len && !blocked; k++)
                blocked = in_tail(class_->bases[k]->mro, class_->bases[k]->mro_len, at[k] + 1,
                                  candidate);
            next = blocked ? NULL : candidate;
        }
        next = next ? next : any;
        if (!next)
            break;
        if (len < MOST_MRO && !in_tail(mro, len, 0, next))
            mro[len++] = next;
        for (uint32_t i = 0; i < class_->base_len; i++)
            while (at[i] < class_->bases[i]->mro_len &&
                   in_tail(mro, len, 0, class_->bases[i]->mro[at[i]]))
                at[i]++;
        if (len == MOST_MRO)
            break;
    }
    class_->class_.mro = mro;
    class_->class_.mro_len = len;
}

static void single_order(AkProgram *program, AkClassX *class_)
{
    const AkClass *base = class_->base_len ? class_->bases[0] : NULL;
    size_t len = base ? base->mro_len : 0;
    if (len >= MOST_MRO)
        len = MOST_MRO - 1;
    AkClass **mro = ak__alloc(program->arena, (len + 1) * sizeof *mro);
    mro[0] = &class_->class_;
    if (len)
        memcpy(mro + 1, base->mro, len * sizeof *mro);
    class_->class_.mro = mro;
    class_->class_.mro_len = len + 1;
}

static void finish_order(AkProgram *program, AkClassX *class_)
{
    if (class_->base_len > 1)
        merge_orders(program, class_);
    else
        single_order(program, class_);
    class_->class_.bases_known = !class_->unknown_base && !class_->outside_len;
    for (uint32_t i = 0; i < class_->base_len; i++) {
        AkClassX *base = ak__class(class_->bases[i]);
        class_->class_.bases_known &= base->class_.bases_known;
        class_->unknown_base |= base->unknown_base;
        for (uint32_t k = 0; k < base->outside_len; k++)
            add_outside(program, class_, base->outside[k]);
        bool listed = false;
        for (uint32_t k = 0; k < base->subclass_len; k++)
            listed |= base->subclasses[k] == &class_->class_;
        if (!listed)
            AK_PUSH(program->arena, base->subclasses, base->subclass_len, base->subclass_cap) =
                &class_->class_;
    }
    class_->class_.external_bases = class_->outside;
    class_->class_.external_base_len = class_->outside_len;
    class_->mro_done = true;
}

/* Until its bases are there, a class stands alone. */
static void stand_alone(AkProgram *program, AkClassX *class_)
{
    program->missing++;
    class_->mro_missing = program->round + 1;
    if (class_->class_.mro_len)
        return;
    AkClass **mro = ak__alloc(program->arena, sizeof *mro);
    mro[0] = &class_->class_;
    class_->class_.mro = mro;
    class_->class_.mro_len = 1;
}

/* Pushes what must be known before top; false when a base is not there. */
static bool bases_ready(AkProgram *program, AkClassX *top, AkClass ***stack, uint32_t *len,
                        uint32_t *cap)
{
    if (!top->bases_done && !find_bases(program, top))
        return false;
    top->bases_done = true;
    for (uint32_t i = 0; i < top->base_len; i++) {
        AkClassX *base = ak__class(top->bases[i]);
        if (base->mro_missing == program->round + 1)
            return false;
        if (!base->mro_done && !base->mro_busy)
            AK_PUSH(program->arena, *stack, *len, *cap) = &base->class_;
    }
    return true;
}

/* With a stack of its own: hierarchies may be deep. */
void ak__class_mro(AkProgram *program, AkClass *class_)
{
    AkClass **stack = NULL;
    uint32_t len = 0, cap = 0;
    bool ready = true;
    if (ak__class(class_)->mro_done || ak__class(class_)->mro_busy)
        return;
    if (ak__class(class_)->mro_missing == program->round + 1) {
        program->missing++;
        return;
    }
    AK_PUSH(program->arena, stack, len, cap) = class_;
    while (len) {
        AkClassX *top = ak__class(stack[len - 1]);
        if (ready && !top->mro_busy) {
            top->mro_busy = true;
            ready = bases_ready(program, top, &stack, &len, &cap);
            continue;
        }
        if (ready && !top->mro_done)
            finish_order(program, top);
        else if (!top->mro_done)
            stand_alone(program, top);
        top->mro_busy = false;
        len--;
    }
}

bool ak__derives(AkProgram *program, AkClass *class_, const char *dotted, bool *unsure)
{
    ak__class_mro(program, class_);
    *unsure = ak__class(class_)->unknown_base;
    for (size_t i = 0; i < class_->external_base_len; i++)
        if (strcmp(class_->external_bases[i], dotted) == 0)
            return true;
    return false;
}
