#!/bin/sh
# A server over 100,000 sleeping sessions (or as many as are named): how long it takes to be ready, what it
# weighs, how late those are that wake. Half an hour, most of it for putting them to sleep.
# usage: tests/sleepers.sh [HOW_MANY]      AK_BUILD: the folder of the ak to look at (build)
set -eu
cd "$(dirname "$0")/.."
export AK_SLEEPERS="${1:-100000}" AK_WAKE=100 AK_BUILD="${AK_BUILD:-$PWD/build}" AKLINT="${AKLINT:-$PWD/build/aklint}"
exec build/venv/bin/python -m pytest -q -s -p no:cacheprovider -p no:schemathesis --timeout 7200 tests/e2e/test_serve_sleepers.py
