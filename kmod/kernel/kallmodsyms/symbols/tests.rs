// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Tests of the decoder, on the host: `make rusttest`.
//!
//! [`encode`] makes tables as `scripts/kallsyms.c` does, [`random`] what to put in them. A test
//! that fails names the seed that it failed for.

mod encode;
mod random;

use super::{
    line::ROOM,
    modules::Modules,
    names::{Names, Pieces},
    sizes::{Code, Sizes},
    Addresses, Place, Symbols,
};
use encode::{token, Symbol, Tables, BASE};
use random::Random;
use std::{array, mem::size_of};

/// What writes the lines of some symbols.
struct Writer<'a> {
    symbols: Symbols<'a>,
    pieces: Pieces,
}

impl<'a> Writer<'a> {
    fn new(symbols: Symbols<'a>) -> Self {
        let pieces = Pieces {
            first: array::from_fn(|token| symbols.names.first_piece(token)),
            later: array::from_fn(|token| symbols.names.later_piece(token)),
        };
        Writer { symbols, pieces }
    }

    /// As [`Symbols::write`] does it.
    fn write(&self, value_mask: usize, place: Place, room: &mut [u8]) -> Option<(Place, usize)> {
        self.symbols.write(&self.pieces, value_mask, place, room)
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

/// Digits of an address.
const DIGITS: usize = 2 * size_of::<usize>();

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
    format!("{address:0DIGITS$x} {size:x} {kind} {name}{tab}{modules}\n")
}

#[test]
fn decoding_undoes_encoding() {
    for seed in 0..200 {
        let mut random = Random::new(seed);
        let symbols = random.symbols();
        let tables = Tables::new(&symbols, random.once_in(2));
        let writer = Writer::new(tables.symbols());
        let expected: String = symbols.iter().map(line).collect();
        let room = random.in_range(4096..20_000);
        assert_eq!(writer.text(SHOW, room), expected, "seed {seed}");
        for (index, symbol) in symbols.iter().enumerate() {
            let size = tables.symbols().size(index);
            assert_eq!(size, Some(symbol.size), "seed {seed}, symbol {index}");
            let modules = tables.symbols().modules.of(index).unwrap();
            let expected = format!("{}\0", symbol.modules);
            assert_eq!(modules, expected.as_bytes(), "seed {seed}, symbol {index}");
        }
        assert_eq!(tables.symbols().size(symbols.len()), None);
    }
}

/// Decodes all that there is of `symbols`, and looks at no result.
fn decode(symbols: Symbols<'_>, room: usize) {
    let writer = Writer::new(symbols);
    let mut room = vec![0; room];
    let mut place = Place::START;
    while let Some((next, len)) = writer.write(SHOW, place, &mut room) {
        if len == 0 {
            break;
        }
        place = next;
    }
    for index in 0..symbols.addresses.offsets.len() + 1 {
        let _ = symbols.size(index);
        let _ = symbols.modules.of(index);
    }
    for offset in 0..symbols.modules.lists.len() + 1 {
        let _ = symbols.modules.list(offset);
    }
}

#[test]
fn nonsense_does_not_panic() {
    for seed in 0..1000 {
        let mut random = Random::new(seed);
        let bytes = random.list(0..600, |random| random.any() as u8);
        let index = random.list(0..257, |random| random.in_range(0..600) as u16);
        let offsets = random.list(0..300, |random| random.any() as i32);
        let markers = random.list(0..4, |random| random.in_range(0..1000) as u32);
        let symbols = Symbols {
            addresses: Addresses {
                offsets: &offsets,
                relative_base: random.one_of(&[BASE, 0, usize::MAX]),
                absolute_percpu: random.once_in(2),
            },
            names: Names {
                names: &bytes,
                token_table: &bytes,
                token_index: &index,
            },
            sizes: Sizes {
                codes: &bytes,
                markers: &markers,
            },
            modules: Modules {
                runs: &bytes,
                lists: &bytes,
            },
        };
        decode(symbols, random.in_range(0..4 * ROOM));
    }
}

/// Tables that make sense but for one thing, and so get further than those of random bytes.
#[test]
fn damage_does_not_panic() {
    for seed in 0..500 {
        let mut random = Random::new(seed);
        let symbols = random.symbols();
        let mut tables = Tables::new(&symbols, random.once_in(2));
        let any = random.any();
        let value = random.one_of(&[0, 1, 0x7f, 0x80, 0xff, any]);
        let at = random.any() as usize;
        let cut = random.once_in(2);

        fn damage<T>(table: &mut Vec<T>, at: usize, cut: bool, value: T) {
            let at = at % table.len().max(1);
            if cut {
                table.truncate(at);
            } else if let Some(element) = table.get_mut(at) {
                *element = value;
            }
        }
        match random.in_range(0..8) {
            0 => damage(&mut tables.names, at, cut, value as u8),
            1 => damage(&mut tables.token_table, at, cut, value as u8),
            2 => damage(&mut tables.token_index, at, cut, value as u16),
            3 => damage(&mut tables.offsets, at, cut, value as i32),
            4 => damage(&mut tables.sizes, at, cut, value as u8),
            5 => damage(&mut tables.size_markers, at, cut, value as u32),
            6 => damage(&mut tables.runs, at, cut, value as u8),
            _ => damage(&mut tables.lists, at, cut, value as u8),
        }
        decode(tables.symbols(), random.in_range(0..4 * ROOM));
    }
}

#[test]
fn a_line_is_written_whole_or_not_at_all() {
    for seed in 0..200 {
        let mut random = Random::new(seed);
        let tables = Tables::new(&random.symbols(), false);
        let writer = Writer::new(tables.symbols());
        let all = writer.text(HIDE, 1 << 16);

        let room = random.in_range(0..4 * ROOM);
        let mut bytes = vec![b'#'; room];
        let (place, len) = writer.write(HIDE, Place::START, &mut bytes).unwrap();
        let written = String::from_utf8_lossy(&bytes[..len]).into_owned();
        assert!(all.starts_with(&written), "seed {seed}");
        assert!(written.is_empty() || written.ends_with('\n'), "seed {seed}");
        assert_eq!(
            writer.symbols.is_end(place),
            written == all,
            "seed {seed}: the end"
        );
        // No more than has to be left is left.
        if let Some(next) = all[written.len()..].lines().next() {
            assert!(room - len < ROOM.max(next.len() + 1), "seed {seed}");
        }
    }
}

/// The text of a single symbol.
fn text(symbol: Symbol, value_mask: usize) -> String {
    Writer::new(Tables::new(&[symbol], false).symbols()).text(value_mask, 4096)
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
    let zero = "0".repeat(DIGITS);
    assert_eq!(
        text(symbol.clone(), HIDE),
        format!("{zero} 0 T start\t[m]\n")
    );
    let address = BASE + 0x10;
    assert_eq!(text(symbol, SHOW), format!("{address:x} 20 T start\t[m]\n"));
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
    let tables = Tables::new(core::slice::from_ref(&symbol), false);
    assert_eq!(tables.names, [4, b'd', b'a', pair, pair]);
    assert_eq!(text(symbol, SHOW), format!("{BASE:x} 0 d axyxy\n"));
}

#[test]
fn the_longest_short_line_and_the_next() {
    // Digits, two of the size, the letter, three blanks and the newline: 23 bytes on 64 bits.
    for len in 230..=245 {
        let name = vec![b'n'; len];
        let expected = format!("{BASE:x} 10 T {}\n", String::from_utf8_lossy(&name));
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
fn a_name_without_a_type_letter_is_an_error() {
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
        assert_eq!(written, None);
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
fn the_largest_size_and_the_next() {
    let encoded = |groups: &[u8]| {
        let nibbles: Vec<u8> = [&[15], groups].concat();
        let mut codes = vec![];
        for pair in nibbles.chunks(2) {
            codes.push(pair[0] | pair.get(1).unwrap_or(&0) << 4);
        }
        codes
    };
    let decode = |codes: Vec<u8>| {
        let sizes = Sizes {
            codes: &codes,
            markers: &[0],
        };
        sizes.decode(0).map(|(code, _)| code)
    };

    // Groups of three bits, of which the last one is not whole: 21 and one bit, or 10 and two.
    let mut groups = vec![15; usize::BITS as usize / 3];
    let rest = usize::BITS % 3;
    groups.push((1 << rest) - 1);
    assert_eq!(decode(encoded(&groups)), Some(Code::Explicit(usize::MAX)));

    *groups.last_mut().unwrap() = 1 << rest;
    assert_eq!(decode(encoded(&groups)), None);
}

#[test]
fn lists_of_modules_are_met_one_after_the_other() {
    let modules = Modules {
        // Symbols 2 and 3, then from 4 on.
        runs: &[0, 0, 2, 0, 0, 0, 0, 0, 4, 0, 0, 1],
        lists: b"\0[a] [b]\0[c]\0",
    };
    let lists = [0, 1, 9].map(|offset| modules.list(offset));
    let expected = [&b"\0"[..], b"[a] [b]\0", b"[c]\0"];
    assert_eq!(lists, expected.map(Some));
    assert_eq!(modules.list(13), None);
    assert_eq!(modules.list(usize::MAX), None);

    let of = [1, 2, 3, 4, usize::MAX].map(|index| modules.of(index));
    let (none, both) = (Some(expected[0]), Some(expected[1]));
    assert_eq!(of, [None, none, none, both, both]);
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
