// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The grammar of one line.
//!
//! ```text
//! line     = address SP [ size SP ] type SP name [ TAB list ]
//! list     = module *( SP module ) [ SP object ] / object
//! address  = 16 lower-case hex digits (8 on a 32-bit kernel), zero-padded
//! size     = lower-case hex, no prefix, no leading zero; "0" for zero
//! type     = one letter, or "?"
//! name     = 1 to 511 bytes, no blank, not necessarily UTF-8
//! module   = "[" name "]", name as lsmod prints it: no "-", no "/"
//! object   = "{" file ".o" "}"
//! ```
//!
//! The parsers have nom's signatures and are put together with nom. Within a file, nearly all lines are read by `usual`
//! alone, which has the same grammar without its rare parts, and leaves that take eight bytes at a time.
//!
//! A parser that fails says what it missed at its place. That is not always what is wrong with the line: a line without
//! a size first fails where a letter is no hex digit. So a failed line is looked at again as a whole, in `refine`,
//! which costs nothing as long as lines are well formed.

pub(crate) mod usual;
mod word;

use nom::character::complete::char;
use nom::error::{ErrorKind as NomKind, ParseError};
use nom::sequence::terminated;
use nom::{Err, IResult, Parser};

use word::low_byte;

use crate::{Dialect, ErrorKind, Format, Modules, Symbol, Width};

/// The longest name, in bytes: the kernel's `KSYM_NAME_LEN` less the NUL.
pub const NAME_MAX: usize = 511;

/// What is wrong with a line.
///
/// ```
/// use kallmodsyms::{ErrorKind, Format, grammar};
///
/// let fault = grammar::symbol(Format::default(), b"ffffffff8b014130 11f 7 f").unwrap_err();
/// assert_eq!((fault.kind, fault.at), (ErrorKind::KindByte(b'7'), 21));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("at byte {at}: {kind}")]
#[non_exhaustive]
pub struct Fault {
    /// What was expected and found.
    pub kind: ErrorKind,
    /// Which byte of the line is wrong, from 0; the length of the line where something is missing at its end.
    pub at: usize,
}

/// Reads one line, given without its line feed. Allocates nothing.
///
/// # Errors
///
/// If the line is not one that a kernel prints in this format.
///
/// ```
/// use kallmodsyms::{Dialect, Format, grammar};
///
/// let format = Format { dialect: Dialect::Kallsyms, ..Format::default() };
/// let symbol = grammar::symbol(format, b"ffffffff81000000 T _stext")?;
/// assert_eq!((symbol.name, symbol.size), (b"_stext".as_slice(), None));
/// # Ok::<(), grammar::Fault>(())
/// ```
#[inline]
pub fn symbol(format: Format, line: &[u8]) -> Result<Symbol<'_>, Fault> {
    parse(format, line).map_err(|fault| refine(format, line, fault))
}

/// Reads the modules of a symbol as a line has them behind its tab: `[a] [b]`. No modules are no text.
///
/// # Errors
///
/// If the text is not that. The fault's place is one in the text.
///
/// ```
/// use kallmodsyms::{ErrorKind, grammar};
///
/// let modules = grammar::modules(b"[ti_cpsw] [ti_cpsw_new]")?;
/// assert!(modules.contains(b"ti_cpsw_new"));
/// assert_eq!(grammar::modules(b"[ti-cpsw]").unwrap_err().kind, ErrorKind::ModuleByte(b'-'));
/// # Ok::<(), grammar::Fault>(())
/// ```
pub fn modules(text: &[u8]) -> Result<Modules<'_>, Fault> {
    let mut rest = text;
    while !text.is_empty() {
        rest = match module(rest) {
            Ok(([], _)) => break,
            Ok(([b' ', more @ ..], _)) => more,
            Ok((more @ [byte, ..], _)) => {
                let kind = ErrorKind::AfterModule(*byte);
                let at = text.len() - more.len();
                return Err(Fault { kind, at });
            }
            Err(Err::Error(stop) | Err::Failure(stop)) => {
                let at = text.len() - stop.rest.len();
                let kind = stop.kind;
                return Err(Fault { kind, at });
            }
            Err(Err::Incomplete(_)) => unreachable!("a complete parser asked for more input"),
        };
    }
    Ok(Modules::from_grammar(text))
}

/// Makes sure that a module can have this name: it is not empty, and has neither brackets nor `-` or `/`.
pub(crate) fn module_name(name: &[u8]) -> Result<(), Fault> {
    let stray = name.iter().position(|&byte| !is_in_module(byte));
    match stray {
        Some(at) => Err(Fault {
            kind: ErrorKind::ModuleByte(name[at]),
            at,
        }),
        None if name.is_empty() => Err(Fault {
            kind: ErrorKind::EmptyModule,
            at: 0,
        }),
        None => Ok(()),
    }
}

/// What a leaf expected, and what was left of the line when it did not find it.
struct Stop<'a> {
    kind: ErrorKind,
    rest: &'a [u8],
}

