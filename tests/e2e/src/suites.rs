// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The suites of `make test`, in the order they run: a line each.
//!
//! Cheap ones come first. Commands run under `bash -euo pipefail` at the top of the repository and see KERNEL_TREE,
//! KERNEL_BUILD, KERNEL_IMAGE, RUN_DIR, TOOLS (from `make -s where`), CRATES (where each Cargo.toml of ours is) and
//! E2E (this program).

use crate::suite::{Suite, cargo, ktap, plain};

pub const CRATES: &str = "userspace userspace/fuzz kmod tests tests/harness qemu/progress";

#[rustfmt::skip]
pub const SUITES: &[Suite] = &[
    plain("rustfmt", "for crate in $CRATES; do (cd $crate && cargo fmt --all --check); done; git ls-files 'kmod/rust/*.rs' 'kmod/kernel/*.rs' | xargs rustfmt --check --edition 2021"),
    plain("shellcheck", "{ git ls-files '*.sh'; git grep -lIE '^#!.*/(env )?(ba|da)?sh( |$)'; } | sort -u | xargs shellcheck -x")
        .needs("command -v shellcheck", "shellcheck is not installed (apt-get install shellcheck)"),
    plain("clippy", "for crate in $CRATES; do (cd $crate && cargo clippy --quiet --workspace --all-targets -- -D warnings); done"),
    cargo("userspace", "cd userspace && cargo test --workspace --no-fail-fast"),
    cargo("fuzz-corpus", "cd userspace/fuzz && cargo test --no-fail-fast"),
    ktap("promises", "userspace/check.sh $TOOLS/rust-1.85"),
    ktap("drgn", "cd userspace && cargo run --quiet --release -p kallmodsyms-second-opinion -- $TOOLS/drgn/bin/python")
        .needs("$TOOLS/drgn/bin/python -c 'import drgn'", "drgn is not installed (qemu/install.sh says why; it needs PyPI)"),
    ktap("instructions", "userspace/figures/gate.sh"),
    cargo("core", "cd kmod && cargo test --no-fail-fast"),
    cargo("tests", "for crate in tests tests/harness qemu/progress; do (cd $crate && cargo test --workspace --no-fail-fast); done"),
    ktap("scripts", "linux-patch/test.sh"),
    ktap("tables", "linux-patch/prepare.sh && tests/tables.sh $KERNEL_TREE"),
    ktap("boot", "rm -rf $RUN_DIR; trap 'cat $RUN_DIR/result.ktap' EXIT; qemu/run.sh standard test $RUN_DIR"),
    ktap("boot-nokaslr", "rm -rf build/nokaslr; trap 'cat build/nokaslr/result.ktap' EXIT; qemu/run.sh standard run build/nokaslr nokaslr"),
    ktap("oracle", "$E2E check --build $KERNEL_BUILD --run $RUN_DIR --nokaslr-run build/nokaslr")
        .needs("grep -qx passed $RUN_DIR/status && grep -qx passed build/nokaslr/status", "a boot whose output it checks did not pass"),
    ktap("boot-variant", "rm -rf build/variant; trap 'cat build/variant/result.ktap' EXIT; qemu/run.sh variant run build/variant"),
    ktap("oracle-variant", "$E2E check --variant --build $KERNEL_TREE/build-variant --run build/variant")
        .needs("grep -qx passed build/variant/status", "the boot whose output it checks did not pass"),
    ktap("harness", "tests/harness/boots.sh --kernel $KERNEL_IMAGE --initrd build/initramfs-run.gz --out build/harness"),
    ktap("option-off", "linux-patch/off.sh"),
    ktap("series", "linux-patch/check.sh"),
];
