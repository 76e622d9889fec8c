#!/bin/sh
# cmake/gen_rules.cmake: the list is in the order of ids and compiles; what is wrong stops it by name.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
tmp=${1:?folder to work in}
cmake=${CMAKE:-cmake}
rm -rf "$tmp"
mkdir -p "$tmp/rules"
step() { now=$1; }
trap '[ $? = 0 ] || echo "gen_rules: failed: $now"' EXIT

rule() {
    printf '#include "rule.h"\nconst AkRule ak_rule_%s = {"%s"};\n' "$1" "$1" > "$tmp/rules/$1_$2.c"
    mkdir -p "$tmp/tests/fixtures/$1"
    printf '%s' "$3" > "$tmp/tests/fixtures/$1/example.txtar"
}
generate() { "$cmake" -DROOT="$tmp" -DOUT="$tmp/registry.c" -P "$root/cmake/gen_rules.cmake" 2>"$tmp/stderr"; }
stops() { if generate; then echo "went through"; exit 1; fi; tr -s ' \n' ' ' < "$tmp/stderr" | grep -qF "$1" || { cat "$tmp/stderr"; exit 1; }; }

# Enough of rule.h for a list to compile against.
cat > "$tmp/rule.h" <<'H'
#include <stddef.h>
typedef struct AkRule { const char *id; } AkRule;
typedef struct AkRuleExample { const char *id; const unsigned char *text; size_t len; } AkRuleExample;
extern const AkRule *const ak__rules[];
extern const size_t ak__rule_len;
extern const AkRuleExample ak__rule_examples[];
extern const unsigned char ak__rules_head[];
extern const size_t ak__rules_head_len;
H
cat > "$tmp/main.c" <<'C'
#include "rule.h"
#include <stdio.h>
int main(void)
{
    for (size_t i = 0; i < ak__rule_len; i++)
        printf("%s %s %zu <%s>\n", ak__rules[i]->id, ak__rule_examples[i].id, ak__rule_examples[i].len,
               (const char *)ak__rule_examples[i].text);
    return ak__rules[ak__rule_len] != NULL;
}
C
run() {
    "${CC:-cc}" -std=c11 -Wall -Wextra -Wpedantic -Werror -I "$tmp" -o "$tmp/main" "$tmp/main.c" "$tmp/registry.c" "$@"
    "$tmp/main"
}

step "no rules"
generate
[ -z "$(run)" ]

step "rules in the order of their ids, examples byte by byte"
rule AK302 random 'a;b [x] ${y} \ "q" ü longer than one line of the list'
rule AK101 async_entry_point '-'
generate
[ "$(run "$tmp"/rules/*.c)" = 'AK101 AK101 1 <->
AK302 AK302 54 <a;b [x] ${y} \ "q" ü longer than one line of the list>' ]

step "a rule without an example"
rm "$tmp/tests/fixtures/AK101/example.txtar"
stops "rules/AK101_async_entry_point.c: a rule has an example"

step "an empty example"
rule AK101 async_entry_point ''
stops "tests/fixtures/AK101/example.txtar is empty"

step "two rules with one id"
rule AK101 async_entry_point '-'
rule AK101 other '-'
stops "rules/AK101_other.c: AK101 is taken by rules/AK101_async_entry_point.c"
rm "$tmp/rules/AK101_other.c"

step "a name that is none"
rule AK99 short '-'
stops "rules/AK99_short.c: a rule's file is called"
rm -rf "$tmp"
