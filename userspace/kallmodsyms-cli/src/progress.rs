// SPDX-License-Identifier: Apache-2.0 OR MIT

//! How far reading has come, on a terminal, once it has taken a second: what is over sooner needs no bar.

use std::io::{self, IsTerminal, Read};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::escape::escaped;

const PATIENCE: Duration = Duration::from_secs(1);

/// Counts what is read, and shows it.
pub(crate) struct Progress<R> {
    reader: R,
    name: String,
    /// How much there is, where that is known.
    total: Option<u64>,
    done: u64,
    start: Instant,
    /// Whether there is a terminal to draw on.
    wanted: bool,
    bar: Option<ProgressBar>,
}

impl<R: Read> Progress<R> {
    pub(crate) fn new(reader: R, name: &str, total: Option<u64>) -> Self {
        Self {
            reader,
            name: name.into(),
            total,
            done: 0,
            start: Instant::now(),
            wanted: io::stderr().is_terminal(),
            bar: None,
        }
    }

    fn draw(&mut self) {
        if self.bar.is_none() && self.start.elapsed() < PATIENCE {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let (bar, template) = match self.total {
                Some(total) => (
                    ProgressBar::new(total),
                    "{msg} {wide_bar} {bytes}/{total_bytes}",
                ),
                None => (ProgressBar::new_spinner(), "{spinner} {msg} {bytes}"),
            };
            let style = ProgressStyle::with_template(template);
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
                .with_message(String::from_utf8_lossy(&escaped(self.name.as_bytes())).into_owned())
        });
        bar.set_position(self.done);
    }
}

impl<R: Read> Read for Progress<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.done += count as u64;
        if self.wanted {
            self.draw();
        }
        Ok(count)
    }
}

impl<R> Drop for Progress<R> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
