// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Help texts say what is true: each example works as it is printed, and the fields of JSON are those that are there.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use common::{Files, KERNEL, capture, program};
use kallmodsyms_captures::Capture;
use serde_json::Value;

fn help(arguments: &[&str]) -> String {
    let (status, out, err) = Files::kernel().run(&[arguments, &["--help"]].concat(), "");
    assert_eq!((status, err.as_str()), (0, ""), "{arguments:?}");
    out
}

/// The names under `Commands:`.
fn subcommands() -> Vec<String> {
    let text = help(&[]);
    let list = text
        .split("Commands:\n")
        .nth(1)
        .expect("a list of commands");
    let lines = list.lines().take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| {
        line.strip_prefix("  ")?
            .split(' ')
            .next()
            .filter(|name| !name.is_empty())
    });
    let names: Vec<String> = names
        .filter(|&name| name != "help")
        .map(Into::into)
        .collect();
    assert!(names.len() >= 11, "{names:?}");
    names
}

fn examples(text: &str) -> Vec<&str> {
    let list = text.split("Examples:\n").nth(1).expect("examples");
    let lines: Vec<&str> = list.lines().take_while(|line| !line.is_empty()).collect();
    assert!(lines.len() >= 2, "{text}");
    lines
}

/// The files that examples name, programs that stand for those of a machine, and the kernel of the capture in place of
/// the running one.
struct Machine(Files);

