#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of prepare.sh, export.sh and refresh.sh on a toy kernel of three files: what
# they make, and what they say to bad input. Needs no kernel sources. KTAP.
set -euo pipefail
scripts=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
unset KERNEL_BASE XDG_CACHE_HOME KALLMODSYMS_LOCKS
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
printf 'VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 7\n' >linux/Makefile
seq 30 >linux/kernel/a.c
echo '*.c diff=cpp' >linux/.gitattributes
cp -a linux dev
git -C dev -c init.defaultBranch=main init -q
git -C dev add -A
git -C dev commit -qm base
git -C dev tag base
sed -i 's/^15$/fifteen/' dev/kernel/a.c
mkdir dev/kernel/new
echo new >dev/kernel/new/b.c
git -C dev add -A
git -C dev commit -qm 'a: change a line, add a file'
echo '#!/bin/sh' >dev/kernel/new/c.sh
chmod +x dev/kernel/new/c.sh
git -C dev add -A
git -C dev commit -qm 'c: add a file alone'
mkdir -p clone/linux-patch/6.12
git -c init.defaultBranch=main init -q clone
cp "$scripts"/*.sh clone/linux-patch
cp "$scripts/6.12/base" clone/linux-patch/6.12
echo host >clone/README.md

echo "TAP version 14"
echo "1..33"
ok "refresh writes the series and kmod/" clone/linux-patch/refresh.sh dev base
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
	clone/linux-patch/refresh.sh am base "$work/again" && diff -r clone/linux-patch/6.12 again/linux-patch/6.12 -x base &&
		diff -r clone/kmod again/kmod
}
ok "the series is exported" clone/linux-patch/export.sh out
ok "git am of it gives the prepared tree" am
ok "reading it back changes nothing" again

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
ok "another version is refused" refused "is Linux 6.11.7; this series needs Linux 6.12.y" env KERNEL_SRC="$work/old" clone/linux-patch/prepare.sh
ok "and as a tarball" refused "is Linux 6.11.7; this series needs Linux 6.12.y" env KERNEL_SRC="$work/old.tar.xz" clone/linux-patch/prepare.sh
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
[ "$bad" = 0 ]
