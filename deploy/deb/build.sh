#!/usr/bin/env bash
# Builds the Debian package, and prints where it is. `build.sh release` builds faster than the profile `dist`.
set -euo pipefail
cd "$(dirname "$0")/../.."
profile=${1:-dist}

command -v cargo-deb >/dev/null || cargo install --locked cargo-deb
cargo build --locked --package daemon --no-default-features --profile "$profile"
built=$(cargo metadata --locked --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
rollcall=$built/$profile/rollcall

# What the binary says about itself; the manifest calls this folder target/release/deb, whatever the profile.
folder=$built/$profile/deb
rm -rf "$folder"
mkdir -p "$folder/man"
"$rollcall" man --folder "$folder/man"
gzip -9 --no-name "$folder"/man/*
gzip -9 --no-name <CHANGELOG.md >"$folder/changelog.gz"
for shell in bash zsh fish; do
    "$rollcall" completions "$shell" >"$folder/rollcall.$shell"
done

cargo deb --locked --package daemon --profile "$profile" --no-build
