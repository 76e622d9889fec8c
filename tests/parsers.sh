#!/bin/sh
# The grammar alone, and the quick parser that asks it about single statements, give the same
# facts, to the last number, for every Python file of this repository and for a part of the
# standard library; and it is asked about little of it.
#
#     tests/parsers.sh FACTS_DUMP [FOLDER…]     these folders instead
set -eu
tool=$1
shift
root=$(cd "$(dirname "$0")/.." && pwd)
if [ $# = 0 ]; then
    library=$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
    set -- "$root/tests" "$root/examples" "$root/runtime" "$root/ak_runner.py" \
        "$library/asyncio" "$library/email" "$library/json" "$library/unittest" "$library/typing.py"
fi
result=$(find "$@" -name '*.py' -type f | LC_ALL=C sort | "$tool" --parsers) || { echo "$result"; exit 1; }
echo "$result" | tail -n 1
asked=$(echo "$result" | sed -n 's/.* \([0-9]*\)\.[0-9]* % asked.*/\1/p')
[ "$asked" -lt 2 ] || { echo "the quick parser asks too much"; exit 1; }
