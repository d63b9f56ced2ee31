// SPDX-License-Identifier: Apache-2.0 OR MIT

extern crate std;

use crate::{
    encode::{token, Symbol, Tables, BASE, TEXTS},
    symbols::{
        line::ROOM,
        modules::Modules,
        names::{Names, Pieces, TOKENS},
        sizes::{Code, Sizes},
        Addresses, Place, Symbols,
    },
};
use proptest::{collection::vec, prelude::*};
use std::{array, format, string::String, vec, vec::Vec};

/// What writes the lines of some symbols.
struct Writer<'a> {
    symbols: Symbols<'a>,
    pieces: ([[u8; 16]; TOKENS], [[u8; 8]; TOKENS]),
}

impl<'a> Writer<'a> {
    fn new(symbols: Symbols<'a>) -> Self {
        let pieces = (
            array::from_fn(|token| symbols.names.first_piece(token)),
            array::from_fn(|token| symbols.names.later_piece(token)),
        );
        Writer { symbols, pieces }
    }

    /// As [`Symbols::write`] does it.
    fn write(&self, value_mask: usize, place: Place, room: &mut [u8]) -> Option<(Place, usize)> {
        let (first, later) = &self.pieces;
        let pieces = Pieces { first, later };
        self.symbols.write(&pieces, value_mask, place, room)
    }

