#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Makes or updates the patched kernel tree in the cache: the base is unpacked, the
# series applied, kmod/ copied in. A tree appears under its name only when it is
# whole, so a run that is interrupted leaves nothing that the next one trusts.
set -euo pipefail
# shellcheck source=linux-patch/lib.sh
. "$(dirname "$0")/lib.sh"

need_mb=6144 # two source trees of 1.6 GB, the standard build, ccache
for tool in git patch tar xz flock; do
	command -v "$tool" >/dev/null || die "$tool is missing: run qemu/install.sh"
done
locate

space() {
	local free
	free=$(df -Pm "$cache" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge "$need_mb" ] ||
		die "$cache: $free MB free, about $need_mb MB needed: make room, or set KALLMODSYMS_CACHE to a larger disk"
}

right_version() {
	local v sub
	v=$(kernel_version "$1" 2>/dev/null) || true
	sub=${v#"$VERSION".}
	sub=${sub%%[!0-9]*}
	[[ $v = "$VERSION".* && ${sub:-0} -ge $OLDEST ]] ||
		die "$origin is ${v:+Linux }${v:-not a kernel tree}; this series needs Linux $VERSION.y from $VERSION.$OLDEST on (KERNEL_SRC=, or the package $PACKAGE)"
}

base_files() {
	find "$src" -mindepth 1 -path "$src/build-*" -prune -o ! -type d -printf '%P %s %T@\n' | sort
}

# The base, as it came. KEY.files lists what it is made of.
unpack() {
	lock "$src"
	if [ -f "$src.files" ]; then
		base_files | cmp -s - "$src.files" && return
		say "tree: $src is damaged: unpacking it anew"
	fi
	space
	rm -rf "$src" "$src.tmp" "$src.files"
	trap 'rm -rf "$src.tmp"' EXIT
	mkdir -p "$src.tmp"
	say "tree: unpacking $origin (half a minute)"
	if [ -d "$origin" ]; then
		right_version "$origin"
		if [ -e "$origin/.config" ] || [ -d "$origin/include/config" ]; then
			die "$origin has been built in; run 'make mrproper' there, or name a clean tree"
		fi
		tar -C "$origin" --exclude=./.git -cf - . | tar -C "$src.tmp" -xf -
	else
		tar -C "$src.tmp" --strip-components=1 -xf "$origin" ||
			die "$origin: cannot be unpacked: damaged, or no kernel tarball; replace it and run again"
		right_version "$src.tmp"
	fi
	mv "$src.tmp" "$src"
	base_files >"$src.files.tmp"
	mv "$src.files.tmp" "$src.files"
}

tree_files() {
	find "$tree" -mindepth 1 -path "$tree/build-*" -prune -o ! -type d "$@" -printf '%P\n' | sort
}

# The first file that is not as it was when the tree was made. Those of kmod/ are
# compared and copied in every run.
changed() {
	if [ ! -f "$tree.files" ] || [ ! -f "$tree.kmod" ]; then
		echo "the whole tree (it was never finished)"
		return
	fi
	{
		tree_files | comm -23 - "$tree.kmod" | comm -3 - "$tree.files" | tr -d '\t'
		tree_files -cnewer "$tree.files" | comm -23 - "$tree.kmod"
	} | sed -n 1p # reads all: nothing above it dies of a closed pipe
}

make_tree() {
	local p
	space
	say "tree: applying $(series | wc -l) patches to Linux $(kernel_version "$src")"
	rm -rf "$tree.tmp"
	mkdir "$tree.tmp"
	find "$src" -mindepth 1 -maxdepth 1 ! -name 'build-*' -exec cp -a --reflink=auto -t "$tree.tmp" {} +
	series | while read -r p; do apply "$tree.tmp" "$patches/$p" >/dev/null; done || { rm -rf "$tree.tmp"; exit 1; }
	rm -f "$tree.files" "$tree.kmod"
	if [ -d "$tree" ]; then
		find "$tree" -maxdepth 1 -name 'build-*' -exec mv -t "$tree.tmp" {} +
		rm -rf "$tree"
	fi
	mv "$tree.tmp" "$tree"
	: >"$tree.kmod"
	tree_files >"$tree.files.tmp"
	mv "$tree.files.tmp" "$tree.files"
}

# Only what differs is copied, with the time of now: make then rebuilds that alone.
sync_kmod() {
	local f n=0
	kmod_map >"$tree.map"
	if f=$(grep -m1 '^unmapped' "$tree.map"); then
		die "kmod/${f#unmapped }: no line of ${patches#"$top/"}/new-files says which patch brings it in"
	fi
	cut -d' ' -f2- "$tree.map" | sort >"$tree.kmod.new"
	cp "$tree.kmod" "$tree.kmod.old"
	sort -u "$tree.kmod.old" "$tree.kmod.new" >"$tree.kmod" # true at every moment
	while read -r f; do
		rm -f "$tree/$f"
	done < <(comm -23 "$tree.kmod.old" "$tree.kmod.new")
	while read -r f; do
		[ ! -e "$src/$f" ] || die "kmod/$f: Linux has this file; change it in a patch of ${patches#"$top/"}"
		cmp -s "$top/kmod/$f" "$tree/$f" && continue
		mkdir -p "$(dirname "$tree/$f")"
		cp --preserve=mode "$top/kmod/$f" "$tree/$f"
		n=$((n + 1))
	done <"$tree.kmod.new"
	mv "$tree.kmod.new" "$tree.kmod"
	rm -f "$tree.kmod.old" "$tree.map"
	[ "$n" = 0 ] || say "tree: $n files of kmod/ copied to $tree"
}

# A tree with its build takes 4 GB, and each change of the series makes another.
prune() {
	local old
	find "$cache/tree" -maxdepth 1 -name '*.lock' -printf '%T@ %p\n' | sort -rn | tail -n +4 | cut -d' ' -f2- |
		while read -r old; do
			old=${old%.lock}
			flock -n "$old.lock" rm -rf "$old" "$old".* || true
		done
}

mkdir -p "$cache/src" "$cache/tree"
(unpack) # a subshell, so that the lock of the base ends here
lock "$tree"
first=
if [ -d "$tree" ]; then
	first=$(changed)
	[ -z "$first" ] || say "tree: $tree is not as it was prepared ($first): making it anew"
fi
if [ ! -d "$tree" ] || [ -n "$first" ]; then
	prune
	make_tree
fi
sync_kmod
