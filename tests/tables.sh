#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# What the link of vmlinux does with odd input: scripts/kallsyms, scripts/kallsyms_modules.awk and
# scripts/link-vmlinux.sh of the kernel tree have to fail with the name of what is missing or wrong. Where only the modules
# of something cannot be told, they have to link, show none, and warn with its name. KTAP.
#
#   tests/tables.sh KERNEL_TREE
set -euo pipefail
tree=$(realpath "${1:?usage: tests/tables.sh KERNEL_TREE}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/inputs" "$work/toy" "$work/bin"
kallsyms=$work/bin/kallsyms
gcc -O2 -I "$tree/scripts/include" -o "$kallsyms" "$tree/scripts/kallsyms.c"
# shellcheck source=tests/toy.sh
. "$(dirname "$0")/toy.sh"
cd "$work/inputs"

number=0
bad=0
result() { # NAME STATUS: not ok unless the status is 0; what was said is shown then
	number=$((number + 1))
	if [ "$2" = 0 ]; then
		echo "ok $number $1"
	else
		bad=$((bad + 1))
		echo "not ok $number $1"
		sed -n '1,20s/^/# /p' "$work/said"
	fi
}
skip() { # NAME WHY
	number=$((number + 1))
	echo "ok $number $1 # SKIP $2"
}
refuses() { # NAME TEXT COMMAND...: fails, and says TEXT
	local status=0
	if "${@:3}" >"$work/out" 2>"$work/said" || ! grep -qF -- "$2" "$work/said"; then status=1; fi
	result "$1" $status
}
gives() { # NAME TEXT COMMAND...: succeeds, and prints a line TEXT
	local status=0
	if ! "${@:3}" >"$work/out" 2>"$work/said" || ! grep -qxF -- "$2" "$work/out"; then
		status=1
		cat "$work/out" >>"$work/said"
	fi
	result "$1" $status
}
links() { # NAME WARNING SYMBOLS [VARIABLE=VALUE]...: links, with a warning of that or with none, and SYMBOLS ("NAME MODULES,...")
	local status=0 names shown
	if ! (export "${@:4}" && link) >"$work/out" 2>"$work/said"; then
		status=1
	elif [ -n "$2" ]; then
		grep -F 'warning: ' "$work/said" | grep -qF -- "$2" || status=1
	elif grep -F 'warning: ' "$work/said"; then
		status=1
	fi
	if [ $status = 0 ]; then
		names=$(tr , '\n' <<<"$3" | cut -d ' ' -f 1 | sort -u)
		# shellcheck disable=SC2086 # names have no blanks
		shown=$(shown $names | tr '\n' ,)
		if [ "$shown" != "$3," ]; then
			status=1
			echo "shown: $shown" >>"$work/said"
		fi
	fi
	result "$1" $status
}
stub() { # PROGRAM: a script on standard input in its place
	{ echo '#!/bin/sh' && cat; } >"$work/bin/$1"
	chmod +x "$work/bin/$1"
}

# Symbols: a marker, a code with its padding, one that is all of the rest.
cat >good.sizes <<'END'
ffffffff81000000 T _text
ffffffff81000000 000000000000002a T first
ffffffff81000030 0000000000000100 t second
ffffffff81000130 B _end
END
printf 'ffffffff81000030 ffffffff81000130 [a] [b_c]\n' >good.modules
tables() { "$kallsyms" --all-symbols --sizes --modules="$2" "$1"; }
tables_of() { tables <(printf '%s\n' "$1") good.modules; }
modules_of() { tables good.sizes <(printf '%b' "$1"); }
full() { tables good.sizes good.modules >/dev/full; }

# A linker map of one object of module a, whose .cmd file says so.
mkdir -p drivers
printf 'kernel/drivers/a.ko\n' >builtin
printf 'savedcmd_drivers/a.o := gcc -DKBUILD_MODFILE='\''"drivers/a"'\'' -c\n' >drivers/.a.o.cmd
printf 'Archive: vmlinux.a\n\nSymbols from vmlinux.a[drivers/a.o]:\n\nend |0000000000000040|   t  |NOTYPE|  |     |.text\n' >zero-size
: >vmlinux.o.map
cat >good.map <<'END'
*default*        0x0000000000000000 0xffffffffffffffff

.text           0xffffffff81000000     0x1000
 .text          0xffffffff81000030       0x40 drivers/a.o
END
awk_says() { gawk -f "$tree/scripts/kallsyms_modules.awk" "$1" "$2" vmlinux.o.map "$3"; }
map_with() { awk_says builtin zero-size <(cat good.map && printf '%b' "$1"); }

echo "TAP version 14"
echo "1..57"
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
refuses "an empty range without a name" ':1: expected the name' modules_of 'ffffffff81000030 ffffffff81000030 [a]\n'
refuses "a list that is cut short" ':1: line ends early' modules_of 'ffffffff81000030 ffffffff81000040 [a]'
refuses "a full disk" 'cannot write: No space left' full
gives "a map gives ranges" 'ffffffff81000030 ffffffff81000070 [a]' awk_says builtin zero-size good.map
gives "and symbols of size zero" $'ffffffff81000070 ffffffff81000070 [a]\tend' awk_says builtin zero-size good.map
gives "what is bytes or a pattern in a linker script is no section" 'ffffffff81000030 ffffffff81000070 [a]' map_with ' FILL mask 0x90\n drivers/a.o(.init.text)\n .text 0xffffffff81000070 0x10 drivers/a.o\n CONSTRUCTORS\n\n'
refuses "a map with a size that is none" '.text 0xffffffff81000070 1x drivers/b.o' map_with ' .text 0xffffffff81000070 1x drivers/b.o\n'
refuses "an output section without an address" '.data 0xz 0x10' map_with '.data 0xz 0x10\n'
refuses "an empty map" 'not a linker map?' awk_says builtin zero-size /dev/null
refuses "a map that is not there" 'nowhere' awk_says builtin zero-size nowhere
refuses "a map that is cut short" 'file ends in a record' map_with ' .text.long\n'
refuses "a modules.builtin that is none" 'expected kernel/PATH.ko: drivers/a.o' awk_says <(echo drivers/a.o) zero-size good.map

# From here on vmlinux is linked.
cd "$work/toy"
on=CONFIG_KALLMODSYMS=y
path=PATH=$work/bin:$PATH
code() { printf '.globl %s; .type %s,@function; %s: .nops 24; .size %s,.-%s\n' "$1" "$1" "$1" "$1" "$1"; }
key() { printf '.bss; .fill %s; .type __key.0,@object; __key.0: .fill %s\n' "$1" "$2"; }
standard() { # [OPTION=y]...: two objects of module a and one of none before and after
	toy "$@"
	builtin drivers/a
	compiled init/main.o init/main < <(code core && key 8 0)
	compiled drivers/one.o drivers/a < <(code a_one && key 8 8)
	compiled drivers/two.o drivers/a < <(code a_two && echo a_end:)
	compiled lib/last.o lib/last < <(code last && key 0 8)
}
nm_log() { sed -n 's/^nm //p' "$work/log" | sort; }

stub nm <<<"echo nm \"\$@\" >>$work/log; exec $(command -v nm) \"\$@\""
standard $on
: >"$work/log"
links "a kernel with a module" "" "core ,a_one [a],a_two [a],a_end [a],last ,__key.0 ,__key.0 [a],__key.0 " NM="$work/bin/nm"
status=0
cmp System.map <(nm -n vmlinux | sed -f "$tree/scripts/mksysmap") >"$work/said" || status=1
result "System.map is what it was" $status
diff <(nm_log | grep -v 'kallsyms\.o') - >"$work/said" <<'END' && status=0 || status=1
-f sysv --defined-only vmlinux.a
-n -S .tmp_vmlinux1
-n -S .tmp_vmlinux2
-n -S vmlinux
END
result "one run of nm a link" $status

standard
: >"$work/log"
(export NM="$work/bin/nm" && link) >"$work/out" 2>&1
diff <(nm_log; find . -name '.*' -type f ! -name '*.cmd' | sort) - >"$work/said" <<'END' && status=0 || status=1
-n .tmp_vmlinux1
-n .tmp_vmlinux1.kallsyms.o
-n .tmp_vmlinux2
-n .tmp_vmlinux2.kallsyms.o
-n vmlinux
./.tmp_vmlinux.kallsyms0.syms
./.tmp_vmlinux0.kallsyms.S
./.tmp_vmlinux0.kallsyms.o
./.tmp_vmlinux1
./.tmp_vmlinux1.kallsyms.S
./.tmp_vmlinux1.kallsyms.o
./.tmp_vmlinux1.kallsyms.o.sym
./.tmp_vmlinux1.map
./.tmp_vmlinux1.syms
./.tmp_vmlinux2
./.tmp_vmlinux2.kallsyms.S
./.tmp_vmlinux2.kallsyms.o
./.tmp_vmlinux2.kallsyms.o.sym
./.tmp_vmlinux2.map
./.tmp_vmlinux2.syms
./.vmlinux.d
END
result "without the option the same files and runs of nm as ever" $status

with() { (export "${@?}" && link); }
half() { stub nm <<<"case \"\$*\" in *'$1'*) $(command -v nm) \"\$@\" | head -n 3; exit 1;; esac; exec $(command -v nm) \"\$@\""; }
standard $on
half vmlinux.a
refuses "nm that ends early on the objects" "nm -f sysv --defined-only vmlinux.a" with "$path"
half .tmp_vmlinux2
refuses "nm that ends early on the first image but one" "nm -n -S .tmp_vmlinux2" with "$path"
rm "$work/bin/nm"
stub gawk <<<"$(command -v gawk) \"\$@\" | head -n 3; echo >&2 gawk: killed; exit 1"
refuses "gawk that ends early" "gawk: killed" with "$path"
rm "$work/bin/gawk"
rm drivers/.two.o.cmd
refuses "an object without a .cmd file" "drivers/.two.o.cmd: no such file" link
cp drivers/.one.o.cmd drivers/.two.o.cmd
refuses "a .cmd file of another object" "drivers/.two.o.cmd: expected savedcmd_drivers/two.o, found savedcmd_drivers/one.o" link
: >drivers/.two.o.cmd
refuses "a .cmd file with nothing in it" "drivers/.two.o.cmd: expected savedcmd_drivers/two.o" link
cmd init/main.o "objcopy init/x.o init/main.o"
cmd drivers/two.o "gcc -DKBUILD_MODFILE='\"drivers/a\"'"
rm init/main.S
: >init/built-in.a
links "an object that objcopy made where there is no module" "" "core ,a_one [a]"

standard $on
compiled drivers/sub/made.o x < <(code made)
cmd drivers/sub/made.o "objcopy drivers/sub/x.o drivers/sub/made.o"
links "in a folder below one" "drivers/sub/made.o was not compiled" "made "
: >drivers/sub/built-in.a
links "that has a Makefile of its own" "" "made "

standard $on
unset 'members[2]' 'members[3]'
rm drivers/two.S drivers/.two.o.cmd
shipped drivers/blob.o < <(code blob)
members+=(drivers/two.o lib/last.o)
links "an object that was shipped, at the end of a module" "drivers/two.o was not compiled" "a_one [a],blob ,a_two "
standard $on
unset 'members[2]' 'members[3]'
shipped drivers/blob.o < <(code blob)
members+=(drivers/two.o lib/last.o)
links "between others of it" "" "a_one [a],blob [a],a_two [a],last "
cmd drivers/blob.o "cat drivers/blob.o_shipped > drivers/blob.o"
members=(init/main.o drivers/one.o drivers/blob.o drivers/blob2.o drivers/two.o lib/last.o)
shipped drivers/blob2.o < <(code blob2)
unset 'members[-1]'
links "two of them, one with a .cmd file" "" "a_one [a],blob [a],blob2 [a],a_two [a],last "
members=(init/main.o drivers/one.o drivers/two.o drivers/blob.o lib/last.o)
links "behind them" "drivers/blob.o was not compiled" "a_two [a],blob "

standard $on
builtin drivers/a/one lib/core
compiled drivers/a/sub/shared.o x < <(code shared)
cmd drivers/a/sub/shared.o "gcc -DMODULE -DKBUILD_MODNAME='\"core:one\"'"
links "an object shared with a loadable module has that of its folder" "" "core ,shared [one]"
cmd drivers/a/sub/shared.o "gcc -DKBUILD_MODFILE='\"drivers/a/one\"'"
sed -i 's:_drivers/a/sub/:_drivers/a/../../drivers/a/sub/:' drivers/a/sub/.shared.o.cmd
links "a path that leads up" "" "shared [one]"
cmd drivers/a/sub/shared.o "gcc -DKBUILD_MODFILE='\"drivers/shared\"'"
links "a rule of its own for a folder below" "" "a_two ,shared "
builtin drivers/a
members=(init/main.o drivers/one.o drivers/a/sub/shared.o drivers/two.o lib/last.o)
links "between objects of a module" "" "a_one [a],shared [a],a_two [a],last "

two_bss() { printf '.section .bss,"aw",@nobits; .fill 8; .section .bss,"aw",@nobits,unique,1; __key.0: .fill %s\n' "$1"; }
standard $on
compiled lib/none.o lib/none < <(code none && two_bss 8)
links "two sections of one name in an object of no module" "" "none ,__key.0 ,__key.0 [a],__key.0 ,__key.0 "
standard $on
compiled drivers/three.o drivers/a < <(code a_three && two_bss 8)
links "in one of a module" "" "a_three [a],__key.0 ,__key.0 [a],__key.0 ,__key.0 [a]"
standard $on
unset 'members[3]'
compiled drivers/three.o drivers/a < <(code a_three && two_bss 0)
members+=(lib/last.o)
links "where there is another one of that name" "__key.0 at 0x" "a_three [a],__key.0 ,__key.0 [a],__key.0 ,__key.0 "

constant() { printf '.section .rodata.cst16.%s,"aM",@progbits,16; %s: .octa %s; .section .rodata; .type %s_data,@object; %s_data: .quad 1; .size %s_data,8\n' "$1" "$1" "$2" "$3" "$3" "$3"; }
standard $on
builtin drivers/a drivers/b
compiled drivers/const.o drivers/a < <(constant MASK 1 a)
compiled drivers/b.o drivers/b < <(constant OTHER 1 b && constant MINE 2 c)
links "constants that the linker merges" "" "MASK [a],OTHER [b],a_data [a],b_data [b],c_data [b],MINE [b]"
compiled drivers/d.o lib/d < <(constant MASK 3 d)
links "those whose names are alike" "MASK at 0x" "MASK ,OTHER [b],MINE [b],MASK "

standard $on CONFIG_X86_KERNEL_IBT=y
links "a vmlinux.o in between" "" "core ,a_one [a],a_two [a],a_end [a],last ,__key.0 ,__key.0 [a],__key.0 "
odd() { printf '.section .rodata.odd,"aM",@progbits,16; %s: .octa 1; .size %s,0; %s: .octa %s; .type %s,@object; .size %s,16\n' "$1" "$1" "$2" "$3" "$2" "$2"; }
compiled drivers/odd.o drivers/a < <(odd one two 2)
compiled lib/odd.o lib/odd < <(odd uno three 3)
links "constants in it" "two at 0x" "one [a],two ,three "
sed -i /IBT/d include/config/auto.conf
builtin drivers/a lib/odd
links "constants in a section that does not tell by its name" "three at 0x" "one [a],uno [odd],two [a],three "

standard $on
builtin drivers/a drivers/b
compiled drivers/b.o drivers/b < <(code b_one && echo '.section .early,"ax"; early: .nops 8; .size early,8')
compiled drivers/late.o drivers/a < <(echo '.section .late,"ax"; late: .nops 8; .size late,8')
sed -i 's/\.data : /OVERLAY : { .early { *(.early) } .late { *(.late) } }\n&/' arch/vmlinux.lds
links "sections at the same address" " at 0x" "a_one [a],b_one [b],early ,late "

standard $on
builtin lib/crc
compiled lib/crc.o lib/crc < <(code crc && key 0 8)
unset 'members[-1]'
compiled init/caller.o init/caller < <(echo 'call crc')
(cd lib && ar cDPrsT lib.a crc.o)
links "an object of a library" "" "crc [crc],__key.0 ,__key.0 ,__key.0 ,__key.0 [crc]" LIBRARIES=./lib/lib.a
if command -v ld.lld-14 >"$work/said" && command -v llvm-nm-14 >>"$work/said"; then
	links "with lld and llvm-nm" "" "crc [crc],__key.0 ,__key.0 ,__key.0 ,__key.0 [crc]" LIBRARIES=./lib/lib.a LD=ld.lld-14 NM=llvm-nm-14
else
	skip "with lld and llvm-nm" "no ld.lld-14 or llvm-nm-14"
fi

if localedef -i es_ES -f UTF-8 "$work/es_ES.UTF-8" 2>"$work/said" && LOCPATH=$work LC_ALL=es_ES.UTF-8 nm -f sysv init/main.o | grep -q 'S.*mbolos de'; then
	standard $on
	links "in Spanish" "" "a_one [a],__key.0 ,__key.0 [a],__key.0 " LOCPATH="$work" LANG=es_ES.UTF-8 LC_ALL=
else
	skip "in Spanish" "no such locale, or not in binutils"
fi

# The linker makes short calls of long ones.
if command -v riscv64-linux-gnu-gcc >"$work/said"; then
	toy $on
	builtin drivers/a
	relaxed() { printf '.globl %s; %s: call main; call main; %s_end: nop; .type %s_f,@function; %s_f: call main; .size %s_f,.-%s_f; end:\n' "$1" "$1" "$1" "$1" "$1" "$1" "$1"; }
	CROSS=riscv64-linux-gnu- compiled init/main.o init/main < <(relaxed main)
	CROSS=riscv64-linux-gnu- compiled drivers/one.o drivers/a < <(relaxed a && echo 'nop; end2: nop')
	CROSS=riscv64-linux-gnu- compiled lib/last.o lib/last < <(relaxed last)
	links "code that was relaxed, but for what is on a border" "end at 0x" "main_f ,a [a],end ,a_end [a],a_f [a],end [a],end2 [a],last_f ,end " CROSS=riscv64-linux-gnu- EMULATION=elf64lriscv SRCARCH=riscv
else
	skip "code that was relaxed, but for what is on a border" "no riscv64-linux-gnu-gcc (apt-get install gcc-riscv64-linux-gnu)"
fi
[ "$bad" = 0 ]
