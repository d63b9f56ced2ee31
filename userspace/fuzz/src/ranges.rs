// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `modules.builtin.ranges`, alone and beside a kernel's symbols.

use std::collections::BTreeSet;

use kallmodsyms::ranges::{Placed, Ranges};
use kallmodsyms::{Group, SymbolTable};

use crate::{naive, split};

/// Reads ranges, and gives the symbols after `===`, if there are any, their modules. A file is taken exactly if each
/// line is one; what is read is what stands there; each symbol gets the modules of the last range that starts at or
/// below it.
///
/// # Panics
///
/// If one of these does not hold.
pub fn ranges(input: &[u8]) {
    let (file, symbols) = split(input);
    let Some(ranges) = check_file(file) else {
        return;
    };
    let Some(mut table) = symbols.and_then(|symbols| SymbolTable::from_bytes(symbols).ok()) else {
        return;
    };
    let Ok(placed) = ranges.place(&table, None) else {
        return;
    };
    for section in placed.unplaced() {
        assert!(!section.to_string().is_empty());
    }
    check_placed(&ranges, &placed, &table);

    let had = table.facts().built_in_modules;
    let before: Vec<_> = table.iter().map(|entry| owner(entry)).collect();
    table.add_built_in_modules(&placed);
    assert!(table.facts().built_in_modules);
    for (entry, (group, modules)) in table.iter().zip(before) {
        let (now_group, now_modules) = owner(entry);
        let found = placed.modules_at(entry.address()).as_bytes();
        if had || group != Group::Core || found.is_empty() {
            assert_eq!((now_group, now_modules), (group, modules));
        } else {
            assert_eq!((now_group, &*now_modules), (Group::BuiltIn, found));
        }
    }
}

fn owner(entry: kallmodsyms::table::Entry<'_>) -> (Group, Vec<u8>) {
    (entry.group(), entry.modules().as_bytes().to_vec())
}

fn check_file(file: &[u8]) -> Option<Ranges> {
    let parsed = Ranges::parse(file);
    let lines: Option<Vec<_>> = naive::lines(file)
        .map(|line| naive::ranges_line(line.strip_suffix(b"\n")?))
        .collect();
    let anchors = |lines: &[naive::RangesLine<'_>]| {
        let anchors = lines.iter().filter(|line| line.names.is_err());
        let sections: Vec<Vec<u8>> = anchors.map(|line| line.section.to_vec()).collect();
        let distinct: BTreeSet<_> = sections.iter().collect();
        distinct.len() == sections.len() && sections.len() < lines.len()
    };
    let lines = lines.filter(|lines| anchors(lines));
    assert_eq!(parsed.is_ok(), lines.is_some(), "{parsed:?}");
    let (ranges, lines) = match (parsed, lines) {
        (Ok(ranges), Some(lines)) => (ranges, lines),
        (Err(error), _) => {
            assert!(error.position.offset <= file.len());
            assert!(error.to_string().contains("expected"));
            return None;
        }
        (Ok(_), None) => unreachable!("compared above"),
    };
    let read = ranges.iter().map(|range| naive::RangesLine {
        section: range.section,
        offsets: (range.start, range.end),
        names: Ok(range.modules.iter().collect()),
    });
    assert!(read.eq(lines.into_iter().filter(|line| line.names.is_ok())));
    Some(ranges)
}

/// Where every section was found by a symbol of a unique name, its ranges are known.
fn check_placed(ranges: &Ranges, placed: &Placed<'_>, table: &SymbolTable) {
    let mut spans = Vec::new();
    for range in ranges.iter() {
        let anchor = ranges
            .anchors()
            .find(|anchor| anchor.section == range.section);
        let Some(anchor) = anchor else { continue };
        let mut symbols = table.named(anchor.symbol);
        let base = match (symbols.next(), symbols.next()) {
            (Some(symbol), None) if symbol.group().is_image() => {
                symbol.address().checked_sub(anchor.offset)
            }
            (None, _) => None,
            // Which one it is, is a guess that is not made twice.
            _ => return,
        };
        let Some(base) = base else { continue };
        let (start, end) = (base.checked_add(range.start), base.checked_add(range.end));
        if let Some((start, end)) = start.zip(end).filter(|(start, end)| start < end) {
            spans.push((start, end, range.modules));
        }
    }
    for &(start, end, _) in &spans {
        for address in [start.wrapping_sub(1), start, end - 1, end] {
            let below = spans.iter().filter(|span| span.0 <= address);
            let last = below.clone().map(|span| span.0).max();
            let mut at_last = below.filter(|span| Some(span.0) == last);
            let found = placed.modules_at(address);
            // Of ranges that start together any that reaches so far will do.
            let expected = at_last
                .clone()
                .any(|span| address < span.1 && span.2 == found);
            let outside = at_last.any(|span| address >= span.1) || last.is_none();
            assert!(
                expected || (outside && found.is_empty()),
                "{address:#x}: {found:?}"
            );
        }
    }
}