type Parsed<'a, T> = IResult<&'a [u8], T, Stop<'a>>;

impl<'a> ParseError<&'a [u8]> for Stop<'a> {
    /// The one stock parser used is the blank between fields, and a field ends at a blank or where the head of the line
    /// ends. So a field is missing; `refine` counts which.
    fn from_error_kind(rest: &'a [u8], _: NomKind) -> Self {
        let kind = ErrorKind::MissingFields {
            expected: 0,
            found: 0,
        };
        Self { kind, rest }
    }

    fn append(_: &'a [u8], _: NomKind, other: Self) -> Self {
        other
    }
}

fn stop<T>(kind: ErrorKind, rest: &[u8]) -> Parsed<'_, T> {
    Err(Err::Error(Stop { kind, rest }))
}

fn parse(format: Format, line: &[u8]) -> Result<Symbol<'_>, Fault> {
    let blank = || char(' ');
    let address = terminated(address(format.width), blank());
    let size = terminated(size(format.width), blank());
    let kind = terminated(kind, blank());
    let list = list(format.dialect);
    let parsed = if format.dialect.has_sizes() {
        (address, size.map(Some), kind, name, list).parse(line)
    } else {
        (address, |rest| Ok((rest, None)), kind, name, list).parse(line)
    };
    match parsed {
        Ok((_, (address, size, kind, name, (modules, object)))) => Ok(Symbol {
            address,
            size,
            kind,
            name,
            modules,
            object,
        }),
        Err(Err::Error(stop) | Err::Failure(stop)) => Err(Fault {
            kind: stop.kind,
            at: line.len() - stop.rest.len(),
        }),
        // Only nom's streaming parsers ask for more.
        Err(Err::Incomplete(_)) => unreachable!("a complete parser asked for more input"),
    }
}

/// Takes the bytes before the next blank, tab or the end.
fn field(input: &[u8]) -> (&[u8], &[u8]) {
    let end = input.iter().position(|byte| matches!(byte, b' ' | b'\t'));
    let (field, rest) = input.split_at(end.unwrap_or(input.len()));
    (rest, field)
}

fn address(width: Width) -> impl Fn(&[u8]) -> Parsed<'_, u64> {
    move |input| {
        let (rest, field) = field(input);
        if field.len() != width.digits() {
            return stop(ErrorKind::address_length(width, field.len()), input);
        }
        match hex(field) {
            Ok(address) => Ok((rest, address)),
            Err(at) => stop(ErrorKind::AddressDigit(field[at]), &input[at..]),
        }
    }
}

fn size(width: Width) -> impl Fn(&[u8]) -> Parsed<'_, u64> {
    move |input| {
        let (rest, field) = field(input);
        if field.is_empty() {
            return stop(ErrorKind::StrayBlank, input);
        }
        if field.len() > width.digits() {
            let (max, found) = (width.digits(), field.len());
            return stop(ErrorKind::SizeLength { max, found }, input);
        }
        match hex(field) {
            Ok(_) if field.len() > 1 && field[0] == b'0' => stop(ErrorKind::SizeLeadingZero, input),
            Ok(size) => Ok((rest, size)),
            Err(at) => stop(ErrorKind::SizeDigit(field[at]), &input[at..]),
        }
    }
}

fn kind(input: &[u8]) -> Parsed<'_, u8> {
    match input {
        [kind, b' ', ..] if is_kind(*kind) => Ok((&input[1..], *kind)),
        _ => match field(input).1 {
            [kind] => stop(ErrorKind::KindByte(*kind), input),
            field => stop(ErrorKind::KindLength(field.len()), input),
        },
    }
}

/// What is a type.
#[inline]
fn is_kind(byte: u8) -> bool {
    // Without a branch between upper and lower case, which could not be predicted.
    (byte | 0x20).is_ascii_lowercase() || byte == b'?'
}

/// A name up to the tab or the end of the line.
fn name(input: &[u8]) -> Parsed<'_, &[u8]> {
    let mut at = 0;
    let end = loop {
        at += low_byte(&input[at..]);
        match input.get(at) {
            None | Some(b'\t' | b' ') => break at,
            // What else isspace() takes for a blank, and with it every reader that uses scanf.
            Some(&byte @ (b'\n' | b'\x0b' | b'\x0c' | b'\r')) => {
                return stop(ErrorKind::NameByte(byte), &input[at..]);
            }
            Some(0) => return stop(ErrorKind::NulByte, &input[at..]),
            Some(_) => at += 1,
        }
    };
    match end {
        0 => stop(ErrorKind::EmptyName, input),
        1..=NAME_MAX => Ok((&input[end..], &input[..end])),
        _ => stop(ErrorKind::NameLength(end), input),
    }
}

type List<'a> = (Modules<'a>, Option<&'a [u8]>);

