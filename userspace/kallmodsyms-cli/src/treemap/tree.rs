// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What the picture shows: modules, their sections, their symbols, each byte once.

use std::cmp::Reverse;
use std::collections::HashMap;

use kallmodsyms::table::Entry;
use kallmodsyms::{Group, Section, SymbolTable};

use crate::number;

/// The whole picture.
pub(super) struct Tree<'t> {
    pub(super) bytes: u64,
    pub(super) symbols: usize,
    /// How many modules there are; some share a branch, and some have several.
    pub(super) names: usize,
    /// The largest first.
    pub(super) modules: Vec<Branch<'t>>,
    /// How many symbols have no rectangle of their own.
    pub(super) merged: usize,
}

/// A module, several that share symbols, or the kernel itself.
pub(super) struct Branch<'t> {
    pub(super) name: String,
    pub(super) group: Group,
    pub(super) bytes: u64,
    pub(super) symbols: usize,
    pub(super) sections: Vec<Part<'t>>,
}

/// One section of a branch.
pub(super) struct Part<'t> {
    pub(super) section: Section,
    pub(super) bytes: u64,
    pub(super) symbols: usize,
    /// The largest first.
    pub(super) families: Vec<Family<'t>>,
}

/// Symbols whose names start alike, such as `acpi_*`: what the kernel itself has in place of modules. A module's
/// section is one family.
pub(super) struct Family<'t> {
    /// None for all that have no family of their own.
    pub(super) name: Option<String>,
    pub(super) bytes: u64,
    /// The largest first.
    pub(super) leaves: Vec<Leaf<'t>>,
    /// The small ones together: how many, and their bytes.
    pub(super) rest: (usize, u64),
}

/// A symbol, with the bytes that no symbol before it has.
#[derive(Clone, Copy)]
pub(super) struct Leaf<'t> {
    pub(super) symbol: Entry<'t>,
    pub(super) bytes: u64,
}

impl Family<'_> {
    pub(super) fn symbols(&self) -> usize {
        self.leaves.len() + self.rest.0
    }

    /// What the rectangle of the small ones is called.
    pub(super) fn rest_name(&self) -> String {
        format!("{} more", number::grouped(self.rest.0 as u64))
    }
}

/// A module below this part of the picture has no frame of its own: at 1600 by 900 it would be 12 pixels wide.
const SMALLEST_MODULE: u64 = 10_000;
/// A family below this part of the picture is none: at 1600 by 900 it would be 24 pixels wide.
const SMALLEST_FAMILY: u64 = 2_500;

impl<'t> Tree<'t> {
    /// Sorts all symbols with bytes into the tree, at most `limit` of them as leaves of their own.
    pub(super) fn new(table: &'t SymbolTable, limit: usize) -> Self {
        let mut parts: HashMap<(&[u8], Group, Section), Vec<Leaf<'t>>> = HashMap::new();
        let mut sizes = Vec::new();
        let mut counted = 0;
        for symbol in table {
            let end = symbol.end();
            let bytes = end.saturating_sub(symbol.address().max(counted));
            counted = counted.max(end);
            if bytes > 0 {
                let key = (
                    symbol.modules().as_bytes(),
                    symbol.group(),
                    symbol.section(),
                );
                parts.entry(key).or_default().push(Leaf { symbol, bytes });
                sizes.push(bytes);
            }
        }
        let total: u64 = sizes
            .iter()
            .fold(0, |sum, &bytes| sum.saturating_add(bytes));
        // Whole modules too small to show go together by group.
        let mut of_module: HashMap<(&[u8], Group), u64> = HashMap::new();
        for (&(modules, group, _), leaves) in &parts {
            *of_module.entry((modules, group)).or_default() += sum(leaves);
        }
        let is_small =
            |modules: &[u8], group| of_module[&(modules, group)] < total / SMALLEST_MODULE;
        let mut small: HashMap<Group, usize> = HashMap::new();
        for &(modules, group) in of_module.keys() {
            *small.entry(group).or_default() += usize::from(is_small(modules, group));
        }

        sizes.sort_unstable_by_key(|&bytes| Reverse(bytes));
        // Of equals on the border none has a leaf: which of them would be chance.
        let least = sizes.get(limit).map_or(0, |&bytes| bytes.saturating_add(1));
        let mut branches: HashMap<(String, Group), Branch<'t>> = HashMap::new();
        let symbols = sizes.len();
        for ((modules, group, section), leaves) in parts {
            let name = if is_small(modules, group) {
                format!("{} small modules", small[&group])
            } else {
                display(modules)
            };
            let branch = branches
                .entry((name.clone(), group))
                .or_insert_with(|| Branch {
                    name,
                    group,
                    bytes: 0,
                    symbols: 0,
                    sections: Vec::new(),
                });
            branch.bytes += sum(&leaves);
            branch.symbols += leaves.len();
            branch.add(section, leaves);
        }

        let mut modules: Vec<_> = branches.into_values().collect();
        modules.sort_by(|a, b| {
            (Reverse(a.bytes), &a.name, a.group).cmp(&(Reverse(b.bytes), &b.name, b.group))
        });
        let mut merged = 0;
        for branch in &mut modules {
            for part in &mut branch.sections {
                if branch.group == Group::Core {
                    part.divide(total / SMALLEST_FAMILY);
                }
                for family in &mut part.families {
                    family.merge(least);
                    merged += family.rest.0;
                }
            }
        }
        for branch in &mut modules {
            branch
                .sections
                .sort_by_key(|part| (Reverse(part.bytes), part.section));
        }
        Self {
            bytes: total,
            symbols,
            names: table
                .modules()
                .filter(|module| !module.group().is_pseudo())
                .count(),
            modules,
            merged,
        }
    }
}

