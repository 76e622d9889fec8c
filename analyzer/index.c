/* index.c: the functions of a class, the calls of a name and the loops of a function, so that who
 * asks for them at every class, call or function need not look through all of the program. */
#include "stages.h"

/* Places in a list, grouped: those of group g are order[first[g]] … order[first[g + 1] - 1]. */
typedef struct Groups {
    AkMap number; /* of a group, by its key; from 1 */
    uint32_t *first, *order;
} Groups;

struct AkIndex {
    Groups classes, names;
    const AkFunction **functions;
    const AkCall **calls;
};

typedef const void *KeyOf(const AkPass *pass, size_t i); /* NULL: in no group */

static const void *class_of(const AkPass *pass, size_t i)
{
    return pass->functions[i]->class_;
}

static const void *name_of(const AkPass *pass, size_t i)
{
    return pass->calls[i]->kind == AK_CALL_READ ? NULL : pass->calls[i]->dotted;
}

static uint32_t number_of(AkArena *arena, AkMap *numbers, const void *key)
{
    uint32_t number = key ? ak__map_get(numbers, ak__key(key)) : 0;
    if (key && !number) {
        number = numbers->len + 1;
        ak__map_set(arena, numbers, ak__key(key), number);
    }
    return number;
}

static Groups group(const AkPass *pass, size_t len, KeyOf *key_of)
{
    AkArena *arena = pass->program->arena;
    Groups groups = {.order = ak__alloc(arena, len * sizeof *groups.order)};
    uint32_t *numbers = ak__alloc(arena, len * sizeof *numbers);
    for (size_t i = 0; i < len; i++)
        numbers[i] = number_of(arena, &groups.number, key_of(pass, i));
    groups.first = ak__alloc(arena, (groups.number.len + 2) * sizeof *groups.first);
    for (size_t i = 0; i < len; i++)
        groups.first[numbers[i]]++;
    /* From counts to ends; filled from behind, each end becomes its group's beginning. */
    for (uint32_t g = 1; g <= groups.number.len + 1; g++)
        groups.first[g] += groups.first[g - 1];
    for (size_t i = len; i-- > 0;)
        groups.order[--groups.first[numbers[i]]] = (uint32_t)i;
    ak__drop(arena, numbers, len * sizeof *numbers);
    return groups;
}

const struct AkIndex *ak__index(const AkPass *pass)
{
    AkArena *arena = pass->program->arena;
    struct AkIndex *index = ak__alloc(arena, sizeof *index);
    index->classes = group(pass, pass->function_len, class_of);
    index->names = group(pass, pass->call_len, name_of);
    index->functions = ak__alloc(arena, pass->function_len * sizeof *index->functions);
    index->calls = ak__alloc(arena, pass->call_len * sizeof *index->calls);
    for (size_t i = 0; i < pass->function_len; i++)
        index->functions[i] = pass->functions[index->classes.order[i]];
    for (size_t i = 0; i < pass->call_len; i++)
        index->calls[i] = pass->calls[index->names.order[i]];
    return index;
}

AkFunctionList ak_own_functions(const AkPass *pass, const AkClass *class_)
{
    const Groups *groups = &pass->index->classes;
    uint32_t g = ak__map_get(&groups->number, ak__key(class_));
    if (!g)
        return (AkFunctionList){0};
    return (AkFunctionList){pass->index->functions + groups->first[g],
                            groups->first[g + 1] - groups->first[g]};
}

AkCallList ak_calls_of(const AkPass *pass, const char *dotted)
{
    const Groups *groups = &pass->index->names;
    uint32_t g = ak__map_get(&groups->number, ak__key(ak__atom(pass->program, dotted)));
    if (!g)
        return (AkCallList){0};
    return (AkCallList){pass->index->calls + groups->first[g],
                        groups->first[g + 1] - groups->first[g]};
}

/* ---- Loops ---- */

static uint32_t looping(const AkFacts *facts, uint32_t loop)
{
    return facts->scopes[facts->loops[loop].scope].function;
}

static void list_loops(AkProgram *program, AkUnitX *unit)
{
    const AkFacts *facts = unit->unit.facts;
    uint32_t *first = ak__alloc(program->arena, (facts->function_len + 2) * sizeof *first);
    const AkLoop **list = ak__alloc(program->arena, facts->loop_len * sizeof *list);
    for (uint32_t i = 1; i < facts->loop_len; i++)
        first[looping(facts, i) + 2]++;
    for (uint32_t f = 1; f < facts->function_len + 2; f++)
        first[f] += first[f - 1];
    for (uint32_t i = 1; i < facts->loop_len; i++)
        list[first[looping(facts, i) + 1]++] = &facts->loops[i];
    unit->loop_first = first;
    unit->loop_list = list;
}

/* In the order of the text. */
AkLoopList ak__loops(AkProgram *program, const AkFunction *fn)
{
    AkUnitX *unit = ak__unit(fn->unit);
    if (fn->unit->facts->loop_len < 2)
        return (AkLoopList){0};
    if (!unit->loop_first)
        list_loops(program, unit);
    return (AkLoopList){unit->loop_list + unit->loop_first[fn->index],
                        unit->loop_first[fn->index + 1] - unit->loop_first[fn->index]};
}

AkLoopList ak_loops_of(const AkPass *pass, const AkFunction *fn)
{
    return ak__loops(pass->program, fn);
}
