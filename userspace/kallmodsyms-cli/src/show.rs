// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A symbol as text: the kernel's line, and the kernel's `%pS`.

use std::borrow::Cow;
use std::io::{self, Write};

use kallmodsyms::table::Entry;
use kallmodsyms::{Modules, Symbol, SymbolTable, Width};

use crate::demangle::demangled;
use crate::output::{Output, Role};

/// The kernel's line. With colours it is the same text.
pub(crate) fn line(out: &mut Output, symbol: &Symbol<'_>, width: Width) -> io::Result<()> {
    let demangled = shown(out, symbol.name);
    let mut symbol = *symbol;
    symbol.name = &demangled;
    if !out.has_colour() {
        let mut text = Vec::with_capacity(64);
        symbol.write_line(width, &mut text);
        return out.write_all(&text);
    }
    let address = format!("{:01$x}", symbol.address, width.digits());
    out.painted(Role::Address, address.as_bytes())?;
    if let Some(size) = symbol.size {
        write!(out, " {size:x}")?;
    }
    write!(out, " {} ", char::from(symbol.kind))?;
    out.painted(Role::Symbol, symbol.name)?;
    let mut lead = "\t";
    if !symbol.modules.is_empty() {
        write!(out, "{lead}")?;
        out.painted(Role::Module, symbol.modules.as_bytes())?;
        lead = " ";
    }
    if let Some(object) = symbol.object {
        write!(out, "{lead}{{")?;
        out.write_all(object)?;
        write!(out, "}}")?;
    }
    writeln!(out)
}

/// How wide the addresses of a table are printed.
pub(crate) const fn width_of(table: &SymbolTable) -> Width {
    table.facts().width
}

/// `name+0x10/0x13a [module]`, or `name+0x10 [module]` where the size is not known: that of hand-written code is zero.
pub(crate) fn place(out: &mut Output, symbol: Entry<'_>, offset: u64) -> io::Result<()> {
    bare_name(out, symbol.name())?;
    number(out, b"+0x", offset)?;
    if let Some(size @ 1..) = symbol.size() {
        number(out, b"/0x", size)?;
    }
    modules(out, symbol.modules())
}

/// A number in hexadecimal. Texts have many: `write!` takes as long as all else that is done for one.
fn number(out: &mut Output, lead: &[u8], number: u64) -> io::Result<()> {
    let mut digits = [0; 16];
    let count = (u64::BITS - number.leading_zeros()).div_ceil(4).max(1) as usize;
    for (place, digit) in digits[..count].iter_mut().rev().enumerate() {
        *digit = b"0123456789abcdef"[((number >> (4 * place)) & 15) as usize];
    }
    out.write_all(lead)?;
    out.write_all(&digits[..count])
}

/// `name [module]`.
pub(crate) fn name(out: &mut Output, symbol: Entry<'_>) -> io::Result<()> {
    bare_name(out, symbol.name())?;
    modules(out, symbol.modules())
}

/// The name alone.
pub(crate) fn bare_name(out: &mut Output, name: &[u8]) -> io::Result<()> {
    let name = shown(out, name);
    out.painted(Role::Symbol, &name)
}

/// A name as it is to be printed.
fn shown<'n>(out: &Output, name: &'n [u8]) -> Cow<'n, [u8]> {
    let demangled = out.is_demangling().then(|| demangled(name)).flatten();
    demangled.map_or(name.into(), |text| text.into_bytes().into())
}

fn modules(out: &mut Output, modules: Modules<'_>) -> io::Result<()> {
    if modules.is_empty() {
        return Ok(());
    }
    out.write_all(b" ")?;
    out.painted(Role::Module, modules.as_bytes())
}
