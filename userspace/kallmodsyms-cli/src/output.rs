// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Standard output: buffered, coloured only where that is wanted, lines of JSON.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use clap::ColorChoice;
use serde::Serialize;

/// Where results go.
///
/// Bytes are never changed: names of symbols may hold anything, escape sequences too, and a filter gives back what it
/// got. So nothing strips colours on the way; they are not made in the first place.
pub(crate) struct Output {
    out: BufWriter<StdoutLock<'static>>,
    colour: bool,
    /// Whether names are printed as source code has them.
    demangling: bool,
}

/// What a piece of text is, for its colour.
#[derive(Clone, Copy)]
pub(crate) enum Role {
    Address,
    Symbol,
    Module,
    Heading,
    Good,
    Bad,
}

impl Output {
    pub(crate) fn new(colour: ColorChoice) -> Self {
        let stdout = io::stdout();
        let colour = match colour {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => AutoStream::choice(&stdout) != anstream::ColorChoice::Never,
        };
        Self {
            // Fewer calls of write than with the default of 8 KiB: `dump` writes megabytes.
            out: BufWriter::with_capacity(1 << 16, stdout.lock()),
            colour,
            demangling: false,
        }
    }

    pub(crate) const fn is_demangling(&self) -> bool {
        self.demangling
    }

    pub(crate) const fn set_demangling(&mut self, wanted: bool) {
        self.demangling = wanted;
    }

    pub(crate) const fn has_colour(&self) -> bool {
        self.colour
    }

    pub(crate) fn is_terminal(&self) -> bool {
        self.out.get_ref().is_terminal()
    }

    /// How to print such a piece of text: `{style}text{style:#}`.
    pub(crate) fn style(&self, role: Role) -> Style {
        let plain = Style::new();
        if !self.colour {
            return plain;
        }
        let colour = |colour: AnsiColor| plain.fg_color(Some(anstyle::Color::Ansi(colour)));
        match role {
            Role::Address => plain.dimmed(),
            Role::Symbol => plain.bold(),
            Role::Module => colour(AnsiColor::Cyan),
            Role::Heading => plain.bold().underline(),
            Role::Good => colour(AnsiColor::Green),
            Role::Bad => colour(AnsiColor::Red),
        }
    }

    /// Text in its colour. Bytes, since names are bytes.
    pub(crate) fn painted(&mut self, role: Role, text: &[u8]) -> io::Result<()> {
        let style = self.style(role);
        write!(self, "{style}")?;
        self.write_all(text)?;
        write!(self, "{style:#}")
    }

    /// A value as one line.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut *self, value)?;
        self.write_all(b"\n")
    }

    /// A value on as many lines as make it readable.
    pub(crate) fn pretty_json(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *self, value)?;
        self.write_all(b"\n")
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
