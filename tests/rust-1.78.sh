#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Builds the Rust of the series with 1.78, the oldest that Linux 6.12 promises to build with,
# where qemu/install.sh could fetch that; tests the decoder with it, and on 32 bits; and looks for
# what the language has gained since. (What the library has is for clippy, which reads 1.78 in
# kmod/Cargo.toml.) KTAP.
set -euo pipefail
# shellcheck source=linux-patch/lib.sh
. "$(dirname "$0")/../linux-patch/lib.sh"
new=$cache/tools/rustup/toolchains/1.78.0-x86_64-unknown-linux-gnu
bindgen=$cache/tools/bindgen-0.65.1/bin/bindgen
old=$cache/tools/rust-1.85
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

number=0
failed=
run() { # NAME COMMAND...
	number=$((number + 1))
	if "${@:2}" >"$work/log" 2>&1; then
		grep '^# ' "$work/log" || true
		echo "ok $number $1"
	else
		failed=1
		tail -n 30 "$work/log" | sed 's/^/# /'
		echo "not ok $number $1"
	fi
}
skip() { # NAME WHY
	number=$((number + 1))
	echo "ok $number $1 # SKIP $2 (qemu/install.sh test says why)"
}

decoder() { # RUSTC VERSION [OPTION...]: its tests, built by that compiler
	local -x LD_LIBRARY_PATH=$old/usr/lib/x86_64-linux-gnu # 1.85 is unpacked, not installed
	"$1" -V | grep "^rustc $2[.]" &&
		"$1" --edition 2021 -D warnings --test -o "$work/tests" "${@:3}" "$top/kmod/src/lib.rs" &&
		"$work/tests"
}

on_32_bits() {
	local gcc=$old/usr/lib/gcc/i686-linux-gnu/12 libc=$old/usr/lib/i386-linux-gnu
	decoder "$old/usr/bin/rustc" 1.85 --target i686-unknown-linux-gnu -C target-feature=+crt-static \
		-C link-arg=-B"$gcc" -C link-arg=-B"$libc" -L"$gcc" -L"$libc" && file -L "$work/tests" | grep 'ELF 32-bit'
}

# The kernel crate, the examples in it, and the component.
kernel() {
	locate
	lock "$tree"
	local out=$tree/build-rust-1.78
	sed 's/^# \(CONFIG_KALLMODSYMS\) is not set/\1=y\nCONFIG_KUNIT=y\nCONFIG_RUST_KERNEL_DOCTESTS=y/' \
		"$top/qemu/config/off.config" >"$work/config"
	mkdir -p "$out" "$CCACHE_DIR"
	local make=("${kmake[@]}" RUSTC="$new/bin/rustc" RUSTDOC="$new/bin/rustdoc" HOSTRUSTC="$new/bin/rustc"
		BINDGEN="$bindgen" CC="ccache gcc" -C "$tree" O="$out")
	"$top/linux-patch/prepare.sh" && "${make[@]}" KCONFIG_ALLCONFIG="$work/config" allnoconfig &&
		grep -x CONFIG_KALLMODSYMS=y "$out/.config" && grep -x CONFIG_RUST_KERNEL_DOCTESTS=y "$out/.config" &&
		"${make[@]}" prepare kernel/kallmodsyms/ && ! grep 'warning:' "$work/log"
}

# What the language gained, in which version, how to find it, and an example.
cat >"$work/gained" <<'END'
1.79	\bconst \{	let a = const { N + 1 };
1.79	<[^<>]*<[A-Z][A-Za-z]*: 	fn f<T: Iterator<Item: Copy>>() {}
1.80	[0-9A-Za-z_']\.\.[0-9A-Za-z_'].* =>	0..5 => 1,
1.81	\[(cfg_attr\(.*)?expect\(	#[expect(dead_code)]
1.82	&raw (mut|const) 	let p = &raw mut x;
1.82	\buse<	fn f<'a>() -> impl Sized + use<'a> {}
1.82	\bunsafe extern "[^"]*" \{	unsafe extern "C" {}
1.82	\bunsafe\([a-z_]+	#[unsafe(no_mangle)]
1.85	\basync (move )?\|	let f = async || 1;
1.88	&& let 	if a && let Some(b) = c {}
1.88	\bcfg!?\((true|false)\)	#[cfg(true)]
END
gained() { # FILE...
	local version pattern example bad=0
	while IFS=$'\t' read -r version pattern example; do
		grep -qE -- "$pattern" <<<"$example" || { echo "/$pattern/ does not find $example"; bad=1; }
		! grep -nE -- "$pattern" "$@" | grep -vE '^[^:]*:[0-9]*: *//' | sed "s/^/since $version: /" | grep . || bad=1
	done <"$work/gained"
	return $bad
}
mapfile -t sources < <(git -C "$top" ls-files -- "$top/kmod/*.rs" | sed "s|^|$top/|")

echo "KTAP version 1"
echo "1..4"
run "language: nothing in ${#sources[@]} files is newer than Rust 1.78" gained "${sources[@]}"
name="decoder: Rust 1.78 builds it, and it passes its tests"
if [ -x "$new/bin/rustc" ]; then
	run "$name" decoder "$new/bin/rustc" 1.78
elif [ -x "$old/usr/bin/rustc" ]; then
	run "decoder: Rust 1.85 builds it, and it passes its tests" decoder "$old/usr/bin/rustc" 1.85
else
	skip "$name" "neither Rust 1.78 nor 1.85 is there"
fi
name="decoder: it passes its tests on 32 bits"
if [ -d "$old/usr/lib/rustlib/i686-unknown-linux-gnu" ]; then
	run "$name" on_32_bits
else
	skip "$name" "Rust 1.85 is not there with its library for 32 bits"
fi
name="kernel: Rust 1.78 builds the kernel crate, its examples and the component"
if [ -d "$new/lib/rustlib/src/rust/library/core" ] && [ -x "$bindgen" ]; then
	run "$name" kernel
else
	skip "$name" "Rust 1.78 is not there with its sources and bindgen 0.65.1"
fi
[ -z "$failed" ]
