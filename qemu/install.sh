#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Installs what is missing, and nothing else: Debian 12 packages, and bindgen in the
# cache (Debian's is too old for Linux 6.12 with this compiler). As another user than
# root, or where there is no apt, it says exactly what is missing and stops.
set -euo pipefail
# shellcheck source=linux-patch/lib.sh
. "$(dirname "$0")/../linux-patch/lib.sh"

bindgen=0.73.2
packages=(build-essential bc bison flex gawk kmod cpio xz-utils libelf-dev libssl-dev perl git ccache
	rustc-web rust-web-src rust-web-clippy rustfmt-web libclang-dev clang lld llvm
	qemu-system-x86 busybox-static shellcheck binutils diffutils patch file)
[ -n "${KERNEL_SRC:-}" ] || packages+=("$PACKAGE")
# Any cargo will do if it is not older than what our crates ask for.
cargo_version=$(cargo --version 2>/dev/null | cut -d' ' -f2 || true)
[ "$(printf '%s\n' 1.85.0 "${cargo_version:-0}" | sort -V | head -n 1)" = 1.85.0 ] || packages+=(cargo-web)

[ "$(uname -m)" = x86_64 ] || die "this machine is $(uname -m): the kernel is built and booted on x86_64 only"

mapfile -t missing < <(printf '%s\n' "${packages[@]}" | sort |
	comm -23 - <(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "${packages[@]}" 2>/dev/null | sed -n 's/^ii *//p' | sort -u))
if [ ${#missing[@]} -gt 0 ]; then
	command -v apt-get >/dev/null || die "not a Debian machine, and these Debian 12 packages are missing: ${missing[*]}"
	[ "$(id -u)" = 0 ] || die "missing packages; as root: apt-get install ${missing[*]}"
	say "install: ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	# A bare machine may have no package lists yet, or old ones.
	apt-get install -s "${missing[@]}" >/dev/null 2>&1 || apt-get update -q >&2 || true
	apt-get install -y -q --no-install-recommends "${missing[@]}" >&2 ||
		die "apt-get cannot install ${missing[*]} (see above; no network, or not Debian 12?): install them and run again"
fi

if [ "$("$cache/tools/bin/bindgen" --version 2>/dev/null)" != "bindgen $bindgen" ]; then
	say "install: bindgen $bindgen (a minute)"
	lock "$cache/tools"
	cargo install --quiet --locked --force --root "$cache/tools" bindgen-cli --version "$bindgen" >&2 ||
		die "cannot install bindgen-cli $bindgen (see above; no network?): 'cargo install --locked --root $cache/tools bindgen-cli --version $bindgen' has to work"
fi
