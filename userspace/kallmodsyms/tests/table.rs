// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What a table answers, against a list that is searched from end to end, and on the file of a real boot.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::fmt;

use kallmodsyms::table::{Builder, Entry, Location};
use kallmodsyms::{ErrorKind, Group, Query, Section, SymbolTable, glob_match};
use kallmodsyms_captures::Capture;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// A symbol, kept as simply as can be.
#[derive(Clone)]
struct Plain {
    address: u64,
    size: u64,
    letter: u8,
    name: Vec<u8>,
    modules: Vec<&'static str>,
    object: Option<&'static str>,
}

impl Plain {
    fn line(&self, sized: bool) -> Vec<u8> {
        let mut line = format!("{:016x} ", self.address).into_bytes();
        if sized {
            line.extend(format!("{:x} ", self.size).bytes());
        }
        line.extend([self.letter, b' ']);
        line.extend(&self.name);
        let modules = self.modules.iter().map(|module| format!("[{module}]"));
        let object = self.object.iter().map(|object| format!("{{{object}}}"));
        let list: Vec<String> = modules.chain(object).collect();
        if !list.is_empty() {
            line.extend(format!("\t{}", list.join(" ")).bytes());
        }
        line.push(b'\n');
        line
    }
}

/// Failures are easier to read as lines.
impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.line(true).escape_ascii())
    }
}

/// The symbols of a file in the order that a table promises, and nothing to find them by.
#[derive(Debug)]
struct Model {
    sized: bool,
    symbols: Vec<Plain>,
    groups: Vec<Group>,
    /// The ranks of all that are no mapping symbols.
    others: Vec<usize>,
}

impl Model {
    fn new(source: &[Plain], sized: bool) -> Self {
        let groups = groups(source, sized);
        // Where all sizes are zero, none is known.
        let sized = sized && source.iter().any(|symbol| symbol.size != 0);
        let mut order: Vec<usize> = (0..source.len()).collect();
        order.sort_by_key(|&index| {
            let Plain { address, size, .. } = source[index];
            let size = if sized { size } else { 0 };
            (address, size != 0, Reverse(size))
        });
        let symbols: Vec<Plain> = order.iter().map(|&index| source[index].clone()).collect();
        let is_other = |index: &usize| !is_mapping(&symbols[*index]);
        Self {
            sized,
            others: (0..symbols.len()).filter(is_other).collect(),
            symbols,
            groups: order.iter().map(|&index| groups[index]).collect(),
        }
    }

    fn start(&self, index: usize) -> u64 {
        self.symbols[index].address
    }

    fn size(&self, index: usize) -> Option<u64> {
        self.sized.then_some(self.symbols[index].size)
    }

    fn is_mapping(&self, index: usize) -> bool {
        is_mapping(&self.symbols[index])
    }

    fn end(&self, index: usize) -> u64 {
        let start = self.start(index);
        if self.is_mapping(index) {
            return start;
        }
        if self.sized {
            return start.saturating_add(self.symbols[index].size);
        }
        self.reach(index)
    }

    /// To the next symbol that starts higher, if it is of the same module and not too far; else to the page's end.
    fn reach(&self, index: usize) -> u64 {
        let start = self.start(index);
        let page_end = (start | 0xfff).saturating_add(1);
        let next = self
            .others
            .partition_point(|&other| self.start(other) <= start);
        // Of several symbols here, the last tells where this is.
        let (here, next) = match self.others.get(next) {
            Some(&there) if next > 0 => (self.others[next - 1], there),
            _ => return page_end,
        };
        let owner = |index: usize| (&self.symbols[index].modules, self.symbols[index].object);
        let together = owner(here) == owner(next)
            || (self.groups[here].is_image() && self.groups[next].is_image());
        if together && u32::try_from(self.start(next) - start).is_ok() {
            self.start(next)
        } else {
            self.start(next).min(page_end)
        }
    }

    fn extent(&self, index: usize) -> (u64, Option<u64>) {
        (self.start(index), self.size(index))
    }

