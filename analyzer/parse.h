/* parse.h: text → the nodes of its syntax tree, as a flat table.
 *
 * tree-sitter is used in parse.c alone. What it finds is laid out in preorder, with punctuation
 * and comments taken out, so that who walks it needs neither cursor nor recursion to move on:
 * the children of node n are n + 1, then nodes[n + 1].next, … while below nodes[n].next.
 */
#ifndef AK_PARSE_H
#define AK_PARSE_H

#include "arena.h"
#include "facts.h"

/* Kinds of nodes: the grammar's named nodes, and the tokens that say something. */
#define AK_NODE_KINDS(X)                                                                                   \
    X(module)                                                                                              \
    X(block) X(expression_statement) X(assignment) X(augmented_assignment) X(return_statement) X(          \
        raise_statement) X(delete_statement) X(assert_statement) X(pass_statement)                         \
        X(break_statement) X(continue_statement) X(print_statement) X(exec_statement) X(                   \
            import_statement) X(import_from_statement) X(future_import_statement)                          \
            X(global_statement) X(nonlocal_statement) X(type_alias_statement) X(if_statement) X(           \
                elif_clause) X(else_clause) X(for_statement) X(while_statement) X(try_statement)           \
                X(except_clause) X(finally_clause) X(with_statement) X(with_clause) X(with_item) X(        \
                    match_statement) X(case_clause) X(function_definition) X(class_definition)             \
                    X(decorated_definition) X(decorator) X(parameters) X(lambda_parameters) X(             \
                        default_parameter) X(typed_parameter) X(typed_default_parameter)                   \
                        X(keyword_separator) X(positional_separator) X(list_splat_pattern) X(              \
                            dictionary_splat_pattern) X(tuple_pattern) X(list_pattern) X(pattern_list)     \
                            X(expression_list) X(tuple_expression) X(identifier) X(attribute) X(           \
                                call) X(argument_list) X(keyword_argument) X(subscript) X(slice)           \
                                X(list) X(tuple) X(set) X(dictionary) X(pair) X(list_splat) X(             \
                                    parenthesized_list_splat) X(dictionary_splat) X(list_comprehension)    \
                                    X(set_comprehension) X(dictionary_comprehension) X(                    \
                                        generator_expression) X(for_in_clause) X(if_clause)                \
                                        X(string) X(concatenated_string) X(string_start) X(                \
                                            string_content) X(string_end) X(interpolation)                 \
                                            X(format_specifier) X(format_expression) X(                    \
                                                escape_sequence) X(integer) X(float) X(true)               \
                                                X(false) X(none) X(ellipsis) X(lambda) X(                  \
                                                    conditional_expression) X(named_expression)            \
                                                    X(await) X(yield) X(unary_operator) X(                 \
                                                        not_operator) X(boolean_operator)                  \
                                                        X(binary_operator) X(comparison_operator) X(       \
                                                            parenthesized_expression) X(as_pattern)        \
                                                            X(as_pattern_target) X(type) X(                \
                                                                generic_type) X(union_type)                \
                                                                X(member_type) X(constrained_type) X(      \
                                                                    splat_type) X(type_parameter)          \
                                                                    X(dotted_name) X(aliased_import) X(    \
                                                                        relative_import) X(import_prefix)  \
                                                                        X(wildcard_import) X(              \
                                                                            case_pattern) X(class_pattern) \
                                                                            X(complex_pattern) X(          \
                                                                                dict_pattern)              \
                                                                                X(keyword_pattern) X(      \
                                                                                    splat_pattern)         \
                                                                                    X(union_pattern)       \
                                                                                        X(chevron)

typedef enum AkNodeKindOfTree {
    AK_T_NONE,
#define X(name) AK_T_##name,
    AK_NODE_KINDS(X)
#undef X
        AK_T_async,
    AK_T_from,     /* of `yield from` */
    AK_T_operator, /* op in AkSyntax.op */
    AK_T_ERROR,
    AK_T_other, /* a named node that this table does not know */
} AkNodeKindOfTree;

#define AK_FIELDS(X)                                                                           \
    X(alias)                                                                                   \
    X(alternative) X(argument) X(arguments) X(attribute) X(body) X(cause) X(condition)         \
        X(consequence) X(definition) X(function) X(guard) X(key) X(left) X(module_name)        \
            X(name) X(object) X(operator) X(operators) X(parameters) X(return_type) X(right)   \
                X(subject) X(subscript) X(superclasses) X(type) X(type_parameters) X(value)

typedef enum AkField {
    AK_F_NONE,
#define X(name) AK_F_##name,
    AK_FIELDS(X)
#undef X
} AkField;

typedef struct AkSyntax {
    uint8_t kind;  /* AkNodeKindOfTree */
    uint8_t field; /* AkField: what it is to its parent */
    uint8_t op;    /* AkOp of AK_T_operator */
    bool missing;  /* not in the text: the parser put it in */
    uint32_t start, end, next;
} AkSyntax;

typedef struct AkTree {
    const AkSyntax *nodes; /* [0] is the module */
    uint32_t len;
    const AkComment *comments; /* those that speak to this program; [0] is a dummy */
    uint32_t comment_len;
} AkTree;

/* Parses statements at column `indent` (see ak__collect). Offsets are those of text. The result
 * lives in the arena. */
AkTree ak__parse(AkArena *arena, AkParser *parser, const char *text, uint32_t len,
                 uint32_t indent);

/* An arena of the parser's own, for what does not outlive a block. */
AkArena *ak__parser_scratch(AkParser *parser);

#endif
