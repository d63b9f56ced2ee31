// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Build ids in a text, which tell kernels apart for certain.

use std::fs;
use std::ops::Range;
use std::path::Path;

use kallmodsyms::elf;

use crate::input::{Input, Opened};

/// Where a line has the build id of the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BuildId(pub(super) Range<usize>);

/// SHA-1, which is what linkers make.
const DIGITS: usize = 40;

/// How much white space may end a line: a line may have as many `CPU: ` as it has blanks.
const BLANKS: usize = 8;

impl BuildId {
    /// With `CONFIG_STACKTRACE_BUILD_ID` the last word of `CPU: 0 PID: 1 Comm: ...`; `BUILD-ID=` of vmcoreinfo.
    #[inline]
    pub(super) fn at(line: &[u8], word: &Range<usize>) -> Option<Self> {
        match &line[word.clone()] {
            b"CPU" | b"BUILD" => Self::of(line, word),
            _ => None,
        }
    }

    #[cold]
    fn of(line: &[u8], word: &Range<usize>) -> Option<Self> {
        let rest = &line[word.end..];
        let start = if rest.starts_with(b"-ID=") {
            word.end + 4
        } else if rest.starts_with(b": ") {
            let is_blank = |byte: &&u8| byte.is_ascii_whitespace();
            let blanks = line.iter().rev().take(BLANKS).take_while(is_blank);
            let end = line.len() - blanks.count();
            end.checked_sub(DIGITS)
                .filter(|&start| line[start - 1] == b' ')?
        } else {
            return None;
        };
        let id = start..start + DIGITS;
        let is_id = line.get(id.clone())?.iter().all(u8::is_ascii_hexdigit);
        let is_whole = line
            .get(id.end)
            .is_none_or(|byte| !byte.is_ascii_alphanumeric());
        (is_id && is_whole).then_some(Self(id))
    }
}

/// The build id of the kernel whose symbols are used, or of a loaded module of it, if their source tells.
pub(super) fn known(input: &Input, module: Option<&str>) -> Option<elf::BuildId> {
    let choice = input.kernel();
    if input.file().is_none() && choice.release().is_none() {
        let notes = match module {
            None => "sys/kernel/notes".into(),
            Some(module) => format!("sys/module/{module}/notes/.note.gnu.build-id"),
        };
        return elf::BuildId::from_notes(&fs::read(choice.root().join(notes)).ok()?);
    }
    let with = input.with().iter().map(AsRef::as_ref);
    let files = input.file().into_iter().chain(with);
    // What came through a pipe is gone.
    let mut files = files.filter(|path| module.is_none() && path.is_file());
    files.find_map(of_image)
}

fn of_image(path: &Path) -> Option<elf::BuildId> {
    Opened::open(path).ok().filter(Opened::is_elf)?.build_id()
}

#[cfg(test)]
mod tests {
    use super::{BLANKS, BuildId};
    use crate::symbolize::word::words;

    const ID: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn build_ids() {
        let find = |line: &str| {
            let line = line.as_bytes();
            let id = words(line).find_map(|word| BuildId::at(line, &word))?;
            Some(String::from_utf8(line[id.0].to_vec()).unwrap())
        };
        for line in [
            format!("[    1.0] CPU: 0 PID: 1 Comm: swapper/0 Not tainted 6.12.0 #1 {ID}"),
            format!("CPU: 0 UID: 0 PID: 1 Comm: sh 6.12.0 {ID}\r\n"),
            format!("BUILD-ID={ID}\n"),
            format!("CPU: 0 6.12.0 {ID}{}", " ".repeat(BLANKS)),
        ] {
            assert_eq!(find(&line).as_deref(), Some(ID), "{line}");
        }
        for line in [
            format!("CPU: 0 PID: 1 Comm: sh 6.12.0 x{ID}"),
            format!("CPU: 0 PID: 1 Comm: sh 6.12.0 {ID}0"),
            format!("CPU {ID}"),
            format!("CPU: {ID} x"),
            format!("CPU: 0 6.12.0 {ID}{}", " ".repeat(BLANKS + 1)),
            "CPU: 0".into(),
            "CPU: ".into(),
            "BUILD-ID=0123".into(),
            format!("BUILD-ID={ID}0"),
            format!("ID={ID}"),
        ] {
            assert_eq!(find(&line), None, "{line}");
        }
    }
}
