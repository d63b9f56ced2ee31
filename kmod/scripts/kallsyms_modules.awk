#!/usr/bin/gawk -f
# SPDX-License-Identifier: GPL-2.0
# kallsyms_modules.awk: list the addresses of built-in modules for scripts/kallsyms
#
# Usage: kallsyms_modules.awk modules.builtin symbols.nm vmlinux.o.map vmlinux.map
#
# symbols.nm has, for vmlinux.a and each library that vmlinux is linked with, a
# line "Archive: PATH" and the output of nm -f sysv, of which only the objects and
# the symbols of size zero matter.  Where vmlinux was linked from vmlinux.o its
# objects can only be told apart in vmlinux.o.map.
#
# A line of output has a first address, an end address and a list of modules, or
# "?" for what the linker made of the sections of several objects:
#
#	ffffffff8191a1f0 ffffffff8191c63f [ti_cpsw] [ti_cpsw_new]
#
# Symbols of size zero are listed by name, since one may be on the border of two
# objects.  Such a line says that an object of these modules, or of none ("-"),
# has a symbol of this name, and that it is somewhere from the first address to the
# last.  Only names that an object of a module has are listed, but of these all.
#
#	ffffffff835845c0 ffffffff835845c0 [autofs4]	__key.0
#	ffffffff835845c0 ffffffff835845c0 -	__key.0
#	0 ffffffffffffffff [chacha_x86_64]	CTR2BL
#
# generate_builtin_ranges.awk by Kris Van Hees does a like job for users of
# modules.builtin.ranges, and how maps are read here follows it.  That has offsets
# in sections, for addresses that are not known yet, it knows nothing of per-CPU
# variables, symbols of size zero and sections whose names start with no dot, and
# it passes over what it does not understand.  Here a missing or a wrong input is
# an error.  An object that is as it should be, but whose modules cannot be told,
# is not: it has a warning and no module.

function stop(what) {
	print what >"/dev/stderr";
	failed = 1;
	exit 1;
}

