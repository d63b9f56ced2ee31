#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The way back from export.sh: writes linux-patch/BASE/ and kmod/ from a git tree of
# Linux in which each patch of the series is one commit on top of REV:
#
#   linux-patch/refresh.sh GITTREE REV [DESTINATION]
#
# A file that REV does not have goes to kmod/ as HEAD has it, the rest to the patches.
# DESTINATION is this clone if none is given. Files of kmod/ that no commit has are left
# alone. Sign-offs are left out: export.sh puts in that of whoever sends the series.
set -euo pipefail
# shellcheck source=linux-patch/lib.sh
. "$(dirname "$0")/lib.sh"
linux=${1:?usage: linux-patch/refresh.sh GITTREE REV [DESTINATION]}
rev=${2:?usage: linux-patch/refresh.sh GITTREE REV [DESTINATION]}
dest=${3:-$top}
to=$dest/linux-patch/${patches##*/}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git -C "$linux" rev-parse -q --verify "$rev^{commit}" >/dev/null || die "$linux: no commit $rev"
commits=$(git -C "$linux" rev-list --reverse "$rev..HEAD")
[ -n "$commits" ] || die "$linux: no commits after $rev"
git -C "$linux" diff --name-only --no-renames --diff-filter=A "$rev" HEAD >"$work/new"

# Each commit again, without the new files.
parent=$(git -C "$linux" rev-parse "$rev^{commit}")
number=0
for c in $commits; do
	number=$((number + 1))
	git -C "$linux" diff-tree -r --no-commit-id --name-only --no-renames "$c" | grep -xFf "$work/new" |
		sed "s/^/$(printf %04d $number) /" >>"$work/map" || true
	export GIT_INDEX_FILE=$work/index
	git -C "$linux" read-tree "$c"
	git -C "$linux" update-index --force-remove --stdin <"$work/new"
	tree=$(git -C "$linux" write-tree)
	unset GIT_INDEX_FILE
	parent=$(git -C "$linux" log -1 --format=%B "$c" | sed '/^Signed-off-by: /d' | git stripspace |
		GIT_AUTHOR_NAME=$(git -C "$linux" log -1 --format=%an "$c") \
			GIT_AUTHOR_EMAIL=$(git -C "$linux" log -1 --format=%ae "$c") \
			GIT_AUTHOR_DATE=$(git -C "$linux" log -1 --format=%ad --date=raw "$c") \
			git -C "$linux" commit-tree "$tree" -p "$parent")
done
touch "$work/map"
# kmod/ holds one version of a file, so all of it goes to the patch that adds it.
twice=$(cut -d' ' -f2- "$work/map" | sort | uniq -d | paste -sd' ')
[ -z "$twice" ] || say "changed by several commits, whole in the first of them: $twice"
awk '!seen[$2]++' "$work/map" >"$work/first"
mv "$work/first" "$work/map"

mkdir -p "$to" "$dest/kmod"
find "$to" -name '[0-9][0-9][0-9][0-9]-*.patch' ! -name 0000-cover-letter.patch -delete
git -C "$linux" "${format_patch[@]}" -o "$(realpath "$to")" "$rev..$parent"
(cd "$to" && find . -name '[0-9][0-9][0-9][0-9]-*.patch' ! -name '0000-*' -printf '%P\n' | sort) >"$to/series"
while read -r f; do
	mkdir -p "$(dirname "$dest/kmod/$f")"
	git -C "$linux" cat-file blob "HEAD:$f" >"$work/file"
	cmp -s "$work/file" "$dest/kmod/$f" || cat "$work/file" >"$dest/kmod/$f"
	case $(git -C "$linux" ls-tree HEAD "$f") in
	100755*) chmod +x "$dest/kmod/$f" ;;
	*) chmod -x "$dest/kmod/$f" ;;
	esac
done <"$work/new"
if [ "$dest" = "$top" ] && [ -f "$to/new-files" ]; then
	kmod_map | while read -r n f; do
		grep -qxF "$f" "$work/new" && continue
		say "kmod/$f is in no commit of $linux: left as it is"
		[ "$n" = unmapped ] || echo "$n $f" >>"$work/map"
	done
fi
{
	echo "# SPDX-License-Identifier: GPL-2.0"
	echo "# Which patch brings in which file of kmod/ (or all of a directory)."
	sort "$work/map"
} >"$to/new-files"
say "$number patches in $to, $(wc -l <"$work/new") new files in $dest/kmod"
