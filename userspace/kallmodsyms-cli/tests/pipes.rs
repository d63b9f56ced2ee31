// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The command between others: readers that leave, disks that are full, text that comes line by line.

mod common;

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

use common::{Files, capture};

/// A subcommand with arguments that make it print more than a pipe holds, on the capture.
const TALKATIVE: [&[&str]; 12] = [
    &["dump"],
    &["dump", "--json"],
    &["lookup", "vfs_read", "--json"],
    &["find", "*"],
    &["symbolize", "kernel"],
    &["validate", "--json"],
    &["modules"],
    &["diff", "other"],
    &["gaps", "--min-size", "1"],
    &["treemap"],
    &["completions", "bash"],
    &["man"],
];

fn files() -> Files {
    Files::new(&[
        ("kernel", capture("kallmodsyms")),
        ("other", b"ffffffff81000000 8 T other\n".to_vec()),
    ])
}

/// A pipe whose reader has left before anything is written: even what fits a pipe cannot be.
fn closed_pipe() -> Stdio {
    let mut reader = Command::new("true")
        .stdin(Stdio::piped())
        .spawn()
        .expect("to run true");
    let pipe = reader.stdin.take().expect("a pipe");
    reader.wait().expect("true to end");
    pipe.into()
}

/// A reader that leaves early ends the command without a word.
#[test]
fn a_closed_pipe_is_quiet() {
    let files = files();
    for arguments in TALKATIVE {
        let output = files
            .command(arguments)
            .stdin(Stdio::null())
            .stdout(closed_pipe())
            .output()
            .expect("to run the command");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
        assert_eq!(output.status.code(), Some(141), "{arguments:?}");
    }
}

/// So does one that leaves after a line.
#[test]
fn a_pipe_closed_after_a_line_is_quiet() {
    let files = files();
    for arguments in [&["dump"][..], &["find", "*"], &["gaps", "--min-size", "1"]] {
        let mut child = files
            .command(arguments)
            .spawn()
            .expect("to run the command");
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
        assert!(
            out.read_line(&mut line).expect("to read a line") > 0,
            "{arguments:?}"
        );
        drop(out);
        let output = child.wait_with_output().expect("the command to end");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
        assert_eq!(output.status.code(), Some(141), "{arguments:?}");
    }
}

#[test]
fn a_full_disk_is_an_error() {
    let files = files();
    for arguments in TALKATIVE {
        let full = File::options()
            .write(true)
            .open("/dev/full")
            .expect("/dev/full");
        let output = files
            .command(arguments)
            .stdin(Stdio::null())
            .stdout(full)
            .output()
            .expect("to run the command");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(
            String::from_utf8_lossy(&output.stderr),
            "kallmodsyms: cannot write to standard output: No space left on device (os error 28)\n",
            "{arguments:?}"
        );
    }
}

/// `dmesg -w | kallmodsyms symbolize`: each line comes out before the next goes in.
#[test]
fn symbolize_line_by_line() {
    let files = Files::kernel();
    let mut child = files
        .command(&["symbolize"])
        .spawn()
        .expect("to run the command");
    let mut text = child.stdin.take().expect("a pipe");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    for (line, expected) in [
        ("a\n", "a\n"),
        (
            "at ffffffff81000044\n",
            "at ffffffff81000044 (probe+0x4/0x20 [ext4])\n",
        ),
        ("\n", "\n"),
    ] {
        text.write_all(line.as_bytes()).expect("to write a line");
        let mut found = String::new();
        out.read_line(&mut found).expect("to read it back");
        assert_eq!(found, expected);
    }
    text.write_all(b"the end").expect("to write");
    drop(text);
    let mut rest = String::new();
    out.read_to_string(&mut rest).expect("to read the rest");
    assert_eq!(rest, "the end");
    assert!(child.wait().expect("the command to end").success());
}

/// No colours and no progress where there is no terminal, unless they are asked for.
#[test]
fn plain_text_in_pipes() {
    let files = Files::kernel();
    for arguments in [
        &["modules"][..],
        &["lookup", "vfs_read"],
        &["find", "probe"],
        &["validate"],
    ] {
        let output = files
            .command(arguments)
            .output()
            .expect("to run the command");
        assert!(
            !output.stdout.contains(&0x1b) && output.stderr.is_empty(),
            "{arguments:?}"
        );
        let output = files
            .command(arguments)
            .args(["--color", "always"])
            .output()
            .expect("to run the command");
        assert!(output.stdout.contains(&0x1b), "{arguments:?}");
        let output = files
            .command(arguments)
            .args(["--color", "always"])
            .env("NO_COLOR", "1")
            .output()
            .expect("to run the command");
        assert!(
            output.stdout.contains(&0x1b),
            "{arguments:?}: what the user says counts more"
        );
    }
}
