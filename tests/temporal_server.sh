#!/bin/sh
# Prints the path of a Temporal server to test against: a `temporal` on PATH (or TEMPORAL_SERVER names it), else
# one built from the Go module proxy at a pinned version, once; about two minutes, kept in the user's cache.
# It needs Go 1.21 or later, which fetches the toolchain that the server asks for by itself. Exit 77: none can be had.
set -eu
version=v1.5.1 # of the command line; the server inside is 1.29.1. Later tags carry a `replace` that `go install` refuses.

say() { printf 'temporal_server: %s\n' "$*" >&2; }

if [ -n "${TEMPORAL_SERVER:-}" ]; then
    [ -x "$TEMPORAL_SERVER" ] || { say "TEMPORAL_SERVER: $TEMPORAL_SERVER cannot be run"; exit 1; }
    echo "$TEMPORAL_SERVER"
    exit
fi
if command -v temporal >/dev/null 2>&1; then
    command -v temporal
    exit
fi
folder=${XDG_CACHE_HOME:-$HOME/.cache}/ak-tests/temporal-$version
if [ ! -x "$folder/temporal" ]; then
    command -v go >/dev/null 2>&1 || { say "no temporal on PATH, and no Go to build one with (bookworm-backports has golang-1.23)"; exit 77; }
    [ "$(go env GOPROXY)" != off ] || { say "no temporal on PATH, and Go may not fetch one (GOPROXY=off)"; exit 77; }
    mkdir -p "$folder"
    say "building the server once, into $folder (about two minutes) ..."
    # GOTOOLCHAIN=local would refuse what the server's go.mod asks for where the installed Go is older.
    toolchain=$(go env GOTOOLCHAIN)
    [ "$(printf '%s\n' go1.25 "$(go env GOVERSION)" | sort -V | head -n 1)" = go1.25 ] || toolchain=auto
    GOTOOLCHAIN=$toolchain GOFLAGS=-trimpath GOBIN=$folder/new go install -ldflags='-s -w' \
        "github.com/temporalio/cli/cmd/temporal@$version" >"$folder/log" 2>&1 || {
        tail -n 5 "$folder/log" >&2
        say "it could not be built (all of it: $folder/log)"
        exit 77
    }
    mv "$folder/new/temporal" "$folder/temporal"
fi
echo "$folder/temporal"
