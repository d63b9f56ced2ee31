#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Removes the cache: what these scripts put there, so that a KALLMODSYMS_CACHE that
# names a directory with other things in it costs nobody anything.
set -euo pipefail
# shellcheck source=linux-patch/lib.sh
. "$(dirname "$0")/lib.sh"
for lock in "$cache"/*/*.lock "$cache"/*.lock; do
	[ ! -f "$lock" ] || flock -n "$lock" true || die "${lock%.lock} is in use by another run: wait for it, or stop it"
done
rm -rf "$cache"/{src,tree,check,expect,ccache,tools,tools.lock,run.lock}
[ ! -d "$cache" ] || rmdir --ignore-fail-on-non-empty "$cache"
say "removed $cache"
