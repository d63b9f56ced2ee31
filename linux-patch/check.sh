#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Checks the series itself, and says so in KTAP: its order, that it applies exactly, that
# kmod/ and the patches together are what `git am` of the exported series gives, that
# checkpatch has nothing to say once somebody has signed it, and that what a patch touches
# builds after it, with the option off and on. A build that passed is remembered in the
# cache.
set -euo pipefail
# shellcheck source=linux-patch/lib.sh
. "$(dirname "$0")/lib.sh"

# FILE_PATH_CHANGES: asks with every new file whether MAINTAINERS has to change. One
# patch of the series brings the entry for all of them.
ignored=FILE_PATH_CHANGES

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

# The make targets for what commit $1 touches. All that depends on a header would be
# the whole kernel, which other suites build: here the files beside it stand for them.
targets() {
	git -C "$work/linux" diff-tree -r --no-commit-id --name-only "$1" | while read -r f; do
		case $f in
		scripts/*kallsyms* | scripts/link-vmlinux.sh | scripts/Makefile.vmlinux) echo vmlinux ;;
		tools/* | scripts/* | *.rst | MAINTAINERS) ;;
		kernel/kallmodsyms/*.rs) echo kernel/kallmodsyms/ ;;
		*.c) echo "${f%.c}.o" ;;
		rust/*.rs | */bindings_helper.h | */Kconfig* | */Makefile | include/*) echo prepare ;;
		kernel/*.h) dirname "$f" | sed 's|$|/|' ;;
		*) echo "check.sh: which target builds $f?" >&2 ;;
		esac
	done | sort -u
}

# Builds what commit $1 touches with the option $2 (off, on).
builds() {
	local commit=$1 option=$2 f out=$check/build-$2 config=$work/$2.config key goals
	cat "$top/qemu/config/off.config" >"$config"
	[ "$option" = off ] || sed -i 's/^# CONFIG_KALLMODSYMS is not set/CONFIG_KALLMODSYMS=y/' "$config"
	mapfile -t goals < <(targets "$commit" 2>&1)
	# The directory is one of kernel/Makefile only with the option on.
	[ "$option" = on ] || mapfile -t goals < <(printf '%s\n' "${goals[@]}" | grep -v '^kernel/kallmodsyms/')
	case ${goals[*]} in
	*check.sh:*) printf '%s\n' "${goals[@]}"; return ;;
	'') return ;;
	esac
	key=$({
		echo "$src"
		git -C "$work/linux" rev-parse "$commit^{tree}"
		cat "$config"
		gcc --version
		/usr/bin/rustc -vV
		bindgen --version
	} | hash12)
	[ ! -f "$cache/check/ok-$key" ] || return 0

	# Only what differs is written, so that make rebuilds that alone. The files are
	# links to those of the base: never write into one.
	if [ ! -f "$check.ok" ]; then
		rm -rf "$check"
		mkdir -p "$check"
		find "$src" -mindepth 1 -maxdepth 1 ! -name 'build-*' -exec cp -al -t "$check" {} +
		touch "$check.ok"
	fi
	git -C "$work/linux" checkout -q "$commit"
	git -C "$work/linux" ls-tree -r --name-only "$tip" | while read -r f; do
		if [ ! -f "$work/linux/$f" ]; then
			rm -f "$check/$f"
		elif ! cmp -s "$work/linux/$f" "$check/$f"; then
			mkdir -p "$(dirname "$check/$f")"
			cp --remove-destination --preserve=mode "$work/linux/$f" "$check/$f"
		fi
	done
	mkdir -p "$out" "$CCACHE_DIR"
	if ! "${kmake[@]}" CC="ccache gcc" -C "$check" O="$out" KCONFIG_ALLCONFIG="$config" allnoconfig >"$work/log" 2>&1 ||
		! "${kmake[@]}" CC="ccache gcc" -C "$check" O="$out" "${goals[@]}" >>"$work/log" 2>&1; then
		grep -E -A3 '[:^ ]error[: \[]|\*\*\*|undefined reference' "$work/log" || tail "$work/log"
	elif [ "$commit $option" = "$tip on" ] && ! grep -q '^CONFIG_KALLMODSYMS=y' "$out/.config"; then
		echo "CONFIG_KALLMODSYMS=y does not hold in $out/.config after the last patch"
	elif grep -A3 'warning:' "$work/log"; then
		: # said what it was
	else
		touch "$cache/check/ok-$key"
	fi
}

echo "TAP version 14"
echo "1..$((6 + ${#names[@]} * 4))"
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
round_trip >"$work/why"
result "exported and read back, nothing has changed" "$work/why"
SIGN_OFF='A Tester <tester@example.org>' "$top/linux-patch/export.sh" "$work/signed" 2>/dev/null
for p in "$work"/signed/*.patch; do
	checkpatch "$p" >"$work/why"
	result "checkpatch --strict ${p##*/}" "$work/why"
done

check=$cache/check/${src##*/}
lock "$check"
tip=$(git -C "$work/linux" rev-parse HEAD)
mapfile -t commits < <(git -C "$work/linux" rev-list --reverse base..HEAD)
for option in off on; do
	for i in "${!commits[@]}"; do
		builds "${commits[i]}" "$option" >"$work/why"
		result "what ${names[i]%%-*} touches builds with the option $option" "$work/why"
	done
done
[ "$bad" = 0 ]
