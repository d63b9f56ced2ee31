#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Checks the series itself, and says so in KTAP: its order, that it applies exactly, that
# kmod/ and the patches together are what `git am` of the exported series gives, that
# checkpatch has nothing to say once somebody has signed it, that what a patch touches builds
# after it, with the option off and on, and that with the option off the whole series
# changes nothing.
#
# One tree and one build go through the patches, so each step makes what differs from the one
# before it. What passed is remembered in the cache, and a run that was ended goes on from
# there.
set -euo pipefail
# shellcheck source=linux-patch/lib.sh
. "$(dirname "$0")/lib.sh"

# FILE_PATH_CHANGES: asks with every new file whether MAINTAINERS has to change. One
# patch of the series brings the entry for all of them.
# UNKNOWN_COMMIT_ID: looks the commit of a Fixes: line up in the history of Linux, which is not here.
ignored=FILE_PATH_CHANGES,UNKNOWN_COMMIT_ID

"$top/linux-patch/prepare.sh"
locate
mapfile -t names < <(series)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
number=0
bad=0

# result NAME FILE: not ok when there is anything in FILE, which then says why.
result() {
	number=$((number + 1))
	if [ -s "$2" ]; then
		bad=$((bad + 1))
		echo "not ok $number $1"
		head -n 30 "$2" | sed 's/^/# /'
	else
		echo "ok $number $1"
	fi
}

in_order() {
	(cd "$patches" && find . -name '[0-9]*.patch' ! -name '0000-*' -printf '%P\n' | sort) |
		diff - <(printf '%s\n' "${names[@]}") || true
	local i
	for i in "${!names[@]}"; do
		[ "${names[i]%%-*}" = "$(printf %04d $((i + 1)))" ] || echo "series: line $((i + 1)) is ${names[i]}"
	done
}

mapped() {
	kmod_map | sed -n 's/^unmapped \(.*\)/kmod\/\1 is not in new-files/p'
	grep -v '^#' "$patches/new-files" | while read -r n f; do
		[ -e "$top/kmod/$f" ] || echo "new-files: kmod/$f does not exist"
		grep -q "^$n-" "$patches/series" || echo "new-files: $f belongs to patch $n, which the series does not have"
	done
}

# The entry in MAINTAINERS names every file that is new to Linux.
maintained() {
	kmod_files | awk -v entries="$tree/MAINTAINERS" '
		BEGIN {
			while ((getline line <entries) > 0) {
				if (line == "KALLMODSYMS" || line == "")
					ours = line != ""
				else if (ours && sub(/^F:\t/, "", line))
					paths[line]
			}
		}
		{
			for (path in paths)
				if ($0 == path || path ~ "/$" && index($0, path) == 1)
					next
			print "MAINTAINERS: no F: of KALLMODSYMS for " $0
		}'
}

am_gives_the_tree() {
	git -C "$work/linux" am -q --empty=keep "$work"/out/*.patch 2>&1 || return 0
	git -C "$work/linux" ls-files | while read -r f; do
		cmp "$work/linux/$f" "$tree/$f" 2>&1 || true
		[ -x "$work/linux/$f" ] || [ ! -x "$tree/$f" ] || echo "$tree/$f is executable"
	done
	kmod_files | while read -r f; do
		git -C "$work/linux" ls-files --error-unmatch "$f" 2>&1 | grep error || true
	done
}

round_trip() {
	"$top/linux-patch/refresh.sh" "$work/linux" base "$work/again" 2>&1 | grep '^error' || true
	local to=$work/again/linux-patch/${patches##*/} p
	diff "$patches/series" "$to/series" || true
	for p in "${names[@]}"; do diff -u "$patches/$p" "$to/$p" || true; done
	kmod_files | while read -r f; do cmp "$top/kmod/$f" "$work/again/kmod/$f" 2>&1 || true; done
	diff <(kmod_map | sort) <(grep -v '^#' "$to/new-files") || true
}

checkpatch() {
	(cd "$work" && perl "$src/scripts/checkpatch.pl" -q --no-summary --show-types --strict \
		--ignore "$ignored" --root="$src" "$1" 2>&1) || true
}

