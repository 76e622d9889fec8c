# scanner.c of tree-sitter-python 0.23.6 → 0.25.0. What changed: strings with the prefix t count as
# formatted, and the widths of indents are kept with 16 bits.
s/inside_f_string/inside_interpolated_string/
s/uint32_t indent_length = 0;/uint16_t indent_length = 0;/
/== 'F') {/{
s/) {/ || lexer->lookahead == 't' ||/
a\
                lexer->lookahead == 'T') {
}
/(char)\*array_get/{
s/buffer\[size++\] = (char)/uint16_t indent_value = /
a\
        buffer[size++] = (char)(indent_value \& 0xFF);\
        buffer[size++] = (char)((indent_value >> 8) \& 0xFF);
}
s/for (; size < length; size++) {/for (; size + 1 < length; size += 2) {/
/array_push(&scanner->indents, (unsigned char)buffer\[size\]);/{
i\
            uint16_t indent_value = (unsigned char)buffer[size] | ((unsigned char)buffer[size + 1] << 8);
s/(unsigned char)buffer\[size\]/indent_value/
}
