#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Makes 300 loadable modules of 200 symbols each, for a guest that has as many loaded as
# a large server: qemu/bench/modules.sh KERNEL_BUILD OUT
#
# Each has functions of many sizes, local and exported, and data; some names are in every
# module. OUT/modules.txt lists the files. The same kernel build and the same script
# give the same modules, so what is there already is left as it is.
set -euo pipefail
# shellcheck source=linux-patch/lib.sh
. "$(dirname "$0")/../../linux-patch/lib.sh"
build=$(realpath "${1:?usage: qemu/bench/modules.sh KERNEL_BUILD OUT}")
out=$(realpath -m "${2:?usage: qemu/bench/modules.sh KERNEL_BUILD OUT}")

# What a module is built from: the tree (its path has the series' key), its configuration, this.
want=$({ echo "$build"; cat "$build/.config" "${BASH_SOURCE[0]}"; } | hash12)
[ "$(cat "$out/stamp" 2>/dev/null)" != "$want" ] || exit 0
rm -rf "$out"
mkdir -p "$out"

awk -v out="$out" '
	BEGIN {
		subsystems = split("gpio hid hwmon i2c iio input leds mmc mtd net pci phy pwm rtc scsi snd spi usb video wdt", subsystem)
		trees = split("alder apple ash beech birch cedar elm fir hazel larch lime maple oak pine rowan", tree)
		verbs = split("alloc close disable enable flush lookup notify open parse read remove reset resume suspend update write", verb)
		objects = split("buffer channel clock device entry event filter frame link packet page policy port queue region ring state table timer", object)
		for (s = 1; s <= subsystems; s++)
			for (t = 1; t <= trees; t++)
				module(subsystem[s] "_" tree[t], s * 7 + t * 3)
	}
	# Functions, each with the padding before it (__pfx_) as a second symbol, some of them
	# exported, and data: with what kbuild adds that is 200.
	function module(name, seed,   file, n, f, i) {
		file = out "/" name ".c"
		print "// SPDX-License-Identifier: GPL-2.0\n#include <linux/module.h>\n" >file
		for (n = 0; n < 77; n++) {
			# Step and range have no common divisor, so that no pair comes twice.
			f = (seed + n * 5) % (verbs * objects)
			f = name "_" verb[f % verbs + 1] "_" object[int(f / verbs) + 1]
			print n % 9 == 0 ? "int " f "(int x);\nint " : "static noinline __used int " >file
			print f "(int x)\n{" >file
			for (i = 0; i < (seed * n) % 13; i++)
				print "\tx = (x ^ " i * 77 + n ") * " i + 3 ";" >file
			print "\treturn x;\n}" >file
			if (n % 9 == 0)
				print "EXPORT_SYMBOL_GPL(" f ");" >file
			print "" >file
		}
		print "static noinline __used int probe(int x)\n{\n\treturn x + " seed ";\n}\n" >file
		print "static __used int " name "_debug = 1;" >file
		print "static __used int " name "_users[" seed % 16 + 1 "];" >file
		print "static __used unsigned long state[4];" >file
		print "static __used const char " name "_name[] = \"" name "\";" >file
		print "static __used const unsigned short ids[] = { " seed ", " seed + 1 " };\n" >file
		print "static int __init start(void)\n{\n\treturn 0;\n}\nmodule_init(start);\n" >file
		print "static void __exit stop(void)\n{\n}\nmodule_exit(stop);\n" >file
		print "MODULE_DESCRIPTION(\"One of many\");\nMODULE_LICENSE(\"GPL\");" >file
		close(file)
		print "obj-m += " name ".o" >(out "/Makefile")
		print name " " out "/" name ".ko" >(out "/modules.new")
	}'
say "modules: building $(wc -l <"$out/modules.new") of them in $out (minutes, once)"
"${kmake[@]}" CC="ccache gcc" -C "$build" M="$out" modules >"$out/log" 2>&1 ||
	{ tail -n 20 "$out/log" >&2; die "the modules do not build: $out/log"; }
mv "$out/modules.new" "$out/modules.txt"
echo "$want" >"$out/stamp"
