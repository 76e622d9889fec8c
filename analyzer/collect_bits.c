/* collect_bits.c: `&` beside `^`. Python binds `&` closer, the grammar `^`.
 *
 * So where both stand side by side, the operands are taken from the grammar's tree in their
 * order and put together anew. The tree is a run of `&` to the left, whose operands may be runs
 * of `^` to the left.
 */
#include "collect.h"

/* An operand, with the sign before it; they lie in w->spine. */
typedef struct Operand {
    uint32_t op, start, end;
} Operand;

enum { WORDS = sizeof(Operand) / sizeof(AkExprId) };

typedef struct Bits {
    uint32_t first, count; /* operands in the spine */
    uint32_t depth;        /* of the cursor below the whole */
    bool star;             /* before the first operand */
} Bits;

static bool is_bits(const AkWalk *w)
{
    if (ak__kind(w) != AK_N_BINARY_OPERATOR)
        return false;
    AkOp op = ak__node_operator(w->parser, w->level);
    return op == AK_OP_AND_BITS || op == AK_OP_XOR;
}

/* ---- Moving ---- */

static void to_leftmost(AkWalk *w, Bits *b)
{
    do {
        ak__node_down(w->parser, w->level, AK_N_NODES);
        b->depth++;
    } while (is_bits(w));
}

/* From an operand to the next one; at the last one, to the whole. */
static bool to_next(AkWalk *w, Bits *b, AkOp *op)
{
    while (b->depth && !ak__node_next(w->parser, w->level, AK_N_TOKENS))
        b->depth--;
    if (!b->depth)
        return false;
    *op = ak__at(w)->op;
    ak__node_next(w->parser, w->level, AK_N_NODES);
    if (is_bits(w))
        to_leftmost(w, b);
    return true;
}

bool ak__bits_mixed(AkWalk *w)
{
    Bits b = {0};
    AkOp op;
    bool mixed = false;
    to_leftmost(w, &b);
    while (to_next(w, &b, &op))
        mixed |= op == AK_OP_XOR;
    /* To look at the whole again. */
    ak__node_down(w->parser, w->level, AK_N_NODES);
    ak__node_back(w->parser, w->level);
    return mixed;
}

/* ---- Putting together ---- */

static void read_operands(AkWalk *w, Bits *b)
{
    AkOp op = AK_OP_NONE;
    to_leftmost(w, b);
    do {
        const AkNode *node = ak__at(w);
        AK_ADD(w, spine, spine, AK_T_SPINE) = (AkExprId)op;
        AK_ADD(w, spine, spine, AK_T_SPINE) = node->start;
        AK_ADD(w, spine, spine, AK_T_SPINE) = node->end;
        b->count++;
    } while (to_next(w, b, &op));
}

static Operand operand_at(const AkWalk *w, const Bits *b, uint32_t i)
{
    const AkExprId *words = &w->spine[b->first + i * WORDS];
    return (Operand){words[0], words[1], words[2]};
}

static AkExprId operand(AkWalk *w, Bits *b, uint32_t i, AkExprId parent)
{
    AkOp op;
    if (i) {
        to_next(w, b, &op);
        return ak__expr(w, parent);
    }
    to_leftmost(w, b);
    return ak__links(w, parent, operand_at(w, b, 0).start, b->star);
}

/* The first operand behind from with that sign before it; to if there is none. */
static uint32_t next_sign(const AkWalk *w, const Bits *b, uint32_t from, uint32_t to, AkOp op)
{
    uint32_t i = from + 1;
    while (i < to && operand_at(w, b, i).op != op)
        i++;
    return i;
}

/* The operators of a run, from right to left, each inside the one before: gives the innermost. */
static AkExprId open_run(AkWalk *w, const Bits *b, uint32_t from, uint32_t to, AkOp op,
                         AkExprId parent)
{
    uint32_t start = operand_at(w, b, from).start, last = to - 1;
    for (uint32_t i = last; i > from; i--)
        if (operand_at(w, b, i).op == op) {
            parent = ak__new_expr(w, AK_X_BINARY, parent, start, operand_at(w, b, last).end);
            w->exprs[parent].op = (uint8_t)op;
            last = i - 1;
        }
    return parent;
}

/* The operands [from, to) as a run of `^` over runs of `&`, or as one of those. The operators'
 * numbers follow each other. */
static AkExprId run(AkWalk *w, Bits *b, uint32_t from, uint32_t to, AkOp op, AkExprId parent)
{
    AkExprId around = open_run(w, b, from, to, op, parent), left = 0;
    for (uint32_t at = from, end; at < to; at = end) {
        uint32_t mark = w->pending_len;
        end = next_sign(w, b, at, to, op);
        if (left)
            ak__push(w, left);
        AkExprId part = op == AK_OP_XOR ? run(w, b, at, end, AK_OP_AND_BITS, around)
                                        : operand(w, b, at, around);
        if (!left) {
            left = part;
            continue;
        }
        ak__push(w, part);
        ak__finish_expr(w, around, mark);
        left = around--;
    }
    return left;
}

AkExprId ak__bits(AkWalk *w, AkExprId parent, uint32_t start, bool star)
{
    Bits b = {.first = w->spine_len, .star = star};
    read_operands(w, &b);
    w->spine[b.first + 1] = start;
    AkExprId id = run(w, &b, 0, b.count, AK_OP_XOR, parent);
    for (; b.depth; b.depth--)
        ak__node_up(w->parser, w->level);
    w->spine_len = b.first;
    return id;
}
