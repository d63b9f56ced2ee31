#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Says which functions of the kernel the instructions go to when a symbol file is read 64 KiB
# at a time:
#
#   qemu/bench/profile.sh kallmodsyms|kallsyms OUT [busy]
#
# busy: with 300 modules and 5,000 BPF programs. Prints the instructions per line and their
# share; OUT/instructions has a line with address and count for each instruction.
set -euo pipefail
# shellcheck source=linux-patch/lib.sh
. "$(dirname "$0")/../../linux-patch/lib.sh"
usage="usage: qemu/bench/profile.sh kallmodsyms|kallsyms OUT [busy]"
file=${1:?$usage}
out=$(realpath -m "${2:?$usage}")
busy=${3:+kms.busy}

locate
lock "$tree"
mkdir -p "$top/build/bench"
plugin=$top/build/bench/profile.so
gcc -shared -fPIC -fvisibility=hidden -O2 -Wall -Wextra -Werror -o "$plugin" "$top/qemu/bench/profile.c"
counts=$top/build/bench/instructions
rm -f "$counts"
# In QEMU's options a comma that belongs to a name is doubled.
ACCEL=counting PLUGIN="${plugin//,/,,},out=${counts//,/,,}" \
	"$top/qemu/bench/run.sh" marked "$out" "nokaslr kms.file=$file $busy" >&2
mv "$counts" "$out/instructions"

# Of several names at an address the last counts, and a name goes on to the next address.
lines=$(sed -n 's/.* bytes, \([0-9]*\) lines.*/\1/p' "$out/result.ktap")
{
	awk '{ print $1, 0, $3 }' "$tree/build-standard/System.map"
	awk '{ print $1, 1, $2 }' "$out/instructions"
} | sort -s -k1,1 -k2,2 | awk -v lines="$lines" '
	$2 == 0 { name = $3; next }
	{ count[name] += $3; all += $3 }
	END {
		printf "%12s %8s  %s\n", "per line", "share", "of " lines " lines"
		printf "%12.1f %7.1f%%  all\n", all / lines, 100
		for (name in count)
			if (count[name] >= all / 200)
				printf "%12.1f %7.1f%%  %s\n", count[name] / lines, 100 * count[name] / all, name | "sort -rn"
	}'
