#!/usr/bin/env bash
# Installs, upgrades, removes and purges a package, and looks at what is there after each step.
# It does so in a copy of this system that vanishes afterwards; it needs root, dpkg and overlayfs.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: $0 FILE.deb" >&2; exit 2; }
package=$(realpath "$1")

# A mount namespace of its own, so that nothing stays mounted, whatever happens.
if [ "${ROLLCALL_TEST_IN_NAMESPACE:-}" != yes ]; then
    exec env ROLLCALL_TEST_IN_NAMESPACE=yes unshare --mount --fork "$0" "$package"
fi
work=$(mktemp -d)
trap 'umount --recursive "$work"; rmdir "$work"' EXIT
mount -t tmpfs tmpfs "$work"
root=$work/root
mkdir "$work/upper" "$work/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/work" "$root"
for folder in proc dev; do mount --rbind "/$folder" "$root/$folder"; done
# A folder that is another mount is not in the copy.
mkdir -p "$root/tmp" "$root/run"
install -m 0644 "$package" "$root/tmp/rollcall.deb"

inside() { chroot "$root" /usr/bin/env -u CDPATH PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }
step() { printf '\n== %s\n' "$*"; }
fail() { echo "FAILED: $*" >&2; exit 1; }

# A path, its mode and its owner.
has() {
    local found
    found=$(inside stat -c '%a %U:%G' "$1") || fail "$1 is not there"
    [ "$found" = "$2" ] || fail "$1 is $found, and should be $2"
    printf '%-64s %s\n' "$1" "$found"
}
lacks() { ! inside test -e "$1" || fail "$1 is still there"; }
# All that the package or Rollcall could have left anywhere.
left() {
    inside find /bin /etc /lib /opt /run /sbin /srv /usr /var -xdev -iname '*rollcall*' \
        -not -path '/usr/src/*' -not -path '/var/lib/dpkg/info/*' | sort
}

step "before"
! inside getent passwd rollcall || fail "this system has a user rollcall already"
[ -z "$(left)" ] || fail "this system has files of Rollcall already: $(left)"

step "install"
inside dpkg --install /tmp/rollcall.deb
has /usr/bin/rollcall "755 root:root"
has /usr/lib/systemd/system/rollcall.service "644 root:root"
has /usr/lib/sysusers.d/rollcall.conf "644 root:root"
has /etc/rollcall "750 root:rollcall"
has /etc/rollcall/rollcall.yaml "640 root:rollcall"
has /usr/share/man/man1/rollcall.1.gz "644 root:root"
has /usr/share/bash-completion/completions/rollcall "644 root:root"
has /usr/share/zsh/vendor-completions/_rollcall "644 root:root"
has /usr/share/fish/vendor_completions.d/rollcall.fish "644 root:root"
has /usr/share/doc/rollcall/operations.md "644 root:root"
has /usr/share/doc/rollcall/copyright "644 root:root"
inside dpkg-query --show --showformat '${Conffiles}\n' rollcall | grep -q ' /etc/rollcall/rollcall.yaml ' \
    || fail "the configuration is no conffile"
[ "$(inside getent passwd rollcall | cut -d: -f6,7)" = /var/lib/rollcall:/usr/sbin/nologin ] \
    || fail "the user is not as it should be: $(inside getent passwd rollcall)"
inside systemctl is-enabled rollcall.service && fail "it is enabled before it was set up"
inside bash -n /usr/share/bash-completion/completions/rollcall
! inside rollcall demo --help >/dev/null 2>&1 || fail "the package has the simulator in it"

step "the service's own user checks the configuration"
inside runuser -u rollcall -- rollcall --version
inside runuser -u rollcall -- rollcall check
! inside runuser -u nobody -- rollcall check 2>/dev/null || fail "anybody can read the configuration"

step "set up, as an administrator does"
inside systemctl --quiet enable rollcall.service
inside sh -c 'umask 077; echo secret >/etc/rollcall/sentinelone.token'
inside sh -c 'echo "# mine" >>/etc/rollcall/rollcall.yaml'
# What the service leaves, as StateDirectory= makes it.
inside install -d -m 2750 -o rollcall -g rollcall /var/lib/rollcall
inside runuser -u rollcall -- touch /var/lib/rollcall/rollcall.db

step "upgrade: the configuration stays as it was edited, the service enabled"
inside dpkg --install /tmp/rollcall.deb
[ "$(inside tail -n 1 /etc/rollcall/rollcall.yaml)" = "# mine" ] || fail "the configuration was overwritten"
inside systemctl is-enabled rollcall.service

step "remove: configuration and state stay"
inside dpkg --remove rollcall
has /etc/rollcall/rollcall.yaml "640 root:rollcall"
has /etc/rollcall/sentinelone.token "600 root:root"
has /var/lib/rollcall/rollcall.db "644 rollcall:rollcall"
lacks /usr/bin/rollcall
lacks /etc/systemd/system/multi-user.target.wants/rollcall.service
left

step "purge: only the state stays, with the user that owns it"
inside dpkg --purge rollcall
stays=$(left)
echo "$stays"
[ "$stays" = $'/var/lib/rollcall\n/var/lib/rollcall/rollcall.db' ] || fail "something else stays"
inside getent passwd rollcall

step "purge without state: nothing stays"
inside dpkg --install /tmp/rollcall.deb
inside rm -r /var/lib/rollcall
inside dpkg --purge rollcall
[ -z "$(left)" ] || fail "something stays: $(left)"
! inside getent passwd rollcall || fail "the user stays"
! inside getent group rollcall || fail "the group stays"

step "passed"
