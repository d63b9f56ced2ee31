// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Files that are made to do harm: to a terminal, or to the memory of the machine.

mod common;

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use common::{Files, program};
use flate2::Compression;
use flate2::write::GzEncoder;
use lzma_rust2::{XzOptions, XzWriter};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

/// Names that colour, ring, clear, set a title, run backwards, and end a line early; the last is no UTF-8.
const HOSTILE: &[u8] = b"ffffffff81000000 40 T red\x1b[31m\n\
ffffffff81000040 40 T bell\x07\x08\x7f\n\
ffffffff81000080 40 t title\x1b]0;x\x07\t[ext4]\n\
ffffffff810000c0 40 T c1\xc2\x9b31m\n\
ffffffff81000100 40 T back\xe2\x80\xae\n\
ffffffff81000140 40 T raw\x9b2J\n\
ffffffff81001000 0 B _end\n";

/// Runs a command whose standard output is a terminal, and returns what reached it.
fn on_a_terminal(files: &Files, arguments: &[&str]) -> Vec<u8> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&master).expect("to grant it");
    unlockpt(&master).expect("to unlock it");
    let name = ptsname(&master, Vec::new()).expect("its name");
    let terminal = File::options()
        .read(true)
        .write(true)
        .open(name.to_str().expect("a name of ASCII"))
        .expect("to open it");
    let mut child = Command::new(program())
        .current_dir(files.path())
        .env_remove("NO_COLOR")
        .env("TERM", "xterm")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(terminal.try_clone().expect("another descriptor"))
        .stderr(terminal)
        .spawn()
        .expect("to run the command");
    let mut master = File::from(master);
    let reader = thread::spawn(move || {
        let mut seen = Vec::new();
        let mut buffer = [0; 4096];
        // Once the last writer is gone, reading fails.
        while let Ok(count @ 1..) = master.read(&mut buffer) {
            seen.extend_from_slice(&buffer[..count]);
        }
        seen
    });
    child.wait().expect("the command to end");
    let seen = reader.join().expect("to read");
    // The terminal makes two characters of a line feed.
    String::from_utf8_lossy(&seen)
        .replace("\r\n", "\n")
        .into_bytes()
}

