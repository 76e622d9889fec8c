/* attributes.c: what an attribute of a value is: of instances, classes, modules, external things.
 *
 * The names of a class body, and what methods assign to `self.x`, in the order of C3; see types.c.
 */
#include "values.h"

#include <string.h>

enum { MOST_SUBCLASSES = 64 };

/* ---- Attributes that methods assign ---- */

static AkFunction *method_around(AkFunction *fn)
{
    while (fn && fn->index && !fn->class_)
        fn = fn->outer;
    return fn && fn->index ? fn : NULL;
}

static bool is_self(const AkUnit *unit, const AkFunction *method, AkExprId object)
{
    const AkFunctionFact *fact = ak_fact(method);
    const AkExpr *row = &unit->facts->exprs[object];
    if (!fact->param_len || row->kind != AK_X_NAME)
        return false;
    const char *self = unit->atoms[unit->facts->params[fact->first_param].name];
    return unit->atoms[row->name] == self;
}

static void add_attribute(AkProgram *program, const AkUnit *unit, AkClass *class_,
                          AkExprId target, const AkStmt *stmt, uint8_t how, uint16_t part)
{
    AkClassX *x = ak__class(class_);
    const char *name = unit->atoms[unit->facts->exprs[target].name];
    AkAttr attr = {.name = name, .unit = unit, .value = stmt->value, .how = how, .part = part};
    if (stmt->kind == AK_S_ANNOTATED)
        attr.annotation = stmt->extra;
    uint32_t first = ak__map_get(&x->attributes, ak__key(name));
    AK_PUSH(program->arena, x->attrs, x->attr_len, x->attr_cap) = attr;
    uint32_t index = x->attr_len;
    if (!first) {
        ak__map_set(program->arena, &x->attributes, ak__key(name), index);
        return;
    }
    /* The first stays first; the others follow, the newest before the older. */
    x->attrs[index - 1].next = x->attrs[first - 1].next;
    x->attrs[first - 1].next = index;
}

static void assigned_target(AkProgram *program, const AkUnit *unit, AkFunction *method,
                            AkExprId target, const AkStmt *stmt)
{
    const AkFacts *facts = unit->facts;
    const AkExpr *row = &facts->exprs[target];
    uint8_t how = stmt->kind == AK_S_FOR ? AK_HOW_ITEM : AK_HOW_WHOLE;
    if (row->kind == AK_X_ATTRIBUTE && is_self(unit, method, ak_kid(facts, row->kids, 0))) {
        add_attribute(program, unit, method->class_, target, stmt, how, 0);
    } else if ((row->kind == AK_X_TUPLE || row->kind == AK_X_LIST) && how == AK_HOW_WHOLE) {
        for (uint32_t i = 0; i < row->kids.count; i++) {
            AkExprId item = ak_kid(facts, row->kids, i);
            const AkExpr *part = &facts->exprs[item];
            if (part->kind == AK_X_ATTRIBUTE &&
                is_self(unit, method, ak_kid(facts, part->kids, 0)))
                add_attribute(program, unit, method->class_, item, stmt, AK_HOW_PART,
                              (uint16_t)i);
        }
    }
}

static void list_attributes(AkProgram *program, AkUnitX *x)
{
    const AkFacts *facts = x->unit.facts;
    x->attributes_done = true;
    for (AkStmtId i = 1; i < facts->stmt_len; i++) {
        const AkStmt *stmt = &facts->stmts[i];
        if (stmt->kind != AK_S_ASSIGN && stmt->kind != AK_S_ANNOTATED && stmt->kind != AK_S_FOR)
            continue;
        uint32_t owner = facts->scopes[stmt->scope].function;
        AkFunction *method = owner ? method_around(x->unit.functions[owner]) : NULL;
        for (uint32_t k = 0; method && k < stmt->targets.count; k++)
            assigned_target(program, &x->unit, method, ak_kid(facts, stmt->targets, k), stmt);
    }
}

