// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Files of every kind: packed ones, and those that cannot be used, with what the user is told.

mod common;

use std::io::Write;
use std::process::Command;

use common::{Files, KERNEL, capture};
use flate2::Compression;
use flate2::write::GzEncoder;
use insta::assert_snapshot;
use lzma_rust2::{XzOptions, XzWriter};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut writer = XzWriter::new(Vec::new(), XzOptions::default()).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

type Pack = fn(&[u8]) -> Vec<u8>;
const PACKERS: [(&str, Pack); 3] = [("gzip", gzip), ("xz", xz), ("zstd", zstd)];

#[test]
fn packed_files() {
    let (head, tail) = KERNEL.split_at(300);
    for (name, pack) in PACKERS {
        let files = Files::new(&[
            ("whole", pack(KERNEL)),
            // As `cat a.gz b.gz` leaves it.
            ("parts", [pack(head), pack(tail)].concat()),
        ]);
        for file in ["whole", "parts"] {
            let (status, out, err) = files.run_bytes(&["dump", "-i", file], "");
            assert_eq!(
                (status, err.escape_ascii().to_string().as_str()),
                (0, ""),
                "{name} {file}"
            );
            assert!(out == KERNEL, "{name} {file}");
        }
        let (_, out, _) = files.run_bytes(&["dump", "-i", "-"], pack(KERNEL));
        assert!(out == KERNEL, "{name} from a pipe");
        let (status, out, _) = files.run_bytes(&["symbolize", "-i", "whole", "whole"], "");
        assert!(
            status == 0 && out.starts_with(b"0000000000000000 0 A"),
            "{name}: text is unpacked as well"
        );
    }
}

/// A skippable frame, as pzstd writes it, is no data.
#[test]
fn a_skippable_frame() {
    let skippable = b"\x50\x2a\x4d\x18\x04\0\0\0skip";
    let packed = [
        &zstd(KERNEL)[..],
        skippable,
        &zstd(b"ffffffffd0000000 8 t last\t[bpf]\n"),
    ]
    .concat();
    let files = Files::new(&[("packed", packed)]);
    let (status, out, _) = files.run_bytes(&["dump", "-i", "packed"], "");
    assert_eq!(status, 0);
    assert!(out.starts_with(KERNEL) && out.ends_with(b"last\t[bpf]\n"));
}

#[test]
fn damaged_packed_files() {
    let bytes = &capture("kallmodsyms")[..200_000];
    for (name, pack) in PACKERS {
        let packed = pack(bytes);
        let mut flipped = packed.clone();
        flipped[packed.len() / 2] ^= 0x10;
        let files = Files::new(&[
            ("cut", &packed[..packed.len() / 2]),
            ("flipped", &flipped),
            ("head", &packed[..9]),
        ]);
        for file in ["cut", "flipped", "head"] {
            let (status, out, err) = files.run(&["modules", "-i", file], "");
            assert_eq!((status, out.as_str()), (2, ""), "{name} {file}");
            let what = if file == "flipped" {
                "are damaged ("
            } else {
                "were cut short: copy the file again\n"
            };
            let expected = format!("kallmodsyms: cannot read {file}: the {name} data {what}");
            assert!(err.starts_with(&expected), "{name} {file}: {err}");
        }
    }
}

/// What only the check sum tells: a letter in data that was stored as it is.
#[test]
fn a_changed_letter() {
    let mut stored = compress_to_vec(KERNEL, CompressionLevel::Uncompressed);
    let place = stored
        .windows(5)
        .position(|bytes| bytes == b"table")
        .expect("the name as it is");
    stored[place] = b'c';
    let files = Files::new(&[("stored", stored)]);
    let (status, _, err) = files.run(&["modules", "-i", "stored"], "");
    assert_eq!(status, 2);
    assert_snapshot!(err, @"kallmodsyms: cannot read stored: the zstd data are damaged (the check sum is wrong): copy the file again");
}

/// Runs every command that reads symbols on a file; all say the same of it.
fn complaint(files: &Files, file: &str) -> String {
    let mut said = Vec::new();
    for arguments in [
        &["lookup", "0"][..],
        &["find", "x"],
        &["symbolize"],
        &["modules"],
        &["gaps"],
        &["treemap"],
    ] {
        let (status, out, err) = files.run(&[arguments, &["-i", file]].concat(), "");
        assert_eq!((status, out.as_str()), (2, ""), "{arguments:?} {file}");
        said.push(err);
    }
    let (status, _, err) = files.run(&["diff", file, "kernel"], "");
    assert_eq!(status, 2, "{file}");
    said.push(err);
    said.dedup();
    assert_eq!(said.len(), 1, "{said:#?}");
    said.remove(0)
}