    /// Innermost first, symbols of one extent in table order.
    fn containing(&self, address: u64) -> Vec<usize> {
        let within = |&index: &usize| {
            self.start(index) <= address && address < self.end(index) && !self.is_mapping(index)
        };
        let mut found: Vec<usize> = (0..self.symbols.len()).filter(within).collect();
        found.sort_by_key(|&index| {
            let (start, size) = self.extent(index);
            (Reverse(start), size, index)
        });
        found
    }

    fn lookup(&self, address: u64) -> Answer {
        if let Some(&index) = self.containing(address).first() {
            return Answer::Inside(index, address - self.start(index));
        }
        if let Some(index) = self.code_without_size(address) {
            return Answer::Inside(index, address - self.start(index));
        }
        let after = (0..self.symbols.len()).find(|&index| self.start(index) > address);
        let before = after.unwrap_or(self.symbols.len()).checked_sub(1);
        Answer::Outside(before, after)
    }

    /// The code of size zero that is the last symbol at or below an address, as far as it would reach without sizes.
    fn code_without_size(&self, address: u64) -> Option<usize> {
        let below = |&index: &usize| self.start(index) <= address && !self.is_mapping(index);
        let below = (0..self.symbols.len()).filter(below);
        let is_without = |&last: &usize| self.size(last) == Some(0);
        let last = below.clone().next_back().filter(is_without)?;
        let is_code = |&index: &usize| b"tTwW".contains(&self.symbols[index].letter);
        let mut alike = below.filter(|&index| self.extent(index) == (self.start(last), Some(0)));
        alike.rfind(is_code).filter(|_| address < self.reach(last))
    }

    fn named(&self, name: &[u8]) -> Vec<usize> {
        self.filter(|symbol| symbol.name == name)
    }

    fn named_folded(&self, name: &[u8]) -> Vec<usize> {
        let exact = self.named(name);
        if !exact.is_empty() {
            return exact;
        }
        self.filter(|symbol| folded(&symbol.name) == name)
    }

    /// `module` and `name` are what stands before and after the backquote.
    fn find(&self, module: Option<&str>, name: &[u8]) -> Vec<usize> {
        self.find_by(module, name, |symbol| &symbol.name)
    }

    fn find_folded(&self, module: Option<&str>, name: &[u8]) -> Vec<usize> {
        let exact = self.find(module, name);
        if exact.is_empty() {
            self.find_by(module, name, |symbol| folded(&symbol.name))
        } else {
            exact
        }
    }

    fn find_by(
        &self,
        module: Option<&str>,
        name: &[u8],
        name_of: impl Fn(&Plain) -> &[u8],
    ) -> Vec<usize> {
        self.filter(|symbol| {
            let modules: &[&str] = match symbol.modules.as_slice() {
                [] => &["vmlinux"],
                modules => modules,
            };
            let wanted = |pattern: &str| {
                let matches = |name: &&str| glob_match(pattern.as_bytes(), name.as_bytes());
                modules.iter().any(matches)
            };
            glob_match(name, name_of(symbol)) && module.is_none_or(wanted)
        })
    }

    fn filter(&self, wanted: impl Fn(&Plain) -> bool) -> Vec<usize> {
        let symbols = self.symbols.iter().enumerate();
        symbols
            .filter(|(_, symbol)| wanted(symbol))
            .map(|(index, _)| index)
            .collect()
    }

    /// Symbols and bytes by section of each module, and of core code under `None`. Addresses are cut wherever a symbol
    /// of the module starts or ends; each piece belongs to the first symbol that covers it.
    fn totals(&self) -> BTreeMap<Option<&str>, (usize, BTreeMap<Section, u64>)> {
        let mut members: BTreeMap<Option<&str>, Vec<usize>> = BTreeMap::from([(None, vec![])]);
        for (index, symbol) in self.symbols.iter().enumerate() {
            if symbol.modules.is_empty() {
                members.entry(None).or_default().push(index);
            }
            for &module in &symbol.modules {
                members.entry(Some(module)).or_default().push(index);
            }
        }
        let count = |indexes: &[usize]| {
            let mut bytes: BTreeMap<Section, u64> = BTreeMap::new();
            let ends = |&index: &usize| {
                let start = self.start(index);
                (start, start.saturating_add(self.size(index).unwrap_or(0)))
            };
            let mut cuts: BTreeSet<u64> = BTreeSet::new();
            let mut covered: BTreeSet<u64> = BTreeSet::new();
            cuts.extend(
                indexes
                    .iter()
                    .flat_map(|index| <[u64; 2]>::from(ends(index))),
            );
            for index in indexes {
                let (start, end) = ends(index);
                // Every piece of this symbol that none before it covers.
                let mut pieces = cuts.range(start..=end).copied().collect::<Vec<_>>();
                pieces.retain(|piece| *piece != end && covered.insert(*piece));
                for piece in pieces {
                    let next = cuts.range(piece + 1..).next().expect("a piece has an end");
                    let section = Section::of_letter(self.symbols[*index].letter);
                    *bytes.entry(section).or_default() += next - piece;
                }
            }
            (indexes.len(), bytes)
        };
        members
            .into_iter()
            .map(|(module, indexes)| (module, count(&indexes)))
            .collect()
    }