static void own_attribute(AkProgram *program, AkClass *class_, const char *name, AkSet *out)
{
    AkClassX *x = ak__class(class_);
    AkUnitX *unit = ak__unit(class_->unit);
    if (!unit->attributes_done)
        list_attributes(program, unit);
    uint32_t at = ak__map_get(&x->attributes, ak__key(name));
    for (int seen = 0; at && seen < 16; at = x->attrs[at - 1].next, seen++) {
        const AkAttr attr = x->attrs[at - 1];
        AkSet got = {.len = 0};
        if (attr.value)
            ak__part(program, attr.unit, attr.value, attr.how, attr.part, &got);
        bool unknown =
            !got.len || got.items[0].kind == AK_V_UNKNOWN || got.items[0].kind == AK_V_NONE;
        if (attr.annotation && unknown) {
            got.len = 0;
            ak__annotated(program, attr.unit, attr.annotation, &got);
        }
        for (uint32_t i = 0; i < got.len; i++)
            ak__add(out, got.items[i]);
    }
}

/* ---- Names of a class body ---- */

/* Whether a decorator `@x.word` stands above the function, for one of the words. */
static bool is_accessor(const AkUnit *unit, const AkFunctionFact *fact,
                        const char *const *words)
{
    for (uint32_t i = 0; i < fact->decorators.count; i++) {
        const AkExpr *decorator = &unit->facts->exprs[ak_kid(unit->facts, fact->decorators, i)];
        if (decorator->kind == AK_X_ATTRIBUTE &&
            ak__is_one_of(unit->atoms[decorator->name], words))
            return true;
    }
    return false;
}

static bool is_property(AkProgram *program, const AkFunction *fn)
{
    static const char *const names[] = {"builtins.property", "functools.cached_property",
                                        "abc.abstractproperty",
                                        "django.utils.functional.cached_property", NULL};
    return ak__has_any_decorator(program, fn, names);
}

static const char *const accessors[] = {"setter", "deleter", NULL};

/* The getter among several definitions of a property; otherwise the last definition. */
static AkFunction *method_in(const AkUnit *unit, const AkBinding *bindings, uint32_t len)
{
    AkFunction *found = NULL;
    for (uint32_t i = 0; i < len; i++)
        if (bindings[i].kind == AK_B_FUNCTION &&
            !is_accessor(unit, &unit->facts->functions[bindings[i].index], accessors))
            found = (AkFunction *)(uintptr_t)unit->functions[bindings[i].index];
    return found;
}

static const AkBinding *body_bindings(AkProgram *program, const AkClass *class_,
                                      const char *name, uint32_t *len)
{
    const AkUnit *unit = class_->unit;
    AkName local = ak__name_in(program, unit, name);
    *len = 0;
    if (!local)
        return NULL;
    return ak__scope_bindings(unit->facts, unit->facts->classes[class_->index].scope, local,
                              len);
}

/* first: where in the order of resolution the look begins. */
static AkFunction *method_from(AkProgram *program, AkClass *class_, size_t first,
                               const char *name)
{
    ak__class_mro(program, class_);
    for (size_t i = first; i < class_->mro_len; i++) {
        uint32_t len;
        const AkBinding *bindings = body_bindings(program, class_->mro[i], name, &len);
        AkFunction *found = len ? method_in(class_->mro[i]->unit, bindings, len) : NULL;
        if (found || len)
            return found;
    }
    return NULL;
}

AkFunction *ak__method(AkProgram *program, AkClass *class_, const char *name)
{
    return method_from(program, class_, 0, name);
}

AkFunction *ak__inherited_method(AkProgram *program, AkClass *class_, const char *name)
{
    return method_from(program, class_, 1, name);
}

static AkFunction *accessor_in(const AkUnit *unit, const AkBinding *bindings, uint32_t len,
                               const char *word)
{
    const char *const words[] = {word, NULL};
    for (uint32_t i = 0; i < len; i++)
        if (bindings[i].kind == AK_B_FUNCTION &&
            is_accessor(unit, &unit->facts->functions[bindings[i].index], words))
            return (AkFunction *)(uintptr_t)unit->functions[bindings[i].index];
    return NULL;
}

AkFunction *ak__accessor(AkProgram *program, AkClass *class_, const char *name,
                         const char *word)
{
    ak__class_mro(program, class_);
    for (size_t i = 0; i < class_->mro_len; i++) {
        uint32_t len;
        AkClass *owner = class_->mro[i];
        const AkBinding *bindings = body_bindings(program, owner, name, &len);
        AkFunction *found = len ? accessor_in(owner->unit, bindings, len, word) : NULL;
        if (found)
            return found;
        AkSet values = {.len = 0};
        if (len && bindings[0].kind != AK_B_FUNCTION)
            ak__scope_value(program, owner->unit,
                            owner->unit->facts->classes[owner->index].scope, bindings[0].name,
                            &values);
        for (uint32_t k = 0; k < values.len && !found; k++)
            if (values.items[k].kind == AK_V_INSTANCE)
                found = ak__method(program, values.items[k].class_,
                                   ak__atom(program, *word == 's' ? "__set__" : "__delete__"));
        if (found || len)
            return found;
    }
    return ak__method(program, class_,
                      ak__atom(program, *word == 's' ? "__setattr__" : "__delattr__"));
}