function fail(what) {
	stop(FILENAME ":" FNR ": " what ": " $0);
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

function interval(start, end) {
	return sprintf("%s%012x %s%012x", prefix, start, prefix, end);
}

function exists(file,		line, status) {
	status = (getline line <file);
	close(file);
	return status >= 0;
}

function parent(path) {
	return sub(/\/[^\/]*$/, "", path) ? path : "";
}

# Return the path of an object.  Some tools print it with the folder of a thin
# archive, some without.
function object_path(archive, member,		dir) {
	sub(/^\.\//, "", archive);
	sub(/^\.\//, "", member);
	dir = archive;
	sub(/[^\/]*$/, "", dir);
	return index(member, dir) == 1 ? member : dir member;
}

# Return the modules of an object as they are to be shown, "" if there is none.
function modules_of(obj,	list) {
	if (obj in modules)
		return modules[obj];

	list = told_modules(obj);
	if (list == "?") {
		list = modules_around(number_of[obj]);
		if (list == "" && !(obj in compiled))
			print "warning: " obj " was not compiled by kbuild: no module is shown for its symbols" >"/dev/stderr";
	}
	return modules[obj] = list;
}

# The objects of a module stand together in vmlinux.a, so what is between two of
# them is part of it.
function modules_around(number,	before, after, list) {
	for (before = number - 1; told_modules(object[before]) == "?"; before--)
		;
	for (after = number + 1; told_modules(object[after]) == "?"; after++)
		;
	list = told_modules(object[before]);
	return list == told_modules(object[after]) && list !~ / / ? list : "";
}

# Return the modules that the .cmd file of an object tells, "?" if it does not.
#
# KBUILD_MODFILE has the path of each.  An object that is shared with a loadable
# module is compiled as if it were for that alone: it has no KBUILD_MODFILE, and
# the names of all its modules in KBUILD_MODNAME with colons in between.
#
# In either case it is modules.builtin that says which of them are built in.
# An object that is no part of a module has itself as the one name in its list,
# and so has one that a rule for a folder below that of the Makefile compiled,
# whatever it is part of: the path is not that of the object then.
#
# The crates in rust/ have neither, and are no module's.  An object that objcopy,
# cat or the like made has neither, too.
function told_modules(obj,	cmd, line, status, target, path, n, list, i, dir, found) {
	if (obj in told)
		return told[obj];
	# What the linker made, and objects of the compiler's libraries
	if (!(obj in number_of))
		return told[obj] = "";

	cmd = obj;
	sub(/[^\/]*$/, ".&.cmd", cmd);
	status = (getline line <cmd);
	close(cmd);
	if (status < 0) {
		check_not_compiled(obj, cmd);
		return told[obj] = "?";
	}
	if (!match(line, /^savedcmd_[^ ]+ := /))
		stop(cmd ": expected savedcmd_" obj ", found \"" line "\"");
	target = substr(line, 10, RLENGTH - 13);

	# An archive has a/../b/c.o as b/c.o.
	path = target;
	while (sub(/[^\/]+\/\.\.\//, "", path))
		;
	if (path != obj)
		stop(cmd ": expected savedcmd_" obj ", found savedcmd_" target);

	if (match(line, /-DKBUILD_MODFILE='"[^'"]+/)) {
		n = split(substr(line, RSTART + 19, RLENGTH - 19), list, " ");
		if (n == 1 && !(list[1] in builtin) && parent(list[1]) != parent(target) &&
		    list[1] ".o" == parent(list[1]) substr(target, length(parent(target)) + 1)) {
			compiled[obj];
			return told[obj] = "?";
		}
	} else if (match(line, / RUST_MODFILE=[^ ]+/)) {
		n = split(substr(line, RSTART + 14, RLENGTH - 14), list, " ");
	} else if (line ~ / -DMODULE / && match(line, /-DKBUILD_MODNAME='"[^'"]+/)) {
		# The folder of the modules is that of the object or above.
		n = split(substr(line, RSTART + 19, RLENGTH - 19), list, ":");
		for (i = 1; i <= n; i++) {
			dir = target;
			while ((dir = parent(dir)) != "" && !((dir, list[i]) in path_of))
				;
			list[i] = path_of[dir, list[i]];
		}
	} else if (line !~ / --crate-name / && may_have_module(target)) {
		return told[obj] = "?";
	}

	for (i = 1; i <= n; i++) {
		if (list[i] in builtin)
			found[builtin[list[i]]];
	}
	return told[obj] = join(found);
}

function join(found,	sorted, i, n, list) {
	n = asorti(found, sorted);
	for (i = 1; i <= n; i++)
		list = list (i > 1 ? " " : "") sorted[i];
	return list;
}

# What kbuild compiles has a .cmd file.  Copies (*.o_shipped) have none, and there
# are Makefiles that make an object in their own way.
function check_not_compiled(obj, cmd,	stem, suffix, i) {
	stem = obj;
	sub(/\.o$/, "", stem);
	split(".c .S .rs", suffix, " ");
	for (i in suffix) {
		if (exists(stem suffix[i]) || exists(ENVIRON["srctree"] "/" stem suffix[i]))
			stop(cmd ": no such file, but " obj " was compiled");
	}
	if (!exists(obj))
		stop(cmd ": no such file");
}

# Can an object that kbuild did not compile be part of a module?  That has the
# folder of the Makefile that has the object, which is where there is an archive.
function may_have_module(target,	dir) {
	for (dir = parent(target); dir != ""; dir = parent(dir)) {
		if (dir in has_module)
			return 1;
		if (target !~ /\.\.\// && (exists(dir "/built-in.a") || exists(dir "/lib.a")))
			return 0;
	}
	return 0;
}

# Are there modules in a list of inputs?
function any_modules(input_of, n,	i) {
	for (i = 2; i < n; i += 4)
		if (modules_of(input_of[i]) != "")
			return 1;
	return 0;
}

# Record that section @sect of @obj stands from @start to @end, or somewhere.
function place(sect, obj, start, end,		list) {
	linked[obj];
	list = modules_of(obj);
	if (list != "" && start < end)
		print interval(start, end), list;
	if ((obj, sect) in wanted)
		places[obj, sect] = places[obj, sect] interval(start, end) "\n";
}

function place_anywhere(sect, obj) {
	linked[obj];
	modules_of(obj);
	if ((obj, sect) in wanted)
		places[obj, sect] = "0 ffffffffffffffff\n";
}

# Constants of the same value are merged, so that a section is not where it was
# put, or not all of it, and has parts of others.  GNU ld says so only where that
# changed the size, and lld lists the result under no object.
function merges(sect) {
	return sect ~ /^\.rodata(\..*)?\.(str|cst)[0-9]/;
}

# Place the last input section, which ends at @limit at the latest.  One that lost
# bytes when it was relaxed still has nothing of other objects.
function place_last(limit,	end, changed, input_of, n, i, start) {
	if (row_sect == "")
		return;
	end = row_addr + row_size;
	if (limit != "" && limit < end)
		end = limit;
	changed = row_changed && !relaxes || merges(row_sect);

	if (row_obj == "vmlinux.o") {
		n = split(inputs[row_sect], input_of, " ");
		if (n && (outputs[row_sect] != 1 || total[row_sect] != row_size))
			changed = 1;
	} else {
		n = split(row_sect " " row_obj " 0 " row_size, input_of, " ");
	}

	if (changed && end > row_addr && any_modules(input_of, n))
		print interval(row_addr, end), "?";
	for (i = 1; i < n; i += 4) {
		start = row_addr + input_of[i + 2];
		if (changed)
			place_anywhere(input_of[i], input_of[i + 1]);
		else
			place(input_of[i], input_of[i + 1], start, min(start + input_of[i + 3], end));
	}
	row_sect = "";
	row_changed = 0;
}

function min(a, b) {
	return a < b ? a : b;
}

BEGIN {
	relaxes = ENVIRON["SRCARCH"] ~ /^(loongarch|riscv)$/;
}

# Advance to the next input when the file changes.
FNR == 1 {
	in_map = osect = "";
	last_map = (ARGIND == ARGC - 1);
	is_lld = 0;
}

# (1) Modules that are built in, by path and by folder and name
#
#	kernel/drivers/net/ethernet/freescale/dpaa2/fsl-dpaa2-eth.ko
ARGIND == 1 {
	if (!match($0, /^kernel\/.*\.ko$/))
		fail("expected kernel/PATH.ko");
	path = substr($0, 8, length($0) - 10);
	name = path;
	sub(/.*\//, "", name);
	gsub(/-/, "_", name);
	builtin[path] = "[" name "]";
	path_of[parent(path), name] = path;
	has_module[parent(path)];
	next;
}

# (2) Objects in the order of the link, and their symbols of size zero
#
#	Archive: vmlinux.a
#	Symbols from vmlinux.a[drivers/net/ethernet/ti/cpsw_ale.o]:
#	cpsw_ale_end        |00000000000024f3|   T  |            NOTYPE|                |     |.text
ARGIND == 2 && /^Archive: / {
	archive = $2;
	next;
}

ARGIND == 2 && /^Symbols from / {
	# llvm-nm names the object alone.
	obj = $0;
	sub(/^Symbols from /, "", obj);
	sub(/:$/, "", obj);
	if (match(obj, /[\[(].*[\])]$/))
		obj = substr(obj, RSTART + 1, RLENGTH - 2);
	obj = object_path(archive, obj);
	if (!(obj in number_of)) {
		number_of[obj] = ++objects;
		object[objects] = obj;
	}
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
	# scripts/mksysmap drops these, which arm64 has thousands of.
	if (field[1] ~ /^(\$|\.L)/)
		next;
	markers++;
	marker_obj[markers] = obj;
	marker_name[markers] = field[1];
	marker_value[markers] = low(field[2]);
	marker_code[markers] = field[3] ~ /[TtWw]/;
	marker_sect[markers] = field[7];
	wanted[obj, field[7]];
	next;
}

# (3) Maps
#
# Bring records of lld into the form of GNU ld.
#
#	             VMA              LMA     Size Align Out     In      Symbol
#	ffffffff82600000          2600000    e5a40    64 .rodata
#	            5a40             5a40      3c1    16         vmlinux.a(a/b.o):(.text)
FNR == 1 && $1 == "VMA" && $NF == "Symbol" {
	is_lld = in_map = 1;
	next;
}

is_lld {
	if (NF == 5 && match($0, /[0-9] [^ ]+$/) && $5 !~ /:\(/)
		$0 = sprintf("%s 0x%s 0x%s load address 0x%s", $5, $1, $3, $2);
	else if (NF == 5 && match($5, /:\([^)]*\)$/)) {
		sect = substr($5, RSTART + 2, RLENGTH - 3);
		obj = substr($5, 1, RSTART - 1);
		if (match(obj, /\(.*\)$/))
			obj = object_path(substr(obj, 1, RSTART - 1), substr(obj, RSTART + 1, RLENGTH - 2));
		$0 = " " sect " 0x" $1 " 0x" $3 " " obj;
	} else
		next;
}

# What follows the memory regions was linked.  GNU ld speaks the user's language,
# but the default region has this name in all of them.
#
#	*default*        0x0000000000000000 0xffffffffffffffff
/^\*default\* +0x/ {
	in_map = 1;
	next;
}

!in_map {
	next;
}

# A long name has the rest of its record on the next line.  What else stands
# alone is part of a linker script.
/^ ?[^ *(]/ && NF == 1 {
	name = $0;
	if ((getline) != 1)
		fail("file ends in a record");
	if (/^ +0x/)
		$0 = name " " $0;
}

# The record above was of a section that the linker changed.
#
#	                                         0x38 (size before relaxing)
/^ +0x[0-9a-f]+ \(.*\)$/ {
	row_changed = (row_sect != "");
	next;
}

# An output section.  One at address zero with no other load address is not
# loaded, unless this is the map of vmlinux.o, which has no addresses at all.
#
#	.data           0xffffffff82a00000   0x2c9a80 load address 0x0000000002a00000
/^[^ ]/ {
	place_last();
	osect = "";
	if ($2 !~ /^0x/)
		next;
	if ($2 !~ /^0x[0-9a-f]+$/ || $3 !~ /^0x[0-9a-f]+$/)
		fail("expected section, address and size");
	if (last_map && low($2) == 0 && high($2) == "0000" && (NF == 3 || $NF ~ /^0x0*$/))
		next;
	osect = $1;
	prefix = high($2);
	if (!last_map && low($3)) {
		outputs[osect]++;
		total[osect] = low($3);
	}
	next;
}

# An input section
#
#	 .text          0x0000000000005a40      0x3c1 drivers/char/hpet.o
/^ [^ *(]/ && osect != "" && $2 ~ /^0x/ {
	# Symbols, assignments and the like are indented further.
	if (NF < 4 || $2 !~ /^0x[0-9a-f]+$/ || $3 !~ /^0x[0-9a-f]+$/)
		fail("expected section, address, size and object");
	inputs_seen++;

	sub(/^\.\//, "", $4);
	if (!last_map) {
		# Placed when it is known where the section of vmlinux.o is
		inputs[osect] = inputs[osect] " " $1 " " $4 " " low($2) " " low($3);
	} else {
		place_last(low($2));
		row_sect = $1;
		row_obj = $4;
		row_addr = low($2);
		row_size = low($3);
	}
}

END {
	if (failed)
		exit 1;
	place_last();
	if (!inputs_seen)
		stop(ARGV[ARGC - 1] ": no section of an object in it: not a linker map?");

	# Names of no module are of no interest, but of others all symbols are:
	# those of objects of no module can have the same address.
	for (i = 1; i <= markers; i++) {
		if (marker_obj[i] in linked && modules_of(marker_obj[i]) != "")
			of_module[marker_name[i]];
	}

	for (i = 1; i <= markers; i++) {
		obj = marker_obj[i];
		sect = marker_sect[i];
		if (!(obj in linked) || !(marker_name[i] in of_module))
			continue;
		if (merges(sect))
			place_anywhere(sect, obj);
		n = split(places[obj, sect], place_of, "\n") - 1;
		# Relaxing moves what is in code, and several sections of one name
		# in one object cannot be told apart.
		if (n == 1 && place_of[1] !~ /^0 / && !(relaxes && marker_code[i])) {
			split(place_of[1], field, " ");
			prefix = high(field[1]);
			addr = low(field[1]) + marker_value[i];
			place_of[1] = interval(addr, addr);
		}
		list = modules_of(obj);
		for (j = 1; j <= n; j++)
			print place_of[j], (list == "" ? "-" : list) "\t" marker_name[i];
	}
}