# The objects beside header $1 that include it and are built, or all beside it if none is.
beside() {
	local f
	grep -lF "include \"${1##*/}\"" "$check/${1%/*}"/*.c 2>/dev/null | while read -r f; do
		f=${f#"$check/"}
		[ ! -f "$check/build/${f%.c}.o" ] || echo "${f%.c}.o"
	done | grep . || echo "${1%/*}/"
}

# The make targets for what commit $1 touches. All that depends on a header would be
# the whole kernel, which other suites build: here the files beside it stand for them.
targets() {
	git -C "$work/linux" diff-tree -r --no-commit-id --name-only "$1" | while read -r f; do
		case $f in
		scripts/*kallsyms* | scripts/link-vmlinux.sh | scripts/Makefile.vmlinux) echo vmlinux ;;
		tools/* | scripts/* | *.rst | MAINTAINERS) ;;
		kernel/kallmodsyms/*.rs) echo kernel/kallmodsyms/ ;;
		rust/* | */Kconfig* | */Makefile | include/*) echo prepare ;;
		*.c) echo "${f%.c}.o" ;;
		*.h) beside "$f" ;;
		*) echo "check.sh: which target builds $f?" >&2 ;;
		esac
	done | sort -u
}

# Where it is remembered that $1 of commit $3, with the option $2, was found well.
remembered() {
	local key
	key=$({
		printf '%s\n' "$src" "$compilers"
		git -C "$work/linux" rev-parse "$3^{tree}"
		cat "$work/$2.config" "$top"/linux-patch/{check,off}.sh
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
	passed=$(remembered ok "$1" "$2")
	[ ! -f "$passed" ] || return 0
	sources "$2"
	mapfile -t goals < <(targets "$2" 2>&1)
	# The directory is one of kernel/Makefile only with the option on.
	[ "$1" = on ] || mapfile -t goals < <(printf '%s\n' "${goals[@]}" | grep -v '^kernel/kallmodsyms/')
	case ${goals[*]} in
	*check.sh:*) printf '%s\n' "${goals[@]}" ;;
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

echo "TAP version 14"
echo "1..$((7 + ${#names[@]} * 4 - fixes))"
in_order >"$work/why"
result "series lists the patches in order" "$work/why"
mapped >"$work/why"
result "every file of kmod/ belongs to a patch" "$work/why"
maintained >"$work/why"
result "MAINTAINERS has every file that is new" "$work/why"

mkdir "$work/exact"
scratch "$work/linux"
git -C "$work/linux" archive base | tar -C "$work/exact" -xf -
for p in "${names[@]}"; do
	(apply "$work/exact" "$patches/$p") 2>&1 | grep -E 'offset|fuzz|error' >"$work/why" || true
	result "$p applies with no fuzz and no offset" "$work/why"
done

SIGN_OFF='' "$top/linux-patch/export.sh" "$work/out" 2>/dev/null
grep -r '^Signed-off-by:' "$patches" "$work/out" >"$work/why" || true
result "nobody has signed the series off but who sends it" "$work/why"
am_gives_the_tree >"$work/why"
result "git am of the exported series gives the prepared tree" "$work/why"
tip=$(git -C "$work/linux" rev-parse HEAD)
mapfile -t commits < <(git -C "$work/linux" rev-list --reverse base..HEAD)
round_trip >"$work/why"
result "exported and read back, nothing has changed" "$work/why"
SIGN_OFF='A Tester <tester@example.org>' "$top/linux-patch/export.sh" "$work/signed" 2>/dev/null
for p in "$work"/signed/*.patch; do
	checkpatch "$p" >"$work/why"
	result "checkpatch --strict ${p##*/}" "$work/why"
done

check=$cache/check/${src##*/}
lock "$check"
cat "$top/qemu/config/off.config" >"$work/off.config"
sed 's/^# CONFIG_KALLMODSYMS is not set/CONFIG_KALLMODSYMS=y/' "$work/off.config" >"$work/on.config"
compilers=$(gcc --version && /usr/bin/rustc -vV && bindgen --version)

for ((i = 0; i < ${#names[@]}; i++)); do
	[ "$i" != "$fixes" ] || seen "${commits[i]}^" before >"$work/why-before"
	for option in off on; do
		[ "$option" = off ] || [ "$i" -ge "$fixes" ] || continue
		step "$option" "${commits[i]}" >"$work/why"
		result "what ${names[i]%%-*} touches builds with the option $option" "$work/why"
	done
done
seen "$tip" after >"$work/why-after"
{
	cat "$work/why-before" "$work/why-after"
	diff "$work/before" "$work/after" 2>&1 || true
} >"$work/why"
result "with the option off, what can be seen of the symbols is as before ${names[fixes]%%-*}" "$work/why"
[ "$bad" = 0 ]
