// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What the fuzzer runs: one function for each target, over any bytes.
//!
//! A target panics if the crate does, and if the crate's answer is another than that of [`naive`], which is written
//! from the format's description with `split` and loops alone. `fuzz_targets/` hands the functions to libFuzzer,
//! `tests/` runs them over `corpus/`.

mod diff;
mod elf;
mod file;
mod glob;
mod lenient;
mod line;
pub mod naive;
mod ranges;
mod reader;
mod system_map;
mod table;

pub use diff::diff;
pub use elf::elf;
pub use file::file;
pub use glob::glob;
pub use lenient::lenient;
pub use line::line;
pub use ranges::ranges;
pub use reader::reader;
pub use system_map::system_map;
pub use table::table;

/// A fuzz target: its name, which is that of its folder in `corpus/`, and what it runs.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[
    ("line", line),
    ("file", file),
    ("reader", reader),
    ("lenient", lenient),
    ("table", table),
    ("ranges", ranges),
    ("system_map", system_map),
    ("elf", elf),
    ("glob", glob),
    ("diff", diff),
];

/// What stands between two files in one input.
const SEPARATOR: &[u8] = b"\n===\n";

/// The first file of an input, and the second one if there is one.
fn split(input: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut windows = input.windows(SEPARATOR.len());
    match windows.position(|window| window == SEPARATOR) {
        Some(at) => (&input[..=at], Some(&input[at + SEPARATOR.len()..])),
        None => (input, None),
    }
}
