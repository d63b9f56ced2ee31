#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Installs what is missing, and nothing else: Debian 12 packages, and in the cache bindgen
# (Debian's is too old for Linux 6.12 with this compiler). As another user than root, or
# where there is no apt, it says exactly what is missing and stops.
#
#   qemu/install.sh [test | bench | lanes | lane-NAME]
#
# test adds, in the cache and if it can, the oldest Rusts that our crates and Linux promise to
# build with: what needs them is skipped otherwise. lanes adds what those for arm64 and riscv64
# take, and for the lane clients what counts instructions (valgrind, and in the cache gungraun's
# runner) and, if it can, drgn. bench adds, as root, the peers that are measured: the benches say which
# they do without.
set -euo pipefail
# shellcheck source=linux-patch/lib.sh
. "$(dirname "$0")/../linux-patch/lib.sh"

bindgen=0.73.2
drgn=0.3.0
gungraun=0.20.0 # as in userspace/figures/Cargo.toml
msrv=1.85 # as in userspace/Cargo.toml
kernel_msrv=1.78.0 # this and the next: as in scripts/min-tool-version.sh of Linux 6.12
kernel_bindgen=0.65.1
# What our crates ask for; any cargo will do that is not older.
cargo=1.85.0
packages=(build-essential bc bison flex gawk kmod cpio xz-utils libelf-dev libssl-dev perl git ccache
	rustc-web rust-web-src rust-web-clippy rustfmt-web libclang-dev clang lld llvm
	qemu-system-x86 busybox-static rsync shellcheck binutils diffutils patch file)
[ -n "${KERNEL_SRC:-}" ] || packages+=("$PACKAGE")
case ${1:-} in
lane-clients | lanes)
	packages+=(valgrind python3-venv)
	cargo=1.88.0
	;;&
lane-tracers | lanes)
	packages+=(trace-cmd linux-perf)
	;;&
lane-arm64 | lanes)
	packages+=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-system-arm)
	;;&
lane-riscv64 | lanes)
	packages+=(gcc-riscv64-linux-gnu libc6-dev-riscv64-cross qemu-system-misc opensbi)
	;;&
bench)
	packages=(build-essential)
	[ "$(id -u)" != 0 ] || packages+=(linux-perf libbpfcc-dev)
	cargo=1.88.0
	;;
esac
cargo_version=$(cargo --version 2>/dev/null | cut -d' ' -f2 || true)
[ "$(printf '%s\n' "$cargo" "${cargo_version:-0}" | sort -V | head -n 1)" = "$cargo" ] || packages+=(cargo-web)

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

tool() { # COMMAND CRATE VERSION: in the cache
	[ "$("$cache/tools/bin/$1" --version 2>/dev/null)" != "$1 $3" ] || return 0
	say "install: $1 $3 (a minute)"
	lock "$cache/tools"
	cargo install --quiet --locked --force --root "$cache/tools" "$2" --version "$3" >&2 ||
		die "cannot install $2 $3 (see above; no network?): 'cargo install --locked --root $cache/tools $2 --version $3' has to work"
}
[ "${1:-}" = bench ] || tool bindgen bindgen-cli "$bindgen"

drgn() {
	python3 -m venv "$cache/tools/drgn" && "$cache/tools/drgn/bin/pip" install --quiet \
		--disable-pip-version-check --retries 1 --only-binary :all: "drgn==$drgn"
}

# Debian's packages, unpacked and not installed: 90 MB to fetch, 400 MB on the disk.
old_rust() {
	local version llvm new=$cache/tools/rust-$msrv.new
	version=$(apt-cache madison rustc-web | awk -v v="$msrv." 'index($3, v) == 1 { print $3; exit }')
	llvm=$(apt-cache depends "libstd-rust-web-$msrv" | awk '/Depends: libllvm/ { print $2 }')
	rm -rf "$new" && mkdir -p "$new" && [ -n "$version" ] && [ -n "$llvm" ] && (
		cd "$new" && apt-get download -q -o APT::Sandbox::User="$(id -un)" "$llvm" \
			"libstd-rust-web-$msrv=$version" {rustc-web,libstd-rust-web-dev}="$version" &&
			for package in *.deb; do dpkg-deb -x "$package" . && rm "$package" || exit; done
	) && mv "$new" "$cache/tools/rust-$msrv"
}

