// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Decoding of symbol names.
//!
//! `scripts/kallsyms.c` stores a name as a length, of one byte or of two if the first has its high
//! bit set, and that many tokens. Each of the 256 tokens stands for some text. The first character
//! of a name so made is the type letter.

use core::iter::once;

use super::{
    line::{piece, Line, ShortLine},
    modules::until_nul,
};

/// The number of tokens.
pub(crate) const TOKENS: usize = 256;

/// The table of names.
///
/// Any bytes will do: a table that makes no sense gives `None` or a wrong name, never a panic.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names<'a> {
    /// Length and tokens of each name.
    pub(crate) names: &'a [u8],
    /// The text of the tokens, with a NUL after each.
    pub(crate) token_table: &'a [u8],
    /// Offset in `token_table` of each of the 256 tokens.
    pub(crate) token_index: &'a [u16],
}

/// The tokens of one name, with the type letter in front.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tokens<'a>(&'a [u8]);

impl<'a> Names<'a> {
    /// Returns the tokens of the name that `names` begins with, and what is behind them.
    #[inline]
    pub(crate) fn decode(names: &'a [u8]) -> Option<(Tokens<'a>, &'a [u8])> {
        let (&first, rest) = names.split_first()?;
        let (len, rest) = match first {
            0..=0x7f => (first.into(), rest),
            _ => Self::decode_long(first, rest)?,
        };
        Some((Tokens(rest.get(..len)?), rest.get(len..)?))
    }

    /// Returns the number of tokens where it is `first` and one more byte, and what is behind it.
    #[inline(never)]
    fn decode_long(first: u8, rest: &'a [u8]) -> Option<(usize, &'a [u8])> {
        let (&second, rest) = rest.split_first()?;
        Some((usize::from(first & 0x7f) | usize::from(second) << 7, rest))
    }

    /// Returns the text of `token`.
    fn text(&self, token: usize) -> Option<&'a [u8]> {
        let start = usize::from(*self.token_index.get(token)?);
        Some(until_nul(self.token_table.get(start..)?))
    }

    /// Writes the type letter, a blank and the name: what follows the size in a line.
    ///
    /// Returns `None` if they do not fit, or make no sense.
    pub(crate) fn write(&self, tokens: Tokens<'_>, line: &mut Line<'_>) -> Option<()> {
        let (&first, rest) = tokens.0.split_first()?;
        let (&kind, text) = self.text(first.into())?.split_first()?;
        line.push(&[kind, b' '])?;
        line.push(text)?;
        for &token in rest {
            line.push(self.text(token.into())?)?;
        }
        Some(())
    }

    /// Returns `None` if a name makes no sense.
    pub(crate) fn check(&self, tokens: Tokens<'_>) -> Option<()> {
        let (&first, rest) = tokens.0.split_first()?;
        self.text(first.into())?.first()?;
        for &token in rest {
            self.text(token.into())?;
        }
        Some(())
    }

    /// Returns what a token contributes to a short line if it is the first one of a name: type
    /// letter, blank and text.
    pub(crate) fn first_piece(&self, token: usize) -> [u8; 16] {
        let text = self.text(token).unwrap_or(&[]);
        match text.split_first() {
            Some((kind, name)) => piece(once(kind).chain(b" ").chain(name)),
            // No name begins so.
            None => [u8::MAX; 16],
        }
    }

    /// Returns what a token contributes if it is not the first one.
    pub(crate) fn later_piece(&self, token: usize) -> [u8; 8] {
        piece(self.text(token).unwrap_or(&[]).iter())
    }
}

/// The texts of tokens, for short lines.
///
/// Few are longer than 7 bytes, and nearly all of those are first ones, such as `r__ksymtab_`.
#[derive(Debug)]
pub(crate) struct Pieces {
    /// [`Names::first_piece`] of each token.
    pub(crate) first: [[u8; 16]; TOKENS],
    /// [`Names::later_piece`] of each token.
    pub(crate) later: [[u8; 8]; TOKENS],
}

impl Pieces {
    /// Writes what [`Names::write`] does. Returns `None` if there are no tokens.
    #[inline]
    pub(crate) fn write(&self, tokens: Tokens<'_>, line: &mut ShortLine<'_>) -> Option<()> {
        let (&first, rest) = tokens.0.split_first()?;
        line.push(&self.first[usize::from(first)]);

        // By fours, as counting takes as long as half of what is done to a token.
        let mut rest = rest;
        while let Some((four, tail)) = rest.split_first_chunk() {
            line.push_four(&self.later, four)?;
            rest = tail;
        }
        for &token in rest {
            line.push(&self.later[usize::from(token)]);
        }
        Some(())
    }
}
