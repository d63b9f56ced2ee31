# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash
#
# A vmlinux of a few bytes, made in the current directory as kbuild makes the real one: objects with .cmd files, vmlinux.a,
# vmlinux.o, and scripts/link-vmlinux.sh of the kernel tree in $tree, with its compiled scripts/kallsyms in $kallsyms. To be sourced.

: "${tree:?}" "${kallsyms:?}"

toy() { # [OPTION=y]...: begin another one
	rm -rf ./* .[!.]*
	members=()
	mkdir -p include/config init inc/asm scripts arch
	printf '%s\n' CONFIG_KALLSYMS=y CONFIG_KALLSYMS_ALL=y CONFIG_VMLINUX_MAP=y "$@" >include/config/auto.conf
	echo '#define BITS_PER_LONG 64' >inc/asm/bitsperlong.h
	ln -s "$kallsyms" scripts/kallsyms
	: >modules.builtin
	cat >arch/vmlinux.lds <<-'END'
		ENTRY(_text)
		SECTIONS {
			. = 0xffffffff81000000;
			_text = .; _stext = .;
			.text : { *(.text) }
			_etext = .;
			.rodata : ALIGN(4096) { *(.rodata .rodata.*) }
			.data : ALIGN(4096) { *(.data) }
			.bss : ALIGN(4096) { *(.bss) }
			_end = .;
		}
	END
}

builtin() { # MODULE...: PATH/NAME
	printf 'kernel/%s.ko\n' "$@" >modules.builtin
}

cmd() { # OBJECT COMMAND: write its .cmd file
	echo "savedcmd_$1 := $2" >"$(dirname "$1")/.$(basename "$1").cmd"
}

compiled() { # OBJECT MODULE...: assembled from standard input, with what kbuild says of it
	mkdir -p "$(dirname "$1")"
	cat >"${1%.o}.S"
	"${CROSS:-}gcc" -c -o "$1" "${1%.o}.S"
	cmd "$1" "gcc -DKBUILD_MODFILE='\"${*:2}\"' -c"
	members+=("$1")
}

shipped() { # OBJECT: from standard input, with neither source nor .cmd file
	mkdir -p "$(dirname "$1")"
	gcc -c -o "$1" -x assembler -
	members+=("$1")
}

link() { # with CROSS, LD, NM, EMULATION and SRCARCH if others are wanted than those of the host
	local ld=${LD:-${CROSS:-}ld} libraries=${LIBRARIES:-}
	rm -f vmlinux.a
	ar cDPrST vmlinux.a "${members[@]}"
	# shellcheck disable=SC2086 # words
	$ld -r -o vmlinux.o -Map=vmlinux.o.map --whole-archive vmlinux.a --no-whole-archive --start-group $libraries --end-group
	"${CROSS:-}gcc" -c -o init/version-timestamp.o -x assembler /dev/null
	env srctree="$tree" objtree=. SRCARCH="${SRCARCH:-x86}" KBUILD_LDS=arch/vmlinux.lds KBUILD_VMLINUX_LIBS="$libraries" \
		NM="${NM:-${CROSS:-}nm}" CC="${CROSS:-}gcc" LINUXINCLUDE=-Iinc MAKE=true CONFIG_SHELL=sh \
		sh "$tree/scripts/link-vmlinux.sh" "$ld" "-m ${EMULATION:-elf_x86_64}" ''
}

shown() { # NAME...: "NAME MODULES" of each symbol of these names in the linked table
	local tables=(.tmp_vmlinux*.kallsyms.S)
	gawk --non-decimal-data '
		BEGIN { for (i = 2; i < ARGC; i++) wanted[ARGV[i]]; ARGC = 2 }
		/^kallsyms_/ { part = $1; next }
		{ split($0, byte, /[ ,]+/) }
		part == "kallsyms_names:" && match($0, /\/\* .* \*\//) { name[names++] = substr($0, RSTART + 4, RLENGTH - 7) }
		part == "kallsyms_module_runs:" && byte[1] ~ /byte/ { run[byte[2] * 65536 + byte[3] * 256 + byte[4]] = byte[5] * 65536 + byte[6] * 256 + byte[7] }
		part == "kallsyms_module_lists:" && split($0, quoted, "\"") > 1 { list[end] = quoted[2]; end += length(quoted[2]) + 1 }
		END {
			for (i = 0; i < names; i++) {
				if (i in run)
					now = list[run[i]]
				if (name[i] in wanted)
					print name[i], now
			}
		}
	' "${tables[-1]}" "$@"
}
