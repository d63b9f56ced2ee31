#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Builds the kernel of qemu/config/CONFIG.config in the cache, or does nothing when
# that very build is there and whole:
#
#   qemu/build.sh CONFIG
#
# Lines "#: KEY VALUE" of a configuration are for this script: onto (the configuration that it
# adds to: that one's lines come first, and the last line for an option counts), start (what
# all is merged onto: a defconfig of the tree, or allnoconfig), arch (x86 unless said),
# compiler (instead of gcc), make (an argument), expect (lines that a whole build prints, .cmd files that it leaves), minutes (that
# it takes on one processor), pace (percent of the lines, colon, percent of the time that has
# passed then), and for run.sh guest (the modules that its guest loads).
set -euo pipefail
# shellcheck source=linux-patch/lib.sh
. "$(dirname "$0")/../linux-patch/lib.sh"
# shellcheck source=qemu/lib.sh
. "$(dirname "$0")/lib.sh"

config=${1:?usage: qemu/build.sh CONFIG}
fragment=$(configuration "$config")
architecture "$fragment"

for tool in "$compiler" gcc clang ld.lld ccache cargo bindgen /usr/bin/rustc /usr/bin/rustfmt /usr/bin/clippy-driver gawk flex bison bc; do
	command -v "$tool" >/dev/null || die "$tool is missing: run qemu/install.sh lane-$config"
done
locate
lock "$tree"
"$top/linux-patch/prepare.sh"
label="kernel $config"
out=$tree/build-$config
log=$out.log
want=$({
	cat - "$patches/series" <<<"$fragment"
	(cd "$top/kmod" && kmod_files | xargs -r sha256sum)
	"$compiler" --version
	"${cross}ld" --version
	clang --version # bindgen uses it in any case
	/usr/bin/rustc -vV
	bindgen --version
	printf '%s\n' "${kmake[@]:2}" # all but -jN
} | hash12)

# The stamp holds what was asked for and the checksums of what came out, so an entry
# that was damaged since is found and made again.
damaged() { (cd "$out" && tail -n +2 .stamp | sha256sum --check - 2>/dev/null) | sed -n 's/: FAILED.*//p'; }
if [ -f "$out/.stamp" ]; then
	bad=$(damaged) || true
	if [ -n "$bad" ]; then
		say "$label: damaged in the cache, made again: $(paste -sd' ' <<<"$bad")"
		(cd "$out" && xargs rm -f vmlinux vmlinux.o <<<"$bad") # the link makes the maps as well
	elif [ "$(sed -n 1p "$out/.stamp")" = "$want" ]; then
		exit
	fi
fi
rm -f "$out/.stamp"
mkdir -p "$out"
arguments=(-C "$tree" "O=$out")

failed() {
	say "error: $label: the build failed; the first errors:"
	grep -nE -A4 '[:^ ]error[: \[]|Error [0-9]|\*\*\*|undefined reference|FAILED|No space left' "$log" | grep -v ': \*\*\* \[' | sed -n 1,25p >&2 || tail -n 15 "$log" >&2
	die "$label: whole log: $log (a retry goes on from here; 'rm -r $out' begins afresh)"
}

# Configure, and see that every line of the fragment held: kconfig drops an option
# whose dependency is missing without a word.
start=$(directive "$fragment" start)
if [ "$start" = allnoconfig ]; then
	# Small configurations differ in little, so most of what one compiles another does, to the
	# letter once it is preprocessed.
	unset CCACHE_DEPEND
	echo "$fragment" >"$out/.fragment"
	target=(KCONFIG_ALLCONFIG="$out/.fragment" allnoconfig)
else
	[ -f "$tree/arch/$arch/configs/$start" ] || die "$config.config: '#: start $start' is neither allnoconfig nor a file of arch/$arch/configs/"
	cat "$tree/arch/$arch/configs/$start" - <<<"$fragment" >"$out/.config"
	target=(olddefconfig)
fi
"${kmake[@]}" "${make_arguments[@]}" "${arguments[@]}" "${target[@]}" >"$log" 2>&1 || failed
lost=$(while read -r line; do
	case $line in
	CONFIG_*=n | '# CONFIG_'*' is not set')
		option=${line#\# }
		! grep -m1 "^${option%%[ =]*}=" "$out/.config" || true
		;;
	CONFIG_*) grep -qxF -- "$line" "$out/.config" || echo "$line" ;;
	esac
done <<<"$fragment")
if [ -n "$lost" ]; then
	say "error: $label: did not hold in $out/.config: $(paste -sd' ' <<<"$lost")"
	sed -n 's/^CONFIG_\([^=]*\)=.*/\1/p' <<<"$lost" | while read -r option; do unmet "$tree" "$out/.config" "$option" >&2; done
	die "$label: add what it depends on to $config.config, or find out why this toolchain does not offer it"
fi

modular=
! grep -qx CONFIG_MODULES=y "$out/.config" || modular=1
target=("$image" ${modular:+modules})

cmds() { find "$out" -name '.*.cmd' | wc -l; }
# kbuild prints a line for most targets, not for all: a whole build has so many lines, and
# leaves so many .cmd files, of which an interrupted one has left some.
read -r lines all _ <<<"$(cat "$cache/expect/$config" 2>/dev/null || directive "$fragment" expect) 0 0"
there=$(cmds)
cargo build --quiet --release --manifest-path "$top/qemu/progress/Cargo.toml"
progress=${CARGO_TARGET_DIR:-$top/qemu/progress/target}/release/progress
mkdir -p "$CCACHE_DIR" "$cache/expect"
say "$label: building in $out"
"$progress" --label "$label" --log "$log" --expect "$lines" \
	--done $((all > 0 ? there * lines / all : 0)) --processors "$jobs" \
	--minutes "$(directive "$fragment" minutes | grep . || echo 0)" --pace "$(directive "$fragment" pace)" -- \
	"${kmake[@]}" "${make_arguments[@]}" "${arguments[@]}" "${target[@]}" || failed
[ "$there" -gt 100 ] || echo "$(grep -c '^  [A-Z]' "$log") $(cmds)" >"$cache/expect/$config"

outputs=(.config vmlinux System.map "arch/$arch/boot/$image")
for f in modules.builtin modules.builtin.ranges vmlinux.map vmlinux.o.map; do
	[ ! -f "$out/$f" ] || outputs+=("$f")
done
[ ! "$modular" ] || mapfile -t -O "${#outputs[@]}" outputs < <(sed 's/\.o$/.ko/' "$out/modules.order")
{
	echo "$want"
	cd "$out"
	sha256sum "${outputs[@]}"
} >"$out/.stamp.tmp"
mv "$out/.stamp.tmp" "$out/.stamp"
