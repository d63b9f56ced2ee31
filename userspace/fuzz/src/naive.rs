// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The same answers the slow way: nothing here is fast, and nothing is shared with the crate but its types.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use kallmodsyms::{Dialect, Format, Symbol, Width};

/// Every format there is.
pub fn formats() -> impl Iterator<Item = Format> {
    let widths = [Width::Bits32, Width::Bits64];
    let dialects = Dialect::ALL.iter().copied();
    dialects.flat_map(move |dialect| widths.map(|width| Format { dialect, width }))
}

/// The lines of a file, each with its line feed if it has one.
pub fn lines(file: &[u8]) -> impl Iterator<Item = &[u8]> {
    file.split_inclusive(|&byte| byte == b'\n')
}

/// Whether a line, given without its line feed, is one that a kernel prints in this format.
#[must_use]
pub fn is_line(format: Format, line: &[u8]) -> bool {
    let (head, list) = match line.iter().position(|&byte| byte == b'\t') {
        Some(tab) => (&line[..tab], Some(&line[tab + 1..])),
        None => (line, None),
    };
    let fields: Vec<&[u8]> = head.split(|&byte| byte == b' ').collect();
    let digits = format.width.digits();
    let fields_are_good = match (format.dialect, fields.as_slice()) {
        (Dialect::Sized, [address, size, kind, name]) => {
            is_hex(address)
                && address.len() == digits
                && is_hex(size)
                && size.len() <= digits
                && (size[0] != b'0' || *size == b"0")
                && is_kind(kind)
                && is_name(name)
        }
        (Dialect::Unsized | Dialect::Object | Dialect::Kallsyms, [address, kind, name]) => {
            is_hex(address) && address.len() == digits && is_kind(kind) && is_name(name)
        }
        _ => false,
    };
    fields_are_good && list.is_none_or(|list| is_list(format.dialect, list))
}

fn is_hex(field: &[u8]) -> bool {
    !field.is_empty() && field.iter().all(|byte| b"0123456789abcdef".contains(byte))
}

fn is_kind(field: &[u8]) -> bool {
    matches!(field, [b'a'..=b'z' | b'A'..=b'Z' | b'?'])
}

fn is_name(field: &[u8]) -> bool {
    (1..=511).contains(&field.len()) && !field.iter().any(|&byte| is_blank(byte))
}

/// What C's `isspace()` takes for a blank, and what ends its strings.
fn is_blank(byte: u8) -> bool {
    matches!(byte, 0 | 9..=13 | b' ')
}

fn is_list(dialect: Dialect, list: &[u8]) -> bool {
    let mut items: Vec<&[u8]> = list.split(|&byte| byte == b' ').collect();
    if dialect == Dialect::Object && items.last().is_some_and(|item| is_object(item)) {
        items.pop();
    } else if items.is_empty() {
        return false;
    }
    items.iter().all(|item| is_module(item)) && (dialect != Dialect::Kallsyms || items.len() <= 1)
}

fn is_module(item: &[u8]) -> bool {
    let Some([b'[', name @ .., b']']) = Some(item) else {
        return false;
    };
    let is_bad = |byte: &u8| !byte.is_ascii_graphic() || b"[]{}-/".contains(byte);
    !name.is_empty() && !name.iter().any(is_bad)
}

fn is_object(item: &[u8]) -> bool {
    let Some([b'{', name @ .., b'}']) = Some(item) else {
        return false;
    };
    let is_bad = |byte: &u8| is_blank(*byte) || b"{}".contains(byte);
    name.len() > 2 && name.ends_with(b".o") && !name.iter().any(is_bad)
}

/// One byte of a name, or any number of them.
enum Element {
    Star,
    One(Vec<u8>),
}

