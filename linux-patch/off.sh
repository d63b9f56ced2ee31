#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# With the option off the series changes nothing: the base and the patched tree, built
# with one configuration, give the same System.map and the same kallsyms tables, from
# which /proc/kallsyms is printed. KTAP.
set -euo pipefail
# shellcheck source=linux-patch/lib.sh
. "$(dirname "$0")/lib.sh"

"$top/qemu/build.sh" off
"$top/qemu/build.sh" off --pristine
locate
echo "TAP version 14"
echo "1..3"
number=0
bad=0
same() { # NAME FILE
	number=$((number + 1))
	if [ -s "$src/build-off/$2" ] && cmp -s "$src/build-off/$2" "$tree/build-off/$2"; then
		echo "ok $number $1 ($(wc -l <"$tree/build-off/$2") lines)"
	else
		bad=$((bad + 1))
		echo "not ok $number $1"
		diff "$src/build-off/$2" "$tree/build-off/$2" 2>&1 | sed -n '1,10s/^/# /p' || true
	fi
}
# The tables of the last link, whichever number it has.
tables=$(cd "$src/build-off" && printf '%s\n' .tmp_vmlinux*.kallsyms*.S | sort | tail -n 1)
same "System.map is the same" System.map
same "the generated tables ($tables) are the same" "$tables"
same "modules.builtin.ranges is the same" modules.builtin.ranges
[ "$bad" = 0 ]
