/* parse.h: the syntax tree of a block, as collect.c reads it.
 *
 * A cursor stands on a node and tells its kind and place; moving skips what says nothing
 * (punctuation, comments), so that a walk visits what counts.
 */
#ifndef AK_PARSE_H
#define AK_PARSE_H

#include "facts.h"

/* Kinds of nodes, with the grammar's names. The order counts: moving names the least kind that
 * is wanted, what stands before it is skipped. */
#define AK_NODE_KINDS(X)                                                                       \
    X(MODULE, "module")                                                                        \
    X(BLOCK, "block")                                                                          \
    X(IMPORT_PREFIX, "import_prefix")                                                          \
    X(RELATIVE_IMPORT, "relative_import")                                                      \
    X(ALIASED_IMPORT, "aliased_import")                                                        \
    X(WILDCARD_IMPORT, "wildcard_import")                                                      \
    X(DOTTED_NAME, "dotted_name")                                                              \
    X(CHEVRON, "chevron")                                                                      \
    X(ELIF_CLAUSE, "elif_clause")                                                              \
    X(ELSE_CLAUSE, "else_clause")                                                              \
    X(CASE_CLAUSE, "case_clause")                                                              \
    X(EXCEPT_CLAUSE, "except_clause")                                                          \
    X(FINALLY_CLAUSE, "finally_clause")                                                        \
    X(WITH_CLAUSE, "with_clause")                                                              \
    X(WITH_ITEM, "with_item")                                                                  \
    X(PARAMETERS, "parameters")                                                                \
    X(LAMBDA_PARAMETERS, "lambda_parameters")                                                  \
    X(TYPE_PARAMETER, "type_parameter")                                                        \
    X(ARGUMENT_LIST, "argument_list")                                                          \
    X(DECORATOR, "decorator")                                                                  \
    X(CASE_PATTERN, "case_pattern")                                                            \
    X(UNION_PATTERN, "union_pattern")                                                          \
    X(DICT_PATTERN, "dict_pattern")                                                            \
    X(KEYWORD_PATTERN, "keyword_pattern")                                                      \
    X(SPLAT_PATTERN, "splat_pattern")                                                          \
    X(CLASS_PATTERN, "class_pattern")                                                          \
    X(COMPLEX_PATTERN, "complex_pattern")                                                      \
    X(DEFAULT_PARAMETER, "default_parameter")                                                  \
    X(TYPED_PARAMETER, "typed_parameter")                                                      \
    X(TYPED_DEFAULT_PARAMETER, "typed_default_parameter")                                      \
    X(DICTIONARY_SPLAT_PATTERN, "dictionary_splat_pattern")                                    \
    X(POSITIONAL_SEPARATOR, "positional_separator")                                            \
    X(KEYWORD_SEPARATOR, "keyword_separator")                                                  \
    X(AS_PATTERN, "as_pattern")                                                                \
    X(AS_PATTERN_TARGET, "as_pattern_target")                                                  \
    X(ASSIGNMENT, "assignment")                                                                \
    X(AUGMENTED_ASSIGNMENT, "augmented_assignment")                                            \
    X(PAIR, "pair")                                                                            \
    X(FOR_IN_CLAUSE, "for_in_clause")                                                          \
    X(IF_CLAUSE, "if_clause")                                                                  \
    X(INTERPOLATION, "interpolation")                                                          \
    X(FORMAT_EXPRESSION, "format_expression")                                                  \
    X(FORMAT_SPECIFIER, "format_specifier")                                                    \
    /* Statements. */                                                                          \
    X(IMPORT_STATEMENT, "import_statement")                                                    \
    X(IMPORT_FROM_STATEMENT, "import_from_statement")                                          \
    X(FUTURE_IMPORT_STATEMENT, "future_import_statement")                                      \
    X(PRINT_STATEMENT, "print_statement")                                                      \
    X(EXEC_STATEMENT, "exec_statement")                                                        \
    X(ASSERT_STATEMENT, "assert_statement")                                                    \
    X(EXPRESSION_STATEMENT, "expression_statement")                                            \
    X(RETURN_STATEMENT, "return_statement")                                                    \
    X(DELETE_STATEMENT, "delete_statement")                                                    \
    X(RAISE_STATEMENT, "raise_statement")                                                      \
    X(PASS_STATEMENT, "pass_statement")                                                        \
    X(BREAK_STATEMENT, "break_statement")                                                      \
    X(CONTINUE_STATEMENT, "continue_statement")                                                \
    X(GLOBAL_STATEMENT, "global_statement")                                                    \
    X(NONLOCAL_STATEMENT, "nonlocal_statement")                                                \
    X(TYPE_ALIAS_STATEMENT, "type_alias_statement")                                            \
    X(IF_STATEMENT, "if_statement")                                                            \
    X(FOR_STATEMENT, "for_statement")                                                          \
    X(WHILE_STATEMENT, "while_statement")                                                      \
    X(TRY_STATEMENT, "try_statement")                                                          \
    X(WITH_STATEMENT, "with_statement")                                                        \
    X(MATCH_STATEMENT, "match_statement")                                                      \
    X(FUNCTION_DEFINITION, "function_definition")                                              \
    X(CLASS_DEFINITION, "class_definition")                                                    \
    X(DECORATED_DEFINITION, "decorated_definition")                                            \
    /* Expressions. */                                                                         \
    X(IDENTIFIER, "identifier")                                                                \
    X(ATTRIBUTE, "attribute")                                                                  \
    X(CALL, "call")                                                                            \
    X(SUBSCRIPT, "subscript")                                                                  \
    X(BINARY_OPERATOR, "binary_operator")                                                      \
    X(STRING, "string")                                                                        \
    X(CONCATENATED_STRING, "concatenated_string")                                              \
    X(INTEGER, "integer")                                                                      \
    X(FLOAT, "float")                                                                          \
    X(TRUE, "true")                                                                            \
    X(FALSE, "false")                                                                          \
    X(NONE, "none")                                                                            \
    X(ELLIPSIS, "ellipsis")                                                                    \
    X(KEYWORD_ARGUMENT, "keyword_argument")                                                    \
    X(LIST_SPLAT, "list_splat")                                                                \
    X(LIST_SPLAT_PATTERN, "list_splat_pattern")                                                \
    X(DICTIONARY_SPLAT, "dictionary_splat")                                                    \
    X(SLICE, "slice")                                                                          \
    X(LIST, "list")                                                                            \
    X(LIST_PATTERN, "list_pattern")                                                            \
    X(TUPLE, "tuple")                                                                          \
    X(TUPLE_PATTERN, "tuple_pattern")                                                          \
    X(EXPRESSION_LIST, "expression_list")                                                      \
    X(PATTERN_LIST, "pattern_list")                                                            \
    X(SET, "set")                                                                              \
    X(DICTIONARY, "dictionary")                                                                \
    X(LIST_COMPREHENSION, "list_comprehension")                                                \
    X(SET_COMPREHENSION, "set_comprehension")                                                  \
    X(DICTIONARY_COMPREHENSION, "dictionary_comprehension")                                    \
    X(GENERATOR_EXPRESSION, "generator_expression")                                            \
    X(LAMBDA, "lambda")                                                                        \
    X(AWAIT, "await")                                                                          \
    X(YIELD, "yield")                                                                          \
    X(UNARY_OPERATOR, "unary_operator")                                                        \
    X(NOT_OPERATOR, "not_operator")                                                            \
    X(BOOLEAN_OPERATOR, "boolean_operator")                                                    \
    X(COMPARISON_OPERATOR, "comparison_operator")                                              \
    X(CONDITIONAL_EXPRESSION, "conditional_expression")                                        \
    X(NAMED_EXPRESSION, "named_expression")                                                    \
    X(PARENTHESIZED_EXPRESSION, "parenthesized_expression")                                    \
    X(PARENTHESIZED_LIST_SPLAT, "parenthesized_list_splat")                                    \
    X(TYPE, "type")                                                                            \
    X(GENERIC_TYPE, "generic_type")                                                            \
    X(UNION_TYPE, "union_type")                                                                \
    X(CONSTRAINED_TYPE, "constrained_type")                                                    \
    X(MEMBER_TYPE, "member_type")                                                              \
    X(SPLAT_TYPE, "splat_type")

