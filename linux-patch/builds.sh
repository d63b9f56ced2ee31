#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Checks that the series builds, patch by patch, and says so in KTAP:
#
#   linux-patch/builds.sh [links]
#
# Without an argument: the objects and the programs of the host that a patch touches build
# after it, with the option off and on. links takes what needs whole kernels, small ones:
# vmlinux links after each patch that has to do with its link, off and on, and with the option
# off the whole series changes nothing that can be seen of the symbols.
#
# One tree and one build go through the patches, so each step makes what differs from the one
# before it. What passed is remembered in the cache, and a run that was ended goes on from
# there.
set -euo pipefail
# shellcheck source=linux-patch/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=linux-patch/ktap.sh
. "$(dirname "$0")/ktap.sh"
what=${1:-objects}
[[ $what = objects || $what = links ]] || die "usage: linux-patch/builds.sh [links]"

"$top/linux-patch/prepare.sh"
locate
mapfile -t names < <(series)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The make targets for what commit $1 touches. All that depends on a header would be
# the whole kernel, which other suites build: here one file stands for them.
targets() {
	git -C "$work/linux" diff-tree -r --no-commit-id --name-only "$1" | while read -r f; do
		case $f in
		scripts/*kallsyms* | scripts/link-vmlinux.sh | scripts/Makefile.vmlinux) echo vmlinux ;;
		tools/* | scripts/* | *.rst | MAINTAINERS) ;;
		kernel/kallmodsyms/*.rs) echo kernel/kallmodsyms/ ;;
		rust/* | */Kconfig* | */Makefile | include/*) echo prepare ;;
		*.c) echo "${f%.c}.o" ;;
		*_internal.h) echo "${f%_internal.h}.o" ;;
		*) echo "builds.sh: which target builds $f?" >&2 ;;
		esac
	done | sort -u
}

# Where it is remembered that $1 of commit $3, with the option $2, was found well.
remembered() {
	local key
	key=$({
		printf '%s\n' "$src" "$compilers"
		git -C "$work/linux" rev-parse "$3^{tree}"
		cat "$work/$2.config" "$top"/linux-patch/{builds,off}.sh
	} | hash12)
	echo "$cache/check/$1-$key"
}

# The sources of commit $1 in $check, and of the base where an earlier series has been. Only what
# differs is written, so that make rebuilds that alone. The files are links to those of the
# base: never write into one.
sources() {
	local f from
	if [ ! -f "$check.ok" ]; then
		rm -rf "$check"
		mkdir -p "$check"
		find "$src" -mindepth 1 -maxdepth 1 ! -name 'build-*' -exec cp -al -t "$check" {} +
		touch "$check.ok"
	fi
	git -C "$work/linux" checkout -q "$1"
	touch "$check.touched"
	git -C "$work/linux" ls-tree -r --name-only "$tip" | sort -u - "$check.touched" >"$work/touched"
	cp "$work/touched" "$check.touched"
	while read -r f; do
		from=$work/linux/$f
		[ -f "$from" ] || from=$src/$f
		if [ ! -f "$from" ]; then
			rm -f "$check/$f"
		elif ! cmp -s "$from" "$check/$f"; then
			mkdir -p "$(dirname "$check/$f")"
			cp --remove-destination --preserve=mode "$from" "$check/$f"
		fi
	done <"$work/touched"
}

# Makes the targets $3 and so on of commit $2, whose sources are there, with the option $1, or
# says why not.
builds() {
	local kernel=("${kmake[@]}" CC="ccache gcc" -C "$check" O="$check/build")
	mkdir -p "$check/build" "$CCACHE_DIR"
	if ! "${kernel[@]}" KCONFIG_ALLCONFIG="$work/$1.config" allnoconfig >"$work/log" 2>&1 ||
		! "${kernel[@]}" "${@:3}" >>"$work/log" 2>&1; then
		grep -E -A3 '[:^ ]error[: \[]|\*\*\*|undefined reference' "$work/log" || tail "$work/log"
	elif [ "$2 $1" = "$tip on" ] && ! grep -q '^CONFIG_KALLMODSYMS=y' "$check/build/.config"; then
		echo "CONFIG_KALLMODSYMS=y does not hold in $check/build/.config after the last patch"
	else
		grep -A3 'warning:' "$work/log" || true
	fi
}

# Builds what commit $2 touches with the option $1, or says why not.
step() {
	local goals passed
	passed=$(remembered "$what" "$1" "$2")
	[ ! -f "$passed" ] || return 0
	sources "$2"
	mapfile -t goals < <(targets "$2" 2>&1)
	if [ "$what" = links ]; then
		goals=(vmlinux)
	else
		goals=("${goals[@]/#vmlinux/scripts}")
	fi
	# The directory is one of kernel/Makefile only with the option on.
	[ "$1" = on ] || mapfile -t goals < <(printf '%s\n' "${goals[@]}" | grep -v '^kernel/kallmodsyms/')
	case ${goals[*]} in
	*builds.sh:*) printf '%s\n' "${goals[@]}" ;;
	'') ;;
	*) builds "$1" "$2" "${goals[@]}" ;;
	esac >"$work/builds"
	cat "$work/builds"
	[ -s "$work/builds" ] || touch "$passed"
}

# Puts into $work/$2 what can be seen of the kernel of commit $1 with the option off, or says why not.
seen() {
	local list
	list=$(remembered seen off "$1")
	if [ ! -f "$list" ]; then
		sources "$1"
		builds off "$1" vmlinux >"$work/builds"
		if [ -s "$work/builds" ]; then
			cat "$work/builds"
			return
		fi
		"$top/linux-patch/off.sh" "$check/build" >"$list.tmp" 2>&1 || { cat "$list.tmp"; return; }
		mv "$list.tmp" "$list"
	fi
	touch "$list"
	find "$cache/check" -maxdepth 1 -name 'seen-*' -mtime +7 -delete
	cp "$list" "$work/$2"
}

# Fixes of what Linux has wrong stand first, each with a line that says since when. They know
# nothing of the option, and what it changes when it is off is changed after them.
fixes=0
for p in "${names[@]}"; do
	grep -q '^Fixes: ' "$patches/$p" || break
	fixes=$((fixes + 1))
done
[ "$fixes" -lt ${#names[@]} ] || die "${patches#"$top/"}/series: nothing but fixes"

scratch "$work/linux"
SIGN_OFF='' "$top/linux-patch/export.sh" "$work/out" 2>/dev/null
git -C "$work/linux" am -q --empty=keep "$work"/out/*.patch
tip=$(git -C "$work/linux" rev-parse HEAD)
mapfile -t commits < <(git -C "$work/linux" rev-list --reverse base..HEAD)
check=$cache/check/${src##*/}
lock "$check"
cat "$top/qemu/config/off.config" >"$work/off.config"
sed 's/^# CONFIG_KALLMODSYMS is not set/CONFIG_KALLMODSYMS=y/' "$work/off.config" >"$work/on.config"
compilers=$(gcc --version && /usr/bin/rustc -vV && bindgen --version)

echo "TAP version 14"
[ "$what" = objects ] || seen "${commits[fixes]}^" before >"$work/why-before"
# All with the option off and then all with it on: where it changes, bindings and all Rust are made anew.
for option in off on; do
	for ((i = 0; i < ${#names[@]}; i++)); do
		[ "$option" = off ] || [ "$i" -ge "$fixes" ] || continue
		[ "$what" = objects ] || targets "${commits[i]}" | grep -qx vmlinux || continue
		step "$option" "${commits[i]}" >"$work/why"
		result "${names[i]%%-*}: $what with the option $option" "$work/why"
	done
	[ "$what $option" != "links off" ] || seen "$tip" after >"$work/why-after"
done
if [ "$what" = objects ]; then
	echo "1..$number"
	[ "$bad" = 0 ]
	exit
fi
{
	cat "$work/why-before" "$work/why-after"
	diff "$work/before" "$work/after" 2>&1 || true
} >"$work/why"
result "with the option off, what can be seen of the symbols is as before ${names[fixes]%%-*}" "$work/why"
echo "1..$number"
[ "$bad" = 0 ]
