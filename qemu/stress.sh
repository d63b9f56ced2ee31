#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# The stress test, 2,000 module cycles long, on the kernel of a configuration:
#
#   qemu/stress.sh CONFIG OUT
set -euo pipefail
usage="usage: qemu/stress.sh CONFIG OUT"
config=${1:?$usage}
out=${2:?$usage}

# Without the kernel's own selftest, which takes minutes: its thread does not schedule, and
# freeing an ftrace trampoline waits until every task has.
"$(dirname "$0")/run.sh" "$config" stress "$out" initcall_blacklist=kallsyms_test_init
sed -n 's/^ *# stress_test\.c:[0-9]*:[a-z_]*://p' "$out/result.ktap"
