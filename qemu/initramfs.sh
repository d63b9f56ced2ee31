#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# initramfs.sh --kernel-build DIR --out FILE [--kselftest DIR] [--bin FILE]... [--module FILE]...
#
# Makes the guest's root file system: busybox (BUSYBOX= if another than the host's),
# guest/init, the kselftests that are installed in DIR, the binaries and modules named, and
# the kernel's .config. The runner of kselftest takes coreutils' timeout (TIMEOUT= if another
# than the host's); where there is none, it ends no test. Programs have their libraries with
# them, those of CC=, or gcc.
# gen_init_cpio writes device nodes without root, and the same input gives the
# same bytes.
set -euo pipefail

die() { echo "initramfs.sh: $*" >&2; exit 1; }
usage="usage: initramfs.sh --kernel-build DIR --out FILE [--kselftest DIR] [--bin FILE]... [--module FILE]..."

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build='' out='' kselftest='' bins=() modules=()
while (($#)); do
	(($# > 1)) || die "$usage"
	case $1 in
	--kernel-build) build=$2 ;;
	--out) out=$2 ;;
	--kselftest) kselftest=$2 ;;
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

library() { # NAME PROGRAM
	local file
	file=$("${CC:-gcc}" -print-file-name="$1")
	[[ -f $file ]] || die "$1 is missing, which $2 needs"
	realpath "$file"
}

# What a program takes that is not static, each once: its loader, its libraries and theirs.
declare -A listed
libraries() { # PROGRAM
	local name file
	name=$(readelf -lW "$1" | sed -n 's/.*program interpreter: \(.*\)]/\1/p')
	if [[ $name && ! ${listed[$name]-} ]]; then
		listed[$name]=1
		file=$(library "${name##*/}" "$1") || exit
		echo "dir ${name%/*} 0755 0 0"
		echo "file $name $file 0755 0 0"
	fi
	for name in $(readelf -dW "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)]/\1/p'); do
		[[ ! ${listed[$name]-} ]] || continue
		listed[$name]=1
		file=$(library "$name" "$1") || exit
		echo "file /lib/$name $file 0755 0 0"
		libraries "$file"
	done
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
{
	for dir in bin dev proc sys tmp out modules lib; do
		echo "dir /$dir 0755 0 0"
	done
	echo "nod /dev/console 0600 0 0 c 5 1"
	echo "file /init $here/guest/init 0755 0 0"
	echo "file /bin/busybox $busybox 0755 0 0"
	echo "slink /bin/sh busybox 0777 0 0"
	echo "file /config $build/.config 0644 0 0"
	if [[ $kselftest ]]; then
		printf 'dir %s 0755 0 0\n' /kselftest /usr /usr/bin
		find "$kselftest" -mindepth 1 -type d -printf 'dir /kselftest/%P 0755 0 0\n' \
			-o -type f -printf "file /kselftest/%P %p 0%m 0 0\n" | LC_ALL=C sort -k 2
		timeout=${TIMEOUT:-/usr/bin/timeout}
		if [[ -e $timeout ]]; then
			echo "file /usr/bin/timeout $timeout 0755 0 0"
			libraries "$timeout"
		else
			echo "initramfs.sh: $timeout is missing: no kselftest has a time limit" >&2
		fi
	fi
	for bin in ${bins[@]+"${bins[@]}"}; do
		[[ -f $bin ]] || die "$bin is missing: it was named with --bin"
		echo "file /bin/$(basename "$bin") $(realpath "$bin") 0755 0 0"
		libraries "$bin"
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
