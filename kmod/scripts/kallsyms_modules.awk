#!/usr/bin/gawk -f
# SPDX-License-Identifier: GPL-2.0
# kallsyms_modules.awk: list the addresses of built-in modules for scripts/kallsyms
#
# Usage: kallsyms_modules.awk modules.builtin symbols.nm vmlinux.o.map vmlinux.map
#
# symbols.nm is the output of nm -f sysv for vmlinux.a, of which only symbols of
# size zero matter.  Where vmlinux was linked from vmlinux.o its objects can only
# be told apart in vmlinux.o.map.
#
# A line of output has a first address, an end address and a list of modules;
# where the two addresses are the same, it has a symbol of size zero as well, and
# "-" for a list if that is of no module but has the name of one that is:
#
#	ffffffff8191a1f0 ffffffff8191c63f [ti_cpsw] [ti_cpsw_new]
#	ffffffff835845c0 ffffffff835845c0 [autofs4]	__key.0
#	ffffffff835845c0 ffffffff835845c0 -	__key.0
#
# generate_builtin_ranges.awk does a like job for users of modules.builtin.ranges.
# It has offsets in sections, for addresses that are not known yet, it knows
# nothing of per-CPU variables, symbols of size zero and sections whose names
# start with no dot, and it passes over what it does not understand: a table
# that goes into the kernel has to be right or not to be made.

function fail(what) {
	printf "%s:%d: %s: %s\n", FILENAME, FNR, what, $0 >"/dev/stderr";
	failed = 1;
	exit 1;
}

# Numbers in awk have 53 bits.  The kernel is smaller than 2^48, so the upper
# four digits of an address, which are the same for a whole section, are set
# aside: high() has them, and low() the rest as a number.
function pad(hex) {
	sub(/^0x/, "", hex);
	return substr("0000000000000000" hex, length(hex) + 1);
}

function high(hex) {
	return substr(pad(hex), 1, 4);
}

function low(hex) {
	return strtonum("0x" substr(pad(hex), 5));
}

