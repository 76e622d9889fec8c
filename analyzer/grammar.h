/* grammar.h: tree-sitter and its Python grammar, which reads any bytes. */
#ifndef AK_GRAMMAR_H
#define AK_GRAMMAR_H

#include "tree.h"

typedef struct AkGrammar AkGrammar;

/* For one thread. NULL when there is no memory; freeing takes NULL. */
AkGrammar *ak__grammar_new(void);
void ak__grammar_free(AkGrammar *grammar);

/* Reads text[start, end), whole statements of one indentation whose first begins at start, and
 * puts their nodes behind kids; comments and errors as well. False when there is no memory: the
 * tree is of no use then. */
bool ak__grammar_read(AkGrammar *grammar, AkTree *tree, const char *text, uint32_t start,
                      uint32_t end, AkTreeKids *kids);

#endif
