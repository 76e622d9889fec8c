#!/bin/sh
# Where the grammars come from: folders that are given, installed libraries that are new enough, and
# the pinned sources else. Configures the project; builds and fetches nothing.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
tmp=${1:?folder to work in}
rm -rf "$tmp"
mkdir -p "$tmp/pc" "$tmp/lib"
step() { now=$1; }
trap '[ $? = 0 ] || { echo "grammars: failed: $now"; cat "$tmp/log"; }' EXIT

configure() {
    rm -rf "$tmp/build"
    PKG_CONFIG_PATH=$tmp/pc:${PKG_CONFIG_PATH:-} "${CMAKE:-cmake}" -G Ninja -S "$root" -B "$tmp/build" \
        -DBUILD_TESTING=OFF -DAK_RUNTIME=OFF -DAK_LTO=OFF "$@" >"$tmp/log" 2>&1
}
installed() { # name, version
    "${AR:-ar}" rc "$tmp/lib/lib$1.a"
    printf 'Name: %s\nDescription: none\nVersion: %s\nLibs: -L%s -l%s\n' "$1" "$2" "$tmp/lib" "$1" > "$tmp/pc/$1.pc"
}
uses() { grep -q -- "$1" "$tmp/build/build.ninja"; }

step "the pinned sources"
configure -DAK_SYSTEM_TREE_SITTER=OFF
uses third_party/src/tree-sitter/lib/src/lib.c
uses third_party/src/tree-sitter-python/src/scanner.c

step "folders that are given"
cp -R "$root/third_party/src/tree-sitter-python" "$tmp/given"
configure -DTREE_SITTER_PYTHON_DIR="$tmp/given" -DAK_SYSTEM_TREE_SITTER=OFF
uses "$tmp/given/src/parser.c"
uses third_party/src/tree-sitter/lib/src/lib.c

step "a folder that holds something else is refused by the name of its option"
if configure -DTREE_SITTER_TOML_DIR="$tmp/lib"; then exit 1; fi
tr -s ' \n' ' ' < "$tmp/log" | grep -q 'TREE_SITTER_TOML_DIR: .* holds no src/parser.c'

step "an installed library that is too old is not taken"
installed tree-sitter 0.24.9
configure
uses third_party/src/tree-sitter/lib/src/lib.c

step "an installed library that is new enough is taken"
installed tree-sitter 0.25.1
configure
grep -q 'tree-sitter 0.25.1: the installed library' "$tmp/log"
if uses third_party/src/tree-sitter/lib/src/lib.c; then exit 1; fi
uses third_party/src/tree-sitter-python/src/parser.c

step "unless the pinned one is asked for"
configure -DAK_SYSTEM_TREE_SITTER=OFF
uses third_party/src/tree-sitter/lib/src/lib.c
rm -rf "$tmp"
