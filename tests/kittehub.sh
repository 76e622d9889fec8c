#!/bin/sh
# Deploys the projects of a work tree of kittehub that need no account anywhere, unchanged, and sends them real requests.
# usage: tests/kittehub.sh FOLDER [AK]
# What the documented strictness refuses is shown, and deployed in dialect autokitteh with the rules of the refusal allowed.
set -eu
[ $# -ge 1 ] || { echo "usage: tests/kittehub.sh FOLDER [AK]" >&2; exit 2; }
hub=$(cd "$1" && pwd)
root=$(cd "$(dirname "$0")/.." && pwd)
ak=${2:-$root/build/ak}
state=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || :; wait 2>/dev/null || :; rm -rf "$state"' EXIT
export XDG_CONFIG_HOME="$state"
run() { "$ak" --data "$state" "$@"; }

# The projects' own requirements, in an environment of their own.
python3 -m venv "$state/venv"
"$state/venv/bin/python" -m pip install --quiet --disable-pip-version-check shortuuid requests
run config set run.python "$state/venv/bin/python3" > /dev/null
for project in quickstart walkthroughs/quickstart samples/sync_webhook samples/runtime_events samples/http tictactoe; do
    [ -d "$hub/$project" ] || { echo "$hub/$project is not there" >&2; exit 2; }
    # Both quickstarts bear one name: the second would replace the first.
    target=$state
    [ "$project" != walkthroughs/quickstart ] || target=$state/second
    printf '%s: ' "$project"
    if "$ak" --data "$target" deploy "$hub/$project" > "$state/out" 2>&1; then
        echo "passes"
        continue
    fi
    rules=$(grep -o 'error AK[0-9]*' "$state/out" | sort -u | cut -d' ' -f2)
    echo "refused by" $rules
    grep ' error ' "$state/out" | sed 's/^/    /'
    set -- "$hub/$project" --dialect autokitteh
    for rule in $rules; do set -- "$@" --allow "$rule" --reason "works on the hosted service"; done
    "$ak" --data "$target" deploy "$@" > "$state/out" 2>&1 || { cat "$state/out"; exit 1; }
    echo "    deployed in dialect autokitteh"
done
"$ak" --data "$state" serve --listen 127.0.0.1:0 --quiet > "$state/serving" &
server=$!
tries=0
until url=$(sed -n 's/^ak: serving on //p' "$state/serving") && [ -n "$url" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { echo "the server did not start" >&2; exit 1; }
    sleep 0.1
done
run trigger list --json > "$state/triggers"
python3 "$root/tests/kittehub_requests.py" "$url" "$state/triggers" "$ak" "$state"