static void add_method(AkFunction **out, uint32_t *len, uint32_t room, AkFunction *fn)
{
    for (uint32_t i = 0; i < *len; i++)
        if (out[i] == fn)
            return;
    if (fn && *len < room)
        out[(*len)++] = fn;
}

uint32_t ak__methods(AkProgram *program, const AkValue *instance, const char *name,
                     AkFunction **out, uint32_t room)
{
    AkClass *queue[MOST_SUBCLASSES];
    uint32_t len = 0, queued = 0;
    if (instance->kind != AK_V_INSTANCE && instance->kind != AK_V_CLASS)
        return 0;
    name = ak__atom(program, name);
    AkFunction *own = ak__method(program, instance->class_, name);
    add_method(out, &len, room, own);
    if (!instance->open)
        return len;
    queue[queued++] = instance->class_;
    for (uint32_t i = 0; i < queued && len < room; i++) {
        const AkClassX *class_ = ak__class(queue[i]);
        for (uint32_t k = 0; k < class_->subclass_len && queued < MOST_SUBCLASSES; k++) {
            uint32_t found;
            AkClass *subclass = class_->subclasses[k];
            const AkBinding *bindings = body_bindings(program, subclass, name, &found);
            queue[queued++] = subclass;
            if (found)
                add_method(out, &len, room, method_in(subclass->unit, bindings, found));
            else if (!own) /* a sibling among the bases of the subclass may have it */
                add_method(out, &len, room, ak__method(program, subclass, name));
        }
    }
    return len;
}

/* ---- Attributes ---- */

static AkValue bound(AkFunction *fn, const AkValue *self)
{
    AkValue value = {.kind = AK_V_FUNCTION, .function = fn};
    if (self) {
        value.kind = AK_V_BOUND;
        value.class_ = self->class_;
        value.open = self->open;
    }
    return value;
}

/* A function of a class body, taken from the class or from an instance. */
static void method_value(AkProgram *program, const AkValue *found, const AkValue *self,
                         AkSet *out, AkFunction **property)
{
    AkFunction *fn = found->function;
    bool from_class = !self || self->kind == AK_V_CLASS;
    if (fn->class_ && ak_fact(fn)->decorators.count) {
        if (ak__has_decorator(program, fn, "builtins.staticmethod")) {
            ak__add(out, bound(fn, NULL));
            return;
        }
        if (ak__has_decorator(program, fn, "builtins.classmethod")) {
            AkValue class_ = {.kind = AK_V_CLASS, .class_ = self ? self->class_ : fn->class_};
            ak__add(out, bound(fn, &class_));
            return;
        }
        if (!from_class && is_property(program, fn)) {
            if (property)
                *property = fn;
            AkValue getter = bound(fn, self);
            ak__call_result(program, &getter, NULL, 0, out);
            return;
        }
    }
    ak__add(out, bound(fn, from_class ? NULL : self));
}

bool ak__is_enum(AkProgram *program, AkClass *class_)
{
    static const char *const names[] = {"enum.Enum", "enum.IntEnum", "enum.StrEnum",
                                        "enum.Flag", "enum.IntFlag"};
    bool unsure;
    ak__class_mro(program, class_);
    for (size_t i = 0; class_->external_base_len && i < sizeof names / sizeof *names; i++)
        if (ak__derives(program, class_, names[i], &unsure))
            return true;
    return false;
}

/* A value of a class body that is no function: a member of an enum is an instance of it; of a
 * descriptor an instance gets what its `__get__` gives. */