/// The tab and what follows it: modules in brackets, an object file in braces.
fn list(dialect: Dialect) -> impl Fn(&[u8]) -> Parsed<'_, List<'_>> {
    move |input| {
        let list = match input {
            [] => return Ok((input, (Modules::default(), None))),
            [b'\t', list @ ..] => list,
            // The name ended at a blank: `refine` finds a field too many.
            _ => return stop(ErrorKind::StrayBlank, input),
        };
        let mut rest = list;
        // How much of the list the modules take, without the blank that follows.
        let mut taken = 0;
        while rest.first() != Some(&b'{') {
            if taken > 0 && dialect == Dialect::Kallsyms {
                return stop(ErrorKind::SecondModule, rest);
            }
            (rest, _) = module(rest)?;
            taken = list.len() - rest.len();
            match rest {
                [] => break,
                [b' ', ..] => rest = &rest[1..],
                [byte, ..] => return stop(ErrorKind::AfterModule(*byte), rest),
            }
        }
        let modules = Modules::from_grammar(&list[..taken]);
        if rest.is_empty() {
            return Ok((rest, (modules, None)));
        }
        if dialect != Dialect::Object {
            return stop(ErrorKind::UnexpectedObject(dialect), rest);
        }
        let (rest, object) = object(rest)?;
        Ok((rest, (modules, Some(object))))
    }
}

/// What the name of a module is made of.
#[inline]
fn is_in_module(byte: u8) -> bool {
    const TABLE: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte = 0;
        while byte < 128 {
            let other = matches!(byte, b'[' | b']' | b'{' | b'}' | b'-' | b'/');
            table[byte as usize] = byte.is_ascii_graphic() && !other;
            byte += 1;
        }
        table
    };
    TABLE[usize::from(byte)]
}

/// `[name]`
fn module(input: &[u8]) -> Parsed<'_, &[u8]> {
    match input {
        [b'[', name @ ..] => {
            let end = name.iter().position(|&byte| !is_in_module(byte));
            match end.map(|end| (end, name[end])) {
                Some((0, b']')) => stop(ErrorKind::EmptyModule, name),
                Some((end, b']')) => Ok((&name[end + 1..], &name[..end])),
                Some((end, byte)) => stop(ErrorKind::ModuleByte(byte), &name[end..]),
                None => stop(ErrorKind::UnclosedModule, &[]),
            }
        }
        [byte, ..] => stop(ErrorKind::ModuleStart(*byte), input),
        [] => stop(ErrorKind::TrailingBlank, input),
    }
}

/// `{file.o}` at the end of the line
fn object(input: &[u8]) -> Parsed<'_, &[u8]> {
    let Some(close) = memchr::memchr(b'}', input) else {
        return stop(ErrorKind::UnclosedObject, &[]);
    };
    let (object, rest) = (&input[1..close], &input[close + 1..]);
    let is_file = |byte: &u8| !matches!(byte, 0 | b'\t'..=b'\r' | b' ' | b'{');
    if !object.ends_with(b".o") || object.len() == 2 || !object.iter().all(is_file) {
        return stop(ErrorKind::ObjectName, input);
    }
    match rest {
        [] => Ok((rest, object)),
        [byte, ..] => stop(ErrorKind::AfterObject(*byte), rest),
    }
}

/// Says what is wrong with a line as a whole, where that is more to the point than what the first failing leaf says.
#[cold]
fn refine(format: Format, line: &[u8], fault: Fault) -> Fault {
    let at = |kind, at| Fault { kind, at };
    let Some(last) = line.len().checked_sub(1) else {
        return at(ErrorKind::EmptyLine, 0);
    };
    if line[last] == b'\r' {
        return at(ErrorKind::CarriageReturn, last);
    }
    if let Some(nul) = memchr::memchr(0, line) {
        return at(ErrorKind::NulByte, nul);
    }
    if matches!(line[last], b' ' | b'\t') {
        return at(ErrorKind::TrailingBlank, last);
    }
    let head = line.split(|&byte| byte == b'\t').next().unwrap_or(line);
    let expected = format.dialect.fields();
    let mut found = 0;
    let mut start = 0;
    let mut extra = None;
    for field in head.split(|&byte| byte == b' ') {
        // An empty last field is a missing name.
        if field.is_empty() && start < head.len() {
            return at(ErrorKind::StrayBlank, start);
        }
        if found == expected {
            extra = Some(start);
        }
        found += 1;
        start += field.len() + 1;
    }
    if found == expected {
        return fault;
    }
    let other = Format {
        dialect: format.dialect.other_shape(),
        ..format
    };
    if parse(other, line).is_ok() {
        return at(ErrorKind::DialectChanged { expected, found }, 0);
    }
    match extra {
        Some(extra) => at(ErrorKind::ExtraFields { expected, found }, extra),
        None => at(ErrorKind::MissingFields { expected, found }, head.len()),
    }
}

/// The value of up to 16 hex digits, or the place of the first byte that is none.
#[inline]
fn hex(digits: &[u8]) -> Result<u64, usize> {
    let mut value = 0;
    for (at, &digit) in digits.iter().enumerate() {
        let nibble = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return Err(at),
        };
        value = value << 4 | u64::from(nibble);
    }
    Ok(value)
}
