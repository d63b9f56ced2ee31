# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# Sourced by the scripts here and in qemu/: where things are, how the cache is
# named, the lock, and how the kernel's make is called.
#
#   $cache/src/KEY         the base, unpacked and never changed
#   $cache/tree/KEY        the base + the series + kmod/
#   $cache/tree/KEY/build-CONFIG
#                          one kernel build. A child of the source directory on
#                          purpose: kbuild then uses relative paths ("../"), so
#                          ccache's entries serve every KEY and every clone.

export LC_ALL=C PYTHONDONTWRITEBYTECODE=1
# A build must not depend on what the caller's make or shell happens to export.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES KBUILD_OUTPUT ARCH CROSS_COMPILE LLVM CC
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
# Patches come out the same whatever the user's git is told, in a small repository and
# in a clone of Linux; and a clone that another user owns can be read.
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_COUNT=3 \
	GIT_CONFIG_KEY_0=core.abbrev GIT_CONFIG_VALUE_0=12 \
	GIT_CONFIG_KEY_1=safe.directory GIT_CONFIG_VALUE_1='*' \
	GIT_CONFIG_KEY_2=init.defaultBranch GIT_CONFIG_VALUE_2=series \
	GIT_COMMITTER_NAME=kallmodsyms GIT_COMMITTER_EMAIL=kallmodsyms@localhost

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=$(realpath -m "${KALLMODSYMS_CACHE:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/kallmodsyms}")
patches=$top/linux-patch/${KERNEL_BASE:-6.12}
jobs=${JOBS:-$(nproc)}
export PATH=$cache/tools/bin:$PATH

say() { printf '%s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
hash12() { sha256sum | cut -c1-12; }

[ -f "$patches/base" ] || die "$patches/base: no such base; KERNEL_BASE= names a directory of linux-patch/"
# shellcheck source=linux-patch/6.12/base
. "$patches/base"
case $cache in
*[[:space:]:]*) die "$cache: kbuild takes no blank and no colon in a path; set KALLMODSYMS_CACHE" ;;
esac

# Stands for whoever sends the series, as its author and its maintainer.
AUTHORS='The kallmodsyms authors <kallmodsyms@example.org>'

series() { grep -v '^#' "$patches/series"; }

# The files of kmod/ that belong in the kernel tree, relative to it. What stands
# at the top of kmod/ itself (Cargo.toml, Cargo.lock) and src/ is for the host.
kmod_files() {
	local f
	git -C "$top/kmod" ls-files -co --exclude-standard -- '*/*' ':!src' |
		sort -u | while read -r f; do [ ! -f "$top/kmod/$f" ] || echo "$f"; done
}

# "NNNN file" for each of them: new-files names the patch that brings it in, for
# the file itself or for a directory above it.
kmod_map() {
	kmod_files | awk -v map="$patches/new-files" '
		BEGIN { while ((getline < map) > 0) if (!/^#/) { sub("/$", "", $2); owner[$2] = $1 } }
		{
			for (p = $0; !(p in owner); sub("/[^/]*$", "", p))
				if (p !~ "/") { print "unmapped", $0; next }
			print owner[p], $0
		}'
}

# Sets origin (the base as it was given), src and tree (where it goes).
locate() {
	local id
	origin=${KERNEL_SRC:-$TARBALL}
	if [ -d "$origin" ]; then
		origin=$(cd "$origin" && pwd)
		id=$(cd "$origin" && find . -name .git -prune -o -type f -printf '%P %s %T@\n' | sort | hash12)
	elif [ -f "$origin" ]; then
		id=$(stat -Lc '%n %s %Y' "$origin" | hash12)
	elif [ -n "${KERNEL_SRC:-}" ]; then
		die "KERNEL_SRC=$origin: no such directory or tarball; it must hold Linux $VERSION.y"
	else
		die "$origin is missing: install the Debian package $PACKAGE, or set KERNEL_SRC= to Linux $VERSION.y"
	fi
	[ -s "$patches/series" ] || die "$patches/series is missing or empty"
	src=$cache/src/$VERSION-$id
	tree=$cache/tree/$VERSION-$({ echo "$id"; cat "$patches/series"; series | (cd "$patches" && xargs cat); } | hash12)
}

# One process (and its children) at a time works on a directory of the cache, until it ends or
# closes the descriptor $locked.
lock() {
	case ${KALLMODSYMS_LOCKS:-} in *":$1:"*) return ;; esac
	mkdir -p "$(dirname "$1")"
	exec {locked}>>"$1.lock"
	touch "$1.lock" # prepare.sh drops the trees whose lock is oldest
	flock -n "$locked" || { say "waiting: another run works on $1 ..."; flock "$locked"; }
	export KALLMODSYMS_LOCKS="${KALLMODSYMS_LOCKS:-}:$1:"
}

# A git repository of the files that the series touches, as the base has them.
scratch() {
	git init -q "$1"
	{ # .gitattributes says what a hunk header shows
		echo .gitattributes
		series | (cd "$patches" && xargs sed -n 's|^diff --git a/.* b/||p')
	} | sort -u | tar -C "$src" -cf - -T - | tar -C "$1" -xf -
	git -C "$1" add -f .
	GIT_AUTHOR_NAME=base GIT_AUTHOR_EMAIL=base@localhost git -C "$1" commit -qm "Linux $(kernel_version "$src")"
	git -C "$1" tag base
}

format_patch=(format-patch -q --zero-commit --no-signature -N --no-renames --always)

# Applies one file of the series: no fuzz. Prints what patch said, so that the
# caller can ask for no offset either.
apply() {
	local out
	grep -q '^diff --git' "$2" || return 0 # only new files, which kmod/ has
	out=$(patch -d "$1" -p1 -F0 --forward --no-backup-if-mismatch <"$2" 2>&1) ||
		die "${2##*/} does not apply: $(awk '
			/^[Pp]atching file|^checking file/ { file = $3 }
			/FAILED|can.t find|previously applied|malformed|garbage/ { print file ": " $0; exit }' <<<"$out")" \
			"(base $(kernel_version "$1"), series ${patches#"$top/"}/series: refresh that patch for this base)"
	printf '%s\n' "$out"
}

kernel_version() {
	awk '$1 == "VERSION" { v = $3 } $1 == "PATCHLEVEL" { p = $3 }
		$1 == "SUBLEVEL" { print v "." p "." $3; exit }' "$1/Makefile"
}

# The kernel's make. The Rust tools are named because rustup's, which may come
# first in PATH, has no core library sources; the KBUILD_BUILD_ variables make two
# builds of one source the same, and let ccache serve the second. It takes what a file
# includes from the compiler: a sixth less work than to preprocess each file for it first.
kmake=(make -j"$jobs"
	RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc RUSTFMT=/usr/bin/rustfmt
	CLIPPY_DRIVER=/usr/bin/clippy-driver HOSTRUSTC=/usr/bin/rustc
	KBUILD_BUILD_TIMESTAMP="Thu Jan  1 00:00:00 UTC 1970" KBUILD_BUILD_VERSION=1
	KBUILD_BUILD_USER=kallmodsyms KBUILD_BUILD_HOST=localhost LOCALVERSION=)
export CCACHE_DIR=$cache/ccache CCACHE_BASEDIR=$cache CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=4G \
	CCACHE_DEPEND=1
