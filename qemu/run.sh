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
usage="usage: qemu/run.sh CONFIG MODE OUT [KERNEL ARGUMENTS [INITRAMFS OPTIONS...]]"
config=${1:?$usage}
mode=${2:?$usage}
out=${3:?$usage}

locate
lock "$tree"
"$top/qemu/build.sh" "$config"
build=$tree/build-$config

# The guest has no shared libraries.
say "crate: building the static kallmodsyms command"
target=x86_64-unknown-linux-gnu
(cd "$top/userspace" && RUSTFLAGS="-C target-feature=+crt-static" \
	cargo build --quiet --release --target "$target" -p kallmodsyms-cli)
command=${CARGO_TARGET_DIR:-$top/userspace/target}/$target/release/kallmodsyms

mkdir -p "$top/build"
modules=()
while read -r m; do
	modules+=(--module "$build/$m")
done < <(sed -n 's/^#: guest //p' "$top/qemu/config/$config.config" | tr ' ' '\n')
initrd=$top/build/initramfs-$(basename "$out").gz
"$top/qemu/initramfs.sh" --kernel-build "$build" --out "$initrd" --bin "$command" "${modules[@]}" "${@:5}"

arguments=(--kernel "$build/arch/x86/boot/bzImage" --initrd "$initrd" --out "$out")
[ "$mode" != shell ] || arguments+=(--interactive)
exec "$top/qemu/boot.sh" "${arguments[@]}" --append "kms.mode=$mode ${4:-}"
