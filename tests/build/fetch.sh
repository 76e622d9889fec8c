#!/bin/sh
# third_party/fetch with packages of our own and no network: brings them once, refuses a changed
# byte, and leaves nothing half when it is stopped.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
tmp=${1:?folder to work in}
rm -rf "$tmp"
mkdir -p "$tmp/index" "$tmp/lists" "$tmp/goal"
export PIP_NO_INDEX=1 PIP_FIND_LINKS="$tmp/index" PIP_CONFIG_FILE=/dev/null
unset PYTHON || :
step() { now=$1; }
trap '[ $? = 0 ] || echo "fetch: failed: $now"' EXIT

# pack NAME FOLDER FILE TEXT: a source archive that would fail if anything in it were run.
pack() {
    mkdir -p "$tmp/pack/$2/$(dirname "$3")"
    printf '%s\n' "$4" > "$tmp/pack/$2/$3"
    printf 'Metadata-Version: 2.1\nName: %s\nVersion: %s\n' "$1" "${2##*-}" > "$tmp/pack/$2/PKG-INFO"
    printf '[build-system]\nrequires = ["setuptools>=62.4.0", "wheel"]\nbuild-backend = "setuptools.build_meta"\n' > "$tmp/pack/$2/pyproject.toml"
    echo 'raise SystemExit("setup.py was run")' > "$tmp/pack/$2/setup.py"
    tar -C "$tmp/pack" -czf "$tmp/index/$2.tar.gz" "$2"
    printf '%s==%s --hash=sha256:%s\n' "$1" "${2##*-}" "$(sha256sum < "$tmp/index/$2.tar.gz" | cut -c1-64)"
}
{
    pack tree-sitter tree-sitter-0.25.2 tree_sitter/core/lib/src/lib.c core
    pack tree-sitter-toml tree_sitter_toml-0.7.0 src/parser.c toml
    pack tree-sitter-python tree_sitter_python-0.25.0 src/parser.c python
} > "$tmp/lists/requirements.txt"
pack tree-sitter-python tree_sitter_python-0.23.6 src/scanner.c 'scanner old' > "$tmp/lists/scanner.txt"
echo 's/old/new/' > "$tmp/lists/scanner.sed"
echo "$(echo 'scanner new' | sha256sum | cut -c1-64)  tree-sitter-python/src/scanner.c" > "$tmp/lists/scanner.sha256"
fetch() { "$root/third_party/fetch" "$tmp/lists" "$tmp/goal/src"; }
refused() { if fetch 2>"$tmp/stderr"; then echo "was accepted"; exit 1; fi; }
only_src() { [ "$(ls -A "$tmp/goal")" = "$1" ] || { ls -A "$tmp/goal"; exit 1; }; }

step "a changed byte is refused"
cp "$tmp/index/tree_sitter_toml-0.7.0.tar.gz" "$tmp/good"
printf x >> "$tmp/index/tree_sitter_toml-0.7.0.tar.gz"
refused
grep -q 'DO NOT MATCH THE HASHES' "$tmp/stderr"
only_src ""
cp "$tmp/good" "$tmp/index/tree_sitter_toml-0.7.0.tar.gz"

step "stopped in the middle: nothing is left"
cat > "$tmp/stopped" <<'STOP'
#!/bin/sh
case "$*" in *--version) exit 0 ;; esac
for last; do :; done
mkdir -p "$last" && echo half > "$last/tree-sitter-0.25.2.tar.gz"
kill -TERM $PPID
STOP
chmod +x "$tmp/stopped"
if PYTHON="$tmp/stopped" fetch 2>/dev/null; then exit 1; fi
only_src ""

step "the sources come whole"
fetch
only_src src
[ "$(cat "$tmp/goal/src/tree-sitter/lib/src/lib.c")" = core ]
[ "$(cat "$tmp/goal/src/tree-sitter-python/src/parser.c")" = python ]
[ "$(cat "$tmp/goal/src/tree-sitter-python/src/scanner.c")" = "scanner new" ]
[ "$(cat "$tmp/goal/src/tree-sitter-toml/src/parser.c")" = toml ]

step "a second run asks nobody"
PYTHON=/nonexistent fetch

step "a list that changed is fetched anew, and a refusal keeps what was there"
echo 's/old/other/' > "$tmp/lists/scanner.sed"
refused
grep -q 'scanner.c is not what' "$tmp/stderr"
only_src src
[ "$(cat "$tmp/goal/src/tree-sitter-python/src/scanner.c")" = "scanner new" ]
echo 's/old/new/;s/x/y/' > "$tmp/lists/scanner.sed"
fetch
only_src src
rm -rf "$tmp"