# Its library for 32 bits, and what a static program is linked with: 43 MB to fetch.
old_rust_32() {
	local version to=$cache/tools/rust-$msrv
	version=$(apt-cache madison rustc-web | awk -v v="$msrv." 'index($3, v) == 1 { print $3; exit }')
	foreign i386 "$to/i386.new" "libstd-rust-web-dev=$version" libc6-dev libgcc-12-dev &&
		cp -r "$to"/i386.new/* "$to" && rm -r "$to/i386.new"
}

# With its sources, which the kernel builds its own core library from, and a bindgen whose output it
# takes; 570 MB on the disk.
kernel_rust() {
	RUSTUP_HOME=$cache/tools/rustup rustup toolchain install "$kernel_msrv" --no-self-update \
		--profile minimal --component rust-src &&
		cargo install --quiet --locked --root "$cache/tools/bindgen-$kernel_bindgen" bindgen-cli --version "$kernel_bindgen"
}

# foreign ARCHITECTURE DIR PACKAGE...: unpacked there as above. Debian's lists of the other
# architecture's packages are kept there meanwhile, so the machine's own apt knows of none of it.
foreign() {
	local new=$2
	local apt=(apt-get -q -o APT::Sandbox::User="$(id -un)" -o APT::Architecture="$1" -o APT::Architectures="$1"
		-o Dir::State="$new/apt" -o Dir::State::status=/dev/null -o Dir::Cache="$new/apt")
	rm -rf "$new" && mkdir -p "$new/apt/lists/partial" "$new/apt/archives/partial" && (
		cd "$new" || exit
		# Of a list that is missing, the packages are: that is seen soon enough.
		"${apt[@]}" update || true
		"${apt[@]}" download "${@:3}" &&
			for package in *.deb; do dpkg-deb -x "$package" . && rm "$package" || exit; done && rm -r apt
	)
}

# What an arm64 guest runs, and what to build its command with.
arm64() {
	local version new=$cache/tools/arm64.new
	version=$(dpkg-query -W -f '${Version}' libstd-rust-web-dev)
	foreign arm64 "$new" busybox-static coreutils "libstd-rust-web-dev=$version" &&
		rm -rf "$cache/tools/arm64" && mv "$new" "$cache/tools/arm64"
}
case ${1:-} in lane-arm64 | lanes)
	if [ ! -e "$cache/tools/arm64/usr/bin/timeout" ]; then
		say "install: busybox, coreutils and Rust's library for arm64"
		lock "$cache/tools"
		arm64 >&2 || die "cannot fetch Debian's busybox-static, coreutils and libstd-rust-web-dev for arm64 (see above; no network?)"
	fi
	;;
esac

# Debian 12 has no packages for riscv64, so busybox is compiled from the source package, as
# that makes busybox-static of it. Where to fetch it apt knows from that one.
riscv() {
	local origin new=$cache/tools/riscv.new
	origin=$(apt-get download --print-uris busybox-static | sed -n "s|^'\(.*\)/pool/.*|\1|p")
	local apt=(apt-get -q -o APT::Sandbox::User="$(id -un)" -o Dir::Etc::sourcelist="$new/sources.list"
		-o Dir::Etc::sourceparts=- -o Dir::State="$new/apt" -o Dir::State::status=/dev/null -o Dir::Cache="$new/apt")
	rm -rf "$new" && mkdir -p "$new/apt/lists/partial" "$new/apt/archives/partial" "$new/bin" && (
		cd "$new"
		echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $origin bookworm main" >sources.list
		"${apt[@]}" update && "${apt[@]}" source busybox && cd busybox-*/ && cp debian/config/pkg/static .config &&
			make -s ARCH=riscv CROSS_COMPILE=riscv64-linux-gnu- oldconfig </dev/null &&
			make -s -j"$jobs" ARCH=riscv CROSS_COMPILE=riscv64-linux-gnu- busybox && cp busybox ../bin/ &&
			cd .. && rm -r busybox* apt sources.list
	) && mv "$new" "$cache/tools/riscv"
}
case ${1:-} in lane-riscv64 | lanes)
	if [ ! -d "$cache/tools/riscv" ]; then
		say "install: busybox for riscv64, from Debian's source (a minute)"
		lock "$cache/tools"
		riscv >&2 || die "cannot fetch or compile Debian's busybox for riscv64 (see above; no network?)"
	fi
	;;
esac

case ${1:-} in lane-clients | lanes)
	# It starts valgrind and reads what that prints: nothing to optimise.
	CARGO_PROFILE_RELEASE_OPT_LEVEL=0 tool gungraun-runner gungraun-runner "$gungraun"
	if ! compgen -G "$cache/tools/drgn/lib/python3*/site-packages/drgn-$drgn.dist-info" >/dev/null; then
		say "install: drgn $drgn"
		lock "$cache/tools"
		drgn >&2 || say "warning: cannot install drgn $drgn (see above; no network?): the suite that asks it is skipped"
	fi
	;;
esac

[ "${1:-}" = test ] || exit 0
if [ ! -d "$cache/tools/rust-$msrv" ]; then
	say "install: Rust $msrv"
	lock "$cache/tools"
	old_rust >&2 || say "warning: cannot fetch Debian's Rust $msrv (see above; no network?): nothing is built with it"
fi
if [ -d "$cache/tools/rust-$msrv" ] && [ ! -d "$cache/tools/rust-$msrv/usr/lib/rustlib/i686-unknown-linux-gnu" ]; then
	say "install: Rust $msrv for 32 bits"
	lock "$cache/tools"
	old_rust_32 >&2 || say "warning: cannot fetch Debian's Rust $msrv for i386 (see above; no network?): nothing is tested on 32 bits"
fi
if [ ! -x "$cache/tools/bindgen-$kernel_bindgen/bin/bindgen" ]; then
	say "install: Rust $kernel_msrv"
	lock "$cache/tools"
	kernel_rust >&2 || say "warning: cannot install Rust $kernel_msrv (see above; no rustup, or no network?): nothing is built with it"
fi
