#!/bin/sh
# Proof that ./dev demo needs a shell and a package manager only: a fresh root with nothing in it,
# the configuration of this machine's package clients, and a clean clone. The demo runs twice, the
# second time without a network.
#
#   tests/bare_root.sh [SUITE]     as root; SUITE is the machine's own by default
#
# Takes one to two minutes, most of it debootstrap and apt-get. The fresh root is below TMPDIR and is removed,
# with its mounts, however this ends.
set -eu
# shellcheck source=tests/fresh_root.sh
. "$(dirname "$0")/fresh_root.sh"
suite=${1:-$own}
bootstrap 300 "$suite"

# The package clients' configuration, wherever they say it lies, and nothing else.
give() {
    for path in "$@"; do
        [ -e "$path" ] || continue
        mkdir -p "$fresh$(dirname "$path")"
        rm -rf "$fresh$path"
        cp -aL "$path" "$fresh$path"
    done
}
give /etc/resolv.conf /etc/hosts /etc/ssl/certs /usr/local/share/ca-certificates
give /etc/apt/apt.conf /etc/apt/apt.conf.d /etc/apt/auth.conf /etc/apt/auth.conf.d /etc/apt/keyrings /etc/apt/trusted.gpg \
    /etc/apt/trusted.gpg.d /etc/apt/preferences.d
if [ "$suite" = "$own" ]; then
    give /etc/apt/sources.list /etc/apt/sources.list.d
    # Keys that a source names by path.
    signed=$(grep -rhoiE 'signed-by *[:=] *[^] ]+' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null |
        sed 's/^[^:=]*[:=] *//' | tr ',' '\n' | grep '^/' | sort -u) || :
    # shellcheck disable=SC2086
    give $signed
else
    rm -rf "$fresh/etc/apt/sources.list.d" && mkdir -p "$fresh/etc/apt/sources.list.d"
    printf 'deb %s %s main\n' "$archive" "$suite" > "$fresh/etc/apt/sources.list"
fi
# Hooks run programs that are not there.
grep -lrE '(Pre|Post)-Invoke' "$fresh/etc/apt/apt.conf.d" 2>/dev/null | xargs -r rm -f
give /etc/pip.conf /etc/xdg/pip/pip.conf "${XDG_CONFIG_HOME:-$HOME/.config}/pip/pip.conf" "$HOME/.pip/pip.conf"
# Settings of the clients that stand in the environment; a certificate they name comes along.
settings=$(env | grep -iE '^(pip_[a-z_]*|[a-z]*_proxy|ssl_cert_(file|dir)|requests_ca_bundle|curl_ca_bundle)=' | grep -v '^PIP_FIND_LINKS=') || :
certificates=$(printf '%s\n' "$settings" | sed -n 's/^[A-Za-z_]*=\(\/.*\)$/\1/p' | sort -u)
# shellcheck disable=SC2086
give $certificates
printf '%s\n' "$settings" | grep . | sed "s/'/'\\\\''/g; s/^\([A-Za-z_]*\)=\(.*\)$/export \1='\2'/" > "$fresh/settings.sh" || :

git clone -q --no-hardlinks "$repository" "$fresh/home/project"
mounted_in

demo='. /settings.sh; unset CC; cd /home/project && ./dev demo'
here="env -i HOME=/root TERM=dumb PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot $fresh /bin/sh -c"

for tool in cc gcc make cmake python3 git; do
    chroot "$fresh" /bin/sh -c "command -v $tool" >/dev/null && fail "$tool is in a root that was to be bare"
done
step "./dev demo, from nothing"
first=$(date +%s)
# shellcheck disable=SC2086
timeout --foreground -k 10 480 $here "$demo" </dev/null
first=$(($(date +%s) - first))

step "./dev demo again, without a network"
rm -f "$fresh/etc/resolv.conf"
cut=''
# The loopback stays: the demo speaks to a server of its own there.
loopback_only() {
    unshare -n python3 -c '
import fcntl, os, socket, struct, sys
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh14x", b"lo", 0x49))  # SIOCSIFFLAGS: up, running
os.execvp(sys.argv[1], sys.argv[1:])' "$@"
}
if loopback_only true 2>/dev/null; then
    cut=loopback_only
else
    echo "no network namespaces here: without names and with proxies that lead nowhere instead"
    for scheme in http https HTTP HTTPS; do echo "export ${scheme}_proxy=http://127.0.0.1:9 ${scheme}_PROXY=http://127.0.0.1:9"; done >> "$fresh/settings.sh"
fi
again=$(date +%s)
# shellcheck disable=SC2086
$cut timeout --foreground -k 10 60 $here "$demo" </dev/null
again=$(($(date +%s) - again))
[ "$again" -le 20 ] || fail "the second ./dev demo took $again s"
chroot "$fresh" dpkg-query -f '.\n' -W | wc -l | xargs printf 'packages in the root now: %s\n'
printf 'bare_root: %s: from nothing %s s, again without a network %s s\n' "$suite" "$first" "$again"
