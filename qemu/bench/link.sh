#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# What the option adds to a build of the standard kernel: how long the link of vmlinux takes
# with it and without, tables and all, and how large the results are: qemu/bench/link.sh
#
# The fastest of ROUNDS links counts (3): what else the machine does only makes it slower.
set -euo pipefail
# shellcheck source=linux-patch/lib.sh
. "$(dirname "$0")/../../linux-patch/lib.sh"
# shellcheck source=qemu/lib.sh
. "$(dirname "$0")/../lib.sh"
locate
lock "$tree"
kernels=(standard-off standard)
for kernel in "${kernels[@]}"; do
	"$top/qemu/build.sh" "$kernel"
done
architecture "$(configuration standard)"

# Nothing but this is left to do.
link() { # KERNEL
	local out=$tree/build-$1
	find "$out" -maxdepth 1 \( -name 'vmlinux*' -o -name '.tmp_vmlinux*' -o -name System.map \) -delete
	"${kmake[@]}" "${make_arguments[@]}" -C "$tree" O="$out" vmlinux >"$out.link.log" 2>&1 ||
		die "the link failed: $out.link.log"
}
times=$(mktemp)
trap 'rm -f "$times"' EXIT
for ((round = 0; round < ${ROUNDS:-3}; round++)); do
	for kernel in "${kernels[@]}"; do
		say "linking vmlinux of $kernel"
		start=$EPOCHREALTIME
		link "$kernel"
		echo "$kernel $start $EPOCHREALTIME" >>"$times"
	done
done
for kernel in "${kernels[@]}"; do
	built=$tree/build-$kernel
	read -r text data bss _ < <(size "$built/vmlinux" | tail -n 1)
	echo "$kernel $text $data $bss $(stat -c %s "$built/arch/$arch/boot/$image")"
done | awk '
	NR == FNR { took = $3 - $2; if (!($1 in link) || took < link[$1]) link[$1] = took; next }
	{ off = FNR == 1; for (i = 1; i <= 4; i++) bytes[off, i] = $(i + 1) }
	END {
		printf "%-24s %12s %12s %12s\n", "", "option off", "on", "more"
		printf "%-24s %12.1f %12.1f %12.1f\n", "link of vmlinux, seconds", link["standard-off"], link["standard"],
			link["standard"] - link["standard-off"]
		split("text, bytes:data, bytes:bss, bytes:" image ", bytes", name, ":")
		for (i = 1; i <= 4; i++)
			printf "%-24s %12d %12d %12d\n", name[i], bytes[1, i], bytes[0, i], bytes[0, i] - bytes[1, i]
	}' image="$image" "$times" -
