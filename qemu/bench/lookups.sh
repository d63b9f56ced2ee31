#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Counts the instructions of looking up an address, and of selecting functions for ftrace, in
# the kernel of a configuration and in the one without the option, CONFIG-off:
#
#   qemu/bench/lookups.sh CONFIG OUT
#
# OUT/on/lookups and OUT/off/lookups are what lookups/lookup_cost.c and guest/init print.
set -euo pipefail
# shellcheck source=linux-patch/lib.sh
. "$(dirname "$0")/../../linux-patch/lib.sh"
config=${1:?usage: qemu/bench/lookups.sh CONFIG OUT}
out=${2:?usage: qemu/bench/lookups.sh CONFIG OUT}

locate
lock "$tree"
mkdir -p "$top/build/bench"
gcc -static -O2 -Wall -Wextra -Werror -o "$top/build/bench/symbol_cost" "$top/qemu/bench/guest/symbol_cost.c"
count() { # CONFIG OUT
	local module=$top/build/bench/lookups-$1
	"$top/qemu/build.sh" "$1"
	rm -rf "$module"
	mkdir -p "$module"
	cp "$top"/qemu/bench/lookups/* "$module"
	"${kmake[@]}" CC="ccache gcc" -C "$tree/build-$1" M="$module" modules >"$module/log" 2>&1 ||
		{ tail -n 20 "$module/log" >&2; die "the module does not build: $module/log"; }
	ACCEL=counting "$top/qemu/run.sh" "$1" lookups "$2" nokaslr --module "$module/lookup_cost.ko" \
		--bin "$top/build/bench/symbol_cost"
}
mkdir -p "$out"
count "$config" "$out/on"
count "$config-off" "$out/off"
