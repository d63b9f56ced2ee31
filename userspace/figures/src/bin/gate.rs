// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Counts instructions with gungraun and compares them with `instructions.toml`; prints KTAP. With `--accept`, writes
//! the file instead.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, ensure};
use kallmodsyms_figures::instructions::Counts;

const HEAD: &str = "\
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# How many instructions benches/instructions.rs takes, as valgrind counts them. Written by
# userspace/figures/gate.sh --accept, compared by `make lane-clients`; they hold for one compiler.

";

const ACCEPT: &str = "userspace/figures/gate.sh --accept";

fn main() -> ExitCode {
    let accept = match env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => false,
        [argument] if argument == "--accept" => true,
        _ => {
            eprintln!("usage: gate [--accept]");
            return ExitCode::from(2);
        }
    };
    match run(accept) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("gate: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(accept: bool) -> Result<bool> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.toml");
    let rustc = output(Command::new("rustc").arg("--version"))?;
    let rustc = rustc.trim();
    if accept {
        let counts = count(rustc)?;
        let text = format!("{HEAD}{}", toml::to_string(&counts)?);
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        println!("{}: {} counts", file.display(), counts.instructions.len());
        return Ok(true);
    }
    let text = fs::read_to_string(&file)
        .with_context(|| format!("cannot read {}; make it: {ACCEPT}", file.display()))?;
    let accepted: Counts =
        toml::from_str(&text).with_context(|| format!("cannot read {}", file.display()))?;
    if let Some(reason) = incomparable(&accepted, rustc)? {
        println!("KTAP version 1\n1..1\nok 1 instructions # SKIP {reason}");
        return Ok(true);
    }
    let (report, good) = count(rustc)?.compare(&accepted, ACCEPT);
    print!("{report}");
    Ok(good)
}

/// Why counts of this machine say nothing beside the accepted ones.
fn incomparable(accepted: &Counts, rustc: &str) -> Result<Option<String>> {
    if accepted.rustc != rustc {
        let accepted = &accepted.rustc;
        return Ok(Some(format!("counted with {accepted}, this is {rustc}")));
    }
    // memchr and the C library choose their code by what valgrind hands on of the processor.
    let cpu = fs::read_to_string("/proc/cpuinfo").context("cannot read /proc/cpuinfo")?;
    let has_avx2 = cpu.split_whitespace().any(|word| word == "avx2");
    Ok((!has_avx2).then(|| "counted with AVX2, this processor has none".into()))
}

fn count(rustc: &str) -> Result<Counts> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["bench", "--quiet", "--package", env!("CARGO_PKG_NAME")])
        .args(["--bench", "instructions", "--"])
        .args(["--output-format=json", "--nosummary"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        // Other code would come out.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    Counts::from_gungraun(rustc, &output(&mut cargo)?)
}

fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run {program}"))?;
    ensure!(output.status.success(), "{program}: {}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}