typedef enum AkNodeKind {
    AK_N_SKIP,
    AK_N_COMMA,
    AK_N_OP,         /* an operator's sign or word; op tells which */
    AK_N_ASYNC,      /* the word */
    AK_N_FROM,       /* the word, in `yield from` and `raise … from` */
    AK_N_UNDERSCORE, /* `_` of a pattern */
#define AK_NODE_ENUM(name, text) AK_N_##name,
    AK_NODE_KINDS(AK_NODE_ENUM)
#undef AK_NODE_ENUM
        AK_N_ERROR, /* the parser gave up on this text */
    AK_N_MISSING,   /* what should stand here does not; no bytes */

    /* The least kind that is wanted, when moving. */
    AK_N_TOKENS = AK_N_OP,    /* operators and the words above too */
    AK_N_NODES = AK_N_MODULE, /* no tokens */
} AkNodeKind;

static inline bool ak__is_statement(AkNodeKind kind)
{
    return kind >= AK_N_IMPORT_STATEMENT && kind <= AK_N_DECORATED_DEFINITION;
}
static inline bool ak__is_expression(AkNodeKind kind)
{
    return kind >= AK_N_IDENTIFIER && kind <= AK_N_SPLAT_TYPE;
}

typedef struct AkNode {
    AkNodeKind kind;
    AkOp op;             /* AK_N_OP */
    bool broken;         /* a statement with an error in it or beside it */
    uint32_t start, end; /* bytes of the text that was parsed */
} AkNode;

