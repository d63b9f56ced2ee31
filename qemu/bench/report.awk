# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# The table of `make bench-kernel`, from the counts that guest/init left in a directory:
#
#   awk -v dir=DIRECTORY -f report.awk
#
# Ends with 1 if a target is missed. A line of counts in NAME.FILE.SIZE is a read(): offset,
# bytes, lines, and the instructions in each pass. The least of them is what it costs; in
# the others there was an interrupt as well.

function least(from,   i, m) {
	m = $from
	for (i = from + 1; i <= NF; i++)
		if ($i < m)
			m = $i
	return m
}

function get(   found) {
	found = (getline <path) > 0
	if (!found) {
		close(path)
		if (!seen) {
			print "report.awk: " path ": missing or empty" >"/dev/stderr"
			broken = 1
			exit 2
		}
	}
	seen = found
	return found
}

# Adds up the reads of a file from offset FROM on: sets cost, lines, bytes, and shortest,
# the fewest bytes of a read but the last.
function add_up(name, from,   last) {
	path = dir "/" name
	cost = lines = bytes = shortest = last = seen = 0
	while (get()) {
		if ($1 < from)
			continue
		cost += least(4)
		lines += $3
		bytes += $2
		if ($2) {
			if (last && (!shortest || last < shortest))
				shortest = last
			last = $2
		}
	}
}

# Instructions per symbol of those that WITH has and WITHOUT has not. They are the last, so
# only the end of the file differs, of which 64 KiB before them are enough.
function per_symbol(file, with, without,   from, base, base_lines) {
	add_up(without "." file ".4096", 0)
	from = bytes - 65536
	add_up(without "." file ".4096", from)
	base = cost
	base_lines = lines
	add_up(with "." file ".4096", from)
	return (cost - base) / (lines - base_lines)
}

function least_of(name,   m) {
	path = dir "/" name
	seen = 0
	while (get())
		if (!m || $1 < m)
			m = $1
	return m
}

# KiB for each of the open files: sets open, and closed for those that were closed again. The
# last round counts, when the allocators have had theirs.
function memory(name) {
	path = dir "/" name
	seen = 0
	while (get()) {
		open = $2 / $1
		closed = $3 / $1
	}
}

function row(work, target, ours, theirs, met) {
	printf "%-56s %-14s %14s %14s   %s\n", work, target, ours, theirs, met == "" ? "" : met ? "met" : "MISSED"
	if (met != "" && !met)
		missed = 1
}

function number(n) {
	return sprintf(n < 10 ? "%.2f" : "%.0f", n)
}

# Sets small and large, the cost per symbol with few and with many: [1] ours, [2] theirs.
function scaling(few, many) {
	small[1] = per_symbol("kallmodsyms", few, "none")
	large[1] = per_symbol("kallmodsyms", many, "none")
	small[2] = per_symbol("kallsyms", few, "none")
	large[2] = per_symbol("kallsyms", many, "none")
}

# Instructions of a call of FUNCTION for addresses in WHERE, or of writing WHERE to a file, with
# the option on or off.
function look_up(option, function_name, where,   count) {
	path = dir "/lookups/" option "/lookups"
	seen = 0
	while (get())
		if ($1 == function_name && $2 == where)
			count = $3
	if (!count) {
		print "report.awk: " path ": nothing of " function_name " in " where >"/dev/stderr"
		broken = 1
		exit 2
	}
	return count
}

function look_up_row(function_name, where, most,   with, without) {
	with = look_up("on", function_name, where)
	without = look_up("off", function_name, where)
	row(function_name " in " where ": instructions", "", number(with), number(without))
	row("  how many times as many as without the option", "<= " most, number(with / without), "", with / without <= most)
}

function selection_row(filter, most,   with, without) {
	with = look_up("on", "set_ftrace_filter", filter)
	without = look_up("off", "set_ftrace_filter", filter)
	row("set_ftrace_filter " filter ": million instructions", "", number(with / 1e6), number(without / 1e6))
	if (most)
		row("  how many times as many as without the option", "<= " most, number(with / without), "", with / without <= most)
}

BEGIN {
	row("", "target", "kallmodsyms", "kallsyms")

	add_up("kallmodsyms.65536", 0)
	ours = cost / lines
	short = shortest
	add_up("kallsyms.65536", 0)
	theirs = cost / lines
	row("whole file, read 64 KiB at a time: instructions a line", "<= 305", number(ours), number(theirs), ours <= 305)
	row("  how many times less than kallsyms", ">= 7", number(theirs / ours), "", theirs / ours >= 7)
	row("fewest bytes of a read() of 64 KiB but the last", ">= 60000", short, shortest, short >= 60000)

	scaling("modules-3", "modules-300")
	row("instructions a symbol of a module, of 3 modules", "", number(small[1]), number(small[2]))
	row("  of 300 modules", "", number(large[1]), number(large[2]))
	row("  how many times more", "<= 1.2", number(large[1] / small[1]), number(large[2] / small[2]), large[1] / small[1] <= 1.2)

	scaling("bpf-50", "bpf-5000")
	row("instructions a symbol of BPF, of 50 programs", "", number(small[1]), number(small[2]))
	row("  of 5000 programs", "", number(large[1]), number(large[2]))
	row("  how many times more", "<= 1.2", number(large[1] / small[1]), number(large[2] / small[2]), large[1] / small[1] <= 1.2)

	ours = least_of("kallmodsyms.first")
	theirs = least_of("kallsyms.first")
	row("open and first 4 KiB: instructions", "<= 60000", number(ours), number(theirs), ours <= 60000)
	row("  how many times as many as kallsyms", "<= 1.5", number(ours / theirs), "", ours / theirs <= 1.5)

	memory("kallmodsyms.memory")
	ours = open
	left = closed
	memory("kallsyms.memory")
	row("memory of an open file: KiB", "<= 160", number(ours), number(open), ours <= 160)
	row("  of one that was closed again", "< 1", number(left), number(closed), left < 1)

	print ""
	row("", "target", "option on", "option off")
	look_up_row("sprint_symbol", "vmlinux", 2.5)
	look_up_row("sprint_symbol", "module", 1.5)
	look_up_row("kallsyms_lookup_size_offset", "vmlinux", 1.05)
	look_up_row("kallsyms_lookup_size_offset", "module", 1.05)
	selection_row("vfs_read", 1.1)
	selection_row("*", 1.1)
	selection_row(":mod:*", 1.1)
	selection_row(":mod:ext4")
}

END { exit broken ? 2 : missed }