static void plain_attribute(AkProgram *program, AkClass *class_, const AkValue *found,
                            const AkValue *self, AkSet *out, AkFunction **property)
{
    AkFunction *getter = found->kind == AK_V_INSTANCE && self && self->kind == AK_V_INSTANCE
                             ? ak__method(program, found->class_, ak__atom(program, "__get__"))
                             : NULL;
    if (getter) {
        AkValue bound_getter = bound(getter, found);
        if (property)
            *property = getter;
        ak__call_result(program, &bound_getter, NULL, 0, out);
    } else if (self && self->kind == AK_V_CLASS && ak__is_enum(program, class_)) {
        ak__add(out, (AkValue){.kind = AK_V_INSTANCE, .class_ = class_});
    } else {
        ak__add(out, *found);
    }
}

/* What the body of one class says of the name. Whether it says anything. */
static bool body_attribute(AkProgram *program, AkClass *class_, const char *name,
                           const AkValue *self, AkSet *out, AkFunction **property)
{
    uint32_t len;
    const AkBinding *bindings = body_bindings(program, class_, name, &len);
    AkSet found = {.len = 0};
    if (!len)
        return false;
    AkFunction *method = method_in(class_->unit, bindings, len);
    if (method &&
        is_accessor(class_->unit, &class_->unit->facts->functions[bindings[len - 1].index],
                    accessors))
        ak__add(&found, (AkValue){.kind = AK_V_FUNCTION, .function = method});
    else
        ak__scope_value(program, class_->unit,
                        class_->unit->facts->classes[class_->index].scope, bindings[0].name,
                        &found);
    for (uint32_t i = 0; i < found.len; i++) {
        if (found.items[i].kind == AK_V_FUNCTION)
            method_value(program, &found.items[i], self, out, property);
        else
            plain_attribute(program, class_, &found.items[i], self, out, property);
    }
    return true;
}

static void outside_attribute(AkProgram *program, const AkClass *class_, const char *name,
                              AkSet *out)
{
    for (size_t i = 0; i < class_->external_base_len && i < 4; i++)
        ak__add(out, (AkValue){.kind = AK_V_EXTERNAL,
                               .dotted = ak__canonical(
                                   program, ak__atom_join(program, class_->external_bases[i],
                                                          ".", name)),
                               .guessed = class_->external_base_len > 1});
    if (!class_->external_base_len || ak__class((AkClass *)(uintptr_t)class_)->unknown_base)
        ak__add_unknown(out);
}

/* Overrides in known subclasses of an open value. */
static void add_overrides(AkProgram *program, const AkValue *self, const char *name, AkSet *out)
{
    AkFunction *methods[6];
    uint32_t len = ak__methods(program, self, name, methods, 6);
    for (uint32_t i = 0; i < len; i++) {
        AkValue found = {.kind = AK_V_FUNCTION, .function = methods[i]};
        AkSet got = {.len = 0};
        method_value(program, &found, self, &got, NULL);
        for (uint32_t k = 0; k < got.len; k++) {
            bool own = false;
            for (uint32_t m = 0; m < out->len; m++)
                own |= out->items[m].function == got.items[k].function;
            got.items[k].guessed |= len > 2;
            if (!own)
                ak__add(out, got.items[k]);
        }
    }
}

static bool is_dunder(const char *name)
{
    return name[0] == '_' && name[1] == '_';
}

/* self is the instance or class it is taken from; property gets the getter that runs, if any.
 */
void ak__class_attribute(AkProgram *program, AkClass *class_, const char *name,
                         const AkValue *self, AkSet *out, AkFunction **property)
{
    bool instance = self && self->kind == AK_V_INSTANCE, found = false;
    ak__class_mro(program, class_);
    if (instance)
        for (size_t i = 0; i < class_->mro_len; i++)
            own_attribute(program, class_->mro[i], name, out);
    found = out->len > 0;
    for (size_t i = 0; i < class_->mro_len; i++)
        if (body_attribute(program, class_->mro[i], name, self, out, property)) {
            found = true;
            break;
        }
    if (self && self->open)
        add_overrides(program, self, name, out);
    if (found || out->len)
        return;
    AkFunction *fallback = instance && !is_dunder(name)
                               ? ak__method(program, class_, ak__atom(program, "__getattr__"))
                               : NULL;
    if (fallback) {
        if (property)
            *property = fallback;
        AkValue getter = bound(fallback, self);
        ak__call_result(program, &getter, NULL, 0, out);
        return;
    }
    outside_attribute(program, class_, name, out);
}