/* What names and numbers are made of. */
static inline bool ak__is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || (unsigned char)c >= 0x80;
}

/* Text inside text: a block, an annotation in quotes inside one, and again. */
enum { AK_PARSE_LEVELS = 4 };

/* Parses text and puts the cursor of that level on its root. False when there is no memory. */
bool ak__parse(AkParser *parser, unsigned level, const char *text, uint32_t len);
/* For tests: only by the grammar; and how many bytes of level 0 the grammar was asked about. */
void ak__parser_only_grammar(AkParser *parser);
uint64_t ak__parse_asked(const AkParser *parser);
/* The syntax errors, in no order; NULL if there is none. */
const AkSyntaxError *ak__parse_errors(const AkParser *parser, unsigned level, uint32_t *len);

/* The node the cursor stands on: right after ak__node_down, _next (if true) and ak__parse. */
const AkNode *ak__node(const AkParser *parser, unsigned level);
/* To the first child of a wanted kind; false if there is none: then it stays. */
bool ak__node_down(AkParser *parser, unsigned level, AkNodeKind least);
/* To the next sibling of a wanted kind; false if there is none: then it goes up. */
bool ak__node_next(AkParser *parser, unsigned level, AkNodeKind least);
/* Up, without looking; and up and looking. */
void ak__node_up(AkParser *parser, unsigned level);
void ak__node_back(AkParser *parser, unsigned level);
/* Whether a comma stands between the children. */
bool ak__node_has_comma(AkParser *parser, unsigned level);
/* Of a binary or boolean operator, before going down. */
AkOp ak__node_operator(const AkParser *parser, unsigned level);

/* Whether the byte at an offset belongs to a comment: gives its place. Level 0; offsets that
 * grow from call to call. */
bool ak__comment_at(AkParser *parser, uint32_t offset, uint32_t *start, uint32_t *end);

/* Memory that the parser keeps between blocks for whoever collects: at least size bytes, the
 * old ones kept; NULL when there is no memory (the old ones stay). */
enum { AK_SCRATCHES = 24 };
void *ak__scratch(AkParser *parser, unsigned which, size_t size);
size_t ak__scratch_size(const AkParser *parser, unsigned which);

#endif
