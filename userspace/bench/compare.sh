#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Compares the command with that of another revision, both in one run: userspace/bench/compare.sh REVISION [OUT]
#
# OUT (build/bench-command) gets a worktree of REVISION, what is built of it, and the inputs. Both commands do the same
# work by turns; what counts is the least processor time of each, as other work on the machine adds to it only.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
revision=$(git -C "$top" rev-parse --verify --short "${1:?usage: userspace/bench/compare.sh REVISION [OUT]}^{commit}")
out=$(realpath -m "${2:-$top/build/bench-command}")
rounds=15
mkdir -p "$out"

tree=$out/tree
remove() { git -C "$top" worktree remove --force "$tree" 2>/dev/null || true; }
trap remove EXIT
remove
git -C "$top" worktree add --quiet --detach "$tree" "$revision"
export CARGO_TARGET_DIR=$out/cargo
build() { # FOLDER NAME: both share what they depend on
	(cd "$1/userspace" && cargo build --quiet --locked --release -p kallmodsyms-cli)
	cp "$CARGO_TARGET_DIR/release/kallmodsyms" "$out/$2"
}
build "$tree" base
build "$top" ours
base=$out/base
ours=$out/ours

cd "$out"
xz -dc "$top/userspace/captures/standard.kallmodsyms.xz" >kernel
addresses() { # COUNT FORMAT
	awk -v count="$1" -v format="$2" '
		$3 ~ /^[tT]$/ && $2 != "0" { all[n++] = $1 }
		END {
			for (i = 0; i < count; i++)
				printf format "\n", all[i * 7919 % n], i / 1000, i % 1000 * 1000
		}' kernel
}
# In lines as long as those of a log are, and alone.
addresses 400000 '[<%s>] in line %5d.%06d of a log' >trace
addresses 400000 %s >list

milliseconds() { # COMMAND...: processor time
	local TIMEFORMAT='%3U %3S'
	{ time "$@" >/dev/null 2>&1; } 2>&1 | awk '{ printf "%d\n", ($1 + $2) * 1000 }'
}
compare() { # WHAT BASE_COMMAND OUR_COMMAND
	local round least_base=999999 least_ours=999999 took
	for ((round = 0; round < rounds; round++)); do
		took=$(milliseconds bash -c "$2")
		((took >= least_base)) || least_base=$took
		took=$(milliseconds bash -c "$3")
		((took >= least_ours)) || least_ours=$took
	done
	awk -v what="$1" -v base="$least_base" -v ours="$least_ours" 'BEGIN {
		printf "| %s | %d ms | %d ms | %.2fx |\n", what, base, ours, base / ours
	}'
}

size=$(stat -c %s trace | awk '{ printf "%.1f", $1 / 1e6 }')
echo "| work | $revision | this tree | ratio |"
echo "|---|---|---|---|"
compare "\`symbolize\`, 400,000 addresses of $size MB" \
	"$base symbolize -i kernel trace" "$ours symbolize -i kernel trace"
compare "the same from a pipe" \
	"cat trace | $base symbolize -i kernel" "cat trace | $ours symbolize -i kernel"
compare "\`symbolize\`, 400,000 addresses alone" \
	"$base symbolize -i kernel list" "$ours symbolize -i kernel list"
compare "\`lookup\` of them from standard input, beside \`symbolize\`" \
	"$base symbolize -i kernel list" "$ours lookup -i kernel <list"