static void super_attribute(AkProgram *program, const AkValue *value, const char *name,
                            AkSet *out)
{
    AkValue self = {.kind = AK_V_INSTANCE, .class_ = value->class_};
    ak__class_mro(program, value->class_);
    for (size_t i = 1; i < value->class_->mro_len; i++)
        if (body_attribute(program, value->class_->mro[i], name, &self, out, NULL))
            return;
    outside_attribute(program, value->class_, name, out);
}

static void external_attribute(AkProgram *program, const char *owner, const char *name,
                               AkSet *out)
{
    const char *dotted = ak__canonical(program, ak__atom_join(program, owner, ".", name));
    ak__add(out, (AkValue){.kind = AK_V_EXTERNAL, .dotted = dotted});
}

/* `path.parent` is no method: the attribute is a path itself. */
static bool path_attribute(AkProgram *program, const char *type, const char *name, AkSet *out)
{
    if (strcmp(type, "pathlib.Path") != 0 || strcmp(name, "parent") != 0)
        return false;
    ak__add(out, (AkValue){.kind = AK_V_RESULT, .dotted = ak__atom(program, type)});
    return true;
}

/* What a name of the result of a function or of an instance is called: "requests.Session.get",
 * "io.TextIOWrapper.read" where the class is known, "f().x" where not. */
static void result_attribute(AkProgram *program, const AkValue *value, const char *name,
                             AkSet *out)
{
    const char *type = ak__returns(program->knowledge, value->dotted);
    if (path_attribute(program, type ? type : value->dotted, name, out))
        return;
    if (type && !*type)
        ak__add_unknown(out);
    else if (type)
        external_attribute(program, type, name, out);
    else if (ak__is_class_name(program, value->dotted))
        external_attribute(program, value->dotted, name, out);
    else
        ak__add(out, (AkValue){.kind = AK_V_EXTERNAL,
                               .dotted = ak__atom_join(program, value->dotted, "().", name)});
}

static void module_attribute(AkProgram *program, const AkValue *value, const char *name,
                             AkSet *out)
{
    AkModule *module = value->module;
    if (ak__module_name(program, module, name, out))
        return;
    AkModule *child = ak__module_child(program, module, name);
    if (child)
        ak__add(out, (AkValue){.kind = AK_V_MODULE, .module = child});
    else if (ak__file(module)->state == AK_FILE_FOLDER)
        external_attribute(program, module->name, name, out);
    else
        ak__add_unknown(out);
}

static const char *builtin_of(const AkValue *value)
{
    switch ((AkValueKind)value->kind) {
    case AK_V_STRING: return "builtins.str";
    case AK_V_BYTES: return "builtins.bytes";
    case AK_V_LIST: return "builtins.list";
    case AK_V_TUPLE: return "builtins.tuple";
    case AK_V_SET: return "builtins.set";
    case AK_V_DICT: return "builtins.dict";
    case AK_V_NUMBER: return "builtins.int";
    default: return NULL;
    }
}

static void typed_attribute(AkProgram *program, const AkValue *value, const char *name,
                            AkSet *out)
{
    static const char *const sets[] = {"set",         "Set",        "frozenset", "FrozenSet",
                                       "AbstractSet", "MutableSet", NULL};
    const AkFacts *facts = value->unit->facts;
    const AkExpr *base = &facts->exprs[ak_kid(facts, facts->exprs[value->expr].kids, 0)];
    const char *kind = value->unit->atoms[base->name];
    const char *owner = ak__is_one_of(kind, sets)  ? "builtins.set"
                        : ak__is_typed_dict(value) ? "builtins.dict"
                                                   : "builtins.list";
    external_attribute(program, owner, name, out);
}

void ak__attribute(AkProgram *program, const AkValue *value, const char *name, AkSet *out)
{
    name = ak__atom(program, name);
    switch ((AkValueKind)value->kind) {
    case AK_V_EXTERNAL: external_attribute(program, value->dotted, name, out); break;
    case AK_V_RESULT: result_attribute(program, value, name, out); break;
    case AK_V_MODULE: module_attribute(program, value, name, out); break;
    case AK_V_CLASS:
    case AK_V_INSTANCE:
        ak__class_attribute(program, value->class_, name, value, out, NULL);
        break;
    case AK_V_SUPER: super_attribute(program, value, name, out); break;
    case AK_V_TYPED: typed_attribute(program, value, name, out); break;
    default:
        if (builtin_of(value))
            external_attribute(program, builtin_of(value), name, out);
        else
            ak__add_unknown(out);
        break;
    }
}
