#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# scripts/faddr2line of the kernel tree takes both sizes that "function+0x10/0x374" can have: the
# distance to the next symbol, and with the option the size that is recorded. KTAP.
#
#   tests/faddr2line.sh KERNEL_TREE
set -euo pipefail
tree=$(realpath "${1:?usage: tests/faddr2line.sh KERNEL_TREE}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# A line each, so that the line says which function was found. Of same() there are two, and the
# second has a larger body; last() is there for others to have a next symbol.
cat >one.c <<'END'
#define FUNCTION __attribute__((aligned(32), noipa))
int FUNCTION first(int x) { return x * 3 + 1; }
static int FUNCTION same(int x) { return x + 1; }
int FUNCTION second(int x) { return same(x); }
END
cat >two.c <<'END'
#define FUNCTION __attribute__((aligned(32), noipa))
static int FUNCTION same(int x) { return (x * 7) ^ (x / 3); }
int FUNCTION third(int x) { return same(x); }
int FUNCTION last(int x) { return x; }
END
gcc -g -O2 -fno-reorder-functions -fno-toplevel-reorder -c one.c two.c
# vmlinux is an executable, which the script reads in another way than an object.
gcc -nostdlib -static -no-pie -Wl,-e,first,--build-id=none -o executable one.o two.o
size() { nm -t d -S "$1" | awk -v name="$2" -v nth="${3:-1}" '$4 == name && ++n == nth { print $2 + 0 }'; }
distance() { nm -t d -n "$1" | awk -v name="$2" 'found { print $1 - start; exit } $3 == name { found = 1; start = $1 }'; }

number=0
bad=0
result() { # NAME STATUS
	number=$((number + 1))
	if [ "$2" = 0 ]; then
		echo "ok $number $1"
	else
		bad=$((bad + 1))
		echo "not ok $number $1"
		sed -n '1,10s/^/# /p' said
	fi
}
finds() { # NAME FILE ADDRESS LINES: all that is found, as FILE:LINE with a blank between them
	local status=0
	"$tree/scripts/faddr2line" "$2" "$3" >said 2>&1 || status=1
	[ "$(sed -n 's|.* at .*/\([a-z]*\.c:[0-9]*\).*|\1|p' said | paste -sd' ')" = "$4" ] || status=1
	result "$1" $status
}

echo "TAP version 14"
echo "1..15"
for file in one.o executable; do
	recorded=$(size $file first)
	distance=$(distance $file first)
	finds "$file: the distance to the next symbol" $file "first+0x1/$distance" one.c:2
	finds "$file: the recorded size" $file "first+0x1/$recorded" one.c:2
	finds "$file: the end, as after a call that does not return" $file "first+$recorded/$recorded" one.c:2
	finds "$file: padding, with the distance" $file "first+$((recorded + 1))/$distance" one.c:2
	finds "$file: padding, but a size without it" $file "first+$((recorded + 1))/$recorded" ""
	finds "$file: another size" $file "first+0x1/$((recorded + 1))" ""
done
# Both reach to the next symbol in 32 bytes, but have sizes of their own.
finds "executable: the size says which of one name" executable "same+0x1/$(size executable same 1)" one.c:3
finds "executable: and which other" executable "same+0x1/$(size executable same 2)" two.c:2

# One takes 32 bytes to the next symbol, the other has 32 itself: a kernel without the option prints
# 32 of the first alone.
{
	sed -n 1p one.c
	echo 'static int FUNCTION same(int x) { return x + 1; }'
	echo 'int FUNCTION second(int x) { return same(x); }'
} >three.c
cat >four.c <<'END'
#define FUNCTION __attribute__((aligned(64), noipa))
static int FUNCTION same(int x) { __asm__ volatile(".fill same + 31 - ., 1, 0x90"); return x; }
int FUNCTION fourth(int x) { return same(x); }
END
gcc -g -O2 -fno-reorder-functions -fno-toplevel-reorder -c three.c four.c
gcc -nostdlib -static -no-pie -Wl,-e,second,--build-id=none -o both three.o four.o
finds "a distance that is the recorded size of another symbol" both "same+0x1/$(size both same 2)" three.c:2
[ "$bad" = 0 ]
