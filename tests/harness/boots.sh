#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# boots.sh --kernel IMAGE --initrd FILE --out DIR
#
# Tests the harness with guests that misbehave on purpose (see qemu/guest/init):
# each must be reported as what it is. KTAP on standard output.
set -euo pipefail

die() { echo "boots.sh: $*" >&2; exit 1; }
usage="usage: boots.sh --kernel IMAGE --initrd FILE --out DIR"

boot=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/../../qemu/boot.sh
kernel='' initrd='' out=''
while (($#)); do
	(($# > 1)) || die "$usage"
	case $1 in
	--kernel) kernel=$2 ;;
	--initrd) initrd=$2 ;;
	--out) out=$2 ;;
	*) die "$1: no such option; $usage" ;;
	esac
	shift 2
done
[[ $kernel && $initrd && $out ]] || die "$usage"
mkdir -p "$out"
echo "no kernel" >"$out/no-kernel"

count=0 failed=0
# expect STATUS REASON NAME KERNEL MODE [TIMEOUT]: one guest and what is to be said of it.
expect() {
	local status=$1 reason=$2 name=$3 kernel=$4 mode=$5 limit=${6:-120} exit=0 want=1 said
	local dir=$out/${name// /-}
	said=$("$boot" --kernel "$kernel" --initrd "$initrd" --out "$dir" --append "kms.mode=$mode" \
		--timeout "$limit" 2>&1) || exit=$?
	[[ $status != passed ]] || want=0
	count=$((count + 1))
	if [[ $(cat "$dir/status") == "$status" && $said == *"$reason"* && $exit == "$want" ]]; then
		echo "ok $count $name"
	else
		failed=$((failed + 1))
		echo "# expected status $status, exit status $want and a line with \"$reason\"; found exit status $exit, status $(cat "$dir/status"), and:"
		echo "#   ${said//$'\n'/$'\n'#   }"
		echo "not ok $count $name"
	fi
}

echo "KTAP version 1"
echo "1..8"
expect passed "1 passed, 0 failed" "a guest that is well" "$kernel" none
expect failed "failed: this one" "a guest whose test fails" "$kernel" fail
expect failed "plan of 2 tests, 1 results" "a guest that prints half a plan" "$kernel" halfplan
expect splat "Call Trace:" "a guest that prints a splat" "$kernel" splat
expect lost "Kernel panic" "a guest that panics" "$kernel" panic
expect lost "the guest hung" "a guest that hangs" "$kernel" hang 20
expect lost "QEMU failed" "a guest that QEMU cannot start" "$out/no-kernel" none
# The comma gets into the name of a directory, and QEMU's options have commas between them.
ACCEL=kvm expect passed "1 passed, 0 failed" "KVM asked for, there or not" "$kernel" none
((failed == 0))
