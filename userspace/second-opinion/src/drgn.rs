// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Asks drgn.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, process, str};

/// A symbol as drgn describes it. Names are text: what is not UTF-8 does not occur in the captures, and fails here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Symbol {
    pub(crate) address: u64,
    pub(crate) size: u64,
    pub(crate) binding: String,
    pub(crate) kind: String,
    pub(crate) name: String,
}

/// What can be asked; the answer to each is a list of symbols.
pub(crate) enum Question<'a> {
    All,
    Address(u64),
    Name(&'a str),
}

/// Runs drgn over a symbol file. The symbols of each answer are sorted.
pub(crate) fn ask(
    python: &str,
    file: &[u8],
    questions: &[Question<'_>],
) -> Result<Vec<Vec<Symbol>>, String> {
    let mut text = String::new();
    for question in questions {
        match question {
            Question::All => writeln!(text, "all"),
            Question::Address(address) => writeln!(text, "address {address:x}"),
            Question::Name(name) => writeln!(text, "name {name}"),
        }
        .expect("a string takes everything");
    }
    let directory = Directory::new()?;
    let symbols = directory.write("symbols", file)?;
    let questions_file = directory.write("questions", text.as_bytes())?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("answers.py");
    let output = Command::new(python)
        .arg(script)
        .args([symbols, questions_file])
        .output()
        .map_err(|error| format!("{python}: {error}"))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("drgn ended with {}: {errors}", output.status));
    }
    let answers = str::from_utf8(&output.stdout).map_err(|error| error.to_string())?;
    let answers: Option<Vec<Vec<Symbol>>> = answers.lines().map(answer).collect();
    let answers = answers.ok_or("drgn's answers cannot be read")?;
    if answers.len() == questions.len() {
        Ok(answers)
    } else {
        let (asked, answered) = (questions.len(), answers.len());
        Err(format!("{asked} questions, and {answered} answers"))
    }
}

fn answer(line: &str) -> Option<Vec<Symbol>> {
    let symbols = line.split_ascii_whitespace().map(|symbol| {
        let mut fields = symbol.splitn(5, ':');
        Some(Symbol {
            address: u64::from_str_radix(fields.next()?, 16).ok()?,
            size: u64::from_str_radix(fields.next()?, 16).ok()?,
            binding: fields.next()?.into(),
            kind: fields.next()?.into(),
            name: fields.next()?.into(),
        })
    });
    let mut symbols: Vec<Symbol> = symbols.collect::<Option<_>>()?;
    symbols.sort_unstable();
    Some(symbols)
}

/// A directory that goes when this does.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Result<Self, String> {
        let path = env::temp_dir().join(format!("second-opinion-{}", process::id()));
        let made = fs::create_dir(&path);
        made.map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self(path))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, String> {
        let path = self.0.join(name);
        let written = fs::write(&path, bytes);
        written.map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
