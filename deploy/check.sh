#!/usr/bin/env bash
# Checks the unit with systemd's own tools: no directive that systemd does not know, and an exposure of at most 1.5.
set -euo pipefail
cd "$(dirname "$0")/systemd"

# `verify` wants what the unit starts to be there, so it gets a root folder with stand-ins.
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
for program in /usr/bin/rollcall /bin/kill; do
    install -D -m 0755 /dev/stdin "$root$program" <<<'#!/bin/sh'
done
install -D -m 0644 rollcall.service "$root/usr/lib/systemd/system/rollcall.service"
# The targets that it names, and those that every service depends on.
for target in basic sysinit shutdown multi-user network-online time-sync; do
    printf '[Unit]\nDescription=%s\n' "$target" >"$root/usr/lib/systemd/system/$target.target"
done

said=$(systemd-analyze verify --root="$root" --man=no --recursive-errors=yes rollcall.service 2>&1) || {
    echo "systemd-analyze verify: $said" >&2
    exit 1
}
[ -z "$said" ] || { echo "systemd-analyze verify: $said" >&2; exit 1; }

# Tenths: 15 is 1.5.
systemd-analyze security --offline=true --no-pager --threshold=15 rollcall.service
