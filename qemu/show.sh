#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Shows what a guest left, a few lines of each kind: qemu/show.sh RUN_DIR
set -euo pipefail
run=${1:?usage: qemu/show.sh RUN_DIR}
for f in kallmodsyms version modules.txt validate.txt; do
	[ -s "$run/$f" ] || { echo "error: $run/$f: the guest left no such file; see $run/console.log" >&2; exit 1; }
done

some() { # TITLE LINES AWK-CONDITION...: the first lines that fulfil the condition
	printf '\n%s\n' "$1"
	awk -F '\t' -v most="$2" -v list="$run/modules.txt" '
		BEGIN { while ((getline line < list) > 0) { split(line, w, " "); loaded["[" w[1] "]"] } }
		{ modules = $2; split($1, field, " "); size = field[2]; type = field[3] }
		'"$3"' { print; if (++n == most) exit }
		END { if (!n) print "(no such line)" }' "$run/kallmodsyms" | expand -t 4 | sed 's/^/  /'
}

cat "$run/version"
echo "$(wc -l <"$run/kallmodsyms") lines in /proc/kallmodsyms"
some "core symbols with their sizes" 6 'NF == 1 && type == "T" && size != "0"'
some "symbols of built-in modules" 6 \
	'NF == 2 && modules !~ /[ ]/ && !(modules in loaded) && modules !~ /^\[(bpf|__builtin)/ && !(modules in seen) && ++seen[modules]'
some "objects that two built-in modules share" 4 'modules == "[ti_cpsw] [ti_cpsw_new]"'
some "objects that three built-in modules share" 4 'modules == "[ti_cpsw] [ti_cpsw_new] [ti_davinci_emac]"'
some "symbols of a loaded module" 4 'modules in loaded'
printf '\nkallmodsyms validate, in the guest\n'
sed 's/^/  /' "$run/validate.txt"
