#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# boot.sh --kernel IMAGE --initrd FILE --out DIR [--arch ARCH] [--append ARGS] [--timeout SECONDS] [--interactive]
#
# Boots a guest of ARCH (x86, unless it is arm64 or riscv), whose guest/init does what kms.mode= in ARGS says. DIR is made
# anew and then holds console.log, result.ktap, the files that the guest sent,
# and status: passed, failed (a test did), splat (the kernel complained) or
# lost (the guest died or hung; preset, so that nothing else can be left).
# Exits 0 when the status is passed.
#
# ACCEL=kvm in the environment asks for KVM. It opens and yet starts no guest on
# many machines, so a short boot tries it first; TCG, the default, always works.
# ACCEL=counting is TCG with a clock of instructions, and PLUGIN= a plugin of QEMU with its
# arguments, both for qemu/bench/.
set -euo pipefail

die() { echo "boot.sh: $*" >&2; exit 1; }
usage="usage: boot.sh --kernel IMAGE --initrd FILE --out DIR [--arch ARCH] [--append ARGS] [--timeout SECONDS] [--interactive]"

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
arch=x86 kernel='' initrd='' out='' append='' limit='' interactive=
while (($#)); do
	if [[ $1 == --interactive ]]; then
		interactive=1
		shift
		continue
	fi
	(($# > 1)) || die "$usage"
	case $1 in
	--arch) arch=$2 ;;
	--kernel) kernel=$2 ;;
	--initrd) initrd=$2 ;;
	--out) out=$2 ;;
	--append) append=$2 ;;
	--timeout) limit=$2 ;;
	*) die "$1: no such option; $usage" ;;
	esac
	shift 2
done
[[ $kernel && $initrd && $out ]] || die "$usage"
# The kernel's own selftest takes minutes under emulation, and a sanitizer doubles that.
if [[ ! $limit ]]; then
	case $append in
	*kms.mode=test* | *kms.mode=busy* | *kms.mode=bench* | *kms.mode=lookups* | *kms.mode=marked*) limit=1800 ;;
	*kms.mode=stress*) limit=3600 ;;
	*) limit=300 ;;
	esac
fi
[[ -f $kernel ]] || die "$kernel is missing: build the kernel first (make kernel)"
[[ -f $initrd ]] || die "$initrd is missing: make it with qemu/initramfs.sh"
# no_timer_check: a guest that gets little time finds fault with its timer.
# maxcpus=1: guest/init brings up the second processor, and says why.
# noreplace-smp: code for one processor would take 0.4 s to patch back.
case $arch in
x86) machine=(qemu-system-x86_64 -machine pc) cpu=max args="console=ttyS0 no_timer_check maxcpus=1 noreplace-smp" package=x86 ;;
# Pointers are signed with QEMU's own hash: the architected one takes longer than all else.
arm64) machine=(qemu-system-aarch64 -machine virt) cpu=max,pauth-impdef=on args="console=ttyAMA0" package=arm ;;
riscv) machine=(qemu-system-riscv64 -machine virt) cpu=rv64 args="console=ttyS0" package=misc ;;
*) die "--arch $arch: x86, arm64 or riscv" ;;
esac
command -v "${machine[0]}" >/dev/null || die "${machine[0]} is missing: apt-get install qemu-system-$package"

tcg=(-accel "tcg,thread=multi" -cpu "$cpu")
kvm=(-accel kvm -cpu host)
# Guest time is the number of executed instructions, a nanosecond each, however long
# that takes. It is counted on one processor only.
counting=(-accel tcg -icount "shift=0,sleep=off" -cpu "$cpu" -smp 1)
machine+=(-smp 2 -m 1G -nodefaults -no-reboot -display none -kernel "$kernel" -initrd "$initrd")
args="$args oops=panic panic=-1"

# boot DIR LIMIT ARGS ACCEL...: one guest that reports through virtio ports.
boot() {
	# In QEMU's options a comma that belongs to a name is doubled.
	local dir=${1//,/,,} limit=$2 args=$3
	shift 3
	timeout --foreground --kill-after=5 "$limit" "${machine[@]}" "$@" -append "$args" \
		-chardev "file,id=console,path=$dir/console.log" -serial chardev:console -device virtio-serial-pci \
		-chardev "file,id=result,path=$dir/result.ktap" -device virtserialport,nr=1,chardev=result,name=result \
		-chardev "file,id=files,path=$dir/files.tar" -device virtserialport,nr=2,chardev=files,name=files \
		</dev/null
}

accel=("${tcg[@]}")
case ${ACCEL:-tcg} in
tcg) ;;
kvm)
	canary=$(mktemp -d)
	if boot "$canary" 20 "$args kms.mode=none" "${kvm[@]}" && grep -q '^# exit 0' "$canary/result.ktap"; then
		accel=("${kvm[@]}")
	else
		echo "boot.sh: ACCEL=kvm: no guest comes up within 20 s; using TCG" >&2
	fi
	rm -rf "$canary"
	;;
counting) accel=("${counting[@]}" ${PLUGIN:+-plugin "$PLUGIN"}) ;;
*) die "ACCEL=$ACCEL: tcg, kvm or counting" ;;
esac

if [[ $interactive ]]; then
	exec "${machine[@]}" "${accel[@]}" -append "$args quiet kms.mode=shell $append" -serial mon:stdio
fi

verdict() { cargo "$1" --quiet --release --manifest-path "$here/../tests/harness/Cargo.toml" --bin verdict "${@:2}"; }
verdict build

[[ ! -e $out || -e $out/status || -z $(ls -A "$out") ]] || die "$out holds something else than a guest's output: name another --out"
rm -rf "$out"
mkdir -p "$out"
echo lost >"$out/status"

echo "booting $kernel: at most $limit s, console in $out/console.log"
progress() {
	local last idle status
	# A read of what never comes: unlike a sleep it leaves no process behind, which
	# would hold the cache's locks after the last line.
	exec {idle}<> <(:)
	while status=0; read -rt "$1" -u "$idle" _ || status=$?; [[ $status -gt 128 ]]; do
		last=$(grep -E '^ *(not )?ok ' "$out/result.ktap" 2>/dev/null | tail -n 1 || true)
		printf '%s%.100s%s' "$2" "$SECONDS s${last:+, $last}" "$3"
	done
}
if [[ -t 1 ]]; then
	progress 1 $'\r\e[K' '' &
else
	progress 20 '' $'\n' &
fi
trap 'kill $! 2>/dev/null || true' EXIT
# QEMU ends on Ctrl-C as if nothing were wrong; the guest remains "lost".
trap 'echo "boot.sh: interrupted" >&2; exit 130' INT

SECONDS=0 exit=0
boot "$out" "$limit" "$args $append" "${accel[@]}" || exit=$?
kill $! || true
trap - EXIT INT
[[ ! -t 1 ]] || printf '\r\e[K'
echo "the guest ran for $SECONDS s"
if [[ -s $out/files.tar ]]; then
	tar -x --no-same-owner -f "$out/files.tar" -C "$out" || echo "boot.sh: the files that the guest sent are cut short" >&2
fi
rm -f "$out/files.tar"
verdict run -- "$out" "$exit"