    /// Start and end of each gap, the symbol that it follows, and the one that it ends at. A marker cuts a gap in two.
    fn gaps(&self) -> Vec<(u64, u64, usize, usize)> {
        let mut gaps = Vec::new();
        for after in 1..self.symbols.len() {
            let end = self.start(after);
            let start = (0..after).map(|index| self.end(index)).max();
            let start = start.expect("there are symbols before");
            if self.sized && start < end {
                let before = (0..after).filter(|&index| self.end(index) == start);
                // Of those that end there, the last that starts there, else the first.
                let mut at_end = before.clone().filter(|&index| self.start(index) == start);
                let before = at_end.next_back().or_else(|| before.clone().next());
                gaps.push((start, end, before.expect("the one that ends there"), after));
            }
        }
        gaps
    }
}

/// Whether a symbol only marks code or data in the midst of others.
fn is_mapping(symbol: &Plain) -> bool {
    symbol.name.starts_with(b"$") || symbol.name.starts_with(b".L")
}

/// What a look-up answers, by rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Inside(usize, u64),
    Outside(Option<usize>, Option<usize>),
}

impl From<Location<'_>> for Answer {
    fn from(location: Location<'_>) -> Self {
        match location {
            Location::Inside { symbol, offset } => Self::Inside(symbol.index(), offset),
            Location::Outside { before, after } => Self::Outside(
                before.map(|symbol| symbol.index()),
                after.map(|symbol| symbol.index()),
            ),
        }
    }
}

/// The shortest name to which clang could have appended the rest.
fn folded(name: &[u8]) -> &[u8] {
    let end = (1..name.len()).find(|&end| is_appended(&name[end..]));
    &name[..end.unwrap_or(name.len())]
}

/// Whether clang appends this: any of its suffixes, one after the other.
fn is_appended(mut rest: &[u8]) -> bool {
    while !rest.is_empty() {
        let marks = [&b".cfi_jt"[..], b".cfi"];
        if let Some(after) = marks.iter().find_map(|mark| rest.strip_prefix(*mark)) {
            rest = after;
            continue;
        }
        let leads = [
            (&b".llvm."[..], 1),
            (b".__uniq.", 1),
            (b".", 12),
            (b"$", 12),
        ];
        let after_hash = leads.iter().find_map(|&(lead, least)| {
            let hash = rest.strip_prefix(lead)?;
            let is_hex = |byte: &&u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(*byte);
            let digits = hash.iter().take_while(is_hex).count();
            (digits >= least).then(|| &hash[digits..])
        });
        match after_hash {
            Some(after) => rest = after,
            None => return false,
        }
    }
    true
}

/// The group of each symbol of a file: what names of modules stand before the last line without one are built in,
/// unless no built-in symbol of the file has a bracket.
fn groups(source: &[Plain], sized: bool) -> Vec<Group> {
    let tells_built_in = sized
        || source.iter().any(|symbol| symbol.object.is_some())
        || source.iter().any(|symbol| symbol.modules.len() > 1);
    let bare = source.iter().rposition(|symbol| symbol.modules.is_empty());
    let image = bare.filter(|_| tells_built_in).unwrap_or(0);
    let owner = |symbol: &Plain| (symbol.modules.clone(), symbol.object);
    let built_in: BTreeSet<_> = source[..image].iter().map(owner).collect();
    let group = |symbol: &Plain| match symbol.modules.first() {
        None => Group::Core,
        Some(_) if built_in.contains(&owner(symbol)) => Group::BuiltIn,
        Some(&"__builtin__ftrace") => Group::Ftrace,
        Some(&"bpf") => Group::Bpf,
        Some(&"__builtin__kprobes") => Group::Kprobes,
        Some(_) => Group::Loaded,
    };
    source.iter().map(group).collect()
}