impl<'t> Branch<'t> {
    fn add(&mut self, section: Section, leaves: Vec<Leaf<'t>>) {
        let (bytes, symbols) = (sum(&leaves), leaves.len());
        match self
            .sections
            .iter_mut()
            .find(|part| part.section == section)
        {
            Some(part) => {
                part.bytes += bytes;
                part.symbols += symbols;
                // There is one until `divide` makes more.
                for family in &mut part.families {
                    family.bytes += bytes;
                    family.leaves.extend_from_slice(&leaves);
                }
            }
            None => self.sections.push(Part {
                section,
                bytes,
                symbols,
                families: vec![Family::new(None, leaves)],
            }),
        }
    }
}

impl<'t> Part<'t> {
    /// Makes a family of each beginning of names that has at least so many bytes.
    fn divide(&mut self, least: u64) {
        let mut families: HashMap<&[u8], Vec<Leaf<'t>>> = HashMap::new();
        for leaf in self.families.drain(..).flat_map(|family| family.leaves) {
            families
                .entry(beginning(leaf.symbol.name()))
                .or_default()
                .push(leaf);
        }
        let mut others = Vec::new();
        for (name, leaves) in families {
            if name.is_empty() || leaves.len() == 1 || sum(&leaves) < least {
                others.extend(leaves);
            } else {
                let name = format!("{}_*", String::from_utf8_lossy(name));
                self.families.push(Family::new(Some(name), leaves));
            }
        }
        if !others.is_empty() {
            self.families.push(Family::new(None, others));
        }
        self.families
            .sort_by(|a, b| (Reverse(a.bytes), &a.name).cmp(&(Reverse(b.bytes), &b.name)));
    }
}

/// What a name starts with that others share: `acpi` of `acpi_evaluate`, and of its padding `__pfx_acpi_evaluate`.
fn beginning(name: &[u8]) -> &[u8] {
    let name = name.strip_prefix(b"__pfx_").unwrap_or(name);
    let start = name
        .iter()
        .position(|&byte| byte != b'_')
        .unwrap_or(name.len());
    let name = &name[start..];
    let end = name.iter().position(|&byte| byte == b'_');
    end.map_or(&[], |end| &name[..end])
}

impl<'t> Family<'t> {
    fn new(name: Option<String>, leaves: Vec<Leaf<'t>>) -> Self {
        let bytes = sum(&leaves);
        Self {
            name,
            bytes,
            leaves,
            rest: (0, 0),
        }
    }

    /// Sorts, and puts leaves below `least` bytes together, if that are several.
    fn merge(&mut self, least: u64) {
        self.leaves
            .sort_by_key(|leaf| (Reverse(leaf.bytes), leaf.symbol.index()));
        let kept = self.leaves.partition_point(|leaf| leaf.bytes >= least);
        if self.leaves.len() - kept > 1 {
            let rest = self.leaves.split_off(kept);
            self.rest = (rest.len(), sum(&rest));
        }
    }
}

fn sum(leaves: &[Leaf<'_>]) -> u64 {
    leaves
        .iter()
        .fold(0, |sum, leaf| sum.saturating_add(leaf.bytes))
}

/// Modules as people write them: `vmlinux`, `ext4`, `ti_cpsw + ti_cpsw_new`.
fn display(modules: &[u8]) -> String {
    if modules.is_empty() {
        return "vmlinux".into();
    }
    let text = String::from_utf8_lossy(modules);
    text.trim_matches(['[', ']']).replace("] [", " + ")
}

#[cfg(test)]
mod tests {
    use super::beginning;

    #[test]
    fn beginnings() {
        for (name, expected) in [
            ("acpi_evaluate", "acpi"),
            ("__pfx_acpi_evaluate", "acpi"),
            ("__acpi_table", "acpi"),
            ("schedule", ""),
            ("__pfx_schedule", ""),
            ("___", ""),
            ("", ""),
        ] {
            assert_eq!(beginning(name.as_bytes()), expected.as_bytes(), "{name}");
        }
    }
}
