// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Files as the command line names them.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context, anyhow};

/// Where the kernel prints the table, unless the user names another file.
pub(crate) const LIVE: &str = "/proc/kallmodsyms";

/// Reads a whole file, or standard input if it is called `-`.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin()
            .read_to_end(&mut bytes)
            .context("cannot read standard input")?;
        return Ok(bytes);
    }
    let hint = |error: &io::Error| match error.kind() {
        io::ErrorKind::NotFound if path == Path::new(LIVE) => {
            ": does this kernel have CONFIG_KALLMODSYMS? name a saved copy to check that instead"
        }
        io::ErrorKind::IsADirectory => ": name a file",
        _ => "",
    };
    fs::read(path).map_err(|error| {
        let hint = hint(&error);
        anyhow!("cannot read {}: {error}{hint}", path.display())
    })
}

/// The name of a file as messages show it.
pub(crate) fn name(path: &Path) -> String {
    if path == Path::new("-") {
        "<stdin>".into()
    } else {
        path.display().to_string()
    }
}
