// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The suites of `make test` and the lanes of `make lanes`, in the order they run: a line each.
//!
//! Cheap suites come first. The kernel is built and booted beside them: a guest keeps one processor busy most of the
//! time. Commands run under `bash -euo pipefail` at the top of the repository and see KERNEL_TREE, KERNEL_BUILD,
//! KERNEL_IMAGE, RUN_DIR, TOOLS (from `make -s where`), CRATES (where each Cargo.toml of ours is) and E2E (this program).

use crate::suite::{Lane, Suite, cargo, ktap, plain};

pub const CRATES: &str = "userspace userspace/fuzz kmod tests tests/harness qemu/progress";

#[rustfmt::skip]
pub const SUITES: &[Suite] = &[
    plain("rustfmt", "for crate in $CRATES; do (cd $crate && cargo fmt --all --check); done; git ls-files 'kmod/rust/*.rs' 'kmod/kernel/*.rs' | xargs rustfmt --check --edition 2021"),
    plain("shellcheck", "{ git ls-files '*.sh'; git grep -lIE '^#!.*/(env )?(ba|da)?sh( |$)'; } | sort -u | xargs shellcheck -x")
        .needs("command -v shellcheck", "shellcheck is not installed (apt-get install shellcheck)"),
    plain("licences", "tests/licences.sh"),
    plain("clippy", "for crate in $CRATES; do (cd $crate && cargo clippy --quiet --all-targets -- -D warnings); done"),
    cargo("userspace", "cd userspace && cargo test --no-fail-fast"),
    cargo("fuzz-corpus", "cd userspace/fuzz && cargo test --no-fail-fast"),
    ktap("promises", "userspace/check.sh $TOOLS/rust-1.85"),
    cargo("core", "cd kmod && cargo test --no-fail-fast"),
    ktap("rust-1.78", "tests/rust-1.78.sh"),
    cargo("tests", "for crate in tests tests/harness qemu/progress; do (cd $crate && cargo test --workspace --no-fail-fast); done"),
    ktap("scripts", "linux-patch/test.sh"),
    cargo("corpus", "linux-patch/prepare.sh && cd userspace && cargo test -p kallmodsyms-cli --test corpus -- --include-ignored"),
    ktap("tables", "linux-patch/prepare.sh && tests/tables.sh $KERNEL_TREE"),
    ktap("faddr2line", "linux-patch/prepare.sh && tests/faddr2line.sh $KERNEL_TREE"),
    ktap("series", "linux-patch/check.sh"),
    ktap("builds", "linux-patch/builds.sh"),
    plain("kernel", "qemu/build.sh standard").beside(),
    ktap("boot", "tests/boot.sh standard test $RUN_DIR").beside()
        .needs("test -f $KERNEL_BUILD/.stamp", "the kernel was not built"),
    ktap("boot-nokaslr", "tests/boot.sh standard run build/nokaslr nokaslr").beside()
        .needs("test -f $KERNEL_BUILD/.stamp", "the kernel was not built"),
    ktap("oracle", "$E2E check --build $KERNEL_BUILD --run $RUN_DIR --nokaslr-run build/nokaslr").beside()
        .needs("grep -qx passed $RUN_DIR/status && grep -qx passed build/nokaslr/status", "a boot whose output it checks did not pass"),
    ktap("harness", "tests/harness/boots.sh --kernel $KERNEL_IMAGE --initrd build/initramfs-run.gz --out build/harness").alone(),
];

/// A lane is a list of suites, most of them over one kernel. They see its name as LANE: that of a
/// configuration where they use it.
#[rustfmt::skip]
pub const LANES: &[Lane] = &[
    Lane { name: "lockdep", suites: &[BUILD, BOOT, ORACLE] },
    Lane { name: "faults", suites: &[BUILD, BOOT, ORACLE] },
    Lane { name: "kasan", suites: &[BUILD, BOOT, ORACLE] },
    Lane { name: "kcsan", suites: &[BUILD, BOOT, ORACLE] },
    Lane { name: "nokallsyms_all", suites: &[BUILD, BOOT, ORACLE] },
    Lane { name: "noibt", suites: &[BUILD, BOOT, ORACLE] },
    Lane { name: "livepatch", suites: &[BUILD, BOOT, ORACLE] },
    Lane { name: "arm64", suites: &[BUILD, BOOT, ORACLE] },
    Lane { name: "riscv64", suites: &[BUILD, BOOT, ORACLE] },
    Lane { name: "modules_n", suites: &[BUILD, BOOT, ORACLE] },
    Lane { name: "rt", suites: &[BUILD, BOOT, ORACLE] },
    Lane { name: "tracing", suites: &[BUILD_SMALL, BOOT_TRACED, ORACLE_TRACED] },
    Lane { name: "tracers", suites: &[BUILD_STANDARD, BOOT_TRACERS] },
    Lane { name: "lld", suites: &[BUILD_LLD, BOOT_LLD, ORACLE_LLD] },
    Lane { name: "off", suites: &[BOOT_OFF, VALIDATE_OFF, LINKS] },
    Lane { name: "clients", suites: CLIENTS },
];

