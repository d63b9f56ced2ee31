// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Decoding of symbol names.
//!
//! `scripts/kallsyms.c` stores a name as a length, of one byte or of two if the first has its high
//! bit set, and that many tokens. Each of the 256 tokens stands for some text. The first character
//! of a name so made is the type letter.

use super::{line::Buffer, modules::until_nul};

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

/// The length of each token's text, so that nobody need look for its end again.
#[derive(Clone, Debug)]
pub(crate) struct TokenLengths([u8; 256]);

impl TokenLengths {
    /// Measures the tokens of `names`.
    pub(crate) fn new(names: &Names<'_>) -> Self {
        let mut lengths = [0; 256];
        for (length, &start) in lengths.iter_mut().zip(names.token_index) {
            let text = names.token_table.get(usize::from(start)..).unwrap_or(&[]);
            // At most one byte for each code that the token was joined from.
            *length = u8::try_from(until_nul(text).len()).unwrap_or(u8::MAX);
        }
        TokenLengths(lengths)
    }
}

impl<'a> Names<'a> {
    /// Returns the tokens of the name at offset `at`, and the offset of the name after it.
    pub(crate) fn decode(&self, at: usize) -> Option<(Tokens<'a>, usize)> {
        let (&first, rest) = self.names.get(at..)?.split_first()?;
        let (len, rest, header) = if first & 0x80 == 0 {
            (usize::from(first), rest, 1)
        } else {
            let (&second, rest) = rest.split_first()?;
            (
                usize::from(first & 0x7f) | usize::from(second) << 7,
                rest,
                2,
            )
        };
        let next = at.checked_add(header)?.checked_add(len)?;
        Some((Tokens(rest.get(..len)?), next))
    }

    /// Returns the text of `token`.
    fn text(&self, lengths: &TokenLengths, token: u8) -> Option<&'a [u8]> {
        let token = usize::from(token);
        let start = usize::from(*self.token_index.get(token)?);
        let len = usize::from(*lengths.0.get(token)?);
        self.token_table.get(start..start.checked_add(len)?)
    }

    /// Writes the type letter, a blank and the name: what follows the size in a line.
    ///
    /// Returns `None` if they do not fit, or make no sense.
    pub(crate) fn write(
        &self,
        lengths: &TokenLengths,
        tokens: Tokens<'_>,
        out: &mut Buffer<'_>,
    ) -> Option<()> {
        let (&first, rest) = tokens.0.split_first()?;
        let (&kind, text) = self.text(lengths, first)?.split_first()?;
        out.push(&[kind, b' '])?;
        out.push(text)?;
        for &token in rest {
            out.push(self.text(lengths, token)?)?;
        }
        Some(())
    }
}
