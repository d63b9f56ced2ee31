#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Prints, as shell assignments, where the things are that `make run` makes.
set -euo pipefail
# shellcheck source=linux-patch/lib.sh
. "$(dirname "$0")/../linux-patch/lib.sh"
locate
printf '%s=%q\n' KERNEL_TREE "$tree" KERNEL_BUILD "$tree/build-standard" \
	KERNEL_IMAGE "$tree/build-standard/arch/x86/boot/bzImage" RUN_DIR "$top/build/run" \
	TOOLS "$cache/tools"
