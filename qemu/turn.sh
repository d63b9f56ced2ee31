#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Runs a command while no other clone runs one: qemu/turn.sh COMMAND...
#
# Two clones whose series are the same share a kernel build. Each step locks it, but a
# test compares what one step built with what another booted, so it takes its turn.
set -euo pipefail
# shellcheck source=linux-patch/lib.sh
. "$(dirname "$0")/../linux-patch/lib.sh"
lock "$cache/run"
exec "$@"
