#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of prepare.sh, export.sh, refresh.sh and off.sh on a toy kernel of three files: what
# they make, and what they say to bad input. Needs no kernel sources. KTAP.
set -euo pipefail
scripts=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
unset KERNEL_BASE XDG_CACHE_HOME KALLMODSYMS_LOCKS SIGN_OFF
export KALLMODSYMS_CACHE=$work/cache KERNEL_SRC=$work/linux
export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@localhost GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@localhost
number=0
bad=0

# ok NAME COMMAND...: the command succeeds.
ok() {
	number=$((number + 1))
	if "${@:2}" >said 2>&1; then
		echo "ok $number $1"
	else
		bad=$((bad + 1))
		echo "not ok $number $1"
		sed 's/^/# /' said
	fi
}
refused() { # TEXT COMMAND...: fails, and the last line is an error that has TEXT in it
	if "${@:2}" >text 2>&1 || ! tail -n 1 text | grep '^error: ' | grep -F -- "$1"; then
		cat text
		return 1
	fi
}
prepare() { clone/linux-patch/prepare.sh; }
tree() { (cd clone && . linux-patch/lib.sh && locate && echo "$tree"); }
base() { (cd clone && . linux-patch/lib.sh && locate && echo "$src"); }
has() { grep -q "$1" "$(tree)/$2"; }
silent() { "$@" >text 2>&1 && ! grep . text; }
says() { # TEXT COMMAND...: succeeds, and has TEXT in what it says
	if ! "${@:2}" >text 2>&1 || ! grep -F -- "$1" text; then
		cat text
		return 1
	fi
}

# The toy kernel, a git tree with two patches on top of it, and a clone of the project.
mkdir -p linux/kernel
printf 'VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 70\n' >linux/Makefile
seq 30 >linux/kernel/a.c
printf '%s\n' OTHER 'M: x <x@localhost>' '' >linux/MAINTAINERS
echo '*.c diff=cpp' >linux/.gitattributes
cp -a linux dev
git -C dev -c init.defaultBranch=main init -q
git -C dev add -A
git -C dev commit -qm base
git -C dev tag base
sed -i 's/^15$/fifteen/' dev/kernel/a.c
mkdir dev/kernel/new
echo new >dev/kernel/new/b.c
authors=$(sed -n "s/^AUTHORS='\(.*\)'$/\1/p" "$scripts/lib.sh")
printf '%s\n' NEW "M: $authors" >>dev/MAINTAINERS
git -C dev add -A
git -C dev commit -qm 'a: change a line, add a file

