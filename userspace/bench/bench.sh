#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Runs the benches and prints the table of ratios: userspace/bench/bench.sh [OUT]
#
# OUT (build/bench-crate) gets ratios.md, which is the table, and what criterion keeps.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
out=$(realpath -m "${1:-$top/build/bench-crate}")
rm -rf "$out"
mkdir -p "$out/criterion"
export CRITERION_HOME=$out/criterion

cd "$top/userspace"
cargo bench --quiet -p kallmodsyms-bench 2>&1 |
	tee "$out/criterion.log" | sed -u '/^Benchmarking/d; /^ *thrpt:/d; /^$/d'
echo
cargo run --quiet --release -p kallmodsyms-figures --bin ratios -- "$CRITERION_HOME" "$out/ratios.md"
