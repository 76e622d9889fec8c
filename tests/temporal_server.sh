#!/bin/sh
# Prints the path of a Temporal server to test against: a `temporal` on PATH (or TEMPORAL_SERVER names it), else
# one built from the Go module proxy at a pinned version, once, and kept in the user's cache.
# It needs Go 1.21 or later, on PATH or where Debian's packages put it; that Go fetches the toolchain that the server asks for by itself,
# from the same proxy. Exit 77: none can be had.
#
#   tests/temporal_server.sh --lacks      prints "go" when it is Go alone that is missing; fetches and builds nothing
set -eu
version=v1.5.1 # of the command line; the server inside is 1.29.1. Later tags carry a `replace` that `go install` refuses.
oldest=go1.21

say() { printf 'temporal_server: %s\n' "$*" >&2; }
at_least() { [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

find_go() { # the first that is new enough
    for go in "$(command -v go || :)" $(ls -d /usr/lib/go-1.*/bin/go /usr/local/go/bin/go 2>/dev/null | sort -rV); do
        [ -x "$go" ] && at_least "$oldest" "$(GOTOOLCHAIN=local "$go" env GOVERSION 2>/dev/null || echo 0)" && echo "$go" && return
    done
    return 1
}

folder=${XDG_CACHE_HOME:-$HOME/.cache}/ak-tests/temporal-$version
if [ -n "${TEMPORAL_SERVER:-}" ]; then
    found=$TEMPORAL_SERVER
    [ -x "$found" ] || { say "TEMPORAL_SERVER: $found cannot be run"; exit 1; }
elif found=$(command -v temporal); then
    :
else
    found=$folder/temporal
fi
if [ "${1:-}" = --lacks ]; then
    [ -x "$found" ] || find_go >/dev/null || echo go
    exit
fi
if [ -x "$found" ]; then
    echo "$found"
    exit
fi

go=$(find_go) || { say "no temporal on PATH, and no Go 1.21 or later to build one with"; exit 77; }
[ "$("$go" env GOPROXY)" != off ] || { say "no temporal on PATH, and Go may not fetch one (GOPROXY=off)"; exit 77; }
mkdir -p "$folder"
# One at a time: who waited finds what the other has built.
exec 9>"$folder/lock"
if command -v flock >/dev/null 2>&1; then flock 9; fi
if [ ! -x "$folder/temporal" ]; then
    say "building the server once, into $folder (some minutes) ..."
    begun=$(date +%s)
    # GOTOOLCHAIN=local would refuse what the server's go.mod asks for where the installed Go is older.
    toolchain=$("$go" env GOTOOLCHAIN)
    at_least go1.25 "$("$go" env GOVERSION)" || toolchain=auto
    GOTOOLCHAIN=$toolchain GOFLAGS=-trimpath GOBIN=$folder/new "$go" install -ldflags='-s -w' \
        "github.com/temporalio/cli/cmd/temporal@$version" >"$folder/log" 2>&1 9>&- || {
        tail -n 5 "$folder/log" >&2
        say "it could not be built (all of it: $folder/log)"
        exit 77
    }
    mv "$folder/new/temporal" "$folder/temporal"
    say "built in $(($(date +%s) - begun)) s"
fi
echo "$folder/temporal"
