# The source distribution of tree-sitter-python 0.25.0 lacks its src/scanner.c. The one of 0.23.6
# differs from it by t-strings and by indents that need two bytes; these edits turn the one into the
# other, which fetch proves by the hash of the result.
s/inside_f_string/inside_interpolated_string/g
s/uint32_t indent_length = 0;/uint16_t indent_length = 0;/
/lexer->lookahead == 'f' || lexer->lookahead == 'F') {/c\
            if (lexer->lookahead == 'f' || lexer->lookahead == 'F' || lexer->lookahead == 't' ||\
                lexer->lookahead == 'T') {
/buffer\[size++\] = (char)\*array_get(&scanner->indents, iter);/c\
        uint16_t indent_value = *array_get(&scanner->indents, iter);\
        buffer[size++] = (char)(indent_value & 0xFF);\
        buffer[size++] = (char)((indent_value >> 8) & 0xFF);
/for (; size < length; size++) {/,/array_push/c\
        for (; size + 1 < length; size += 2) {\
            uint16_t indent_value = (unsigned char)buffer[size] | ((unsigned char)buffer[size + 1] << 8);\
            array_push(&scanner->indents, indent_value);
