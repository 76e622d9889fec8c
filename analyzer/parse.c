/* parse.c: a cursor over the nodes of a text, which skips what says nothing.
 *
 * quick.c reads the text and has the grammar read the statements that it does not know; where
 * that does not help either, the grammar reads it whole. See collect.c for what is made of the
 * nodes.
 */
#include "parse.h"

#include "grammar.h"
#include "quick.h"

#include <stdlib.h>

typedef struct Level {
    AkTree tree;
    AkNode node;
    uint32_t *above; /* the way from the root to the node, both with it */
    uint32_t depth, above_cap;
    uint32_t comment; /* the first that may still be asked for */
} Level;

struct AkParser {
    AkGrammar *grammar;
    bool only_grammar;
    Level levels[AK_PARSE_LEVELS];
    void *scratch[AK_SCRATCHES];
    size_t scratch_size[AK_SCRATCHES];
};

AkParser *ak__parser_new(void)
{
    AkParser *parser = calloc(1, sizeof *parser);
    if (!parser)
        return NULL;
    parser->grammar = ak__grammar_new();
    if (!parser->grammar) {
        ak__parser_free(parser);
        return NULL;
    }
    return parser;
}

void ak__parser_free(AkParser *parser)
{
    if (!parser)
        return;
    for (unsigned i = 0; i < AK_PARSE_LEVELS; i++) {
        ak__tree_free(&parser->levels[i].tree);
        free(parser->levels[i].above);
    }
    for (unsigned i = 0; i < AK_SCRATCHES; i++)
        free(parser->scratch[i]);
    ak__grammar_free(parser->grammar);
    free(parser);
}

/* ---- The cursor ---- */

static bool stand_on(Level *level, uint32_t id)
{
    if (level->depth == level->above_cap) {
        uint32_t cap = level->above_cap ? level->above_cap * 2 : 256;
        uint32_t *wider = realloc(level->above, (size_t)cap * sizeof *wider);
        if (!wider)
            return false;
        level->above = wider;
        level->above_cap = cap;
    }
    level->above[level->depth++] = id;
    return true;
}

static const AkTreeNode *current(const Level *level)
{
    return &level->tree.nodes[level->above[level->depth - 1]];
}

static void look(Level *level)
{
    const AkTreeNode *node = current(level);
    level->node = (AkNode){.kind = (AkNodeKind)node->kind,
                           .op = (AkOp)node->op,
                           .broken = node->broken,
                           .start = node->start,
                           .end = node->end};
}

/* The first of id and its siblings that is wanted; 0 if there is none. */
static uint32_t wanted(const Level *level, uint32_t id, AkNodeKind least)
{
    while (id && level->tree.nodes[id].kind < least)
        id = level->tree.nodes[id].next;
    return id;
}

const AkNode *ak__node(const AkParser *parser, unsigned level)
{
    return &parser->levels[level].node;
}

bool ak__node_down(AkParser *parser, unsigned which, AkNodeKind least)
{
    Level *level = &parser->levels[which];
    uint32_t id = wanted(level, current(level)->first, least);
    if (!id || !stand_on(level, id))
        return false;
    look(level);
    return true;
}

bool ak__node_next(AkParser *parser, unsigned which, AkNodeKind least)
{
    Level *level = &parser->levels[which];
    uint32_t id = wanted(level, current(level)->next, least);
    if (id) {
        level->above[level->depth - 1] = id;
        look(level);
        return true;
    }
    level->depth--;
    return false;
}

void ak__node_up(AkParser *parser, unsigned which)
{
    parser->levels[which].depth--;
}

void ak__node_back(AkParser *parser, unsigned which)
{
    Level *level = &parser->levels[which];
    level->depth--;
    look(level);
}

bool ak__node_has_comma(AkParser *parser, unsigned which)
{
    return current(&parser->levels[which])->comma;
}

AkOp ak__node_operator(const AkParser *parser, unsigned which)
{
    return (AkOp)current(&parser->levels[which])->op;
}

/* ---- Reading a text ---- */

void ak__parser_only_grammar(AkParser *parser)
{
    parser->only_grammar = true;
}

uint64_t ak__parse_asked(const AkParser *parser)
{
    return parser->levels[0].tree.asked;
}

static bool read_by_grammar(AkParser *parser, AkTree *tree, const char *text, uint32_t len)
{
    AkTreeKids kids = {0};
    if (!ak__tree_start(tree) || !ak__grammar_read(parser->grammar, tree, text, 0, len, &kids))
        return false;
    ak__tree_finish(tree, kids, len);
    return true;
}

bool ak__parse(AkParser *parser, unsigned which, const char *text, uint32_t len)
{
    Level *level = &parser->levels[which];
    if ((parser->only_grammar || !ak__quick_parse(&level->tree, parser->grammar, text, len)) &&
        !read_by_grammar(parser, &level->tree, text, len))
        return false;
    level->depth = level->comment = 0;
    if (!stand_on(level, 1))
        return false;
    look(level);
    return true;
}

const AkSyntaxError *ak__parse_errors(const AkParser *parser, unsigned level, uint32_t *len)
{
    *len = parser->levels[level].tree.error_len;
    return parser->levels[level].tree.errors;
}

bool ak__comment_at(AkParser *parser, uint32_t offset, uint32_t *start, uint32_t *end)
{
    Level *level = &parser->levels[0];
    const AkTree *tree = &level->tree;
    while (level->comment < tree->comment_len && tree->comments[level->comment].end <= offset)
        level->comment++;
    if (level->comment == tree->comment_len || tree->comments[level->comment].start > offset)
        return false;
    *start = tree->comments[level->comment].start;
    *end = tree->comments[level->comment].end;
    return true;
}

/* ---- Memory between blocks ---- */

void *ak__scratch(AkParser *parser, unsigned which, size_t size)
{
    if (size <= parser->scratch_size[which])
        return parser->scratch[which];
    size_t room = parser->scratch_size[which] ? parser->scratch_size[which] : 1024;
    while (room < size)
        room = room > SIZE_MAX / 2 ? size : room * 2;
    void *wider = realloc(parser->scratch[which], room);
    if (!wider)
        return NULL;
    parser->scratch[which] = wider;
    parser->scratch_size[which] = room;
    return wider;
}

size_t ak__scratch_size(const AkParser *parser, unsigned which)
{
    return parser->scratch_size[which];
}
