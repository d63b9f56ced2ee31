#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Writes the whole series for `git am` and for mail: linux-patch/export.sh OUT
#
# linux-patch/ holds changes to files that Linux has, kmod/ the new files. Here each new
# file becomes part of the patch that new-files names for it.
#
# SIGN_OFF="Name <address>" is who sends it: the author where there is none but the
# project, the maintainer, and who signs each patch off. Nobody else can do that, so
# without it nothing is signed.
set -euo pipefail
# shellcheck source=linux-patch/lib.sh
. "$(dirname "$0")/lib.sh"
out=${1:?usage: [SIGN_OFF="Name <address>"] linux-patch/export.sh OUT}
sender=${SIGN_OFF:-}

if [ -n "$sender" ]; then
	word='[^][<>()",:;@\\[:space:][:cntrl:]]+'
	[[ $sender =~ ^$word(" "$word)*" <"$word@[[:alnum:].-]+">"$ ]] ||
		die "SIGN_OFF='${sender//[[:cntrl:]]/?}': it must be 'Name <address>', one of each, the name without quotes, commas and the like"
	email=${sender##*<}
	export GIT_COMMITTER_NAME=${sender% <*} GIT_COMMITTER_EMAIL=${email%>}
fi

"$top/linux-patch/prepare.sh"
locate
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
scratch "$work/linux"
map=$(kmod_map)

# Signs the last commit, and puts the sender where the project's placeholder stands.
sign() {
	local as=()
	if [ -f "$work/linux/MAINTAINERS" ]; then
		was=$AUTHORS is=$sender perl -pi -e 's/\Q$ENV{was}/$ENV{is}/' "$work/linux/MAINTAINERS"
		git -C "$work/linux" add MAINTAINERS
	fi
	[ "$(git -C "$work/linux" log -1 --format='%an <%ae>')" != "$AUTHORS" ] || as=(--author="$sender")
	git -C "$work/linux" commit -q --amend --no-edit --allow-empty --signoff "${as[@]}"
}

# What the patches apply to, in the words of git format-patch if they are of a commit.
base() {
	local commit version
	version="Linux $(kernel_version "$src")"
	if [ -d "$origin" ] && [ "$(git -C "$origin" rev-parse --show-toplevel 2>/dev/null)" = "$(realpath "$origin")" ]; then
		commit=$(git -C "$origin" rev-parse HEAD)
		if [ -z "$(git -C "$origin" status --porcelain --untracked-files=no)" ]; then
			echo "base-commit: $commit"
			return
		fi
		say "warning: $origin has changes that no commit has: no base-commit"
		echo "base-version: $version, changed after $commit"
	elif [ "$origin" = "$TARBALL" ] && commit=$(dpkg-query -W -f '${Version}' "$PACKAGE" 2>/dev/null); then
		echo "base-package: $PACKAGE $commit ($version)"
	else
		echo "base-version: $version"
	fi
}

for p in $(series); do
	git -C "$work/linux" am -q --empty=keep "$patches/$p" >"$work/log" 2>&1 ||
		die "$p does not apply in git: $(grep -m1 -i error "$work/log")"
	awk -v n="${p%%-*}" '$1 == n { print $2 }' <<<"$map" | while read -r f; do
		mkdir -p "$(dirname "$work/linux/$f")"
		cp --preserve=mode "$top/kmod/$f" "$work/linux/$f"
		git -C "$work/linux" add -f "$f"
	done
	git -C "$work/linux" commit -q --amend --no-edit --allow-empty
	[ -z "$sender" ] || sign
done
mkdir -p "$out"
rm -f "$out"/[0-9][0-9][0-9][0-9]-*.patch
git -C "$work/linux" "${format_patch[@]}" --numbered ${sender:+--from="$sender"} -o "$(realpath "$out")" base
base=$(base)
first=("$out"/0001-*.patch)
printf '\n%s\n' "$base" >>"${first[0]}"

# The letter has the sender's headers and the series' numbers. It is no *.patch, so that
# `git am OUT/*.patch` takes the patches alone.
letter=$patches/0000-cover-letter.patch
n=$(series | wc -l)
if [ -f "$letter" ]; then
	{
		awk -v number="[PATCH $(printf "%0${#n}d" 0)/$n]" '
			FNR == 1 { header = 1; file++ }
			/^$/ { header = 0 }
			file == 1 && header && /^(From:|MIME-Version:|Content-)/ { sender = sender "\n" $0 }
			file == 1 { next }
			header && /^From:/ { next }
			header && /^Subject:/ { sub(/\[PATCH[^]]*\]/, number) }
			FNR == 1 { $0 = $0 sender }
			{ print }' "${first[0]}" "$letter"
		[ -z "$sender" ] || printf '\nSigned-off-by: %s\n' "$sender"
		echo
		git -C "$work/linux" shortlog base..HEAD </dev/null
		git -C "$work/linux" diff --no-renames --stat=72 --summary base HEAD
		printf '\n%s\n' "$base"
	} >"$out/cover-letter.txt"
fi
say "$n patches in $out, on $base"
if [ -n "$sender" ]; then
	say "signed off by $sender: git send-email $out/cover-letter.txt $out/*.patch"
else
	say "nobody has signed them off: they are for git am $out/*.patch, not for mail (SIGN_OFF='Name <address>' signs)"
fi
