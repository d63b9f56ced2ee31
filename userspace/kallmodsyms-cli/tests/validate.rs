// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `kallmodsyms validate` as a user meets it: what it prints, and its exit status.

mod common;

use std::path::Path;

use common::{Files, capture};

const GOOD: &str = "\
ffffffff81000000 0 T _stext
ffffffff81000000 11f T cpsw_ale_flush\t[ti_cpsw] [ti_cpsw_new]
ffffffff81001000 0 B _end
ffffffffc0200000 d2 t nfs_lookup\t[nfs]
";

const KALLSYMS: &str = "\
ffffffff81000000 T _stext
ffffffff81000000 T cpsw_ale_flush
ffffffff81001000 B _end
ffffffffc0200000 t nfs_lookup\t[nfs]
";

fn good() -> Files {
    Files::new(&[("good", GOOD), ("kallsyms", KALLSYMS)])
}

#[test]
fn a_good_file() {
    let (status, out, err) = good().run(&["validate", "good", "--against", "kallsyms"], "");
    assert_eq!((status, err.as_str()), (0, ""));
    insta::assert_snapshot!(out, @r"
    good: sized dialect, addresses shown
      lines                   4
      core symbols            2
      built-in symbols        1  in 2 modules; 1 symbol in more than one
      loaded symbols          1  in 1 module
      pseudo symbols          0  of bpf, ftrace and kprobes
      sized symbols           2  497 bytes in all; 0 places where one reaches past the next
      of size zero            2
    valid
    ");
}

#[test]
fn kallsyms_has_no_sizes_to_sum() {
    let (status, out, _) = good().run(&["validate", "kallsyms"], "");
    assert_eq!(status, 0);
    insta::assert_snapshot!(out, @r"
    kallsyms: kallsyms dialect, addresses shown
      lines                   4
      core symbols            3
      built-in symbols        0  in 0 modules; 0 symbols in more than one
      loaded symbols          1  in 1 module
      pseudo symbols          0  of bpf, ftrace and kprobes
    valid
    ");
}

#[test]
fn a_bad_file() {
    let bad = GOOD.replace("11f", "11F").replace("_end", "two words");
    let files = Files::new(&[("bad", &bad)]);
    let (status, out, err) = files.run(&["validate", "bad"], "");
    assert_eq!((status, err.as_str()), (1, ""));
    insta::assert_snapshot!(out, @r"
    error[size]: expected a lower-case hex digit in the size, found `F`
     --> bad:2:20
      |
    2 | ffffffff81000000 11F T cpsw_ale_flush\t[ti_cpsw] [ti_cpsw_new]
      |                    ^
      = sizes are printed with %lx: lower case, no prefix, no leading zero

    error[fields]: expected 4 fields before the tab, found 5
     --> bad:3:26
      |
    3 | ffffffff81001000 0 B two words
      |                          ^
      = a line is: address, size if the file has sizes, type, name; then a tab and modules, if any

    bad: sized dialect, addresses shown
      lines                   4
      core symbols            1
      built-in symbols        0  in 0 modules; 0 symbols in more than one
      loaded symbols          1  in 1 module
      pseudo symbols          0  of bpf, ftrace and kprobes
      sized symbols           1  210 bytes in all; 0 places where one reaches past the next
      of size zero            1
    2 errors
    ");
}

#[test]
fn warnings_alone_are_no_failure() {
    let twice = GOOD.replace(
        "_end\n",
        "_end\nffffffff81002000 1 T f\nffffffff81002000 1 T f\n",
    );
    let (status, out, _) = good().run(&["validate", "-"], twice);
    assert_eq!(status, 0);
    assert_eq!(out.lines().last(), Some("valid, 1 warning"));
}

#[test]
fn findings_over_the_limit_are_counted() {
    let (status, out, _) = good().run(&["validate", "-", "--limit", "2"], "bad\n".repeat(5));
    assert_eq!(status, 1);
    insta::assert_snapshot!(out, @r"
    error[fields]: expected 4 fields before the tab, found 1
     --> <stdin>:1:4
      |
    1 | bad
      |    ^
      = a line is: address, size if the file has sizes, type, name; then a tab and modules, if any

    error[fields]: expected 4 fields before the tab, found 1
     --> <stdin>:2:4
      |
    2 | bad
      |    ^
      = a line is: address, size if the file has sizes, type, name; then a tab and modules, if any

    error[fields]: 3 more, see --limit

    <stdin>: no known dialect, addresses shown
      lines                   5
      core symbols            0
      built-in symbols        0  in 0 modules; 0 symbols in more than one
      loaded symbols          0  in 0 modules
      pseudo symbols          0  of bpf, ftrace and kprobes
    5 errors
    ");
}

#[test]
fn another_boot() {
    let files = good();
    let other = KALLSYMS.replace("nfs_lookup", "nfs_open");
    let arguments = ["validate", "good", "--against", "-"];
    let (status, out, _) = files.run(&arguments, other);
    assert_eq!(status, 1);
    assert!(
        out.contains("error[projection]: expected kallsyms' line `ffffffffc0200000 t nfs_open"),
        "{out}"
    );
}

#[test]
fn another_dialect_than_asked_for() {
    let (status, out, _) = good().run(&["validate", "kallsyms", "--dialect", "sized"], "");
    assert_eq!(status, 1);
    assert!(
        out.contains("expected the sized dialect, found the kallsyms dialect"),
        "{out}"
    );
}

#[test]
fn for_programs() {
    let (status, out, _) = good().run(&["validate", "good", "--json"], "");
    assert_eq!(status, 0);
    let json: serde_json::Value = serde_json::from_str(&out).expect("one JSON object");
    assert_eq!(json["valid"], true);
    assert_eq!(json["dialect"], "sized");
    assert_eq!(json["summary"]["lines"], 4);
    assert_eq!(json["summary"]["size_sum"], 0x11f + 0xd2);

    let (status, out, _) = good().run(&["validate", "-", "--json"], "bad \n");
    assert_eq!(status, 1);
    insta::assert_snapshot!(out, @r#"
    {
      "file": "<stdin>",
      "valid": false,
      "errors": 1,
      "warnings": 0,
      "dialect": null,
      "address_digits": null,
      "given_up": false,
      "slide": null,
      "summary": {
        "lines": 1,
        "hidden": false,
        "core": 0,
        "built_in": 0,
        "built_in_modules": 0,
        "loaded": 0,
        "loaded_modules": 0,
        "pseudo": 0,
        "shared": 0,
        "sized": 0,
        "zero_size": 0,
        "size_sum": 0,
        "overlaps": 0
      },
      "rules": {
        "blanks": 1
      },
      "findings": [
        {
          "rule": "blanks",
          "severity": "error",
          "line": 1,
          "column": 4,
          "offset": 3,
          "message": "expected the line to end after its last field, found a trailing blank"
        }
      ]
    }
    "#);
}

#[test]
fn files_that_cannot_be_read() {
    let files = good();
    for (arguments, expected) in [
        (
            vec!["validate", "missing"],
            "cannot read missing: No such file or directory",
        ),
        (
            vec!["validate", "."],
            "cannot read .: it is a directory: name a file",
        ),
        (
            vec!["validate", "good", "--against", "missing"],
            "cannot read missing: No such file",
        ),
        (
            vec!["validate", "good", "--against", "good"],
            "--against names the same file",
        ),
    ] {
        let (status, out, err) = files.run(&arguments, "");
        assert_eq!((status, out.as_str()), (2, ""), "{arguments:?}");
        assert!(
            err.starts_with(&format!("kallmodsyms: {expected}")),
            "{arguments:?}: {err}"
        );
    }
}

#[test]
fn wrong_usage() {
    for arguments in [
        &["validate", "good", "--dialect", "odd"][..],
        &["validate", "--odd"],
        &[],
    ] {
        let (status, out, err) = good().run(arguments, "");
        assert_eq!((status, out.as_str()), (2, ""), "{arguments:?}");
        assert!(err.contains("--help"), "{arguments:?}: {err}");
    }
}

/// The default is the running kernel, whichever of the files it has.
#[test]
fn the_running_kernel() {
    let (_, out, err) = good().run(&["validate"], "");
    let files = ["/proc/kallmodsyms", "/proc/kallsyms"];
    match files.into_iter().find(|file| Path::new(file).exists()) {
        Some(file) => assert!(out.contains(&format!("{file}: ")), "{out}{err}"),
        None => assert!(err.contains("is /proc mounted"), "{err}"),
    }
}

/// What the build of the kernel left says the same as the kernel, where it says something.
#[test]
fn a_real_kernel_against_everything() {
    let files = Files::new(&[
        ("kallmodsyms", capture("kallmodsyms")),
        ("kallsyms", capture("kallsyms")),
        ("System.map", capture("System.map")),
        ("ranges", capture("modules.builtin.ranges")),
    ]);
    let against = |file: &str, others: &[&str]| {
        let mut arguments = vec!["validate", file];
        arguments.extend(others.iter().flat_map(|other| ["--against", other]));
        let (status, out, err) = files.run(&arguments, "");
        assert_eq!(err, "", "{arguments:?}");
        (status, out)
    };
    let (status, out) = against("kallmodsyms", &["kallsyms", "System.map", "ranges"]);
    assert_eq!(status, 0, "{out}");
    assert!(
        out.contains("moved by       0x21000000  from where it was linked"),
        "{out}"
    );
    assert!(
        out.contains("warning[ranges-"),
        "what ranges do not tell: {out}"
    );

    // A symbol that is not where it was linked, a symbol of another module.
    let text = String::from_utf8(capture("kallmodsyms")).unwrap();
    for (from, to, other, rule) in [
        (
            "ffffffffa24630f0 213 t ext4_lookup",
            "ffffffffa24630f1 213 t ext4_lookup",
            "System.map",
            "linked",
        ),
        (
            "t ext4_lookup\t[ext4]",
            "t ext4_lookup\t[ext3]",
            "ranges",
            "ranges-modules",
        ),
        ("t ext4_lookup", "t ext4_lookup2", "kallsyms", "projection"),
    ] {
        assert!(text.contains(from), "{from}");
        files.write("changed", text.replace(from, to).as_bytes());
        let (status, out) = against("changed", &[other]);
        assert!(
            status == 1 && out.contains(&format!("error[{rule}")),
            "{other}: {out}"
        );
    }
}

#[test]
fn against_what_does_not_fit() {
    let files = good();
    files.write("map", b"ffffffff81000000 T other\n");
    files.write(
        "ranges",
        b".text 00000000-00000000 = _text\n.text 00000040-00000050 ext4\n",
    );
    files.write("bad-ranges", b".text 0-0 = _text\n");
    for (arguments, expected) in [
        (
            &["validate", "good", "--against", "ranges"][..],
            "ranges does not fit good: ",
        ),
        (
            &["validate", "good", "--against", "bad-ranges"],
            "bad-ranges: line 1, column 7: ",
        ),
        (
            &[
                "validate",
                "good",
                "--against",
                "kallsyms",
                "--against",
                "kallsyms",
            ],
            "--against has two files of the kind of kallsyms: name one",
        ),
    ] {
        let (status, out, err) = files.run(arguments, "");
        assert_eq!((status, out.as_str()), (2, ""), "{arguments:?}");
        assert!(
            err.starts_with(&format!("kallmodsyms: {expected}")),
            "{arguments:?}: {err}"
        );
    }
    let (status, out, _) = files.run(&["validate", "good", "--against", "map"], "");
    assert!(status == 1 && out.contains("error[linked]"), "{out}");
}
