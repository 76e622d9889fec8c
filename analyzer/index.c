/* index.c: the functions of a class and the calls of a name, so that a rule that asks for them
 * at every class or call need not look through all of the program. */
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
