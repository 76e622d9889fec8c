/* tree.c: the memory of nodes. See tree.h. */
#include "tree.h"

#include <stdlib.h>

/* The table, wider where it holds no `want` entries of that size; NULL when there is no memory. */
static void *widened(void *table, uint32_t *cap, uint64_t want, size_t size)
{
    if (want <= *cap)
        return table;
    if (want > UINT32_MAX)
        return NULL;
    void *wider = realloc(table, (size_t)want * size);
    if (wider)
        *cap = (uint32_t)want;
    return wider;
}

bool ak__tree_room(AkTree *tree, uint32_t more)
{
    void *wider = widened(tree->nodes, &tree->node_cap, (uint64_t)tree->node_len + more,
                          sizeof *tree->nodes);
    if (wider)
        tree->nodes = wider;
    return wider != NULL;
}

bool ak__tree_comment(AkTree *tree, uint32_t start, uint32_t end)
{
    uint64_t want = tree->comment_len < tree->comment_cap ? 0 : 2 * tree->comment_len + 64ull;
    void *wider = widened(tree->comments, &tree->comment_cap, want, sizeof *tree->comments);
    if (!wider)
        return false;
    tree->comments = wider;
    tree->comments[tree->comment_len++] = (AkTreeSpan){start, end};
    return true;
}

bool ak__tree_error(AkTree *tree, AkSyntaxError error)
{
    uint64_t want = tree->error_len < tree->error_cap ? 0 : 2 * tree->error_len + 16ull;
    void *wider = widened(tree->errors, &tree->error_cap, want, sizeof *tree->errors);
    if (!wider)
        return false;
    tree->errors = wider;
    tree->errors[tree->error_len++] = error;
    return true;
}

void ak__tree_add(AkTree *tree, AkTreeKids *kids, uint32_t node)
{
    if (!node)
        return;
    if (kids->last)
        tree->nodes[kids->last].next = node;
    else
        kids->first = node;
    kids->last = node;
}

bool ak__tree_start(AkTree *tree)
{
    tree->node_len = tree->comment_len = tree->error_len = 0;
    tree->asked = 0;
    if (!ak__tree_room(tree, 2))
        return false;
    tree->nodes[0] = tree->nodes[1] = (AkTreeNode){.kind = AK_N_MODULE};
    tree->node_len = 2;
    return true;
}

void ak__tree_finish(AkTree *tree, AkTreeKids kids, uint32_t len)
{
    tree->nodes[1].first = kids.first;
    tree->nodes[1].end = len;
}

void ak__tree_free(AkTree *tree)
{
    free(tree->nodes);
    free(tree->comments);
    free(tree->errors);
    *tree = (AkTree){0};
}
