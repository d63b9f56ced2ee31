#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Counts the instructions that reading /proc/kallmodsyms and /proc/kallsyms takes, in one
# boot of the standard kernel, and prints them beside the targets: qemu/bench/bench.sh OUT
#
# OUT gets the counts and report.txt. Ends with 1 if a target is missed. Instructions are
# counted by QEMU, so a busy machine changes nothing.
set -euo pipefail
out=${1:?usage: qemu/bench/bench.sh OUT}
here=$(dirname "$0")
ACCEL=counting "$here/run.sh" bench "$out" nokaslr
awk -v dir="$out" -f "$here/report.awk" | tee "$out/report.txt"
