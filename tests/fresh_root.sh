# shellcheck shell=sh
# Sourced by scripts that prove something in a fresh root (bare_root.sh, deb_root.sh). It lies below TMPDIR and is removed,
# with its mounts, however they end. Sets repository, own (this machine's suite), archive (the first one that its apt
# reads), work (a folder) and fresh (the root in it); gives fail, step, bootstrap and mounted_in.
me=$(basename "$0" .sh)
repository=$(cd "$(dirname "$0")/.." && pwd)

fail() {
    printf '%s: %s\n' "$me" "$*" >&2
    exit 1
}
[ "$(id -u)" = 0 ] || fail "needs root (debootstrap, chroot)"
command -v debootstrap >/dev/null || fail "needs debootstrap"

# shellcheck disable=SC1091
own=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1)
[ -n "$archive" ] || fail "apt-get of this machine has no source"

work=$(mktemp -d "${TMPDIR:-/tmp}/ak-root.XXXXXX")
fresh=$work/root
clean() {
    for mounted in dev proc; do
        if mountpoint -q "$fresh/$mounted" 2>/dev/null; then umount -l "$fresh/$mounted" || :; fi
    done
    # What could not be unmounted must not be deleted through.
    if grep -q " $fresh/" /proc/mounts; then
        echo "$me: still mounted below $fresh, left there" >&2
    else
        rm -rf --one-file-system "$work"
    fi
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

begun=$(date +%s)
step() { printf '== %s (%s s)\n' "$1" "$(($(date +%s) - begun))"; }

bootstrap() { # seconds, suite, further options of debootstrap
    limit=$1 what=$2
    shift 2
    step "debootstrap: $what, minbase $*"
    timeout --foreground -k 10 "$limit" debootstrap --variant=minbase "$@" "$what" "$fresh" "$archive" >"$work/debootstrap.log" 2>&1 ||
        { tail -n 20 "$work/debootstrap.log" >&2; fail "debootstrap failed"; }
}

# A container may forbid mounts; the root does without them.
mounted_in() {
    mkdir -p "$fresh/proc" "$fresh/dev"
    mount -t proc proc "$fresh/proc" 2>/dev/null || echo "no /proc in there"
    mount --bind /dev "$fresh/dev" 2>/dev/null || echo "no /dev but debootstrap's in there"
}
