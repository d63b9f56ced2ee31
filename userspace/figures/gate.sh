#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Counts the instructions of the crate's work and compares them with instructions.toml;
# --accept takes the new counts. KTAP. qemu/install.sh has brought the runner.
set -euo pipefail
# shellcheck source=linux-patch/lib.sh
. "$(dirname "$0")/../../linux-patch/lib.sh"
cd "$top/userspace"
exec cargo run --quiet --release -p kallmodsyms-figures --bin gate -- "$@"
