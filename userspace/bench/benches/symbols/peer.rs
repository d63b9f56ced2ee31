// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What is measured beside the crate: libraries, called as their documents say, and programs.
//!
//! No peer reads sizes or several modules, so all get the plain `kallsyms` of the same boot. Those that read nothing
//! but `/proc/kallsyms` run in a mount namespace of their own, where a capture is bound over it.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use blazesym::MaybeDefault;
use blazesym::symbolize::source::{Kernel, Source};
use blazesym::symbolize::{Input, Symbolizer};
use stackpulse::bench_support::symbolizer_for_modules;
use stackpulse::symbolize::KernelSymbolSource;

/// blazesym, with everything but a kallsyms file turned off.
#[derive(Debug)]
pub(crate) struct Blazesym {
    symbolizer: Symbolizer,
    source: Source<'static>,
}

impl Blazesym {
    /// Reads nothing yet: the first look-up does.
    pub(crate) fn new(kallsyms: &Path) -> Self {
        let kernel = Kernel {
            kallsyms: MaybeDefault::Some(kallsyms.into()),
            vmlinux: MaybeDefault::None,
            debug_syms: false,
            ..Kernel::default()
        };
        Self {
            symbolizer: Symbolizer::new(),
            source: Source::Kernel(kernel),
        }
    }

    /// Where the symbols at the addresses start, 0 for none.
    pub(crate) fn starts(&self, addresses: &[u64]) -> Result<Vec<u64>> {
        let found = self
            .symbolizer
            .symbolize(&self.source, Input::AbsAddr(addresses))?;
        let start =
            |found: &blazesym::symbolize::Symbolized<'_>| found.as_sym().map_or(0, |sym| sym.addr);
        Ok(found.iter().map(start).collect())
    }

    /// Looks addresses up in one batch, and tells how many are in a symbol.
    pub(crate) fn symbolize(&self, addresses: &[u64]) -> Result<usize> {
        let found = self
            .symbolizer
            .symbolize(&self.source, Input::AbsAddr(addresses))?;
        Ok(found
            .iter()
            .filter(|found| found.as_sym().is_some())
            .count())
    }
}

/// Reads a file into stackpulse's index.
pub(crate) fn stackpulse(kallsyms: &Path) -> Result<stackpulse::Symbolizer> {
    let source = KernelSymbolSource::File(kallsyms.into());
    Ok(symbolizer_for_modules(&[]).kernel_symbols(source).build()?)
}

/// `cat FILE`, read through a pipe to its end. Returns how many bytes came.
pub(crate) fn cat(file: &Path) -> Result<usize> {
    let mut child = Command::new("cat")
        .arg(file)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run cat")?;
    let mut pipe = child.stdout.take().context("cat has no output")?;
    let mut buffer = vec![0; 1 << 17];
    let mut total = 0;
    loop {
        match pipe.read(&mut buffer)? {
            0 => break,
            count => total += count,
        }
    }
    ensure!(child.wait()?.success(), "cat {} failed", file.display());
    Ok(total)
}

/// `perf bench internals kallsyms-parse`: a callback for each symbol, in C.
#[derive(Debug)]
pub(crate) struct Perf<'a> {
    kallsyms: &'a Path,
}

impl<'a> Perf<'a> {
    /// Sees whether perf runs at all.
    pub(crate) fn new(kallsyms: &'a Path) -> Result<Self> {
        let perf = Self { kallsyms };
        perf.parse(1)?;
        Ok(perf)
    }

    /// How long it takes to read the file so many times.
    pub(crate) fn parse(&self, times: u64) -> Result<Duration> {
        let mut command = over_kallsyms(self.kallsyms, Path::new("perf"))?;
        command.args(["bench", "internals", "kallsyms-parse", "--iterations"]);
        let said = output(command.arg(times.to_string()), "")?;
        let average = said
            .split_once("took: ")
            .and_then(|(_, rest)| rest.split_once(" ms"))
            .and_then(|(number, _)| number.parse::<f64>().ok())
            .with_context(|| format!("perf bench said {said:?}"))?;
        #[expect(clippy::cast_precision_loss, reason = "times is far below 2^52")]
        let total = Duration::from_secs_f64(average / 1e3).mul_f64(times as f64);
        Ok(total)
    }
}

/// libbcc's `bcc_symcache`, called by a small C program that is compiled on the spot.
#[derive(Debug)]
pub(crate) struct Bcc<'a> {
    program: PathBuf,
    kallsyms: &'a Path,
    addresses: String,
}

impl<'a> Bcc<'a> {
    /// Compiles the program into a directory that has to be there.
    pub(crate) fn new(kallsyms: &'a Path, directory: &Path, addresses: &[u64]) -> Result<Self> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/symbols/bcc.c");
        let program = directory.join("bcc");
        let mut compiler = Command::new("cc");
        compiler.args(["-O2", "-Wall", "-o"]).arg(&program);
        output(compiler.arg(source).arg("-lbcc"), "")
            .context("no libbcc (Debian: libbpfcc-dev)")?;
        let lines: Vec<String> = addresses.iter().map(|at| format!("{at:x}\n")).collect();
        let addresses = lines.concat();
        Ok(Self {
            program,
            kallsyms,
            addresses,
        })
    }

    /// Where the symbols at the addresses start, 0 for none.
    pub(crate) fn starts(&self) -> Result<Vec<u64>> {
        let mut command = over_kallsyms(self.kallsyms, &self.program)?;
        let starts = output(command.arg("0"), &self.addresses)?;
        let parse = |line| u64::from_str_radix(line, 16).map_err(Into::into);
        starts.lines().map(parse).collect()
    }

    /// How long it takes to look all addresses up so many times, with the cache warm.
    pub(crate) fn look_up(&self, times: u64) -> Result<Duration> {
        let mut command = over_kallsyms(self.kallsyms, &self.program)?;
        let said = output(command.arg(times.to_string()), &self.addresses)?;
        let nanoseconds = said.trim().parse();
        Ok(Duration::from_nanos(nanoseconds.with_context(|| {
            format!("the bcc program said {said:?}")
        })?))
    }
}

/// A program, which is to see a file as `/proc/kallsyms`; as another user than root too, where the kernel lets users
/// have namespaces.
fn over_kallsyms(kallsyms: &Path, program: &Path) -> Result<Command> {
    let bound = |flags: &str, program: &Path| {
        let mut command = Command::new("unshare");
        let script = r#"mount --bind "$0" /proc/kallsyms && exec "$@""#;
        command.args([flags, "sh", "-c", script]);
        command.arg(kallsyms).arg(program);
        command
    };
    let mut reason = anyhow!("no reason");
    for flags in ["-m", "-rm"] {
        match output(&mut bound(flags, Path::new("true")), "") {
            Ok(_) => return Ok(bound(flags, program)),
            Err(error) => reason = error,
        }
    }
    Err(reason.context("cannot bind a file over /proc/kallsyms (are you root?)"))
}

/// What a command prints when it is given this input.
fn output(command: &mut Command, input: &str) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {program}"))?;
    let mut stdin = child.stdin.take().context("no standard input")?;
    // All our programs read to the end before they print; the others are given nothing.
    stdin.write_all(input.as_bytes())?;
    drop(stdin);
    let output = child.wait_with_output()?;
    ensure!(
        output.status.success(),
        "{program}: {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim(),
    );
    Ok(String::from_utf8(output.stdout)?)
}