/// The elements of a pattern; each but a star lists every byte that it takes.
fn elements(mut pattern: &[u8]) -> Vec<Element> {
    let all = || (0..=u8::MAX).collect::<Vec<u8>>();
    let mut elements = Vec::new();
    while let Some((&byte, rest)) = pattern.split_first() {
        pattern = rest;
        elements.push(match byte {
            b'*' => Element::Star,
            b'?' => Element::One(all()),
            b'\\' if !rest.is_empty() => {
                pattern = &rest[1..];
                Element::One(vec![rest[0]])
            }
            b'[' => {
                let inverted = rest.first() == Some(&b'!');
                let set = &rest[usize::from(inverted)..];
                let mut taken = Vec::new();
                let mut at = 0;
                // The bracket that comes first is a member.
                while at < set.len() && (at == 0 || set[at] != b']') {
                    let is_range = matches!(set[at + 1..], [b'-', high, ..] if high != b']');
                    let high = if is_range { set[at + 2] } else { set[at] };
                    taken.extend(set[at]..=high);
                    at += if is_range { 3 } else { 1 };
                }
                if at < set.len() {
                    pattern = &set[at + 1..];
                    let is_taken = |byte: &u8| taken.contains(byte) != inverted;
                    Element::One(all().into_iter().filter(is_taken).collect())
                } else {
                    Element::One(vec![b'['])
                }
            }
            literal => Element::One(vec![literal]),
        });
    }
    elements
}

/// Whether a whole name matches a pattern: which parts of the name match what of the pattern came so far, element by
/// element.
#[must_use]
pub fn glob_match(pattern: &[u8], name: &[u8]) -> bool {
    let mut ends: BTreeSet<usize> = BTreeSet::from([0]);
    for element in elements(pattern) {
        ends = match element {
            Element::Star => match ends.first() {
                Some(&first) => (first..=name.len()).collect(),
                None => return false,
            },
            Element::One(bytes) => ends
                .into_iter()
                .filter(|&end| name.get(end).is_some_and(|byte| bytes.contains(byte)))
                .map(|end| end + 1)
                .collect(),
        };
    }
    ends.contains(&name.len())
}

/// A line of `modules.builtin.ranges`.
#[derive(Debug, PartialEq, Eq)]
pub struct RangesLine<'a> {
    /// The section.
    pub section: &'a [u8],
    /// Where the range starts and ends; twice the anchor's offset.
    pub offsets: (u64, u64),
    /// Modules sorted and each once, or the anchor's symbol.
    pub names: Result<BTreeSet<&'a [u8]>, &'a [u8]>,
}

/// A line of `modules.builtin.ranges`, given without its line feed, if it is one.
#[must_use]
pub fn ranges_line(line: &[u8]) -> Option<RangesLine<'_>> {
    let text = line.iter().all(|byte| !byte.is_ascii_control());
    let fields: Vec<&[u8]> = line.split(|&byte| byte == b' ').collect();
    if !text || fields.iter().any(|field| field.is_empty()) {
        return None;
    }
    let [section, offsets, what, ..] = fields[..] else {
        return None;
    };
    let dash = offsets.iter().position(|&byte| byte == b'-')?;
    let (start, end) = (offset(&offsets[..dash])?, offset(&offsets[dash + 1..])?);
    let is_bad = |byte: &u8| !byte.is_ascii_graphic() || b"[]{}-/=".contains(byte);
    let names = match fields[2..] {
        [b"=", symbol] if start == end => Err(symbol),
        _ if what == b"=" || fields[2..].concat().iter().any(is_bad) => return None,
        ref modules => Ok(modules.iter().copied().collect()),
    };
    Some(RangesLine {
        section,
        offsets: (start, end),
        names,
    })
}

/// As `%08x` prints it.
fn offset(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok().filter(|_| is_hex(field))?;
    let value = u64::from_str_radix(text, 16).ok()?;
    (format!("{value:08x}") == text).then_some(value)
}

/// Whether a symbol only marks code or data in the midst of others.
fn is_mapping(symbol: &Symbol<'_>) -> bool {
    let name = symbol.name;
    let inner = ["__kvm_nvhe_", "__pi_"]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix.as_bytes()));
    let local = inner.unwrap_or(name);
    local.starts_with(b"$") || local.starts_with(b".L") || name.starts_with(b"L0")
}

/// All symbols of a table in plain vectors, searched from one end to the other.
pub struct Model<'a> {
    symbols: Vec<Symbol<'a>>,
    ends: Vec<u64>,
    /// How far each reaches whose size is not known.
    reaches: Vec<u64>,
    /// The rank of the first symbol with the same extent.
    firsts: Vec<usize>,
}

