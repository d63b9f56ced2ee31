#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Packs what `make run` left into captures of this directory:
#
#   make run && userspace/captures/capture.sh [NAME [RUN_DIR [FILE...]]]
#
# NAME is what the captures are called (standard), RUN_DIR what the guest left
# (build/run), FILE what to pack of that if not all, and of the kernel's build. The kernel
# of RUN_DIR has to be the one that was built last.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
name=${1:-standard}
places=$(make -s -C "$here/../.." where)
eval "$places"
run=${2:-$RUN_DIR}

pack() { # FROM FILE...
	local file
	for file in "${@:2}"; do
		[ -s "$1/$file" ] || { echo "error: $1/$file: missing or empty; run 'make run' first" >&2; exit 1; }
		xz -9e -T1 -c "$1/$file" >"$here/$name.$file.xz"
		printf '%9d  %s\n' "$(stat -c %s "$here/$name.$file.xz")" "$name.$file.xz"
	done
}
if [ $# -gt 2 ]; then
	pack "$run" "${@:3}"
else
	pack "$run" kallmodsyms kallsyms modules.txt version
	pack "$KERNEL_BUILD" System.map modules.builtin modules.builtin.ranges
fi