# Return the modules of an object as they are to be shown, "" if there is none.
#
# KBUILD_MODFILE has the path of each.  An object that is shared with a loadable
# module is compiled as if it were for that alone: it has no KBUILD_MODFILE, and
# the names of all its modules in KBUILD_MODNAME with colons in between.
#
# In either case it is modules.builtin that says which of them are built in.
# An object that is no part of a module has itself as the one name in its list.
function modules_of(obj,	cmd, line, i, n, path, name, found, sorted, list) {
	if (obj in modules)
		return modules[obj];

	list = "";
	if (obj ~ /\.o$/) {
		cmd = obj;
		sub(/[^\/]*$/, ".&.cmd", cmd);
		if ((getline line <cmd) == 1) {
			if (match(line, /-DKBUILD_MODFILE=['"]+[^'"]+/))
				n = split(substr(line, RSTART + 17, RLENGTH - 17), path, /[ '"]+/);
			else if (match(line, / RUST_MODFILE=[^ ]+/))
				n = split(substr(line, RSTART + 14, RLENGTH - 14), path, " ");
			else if (line ~ / -DMODULE / && match(line, /-DKBUILD_MODNAME=['"]+[^'"]+/))
				n = split(substr(line, RSTART + 17, RLENGTH - 17), path, /[:'"]+/);
			close(cmd);
		}
		for (i = 1; i <= n; i++) {
			if (!(path[i] in builtin))
				continue;
			found["[" builtin[path[i]] "]"];
		}
		n = asorti(found, sorted);
		for (i = 1; i <= n; i++)
			list = list (i > 1 ? " " : "") sorted[i];
	}

	return modules[obj] = list;
}

# Record that @size bytes of section @sect of @obj stand at @addr.
function place(sect, obj, addr, size,		list) {
	# Several sections of one name in one object cannot be told apart.
	if ((obj, sect) in start_of && start_of[obj, sect] != addr)
		start_of[obj, sect] = "ambiguous";
	else
		start_of[obj, sect] = addr;
	prefix_of[obj, sect] = prefix;

	list = modules_of(obj);
	if (list != "" && size)
		printf "%s%012x %s%012x %s\n", prefix, addr, prefix, addr + size, list;
}

# Advance to the next input when the file changes.
FNR == 1 {
	input++;
	in_map = osect = "";
	last_map = (ARGIND == ARGC - 1);
	is_lld = 0;
}

# (1) Modules that are built in, by path and by name
#
#	kernel/drivers/net/ethernet/freescale/dpaa2/fsl-dpaa2-eth.ko
ARGIND == 1 {
	if (!match($0, /^kernel\/.*\.ko$/))
		fail("expected kernel/PATH.ko");
	path = substr($0, 8, length($0) - 10);
	name = path;
	sub(/.*\//, "", name);
	gsub(/-/, "_", name);
	builtin[path] = builtin[name] = name;
	next;
}

# (2) Symbols of size zero: those on the border of two objects belong to the one
#     that defines them.
#
#	Symbols from vmlinux.a[drivers/net/ethernet/ti/cpsw_ale.o]:
#	cpsw_ale_end        |00000000000024f3|   T  |            NOTYPE|                |     |.text
ARGIND == 2 && /^Symbols from / {
	# llvm-nm names the object alone.
	obj = $0;
	sub(/^Symbols from /, "", obj);
	sub(/:$/, "", obj);
	if (match(obj, /[\[(].*[\])]$/))
		obj = substr(obj, RSTART + 1, RLENGTH - 2);
	next;
}

ARGIND == 2 {
	if (split($0, field, "|") != 7)
		next;
	if (field[5] !~ /^ *0* *$/ || field[7] ~ /^ *\*/)
		next;
	gsub(/ /, "", field[1]);
	gsub(/ /, "", field[2]);
	gsub(/ /, "", field[7]);
	markers++;
	marker_obj[markers] = obj;
	marker_name[markers] = field[1];
	marker_value[markers] = low(field[2]);
	marker_sect[markers] = field[7];
	next;
}

# (3) Maps
#
# Bring records of lld into the form of GNU ld.
#
#	             VMA              LMA     Size Align Out     In      Symbol
#	ffffffff82c00000          2c00000   2493c0  8192 .data
#	           11480            11480     1f07    16         vmlinux.a(a/b.o):(.text)
FNR == 1 && $1 == "VMA" && $NF == "Symbol" {
	is_lld = in_map = 1;
	next;
}

is_lld {
	if (NF == 5 && match($0, /[0-9] [^ ]+$/) && $5 !~ /:\(/)
		$0 = $5 " 0x" $1 " 0x" $3 " load address 0x" $2;
	else if (NF == 5 && match($5, /:\([^)]*\)$/)) {
		sect = substr($5, RSTART + 2, RLENGTH - 3);
		obj = substr($5, 1, RSTART - 1);
		if (sub(/^vmlinux\.a\(/, "", obj))
			sub(/\)$/, "", obj);
		$0 = " " sect " 0x" $1 " 0x" $3 " " obj;
	} else
		next;
}

# Only what follows this line was linked.
/^Linker script and memory map$/ {
	in_map = 1;
	next;
}

!in_map {
	next;
}

# A long name has the rest of its record on the next line.
/^ ?[^ *(]/ && NF == 1 {
	name = $0;
	if ((getline) != 1)
		fail("file ends in a record");
	$0 = name " " $0;
}

# An output section.  One at address zero with no other load address is not
# loaded, unless this is the map of vmlinux.o, which has no addresses at all.
#
#	.data           0xffffffff82a00000   0x2c9a80 load address 0x0000000002a00000
/^[^ ]/ {
	osect = "";
	if ($2 !~ /^0x/)
		next;
	if ($2 !~ /^0x[0-9a-f]+$/ || $3 !~ /^0x[0-9a-f]+$/)
		fail("expected section, address and size");
	if (last_map && low($2) == 0 && high($2) == "0000" && ($4 != "load" || $6 ~ /^0x0*$/))
		next;
	osect = $1;
	prefix = high($2);
	next;
}

# An input section
#
#	 .text          0x0000000000011480     0x1f07 arch/x86/events/amd/uncore.o
/^ [^ *(]/ && osect != "" {
	# Symbols, assignments and the like are indented further.
	if (NF < 4 || $2 !~ /^0x[0-9a-f]+$/ || $3 !~ /^0x[0-9a-f]+$/)
		fail("expected section, address, size and object");
	inputs_seen++;

	# Constants of the same value are merged, so that sizes are not those
	# of what is left.  Few have a symbol, and lld lists those under no
	# object at all: such a symbol gets no module.
	if ($1 ~ /^\.rodata(\..*)?\.(str|cst)[0-9]/)
		next;

	if (!last_map) {
		# Placed when it is known where the section of vmlinux.o is
		inputs[osect] = inputs[osect] " " $1 " " $4 " " low($2) " " low($3);
	} else if ($4 == "vmlinux.o") {
		n = split(inputs[$1], input_of, " ");
		for (i = 1; i < n; i += 4)
			place(input_of[i], input_of[i + 1], low($2) + input_of[i + 2], input_of[i + 3]);
	} else {
		place($1, $4, low($2), low($3));
	}
}

END {
	if (failed)
		exit 1;
	if (!inputs_seen) {
		printf "%s: no section of an object in it: not a linker map?\n", ARGV[ARGC - 1] >"/dev/stderr";
		exit 1;
	}

	# Only names of modules' symbols are of interest, but of these all: the
	# variables __key.0 of several objects, some of no module, can have the
	# same address, and are then told apart by the order of the objects.
	for (i = 1; i <= markers; i++)
		if (modules_of(marker_obj[i]) != "")
			of_module[marker_name[i]];

	for (i = 1; i <= markers; i++) {
		obj = marker_obj[i];
		sect = marker_sect[i];
		if (!(marker_name[i] in of_module) || !((obj, sect) in start_of))
			continue;
		if (start_of[obj, sect] == "ambiguous") {
			printf "%s: several sections %s, cannot place %s\n", obj, sect, marker_name[i] >"/dev/stderr";
			exit 1;
		}
		addr = sprintf("%s%012x", prefix_of[obj, sect], start_of[obj, sect] + marker_value[i]);
		list = modules_of(obj);
		printf "%s %s %s\t%s\n", addr, addr, list == "" ? "-" : list, marker_name[i];
	}
}
