#!/bin/sh
# versions.sh [ROOTS]: runs the runner's tests on every Python 3.9 or later that is found on PATH; with a folder, also in minimal
# Debian roots made there (bullseye 3.9, bookworm 3.11, trixie 3.13, forky 3.14 and later). Needs no installed package but, for the
# roots, debootstrap and root. Each suite is bounded in time.
set -u
here=$(cd "$(dirname "$0")" && pwd)
tree=$(cd "$here/../.." && pwd)
failed=0
seen=

suite() {   # a name, then the command that starts Python
    name=$1
    shift
    printf '%-40s ' "$name"
    log=$(mktemp)
    if (cd "$here" && timeout 900 "$@" -m unittest -q test_protocol test_rewrite test_record test_values test_async test_packages test_host test_docs test_holes) \
        >"$log" 2>&1; then
        grep '^Ran ' "$log"
    else
        echo FAILED
        cat "$log"
        failed=1
    fi
    rm -f "$log"
}

supported() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null
}

on_path() {
    old=$IFS
    IFS=:
    for folder in $PATH; do
        IFS=$old
        for python in "$folder"/python3 "$folder"/python3.[0-9] "$folder"/python3.[0-9][0-9]; do
            [ -x "$python" ] && supported "$python" || continue
            real=$("$python" -c 'import os, sys; print(os.path.realpath(sys.executable))')
            case " $seen " in *" $real "*) continue ;; esac
            seen="$seen $real"
            suite "$("$python" -c 'import platform; print(platform.python_implementation(), platform.python_version())') on PATH" "$python"
        done
    done
    IFS=$old
}

in_root() {     # a suite of Debian, packages
    root=$roots/$1
    if [ ! -x "$root/usr/bin/env" ]; then
        # A suite newer than this machine's debootstrap is laid out as sid is; the mirror is the one this machine uses.
        script=/usr/share/debootstrap/scripts/$1
        [ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid
        mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1)
        debootstrap --variant=minbase --include="$2" "$1" "$root" "$mirror" "$script" >"$roots/$1.log" 2>&1 || {
            echo "$1: debootstrap failed, see $roots/$1.log"
            failed=1
            return
        }
    fi
    newest='python3\.1[5-9]$'
    more=$(chroot "$root" apt-cache pkgnames python3. | grep "$newest")
    [ -z "$more" ] || chroot "$root" apt-get install -qqy --no-install-recommends $more >>"$roots/$1.log" 2>&1
    rm -rf "$root/tree"
    mkdir -p "$root/tree/tests"
    cp -r "$tree/ak_runner.py" "$tree/runtime" "$tree/docs" "$root/tree/"
    cp -r "$here" "$root/tree/tests/runner"
    for python in "$root"/usr/bin/python3.[0-9] "$root"/usr/bin/python3.[0-9][0-9]; do
        [ -x "$python" ] || continue
        inside=${python#"$root"}
        suite "$(chroot "$root" "$inside" -V) in $1" chroot "$root" /bin/sh -c 'cd /tree/tests/runner && exec "$0" "$@"' "$inside"
    done
}

[ -n "${AK_ROOTS_ONLY:-}" ] || on_path
if [ $# -gt 0 ]; then
    mkdir -p "$1"
    roots=$(cd "$1" && pwd)
    in_root bullseye python3
    in_root bookworm python3
    in_root trixie python3
    in_root forky python3-all
fi
exit $failed
