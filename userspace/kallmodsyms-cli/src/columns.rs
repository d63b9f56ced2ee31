// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Tables for people: columns as wide as they must be.

use std::io::{self, Write};

use crate::output::{Output, Role};

/// Rows of text under headings.
pub(crate) struct Columns<const N: usize> {
    headings: [&'static str; N],
    /// Whether a column is text, which starts on the left; numbers end on the right.
    is_text: [bool; N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Columns<N> {
    /// A heading that starts with `<` is one of text.
    pub(crate) fn new(headings: [&'static str; N]) -> Self {
        Self {
            headings: headings.map(|heading| heading.trim_start_matches('<')),
            is_text: headings.map(|heading| heading.starts_with('<')),
            rows: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, row: [String; N]) {
        self.rows.push(row);
    }

    /// Headings, all rows, and the last row set apart.
    pub(crate) fn print(&self, out: &mut Output) -> io::Result<()> {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or(0).max(self.headings[column].len())
        };
        let widths: [usize; N] = std::array::from_fn(width);
        self.line(out, &widths, &self.headings, Some(Role::Heading))?;
        for (index, row) in self.rows.iter().enumerate() {
            let is_last = index + 1 == self.rows.len();
            let row = std::array::from_fn(|column| row[column].as_str());
            self.line(out, &widths, &row, is_last.then_some(Role::Symbol))?;
        }
        Ok(())
    }

    fn line(
        &self,
        out: &mut Output,
        widths: &[usize; N],
        row: &[&str; N],
        role: Option<Role>,
    ) -> io::Result<()> {
        for (column, (&cell, &width)) in row.iter().zip(widths).enumerate() {
            let blanks = width - cell.chars().count();
            let (before, after) = if self.is_text[column] {
                (0, blanks)
            } else {
                (blanks, 0)
            };
            let gap = if column == 0 { 0 } else { 2 };
            write!(out, "{:1$}", "", gap + before)?;
            match role {
                Some(role) => out.painted(role, cell.as_bytes())?,
                None => out.write_all(cell.as_bytes())?,
            }
            // No blanks at the end of a line.
            if column + 1 < N {
                write!(out, "{:after$}", "")?;
            }
        }
        writeln!(out)
    }
}
