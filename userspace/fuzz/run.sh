#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Fuzzes one target, or all in turn, each for some seconds (600):
#
#   userspace/fuzz/run.sh [TARGET|all [SECONDS]]
#
# What is found on the way is kept in build/fuzz/TARGET, so that the next run goes
# on from there; corpus/TARGET is read and never written. An input that fails lies
# in build/fuzz/TARGET-artifacts, and its path is printed.
#
# cargo-fuzz wants flags of a nightly compiler; RUSTC_BOOTSTRAP lets the stable one
# take them. No sanitizer by default: the crates in userspace/ forbid unsafe code, and
# AddressSanitizer halves the speed; SANITIZER=address looks into the dependencies.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
found=$(realpath -m "$here/../../build/fuzz")
seconds=${2:-600}
command -v cargo-fuzz >/dev/null || {
	echo "error: cargo-fuzz is not installed: cargo install --locked cargo-fuzz" >&2
	exit 1
}

cd "$here"
targets=(fuzz_targets/*.rs)
[ "${1:-all}" = all ] || targets=("$1")
for target in "${targets[@]}"; do
	target=$(basename "$target" .rs)
	mkdir -p "$found/$target" "$found/$target-artifacts"
	dictionary=(dictionaries/"$target")
	[ ! -f "${dictionary[0]}" ] || dictionary=(-dict="$here/${dictionary[0]}")
	RUSTC_BOOTSTRAP=1 CARGO_PROFILE_RELEASE_LTO=off cargo fuzz run --fuzz-dir . --features libfuzzer \
		--sanitizer "${SANITIZER:-none}" "$target" "$found/$target" "corpus/$target" -- \
		-max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
		-artifact_prefix="$found/$target-artifacts/" "${@:3}"
done
