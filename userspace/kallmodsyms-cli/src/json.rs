// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Symbols as JSON. The names of the fields are part of what the command promises; each help text lists them.

use std::borrow::Cow;
use std::fmt::Write;

use kallmodsyms::Group;
use kallmodsyms::table::Entry;
use serde::{Serialize, Serializer};

use crate::demangle::demangled;

/// The fields of a symbol, for help texts.
#[rustfmt::skip]
pub(crate) const SYMBOL: &str =
"  address     text, hexadecimal with 0x: not every reader's numbers hold 64 bits
  size        bytes; null where the source has no sizes
  type        the letter that nm prints
  name        text; where it is not UTF-8, with U+FFFD for what is not, and then
  name_bytes  its bytes in hexadecimal
  demangled   the name as Rust's source code has it, where it is one of Rust
  modules     a list of names, empty for the kernel itself
  group       core, built-in, loaded, ftrace, bpf or kprobes";

/// An address, as text.
#[derive(Clone, Copy)]
pub(crate) struct Hex(pub(crate) u64);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:#x}", self.0))
    }
}

/// A symbol.
#[derive(Serialize)]
pub(crate) struct Symbol<'t> {
    address: Hex,
    size: Option<u64>,
    r#type: char,
    name: Cow<'t, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name_bytes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    demangled: Option<String>,
    modules: Vec<Cow<'t, str>>,
    group: &'static str,
}

impl<'t> Symbol<'t> {
    pub(crate) fn new(symbol: &kallmodsyms::Symbol<'t>, group: Group) -> Self {
        Self {
            address: Hex(symbol.address),
            size: symbol.size,
            r#type: char::from(symbol.kind),
            name: String::from_utf8_lossy(symbol.name),
            name_bytes: name_bytes(symbol.name),
            demangled: demangled(symbol.name),
            modules: symbol.modules.iter().map(String::from_utf8_lossy).collect(),
            group: group.name(),
        }
    }
}

impl<'t> From<Entry<'t>> for Symbol<'t> {
    fn from(entry: Entry<'t>) -> Self {
        Self::new(&entry.symbol(), entry.group())
    }
}

/// A symbol in which an address lies.
#[derive(Serialize)]
pub(crate) struct Found<'t> {
    offset: u64,
    #[serde(flatten)]
    symbol: Symbol<'t>,
}

impl<'t> Found<'t> {
    pub(crate) fn new(entry: Entry<'t>, offset: u64) -> Self {
        Self {
            offset,
            symbol: entry.into(),
        }
    }
}

/// The bytes of a name that is not UTF-8.
fn name_bytes(name: &[u8]) -> Option<String> {
    std::str::from_utf8(name).err()?;
    Some(name.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
