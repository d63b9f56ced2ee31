#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Checks the series itself, and says so in KTAP: its order, that it applies exactly, that
# kmod/ and the patches together are what `git am` of the exported series gives, and that
# checkpatch has nothing to say once somebody has signed it. That it builds, builds.sh sees.
set -euo pipefail
# shellcheck source=linux-patch/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=linux-patch/ktap.sh
. "$(dirname "$0")/ktap.sh"

# FILE_PATH_CHANGES: asks with every new file whether MAINTAINERS has to change. One
# patch of the series brings the entry for all of them.
# UNKNOWN_COMMIT_ID: looks the commit of a Fixes: line up in the history of Linux, which is not here.
ignored=FILE_PATH_CHANGES,UNKNOWN_COMMIT_ID

"$top/linux-patch/prepare.sh"
locate
mapfile -t names < <(series)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

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

echo "TAP version 14"
echo "1..$((6 + ${#names[@]} * 2))"
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
[ "$bad" = 0 ]
