#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Each file of the project names its licence in its first line (the second after "#!"), and
# it is the one that the table in README.md gives for it, in the row with the longest path
# that it starts with. What has no room for such a line is listed below. Prints what is not so.
set -euo pipefail
cd "$(dirname "$0")/.."

# Texts of licences, what cargo and git write, data, and what has its format from elsewhere.
none='^(COPYING|LICENSE-.*|.*/Cargo\.lock|linux-patch/[^/]*/(series|.*\.patch)|kmod/tools/.*/(config|settings)|userspace/(fuzz/corpus/.*|captures/.*\.xz|.*\.snap))$'

git ls-files -co --exclude-standard | while read -r f; do
	[ ! -f "$f" ] || [[ $f =~ $none ]] || { printf '%s\t' "$f" && sed -n '1{/^#!/n;p;q}' "$f"; }
done | awk -F '\t' '
	FNR == 1 { file++ }
	# | `one/`, `another/` | GPL-2.0 |
	file == 1 && /^## / { table = /^## Licences/ }
	file == 1 && table && /^\|.*(GPL-2.0|MIT)/ {
		split($0, cell, / *\| */)
		rest = cell[2]
		while (match(rest, /`[^`]*`/)) {
			licence[substr(rest, RSTART + 1, RLENGTH - 2)] = cell[3]
			rest = substr(rest, RSTART + RLENGTH)
		}
		if (cell[2] !~ /`/)
			licence[""] = cell[3]
	}
	file == 2 {
		for (path = $1; !(path in licence) && path != ""; path = substr(path, 1, length(path) - 1));
		wanted = licence[path]
		said = $2
		if (!sub(/^.*SPDX-License-Identifier: /, "", said))
			said = "none"
		sub(/ *(-->|\*\/)$/, "", said)
		sub(/^GPL-2\.0-only$/, "GPL-2.0", said)
		if (said != wanted) {
			print $1 ": " said ", README.md says " wanted
			bad = 1
		}
	}
	END { exit bad || file != 2 }' README.md -
