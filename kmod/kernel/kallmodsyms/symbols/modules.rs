// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Decoding of the built-in modules of symbols.
//!
//! Objects of a module stand together in each section, so neighbours mostly share their modules.
//! What `scripts/kallsyms.c` records is each run of symbols that do: six bytes with the number of
//! its first symbol and the offset of its list, three bytes each, the high one first. A run ends
//! where the next begins. Lists are kept as they are shown: `[liquidio] [liquidio_vf]` and a NUL.
//! The empty list stands for symbols of no module.

/// Bytes of a run.
const RUN: usize = 6;

/// The table of modules.
///
/// Any bytes will do: a table that makes no sense gives empty lists, never a panic.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Modules<'a> {
    /// The runs, in the order of symbols.
    pub(crate) runs: &'a [u8],
    /// The lists, each with a NUL after it.
    pub(crate) lists: &'a [u8],
}

/// A run of symbols of the same modules.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run<'a> {
    /// Number of the run.
    pub(crate) number: usize,
    /// Number of the first symbol after it.
    pub(crate) end: usize,
    /// Its modules, as they are shown; empty if there is none.
    pub(crate) list: &'a [u8],
}

impl<'a> Modules<'a> {
    /// Returns the first symbol of run number `run` and the offset of its list.
    fn run(&self, run: usize) -> Option<(usize, usize)> {
        let start = run.checked_mul(RUN)?;
        match self.runs.get(start..start.checked_add(RUN)?)? {
            &[a, b, c, d, e, f] => Some((number([a, b, c]), number([d, e, f]))),
            _ => None,
        }
    }

    /// Returns the run of symbol number `index`, which is run number `hint` or a later one.
    pub(crate) fn get(&self, index: usize, hint: usize) -> Run<'a> {
        let mut run = hint;
        let end = loop {
            match self.run(run.wrapping_add(1)) {
                Some((first, _)) if first <= index => run = run.wrapping_add(1),
                Some((first, _)) => break first,
                None => break usize::MAX,
            }
        };
        let list = self.run(run).and_then(|(_, list)| self.lists.get(list..));
        Run {
            number: run,
            end,
            list: list.map_or(&[], until_nul),
        }
    }

    /// Returns the list of symbol number `index`, with its NUL, by a search over the runs.
    pub(crate) fn of(&self, index: usize) -> Option<&'a [u8]> {
        // The first run that begins after the symbol is one of these, or there is none.
        let (mut low, mut high) = (0, self.runs.len() / RUN);
        while low < high {
            let middle = low.wrapping_add(high.wrapping_sub(low) / 2);
            if self.run(middle)?.0 <= index {
                low = middle.wrapping_add(1);
            } else {
                high = middle;
            }
        }
        let (_, list) = self.run(low.checked_sub(1)?)?;
        self.list(list)
    }

    /// Returns the list at an offset in their table, with its NUL.
    pub(crate) fn list(&self, offset: usize) -> Option<&'a [u8]> {
        let lists = self.lists.get(offset..)?;
        let nul = lists.iter().position(|&byte| byte == 0)?;
        lists.get(..=nul)
    }
}

/// Reads three bytes, the high one first.
fn number([a, b, c]: [u8; 3]) -> usize {
    usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c)
}

/// Returns the bytes before the first NUL.
pub(super) fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|&byte| byte == 0).next().unwrap_or(&[])
}
