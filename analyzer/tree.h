/* tree.h: the nodes of a text, as quick*.c and grammar.c make them and parse.c's cursor reads them.
 */
#ifndef AK_TREE_H
#define AK_TREE_H

#include "parse.h"

/* Nodes are linked by their numbers; number 0 is none, number 1 the root. */
typedef struct AkTreeNode {
    uint8_t kind; /* AkNodeKind */
    uint8_t op;   /* AK_N_OP: which; of an operator's node: its sign */
    bool comma;   /* has one among its children */
    bool broken;  /* a statement that the grammar read, with an error in it or beside it */
    uint32_t start, end;
    uint32_t first, next; /* child, sibling */
} AkTreeNode;

typedef struct AkTreeSpan {
    uint32_t start, end;
} AkTreeSpan;

/* Kept from text to text; all zero at first. */
typedef struct AkTree {
    AkTreeNode *nodes;
    AkTreeSpan *comments; /* in the order of the text */
    AkSyntaxError *errors;
    uint32_t node_len, node_cap, comment_len, comment_cap, error_len, error_cap;
    uint64_t asked; /* bytes that the grammar read */
} AkTree;

/* Children of a node that is not made yet. */
typedef struct AkTreeKids {
    uint32_t first, last;
} AkTreeKids;

/* Forgets all but the memory; the root is there. False when there is no memory, as everywhere. */
bool ak__tree_start(AkTree *tree);
void ak__tree_free(AkTree *tree);
/* Room for that many nodes more. */
bool ak__tree_room(AkTree *tree, uint32_t more);
bool ak__tree_comment(AkTree *tree, uint32_t start, uint32_t end);
bool ak__tree_error(AkTree *tree, AkSyntaxError error);
/* Links a node behind the others; 0 is left out. */
void ak__tree_add(AkTree *tree, AkTreeKids *kids, uint32_t node);
/* The text's last statement is there. */
void ak__tree_finish(AkTree *tree, AkTreeKids kids, uint32_t len);

#endif
