// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Addresses from standard input, one a line.

use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};

use anyhow::anyhow;
use memchr::memchr;

use super::answer::Answers;
use crate::output::Output;
use crate::{Status, say};

/// A line that is longer is looked at in pieces: what has no lines shall not be held in memory as a whole.
const LONGEST: u64 = 1 << 16;

pub(super) fn run(answers: &Answers<'_>, out: &mut Output) -> anyhow::Result<Status> {
    let stdin = io::stdin().lock();
    if stdin.is_terminal() {
        say("reading addresses and names from the terminal, one a line; Ctrl-D ends them");
    }
    let mut text = BufReader::with_capacity(1 << 16, stdin);
    let mut line = Vec::new();
    let mut number = 0_usize;
    let mut found = false;
    loop {
        line.clear();
        let length = text
            .by_ref()
            .take(LONGEST)
            .read_until(b'\n', &mut line)
            .map_err(|error| anyhow!("cannot read <stdin>: {error}"))?;
        if length == 0 {
            return Ok(Status::good_if(found));
        }
        number += 1;
        let query = line.trim_ascii();
        if !query.is_empty() {
            match answer(answers, out, query) {
                Err(error) if error.is::<io::Error>() => return Err(error),
                // One line that asks for nothing is no reason to leave the others.
                Err(error) => {
                    out.flush()?;
                    say(&format!("line {number}: {error}"));
                }
                Ok(is_found) => found |= is_found,
            }
        }
        // Nothing is kept back while waiting for more.
        if memchr(b'\n', text.buffer()).is_none() {
            out.flush()?;
        }
    }
}

fn answer(answers: &Answers<'_>, out: &mut Output, query: &[u8]) -> anyhow::Result<bool> {
    let query = std::str::from_utf8(query)
        .map_err(|_| anyhow!("expected text, found bytes that are not UTF-8"))?;
    answers.answer(out, query)
}
