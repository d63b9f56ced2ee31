// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Standard output: buffered, coloured only where that is wanted, harmless to a terminal; lines of JSON.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use clap::ColorChoice;
use serde::Serialize;

use crate::escape::{Escaping, colours};

/// Where results go.
///
/// In files and pipes bytes are never changed: names of symbols may hold anything, escape sequences too, and a filter
/// gives back what it got. So nothing strips colours on the way; they are not made in the first place. All that goes to a
/// terminal is [escaped](crate::escape) here, unless the user wants it raw.
pub(crate) struct Output {
    out: Stream,
    colour: bool,
    /// Whether names are printed as source code has them.
    demangling: bool,
    is_terminal: bool,
}

// Fewer calls of write than with the default of 8 KiB: `dump` writes megabytes.
const BUFFER: usize = 1 << 16;

enum Stream {
    Raw(BufWriter<StdoutLock<'static>>),
    Escaped(Escaping<BufWriter<StdoutLock<'static>>>),
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
    pub(crate) fn new(colour: ColorChoice, raw: bool) -> Self {
        let stdout = io::stdout();
        let colour = match colour {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => AutoStream::choice(&stdout) != anstream::ColorChoice::Never,
        };
        let is_terminal = stdout.is_terminal();
        let out = BufWriter::with_capacity(BUFFER, stdout.lock());
        Self {
            out: if is_terminal && !raw {
                Stream::Escaped(Escaping::new(out))
            } else {
                Stream::Raw(out)
            },
            colour,
            demangling: false,
            is_terminal,
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

    pub(crate) const fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// How to print such a piece of text: `{style}text{style:#}`.
    fn style(&self, role: Role) -> Style {
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
        if !self.colour {
            return self.write_all(text);
        }
        let style = self.style(role);
        write!(self.out.raw()?, "{style}")?;
        self.write_all(text)?;
        write!(self.out.raw()?, "{style:#}")
    }

    /// Text that is not ours, such as a log, which may have colours.
    pub(crate) fn text(&mut self, text: &[u8]) -> io::Result<()> {
        if matches!(self.out, Stream::Raw(_)) {
            return self.write_all(text);
        }
        for (is_colour, piece) in colours(text) {
            if is_colour {
                self.out.raw()?.write_all(piece)?;
            } else {
                self.write_all(piece)?;
            }
        }
        Ok(())
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

impl Stream {
    /// Where to write what is ours, and not to be escaped.
    fn raw(&mut self) -> io::Result<&mut BufWriter<StdoutLock<'static>>> {
        match self {
            Self::Raw(out) => Ok(out),
            Self::Escaped(out) => out.raw(),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.out {
            Stream::Raw(out) => out.write(bytes),
            Stream::Escaped(out) => out.write(bytes),
        }
    }

    // The default asks after each piece how much of it was taken.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.out {
            Stream::Raw(out) => out.write_all(bytes),
            Stream::Escaped(out) => out.write_all(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.out {
            Stream::Raw(out) => out.flush(),
            Stream::Escaped(out) => out.flush(),
        }
    }
}