const LETTERS: &[u8] = b"TtDdRrBbWwVvAaUu?";
const MODULES: &[&[&str]] = &[
    &[],
    &["a"],
    &["b"],
    &["a", "b"],
    &["a", "b", "nfs"],
    &["nfs"],
    &["bpf"],
    &["__builtin__ftrace"],
    &["vmlinux"],
    &["__builtin__kprobes"],
];

/// How far a symbol starts after the one before it.
fn step() -> impl Strategy<Value = u64> {
    prop_oneof![
        30 => Just(0_u64),
        60 => 1_u64..0x40,
        8 => 0x40_u64..0x3_0000,
        // Next to what a table takes for a seam.
        1 => 0xff_fffe_u64..0x100_0003,
        1 => 0xffff_fffd_u64..0x1_0000_0003,
        1 => select(&[0xffff_ffff_0000_0000_u64, 0x7fff_ffff_ffff_f000, 0x5_0000_0000][..]),
    ]
}

fn size() -> impl Strategy<Value = u64> {
    prop_oneof![
        10 => Just(0_u64),
        40 => 1_u64..0x40,
        // Aliases as a rule.
        20 => Just(0x20_u64),
        10 => 0x40_u64..0x1000,
        3 => 65_534_u64..65_538,
        1 => 0x1_0000_u64..0x20_0000,
        1 => select(&[0xffff_ffff_u64, 0x1_0000_0000, 1 << 40, u64::MAX][..]),
    ]
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        20 => (0_u32..500).prop_map(|number| format!("f{number}").into_bytes()),
        4 => select(&["probe", "__key.0", "t", "f1.cold", "f2.isra.0"][..]).prop_map(Vec::from),
        2 => (0_u32..9).prop_map(|number| format!("f{number}.llvm.{number}77").into_bytes()),
        3 => select(&["$x", "$d.1", ".L3"][..]).prop_map(Vec::from),
        1 => select(&["probe.llvm.1", "probe.llvm.1.llvm.2", ".llvm.5", "x.llvm.", "x.llvm.9"][..])
            .prop_map(Vec::from),
        1 => select(&["probe.cfi", "f2.cfi_jt", "f2.0123456789ab.cfi", "f2$0123456789ab", "x.__uniq.7.llvm.f"][..])
            .prop_map(Vec::from),
        1 => select(vec![&b"\xff\xfe"[..], b"f*", b"f[1]", b"\\"]).prop_map(Vec::from),
    ]
}

/// The order in which the source lists its symbols.
#[derive(Clone, Copy, Debug)]
enum Order {
    Sorted,
    /// Sorted up to a place, then anyhow: as the kernel's own file.
    Tail(usize),
    Reversed,
    Random,
}

#[derive(Clone, Debug)]
struct Source {
    sized: bool,
    symbols: Vec<Plain>,
}

impl Source {
    fn bytes(&self) -> Vec<u8> {
        let lines = self.symbols.iter().map(|symbol| symbol.line(self.sized));
        lines.flatten().collect()
    }
}

