#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Checks what the crate promises of itself, and prints KTAP: that it needs no standard
# library, that its documentation builds without a warning, that the oldest compiler
# named in Cargo.toml takes it and the command.
#
#   userspace/check.sh [RUST_DIR]
#
# RUST_DIR is where that compiler was unpacked (qemu/install.sh test does it).
set -euo pipefail
cd "$(dirname "$0")"
log=$(mktemp)
core=$(mktemp -d)
trap 'rm -rf "$log" "$core"' EXIT

number=0
result() { # ok|not NAME: with the log where it is not
	number=$((number + 1))
	[ "$1" = ok ] || sed 's/^/# /' "$log"
	echo "${1/not/not ok} $number $2"
	failed=${failed:-}${1/ok/}
}
run() { # NAME COMMAND...
	if "${@:2}" >"$log" 2>&1; then result ok "$1"; else result not "$1"; fi
}

echo "KTAP version 1"
echo "1..4"

# A sysroot with core and alloc alone: whatever names std, in the crate or in what it
# depends on, does not find it. As strong as a target that has no std, and needs none
# to be installed. Flags for a named target do not reach procedural macros, which need std.
target=$(rustc -vV | sed -n 's/^host: //p')
libraries=lib/rustlib/$target/lib
mkdir -p "$core/$libraries"
for crate in core alloc compiler_builtins; do
	ln -s "$(rustc --print sysroot)/$libraries/lib$crate"-*.r* "$core/$libraries"
done
without_std() {
	CARGO_ENCODED_RUSTFLAGS="--sysroot=$core" cargo check --quiet --locked --target "$target" \
		--target-dir "${CARGO_TARGET_DIR:-target}/no-std" -p kallmodsyms "$@"
}
without_any_std() {
	without_std --no-default-features && without_std --no-default-features --features elf
}
run "no_std: the library and what it depends on build with core and alloc alone" without_any_std
if ! without_std --features std >"$log" 2>&1 && grep -q "can't find crate for .std." "$log"; then
	result ok "no_std: with the feature std they do not"
else
	result not "no_std: with the feature std they do not"
fi

run "doc: no warnings" env RUSTDOCFLAGS="-D warnings" \
	cargo doc --quiet --locked --no-deps --all-features -p kallmodsyms

msrv=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
name="msrv: Rust $msrv builds the library and the command"
if [ -n "${1:-}" ] && [ -x "$1/usr/bin/rustc" ]; then
	# With the cargo of the day, which also refuses dependencies that say they need a later compiler.
	with_msrv() {
		local -x RUSTC=$1/usr/bin/rustc LD_LIBRARY_PATH=$1/usr/lib/x86_64-linux-gnu
		"$RUSTC" -V | grep "^rustc ${msrv}[.]" &&
			cargo check --quiet --locked --all-features -p kallmodsyms -p kallmodsyms-cli \
				--target-dir "${CARGO_TARGET_DIR:-target}/rust-$msrv"
	}
	run "$name" with_msrv "$1"
else
	number=$((number + 1))
	echo "ok $number $name # SKIP no such compiler (qemu/install.sh test says why; it needs Debian 12's packages)"
fi
[ -z "$failed" ]