impl<'a> Model<'a> {
    /// Takes symbols in the order of their source.
    #[must_use]
    pub fn new(source: &[Symbol<'a>], dialect: Dialect) -> Self {
        let is_core = |symbol: &Symbol<'_>| symbol.modules.is_empty();
        let image = source.iter().rposition(is_core).map_or(0, |last| last + 1);
        // What the image lists has its modules built in, wherever else they stand. A file of kallsyms lists none.
        let in_image = |symbol: &Symbol<'a>| {
            let owner = |other: &Symbol<'a>| (other.modules, other.object);
            let listed = source[..image]
                .iter()
                .any(|other| owner(other) == owner(symbol));
            is_core(symbol) || (listed && dialect != Dialect::Kallsyms)
        };
        let mut symbols = source.to_vec();
        // Where all sizes are zero, none is known.
        if symbols.iter().all(|symbol| symbol.size == Some(0)) {
            for symbol in &mut symbols {
                symbol.size = None;
            }
        }
        symbols.sort_by_key(|symbol| {
            let size = symbol.size.unwrap_or(0);
            (symbol.address, size != 0, Reverse(size))
        });
        let in_image: Vec<bool> = symbols.iter().map(in_image).collect();

        let reach = |index: usize| {
            let this: &Symbol<'_> = &symbols[index];
            let page_end = (this.address / 4096).saturating_add(1).saturating_mul(4096);
            let above = |other: &Symbol<'_>| other.address > this.address && !is_mapping(other);
            let Some(next) = symbols.iter().position(above) else {
                return page_end;
            };
            // The last symbol at this address decides for all.
            let at = |other: &Symbol<'_>| other.address == this.address && !is_mapping(other);
            let last = symbols.iter().rposition(at).unwrap_or(index);
            let (here, there) = (&symbols[last], &symbols[next]);
            let same_owner = (here.modules, here.object) == (there.modules, there.object)
                || (in_image[last] && in_image[next]);
            if same_owner && there.address - this.address < 1 << 32 {
                there.address
            } else {
                there.address.min(page_end)
            }
        };
        let reaches: Vec<u64> = (0..symbols.len()).map(reach).collect();
        let end = |(symbol, &reach): (&Symbol<'_>, &u64)| match symbol.size {
            _ if is_mapping(symbol) => symbol.address,
            Some(size) => symbol.address.saturating_add(size),
            None => reach,
        };
        let ends = symbols.iter().zip(&reaches).map(end).collect();
        let first = |symbol: &Symbol<'_>| {
            let extent = |other: &Symbol<'_>| (other.address, other.size);
            let same = |other: &Symbol<'_>| extent(other) == extent(symbol);
            symbols.iter().position(same)
        };
        let firsts = symbols.iter().filter_map(first).collect();
        Self {
            symbols,
            ends,
            reaches,
            firsts,
        }
    }

    /// The symbols in table order.
    #[must_use]
    pub fn symbols(&self) -> &[Symbol<'a>] {
        &self.symbols
    }

    /// Where a symbol ends.
    #[must_use]
    pub fn end(&self, index: usize) -> u64 {
        self.ends[index]
    }

    /// The ranks of all symbols that contain an address: the innermost first, those of one extent in table order.
    #[must_use]
    pub fn containing(&self, address: u64) -> Vec<usize> {
        let contains = |index: &usize| {
            let symbol = &self.symbols[*index];
            symbol.address <= address && address < self.ends[*index] && !is_mapping(symbol)
        };
        let mut found: Vec<usize> = (0..self.symbols.len()).filter(contains).collect();
        // Stable, so that aliases stay in order.
        found.sort_by_key(|&index| Reverse(self.firsts[index]));
        found
    }

    /// The rank of the symbol that a look-up answers with: the innermost, or code of size zero that nothing covers and
    /// nothing follows.
    #[must_use]
    pub fn lookup(&self, address: u64) -> Option<usize> {
        if let Some(&first) = self.containing(address).first() {
            return Some(first);
        }
        let below = |symbol: &Symbol<'_>| symbol.address <= address && !is_mapping(symbol);
        let last = self.symbols.iter().rposition(below)?;
        let is_code = |symbol: &Symbol<'_>| {
            symbol.address == self.symbols[last].address
                && symbol.size == Some(0)
                && b"tTwW".contains(&symbol.kind)
                && !is_mapping(symbol)
        };
        if self.symbols[last].size != Some(0) || address >= self.reaches[last] {
            return None;
        }
        self.symbols[..=last].iter().rposition(is_code)
    }

    /// The ranks of all symbols of a name.
    #[must_use]
    pub fn named(&self, name: &[u8]) -> Vec<usize> {
        (0..self.symbols.len())
            .filter(|&index| self.symbols[index].name == name)
            .collect()
    }
}
