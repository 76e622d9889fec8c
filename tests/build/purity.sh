#!/bin/sh
# cmake/purity.cmake: lets memory and strings through, names everything else.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
tmp=${1:?folder to work in}
rm -rf "$tmp"
mkdir -p "$tmp"
step() { now=$1; }
trap '[ $? = 0 ] || echo "purity: failed: $now"' EXIT

# library NAME: an archive of the C files given as pairs of name and text
library() {
    lib=$tmp/lib$1.a
    rm -f "$lib"
    shift
    while [ $# -gt 0 ]; do
        printf '%s\n' "$2" > "$tmp/$1"
        "${CC:-cc}" -O2 -c "$tmp/$1" -o "$tmp/$1.o"
        "${AR:-ar}" rc "$lib" "$tmp/$1.o"
        shift 2
    done
}
look() { "${CMAKE:-cmake}" -DNM="${NM:-nm}" -Daklint_core="$lib" -P "$root/cmake/purity.cmake" 2>"$tmp/stderr"; }
refused() { if look; then echo "was accepted"; exit 1; fi; grep -qF "$1" "$tmp/stderr" || { cat "$tmp/stderr"; exit 1; }; }

step "memory, strings and the library's own"
library core a.c '#include <stdlib.h>
char *copy(const char *s); char *twice(const char *s) { return s ? copy(s) : malloc(3); }' b.c '#include <string.h>
char *copy(const char *s) { return strdup(s); }'
look

step "a clock"
library core a.c '#include <time.h>
long now(void) { return time(0); }'
refused "aklint_core: a.c.o refers to time"

step "a file"
library core a.c '#include <stdio.h>
int say(void) { return puts("x"); }'
refused "aklint_core: a.c.o refers to puts"

step "the environment of the process"
library core a.c 'extern char **environ; char *first(void) { return environ[0]; }'
refused "aklint_core: a.c.o refers to environ"

step "tree-sitter in grammar.c only"
library core grammar.c 'void ts_parser_new(void); void parse(void) { ts_parser_new(); }'
look
library core scope.c 'void ts_parser_new(void); void scope(void) { ts_parser_new(); }'
refused "aklint_core: scope.c.o refers to ts_parser_new"
rm -rf "$tmp"