Signed-off-by: s <s@localhost>' --author="$authors"
echo '#!/bin/sh' >dev/kernel/new/c.sh
chmod +x dev/kernel/new/c.sh
git -C dev add -A
git -C dev commit -qm 'c: add a file alone'
mkdir -p clone/linux-patch/6.12
git -c init.defaultBranch=main init -q clone
cp "$scripts"/*.sh clone/linux-patch
cp "$scripts/6.12/base" clone/linux-patch/6.12
cat >clone/linux-patch/6.12/0000-cover-letter.patch <<X
From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
From: $authors
Subject: [PATCH 00/77] toy: a letter

From: is no header here, nor is
Subject: [PATCH 00/77].
X
echo host >clone/README.md

echo "TAP version 14"
echo "1..69"
ok "refresh writes the series and kmod/" clone/linux-patch/refresh.sh dev base
unsigned() { ! grep -r Signed-off-by "$@"; }
ok "and leaves sign-offs out" unsigned clone/linux-patch/6.12
ok "a tree is prepared" prepare
ok "it has the patches" has fifteen kernel/a.c
ok "it has the new files" has new kernel/new/b.c
ok "with their mode" test -x "$(tree)/kernel/new/c.sh"
ok "a second run has nothing to do" silent prepare

# export and back
am() {
	rm -rf am
	cp -a linux am
	git -C am init -q && git -C am add -A && git -C am commit -qm base && git -C am tag base
	git -C am am -q --empty=keep "$work"/out/*.patch && diff -r --exclude=.git am "$(tree)"
}
again() {
	clone/linux-patch/refresh.sh am base "$work/again" &&
		diff -r clone/linux-patch/6.12 again/linux-patch/6.12 -x base -x 0000-cover-letter.patch && diff -r clone/kmod again/kmod
}
exported() { clone/linux-patch/export.sh out; }
# What the first patch and the letter say of the base, in their last lines.
on() {
	rm -rf out
	exported && [ "$(tail -n 1 out/0001-*)" = "$1" ] && [ "$(tail -n 1 out/cover-letter.txt)" = "$1" ]
}
numbered() {
	grep -x 'Subject: \[PATCH 1/2\] a: .*' out/0001-* && grep -x 'Subject: \[PATCH 2/2\] c: .*' out/0002-* &&
		grep -x 'Subject: \[PATCH 0/2\] toy: a letter' out/cover-letter.txt && grep -x 'Subject: \[PATCH 00/77\]\.' out/cover-letter.txt
}
diffstat() {
	grep -E '^ kernel/new/c.sh +\| 1 \+$' out/cover-letter.txt && grep -x ' create mode 100755 kernel/new/c.sh' out/cover-letter.txt &&
		grep -x ' 4 files changed, 5 insertions(+), 1 deletion(-)' out/cover-letter.txt
}
ok "the series is exported, and says that nobody has signed it" says "nobody has signed them off" exported
ok "nobody has" unsigned out
ok "patches and letter are numbered" numbered
ok "the letter has a diffstat of the whole" diffstat
ok "git am of it gives the prepared tree" am
ok "reading it back changes nothing" again

# signed
export SIGN_OFF='Jo-Ann T. Sender <joe@example.com>'
each_signed() {
	local f
	for f in out/*.patch out/cover-letter.txt; do
		grep -H Signed-off-by: "$f"
		[ "$(grep -xc "Signed-off-by: $SIGN_OFF" "$f")" = 1 ] && [ "$(grep -c Signed-off-by: "$f")" = 1 ] || return
	done
}
by_sender() {
	local f author
	for f in out/*.patch out/cover-letter.txt; do
		# Who wrote a patch goes on to be its author.
		case $f in out/0002-*) author='t <t@localhost>' ;; *) author=$SIGN_OFF ;; esac
		grep -xF "From: \"${SIGN_OFF% <*}\" <joe@example.com>" "$f" &&
			[ "$(git mailinfo message /dev/null <"$f" | sed -n 's/^Author: //p; s/^Email: \(.*\)/<\1>/p' | paste -sd' ')" = "$author" ] || return
	done
}
maintained() { grep -x "M: $SIGN_OFF" am/MAINTAINERS && ! grep -F "$authors" am/MAINTAINERS; }
ok "SIGN_OFF is named" says "signed off by $SIGN_OFF" exported
ok "each patch and the letter is signed off once" each_signed
ok "the sender is named as such, and as author where that is nobody else" by_sender
am >am.log 2>&1 || true
ok "and the maintainer" maintained
read_back() { clone/linux-patch/refresh.sh am base "$work/signed" && unsigned signed; }
ok "no sign-off is read back" read_back
for SIGN_OFF in Name name@example.com '<name@example.com>' 'Name <name>' 'A <a@b.c>, D <d@e.f>' '"Name" <a@b.c>' \
	'Name <a@b.c> ' $'Na\nme <a@b.c>' 'Name <a b@c.d>'; do
	ok "SIGN_OFF=${SIGN_OFF//$'\n'/ } is refused" refused "SIGN_OFF=" exported
done
unset SIGN_OFF

# what it is based on
ok "a directory is named by its version" on "base-version: Linux 6.12.70"
cp -a linux tracked
git -C tracked init -q && git -C tracked add -A && git -C tracked commit -qm base
commit=$(git -C tracked rev-parse HEAD)
KERNEL_SRC=$work/tracked
ok "a git tree by its commit" on "base-commit: $commit"
ok "which git am passes over" am
touch tracked/scratch
ok "whatever files it has beside" on "base-commit: $commit"
echo 31 >>tracked/kernel/a.c
ok "but for changes that no commit has" on "base-version: Linux 6.12.70, changed after $commit"
mkdir outer && git -C outer init -q && cp -a linux outer && git -C outer add -A && git -C outer commit -qm outer
KERNEL_SRC=$work/outer/linux
ok "a directory in the tree of something else is no git tree" on "base-version: Linux 6.12.70"
cp clone/linux-patch/6.12/base base
echo "TARBALL=$work/linux.tar" >>clone/linux-patch/6.12/base
tar -cf linux.tar linux
mkdir dpkg
cat >dpkg/dpkg-query <<'X'
#!/bin/sh
[ "$*" = "-W -f \${Version} linux-source-6.12" ] && [ "$package" ] && echo "$package"
X
chmod +x dpkg/dpkg-query
# shellcheck disable=SC2031
packaged() { PATH=$work/dpkg:$PATH package=$1 on "$2"; }
unset KERNEL_SRC
ok "the package by its version" packaged 6.12.70-1 "base-package: linux-source-6.12 6.12.70-1 (Linux 6.12.70)"
ok "its tarball alone by that of Linux" packaged "" "base-version: Linux 6.12.70"
mv base clone/linux-patch/6.12/base
export KERNEL_SRC=$work/linux

# kmod/ changes
before=$(stat -c %Y%Z "$(tree)/kernel/new/c.sh")
echo newer >clone/kmod/kernel/new/b.c
ok "a change in kmod/ is copied" says "1 files of kmod/ copied" prepare
ok "and is there" has newer kernel/new/b.c
ok "the other files keep their times" test "$before" = "$(stat -c %Y%Z "$(tree)/kernel/new/c.sh")"
rm clone/kmod/kernel/new/c.sh
gone() { prepare && [ ! -e "$(tree)/kernel/new/c.sh" ]; }
ok "a file that leaves kmod/ leaves the tree" gone
echo stray >clone/kmod/kernel/new/d.c
ok "a file that no patch brings in is refused" refused "kmod/kernel/new/d.c: no line of linux-patch/6.12/new-files" prepare
rm clone/kmod/kernel/new/d.c
echo mine >clone/kmod/kernel/a.c
echo '0001 kernel/a.c' >>clone/linux-patch/6.12/new-files
ok "a file that Linux has is refused" refused "kmod/kernel/a.c: Linux has this file" prepare
rm clone/kmod/kernel/a.c
sed -i '$d' clone/linux-patch/6.12/new-files
ok "and then all is well again" prepare

# trees that someone touched
echo edit >>"$(tree)/kernel/a.c"
ok "an edited tree is made anew" says "is not as it was prepared (kernel/a.c)" prepare
restored() { ! has edit kernel/a.c; }
ok "without the edit" restored
rm "$(tree)/Makefile"
ok "a tree that misses a file is made anew" says "is not as it was prepared (Makefile)" prepare
mkdir -p "$(tree)/build-x" && touch "$(tree)/build-x/o" "$(tree)/stray"
kept() { says "is not as it was prepared (stray)" prepare && [ -e "$(tree)/build-x/o" ]; }
ok "a stray file goes, a build stays" kept
rm "$(tree).files"
ok "a tree that was never finished is made anew" says "never finished" prepare
mkdir "$(tree).tmp" && echo half >"$(tree).tmp/Makefile" && rm -r "$(tree)"
ok "what an interrupted run left does not matter" prepare
touch "$(base)/kernel/a.c"
ok "a base that someone touched is unpacked anew" says "is damaged: unpacking it anew" prepare

# a new file that a later commit changes
echo later >>dev/kernel/new/b.c
git -C dev commit -qam 'b: change it again'
ok "a new file that two commits change is named" says "whole in the first of them: kernel/new/b.c" clone/linux-patch/refresh.sh dev base
ok "and belongs to the first" test "$(grep new/b.c clone/linux-patch/6.12/new-files)" = "0001 kernel/new/b.c"

# bad input
sed 's/= 12/= 11/' linux/Makefile >Makefile.11
mkdir old && cp Makefile.11 old/Makefile
tar -cJf old.tar.xz old
head -c 100 old.tar.xz >cut.tar.xz
ok "another version is refused" refused "is Linux 6.11.70; this series needs Linux 6.12.y from 6.12.19 on" env KERNEL_SRC="$work/old" clone/linux-patch/prepare.sh
sed 's/= 70/= 18/' linux/Makefile >old/Makefile
ok "so is a 6.12.y whose Rust is too old" refused "is Linux 6.12.18; this series needs Linux 6.12.y from 6.12.19 on" env KERNEL_SRC="$work/old" clone/linux-patch/prepare.sh
ok "and another version as a tarball" refused "is Linux 6.11.70; this series needs Linux 6.12.y from 6.12.19 on" env KERNEL_SRC="$work/old.tar.xz" clone/linux-patch/prepare.sh
ok "a damaged tarball is refused" refused "cannot be unpacked" env KERNEL_SRC="$work/cut.tar.xz" clone/linux-patch/prepare.sh
ok "a directory that is not there is refused" refused "no such directory or tarball" env KERNEL_SRC="$work/nowhere" clone/linux-patch/prepare.sh
cp -a linux built && touch built/.config
ok "a tree that was built in is refused" refused "make mrproper" env KERNEL_SRC="$work/built" clone/linux-patch/prepare.sh
cp -a linux other && sed -i 's/^14$/xiv/' other/kernel/a.c
ok "a patch that does not apply is named, with its hunk" \
	refused "0001-a-change-a-line-add-a-file.patch does not apply: kernel/a.c: Hunk #1 FAILED" env KERNEL_SRC="$work/other" clone/linux-patch/prepare.sh
mkdir bin && printf '#!/bin/sh\necho Filesystem\necho x 9 9 12 9 /\n' >bin/df && chmod +x bin/df
ok "a full disk is named" refused "12 MB free, about 6144 MB needed" \
	env "PATH=$work/bin:/usr/bin:/bin" KALLMODSYMS_CACHE="$work/full" clone/linux-patch/prepare.sh
left() { ! find cache -name '*.tmp' | grep .; }
ok "nothing half-made is left" left
# what can be seen of a kernel's symbols
functions() { # "LETTER NAME SIZE"...: assembler that makes them, in this order
	local letter name size
	while read -r letter name size; do
		[ "$letter" = t ] || echo ".globl $name"
		printf '.type %s, @function\n%s: .skip %d\n.size %s, . - %s\n' "$name" "$name" "$size" "$name" "$name"
	done < <(printf '%s\n' "$@")
}
link() { # DIR ADDRESS FUNCTION...: what a build leaves
	mkdir "$1"
	functions "${@:3}" | as -o "$1/o" -
	ld -e 0 -Ttext="$2" -o "$1/vmlinux" "$1/o"
	nm -n "$1/vmlinux" >"$1/System.map"
	{
		echo kallsyms_offsets:
		sed 's|^[^ ]* \(.\) \(.*\)|\t.long\t0\t/* \1\2 */|' "$1/System.map"
		echo kallsyms_relative_base:
	} >"$1/.tmp_vmlinux2.kallsyms.S"
	printf '.text %08x-%08x x\n' "$2" $(($2 + 16)) >"$1/modules.builtin.ranges"
}
differ() { # WHAT DIR: all that can be seen of the kernels in linked/ and in DIR differs in WHAT
	"$scripts/off.sh" linked >before && "$scripts/off.sh" "$2" >after || return
	diff before after | sed -n 's/^[<>] \([a-z_]*\):.*/\1/p' | sort -u | paste -sd' ' >parts
	[ "$(cat parts)" = "$1" ] && return
	diff before after
	return 1
}
seen=("T first 16" "t second 32" "t __initcall__kmod_a__12_345_init6 4")
link linked 0x1000 "${seen[@]}"
link moved 0x4000 "${seen[@]/_345_/_6_}"
ok "addresses and the lines of initcalls are not seen" differ "" moved
link grown 0x1000 "${seen[@]/second 32/second 33}"
ok "a size is" differ "system_map" grown
link more 0x1000 "${seen[@]}" "t third 8"
ok "a symbol more is" differ "kallsyms system_map" more
link renamed 0x1000 "${seen[@]/second/other}"
ok "a name is" differ "kallsyms system_map" renamed
link exported 0x1000 "${seen[@]/t second/T second}"
ok "a type is" differ "kallsyms system_map" exported
link turned 0x1000 "${seen[1]}" "${seen[0]}" "${seen[2]}"
ok "the order is" differ "kallsyms system_map" turned
link counter 0x1000 "${seen[@]/_12_345_/_13_345_}"
ok "what else the name of an initcall has in it is" differ "kallsyms system_map" counter
cp -r linked ranged && echo '.text 00001000-00001011 x' >ranged/modules.builtin.ranges
ok "the range of a module is" differ "ranges" ranged
cp -r linked empty && : >empty/System.map
ok "a build without symbols is refused" refused "has no system_map" "$scripts/off.sh" empty
[ "$bad" = 0 ]
