// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `verdict DIR QEMU_EXIT`: judges the guest whose `result.ktap` and `console.log` are in DIR, writes the word to DIR/status
//! and says why.

use std::{env, fs, path::Path, process::ExitCode};

use harness::verdict::{Status, judge};

/// A guest that died early may not have made the file, and a console may hold any bytes.
fn read(path: &Path) -> String {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let [dir, qemu] = args.as_slice() else {
        eprintln!("usage: verdict DIR QEMU_EXIT");
        return ExitCode::from(2);
    };
    let Ok(qemu) = qemu.parse() else {
        eprintln!("verdict: QEMU_EXIT is a number, not {qemu:?}");
        return ExitCode::from(2);
    };
    let dir = Path::new(dir);
    let console = read(&dir.join("console.log"));
    let (status, reasons) = judge(&read(&dir.join("result.ktap")), &console, qemu);
    if let Err(error) = fs::write(dir.join("status"), format!("{status}\n")) {
        eprintln!("verdict: cannot write {}: {error}", dir.join("status").display());
        return ExitCode::from(2);
    }
    println!("guest {status}: {}", reasons[0]);
    for reason in &reasons[1..] {
        println!("  {reason}");
    }
    if status == Status::Passed {
        return ExitCode::SUCCESS;
    }
    println!("  see {} and {}", dir.join("console.log").display(), dir.join("result.ktap").display());
    ExitCode::FAILURE
}
