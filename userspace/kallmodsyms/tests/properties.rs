// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What holds of every file: a line that was printed is read back as it was, and no bytes at all make a panic.

use std::io::{self, Read};

use kallmodsyms::validate::Validation;
use kallmodsyms::{Dialect, Error, ErrorKind, Format, ReadError, Reader, Symbols, Width, grammar};
use proptest::collection::vec;
use proptest::prelude::*;

/// A line by its parts, put together here without the help of the crate.
#[derive(Clone, Debug)]
struct Parts {
    address: u64,
    size: Option<u64>,
    kind: u8,
    name: Vec<u8>,
    modules: Vec<String>,
    object: Option<String>,
}

impl Parts {
    fn line(&self, width: Width) -> Vec<u8> {
        let digits = width.digits();
        let mut line = format!("{:0digits$x} ", self.address).into_bytes();
        if let Some(size) = self.size {
            line.extend(format!("{size:x} ").bytes());
        }
        line.extend([self.kind, b' ']);
        line.extend(&self.name);
        let modules = self.modules.iter().map(|module| format!("[{module}]"));
        let object = self.object.iter().map(|object| format!("{{{object}}}"));
        let list: Vec<String> = modules.chain(object).collect();
        if !list.is_empty() {
            line.push(b'\t');
            line.extend(list.join(" ").bytes());
        }
        line
    }
}

fn format() -> impl Strategy<Value = Format> {
    let dialect = proptest::sample::select(Dialect::ALL);
    let width = proptest::sample::select([Width::Bits32, Width::Bits64].as_slice());
    (dialect, width).prop_map(|(dialect, width)| Format { dialect, width })
}

/// Numbers of every length, where `any` would make long ones alone.
fn number(width: Width) -> impl Strategy<Value = u64> {
    (any::<u64>(), 0..u64::BITS).prop_map(move |(number, shift)| (number >> shift) & width.max())
}

fn parts(format: Format) -> impl Strategy<Value = Parts> {
    let Format { dialect, width } = format;
    let modules = match dialect {
        Dialect::Kallsyms => 0..=1,
        _ => 0..=4,
    };
    let object = match dialect {
        Dialect::Object => proptest::option::of("[a-z0-9_/-]{1,20}\\.o").boxed(),
        _ => Just(None).boxed(),
    };
    let size = match dialect {
        Dialect::Sized => number(width).prop_map(Some).boxed(),
        _ => Just(None).boxed(),
    };
    let blanks = [b' ', b'\t', b'\n', b'\r', 0x0b, 0x0c, 0];
    let byte = any::<u8>().prop_map(move |byte| if blanks.contains(&byte) { b'_' } else { byte });
    let letters = prop_oneof![9 => vec(b'!'..=b'~', 1..60), 1 => vec(b'!'..=b'~', 1..=511)];
    let name = prop_oneof![3 => letters, 1 => vec(byte, 1..60)];
    let kind = proptest::sample::select(b"TtDdRrBbWwVvAaUuNniCcGgSs?".as_slice());
    (
        number(width),
        size,
        kind,
        name,
        vec("[a-z0-9_]{1,20}", modules),
        object,
    )
        .prop_map(|(address, size, kind, name, modules, object)| Parts {
            address,
            size,
            kind,
            name,
            modules,
            object,
        })
}

fn format_and_parts() -> impl Strategy<Value = (Format, Parts)> {
    format().prop_flat_map(|format| (Just(format), parts(format)))
}

fn format_and_file() -> impl Strategy<Value = (Format, Vec<Parts>)> {
    format().prop_flat_map(|format| (Just(format), vec(parts(format), 1..20)))
}

/// What may have happened to a line.
#[derive(Clone, Debug)]
enum Change {
    Put(prop::sample::Index, u8),
    Insert(prop::sample::Index, u8),
    Remove(prop::sample::Index),
}

/// A line of some format with a byte changed or none, and a format, most often that.
fn nearly_a_line() -> impl Strategy<Value = (Format, Vec<u8>)> {
    let byte = || {
        let telling = proptest::sample::select(b" \t\r\0[]{}-/0aA?".as_slice());
        prop_oneof![any::<u8>(), telling]
    };
    let place = any::<prop::sample::Index>;
    let change = proptest::option::of(prop_oneof![
        (place(), byte()).prop_map(|(place, byte)| Change::Put(place, byte)),
        (place(), byte()).prop_map(|(place, byte)| Change::Insert(place, byte)),
        place().prop_map(Change::Remove),
    ]);
    let other = proptest::option::weighted(0.2, format());
    let line = (format_and_parts(), change, other).prop_map(|((format, parts), change, other)| {
        let mut line = parts.line(format.width);
        match change {
            Some(Change::Put(place, byte)) => {
                let place = place.index(line.len());
                line[place] = byte;
            }
            Some(Change::Insert(place, byte)) => line.insert(place.index(line.len()), byte),
            Some(Change::Remove(place)) => drop(line.remove(place.index(line.len()))),
            None => {}
        }
        (other.unwrap_or(format), line)
    });
    line.prop_filter("a line has no line feed", |(_, line)| {
        !line.contains(&b'\n')
    })
}

