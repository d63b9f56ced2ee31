// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Takes the sample on which instructions are counted out of the captures: under valgrind, unpacking them takes longer
//! than all that is counted.

use std::env;
use std::error::Error;
use std::fs;
use std::path::Path;

use kallmodsyms_captures::Capture;

/// Every 14th of some 139,600 lines: all kinds of lines, as frequent as in the whole.
const STEP: usize = 14;
const LINES: usize = 9_973;

fn main() -> Result<(), Box<dyn Error>> {
    let out = env::var_os("OUT_DIR").ok_or("no OUT_DIR: run by cargo only")?;
    for name in ["kallmodsyms", "kallsyms"] {
        let capture = Capture::standard();
        println!("cargo::rerun-if-changed={}", capture.path(name).display());
        let file = capture.read(name)?;
        let lines = file.split_inclusive(|&byte| byte == b'\n');
        let sample: Vec<&[u8]> = lines.step_by(STEP).take(LINES).collect();
        if sample.len() < LINES {
            return Err(format!("{name}: only {} lines in the sample", sample.len()).into());
        }
        fs::write(Path::new(&out).join(name), sample.concat())?;
    }
    Ok(())
}
