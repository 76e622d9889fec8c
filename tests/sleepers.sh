#!/bin/sh
# A server over 100,000 sleeping sessions (or as many as are named), each started by a request and put to sleep by its own process:
# how long the server takes to be ready, what it weighs then and while all wake, how late they are, and whether each ended once
# and with its own result. A quarter of an hour on two cores, as a process costs 4 ms of processor to start and as much to wake.
# usage: tests/sleepers.sh [HOW_MANY [SECONDS]]      SECONDS over which they fall due (300)
#        AK_BUILD: the folder of the ak to look at (build)
set -eu
cd "$(dirname "$0")/.."
export AK_SLEEPERS="${1:-100000}" AK_SPREAD="${2:-300}" AK_BUILD="${AK_BUILD:-$PWD/build}" AKLINT="${AKLINT:-$PWD/build/aklint}"
exec build/venv/bin/python -m pytest -q -s -p no:cacheprovider -p no:schemathesis --timeout 7200 tests/e2e/test_serve_sleepers.py
