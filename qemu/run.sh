#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Brings everything up to date and boots the kernel of a configuration:
#
#   qemu/run.sh CONFIG MODE OUT [KERNEL ARGUMENTS [INITRAMFS OPTIONS...]]
#
# MODE is what guest/init does (run, test, shell ...); what the guest leaves goes to OUT.
# The last are for initramfs.sh: what the guest has besides the modules of CONFIG.
set -euo pipefail
# shellcheck source=linux-patch/lib.sh
. "$(dirname "$0")/../linux-patch/lib.sh"
# shellcheck source=qemu/lib.sh
. "$(dirname "$0")/lib.sh"
usage="usage: qemu/run.sh CONFIG MODE OUT [KERNEL ARGUMENTS [INITRAMFS OPTIONS...]]"
config=${1:?$usage}
mode=${2:?$usage}
out=${3:?$usage}
fragment=$(configuration "$config")
architecture "$fragment"

locate
lock "$tree"
"$top/qemu/build.sh" "$config"
build=$tree/build-$config

# The guest has no shared libraries.
flags="-C target-feature=+crt-static"
if [ "$arch" != x86 ]; then
	export CC=${cross}gcc BUSYBOX=$cache/tools/$arch/bin/busybox RUSTC=/usr/bin/rustc
	export TIMEOUT=$cache/tools/$arch/usr/bin/timeout
	flags="$flags -C linker=$CC --sysroot $cache/tools/$arch/usr"
fi
contents=()
if [ "$rust_target" ]; then
	say "crate: building the static kallmodsyms command"
	(cd "$top/userspace" && RUSTFLAGS=$flags cargo build --quiet --release --target "$rust_target" -p kallmodsyms-cli)
	contents+=(--bin "${CARGO_TARGET_DIR:-$top/userspace/target}/$rust_target/release/kallmodsyms")
fi

mkdir -p "$top/build"
while read -r m; do
	contents+=(--module "$build/$m")
done < <(directive "$fragment" guest | tr -s ' ' '\n' | grep .)
case $mode in test | tracers | stress | shell)
	kselftest=$("$top/qemu/kselftest.sh" "$config")
	contents+=(--kselftest "$kselftest")
	;;
esac
initrd=$top/build/initramfs-$(basename "$out").gz
"$top/qemu/initramfs.sh" --kernel-build "$build" --out "$initrd" "${contents[@]}" "${@:5}"

arguments=(--arch "$arch" --kernel "$build/arch/$arch/boot/$image" --initrd "$initrd" --out "$out")
[ "$mode" != shell ] || arguments+=(--interactive)
# QEMU reads the kernel as it starts: those who work on the tree need not wait for the guest.
[ -z "${locked:-}" ] || exec {locked}>&-
exec "$top/qemu/boot.sh" "${arguments[@]}" --append "kms.mode=$mode ${4:-}"
