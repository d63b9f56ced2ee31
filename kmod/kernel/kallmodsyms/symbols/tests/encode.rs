// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What `scripts/kallsyms.c` does, for tables to decode.

use super::super::{modules::Modules, names::Names, sizes::Sizes, Addresses, Symbols};

/// A symbol to encode.
#[derive(Clone, Debug)]
pub(crate) struct Symbol {
    /// How far it is from [`BASE`].
    pub(crate) address: u32,
    pub(crate) size: usize,
    pub(crate) kind: u8,
    pub(crate) name: Vec<u8>,
    pub(crate) modules: String,
}

/// Tables of some symbols.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) names: Vec<u8>,
    pub(crate) token_table: Vec<u8>,
    pub(crate) token_index: Vec<u16>,
    pub(crate) offsets: Vec<i32>,
    pub(crate) absolute_percpu: bool,
    pub(crate) sizes: Vec<u8>,
    pub(crate) size_markers: Vec<u32>,
    pub(crate) runs: Vec<u8>,
    pub(crate) lists: Vec<u8>,
}

/// What the offsets of all tables are relative to: 0xffffffff81000000, or its lower half.
pub(crate) const BASE: usize = usize::MAX - 0x7eff_ffff;

fn push_nibbles(nibbles: &mut Vec<u8>, size: usize, distance: Option<usize>) {
    let slack = distance.and_then(|distance| distance.checked_sub(size));
    match slack {
        _ if size == 0 => nibbles.push(14),
        Some(slack @ 0..=11) => nibbles.push(slack as u8),
        Some(slack @ 12..=27) => nibbles.extend([12, slack as u8 - 12]),
        Some(slack @ 28..=283) => {
            let slack = (slack - 28) as u8;
            nibbles.extend([13, slack >> 4, slack & 15]);
        }
        _ => {
            nibbles.push(15);
            let mut rest = size;
            while rest > 7 {
                nibbles.push(8 | (rest & 7) as u8);
                rest >>= 3;
            }
            nibbles.push(rest as u8);
        }
    }
}

/// The high byte of three first.
fn three_bytes(number: usize) -> impl Iterator<Item = u8> {
    (number as u32).to_be_bytes().into_iter().skip(1)
}

impl Tables {
    /// Encodes symbols that are in ascending order of addresses.
    ///
    /// The tokens are [`TEXTS`], from the highest number down, and the characters.
    pub(crate) fn new(symbols: &[Symbol], absolute_percpu: bool) -> Self {
        let mut tables = Tables {
            absolute_percpu,
            ..Tables::default()
        };
        let mut nibbles = vec![];
        let mut last_modules = None;

        for token in 0..=255u8 {
            tables.token_index.push(tables.token_table.len() as u16);
            match TEXTS.get(usize::from(255 - token)) {
                Some(text) => tables.token_table.extend(*text),
                None if token != 0 => tables.token_table.push(token),
                None => {}
            }
            tables.token_table.push(0);
        }

        for (index, symbol) in symbols.iter().enumerate() {
            let text = [&[symbol.kind], &symbol.name[..]].concat();
            let mut tokens = vec![];
            let mut rest = &text[..];
            while let Some((&first, tail)) = rest.split_first() {
                let is_next = |text: &&&[u8]| rest.starts_with(text);
                let longest = TEXTS.iter().filter(is_next).max_by_key(|text| text.len());
                let token = longest.map_or(first, |text| token(text));
                tokens.push(token);
                rest = longest.map_or(tail, |text| &rest[text.len()..]);
            }
            let len = tokens.len();
            if len > 0x7f {
                tables.names.extend([len as u8 | 0x80, (len >> 7) as u8]);
            } else {
                tables.names.push(len as u8);
            }
            tables.names.extend(tokens);

            let offset = symbol.address as i32;
            tables
                .offsets
                .push(if absolute_percpu { !offset } else { offset });

            if index % 256 == 0 {
                tables.size_markers.push(nibbles.len() as u32);
            }
            let distance = symbols[index..]
                .iter()
                .find(|next| next.address > symbol.address)
                .map(|next| (next.address - symbol.address) as usize);
            push_nibbles(&mut nibbles, symbol.size, distance);

            if last_modules.as_ref() != Some(&symbol.modules) {
                last_modules = Some(symbol.modules.clone());
                tables.runs.extend(three_bytes(index));
                tables.runs.extend(three_bytes(tables.lists.len()));
                tables.lists.extend(symbol.modules.as_bytes());
                tables.lists.push(0);
            }
        }

        for pair in nibbles.chunks(2) {
            tables.sizes.push(pair[0] | pair.get(1).unwrap_or(&0) << 4);
        }
        tables
    }

    /// Returns a view to decode.
    pub(crate) fn symbols(&self) -> Symbols<'_> {
        Symbols {
            addresses: Addresses {
                offsets: &self.offsets,
                relative_base: BASE,
                absolute_percpu: self.absolute_percpu,
            },
            names: Names {
                names: &self.names,
                token_table: &self.token_table,
                token_index: &self.token_index,
            },
            sizes: Sizes {
                codes: &self.sizes,
                markers: &self.size_markers,
            },
            modules: Modules {
                runs: &self.runs,
                lists: &self.lists,
            },
        }
    }
}

/// What tokens other than characters stand for: texts as long as a piece of a line can be, and one
/// byte longer, at the start of a name and elsewhere.
pub(crate) const TEXTS: [&[u8]; 7] = [
    b"xy",
    b"_seven_",
    b"_eight__",
    b"_sixteen_bytes__",
    b"t__pfx_",
    b"T_thirteen_now_",
    b"T_fourteen_more_",
];

/// The token for one of the [`TEXTS`].
pub(crate) fn token(text: &[u8]) -> u8 {
    let number = TEXTS.iter().position(|other| *other == text).unwrap();
    255 - number as u8
}
