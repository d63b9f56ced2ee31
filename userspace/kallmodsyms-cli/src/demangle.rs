// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Rust's names as source code has them.

use std::fmt::{self, Write};

use clap::{Args, ValueEnum};
use rustc_demangle::try_demangle;

use crate::output::Output;

#[derive(Args, Clone, Copy)]
pub(crate) struct Demangle {
    /// Whether to print Rust's names as source code has them; auto means on a terminal
    #[arg(
        long,
        value_name = "WHEN",
        num_args = 0..=1,
        require_equals = true,
        default_value = "auto",
        default_missing_value = "always"
    )]
    demangle: When,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum When {
    Auto,
    Always,
    Never,
}

impl Demangle {
    /// From now on names are printed so.
    pub(crate) fn apply(self, out: &mut Output) {
        let wanted = match self.demangle {
            When::Auto => out.is_terminal(),
            When::Always => true,
            When::Never => false,
        };
        out.set_demangling(wanted);
    }
}

/// What would be longer stays mangled. In the mangling of today (v0) a few bytes can stand for a name of any length, as
/// its parts refer to each other.
const LONGEST: usize = 4096;

/// The name as source code has it, if a Rust compiler mangled it, in either of its ways.
pub(crate) fn demangled(name: &[u8]) -> Option<String> {
    bounded(format_args!("{:#}", parsed(name)?))
}

/// The same with the hashes that tell crates and versions apart.
pub(crate) fn with_hashes(name: &[u8]) -> Option<String> {
    bounded(format_args!("{}", parsed(name)?))
}

fn parsed(name: &[u8]) -> Option<rustc_demangle::Demangle<'_>> {
    // `try_demangle` takes other prefixes as well, of other systems: to it `RC4_init` is mangled.
    if !name.starts_with(b"_R") && !name.starts_with(b"_ZN") {
        return None;
    }
    try_demangle(std::str::from_utf8(name).ok()?).ok()
}

fn bounded(name: fmt::Arguments<'_>) -> Option<String> {
    let mut text = Bounded(String::new());
    text.write_fmt(name).ok()?;
    // What the library puts into a name that turns out to be none, or to be nested too deep.
    let is_whole = ["{invalid syntax}", "{recursion limit reached}"]
        .iter()
        .all(|note| !text.0.contains(note));
    is_whole.then_some(text.0)
}

/// Text of at most `LONGEST` bytes. Where it would be longer, writing fails, so that no more is made of it.
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.len() > LONGEST - self.0.len() {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, demangled, with_hashes};

    #[test]
    fn names_of_rust() {
        for (mangled, expected) in [
            (
                "_RNvMs_NtCsl7L7n58I0Vr_6kernel8seq_fileINtB4_16OperationsVTableNtCsgGVmUSM6vPM_11kallmodsyms6ReaderE13next_callbackB10_",
                "<kernel::seq_file::OperationsVTable<kallmodsyms::Reader>>::next_callback",
            ),
            ("_RNvCs1234_7mycrate3foo", "mycrate::foo"),
            ("_RNvCs1234_7mycrate3foo.llvm.1234567890", "mycrate::foo"),
            (
                "_ZN4core3fmt9Formatter3pad17h0123456789abcdefE",
                "core::fmt::Formatter::pad",
            ),
            (
                "_ZN62_$LT$core..cell..BorrowError$u20$as$u20$core..fmt..Display$GT$3fmt17h0123456789abcdefE",
                "<core::cell::BorrowError as core::fmt::Display>::fmt",
            ),
        ] {
            assert_eq!(demangled(mangled.as_bytes()).as_deref(), Some(expected));
        }
        assert_eq!(
            with_hashes(b"_ZN3foo3bar17h0123456789abcdefE").as_deref(),
            Some("foo::bar::h0123456789abcdef")
        );
    }

    #[test]
    fn other_names_stay() {
        for name in [
            &b""[..],
            b"_R",
            b"_RNv",
            b"_ZN",
            b"_ZN3fooE\xff",
            b"RC4_init",
            b"ZN3foo3bar17h0123456789abcdefE",
            b"vfs_read",
            // A reference to what is behind it.
            b"_RNvB5_3foo",
        ] {
            assert_eq!(demangled(name), None, "{}", name.escape_ascii());
        }
    }

    /// Each type is a tuple of two of the one before, which it refers to: the last stands for two to the power of `depth`.
    fn doubling(depth: usize) -> String {
        let mut name = "INvC1a1f".to_owned();
        let mut place = name.len();
        name.push_str("ThhE");
        for _ in 1..depth {
            let reference = format!("B{}", base_62(place));
            place = name.len();
            name.extend(["T", &reference, &reference, "E"]);
        }
        format!("_R{name}E")
    }

    /// A number as mangled names have it: nothing but `_` is 0.
    fn base_62(number: usize) -> String {
        let digit = |digit: usize| {
            b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[digit] as char
        };
        match number {
            0 => "_".into(),
            1..=62 => format!("{}_", digit(number - 1)),
            _ => format!("{}{}_", digit((number - 1) / 62), digit((number - 1) % 62)),
        }
    }

    #[test]
    fn what_is_too_long_stays() {
        let text = demangled(doubling(2).as_bytes()).expect("a short name");
        assert_eq!(text, "a::f::<(u8, u8), ((u8, u8), (u8, u8))>");
        let lengths = (1..=60).map(|depth| {
            let name = doubling(depth);
            assert!(name.len() < 700, "{name}");
            demangled(name.as_bytes()).map(|text| text.len())
        });
        let lengths: Vec<_> = lengths.collect();
        let shown = lengths.iter().take_while(|length| length.is_some()).count();
        assert!((5..20).contains(&shown), "{lengths:?}");
        assert!(lengths[shown..].iter().all(Option::is_none));
        assert!(lengths.iter().flatten().all(|&length| length <= LONGEST));
    }
}