impl Machine {
    fn new() -> Self {
        let oops = "RIP: 0010:vfs_read+0x10/0x374\n ffffffffa235e210\n\
                    Kernel Offset: 0x21000000 from 0xffffffff81000000\n";
        let stacks = "dd;entry;0xffffffffa235e210 12\n";
        // A module more than in the saved copies, so that there is a difference.
        let now = [
            &capture("kallmodsyms")[..],
            b"ffffffffc0800000 10 t came\t[new]\n",
        ]
        .concat();
        let kallsyms = [
            &capture("kallsyms")[..],
            b"ffffffffc0800000 t came\t[new]\n",
        ]
        .concat();
        let files = Files::new(&[
            ("System.map", capture("System.map")),
            ("modules.builtin.ranges", capture("modules.builtin.ranges")),
            ("oops.txt", oops.into()),
            ("stacks.txt", stacks.into()),
            ("after.xz", now.clone()),
        ]);
        for (path, bytes) in [
            ("proc/kallmodsyms", &now[..]),
            ("proc/kallsyms", &kallsyms),
            ("proc/sys/kernel/osrelease", b"6.12.117\n"),
            ("boot/System.map-6.12.117", &capture("System.map")),
        ] {
            let path = files.path().join("root").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        let packed = fs::read(Capture::standard().path("kallmodsyms")).unwrap();
        for name in ["saved.xz", "before.xz"] {
            files.write(name, &packed);
        }
        let bin = files.path().join("bin");
        fs::create_dir(&bin).unwrap();
        std::os::unix::fs::symlink(program(), bin.join("kallmodsyms")).unwrap();
        stand_in(&bin.join("dmesg"), "cat oops.txt");
        stand_in(&bin.join("man"), "cat");
        stand_in(&bin.join("flamegraph.pl"), "cat");
        Self(files)
    }

    /// Runs a line as a shell would: exit status, what it printed.
    fn run(&self, line: &str) -> (i32, String) {
        let path = std::env::var("PATH").expect("a search path");
        let bin = self.0.path().join("bin");
        let output = Command::new("bash")
            .args([
                "-o",
                "pipefail",
                "-c",
                &line
                    .replace("/proc/", "root/proc/")
                    .replace("/host", "root"),
            ])
            .current_dir(self.0.path())
            .env("PATH", format!("{}:{path}", bin.display()))
            .env("KALLMODSYMS_ROOT", "root")
            .env_remove("KALLMODSYMS_INPUT")
            .output()
            .expect("to run bash");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(said, "", "{line}");
        (
            output.status.code().expect("no signal"),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    }
}

fn stand_in(path: &Path, script: &str) {
    fs::write(path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn examples_work_as_printed() {
    let machine = Machine::new();
    let mut texts = vec![(String::new(), help(&[]))];
    texts.extend(
        subcommands()
            .into_iter()
            .map(|name| (name.clone(), help(&[&name]))),
    );
    let mut count = 0;
    for (name, text) in &texts {
        for line in examples(text) {
            assert!(
                line.starts_with("  ") && line.contains(&format!("kallmodsyms {name}")),
                "{name}: {line:?}"
            );
            let (status, out) = machine.run(line);
            let differs = i32::from(line.contains("kallmodsyms diff"));
            assert_eq!(status, differs, "{line}\n{out}");
            count += 1;
            // What is not printed is in the file or the folder that the line names.
            let command = line.split('#').next().unwrap_or_default();
            let place = ["> ", "-o ", "man "]
                .iter()
                .find_map(|lead| command.split_once(lead));
            let place = place.and_then(|(_, rest)| rest.split_whitespace().next());
            let written = place.and_then(|place| fs::metadata(machine.0.path().join(place)).ok());
            assert!(
                !out.is_empty() || written.is_some_and(|file| file.len() > 0),
                "{line}: nothing was printed"
            );
        }
    }
    assert!(count >= 30, "{count}");
}

/// Help fits a terminal of 100 columns.
#[test]
fn help_is_not_too_wide() {
    for name in subcommands() {
        for line in help(&[&name]).lines() {
            assert!(line.chars().count() <= 100, "{name}: {line}");
        }
    }
}

/// The names of all fields in a value, but for those of objects whose names are data.
fn fields(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(list) => list.iter().for_each(|value| fields(value, found)),
        Value::Object(object) => {
            for (name, value) in object {
                found.insert(name.clone());
                if name != "rules" {
                    fields(value, found);
                }
            }
        }
        _ => {}
    }
}

#[test]
fn json_is_as_documented() {
    let marker = b"ffffffff81005000 0 B _end\n";
    let end = KERNEL.windows(marker.len()).position(|line| line == marker);
    let (image, behind) = KERNEL.split_at(end.expect("the end of the image"));
    let rust = b"ffffffff81004400 8 t _RNvCs1234_7mycrate3foo\n";
    let files = Files::new(&[
        ("kernel", &[image, rust, behind].concat()[..]),
        (
            "old",
            b"ffffffff82000000 40 T vfs_read\nffffffff82004000 4 d caf\xe9\n",
        ),
    ]);
    fs::create_dir_all(files.path().join("root/proc")).unwrap();
    files.write("root/proc/kallsyms", b"ffffffff81000000 T _text\n");
    files.write(
        "text",
        b"ffffffff81004004 0xffffffff81000000 ffffffff81004404\n",
    );
    for arguments in [
        &["dump"][..],
        &["lookup", "ffffffff81004004", "ffffffff81004404"],
        &["find", "caf*", "_RNv*"],
        &["symbolize", "text"],
        &["validate"],
        &["modules"],
        &["diff", "old"],
        &["gaps", "--min-size", "1"],
        &["treemap", "-n", "20"],
        &["sources", "--root", "root"],
    ] {
        let output = files.command(arguments).arg("--json").output().unwrap();
        assert_eq!(
            output.stderr.escape_ascii().to_string(),
            "",
            "{arguments:?}"
        );
        let mut found = BTreeSet::new();
        let values = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>();
        let mut count = 0;
        for value in values {
            fields(&value.expect("JSON"), &mut found);
            count += 1;
        }
        assert!(count > 0 && !found.is_empty(), "{arguments:?}");
        let one_line = matches!(arguments[0], "diff" | "treemap" | "validate");
        assert!(
            one_line == (count == 1) || arguments[0] != "dump",
            "{arguments:?}"
        );

        let text = help(&[arguments[0]]);
        let documented = text.split("\nJSON: ").nth(1).expect("a list of fields");
        for name in &found {
            let is_word =
                |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric() && c != '_') == name;
            assert!(
                documented.split_whitespace().any(is_word),
                "{arguments:?}: {name} is not documented"
            );
        }
        for line in documented.lines().skip(1) {
            // An entry, the rest of one, or a heading: what clap had to wrap is none of them.
            let (indent, name) = (line.len() - line.trim_start().len(), line.trim_start());
            let is_entry = matches!(indent, 2 | 4) && name.contains("  ");
            let is_heading = indent == 0 && name.ends_with(':');
            assert!(
                is_entry || is_heading || indent > 8,
                "{arguments:?}: {line:?}"
            );
            let name = line.split_whitespace().next().unwrap_or_default();
            let is_entry =
                line.starts_with("  ") && line.trim_start()[name.len()..].starts_with("  ");
            assert!(
                !is_entry || found.contains(name),
                "{arguments:?}: {name} is documented, and not there"
            );
        }
    }
}