#[test]
fn files_that_are_no_tables() {
    let mut boot_image = vec![0x90; 4096];
    boot_image[0x202..0x206].copy_from_slice(b"HdrS");
    let files = Files::new(&[
        ("kernel", KERNEL),
        ("empty", b""),
        (
            "hidden",
            b"0000000000000000 0 T _text\n0000000000000000 0 t f\t[m]\n",
        ),
        ("prose", b"Dear reader,\nthis is no table.\n"),
        ("binary", b"\0\x01\x02\x03"),
        ("damaged-elf", b"\x7fELF\x02\x01"),
        ("boot-image", &boot_image),
        ("bzip2", b"BZh91AY&SY"),
        ("lz4", b"\x04\x22\x4d\x18abcd"),
    ]);
    assert_snapshot!(complaint(&files, "missing"), @r"kallmodsyms: cannot read missing: No such file or directory (os error 2)");
    assert_snapshot!(complaint(&files, "."), @r"kallmodsyms: cannot read .: it is a directory: name a file");
    assert_snapshot!(complaint(&files, "kernel/x"), @r"kallmodsyms: cannot read kernel/x: Not a directory (os error 20)");
    assert_snapshot!(complaint(&files, "/dev/zero"), @r"kallmodsyms: cannot read /dev/zero: it is a device: name a file");
    assert_snapshot!(complaint(&files, "/dev/null"), @r"kallmodsyms: /dev/null: expected symbols, found an empty file: copy files of /proc with cat, as their size reads 0");
    assert_snapshot!(complaint(&files, "empty"), @r"kallmodsyms: empty: expected symbols, found an empty file: copy files of /proc with cat, as their size reads 0");
    let dumped = files.run(&["dump", "-i", "empty"], "");
    assert_eq!(dumped.0, 2, "{}", dumped.2);
    assert!(dumped.2.contains("found an empty file"), "{}", dumped.2);
    assert_snapshot!(complaint(&files, "hidden"), @r"kallmodsyms: hidden: expected addresses, found them hidden (all are zero): its reader lacks CAP_SYSLOG, or kernel.kptr_restrict is 2; as root, sysctl kernel.kptr_restrict=1, then read it again");
    assert_snapshot!(complaint(&files, "prose"), @r"
    kallmodsyms: expected symbols in prose, found 0 in 2 lines
    error[fields]: expected 4 fields before the tab, found 2
     --> prose:1:13
      |
    1 | Dear reader,
      |             ^
      = a line is: address, size if the file has sizes, type, name; then a tab and modules, if any
    ");
    assert_snapshot!(complaint(&files, "binary"), @r"kallmodsyms: binary: expected lines of symbols, found binary data: name a copy of /proc/kallmodsyms or /proc/kallsyms, or a System.map");
    assert_snapshot!(complaint(&files, "damaged-elf"), @r"kallmodsyms: cannot use damaged-elf: damaged ELF file: Invalid ELF header size or alignment");
    assert_snapshot!(complaint(&files, "boot-image"), @r"kallmodsyms: boot-image: expected lines of symbols, found a boot image (bzImage): name the System.map beside it, or the vmlinux it was made of");
    assert_snapshot!(complaint(&files, "bzip2"), @r"kallmodsyms: cannot read bzip2: packed with bzip2, which this command does not unpack: run bzip2 -d first");
    assert_snapshot!(complaint(&files, "lz4"), @r"kallmodsyms: cannot read lz4: packed with lz4, which this command does not unpack: run lz4 -d first");
}

/// A vmlinux is compared with, and not itself lines to check.
#[test]
fn validate_of_an_elf_file() {
    let files = Files::new(&[("vmlinux", gzip(b"\x7fELF\x02\x01"))]);
    let (status, _, err) = files.run(&["validate", "vmlinux"], "");
    assert_eq!(status, 2);
    assert_snapshot!(err, @r"kallmodsyms: expected lines of symbols in vmlinux, found an ELF file: name a copy of /proc/kallmodsyms");
}

/// `dump` needs no addresses. It prints what is there, and says what is missing.
#[test]
fn dump_of_hidden_addresses() {
    let hidden = "0000000000000000 0 T _text\n0000000000000000 0 t f\t[m]\n";
    let files = Files::new(&[("hidden", hidden)]);
    let (status, out, err) = files.run(&["dump", "-i", "hidden"], "");
    assert_eq!((status, out.as_str()), (0, hidden));
    assert_snapshot!(err, @r"kallmodsyms: note: all addresses in hidden are zero: its reader may not see them (see sysctl kernel.kptr_restrict)");
}

#[test]
fn a_fifo() {
    let files = Files::kernel();
    let fifo = files.path().join("fifo");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let writer = std::thread::spawn(move || std::fs::write(fifo, KERNEL));
    let (status, out, _) = files.run_bytes(&["dump", "-i", "fifo"], "");
    writer.join().unwrap().unwrap();
    assert_eq!((status, out), (0, KERNEL.to_vec()));
}

/// The name of a file is shown with what is not UTF-8 replaced.
#[test]
fn a_name_that_is_no_text() {
    use std::os::unix::ffi::OsStrExt;
    let files = Files::kernel();
    let output = files
        .command(&["modules", "-i"])
        .arg(std::ffi::OsStr::from_bytes(b"caf\xe9"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("cannot read caf\u{fffd}: No such file")
    );
}

#[test]
fn the_running_kernel_by_variable() {
    let files = Files::kernel();
    let output = files.command(&["find", "table"]).output().unwrap();
    assert_eq!(output.stdout, b"ffffffff81003000 1000 R table\n");
}