/// Files of `count` symbols.
fn source(count: impl Into<proptest::collection::SizeRange>) -> impl Strategy<Value = Source> {
    // Neighbours belong to the same modules as a rule: only a one in eight changes them.
    let owner = proptest::option::weighted(0.125, (select(MODULES), 0_usize..4));
    let symbol = (step(), size(), select(LETTERS), name(), owner, any::<u32>());
    let order = prop_oneof![
        3 => Just(Order::Sorted),
        3 => any::<Index>().prop_map(|index| Order::Tail(index.index(5000))),
        1 => Just(Order::Reversed),
        2 => Just(Order::Random),
    ];
    let base = select(
        &[
            0_u64,
            0x1000,
            0xc000_0000,
            0xffff_ffff_8100_0000,
            u64::MAX - 0x80,
        ][..],
    );
    // Whether the file has sizes, object files, several modules for a symbol.
    let dialect = select(
        &[
            (true, false, true),
            (false, false, true),
            (false, true, true),
            (false, false, false),
        ][..],
    );
    // By how many bits to shift steps: symbols may lie far apart, so that there is a seam between any two.
    let spread = select(&[0_u32, 0, 0, 0, 0, 0, 16, 22, 33][..]);
    (base, spread, dialect, order, vec(symbol, count)).prop_map(
        |(base, spread, (sized, objects, several), order, parts)| {
            let mut address = base;
            let mut last = (&[][..], 0);
            let mut symbols = Vec::new();
            let mut keys = Vec::new();
            for (step, size, letter, name, owner, key) in parts {
                let step = step.checked_mul(1 << spread);
                let next = step.and_then(|step| address.checked_add(step));
                address = next.unwrap_or(address);
                last = owner.unwrap_or(last);
                let (modules, object) = last;
                let modules = if several {
                    modules
                } else {
                    &modules[..modules.len().min(1)]
                };
                let object = ["x.o", "y.o"].get(object).copied().filter(|_| objects);
                symbols.push(Plain {
                    address,
                    size: if sized { size } else { 0 },
                    letter,
                    name,
                    modules: modules.to_vec(),
                    object,
                });
                keys.push(key);
            }
            let mut places: Vec<usize> = (0..symbols.len()).collect();
            match order {
                Order::Sorted => {}
                Order::Tail(start) => {
                    let start = start.min(places.len());
                    places[start..].sort_by_key(|&place| keys[place]);
                }
                Order::Reversed => places.reverse(),
                Order::Random => places.sort_by_key(|&place| keys[place]),
            }
            let symbols = places.into_iter().map(|place| symbols[place].clone());
            Source {
                sized,
                symbols: symbols.collect(),
            }
        },
    )
}

/// Small files often, since they shrink and reach corners; files of several blocks of 32 and of 1024 symbols sometimes.
fn any_source() -> impl Strategy<Value = Source> {
    prop_oneof![
        12 => source(1..40),
        6 => source(40..300),
        2 => source(1000..1200),
        1 => source(4000..5000),
    ]
}

/// The table and the model of a file, or `None` where all addresses are zero and the table has to be refused.
fn build(source: &Source) -> Option<(SymbolTable, Model)> {
    let table = SymbolTable::from_bytes(&source.bytes());
    if source.symbols.iter().all(|symbol| symbol.address == 0) {
        let error = table.expect_err("no address is shown");
        assert_eq!(error.kind, ErrorKind::HiddenAddresses);
        return None;
    }
    let table = table.expect("the file is well formed");
    Some((table, Model::new(&source.symbols, source.sized)))
}

/// Addresses worth asking for: the borders of some symbols and what is next to them.
fn addresses(model: &Model, picks: &[Index], others: &[u64]) -> Vec<u64> {
    let mut addresses = vec![0, 1, u64::MAX - 1, u64::MAX];
    addresses.extend(others);
    for pick in picks {
        let index = pick.index(model.symbols.len());
        let (start, end) = (model.start(index), model.end(index));
        for border in [start, end, start + (end - start) / 2] {
            addresses.extend([border.saturating_sub(1), border, border.saturating_add(1)]);
        }
    }
    addresses
}

