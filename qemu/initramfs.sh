#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# initramfs.sh --kernel-build DIR --out FILE [--bin FILE]... [--module FILE]...
#
# Makes the guest's root file system: busybox (BUSYBOX= if another than the host's),
# guest/init, the kselftests (compiled here with CC=, or gcc), the binaries and
# modules named, and the kernel's .config.
# gen_init_cpio writes device nodes without root, and the same input gives the
# same bytes.
set -euo pipefail

die() { echo "initramfs.sh: $*" >&2; exit 1; }
usage="usage: initramfs.sh --kernel-build DIR --out FILE [--bin FILE]... [--module FILE]..."

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build='' out='' bins=() modules=()
while (($#)); do
	(($# > 1)) || die "$usage"
	case $1 in
	--kernel-build) build=$2 ;;
	--out) out=$2 ;;
	--bin) bins+=("$2") ;;
	--module) modules+=("$2") ;;
	*) die "$1: no such option; $usage" ;;
	esac
	shift 2
done
[[ $build && $out ]] || die "$usage"
gen_init_cpio=$build/usr/gen_init_cpio
[[ -x $gen_init_cpio ]] || die "$gen_init_cpio is missing: build the kernel in $build first"
busybox=${BUSYBOX:-$(command -v busybox)} || die "busybox is missing: apt-get install busybox-static"
[[ $(ldd "$busybox" 2>&1) == *'not a dynamic executable'* ]] ||
	die "$busybox needs shared libraries: apt-get install busybox-static"

# A kernel built in its own tree has no "source" link.
tree=$(realpath "$build")
[[ ! -e $build/source ]] || tree=$(realpath "$build/source")
selftests=$here/../kmod/tools/testing/selftests/kallmodsyms

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
{
	for dir in bin dev proc sys tmp out modules tests; do
		echo "dir /$dir 0755 0 0"
	done
	echo "nod /dev/console 0600 0 0 c 5 1"
	echo "file /init $here/guest/init 0755 0 0"
	echo "file /bin/busybox $busybox 0755 0 0"
	echo "slink /bin/sh busybox 0777 0 0"
	echo "file /config $build/.config 0644 0 0"
	for source in "$selftests"/*_test.c; do
		name=$(basename "$source" .c)
		(cd "$selftests" && "${CC:-gcc}" -static -O2 -Wall -D_GNU_SOURCE= \
			-I "$tree/tools/testing/selftests" -o "$work/$name" "$name.c") >&2
		echo "file /tests/$name $work/$name 0755 0 0"
	done
	for bin in ${bins[@]+"${bins[@]}"}; do
		[[ -f $bin ]] || die "$bin is missing: it was named with --bin"
		echo "file /bin/$(basename "$bin") $(realpath "$bin") 0755 0 0"
	done
	# Which module file of the kernel build each module in the guest is; of one that
	# was built elsewhere, the name of the file.
	: >"$work/modules.txt"
	for module in ${modules[@]+"${modules[@]}"}; do
		[[ -f $module ]] || die "$module is missing: it was named with --module"
		file=$(basename "$module")
		echo "file /modules/$file $(realpath "$module") 0644 0 0"
		name=${file%.ko}
		path=$(realpath --relative-base="$build" "$module")
		[[ $path != /* ]] || path=$file
		echo "${name//-/_} $path" >>"$work/modules.txt"
	done
	echo "file /modules.txt $work/modules.txt 0644 0 0"
} >"$work/list"

"$gen_init_cpio" -t 0 "$work/list" | gzip -1 -n >"$out.new"
mv "$out.new" "$out"
