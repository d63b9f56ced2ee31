#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Counts the instructions that reading /proc/kallmodsyms and /proc/kallsyms takes, in one
# boot, and those of looking up addresses with the option and without, and prints them beside
# the targets: qemu/bench/bench.sh OUT [CONFIG]
#
# OUT gets the counts and report.txt. Ends with 1 if a target is missed. Instructions are
# counted by QEMU, so a busy machine changes nothing. The targets are those of the standard
# kernel, which is CONFIG unless said.
set -euo pipefail
out=${1:?usage: qemu/bench/bench.sh OUT [CONFIG]}
here=$(dirname "$0")
export CONFIG=${2:-standard}
[ -f "$here/../config/$CONFIG-off.config" ] ||
	{ echo "error: qemu/config/$CONFIG-off.config, the same kernel without the option, does not exist" >&2; exit 1; }
ACCEL=counting "$here/run.sh" bench "$out" nokaslr
"$here/lookups.sh" "$CONFIG" "$out/lookups"
awk -v dir="$out" -f "$here/report.awk" | tee "$out/report.txt"
