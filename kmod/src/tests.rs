// SPDX-License-Identifier: Apache-2.0 OR MIT

extern crate std;

use crate::{
    encode::{Symbol, Tables, BASE, PAIR},
    symbols::{
        line::Buffer,
        modules::Modules,
        names::{Names, TokenLengths},
        sizes::{Code, Sizes},
        Addresses, Place, Symbols,
    },
};
use proptest::{collection::vec, prelude::*};
use std::{format, string::String, vec, vec::Vec};

/// Writes all symbols, and says whether the tables end where they should.
fn text(symbols: &Symbols<'_>, show_values: bool) -> (String, bool) {
    let lengths = TokenLengths::new(&symbols.names);
    let mut bytes = vec![0; 1 << 16];
    let mut out = Buffer::new(&mut bytes);
    let mut place = Place::START;
    while let Some((symbol, next)) = symbols.get(place) {
        symbols
            .write(&lengths, &symbol, show_values, &mut out)
            .unwrap();
        place = next;
    }
    let len = out.finished();
    (
        String::from_utf8_lossy(&bytes[..len]).into_owned(),
        symbols.is_end(place),
    )
}

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
    let letter = || prop_oneof![b'a'..=b'z', Just(b'_'), 0x80..=0xfeu8];
    // One name in 50 is long enough for a length of two bytes.
    let name = prop_oneof![49 => vec(letter(), 1..6), 1 => vec(letter(), 100..300)];
    let modules = prop_oneof![Just(""), Just("[a]"), Just("[a] [b_c]")];
    let symbol = (distance, size, any::<bool>(), b'A'..=b'z', name, modules);

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
                    modules: modules.into(),
                }
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn decoding_undoes_encoding(symbols in symbols()) {
        let tables = Tables::new(&symbols);
        let expected: String = symbols.iter().map(line).collect();
        prop_assert_eq!(text(&tables.symbols(), true), (expected, true));
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
        room in 0..200usize,
    ) {
        let names = Names { names: &bytes, token_table: &bytes, token_index: &index };
        let symbols = Symbols {
            addresses: Addresses { offsets: &offsets, relative_base: BASE, absolute_percpu },
            names,
            sizes: Sizes { codes: &bytes, markers: &markers },
            modules: Modules { runs: &bytes, lists: &bytes },
        };
        let lengths = TokenLengths::new(&names);
        let mut place = Place::START;
        let mut room = vec![0; room];
        let mut out = Buffer::new(&mut room);
        while let Some((symbol, next)) = symbols.get(place) {
            let _ = symbols.write(&lengths, &symbol, true, &mut out);
            place = next;
        }
        for index in 0..offsets.len() + 1 {
            let _ = symbols.size(index);
        }
    }

    #[test]
    fn a_line_is_written_whole_or_not_at_all(symbols in symbols(), room in 0..500usize) {
        let tables = Tables::new(&symbols);
        let symbols = tables.symbols();
        let lengths = TokenLengths::new(&symbols.names);
        let all = text(&symbols, false).0;

        let mut bytes = vec![b'#'; room];
        let mut out = Buffer::new(&mut bytes);
        let mut place = Place::START;
        while let Some((symbol, next)) = symbols.get(place) {
            if symbols.write(&lengths, &symbol, false, &mut out).is_none() {
                break;
            }
            place = next;
        }
        let len = out.finished();
        let written = String::from_utf8_lossy(&bytes[..len]).into_owned();
        prop_assert!(all.starts_with(&written));
        prop_assert!(written.is_empty() || written.ends_with('\n'));
        let rest = all[written.len()..].lines().next();
        prop_assert!(rest.is_none_or(|next| next.len() + 1 > room - len));
    }
}

#[test]
fn hidden_values_are_zero() {
    let tables = Tables::new(&[Symbol {
        address: 0x10,
        size: 0x20,
        kind: b'T',
        name: b"start".to_vec(),
        modules: "[m]".into(),
    }]);
    assert_eq!(
        text(&tables.symbols(), false).0,
        "0000000000000000 0 T start\t[m]\n"
    );
    assert_eq!(
        text(&tables.symbols(), true).0,
        "ffffffff81000010 20 T start\t[m]\n"
    );
}

#[test]
fn tokens_stand_for_text() {
    let tables = Tables::new(&[Symbol {
        address: 0,
        size: 0,
        kind: b'd',
        name: b"axyxy".to_vec(),
        modules: String::new(),
    }]);
    assert_eq!(tables.names, [4, b'd', b'a', PAIR, PAIR]);
    assert_eq!(
        text(&tables.symbols(), true).0,
        "ffffffff81000000 0 d axyxy\n"
    );
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
    assert_eq!(Code::Slack(5).size(16, || Some(20)), None);
    assert_eq!(Code::Slack(0).size(16, || None), None);
    assert_eq!(Code::Slack(1).size(16, || Some(20)), Some(3));
}
