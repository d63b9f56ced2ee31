// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What a text says of its kernel, and what of that is to be said to the user.

use std::cell::OnceCell;
use std::ops::Range;

use kallmodsyms::elf;

use super::build_id::{self, BuildId};
use super::evidence::{Evidence, signed};
use super::finder::{Address, Finder, Item, Named};
use super::module::Bracket;
use super::naming::Naming;
use super::offset::Told;
use super::{Arguments, Part};
use crate::{Status, number, say};

/// How many addresses are remembered that were in no symbol.
const UNNAMED: usize = 1000;

#[derive(Default)]
pub(super) struct Seen {
    evidence: Evidence,
    /// How many addresses were named since the text last said where its kernel was, or began; none if the text was
    /// searched for that before.
    named: Option<usize>,
    /// Addresses since then that are in no symbol, as far as they may be in one once the text says where its kernel was.
    unnamed: Vec<u64>,
    /// The build id of the symbols' kernel, if they have one, once that was looked for.
    kernel_id: OnceCell<Option<elf::BuildId>>,
    /// Whether names were printed that are wrong.
    is_wrong: bool,
    /// Whether it was said that `--slide` is not what the text says, and that build ids differ.
    is_slide_said: bool,
    is_id_said: bool,
}

impl Seen {
    pub(super) fn new(is_searched: bool) -> Self {
        Self {
            named: (!is_searched).then_some(0),
            ..Self::default()
        }
    }

    pub(super) fn item(
        &mut self,
        arguments: &Arguments,
        finder: &Finder<'_>,
        part: &Part<'_>,
        item: &Item<'_>,
    ) {
        let line = (part.line, part.bytes);
        match item {
            Item::Address(Address {
                symbol,
                naming,
                value,
                ..
            }) => match naming {
                Naming::Before(frame) => {
                    let of = finder.of(part.bytes, frame, None, Some(*value));
                    self.evidence.address(finder, line, frame, of);
                }
                Naming::Other(name) => {
                    let image = symbol.filter(|(symbol, _)| symbol.group().is_image());
                    let there = image.filter(|_| finder.has_in_image(part.bytes, name));
                    if let Some((there, _)) = there {
                        self.evidence.name(finder, line, name, there);
                    }
                }
                Naming::None if symbol.is_some() => self.named = self.named.map(|named| named + 1),
                Naming::None if self.named.is_some() && self.unnamed.len() < UNNAMED => {
                    self.unnamed.push(*value);
                }
                Naming::None | Naming::Name | Naming::Behind(_) => {}
            },
            Item::Named(Named { frame, bracket, of }) => {
                self.evidence.frame(finder, line, frame, *of);
                if let Some(Bracket {
                    module,
                    build_id: Some(id),
                }) = bracket
                {
                    self.build_id(arguments, part, Some(module), id);
                }
            }
            Item::Told(told) => self.told(arguments, finder, part.line, *told),
            Item::BuildId(BuildId(id)) => self.build_id(arguments, part, None, id),
        }
    }

    fn told(&mut self, arguments: &Arguments, finder: &Finder<'_>, line: usize, told: Told) {
        let before = finder.slide.get();
        let Some(slide) = told.slide(finder.table()) else {
            if told == Told::Boot && arguments.slide.is_none() && self.named.is_some() {
                finder.slide.set(0);
                self.named = Some(0);
            }
            return;
        };
        if arguments.slide.is_some() {
            if slide != before && !self.is_slide_said {
                self.is_slide_said = true;
                say(&format!(
                    "note: line {line} says that the kernel was moved by {}, --slide says {}",
                    signed(slide),
                    signed(before)
                ));
            }
            return;
        }
        let Some(named) = &mut self.named else {
            return;
        };
        if slide != before {
            if *named > 0 {
                self.is_wrong = true;
                let slide = signed(slide);
                say(&format!(
                    "note: only line {line} says that the kernel was moved by {slide}: what was named before it (count: \
                     {}) is wrong; name the text as a file, or add --slide {slide}",
                    number::grouped(*named as u64)
                ));
            }
            finder.slide.set(slide);
            let unnamed = std::mem::take(&mut self.unnamed);
            let missed = unnamed
                .iter()
                .filter(|&&address| finder.is_in_image(address));
            let missed = missed.count();
            if *named == 0 && missed > 0 {
                self.is_wrong = true;
                let slide = signed(slide);
                say(&format!(
                    "note: only line {line} says that the kernel was moved by {slide}: before it, addresses (count: {}) \
                     were in no symbol; name the text as a file, or add --slide {slide}",
                    number::grouped(missed as u64)
                ));
            }
        }
        self.unnamed.clear();
        *named = 0;
    }

    fn build_id(
        &mut self,
        arguments: &Arguments,
        part: &Part<'_>,
        module: Option<&Range<usize>>,
        id: &Range<usize>,
    ) {
        if self.is_id_said {
            return;
        }
        let text = |place: &Range<usize>| String::from_utf8_lossy(&part.bytes[place.clone()]);
        let module = module.map(text);
        let known = if module.is_some() {
            build_id::known(&arguments.input, module.as_deref())
        } else {
            // An image takes long to read, and each stack trace has such a line.
            let known = || build_id::known(&arguments.input, None);
            self.kernel_id.get_or_init(known).clone()
        };
        let Some(known) = known else {
            return;
        };
        let (said, known) = (text(id), known.to_string());
        if !said.eq_ignore_ascii_case(&known) {
            self.is_id_said = true;
            self.is_wrong = true;
            let of =
                module.map_or_else(|| "the kernel".into(), |module| format!("module {module}"));
            say(&format!(
                "note: line {} has {said} as build id of {of}, the symbols are of {known}: name those of that kernel",
                part.line
            ));
        }
    }

    /// Says what there is to say at the end.
    pub(super) fn status(&self) -> Status {
        if let Some(note) = self.evidence.note() {
            say(&note);
        }
        Status::good_if(!self.is_wrong)
    }
}
