// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The suites of `make test`, in the order they run: a line each.
//!
//! Cheap ones come first. Commands see KERNEL_TREE, KERNEL_BUILD, KERNEL_IMAGE and RUN_DIR.

use crate::suite::{Suite, cargo, ktap, plain};

#[rustfmt::skip]
pub const SUITES: &[Suite] = &[
    plain("rustfmt-userspace", "cd userspace && cargo fmt --all --check"),
    plain("rustfmt-kmod", "cd kmod && cargo fmt --check"),
    plain("rustfmt-tests", "cd tests && cargo fmt --all --check"),
    plain("shellcheck", "{ git ls-files '*.sh'; git grep -lIE '^#!.*/(env )?(ba|da)?sh( |$)'; } | sort -u | xargs shellcheck -x")
        .needs("command -v shellcheck", "shellcheck is not installed (apt-get install shellcheck)"),
    plain("clippy-userspace", "cd userspace && cargo clippy --workspace --all-targets -- -D warnings"),
    plain("clippy-kmod", "cd kmod && cargo clippy --all-targets -- -D warnings"),
    plain("clippy-tests", "cd tests && cargo clippy --workspace --all-targets -- -D warnings"),
    cargo("userspace", "cd userspace && cargo test --workspace --no-fail-fast"),
    cargo("core", "cd kmod && cargo test --no-fail-fast"),
    cargo("tests", "cd tests && cargo test --workspace --no-fail-fast"),
    ktap("series", "linux-patch/check.sh"),
    ktap("oracle", "tests/oracle.sh"),
];
