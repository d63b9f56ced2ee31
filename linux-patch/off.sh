#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Prints what can be seen of a kernel's symbols, but for addresses: linux-patch/off.sh BUILD
#
# With the option off the series changes none of it: names, types, order and sizes of
# System.map, names, types and order of /proc/kallsyms, sizes and order of the ranges of
# built-in modules. Addresses may move: the name of an initcall has the number of its
# source line in it, which any patch changes, and which is left out here; the tables
# that hold the names, compressed, are then of another length.
set -euo pipefail
cd "${1:?usage: linux-patch/off.sh BUILD}"

# "type name" from a table's comments, which the link made last.
kallsyms() {
	local table
	# shellcheck disable=SC2012 # the names are those of link-vmlinux.sh
	table=$(ls -t .tmp_vmlinux*.kallsyms*.S | head -n 1)
	sed -n '/^kallsyms_offsets:/,/^kallsyms_relative_base:/ s|.*/\* \(.\)\(.*\) \*/$|\1 \2|p' "$table"
}

# "size type name": nm has four fields where it knows a size.
system_map() {
	nm -S vmlinux | awk '
		FNR == NR { size[$1, $(NF - 1), $NF] = NF == 4 ? $2 : 0; next }
		{ print size[$1, $2, $3], $2, $3 }' - System.map
}

ranges() {
	gawk '{ split($2, range, "-"); $2 = sprintf("%x", strtonum("0x" range[2]) - strtonum("0x" range[1])); print }' modules.builtin.ranges
}

for what in system_map kallsyms ranges; do
	"$what" | sed -E "s/(__initcall__kmod_[[:alnum:]_]+__[0-9]+)_[0-9]+_/\\1_LINE_/; s/^/$what: /" |
		grep . || { echo "error: $PWD has no $what" >&2; exit 1; }
done
