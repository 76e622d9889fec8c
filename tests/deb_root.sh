#!/bin/sh
# Proof that the Debian packages stand alone: a fresh root with nothing in it but what they depend on, and in it
# what README.md says, block by block (tests/readme.py): both packages installed by apt, a project linted, another one
# made, tested, deployed and served, a webhook, the page, the session's log. Then they go, and leave nothing.
#
#   tests/deb_root.sh [FOLDER]     as root; the packages lie in FOLDER (build/deb), made by ./dev deb
#
# A minute or two, most of it debootstrap. The fresh root lies in memory where there is room, else below TMPDIR, and is
# removed however this ends.
set -eu
# dpkg asks the disk for each file.
room=$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1) || :
[ "${room:-0}" -lt 2000000 ] || TMPDIR=/dev/shm
# shellcheck source=tests/fresh_root.sh
. "$(dirname "$0")/fresh_root.sh"
packages=${1:-$repository/build/deb}
for name in ak aklint libaklint-dev; do
    [ "$(ls "$packages/${name}"_*.deb 2>/dev/null | wc -l)" = 1 ] || fail "no package $name in $packages; ./dev deb makes it"
done

# The names alone: whether the versions fit is for dpkg to say.
depends=$(for deb in "$packages"/*.deb; do dpkg-deb -f "$deb" Depends; done | tr ',|' '\n\n' | sed 's/(.*//; s/ //g' |
    grep -v '^aklint$' | grep . | sort -u | paste -sd,),curl
bootstrap 800 "$own" --include="$depends"
mounted_in
inside() { env -i HOME=/root LC_ALL=C.UTF-8 PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin timeout --foreground -k 10 180 chroot "$fresh" "$@"; }

for tool in cc cmake python3; do
    if inside sh -c "command -v $tool" >/dev/null; then fail "$tool is in a root that was to be bare"; fi
done
# What stands for the clone: its packages are made, and whoever runs this is root.
mkdir -p "$fresh/srv/clone/build/deb" "$fresh/srv/out"
cp "$packages"/*.deb "$fresh/srv/clone/build/deb/"
printf '#!/bin/sh\n[ "$*" = deb ]\n' >"$fresh/srv/clone/dev"
printf '#!/bin/sh\nexec "$@"\n' >"$fresh/usr/local/bin/sudo"
chmod +x "$fresh/srv/clone/dev" "$fresh/usr/local/bin/sudo"
printf 'APT::Get::Assume-Yes "true";\nAPT::Install-Recommends "false";\nAPT::Sandbox::User "root";\n' >"$fresh/etc/apt/apt.conf.d/90unattended"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
readme() { # script to run, who
    python3 "$repository/tests/readme.py" script "$@" >"$fresh/srv/readme.sh"
    [ ! -f "$work/more.sh" ] || cat "$work/more.sh" >>"$fresh/srv/readme.sh"
    inside sh -c "cd /srv/clone && OUT=/srv/out PORT=$port DEBIAN_FRONTEND=noninteractive exec sh /srv/readme.sh" ||
        fail "what README.md says does not work"
    python3 "$repository/tests/readme.py" compare "$fresh/srv/out" "$@" >&2 || fail "README.md shows something else"
}

step "README.md: install"
readme deb
inside sh -c 'dpkg -i /srv/clone/build/deb/libaklint-dev*.deb' >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log" >&2; fail "dpkg refused the library"; }
inside getent passwd ak >/dev/null || fail "the service's user is not there"
rm "$fresh"/srv/clone/build/deb/*.deb
inside ak config set serve.listen "127.0.0.1:$port"

step "README.md: lint, deploy, serve"
cat >"$work/more.sh" <<'INSIDE'
# After README.md's last block, the server still running.
block=more
exec 2>"$OUT/more"
set -x
here=http://127.0.0.1:$PORT
curl -fsS "$here/" >/srv/page.html
grep -qi '<html' /srv/page.html
files=0
for file in $(grep -oE '(src|href)="[^"#]+"' /srv/page.html | sed 's/.*="//; s/"$//; s,^/,,' | grep -v :); do
    curl -fsS "$here/$file" | grep -q .
    files=$((files + 1))
done
[ "$files" -gt 0 ]
curl -fsS "$here/healthz" | grep -q .
curl -fsS "$here/metrics" | grep -q ^ak_
ak session watch last >/dev/null
ak session get last --json | grep -qi '"state": *"completed"'
for file in man/man1/ak.1.gz man/man1/ak-serve.1.gz man/man1/aklint.1.gz bash-completion/completions/ak zsh/site-functions/_ak \
    fish/vendor_completions.d/ak.fish doc/ak/copyright doc/aklint/copyright ak/python/autokitteh/__init__.py; do
    # A minimal root may leave documentation out when it installs.
    [ -e "/usr/share/$file" ] || grep -qr 'path-exclude' /etc/dpkg/dpkg.cfg.d
done
kill $background
wait $background
background=
set +x
exec 2>&9
echo "   the page: $(wc -c </srv/page.html) bytes and $files files of its own; the session's log:"
ak session log last
INSIDE
readme '' background

step "systemd-analyze verify"
if command -v systemd-analyze >/dev/null; then
    # The unit as it is installed, its program as it is installed; what it orders itself after is the machine's.
    verify=$work/verify
    mkdir -p "$verify"
    sed "s|^ExecStart=/usr/bin/ak|ExecStart=$fresh/usr/bin/ak|" "$fresh/usr/lib/systemd/system/ak.service" >"$verify/ak.service"
    cp "$fresh/usr/lib/systemd/system/ak.socket" "$verify/"
    systemd-analyze verify --man=no "$verify/ak.service" "$verify/ak.socket" 2>"$work/verify.txt" || { cat "$work/verify.txt" >&2; fail "the unit is not as systemd wants it"; }
    if grep 'ak[.]s' "$work/verify.txt" >&2; then fail "the unit is not as systemd wants it"; fi
    systemd-analyze security --offline=yes --threshold=50 "$verify/ak.service" >"$work/security.txt" 2>/dev/null || fail "the unit exposes too much"
    tail -n 1 "$work/security.txt"
else
    [ "${AK_REQUIRE_ALL:-}" != 1 ] || fail "needs systemd-analyze"
    echo "no systemd-analyze here: the unit was not looked at"
fi

step "dpkg -P"
inside dpkg -P ak aklint libaklint-dev >"$work/purge.log" 2>&1 || { cat "$work/purge.log" >&2; fail "they cannot be removed"; }
left=$(cd "$fresh" && find etc usr/bin usr/lib/systemd usr/share -path '*/ak*' 2>/dev/null | grep -v akr || :)
[ -z "$left" ] || fail "left behind: $left"
printf 'deb_root: %s: installed, used and removed in %s s\n' "$own" "$(($(date +%s) - begun))"