#[test]
fn names_reach_a_terminal_escaped() {
    let files = Files::new(&[("table", HOSTILE)]);
    let shown = [
        "red\\u001b[31m",
        "bell\\u0007\\u0008\\u007f",
        "title\\u001b]0;x\\u0007",
        "c1\\u009b31m",
        "back\\u202e",
        "raw\\x9b2J",
    ];
    for arguments in [
        &["dump", "-i", "table"][..],
        &["find", "-i", "table", "*"],
        &[
            "lookup",
            "-i",
            "table",
            "ffffffff81000000",
            "ffffffff81000040",
            "ffffffff81000080",
            "ffffffff810000c0",
            "ffffffff81000100",
            "ffffffff81000140",
        ],
        &["dump", "-i", "table", "--sort", "name"],
    ] {
        for colour in ["never", "always"] {
            let arguments = [arguments, &["--color", colour]].concat();
            let seen = on_a_terminal(&files, &arguments);
            let text = String::from_utf8(seen).expect("text");
            for name in shown {
                assert!(text.contains(name), "{arguments:?}: {name} in {text:?}");
            }
            // Colours of our own are all that is left.
            let own = ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[36m"];
            let bare = own
                .iter()
                .fold(text, |text, colour| text.replace(colour, ""));
            let harmful = |c: char| (c.is_control() && c != '\n' && c != '\t') || c == '\u{202e}';
            assert!(!bare.contains(harmful), "{arguments:?}: {bare:?}");
        }
    }
    let json = on_a_terminal(&files, &["dump", "-i", "table", "--json"]);
    let text = String::from_utf8(json).expect("text");
    assert!(
        !text.contains(|c: char| c.is_control() && c != '\n'),
        "{text:?}"
    );
    for line in text.lines() {
        assert!(
            serde_json::from_str::<serde_json::Value>(line).is_ok(),
            "{line}: JSON all the same"
        );
    }
}

/// A log may have colours, and nothing else that a terminal obeys; names that are put into it may not even have those.
#[test]
fn a_log_keeps_its_colours() {
    let log =
        b"\x1b[33m[  1.0]\x1b[0m [<ffffffff81000004>] ?\x1b[2J [<ffffffff81000104>] \x1b]0;x\x07\n";
    let files = Files::new(&[("table", HOSTILE), ("log", log.as_slice())]);
    let arguments = ["symbolize", "-i", "table", "--color", "never", "log"];
    let seen = on_a_terminal(&files, &arguments);
    assert_eq!(
        String::from_utf8(seen).expect("text"),
        "\x1b[33m[  1.0]\x1b[0m [<ffffffff81000004>] (red\\u001b[31m+0x4/0x40) ?\\u001b[2J [<ffffffff81000104>] \
         (back\\u202e+0x4/0x40) \\u001b]0;x\\u0007\n"
    );
}

#[test]
fn raw_names_where_that_is_wanted() {
    let files = Files::new(&[("table", HOSTILE)]);
    let raw = on_a_terminal(
        &files,
        &["dump", "-i", "table", "--raw", "--color", "never"],
    );
    assert_eq!(raw, String::from_utf8_lossy(HOSTILE).as_bytes());
    // In pipes and files nothing is ever changed.
    for arguments in [
        &["dump", "-i", "table"][..],
        &["dump", "-i", "table", "--raw"],
    ] {
        assert_eq!(files.run_bytes(arguments, "").1, HOSTILE);
    }
}

/// What is said of names, files and lines on standard error is for a terminal as well.
#[test]
fn messages_reach_a_terminal_escaped() {
    let files = Files::new(&[
        ("table", HOSTILE),
        ("a\x1b[31m", &b"nonsense\x1b[31m\n"[..]),
    ]);
    for arguments in [
        &["find", "-i", "table", "no\x1b[31m"][..],
        &["lookup", "-i", "table", "no\x1b[31m"],
        &["find", "-i", "a\x1b[31m", "x"],
        &["find", "-i", "b\x1b[31m", "x"],
    ] {
        let seen = on_a_terminal(&files, arguments);
        let text = String::from_utf8_lossy(&seen);
        assert!(
            text.contains("kallmodsyms:") && !text.contains("\x1b[31m"),
            "{arguments:?}: {text:?}"
        );
    }
}

/// How a child ended, and the most memory that it had at once, in bytes.
struct Measured {
    status: i32,
    err: String,
    peak: u64,
}

/// Runs a command until it ends, and looks at its memory every few milliseconds.
fn measured(
    folder: &Path,
    arguments: &[&str],
    feed: Option<fn(&mut dyn Write) -> io::Result<()>>,
) -> Measured {
    let mut child: Child = Command::new(program())
        .current_dir(folder)
        .env_remove("KALLMODSYMS_INPUT")
        .args(arguments)
        .stdin(if feed.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("to run the command");
    let feeder = child.stdin.take().zip(feed).map(|(stdin, feed)| {
        // It may end before it has read all.
        thread::spawn(move || drop(feed(&mut BufWriter::with_capacity(1 << 16, stdin))))
    });
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let status = loop {
        let text = fs::read_to_string(&status_file).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        peak = kib.map_or(peak, |kib| peak.max(kib << 10));
        if let Some(status) = child.try_wait().expect("to wait") {
            break status;
        }
        thread::sleep(Duration::from_millis(2));
    };
    let mut err = String::new();
    let mut stderr = child.stderr.take().expect("a pipe");
    stderr.read_to_string(&mut err).expect("text");
    if let Some(feeder) = feeder {
        feeder.join().expect("to feed");
    }
    Measured {
        status: status.code().expect("no signal ended it"),
        err,
        peak,
    }
}

/// What the command takes without a file to speak of. It waits for the end of that, so that it is seen.
fn floor() -> u64 {
    let one: fn(&mut dyn Write) -> io::Result<()> = |out| {
        out.write_all(b"ffffffff81000000 T _text\n")?;
        out.flush()?;
        thread::sleep(Duration::from_millis(500));
        Ok(())
    };
    let floor = measured(Path::new("/"), &["lookup", "-i", "-", "_text"], Some(one)).peak;
    assert!(floor > MIB, "{floor}: was it seen?");
    floor
}

const MIB: u64 = 1 << 20;

/// Endless input that is no table ends soon, and is not kept.
#[test]
fn yes_is_no_table() {
    let yes: fn(&mut dyn Write) -> io::Result<()> = |out| loop {
        out.write_all(b"y\n")?;
    };
    let floor = floor();
    for (arguments, expected) in [
        (&["validate", "-"][..], 1),
        (&["dump", "-i", "-"], 2),
        (&["lookup", "-i", "-", "0"], 2),
    ] {
        let ended = measured(Path::new("/"), arguments, Some(yes));
        assert_eq!(ended.status, expected, "{arguments:?}: {}", ended.err);
        assert!(
            ended.peak < floor + 4 * MIB,
            "{arguments:?}: {} over {floor}",
            ended.peak
        );
    }
}

/// A line that never ends is none.
#[test]
fn zeroes_are_no_table() {
    let zeroes: fn(&mut dyn Write) -> io::Result<()> = |out| loop {
        out.write_all(&[0; 4096])?;
    };
    let floor = floor();
    for arguments in [&["dump", "-i", "-"][..], &["modules", "-i", "-"]] {
        let ended = measured(Path::new("/"), arguments, Some(zeroes));
        assert_eq!(ended.status, 2, "{arguments:?}: {}", ended.err);
        assert!(ended.err.contains("found binary data"), "{}", ended.err);
        assert!(
            ended.peak < floor + 4 * MIB,
            "{arguments:?}: {} over {floor}",
            ended.peak
        );
    }
    // What a file says of its length is not reserved for it: this one says 8 TiB.
    let files = Files::new::<&[u8]>(&[]);
    let sparse = File::create(files.path().join("sparse")).expect("a file");
    sparse
        .set_len(8 << 40)
        .expect("a file system with sparse files");
    let elf = File::create(files.path().join("elf")).expect("a file");
    elf.set_len(8 << 40)
        .expect("a file system with sparse files");
    (&elf)
        .write_all(&elf_that_claims(1 << 40))
        .expect("to write");
    for (file, expected) in [("sparse", "found binary data"), ("elf", "damaged ELF file")] {
        let ended = measured(files.path(), &["find", "-i", file, "x"], None);
        assert_eq!(ended.status, 2, "{}", ended.err);
        assert!(ended.err.contains(expected), "{}", ended.err);
        assert!(
            ended.peak < floor + 4 * MIB,
            "{file}: {} over {floor}",
            ended.peak
        );
    }
}

/// An image whose table of symbols says that it is this long.
fn elf_that_claims(size: u64) -> Vec<u8> {
    let mut bytes = vec![0; 64 + 3 * 64];
    bytes[..20].copy_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0");
    bytes[20] = 1;
    // Three section headers behind the file header: none, the symbols, their names.
    bytes[40..48].copy_from_slice(&64_u64.to_le_bytes());
    bytes[52..54].copy_from_slice(&64_u16.to_le_bytes());
    bytes[58..60].copy_from_slice(&64_u16.to_le_bytes());
    bytes[60..62].copy_from_slice(&3_u16.to_le_bytes());
    for (section, kind, link, entry) in [(1, 2_u32, 2_u32, 24_u64), (2, 3, 0, 0)] {
        let header = &mut bytes[64 + 64 * section..][..64];
        header[4..8].copy_from_slice(&kind.to_le_bytes());
        header[24..32].copy_from_slice(&4096_u64.to_le_bytes());
        header[32..40].copy_from_slice(&size.to_le_bytes());
        header[40..44].copy_from_slice(&link.to_le_bytes());
        header[56..64].copy_from_slice(&entry.to_le_bytes());
    }
    bytes
}

/// What is streamed is not kept: as much memory for a long file as for a short one.
#[test]
fn validate_and_dump_hold_nothing() {
    let long: fn(&mut dyn Write) -> io::Result<()> = |out| {
        for index in 0..200_000_u64 {
            let address = 0xffff_ffff_8100_0000 + index * 0x40;
            writeln!(
                out,
                "{address:016x} 40 t function_{index}\t[module_{}]",
                index % 300
            )?;
        }
        writeln!(out, "ffffffffa0000000 0 B _end")?;
        out.flush()
    };
    let floor = floor();
    for arguments in [
        &["validate", "-"][..],
        &["dump", "-i", "-"],
        &["dump", "-i", "-", "--module", "module_7"],
    ] {
        let ended = measured(Path::new("/"), arguments, Some(long));
        assert_eq!((ended.status, ended.err.as_str()), (0, ""), "{arguments:?}");
        assert!(
            ended.peak < floor + 4 * MIB,
            "{arguments:?}: {} over {floor}",
            ended.peak
        );
    }
}

/// Makes the line of this number.
type Line = fn(u64) -> String;

/// Lines that take more in a table than they do as text, were it up to them.
const SHAPES: [(&str, Line); 6] = [
    ("as a kernel's", |index| {
        format!(
            "{:016x} {:x} t a_function_of_{index}\t[module_{}]\n",
            0xffff_ffff_8100_0000 + index * 64,
            index % 90,
            index / 4000
        )
    }),
    ("without sizes", |index| {
        format!(
            "{:016x} t a_function_of_{index}\n",
            0xffff_ffff_8100_0000 + index * 64
        )
    }),
    ("in reverse", |index| {
        format!(
            "{:016x} t function_{index}\n",
            0xffff_ffff_8000_0000 - index * 64
        )
    }),
    ("short", |index| {
        format!("{:016x} t f\n", 0xffff_ffff_8000_0000 + index)
    }),
    ("at one address", |index| {
        format!("ffffffff81000000 40 t f{index}\n")
    }),
    ("of mapping symbols", |index| {
        format!("{:016x} t $x.{index}\n", 0xffff_ffff_8000_0000 + index)
    }),
];

#[test]
fn a_table_takes_as_much_as_its_text() {
    let floor = floor();
    let files = Files::new::<&[u8]>(&[]);
    for (shape, line) in SHAPES {
        let mut length = 0;
        let mut out = BufWriter::new(File::create(files.path().join("table")).expect("a file"));
        for index in 0.. {
            let line = line(index);
            length += line.len() as u64;
            out.write_all(line.as_bytes()).expect("to write");
            if length > 8 * MIB {
                break;
            }
        }
        out.flush().expect("to write");
        for arguments in [
            &["lookup", "-i", "table", "ffffffff81000000"][..],
            &["dump", "-i", "table", "--sort", "name"],
        ] {
            let ended = measured(files.path(), arguments, None);
            assert_ne!(ended.status, 2, "{shape} {arguments:?}: {}", ended.err);
            let more = ended.peak.saturating_sub(floor);
            let allowed = length * 16 / 10 + MIB;
            assert!(
                more <= allowed,
                "{shape} {arguments:?}: {more} for {length}, over {allowed}"
            );
        }
    }
}

/// What unpacks to more than is allowed ends with a message, and what is no table long before.
#[test]
fn bombs() {
    let files = Files::new::<&[u8]>(&[]);
    let path = |name: &str| files.path().join(name);
    let block = b"ffffffff81000000 T _text\n".repeat(4096);
    let mut gzip = GzEncoder::new(
        File::create(path("symbols.gz")).unwrap(),
        Compression::default(),
    );
    for _ in 0..400 {
        gzip.write_all(&block).unwrap();
    }
    gzip.finish().unwrap();
    let mut xz = XzWriter::new(
        File::create(path("newlines.xz")).unwrap(),
        XzOptions::with_preset(1),
    )
    .unwrap();
    let newlines = vec![b'\n'; 1 << 20];
    for _ in 0..16 {
        xz.write_all(&newlines).unwrap();
    }
    xz.finish().unwrap();

    let floor = floor();
    let ended = measured(
        files.path(),
        &["lookup", "-i", "symbols.gz", "_text", "--max-input", "8M"],
        None,
    );
    assert_eq!(ended.status, 2);
    assert_eq!(
        ended.err,
        "kallmodsyms: cannot read symbols.gz: expected at most 8.0 MiB, found more: is it a file of symbols? --max-input \
         reads more of it\n"
    );
    assert!(
        ended.peak < floor + 8 * MIB * 16 / 10,
        "{} over {floor}",
        ended.peak
    );
    let ended = measured(
        files.path(),
        &["validate", "symbols.gz", "--max-input", "8M"],
        None,
    );
    assert!(
        ended.status == 2 && ended.err.contains("expected at most 8.0 MiB"),
        "{}",
        ended.err
    );
    assert_eq!(
        measured(
            files.path(),
            &["lookup", "-i", "symbols.gz", "_text", "--max-input", "64M"],
            None
        )
        .status,
        0
    );
    for arguments in [
        &["lookup", "-i", "newlines.xz", "0"][..],
        &["dump", "-i", "newlines.xz"],
        &["validate", "newlines.xz"],
    ] {
        let ended = measured(files.path(), arguments, None);
        assert_ne!(ended.status, 0, "{arguments:?}");
        assert!(
            ended.peak < floor + 8 * MIB,
            "{arguments:?}: {} over {floor}",
            ended.peak
        );
    }
}

#[test]
fn packed_and_empty() {
    let gzip = GzEncoder::new(Vec::new(), Compression::default())
        .finish()
        .unwrap();
    let xz = XzWriter::new(Vec::new(), XzOptions::default())
        .unwrap()
        .finish()
        .unwrap();
    let zstd = compress_to_vec(&b""[..], CompressionLevel::Fastest);
    // As zstd itself writes it: no block but an empty last one.
    let frame = b"\x28\xb5\x2f\xfd\x24\x00\x01\x00\x00\x99\xe9\xd8\x51".to_vec();
    for (tool, packed) in [("gzip", gzip), ("xz", xz), ("zstd", zstd), ("zstd", frame)] {
        let files = Files::new(&[("packed", packed)]);
        for arguments in [
            &["lookup", "-i", "packed", "0"][..],
            &["dump", "-i", "packed"],
            &["modules", "-i", "packed"],
        ] {
            let (status, out, err) = files.run(arguments, "");
            assert_eq!((status, out.as_str()), (2, ""), "{tool} {arguments:?}");
            assert_eq!(
                err,
                format!(
                    "kallmodsyms: packed: expected symbols, found a file that is packed with {tool} and empty: pack the copy again\n"
                )
            );
        }
    }
}