    /// All lines, written to one buffer after another with so much `room`.
    fn text(&self, value_mask: usize, room: usize) -> String {
        let mut text = vec![];
        let mut place = Place::START;
        while !self.symbols.is_end(place) {
            let mut bytes = vec![b'#'; room];
            let (next, len) = self.write(value_mask, place, &mut bytes).unwrap();
            assert!(len > 0, "nothing is written to {room} bytes");
            text.extend(&bytes[..len]);
            place = next;
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}

const SHOW: usize = usize::MAX;
const HIDE: usize = 0;

/// The line that a symbol should have.
fn line(symbol: &Symbol) -> String {
    let Symbol {
        address,
        size,
        kind,
        name,
        modules,
    } = symbol;
    let tab = if modules.is_empty() { "" } else { "\t" };
    let (address, kind) = (BASE + *address as usize, *kind as char);
    let name = String::from_utf8_lossy(name);
    format!("{address:016x} {size:x} {kind} {name}{tab}{modules}\n")
}

/// Symbols with all kinds of slack, overlap, aliases and module lists.
fn symbols() -> impl Strategy<Value = Vec<Symbol>> {
    let distance = prop_oneof![Just(0u32), 1..16u32, 16..300u32, 300..100_000u32];
    let size = prop_oneof![
        Just(0u64),
        1..16u64,
        16..512u64,
        512..100_000u64,
        any::<u64>()
    ];
    let letter = prop_oneof![b'a'..=b'z', Just(b'_'), 0x80..=0xf0u8].prop_map(|c| vec![c]);
    let text =
        (0..TEXTS.len()).prop_map(|n| TEXTS[n].strip_prefix(b"T").unwrap_or(TEXTS[n]).to_vec());
    let part = || prop_oneof![4 => letter.clone(), 1 => text.clone()];
    // One name in 50 is long enough for a length of two bytes, and for a line that is not short.
    let name = prop_oneof![49 => vec(part(), 1..9), 1 => vec(part(), 60..300)];
    let name = name.prop_map(|parts| parts.concat());
    let kind = prop_oneof![Just(b'T'), Just(b't'), b'A'..=b'z'];
    // A tab, the newline and these are as long as an end of 16 or 64 bytes allows, and longer.
    let modules = prop_oneof![
        Just(String::new()),
        Just(String::from("[a] [b_c]")),
        (12..15usize).prop_map(|len| format!("[{:x<len$}]", "")),
        (60..63usize).prop_map(|len| format!("[{:x<len$}]", "")),
    ];
    let symbol = (distance, size, any::<bool>(), kind, name, modules);

    vec(symbol, 0..300).prop_map(|symbols| {
        let mut address = 0;
        symbols
            .into_iter()
            .map(|(distance, size, touch, kind, name, modules)| {
                let here = address;
                address += distance;
                Symbol {
                    address: here,
                    // As most symbols do, end where the next one begins.
                    size: if touch { distance.into() } else { size },
                    kind,
                    name,
                    modules,
                }
            })
            .collect()
    })
}

proptest! {
    // Nothing is to be left in this directory, which is part of the kernel tree.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn decoding_undoes_encoding(symbols in symbols(), room in 4096..20_000usize) {
        let tables = Tables::new(&symbols);
        let writer = Writer::new(tables.symbols());
        let expected: String = symbols.iter().map(line).collect();
        prop_assert_eq!(writer.text(SHOW, room), expected);
        for (index, symbol) in symbols.iter().enumerate() {
            prop_assert_eq!(tables.symbols().size(index), Some(symbol.size as usize));
        }
        prop_assert_eq!(tables.symbols().size(symbols.len()), None);
    }

    #[test]
    fn nonsense_does_not_panic(
        offsets in vec(any::<i32>(), 0..300),
        bytes in vec(any::<u8>(), 0..600),
        index in vec(0..600u16, 0..257),
        markers in vec(0..1000u32, 0..4),
        absolute_percpu in any::<bool>(),
        room in 0..4 * ROOM,
    ) {
        let names = Names { names: &bytes, token_table: &bytes, token_index: &index };
        let symbols = Symbols {
            addresses: Addresses { offsets: &offsets, relative_base: BASE, absolute_percpu },
            names,
            sizes: Sizes { codes: &bytes, markers: &markers },
            modules: Modules { runs: &bytes, lists: &bytes },
        };
        let writer = Writer::new(symbols);
        let mut room = vec![0; room];
        let mut place = Place::START;
        while let Some((next, len)) = writer.write(SHOW, place, &mut room) {
            if len == 0 {
                break;
            }
            place = next;
        }
        for index in 0..offsets.len() + 1 {
            let _ = symbols.size(index);
        }
    }

    #[test]
    fn a_line_is_written_whole_or_not_at_all(symbols in symbols(), room in 0..4 * ROOM) {
        let tables = Tables::new(&symbols);
        let writer = Writer::new(tables.symbols());
        let all = writer.text(HIDE, 1 << 16);

        let mut bytes = vec![b'#'; room];
        let (place, len) = writer.write(HIDE, Place::START, &mut bytes).unwrap();
        let written = String::from_utf8_lossy(&bytes[..len]).into_owned();
        prop_assert!(all.starts_with(&written));
        prop_assert!(written.is_empty() || written.ends_with('\n'));
        prop_assert_eq!(writer.symbols.is_end(place), written == all);
        // No more than has to be left is left.
        let rest = all[written.len()..].lines().next();
        prop_assert!(rest.is_none_or(|next| room - len < ROOM.max(next.len() + 1)));
    }
}

/// The text of a single symbol.
fn text(symbol: Symbol, value_mask: usize) -> String {
    Writer::new(Tables::new(&[symbol]).symbols()).text(value_mask, 4096)
}

#[test]
fn hidden_values_are_zero() {
    let symbol = Symbol {
        address: 0x10,
        size: 0x20,
        kind: b'T',
        name: b"start".to_vec(),
        modules: "[m]".into(),
    };
    assert_eq!(
        text(symbol.clone(), HIDE),
        "0000000000000000 0 T start\t[m]\n"
    );
    assert_eq!(text(symbol, SHOW), "ffffffff81000010 20 T start\t[m]\n");
}

#[test]
fn tokens_stand_for_text() {
    let symbol = Symbol {
        address: 0,
        size: 0,
        kind: b'd',
        name: b"axyxy".to_vec(),
        modules: String::new(),
    };
    let pair = token(b"xy");
    let tables = Tables::new(core::slice::from_ref(&symbol));
    assert_eq!(tables.names, [4, b'd', b'a', pair, pair]);
    assert_eq!(text(symbol, SHOW), "ffffffff81000000 0 d axyxy\n");
}

#[test]
fn the_longest_short_line_and_the_next() {
    // 16 digits, two of the size, the letter, three blanks and the newline take 23 bytes.
    for len in 230..=235 {
        let name = vec![b'n'; len];
        let expected = format!("ffffffff81000000 10 T {}\n", String::from_utf8_lossy(&name));
        let symbol = Symbol {
            address: 0,
            size: 0x10,
            kind: b'T',
            name,
            modules: String::new(),
        };
        assert_eq!(text(symbol, SHOW), expected);
    }
}

#[test]
fn a_name_without_a_type_letter_is_not_written() {
    let names = |names, token_table| Names {
        names,
        token_table,
        token_index: &[0; 256],
    };
    for names in [names(&[0], b"t\0"), names(&[1, 7], b"\0")] {
        let symbols = Symbols {
            addresses: Addresses {
                offsets: &[0],
                relative_base: BASE,
                absolute_percpu: false,
            },
            names,
            sizes: Sizes {
                codes: &[14],
                markers: &[0],
            },
            modules: Modules {
                runs: &[],
                lists: &[],
            },
        };
        let written = Writer::new(symbols).write(SHOW, Place::START, &mut [0; 4096]);
        assert_eq!(written, Some((Place::START, 0)));
    }
}

#[test]
fn sizes_read_as_documented() {
    let decode = |codes: &[u8]| {
        Sizes {
            codes,
            markers: &[0],
        }
        .decode(0)
    };
    assert_eq!(decode(&[0x0b]), Some((Code::Slack(11), 1)));
    assert_eq!(decode(&[0xfc]), Some((Code::Slack(27), 2)));
    assert_eq!(decode(&[0xfd, 0x0f]), Some((Code::Slack(283), 3)));
    assert_eq!(decode(&[0x1d, 0x02]), Some((Code::Slack(28 + 0x12), 3)));
    assert_eq!(decode(&[0x0e]), Some((Code::Zero, 1)));
    assert_eq!(decode(&[0x8f, 0x01]), Some((Code::Explicit(8), 3)));
    assert_eq!(decode(&[]), None);
    assert_eq!(decode(&[0x8f]), None);
    // 22 groups have 66 bits.
    assert_eq!(decode(&[0xff; 12]), None);
}

#[test]
fn percpu_variables_are_absolute() {
    let addresses = Addresses {
        offsets: &[0, 0x1000, -1, -0x11],
        relative_base: BASE,
        absolute_percpu: true,
    };
    let all: Vec<_> = (0..5).map(|index| addresses.get(index)).collect();
    assert_eq!(
        all,
        [Some(0), Some(0x1000), Some(BASE), Some(BASE + 0x10), None]
    );
}

#[test]
fn a_contradiction_is_no_size() {
    // A slack of 5 where the next symbol is 4 bytes away.
    assert_eq!(Code::Slack(5).size(|| Some(4)), None);
    assert_eq!(Code::Slack(0).size(|| None), None);
    assert_eq!(Code::Slack(1).size(|| Some(4)), Some(3));
}
