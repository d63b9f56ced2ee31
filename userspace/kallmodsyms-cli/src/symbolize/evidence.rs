// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What in a text says that it is of another kernel than the symbols.

use std::ops::Range;

use kallmodsyms::table::Entry;

use super::finder::{Finder, Of};
use super::frame::Frame;
use crate::{extent, number};

/// The frames of a text, and those of them that do not fit the symbols.
#[derive(Default)]
pub(super) struct Evidence {
    frames: usize,
    misfits: usize,
    /// Whether the last frame was a misfit.
    is_last: bool,
    /// Of the first misfit: where, and what is wrong.
    first: Option<(usize, String)>,
    moves: Moves,
}

/// By how much misfits are moved.
#[derive(Clone, Copy, Default)]
enum Moves {
    #[default]
    None,
    /// All by this.
    One(u64),
    /// By more than one distance, or not at all.
    Several,
}

/// The kernel is moved by whole pages.
const PAGE: u64 = 4096;

impl Evidence {
    /// Takes a frame of a line.
    pub(super) fn frame(
        &mut self,
        finder: &Finder<'_>,
        line: (usize, &[u8]),
        frame: &Frame,
        of: Of<'_>,
    ) {
        self.is_last = false;
        if of != Of::Unknown {
            self.frames += 1;
            self.judge(finder, line, &frame.name, Some(frame), of);
        }
    }

    /// Takes the last frame again, with what the address behind it tells.
    pub(super) fn address(
        &mut self,
        finder: &Finder<'_>,
        line: (usize, &[u8]),
        frame: &Frame,
        of: Of<'_>,
    ) {
        if !self.is_last {
            self.judge(finder, line, &frame.name, Some(frame), of);
            self.frames = self.frames.max(self.misfits);
        }
    }

    /// Takes a name that the text has at the address of another symbol.
    pub(super) fn name(
        &mut self,
        finder: &Finder<'_>,
        line: (usize, &[u8]),
        name: &Range<usize>,
        there: Entry<'_>,
    ) {
        self.frames += 1;
        self.judge(finder, line, name, None, Of::WrongName(there));
    }

    fn judge(
        &mut self,
        finder: &Finder<'_>,
        line: (usize, &[u8]),
        name: &Range<usize>,
        frame: Option<&Frame>,
        of: Of<'_>,
    ) {
        let (number, line) = line;
        let there =
            |symbol: Entry<'_>| format!("these have {} there", symbol.name().escape_ascii());
        let (moved, what) = match of {
            Of::Unknown | Of::One(_) | Of::Several(..) => return,
            Of::WrongSize(symbol) => {
                let said = frame.and_then(|frame| frame.size).unwrap_or_default();
                let offset = frame.map_or(0, |frame| frame.offset);
                let what = if offset > said {
                    format!("+{offset:#x}, which is past its {said:#x} bytes")
                } else {
                    let here = extent::shown(finder.table(), symbol);
                    format!(" of {said:#x} bytes, which has {here} here")
                };
                (None, what)
            }
            Of::WrongPlace(symbol, start) => {
                let here = finder.start_of(symbol);
                (
                    Some(start.wrapping_sub(here)),
                    format!(" at {start:#x}, which is at {here:#x} here"),
                )
            }
            Of::WrongName(symbol) => (None, format!(" where {}", there(symbol))),
        };
        self.is_last = true;
        self.misfits += 1;
        self.moves = match (self.moves, moved) {
            (Moves::None, Some(moved)) if moved % PAGE == 0 => Moves::One(moved),
            (Moves::One(one), Some(moved)) if moved == one => Moves::One(one),
            _ => Moves::Several,
        };
        self.first.get_or_insert_with(|| {
            let name = line[name.clone()].escape_ascii();
            (number, format!("{name}{what}"))
        });
    }

    /// What there is to say of all.
    pub(super) fn note(&self) -> Option<String> {
        let (line, first) = self.first.as_ref()?;
        let misfits = number::grouped(self.misfits as u64);
        let frames = number::grouped(self.frames as u64);
        let advice = match self.moves {
            Moves::One(moved) => format!("all are moved alike: try --slide {}", signed(moved)),
            _ => "the text may be of another kernel than the symbols: name those of that kernel"
                .into(),
        };
        Some(format!(
            "note: frames that do not fit the symbols: {misfits} of {frames}, the first in line {line}: {first}; {advice}"
        ))
    }
}

/// A slide as `--slide` takes it.
pub(super) fn signed(slide: u64) -> String {
    if slide > u64::MAX / 2 {
        format!("-{:#x}", slide.wrapping_neg())
    } else {
        format!("{slide:#x}")
    }
}
