// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What the tests of the command share: a folder with files, and the command run in it.

#![allow(dead_code, reason = "each test file uses a part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command as StdCommand, Stdio};

use assert_cmd::Command;
use kallmodsyms_captures::Capture;
use tempfile::TempDir;

/// A small kernel with one of everything: markers, symbols at one address and in each other, one without UTF-8, two
/// modules that share an object, a gap, a loaded module, a BPF program.
pub(crate) const KERNEL: &[u8] = b"\
0000000000000000 0 A __per_cpu_start
0000000000000000 30 A per_cpu_data
ffffffff81000000 0 T _stext
ffffffff81000000 40 T vfs_read
ffffffff81000000 40 T vfs_read_alias
ffffffff81000010 8 t inside
ffffffff81000040 20 t probe\t[ext4]
ffffffff81000060 10 T cpdma_start\t[ti_cpsw] [ti_cpsw_new]
ffffffff81000070 10 t probe.llvm.1234\t[nfs]
ffffffff81003000 1000 R table
ffffffff81004000 8 d caf\xe9\t[ext4]
ffffffff81004010 100 b zeroes
ffffffff81005000 0 B _end
ffffffffc0000000 80 t probe\t[loaded]
ffffffffc0001000 200 t bpf_prog_1234\t[bpf]
";

/// A folder with files, which is where the command runs: so messages show their bare names.
pub(crate) struct Files(TempDir);

/// How a command ended: exit status, standard output, standard error.
pub(crate) type Ended = (i32, String, String);

impl Files {
    pub(crate) fn new<T: AsRef<[u8]>>(files: &[(&str, T)]) -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder for the test's files"));
        for (name, bytes) in files {
            folder.write(name, bytes.as_ref());
        }
        folder
    }

    /// The small kernel alone, as `kernel`.
    pub(crate) fn kernel() -> Self {
        Self::new(&[("kernel", KERNEL)])
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path().join(name), bytes).expect("to write a test's file");
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path().join(name)).expect("to read a test's file")
    }

    /// Runs the command on the small kernel, and without one if a test names another.
    pub(crate) fn run(&self, arguments: &[&str], stdin: impl Into<Vec<u8>>) -> Ended {
        let (status, out, err) = self.run_bytes(arguments, stdin);
        let text = |bytes| String::from_utf8(bytes).expect("output is text");
        (status, text(out), text(err))
    }

    /// The output of a command that finds what it looks for in the file `kernel`, with visible tabs.
    pub(crate) fn good(&self, arguments: &[&str]) -> String {
        let (status, out, err) = self.run(
            &[&arguments[..1], &["-i", "kernel"], &arguments[1..]].concat(),
            "",
        );
        assert_eq!((status, err.as_str()), (0, ""), "{arguments:?}");
        out.replace('\t', "\\t")
    }

    pub(crate) fn run_bytes(
        &self,
        arguments: &[&str],
        stdin: impl Into<Vec<u8>>,
    ) -> (i32, Vec<u8>, Vec<u8>) {
        let output = Command::new(program())
            .current_dir(self.path())
            .env_remove("KALLMODSYMS_INPUT")
            .args(arguments)
            .write_stdin(stdin)
            .output()
            .expect("to run the command");
        let status = output.status.code().expect("no signal ended the command");
        (status, output.stdout, output.stderr)
    }

    /// The command with pipes, to be started by the test.
    pub(crate) fn command(&self, arguments: &[&str]) -> StdCommand {
        let mut command = StdCommand::new(program());
        command
            .current_dir(self.path())
            .env("KALLMODSYMS_INPUT", "kernel")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

pub(crate) fn program() -> PathBuf {
    assert_cmd::cargo::cargo_bin!("kallmodsyms").to_path_buf()
}

/// A file of the kernel that `make run` boots, unpacked.
pub(crate) fn capture(file: &str) -> Vec<u8> {
    Capture::standard().read(file).expect("a capture")
}