const BUILD: Suite = plain("build", "qemu/build.sh $LANE");
#[rustfmt::skip]
const BOOT: Suite = ktap("boot", "tests/boot.sh $LANE test build/$LANE")
    .needs("test -f $KERNEL_TREE/build-$LANE/.stamp", "the kernel was not built");
// These kernels stay where they were linked, so one boot does for that without KASLR as well.
#[rustfmt::skip]
const ORACLE: Suite = ktap("oracle", "$E2E check --kernel small --build $KERNEL_TREE/build-$LANE --run build/$LANE --nokaslr-run build/$LANE")
    .needs("grep -qx passed build/$LANE/status", "the boot whose output it checks did not pass");

// The small kernel as it is, with the function tracer on before any module comes.
const BUILD_SMALL: Suite = plain("build", "qemu/build.sh small");
#[rustfmt::skip]
const BOOT_TRACED: Suite = ktap("boot", "tests/boot.sh small test build/$LANE ftrace=function")
    .needs("test -f $KERNEL_TREE/build-small/.stamp", "the kernel was not built");
#[rustfmt::skip]
const ORACLE_TRACED: Suite = ktap("oracle", "$E2E check --kernel small --build $KERNEL_TREE/build-small --run build/$LANE --nokaslr-run build/$LANE")
    .needs("grep -qx passed build/$LANE/status", "the boot whose output it checks did not pass");

// All modules, and the tools of Debian.
const BUILD_STANDARD: Suite = plain("build", "qemu/build.sh standard");
#[rustfmt::skip]
const BOOT_TRACERS: Suite = ktap("boot", "tests/boot.sh standard tracers build/$LANE '' --bin /usr/bin/trace-cmd --bin /usr/bin/perf")
    .needs("test -f $KERNEL_BUILD/.stamp", "the kernel was not built");

// clang and lld, no IBT, EXPERT off: the configuration says more.
const BUILD_LLD: Suite = plain("build", "qemu/build.sh variant");
#[rustfmt::skip]
const BOOT_LLD: Suite = ktap("boot", "tests/boot.sh variant run build/variant")
    .needs("test -f $KERNEL_TREE/build-variant/.stamp", "the kernel was not built");
#[rustfmt::skip]
const ORACLE_LLD: Suite = ktap("oracle", "$E2E check --kernel variant --build $KERNEL_TREE/build-variant --run build/variant")
    .needs("grep -qx passed build/variant/status", "the boot whose output it checks did not pass");

// That with the option off nothing has changed, is seen on a kernel that has nothing to boot with.
const LINKS: Suite = ktap("links", "linux-patch/builds.sh links");
const BOOT_OFF: Suite = ktap("boot", "tests/boot.sh small-off off build/off");
#[rustfmt::skip]
const VALIDATE_OFF: Suite = plain("validate", "cd userspace; cargo run --quiet --release -p kallmodsyms-cli -- validate ../build/off/kallsyms --against $KERNEL_TREE/build-small-off/vmlinux")
    .needs("grep -qx passed build/off/status", "the boot whose output it checks did not pass");

/// No kernel: what of userspace/ has large dependencies, and takes longer to build than the crate itself.
#[rustfmt::skip]
const CLIENTS: &[Suite] = &[
    plain("clippy", "cd userspace && cargo clippy --quiet --workspace --all-targets -- -D warnings"),
    cargo("tests", "cd userspace && cargo test -p kallmodsyms-figures -p kallmodsyms-second-opinion --no-fail-fast"),
    ktap("instructions", "userspace/figures/gate.sh"),
    ktap("drgn", "cd userspace && cargo run --quiet --release -p kallmodsyms-second-opinion -- $TOOLS/drgn/bin/python")
        .needs("$TOOLS/drgn/bin/python -c 'import drgn'", "drgn is not installed (qemu/install.sh lane-clients says why; it needs PyPI)"),
];