fn ranks<'t>(entries: impl Iterator<Item = kallmodsyms::table::Entry<'t>>) -> Vec<usize> {
    entries.map(|entry| entry.index()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn symbols_come_back_in_order(source in any_source()) {
        let Some((table, model)) = build(&source) else { return Ok(()) };
        prop_assert_eq!(table.len(), model.symbols.len());
        prop_assert_eq!(table.iter().len(), table.len());
        prop_assert!(table.get(table.len()).is_none());
        for (index, (entry, plain)) in table.iter().zip(&model.symbols).enumerate() {
            prop_assert_eq!(entry.index(), index);
            prop_assert_eq!(table.get(index), Some(entry));
            prop_assert_eq!(entry.address(), plain.address);
            prop_assert_eq!(entry.size(), model.size(index));
            prop_assert_eq!(entry.letter(), plain.letter);
            prop_assert_eq!(entry.name(), &plain.name);
            prop_assert!(entry.modules().iter().eq(plain.modules.iter().map(|name| name.as_bytes())));
            prop_assert_eq!(entry.object(), plain.object.map(str::as_bytes));
            prop_assert_eq!(entry.group(), model.groups[index], "{:?}", entry);
        }
        prop_assert!(table.iter().rev().map(|entry| entry.index()).eq((0..table.len()).rev()));
    }

    #[test]
    fn symbols_make_the_same_table_again(source in any_source(), backwards in any::<bool>()) {
        let Some((table, _)) = build(&source) else { return Ok(()) };
        let mut builder = Builder::new();
        let push = |builder: &mut Builder, entry: Entry<'_>| builder.push_in(&entry.symbol(), entry.group());
        // Those at one address stay in the order of the source.
        let mut entries: Vec<Entry<'_>> = table.iter().collect();
        if backwards {
            entries.sort_by_key(|entry| Reverse(entry.address()));
        }
        for &entry in &entries {
            push(&mut builder, entry);
        }
        let again = builder.finish(table.facts()).expect("as many symbols");
        prop_assert_eq!(again.facts(), table.facts());
        for (one, other) in table.iter().zip(&again) {
            prop_assert_eq!(one.symbol(), other.symbol());
            prop_assert_eq!((one.group(), one.end()), (other.group(), other.end()));
        }
        prop_assert_eq!(again.len(), table.len());
    }

    #[test]
    fn addresses_are_found(
        source in any_source(), picks in vec(any::<Index>(), 12), others in vec(any::<u64>(), 4),
    ) {
        let Some((table, model)) = build(&source) else { return Ok(()) };
        for address in addresses(&model, &picks, &others) {
            let containing = model.containing(address);
            prop_assert_eq!(ranks(table.containing(address)), &containing[..], "{:#x}", address);
            prop_assert_eq!(Answer::from(table.lookup(address)), model.lookup(address), "{:#x}", address);
            let at = model.filter(|symbol| symbol.address == address);
            prop_assert_eq!(ranks(table.at(address)), at);
        }
        for pick in picks {
            let entry = table.get(pick.index(table.len())).expect("a rank within");
            prop_assert_eq!(entry.end(), model.end(entry.index()), "{:?}", entry);
            let same = |&index: &usize| model.extent(index) == model.extent(entry.index());
            let aliases: Vec<usize> = (0..table.len()).filter(same).collect();
            prop_assert_eq!(ranks(entry.aliases()), aliases);
        }
    }

    #[test]
    fn ranges_are_found(source in any_source(), picks in vec(any::<Index>(), 4), others in vec(any::<u64>(), 2)) {
        use std::ops::Bound::{self, Excluded, Included, Unbounded};
        let Some((table, model)) = build(&source) else { return Ok(()) };
        let addresses = addresses(&model, &picks, &others);
        let above = |bound: Bound<u64>, address: u64| match bound {
            Included(bound) => bound <= address,
            Excluded(bound) => bound < address,
            Unbounded => true,
        };
        let below = |bound: Bound<u64>, address: u64| match bound {
            Included(bound) => address <= bound,
            Excluded(bound) => address < bound,
            Unbounded => true,
        };
        // A range whose end lies before its start has nothing in it, and is no panic.
        for pair in addresses.windows(2).flat_map(|pair| [[pair[0], pair[1]], [pair[1], pair[0]]]) {
            for start in [Included(pair[0]), Excluded(pair[0]), Unbounded] {
                for end in [Included(pair[1]), Excluded(pair[1]), Unbounded] {
                    let within = |symbol: &Plain| above(start, symbol.address) && below(end, symbol.address);
                    let found = ranks(table.range((start, end)));
                    prop_assert_eq!(found, model.filter(within), "{:x?} {:x?}", start, end);
                }
            }
        }
    }

    #[test]
    fn names_are_found(source in any_source(), picks in vec(any::<Index>(), 20), others in vec(name(), 20)) {
        let Some((table, model)) = build(&source) else { return Ok(()) };
        let known = picks.iter().map(|pick| model.symbols[pick.index(table.len())].name.clone());
        for name in known.chain(others).chain([vec![]]) {
            let text = name.escape_ascii();
            prop_assert_eq!(ranks(table.named(&name)), model.named(&name), "{}", text);
            prop_assert_eq!(ranks(table.named_folded(&name)), model.named_folded(&name), "{}", text);
        }
    }

    #[test]
    fn queries_are_answered(source in any_source(), picks in vec(any::<Index>(), 4)) {
        let Some((table, model)) = build(&source) else { return Ok(()) };
        let known = picks.iter().map(|pick| model.symbols[pick.index(table.len())].name.clone());
        // Names that are patterns or have a backslash stand for themselves only when escaped.
        let plain = known.filter(|name| !name.iter().any(|byte| b"*?[\\".contains(byte)));
        let patterns = [&b"f1*"[..], b"f?", b"*", b"f[!1-3]*", b"\\f1", b"*.llvm.*", b"none", b"probe", b"pr?be", b"f2"];
        for name in plain.chain(patterns.map(Vec::from)) {
            for module in [None, Some("a"), Some("nfs"), Some("vmlinux"), Some("[ab]"), Some("*"), Some("v*x"), Some("")] {
                let text = module.map_or(vec![], |module| [module.as_bytes(), b"`"].concat());
                let text = [text, name.clone()].concat();
                let found = ranks(table.find(Query::parse(&text)));
                prop_assert_eq!(found, model.find(module, &name), "{}", text.escape_ascii());
                let found = ranks(table.find_folded(Query::parse(&text)));
                prop_assert_eq!(found, model.find_folded(module, &name), "{}", text.escape_ascii());
            }
        }
    }

    #[test]
    fn modules_are_totalled(source in any_source()) {
        let Some((table, model)) = build(&source) else { return Ok(()) };
        let mut expected = model.totals();
        let core = expected.remove(&None).expect("core code has totals");
        let names: Vec<&str> = expected.keys().copied().flatten().collect();
        let found: Vec<&[u8]> = table.modules().map(|module| module.name()).collect();
        prop_assert!(found.iter().copied().eq(names.iter().map(|name| name.as_bytes())));
        for module in table.modules() {
            prop_assert_eq!(table.module(module.name()), Some(module));
            // A module that is listed built in anywhere is built in.
            let name = |index: &usize| model.symbols[*index].modules.iter().any(|name| name.as_bytes() == module.name());
            let groups = (0..table.len()).filter(name).map(|index| model.groups[index]);
            let groups: BTreeSet<Group> = groups.collect();
            prop_assert!(groups.contains(&module.group()), "{:?} {:?}", module, groups);
            prop_assert!(module.group() == Group::BuiltIn || !groups.contains(&Group::BuiltIn), "{:?}", module);
        }
        prop_assert!(table.module(b"none").is_none());

        let totals = table.totals();
        prop_assert_eq!(totals.len(), names.len() + 1);
        let keys = totals.iter().map(|(module, _)| module.map(|module| module.name()));
        prop_assert!(keys.eq(names.iter().map(|name| Some(name.as_bytes())).chain([None])));
        for ((module, totals), (symbols, bytes)) in totals.iter().zip(expected.values().chain([&core])) {
            prop_assert_eq!(totals.symbols(), *symbols, "{:?}", module);
            for section in Section::ALL {
                let expected = bytes.get(&section).copied().unwrap_or(0);
                prop_assert_eq!(totals.bytes(section), expected, "{:?} {:?}", module, section);
            }
            prop_assert_eq!(totals.all_bytes(), bytes.values().sum::<u64>());
        }
    }
}

proptest! {
    // The model looks at all pairs.
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn gaps_are_found(source in prop_oneof![9 => source(1..60), 1 => source(60..400)]) {
        let Some((table, model)) = build(&source) else { return Ok(()) };
        let gaps = table.gaps();
        let found: Vec<_> = gaps.map(|gap| (gap.start, gap.end, gap.before.index(), gap.after.index())).collect();
        prop_assert_eq!(found, model.gaps());
    }
}

/// What the sweep over a table says of one address: the innermost symbol.
fn sweep(table: &SymbolTable, addresses: &[u64]) -> Vec<Option<usize>> {
    // Symbols that have started, by rank, and the same by end.
    let mut open: BTreeSet<usize> = BTreeSet::new();
    let mut ends: BinaryHeap<(Reverse<u64>, usize)> = BinaryHeap::new();
    let mut next = table.iter().peekable();
    let answer = |&address: &u64| {
        while let Some(entry) = next.next_if(|entry| entry.address() <= address) {
            open.insert(entry.index());
            let end = entry
                .address()
                .saturating_add(entry.size().expect("sizes are known"));
            ends.push((Reverse(end), entry.index()));
        }
        while let Some(&(Reverse(end), index)) = ends.peek() {
            if end > address {
                break;
            }
            ends.pop();
            open.remove(&index);
        }
        open.last().copied()
    };
    addresses.iter().map(answer).collect()
}

#[test]
fn a_real_table_agrees_with_its_file() {
    let file = Capture::standard()
        .read("kallmodsyms")
        .expect("the capture is there");
    let table = SymbolTable::from_bytes(&file).expect("the capture is well formed");

    // The same lines, whatever their order.
    let mut copy = Vec::new();
    for entry in &table {
        entry
            .symbol()
            .write_line(kallmodsyms::Width::Bits64, &mut copy);
    }
    let sorted = |bytes: &[u8]| {
        let mut lines: Vec<Vec<u8>> = bytes
            .split(|&byte| byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect();
        lines.sort();
        lines
    };
    assert!(sorted(&copy) == sorted(&file), "lines are lost or changed");

    // Every border of every symbol, and both of its neighbours.
    let borders = table
        .iter()
        .flat_map(|entry| [entry.address(), entry.end()]);
    let around =
        borders.flat_map(|border| [border.saturating_sub(1), border, border.saturating_add(1)]);
    let addresses: Vec<u64> = around.collect::<BTreeSet<_>>().into_iter().collect();
    assert!(addresses.len() > 300_000);
    let answers = sweep(&table, &addresses);
    let (mut inside, mut several) = (0, 0);
    for (&address, answer) in addresses.iter().zip(answers) {
        let found = table.lookup(address).inside();
        // Hand-written code has no size, and is found where nothing else is.
        let found = found.filter(|(entry, offset)| entry.size().is_some_and(|size| *offset < size));
        let extent = |index: usize| {
            table
                .get(index)
                .map(|entry| (entry.address(), entry.size()))
        };
        let first = answer.map(|index| {
            let same = (0..index)
                .rev()
                .take_while(|&before| extent(before) == extent(index));
            same.last().unwrap_or(index)
        });
        assert_eq!(found.map(|(entry, _)| entry.index()), first, "{address:#x}");
        inside += usize::from(found.is_some());
        several += usize::from(table.containing(address).nth(1).is_some());
    }
    assert!(inside > 200_000, "{inside}");
    assert!(several > 400, "{several}");

    // Every name finds every symbol of that name.
    let mut by_name: BTreeMap<&[u8], Vec<usize>> = BTreeMap::new();
    for entry in &table {
        by_name.entry(entry.name()).or_default().push(entry.index());
    }
    for (name, expected) in by_name {
        assert_eq!(
            ranks(table.named(name)),
            expected,
            "{}",
            name.escape_ascii()
        );
    }

    // And under each of its modules, or as part of the kernel itself.
    let mut by_query: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
    for entry in &table {
        let modules = entry.modules();
        let core = modules.is_empty().then_some(&b"vmlinux"[..]);
        for module in modules.iter().chain(core) {
            let query = [module, b"`", entry.name()].concat();
            by_query.entry(query).or_default().push(entry.index());
        }
    }
    for (query, expected) in by_query {
        let found = table.find(Query::parse(&query));
        assert_eq!(ranks(found), expected, "{}", query.escape_ascii());
    }

    // The groups are those that kallsyms of the same boot tells: there, only what is outside the image has a bracket.
    let kallsyms = Capture::standard()
        .read("kallsyms")
        .expect("the capture is there");
    let brackets = kallsyms
        .split(|&byte| byte == b'\n')
        .filter(|line| line.contains(&b'\t'));
    let outside = table.iter().filter(|entry| !entry.group().is_image());
    assert_eq!(outside.count(), brackets.count());
}
