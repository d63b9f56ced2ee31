#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Boots as qemu/run.sh does, with its arguments, and prints what the guest reported, whatever
# became of it. KTAP.
set -euo pipefail
out=${3:?usage: tests/boot.sh CONFIG MODE OUT [KERNEL ARGUMENTS]}
rm -rf "$out"
trap 'cat "$out/result.ktap"' EXIT
"$(dirname "$0")/../qemu/run.sh" "$@"
