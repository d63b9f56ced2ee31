# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# Sourced by what reports in KTAP here.

number=0
bad=0

# result NAME FILE: not ok when there is anything in FILE, which then says why.
result() {
	number=$((number + 1))
	if [ -s "$2" ]; then
		bad=$((bad + 1))
		echo "not ok $number $1"
		head -n 30 "$2" | sed 's/^/# /'
	else
		echo "ok $number $1"
	fi
}
