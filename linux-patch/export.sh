#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Writes the whole series for `git am` and for mail: linux-patch/export.sh OUT
#
# linux-patch/ holds changes to files that Linux has, kmod/ the new files. Here each new
# file becomes part of the patch that new-files names for it.
set -euo pipefail
# shellcheck source=linux-patch/lib.sh
. "$(dirname "$0")/lib.sh"
out=${1:?usage: linux-patch/export.sh OUT}

"$top/linux-patch/prepare.sh"
locate
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
scratch "$work/linux"
map=$(kmod_map)
for p in $(series); do
	git -C "$work/linux" am -q --empty=keep "$patches/$p" >"$work/log" 2>&1 ||
		die "$p does not apply in git: $(grep -m1 -i error "$work/log")"
	awk -v n="${p%%-*}" '$1 == n { print $2 }' <<<"$map" | while read -r f; do
		mkdir -p "$(dirname "$work/linux/$f")"
		cp --preserve=mode "$top/kmod/$f" "$work/linux/$f"
		git -C "$work/linux" add -f "$f"
	done
	git -C "$work/linux" commit -q --amend --no-edit --allow-empty
done
mkdir -p "$out"
rm -f "$out"/[0-9][0-9][0-9][0-9]-*.patch
git -C "$work/linux" "${format_patch[@]}" -o "$(realpath "$out")" base
# Not *.patch, so that `git am OUT/*.patch` takes the patches alone.
[ ! -f "$patches/0000-cover-letter.patch" ] || cp "$patches/0000-cover-letter.patch" "$out/cover-letter.txt"
say "$(series | wc -l) patches in $out: git am $out/*.patch on Linux $VERSION"