/// Bytes that look like lines far more often than random ones do.
fn nearly_a_file() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"ffffffff81000000".to_vec()),
        Just(b"c0008000".to_vec()),
        Just(b" ".to_vec()),
        Just(b" 1f ".to_vec()),
        Just(b" T ".to_vec()),
        Just(b"d t".to_vec()),
        Just(b"\t[".to_vec()),
        Just(b"ext4] [".to_vec()),
        Just(b"]".to_vec()),
        Just(b" {a.o}".to_vec()),
        Just(b"\n".to_vec()),
        vec(any::<u8>(), 0..4),
    ];
    vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// A file cut to pieces, some of which do not come at the first try.
#[derive(Debug)]
struct Pieces<'a> {
    rest: &'a [u8],
    /// The sizes of the pieces, again and again; none to fail.
    sizes: std::iter::Cycle<std::vec::IntoIter<Option<usize>>>,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.sizes.next() {
            Some(Some(size)) => {
                let size = size.min(buffer.len());
                self.rest.read(&mut buffer[..size])
            }
            _ if self.rest.len() % 2 == 0 => Err(io::ErrorKind::Interrupted.into()),
            _ => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

/// Sizes of pieces, at least one of them none to fail.
fn sizes() -> impl Strategy<Value = Vec<Option<usize>>> {
    let size = prop_oneof![Just(1_usize), 1..10_usize, 1..200_usize, Just(4096)];
    (
        vec(proptest::option::weighted(0.8, size.clone()), 0..8),
        size,
    )
        .prop_map(|(mut sizes, last)| {
            sizes.push(Some(last));
            sizes
        })
}

/// What one reads of a symbol or an error, in full.
fn read_pieces(mut reader: Reader<Pieces<'_>>) -> (Vec<Result<String, Error>>, Option<Format>) {
    let mut items = Vec::new();
    loop {
        match reader.next() {
            Ok(Some(symbol)) => items.push(Ok(format!("{symbol:?}"))),
            Ok(None) => return (items, reader.format()),
            Err(ReadError::Symbol(error)) => items.push(Err(error)),
            Err(ReadError::Io(error)) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            Err(error) => panic!("{error}"),
        }
    }
}

/// The same in one piece. Lines over the limit are left out and their errors put in.
fn read_whole(file: &[u8], line_max: usize) -> (Vec<Result<String, Error>>, Option<Format>) {
    let bare = |line: &[u8]| line.strip_suffix(b"\n").unwrap_or(line).len();
    let is_short = |line: &&[u8]| bare(line) <= line_max;
    let lines = || file.split_inclusive(|&byte| byte == b'\n');
    let short: Vec<u8> = lines().filter(is_short).flatten().copied().collect();
    let mut symbols = Symbols::new(&short);
    let mut items = Vec::new();
    let mut offset = 0;
    for (line, number) in lines().zip(1..) {
        if is_short(&line) {
            let item = symbols.next().expect("a line is an item");
            items.push(
                item.map(|symbol| format!("{symbol:?}"))
                    .map_err(|mut error| {
                        error.position.line = number;
                        error.position.offset = offset + error.position.column - 1;
                        error
                    }),
            );
        } else {
            let mut error = Symbols::new(b"\n").next().unwrap().unwrap_err();
            error.kind = ErrorKind::LineTooLong { max: line_max };
            error.position.line = number;
            error.position.column = line_max + 1;
            error.position.offset = offset + line_max;
            items.push(Err(error));
        }
        offset += line.len();
    }
    assert!(symbols.next().is_none());
    (items, symbols.format())
}

/// A file of any kind.
fn any_file() -> impl Strategy<Value = Vec<u8>> {
    let lines = vec(nearly_a_line(), 0..12);
    let lines = lines.prop_map(|lines| {
        let lines = lines
            .into_iter()
            .map(|(_, line)| [line, b"\n".to_vec()].concat());
        lines.collect::<Vec<_>>().concat()
    });
    let good = format_and_file().prop_map(|(format, file)| {
        let lines = file
            .iter()
            .map(|parts| [parts.line(format.width), b"\n".to_vec()].concat());
        lines.collect::<Vec<_>>().concat()
    });
    prop_oneof![lines, good, nearly_a_file(), vec(any::<u8>(), 0..300)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_printed_line_is_read_back((format, parts) in format_and_parts()) {
        let line = parts.line(format.width);
        let symbol = grammar::symbol(format, &line).expect("the line is well formed");
        prop_assert_eq!(symbol.address, parts.address);
        prop_assert_eq!(symbol.size, parts.size);
        prop_assert_eq!(symbol.kind, parts.kind);
        prop_assert_eq!(symbol.name, &parts.name);
        prop_assert!(symbol.modules.iter().eq(parts.modules.iter().map(String::as_bytes)));
        prop_assert_eq!(symbol.modules.len(), parts.modules.len());
        prop_assert_eq!(symbol.object, parts.object.as_deref().map(str::as_bytes));

        let mut printed = Vec::new();
        symbol.write_line(format.width, &mut printed);
        prop_assert_eq!(printed.pop(), Some(b'\n'));
        prop_assert_eq!(printed, line);
    }

    #[test]
    fn the_format_of_a_file_is_found((format, file) in format_and_file()) {
        let lines = file.iter().map(|parts| [parts.line(format.width), vec![b'\n']].concat());
        let source: Vec<u8> = lines.flatten().collect();
        let mut symbols = Symbols::new(&source);
        prop_assert_eq!(symbols.by_ref().flatten().count(), file.len());
        let found = symbols.format().expect("all lines are well formed");
        prop_assert_eq!(found.width, format.width);
        // As the lines tell: not every line of a dialect has what only that dialect has.
        let several = file.iter().any(|parts| parts.modules.len() > 1);
        let object = file.iter().any(|parts| parts.object.is_some());
        let narrowest = match (format.dialect, object, several) {
            (Dialect::Sized, ..) => Dialect::Sized,
            (_, true, _) => Dialect::Object,
            (_, false, true) => Dialect::Unsized,
            (_, false, false) => Dialect::Kallsyms,
        };
        prop_assert_eq!(found.dialect, narrowest);
        prop_assert_eq!(Format::detect(&source), Some(found));
    }

    #[test]
    fn a_line_with_a_byte_changed_is_refused_or_printed_as_it_is(
        (format, parts) in format_and_parts(), place: prop::sample::Index, byte: u8,
    ) {
        let mut line = parts.line(format.width);
        let place = place.index(line.len());
        line[place] = byte;
        if let Ok(symbol) = grammar::symbol(format, &line) {
            let mut printed = Vec::new();
            symbol.write_line(format.width, &mut printed);
            prop_assert_eq!(printed.pop(), Some(b'\n'));
            prop_assert_eq!(printed, line);
        }
    }

    /// Within a file, lines are recognized by code of its own, which is fast and says nothing of what is wrong.
    #[test]
    fn a_line_is_the_same_alone_and_in_a_file(
        (format, line) in nearly_a_line(), after in nearly_a_file(),
    ) {
        let mut file = line.clone();
        file.push(b'\n');
        file.extend(after);
        file.extend([b'x'; 64]);
        let alone = grammar::symbol(format, &line);
        let in_file = Symbols::with_format(&file, format).next().expect("there is a line");
        prop_assert_eq!(alone.ok(), in_file.ok());
        if let (Err(fault), Err(error)) = (alone, in_file) {
            prop_assert_eq!((fault.kind, fault.at), (error.kind, error.position.offset));
        }
    }

    #[test]
    fn pieces_are_read_as_the_whole(file in any_file(), sizes in sizes()) {
        let pieces = Pieces { rest: &file, sizes: sizes.into_iter().cycle() };
        prop_assert_eq!(read_pieces(Reader::new(pieces)), read_whole(&file, usize::MAX));
    }

    #[test]
    fn lines_over_the_limit_are_skipped(file in any_file(), sizes in sizes(), line_max in 0..100_usize) {
        let pieces = Pieces { rest: &file, sizes: sizes.into_iter().cycle() };
        let reader = Reader::new(pieces).line_max(line_max);
        prop_assert_eq!(read_pieces(reader), read_whole(&file, line_max));
    }

    #[test]
    fn no_bytes_make_a_panic(source in prop_oneof![nearly_a_file(), vec(any::<u8>(), 0..300)], other in nearly_a_file()) {
        for symbol in Symbols::new(&source) {
            if let Err(error) = symbol {
                // The place is in the file and in the line that it names.
                prop_assert!(error.position.offset <= source.len());
                let before = &source[..error.position.offset];
                let lines = before.split(|&byte| byte == b'\n').count();
                prop_assert_eq!(error.position.line, lines);
                let column = before.iter().rev().take_while(|&&byte| byte != b'\n').count();
                prop_assert_eq!(error.position.column, column + 1);
                prop_assert!(!error.diagnostic("file", &source).to_string().is_empty());
            }
        }
        let report = Validation::new(&source).against(&other).run();
        let lines = source.split_inclusive(|&byte| byte == b'\n').count();
        prop_assert_eq!(report.summary.lines, lines);
        for finding in &report.findings {
            prop_assert!(!finding.diagnostic("file", &source).to_string().is_empty());
        }
    }

    #[test]
    fn a_file_agrees_with_its_own_projection((format, file) in format_and_file()) {
        // All of it kernel image: the last line names no module.
        let mut source = Vec::new();
        let mut kallsyms = Vec::new();
        let end = Parts { modules: vec![], object: None, ..file[0].clone() };
        for mut parts in file.into_iter().chain([end]) {
            source.extend(parts.line(format.width));
            source.push(b'\n');
            parts.size = None;
            parts.modules.clear();
            parts.object = None;
            kallsyms.extend(parts.line(format.width));
            kallsyms.push(b'\n');
        }
        let report = Validation::new(&source).against(&kallsyms).run();
        prop_assert_eq!(report.count(kallmodsyms::validate::Rule::Projection), 0, "{:?}", report.findings);
    }
}
