#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Installs the kselftests for the kernel of a configuration, which is there, as
# Documentation/dev-tools/kselftest.rst has it. Prints the folder:
#
#   qemu/kselftest.sh CONFIG
#
# lib.mk has the test modules built beside their sources, whatever the kernel, so that this
# works on a copy. The programs are static: the guest has no libraries for them.
set -euo pipefail
# shellcheck source=linux-patch/lib.sh
. "$(dirname "$0")/../linux-patch/lib.sh"
# shellcheck source=qemu/lib.sh
. "$(dirname "$0")/lib.sh"

config=${1:?usage: qemu/kselftest.sh CONFIG}
fragment=$(configuration "$config")
architecture "$fragment"
command -v rsync >/dev/null || die "rsync is missing: run qemu/install.sh"
locate
lock "$tree"
build=$tree/build-$config
[ -f "$build/.stamp" ] || die "$build is no whole build: run qemu/build.sh $config"

# The kernel's stamp is one of the sources of the tests as well.
work=$build.kselftest
want=$(cat "$build/.stamp" "${BASH_SOURCE[0]}" | hash12)
if [ "$(cat "$work/.stamp" 2>/dev/null)" != "$want" ]; then
	say "kselftest: building in $work"
	rm -rf "$work"
	mkdir "$work"
	(cd "$tree" && cp -a --parents -t "$work" scripts/subarch.include \
		tools/testing/selftests/{kallmodsyms,kselftest,Makefile,lib.mk,run_kselftest.sh,kselftest.h,kselftest_harness.h})
	# The kernel's compiler, less ccache. kbuild tells clang for which machine, lib.mk may not.
	cc=$compiler
	[ "$cc" != clang ] || [ -z "$cross" ] || cc="clang --target=${cross%-}"
	"${kmake[@]}" "${make_arguments[@]}" CC="$cc" -C "$work/tools/testing/selftests" TARGETS=kallmodsyms \
		FORCE_TARGETS=1 KDIR="$build" USERCFLAGS=-Werror USERLDFLAGS=-static INSTALL_PATH="$work/installed" \
		install >"$work/log" 2>&1 ||
		die "kselftest: the build failed: $(grep -m1 -iE 'error|\*\*\*' "$work/log") (whole log: $work/log)"
	for source in "$work"/tools/testing/selftests/kallmodsyms/*_test.c; do
		grep -qx "kallmodsyms:$(basename "$source" .c)" "$work/installed/kselftest-list.txt" ||
			die "kselftest: $(basename "$source") is not one of TEST_GEN_PROGS"
	done
	# ftrace's own tests are scripts: ours among them, with what runs them.
	(cd "$tree" && kmod_files | grep -x 'tools/testing/selftests/ftrace/test\.d/.*' |
		xargs cp -a --parents -t "$work" tools/testing/selftests/ftrace/{ftracetest,test.d/functions})
	cp -a "$work/tools/testing/selftests/ftrace" "$work/installed/"
	echo "$want" >"$work/.stamp"
fi
echo "$work/installed"
