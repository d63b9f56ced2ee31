# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
#
# Sourced by the scripts here, after linux-patch/lib.sh: what a configuration says.

# configuration NAME: the lines of qemu/config/NAME.config that mean something, after those
# of what it is put "onto". Of several lines for an option the last is left.
configuration() {
	lines_of() {
		local file=$top/qemu/config/$1.config onto
		[ -f "$file" ] || die "$file: no such configuration; there are: $(cd "$top/qemu/config" && echo *.config)"
		onto=$(sed -n 's/^#: onto //p' "$file")
		[ -z "$onto" ] || lines_of "$onto"
		grep -E '^(CONFIG_|# CONFIG_.* is not set|#: )' "$file"
	}
	lines_of "$1" | awk '
		/^#: / { print; next }
		{ option = $0; sub(/^# /, "", option); sub(/[ =].*/, "", option); at[option] = NR; line[NR] = $0 }
		END { for (i = 1; i <= NR; i++) for (o in at) if (at[o] == i) print line[i] }'
}

# directives CONFIGURATION KEY: the values of its lines "#: KEY VALUE", of which the last may be
# without one; directive: the last one.
directives() { sed -nE "s/^#: $2( |$)//p" <<<"$1"; }
directive() { directives "$1" "$2" | tail -n 1; }

# architecture CONFIGURATION: sets what depends on it, and with what the kernel's make is called.
architecture() {
	arch=$(directive "$1" arch)
	case ${arch:=x86} in
	x86) cross='' image=bzImage rust_target=x86_64-unknown-linux-gnu ;;
	arm64) cross=aarch64-linux-gnu- image=Image rust_target=aarch64-unknown-linux-gnu ;;
	riscv) cross=riscv64-linux-gnu- image=Image rust_target='' ;; # Debian has no library of Rust for it
	*) die "'#: arch $arch': x86, arm64 or riscv" ;;
	esac
	mapfile -t make_arguments < <(directives "$1" make)
	compiler=$(directive "$1" compiler)
	compiler=${compiler:-${cross}gcc}
	case " ${make_arguments[*]} " in *" LLVM=1 "*) compiler=clang ;; esac
	make_arguments+=(ARCH="$arch" CROSS_COMPILE="$cross" CC="ccache $compiler")
}

# unmet TREE DOTCONFIG OPTION: which of the option's own "depends on" do not hold, as Kconfig
# files have them; conditions around it (menus, if) are not looked at.
unmet() {
	grep -rlE --include='Kconfig*' "^(menu)?config $3\$" "$1" | while read -r file; do
		awk -v option="$3" -v values="$2" -v file="${file#"$1/"}" '
			BEGIN {
				while ((getline line <values) > 0)
					if (split(line, part, "=") > 1)
						value[substr(part[1], 8)] = part[2]
			}
			/\\$/ { held = held substr($0, 1, length($0) - 1); next }
			{ line = held $0; held = ""; $0 = line }
			/^[a-z]/ { inside = /^(menu)?config / && $2 == option }
			inside && /^[ \t]+depends on / {
				sub(/^[ \t]+depends on +/, "")
				rest = $0
				term = ""
				while (match(rest, /[A-Z0-9_]+/)) {
					word = substr(rest, RSTART, RLENGTH)
					if (word !~ /^[0-9]+$/)
						word = !(word in value) ? 0 : value[word] ~ /^[ym]$/ ? 1 : value[word] ~ /^[0-9]+$/ ? value[word] : "?"
					term = term substr(rest, 1, RSTART - 1) word
					rest = substr(rest, RSTART + RLENGTH)
				}
				print term rest "\t" $0 "\t" file
			}' "$file"
	done | while IFS=$'\t' read -r term text file; do
		# Strings and macros are not for this arithmetic.
		[[ $term =~ ^[0-9\ \!\&\|\(\)\<\>=]+$ ]] || continue
		((term)) || echo "CONFIG_$3 depends on $text ($file)"
	done
}
