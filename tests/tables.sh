#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# What the link of vmlinux does with bad input: scripts/kallsyms and
# scripts/kallsyms_modules.awk of the kernel tree have to fail and name the line. KTAP.
#
#   tests/tables.sh KERNEL_TREE
set -euo pipefail
tree=$(realpath "${1:?usage: tests/tables.sh KERNEL_TREE}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
gcc -O2 -I "$tree/scripts/include" -o kallsyms "$tree/scripts/kallsyms.c"

number=0
bad=0
result() { # NAME STATUS: not ok unless the status is 0; what was said is shown then
	number=$((number + 1))
	if [ "$2" = 0 ]; then
		echo "ok $number $1"
	else
		bad=$((bad + 1))
		echo "not ok $number $1"
		sed -n '1,10s/^/# /p' said
	fi
}
refuses() { # NAME TEXT COMMAND...: fails, and says TEXT
	local status=0
	if "${@:3}" >out 2>said || ! grep -qF -- "$2" said; then status=1; fi
	result "$1" $status
}
gives() { # NAME TEXT COMMAND...: succeeds, and prints a line TEXT
	local status=0
	if ! "${@:3}" >out 2>said || ! grep -qxF -- "$2" out; then
		status=1
		cat out >>said
	fi
	result "$1" $status
}

# Symbols: a marker, a function with its padding, one that is all of the rest.
cat >good.sizes <<'END'
ffffffff81000000 T _text
ffffffff81000000 000000000000002a T first
ffffffff81000030 0000000000000100 t second
ffffffff81000130 B _end
END
printf 'ffffffff81000030 ffffffff81000130 [a] [b_c]\n' >good.modules
tables() { ./kallsyms --all-symbols --sizes --modules="$2" "$1"; }
tables_of() { tables <(printf '%s\n' "$1") good.modules; }
modules_of() { tables good.sizes <(printf '%b' "$1"); }

# A linker map of one object of module a, whose .cmd file says so.
mkdir -p drivers
printf 'kernel/drivers/a.ko\n' >builtin
printf 'savedcmd_drivers/a.o := gcc -DKBUILD_MODFILE='\''"drivers/a"'\'' -c\n' >drivers/.a.o.cmd
printf '\nSymbols from vmlinux.a[drivers/a.o]:\n\nend |0000000000000040|   t  |NOTYPE|  |     |.text\n' >zero-size
: >vmlinux.o.map
cat >good.map <<'END'
Linker script and memory map

.text           0xffffffff81000000     0x1000
 .text          0xffffffff81000030       0x40 drivers/a.o
END
awk_says() { gawk -f "$tree/scripts/kallsyms_modules.awk" "$1" "$2" vmlinux.o.map "$3"; }
map_with() { awk_says builtin zero-size <(cat good.map && printf '%b' "$1"); }

echo "TAP version 14"
echo "1..21"
# 14: size zero; 6: a slack of 6; 0; 14
gives "sizes become codes, low half first" $'\t.byte 0x6e' tables good.sizes good.modules
gives "in pairs" $'\t.byte 0xe0' tables good.sizes good.modules
gives "modules become runs of symbols" $'\t.byte 0x00, 0x00, 0x02, 0x00, 0x00, 0x01' tables good.sizes good.modules
gives "and lists" $'\t.asciz\t"[a] [b_c]"' tables good.sizes good.modules
refuses "a line that is cut short" 'found "ffffffff81000000 000000000000002a"' tables_of 'ffffffff81000000 000000000000002a'
refuses "a size that is no number" 'found "ffffffff81000000 xyz T first"' tables_of 'ffffffff81000000 xyz T first'
refuses "a size of more than 64 bits" 'found "ffffffff81000000 10000000000000000 T first"' tables_of 'ffffffff81000000 10000000000000000 T first'
refuses "a list of modules that is not there" 'nowhere: No such file' tables good.sizes nowhere
refuses "a range without an end" ':1: expected an end address' modules_of 'ffffffff81000030 [a]\n'
refuses "a range that ends before it starts" ':2: expected an end address' modules_of 'ffffffff81000030 ffffffff81000040 [a]\nffffffff81000030 ffffffff81000020 [a]\n'
refuses "a range without modules" ':1: expected modules in brackets' modules_of 'ffffffff81000030 ffffffff81000040 a\n'
refuses "an empty range without a name" ':1: expected a name' modules_of 'ffffffff81000030 ffffffff81000030 [a]\n'
refuses "ranges that overlap" '0xffffffff81000038 is in both [a] and [b]' modules_of 'ffffffff81000030 ffffffff81000040 [a]\nffffffff81000038 ffffffff81000050 [b]\n'
refuses "a list that is cut short" ':1: line ends early' modules_of 'ffffffff81000030 ffffffff81000040 [a]'
gives "a map gives ranges" 'ffffffff81000030 ffffffff81000070 [a]' awk_says builtin zero-size good.map
gives "and symbols of size zero" $'ffffffff81000070 ffffffff81000070 [a]\tend' awk_says builtin zero-size good.map
refuses "a map with a size that is none" '.text 0xffffffff81000070 1x drivers/b.o' map_with ' .text 0xffffffff81000070 1x drivers/b.o\n'
refuses "an output section without an address" '.data 0xz 0x10' map_with '.data 0xz 0x10\n'
refuses "an empty map" 'not a linker map?' awk_says builtin zero-size /dev/null
refuses "a map that is cut short" 'file ends in a record' map_with ' .text.long\n'
refuses "a modules.builtin that is none" 'expected kernel/PATH.ko: drivers/a.o' awk_says <(echo drivers/a.o) zero-size good.map
[ "$bad" = 0 ]
