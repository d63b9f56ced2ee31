#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Boots a kernel with what a large server has, 300 modules and some thousand BPF programs, as
# guest/init says for MODE: [CONFIG=standard] qemu/bench/run.sh MODE OUT [KERNEL ARGUMENTS]
set -euo pipefail
# shellcheck source=linux-patch/lib.sh
. "$(dirname "$0")/../../linux-patch/lib.sh"
mode=${1:?usage: qemu/bench/run.sh MODE OUT [KERNEL ARGUMENTS]}
out=${2:?usage: qemu/bench/run.sh MODE OUT [KERNEL ARGUMENTS]}
config=${CONFIG:-standard}
here=$top/qemu/bench

locate
lock "$tree"
"$top/qemu/build.sh" "$config"
"$here/modules.sh" "$tree/build-$config" "$top/build/bench/modules"

options=()
for source in "$here"/guest/*.c; do
	program=$top/build/bench/$(basename "$source" .c)
	gcc -static -O2 -Wall -Wextra -Werror -o "$program" "$source"
	options+=(--bin "$program")
done
while read -r _ module; do
	options+=(--module "$module")
done <"$top/build/bench/modules/modules.txt"
exec "$top/qemu/run.sh" "$config" "$mode" "$out" "${3:-}" "${options[@]}"
