// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The System.map of a kernel beside its running symbols.

use kallmodsyms::table::Entry;
use kallmodsyms::{Dialect, Kind, Slide, SlideError, SymbolTable};

use crate::{naive, split, table};

/// Finds the slide from a System.map, or any other file of symbols, to the file of a running kernel after `===`. There
/// is one exactly if all code symbols with unique names agree; the map moved by it has every symbol where it should be,
/// and look-ups in it are right; sizes that the running kernel's symbols get from it are those of the same symbol.
///
/// # Panics
///
/// If one of these does not hold.
pub fn system_map(input: &[u8]) {
    let (map, running) = split(input);
    let read = |file: &[u8]| {
        SymbolTable::from_bytes(file)
            .ok()
            .filter(|table| table.len() <= 60)
    };
    let (Some(map), Some(mut running)) = (read(map), running.and_then(read)) else {
        return;
    };
    let distances: Vec<u64> = map
        .iter()
        .filter_map(|symbol| slide(symbol, &map, &running))
        .collect();
    let slide = match Slide::between(&map, &running) {
        Ok(slide) => slide,
        Err(SlideError::NothingInCommon) => return assert!(distances.is_empty()),
        Err(SlideError::OtherKernel {
            agree, disagree, ..
        }) => {
            assert_eq!(agree + disagree, distances.len());
            return assert!(distances.iter().any(|&bytes| bytes != distances[0]));
        }
        Err(error) => unreachable!("{error}"),
    };
    assert!(distances.iter().all(|&bytes| bytes == slide.bytes()));
    assert_eq!(distances.len(), slide.witnesses());

    // What lies below the image stays, and so do modules. The image starts with the page of its marker, or of its code.
    let is_code = |entry: &Entry<'_>| {
        entry.kind() == Kind::Function && entry.group().is_image() && entry.address() >= 4096
    };
    let is_start = |entry: &Entry<'_>| [&b"_text"[..], b"_stext", b"stext"].contains(&entry.name());
    let code: Vec<_> = map.iter().filter(is_code).collect();
    let start = code.iter().find(|entry| is_start(entry)).or(code.first());
    let start = start.map_or(0, |entry| entry.address() / 4096 * 4096);
    let place = |entry: Entry<'_>| match entry.address() {
        address if entry.group().is_image() && address >= start => {
            address.wrapping_add(slide.bytes())
        }
        address => address,
    };
    let state = |entry: Entry<'_>| (entry.size(), entry.letter(), entry.name().to_vec());
    let mut expected: Vec<_> = map
        .iter()
        .map(|entry| (place(entry), state(entry)))
        .collect();
    let moved = slide.move_table(map);
    let mut found: Vec<_> = moved
        .iter()
        .map(|entry| (entry.address(), state(entry)))
        .collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    if moved.facts().sizes {
        // Without sizes the model would have to know what was image in the file.
        let symbols: Vec<_> = moved.iter().map(|entry| entry.symbol()).collect();
        table::agree(&moved, &naive::Model::new(&symbols, Dialect::Sized));
    }

    let had = running.facts().sizes;
    if running.add_sizes(&moved).is_ok() && !had && moved.facts().sizes {
        for entry in running.iter().filter(|entry| entry.group().is_image()) {
            let mut same = moved
                .at(entry.address())
                .filter(|other| other.name() == entry.name());
            assert!(same.any(|other| other.size() == entry.size()), "{entry:?}");
        }
    }
}

/// By how much a symbol is moved, if it is code and its name unique in both.
fn slide(symbol: Entry<'_>, map: &SymbolTable, running: &SymbolTable) -> Option<u64> {
    fn only<'t>(table: &'t SymbolTable, name: &[u8]) -> Option<Entry<'t>> {
        let mut named = table
            .iter()
            .filter(|other| other.group().is_image() && other.name() == name);
        let first = named.next().filter(|other| other.kind() == Kind::Function);
        first.filter(|_| named.next().is_none())
    }
    let linked = only(map, symbol.name()).filter(|&only| only == symbol)?;
    let found = only(running, symbol.name())?;
    Some(found.address().wrapping_sub(linked.address()))
}
