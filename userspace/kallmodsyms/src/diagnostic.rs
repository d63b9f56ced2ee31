// SPDX-License-Identifier: Apache-2.0 OR MIT

//! How errors and findings are shown: the message, the line, a caret under the place, and what to do next.

use core::fmt;

use crate::validate::Rule;

/// A place in a file.
///
/// ```
/// let position = kallmodsyms::Position { line: 3, column: 17, offset: 104 };
/// assert_eq!(position.to_string(), "3:17");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The byte of the line, from 1.
    pub column: usize,
    /// The byte of the file, from 0.
    pub offset: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// An error or a finding with the line it speaks of, ready to print.
///
/// Bytes that would not show, and all that are not ASCII, are escaped. Of a long line only the part around the place is
/// shown. Made by [`Error::diagnostic`](crate::Error::diagnostic) and
/// [`Finding::diagnostic`](crate::validate::Finding::diagnostic), where the examples are.
#[derive(Clone, Copy, Debug)]
pub struct Diagnostic<'a, M> {
    pub(crate) rule: Rule,
    pub(crate) message: &'a M,
    pub(crate) position: Position,
    pub(crate) file: &'a str,
    pub(crate) source: &'a [u8],
}

/// How many bytes of a long line are shown, and how many of them before the caret.
const SHOWN: usize = 100;
const SHOWN_BEFORE: usize = 60;

impl<M: fmt::Display> fmt::Display for Diagnostic<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position {
            line,
            column,
            offset,
        } = self.position;
        // Right-aligned bars, as wide as the line number.
        let gutter = line.checked_ilog10().unwrap_or(0) as usize + 2;

        writeln!(
            f,
            "{}[{}]: {}",
            self.rule.severity(),
            self.rule,
            self.message
        )?;
        writeln!(f, "{:>gutter$}-> {}:{line}:{column}", "-", self.file)?;
        let before = column - 1;
        if let Some(text) = offset
            .checked_sub(before)
            .and_then(|start| self.source.get(start..))
        {
            let text = &text[..memchr::memchr(b'\n', text).unwrap_or(text.len())];
            let start = if text.len() > SHOWN {
                before.saturating_sub(SHOWN_BEFORE)
            } else {
                0
            };
            let end = text.len().min(start + SHOWN);
            let (head, tail) = text[start..end].split_at(before.min(end) - start);
            let cut = |is_cut| if is_cut { "..." } else { "" };
            let (left, right) = (cut(start > 0), cut(end < text.len()));
            writeln!(f, "{:gutter$}|", "")?;
            let (head, tail) = (head.escape_ascii(), tail.escape_ascii());
            writeln!(f, "{line} | {left}{head}{tail}{right}")?;
            let indent = left.len() + head.count();
            writeln!(f, "{:gutter$}| {:indent$}^", "", "")?;
        }
        writeln!(f, "{:gutter$}= {}", "", self.rule.help())
    }
}
