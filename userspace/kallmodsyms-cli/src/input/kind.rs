// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What a file is that is no table of symbols, and what to do with it, as far as its first bytes tell.

use memchr::{memchr, memmem};

/// What a file is, with what to do next; nothing where it could be anything.
pub(super) fn of(head: &[u8], path: &str) -> Option<String> {
    let binary = MAGICS
        .iter()
        .find(|(at, magic, _)| head.get(*at..).is_some_and(|head| head.starts_with(magic)));
    if let Some((.., what)) = binary {
        return Some(what.replace("{path}", path));
    }
    if is_old_tar(head) {
        return Some(TAR.into());
    }
    if memchr(0, &head[..head.len().min(4096)]).is_some() {
        return Some(BINARY.into());
    }
    let text = of_text(head)?;
    Some(text.replace("{path}", path))
}

const BINARY: &str =
    "binary data: name a copy of /proc/kallmodsyms or /proc/kallsyms, or a System.map";
const TAR: &str = "a tar archive: unpack it (tar -xf), and name the file in it";
const EFI: &str = "an EFI program, perhaps a boot image: name the System.map beside it, or the vmlinux it was made of";

/// Where a magic number is, the number, and what it stands for. The first that fits counts.
#[rustfmt::skip]
const MAGICS: &[(usize, &[u8], &str)] = &[
    // Linux: Documentation/arch/{x86,arm64,riscv}/boot*.rst, arch/arm/boot/compressed/head.S, drivers/firmware/efi.
    (0x202, b"HdrS", "a boot image (bzImage): name the System.map beside it, or the vmlinux it was made of"),
    (0x38, b"ARM\x64", "a boot image (Image of arm64): name the System.map beside it, or the vmlinux it was made of"),
    (0x38, b"RSC\x05", "a boot image (Image of RISC-V): name the System.map beside it, or the vmlinux it was made of"),
    (0x24, b"\x18\x28\x6f\x01", "a boot image (zImage of ARM): name the System.map beside it, or the vmlinux it was made of"),
    (0, b"\x27\x05\x19\x56", "a boot image (uImage): name the System.map beside it, or the vmlinux it was made of"),
    (0, b"\xd0\x0d\xfe\xed", "a device tree, or a boot image in one (FIT): name the System.map, or the vmlinux it was made of"),
    (0, b"MZ", EFI),
    (0, b"PERFILE2", "a recording of perf: symbolize what perf prints of it: perf script -i {path} | kallmodsyms symbolize"),
    (0, b"2ELIFREP", "a recording of perf: symbolize what perf prints of it: perf script -i {path} | kallmodsyms symbolize"),
    (0, b"\x17\x08\x44tracing", "a recording of trace-cmd: symbolize what it prints: trace-cmd report {path} | kallmodsyms symbolize"),
    (0, b"\x9f\xeb\x01", "types (BTF), which have no addresses: name a System.map, or the vmlinux"),
    (0, b"\xeb\x9f\x01", "types (BTF), which have no addresses: name a System.map, or the vmlinux"),
    (0, b"KDUMP   ", "a dump of memory (makedumpfile): name the vmlinux of that kernel; crash reads the dump"),
    (0, b"DISKDUMP", "a dump of memory (diskdump): name the vmlinux of that kernel; crash reads the dump"),
    (0, b"EMiL", "a dump of memory (LiME): name the vmlinux of that kernel"),
    (0, b"PK\x03\x04", "a zip archive: unpack it (unzip), and name the file in it"),
    (0, b"PK\x05\x06", "a zip archive without files"),
    (257, b"ustar", TAR),
    (0, b"070701", "a cpio archive, perhaps an initramfs: unpack it, and name the file in it"),
    (0, b"070702", "a cpio archive, perhaps an initramfs: unpack it, and name the file in it"),
    (0, b"070707", "a cpio archive: unpack it, and name the file in it"),
    (0, b"!<arch>\n", "an archive of ar: unpack it (a Debian package with dpkg-deb -x), and name the System.map or vmlinux in it"),
    (0, b"\xed\xab\xee\xdb", "an rpm package: unpack it (rpm2cpio), and name the System.map or vmlinux in it"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it, and name the file in it"),
    (0, b"Rar!\x1a\x07", "a rar archive: unpack it, and name the file in it"),
    (0, b"hsqs", "an image of a file system (squashfs): unpack it, and name the file in it"),
    (0x438, b"\x53\xef", "an image of a file system (ext4): mount it, and name the file in it"),
    (0, b"SQLite format 3\0", "a database of SQLite: name a copy of /proc/kallmodsyms or /proc/kallsyms, or a System.map"),
    (0, b"\xff\xfe", "text in UTF-16, as Windows writes it: iconv -f UTF-16 -t UTF-8 {path} makes it readable"),
    (0, b"\xfe\xff", "text in UTF-16, as Windows writes it: iconv -f UTF-16 -t UTF-8 {path} makes it readable"),
];

/// A tar archive as it was before POSIX: a name, zeroes up to 100 bytes, numbers in octal, zeroes up to 512.
fn is_old_tar(head: &[u8]) -> bool {
    let Some((name, rest)) = head.get(..512).map(|block| block.split_at(100)) else {
        return false;
    };
    let length = name.iter().position(|&byte| byte == 0).unwrap_or(0);
    length > 0
        && name[..length].iter().all(u8::is_ascii_graphic)
        && name[length..].iter().all(|&byte| byte == 0)
        && rest
            .iter()
            .all(|byte| matches!(byte, 0 | b' ' | b'0'..=b'7'))
}

const MAKE_A_MAP: &str = "make a table of the vmlinux: nm -n vmlinux > System.map";
const SYMBOLIZE: &str =
    "-i names symbols; the text comes behind the command: kallmodsyms symbolize {path}";

/// How many lines of a text are looked at.
const LINES: usize = 200;

/// What a text is, by what stands in its first lines.
fn of_text(head: &[u8]) -> Option<String> {
    let starts = |start: &[u8]| {
        head.trim_ascii_start()
            .get(..start.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(start))
    };
    if starts(b"version https://git-lfs") {
        return Some("the place of a file that Git LFS keeps: git lfs pull fetches it".into());
    }
    if starts(b"<!doctype html") || starts(b"<html") {
        return Some("a web page: did the download end on a page that says why not?".into());
    }
    if memmem::find(head, b"real System.map is in").is_some() {
        return Some("a note that the symbols are in the package of the kernel with debugging symbols: install that".into());
    }
    let lines = || head.split(|&byte| byte == b'\n').take(LINES);
    let kinds = KINDS.iter().find(|(is_such, ..)| lines().any(is_such))?;
    let (_, what, advice) = kinds;
    Some(format!("{what}: {advice}"))
}

type IsSuch = fn(&[u8]) -> bool;

/// What a line is one of, and what to do. The first that fits any line counts, so what may hold the others comes first.
#[rustfmt::skip]
const KINDS: &[(IsSuch, &str, &str)] = &[
    (|line| has(line, b"SYMBOL TABLE:") || is_objdump_t(line), "what objdump -t prints", MAKE_A_MAP),
    (|line| has(line, b"Disassembly of section") || has(line, b"file format elf"), "what objdump -d prints", MAKE_A_MAP),
    (|line| has(line, b"Symbol table '") || has(line, b"Num:    Value"), "what readelf -s prints", MAKE_A_MAP),
    (is_crash_sym, "what crash's sym -l prints", MAKE_A_MAP),
    (is_kallsyms_finder, "what kallsyms-finder prints", "vmlinux-to-elf makes an image of the same file, which -i takes"),
    (is_gdb_msymbols, "what gdb's maint print msymbols prints", MAKE_A_MAP),
    (is_nm_posix, "what nm -P prints", MAKE_A_MAP),
    (|line| has(line, b"Symbols from ") || has(line, b"|Value") || has(line, b"  Value   "), "what nm -f sysv prints", MAKE_A_MAP),
    (|line| has(line, b"Linker script and memory map"), "a map of the linker", MAKE_A_MAP),
    (is_ranges, "modules.builtin.ranges, which tells modules apart and has no symbols", "give it with --with, and symbols with -i"),
    (|line| line.starts_with(b"kernel/") && line.ends_with(b".ko"), "a list of modules (modules.builtin)", "name a copy of /proc/kallmodsyms or /proc/kallsyms, or a System.map"),
    (|line| line.starts_with(b"# tracer: "), "a trace of ftrace", SYMBOLIZE),
    (is_log, "a kernel log", SYMBOLIZE),
    (|line| line.starts_with(b"{\""), "JSON", "name the file that it was made of"),
];

fn has(line: &[u8], text: &[u8]) -> bool {
    memmem::find(line, text).is_some()
}

fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let words = line.split(u8::is_ascii_whitespace);
    words.filter(|word| !word.is_empty())
}

fn is_address(word: &[u8]) -> bool {
    let digits = word.strip_prefix(b"0x").unwrap_or(word);
    (8..=16).contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit)
}

/// `[    1.234567] `, at the start or behind what a system log puts there; or a word that only the kernel's panics have.
fn is_log(line: &[u8]) -> bool {
    let stamp = memchr(b'[', line).is_some_and(|open| {
        let stamp = &line[open + 1..];
        let close = memchr(b']', stamp).unwrap_or(0);
        let (second, fraction) = match memchr(b'.', &stamp[..close]) {
            Some(dot) => (&stamp[..dot], &stamp[dot + 1..close]),
            None => return false,
        };
        let number = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
        number(second.trim_ascii_start()) && number(fraction)
    });
    let said = [
        &b"Call Trace:"[..],
        b"Call trace:",
        b"Kernel panic",
        b"Oops: ",
        b"RIP: 00",
        b"kernel: ",
    ];
    stamp || said.iter().any(|said| has(line, said)) || line.starts_with(b"BUG: ")
}

/// `ffffffff81000000 (T) _text`
fn is_crash_sym(line: &[u8]) -> bool {
    let mut words = words(line);
    words.next().is_some_and(is_address) && matches!(words.next(), Some([b'(', _, b')']))
}

/// `ffffffff81000040 g     F .text  0000000000000080 vfs_read`
fn is_objdump_t(line: &[u8]) -> bool {
    let Some((address, rest)) = memchr(b' ', line).map(|end| line.split_at(end)) else {
        return false;
    };
    let flags = rest.get(1..8).unwrap_or_default();
    let section = rest.get(8..).unwrap_or_default();
    let is_section = section.starts_with(b" .") || section.starts_with(b" *");
    is_address(address)
        && is_section
        && flags.iter().all(|flag| b" lgu!wCWIiDdFfO".contains(flag))
        && !flags.is_empty()
}

/// `'Tvfs_read'     0xffffffff81000040`
fn is_kallsyms_finder(line: &[u8]) -> bool {
    let mut words = words(line);
    matches!(words.next(), Some([b'\'' | b'"', _, _, .., b'\'' | b'"']))
        && words
            .next()
            .is_some_and(|word| word.starts_with(b"0x") && is_address(word))
}

/// `[ 0] T 0xffffffff81000000 startup_64 section .text`
fn is_gdb_msymbols(line: &[u8]) -> bool {
    let Some(close) = memchr(b']', line).filter(|_| line.starts_with(b"[")) else {
        return false;
    };
    let mut words = words(&line[close + 1..]);
    matches!(words.next(), Some([_]))
        && words
            .next()
            .is_some_and(|word| word.starts_with(b"0x") && is_address(word))
}

/// `vfs_read T ffffffff81000040 0000000000000080`
fn is_nm_posix(line: &[u8]) -> bool {
    let mut words = words(line);
    let name = words.next().is_some_and(|word| !is_address(word));
    name && matches!(words.next(), Some([kind]) if kind.is_ascii_alphabetic())
        && words.next().is_some_and(is_address)
}

/// `.text 00000000-00000000 = _text`
fn is_ranges(line: &[u8]) -> bool {
    let mut words = words(line);
    let section = words.next().is_some_and(|word| word.starts_with(b"."));
    let is_range = |word: &[u8]| {
        let dash = memchr(b'-', word).unwrap_or(0);
        is_address(&word[..dash]) && is_address(word.get(dash + 1..).unwrap_or_default())
    };
    section && words.next().is_some_and(is_range)
}

#[cfg(test)]
mod tests {
    use super::of;

    fn start(text: &[u8]) -> String {
        let what = of(text, "FILE").unwrap_or_default();
        what.split(&[':', ','][..])
            .next()
            .unwrap_or_default()
            .into()
    }

    #[test]
    fn what_tools_print() {
        for (text, expected) in [
            (
                "ffffffff81000000 (T) _text\nffffffffc09bde10 (t) f [m]\n",
                "what crash's sym -l prints",
            ),
            (
                "'Tvfs_read'          0xffffffff81000040\n",
                "what kallsyms-finder prints",
            ),
            (
                "\nvmlinux:     file format elf64-x86-64\n\nSYMBOL TABLE:\nffffffff81000040 g     F .text\t80 f\n",
                "what objdump -t prints",
            ),
            (
                "c0008000 l    d  .text\t00000000 .text\n",
                "what objdump -t prints",
            ),
            (
                "\nvmlinux:     file format elf64-x86-64\n\n\nDisassembly of section .text:\n",
                "what objdump -d prints",
            ),
            (
                "   Num:    Value          Size Type    Bind   Vis      Ndx Name\n",
                "what readelf -s prints",
            ),
            (
                "Symbol table '.symtab' contains 9 entries:\n",
                "what readelf -s prints",
            ),
            (
                "[ 0] T 0xffffffff81000000 startup_64 section .text\n",
                "what gdb's maint print msymbols prints",
            ),
            (
                "vfs_read T ffffffff81000040 0000000000000080\n",
                "what nm -P prints",
            ),
            (
                ".text 00000000-00000000 = _text\n",
                "modules.builtin.ranges",
            ),
            (
                "kernel/fs/ext4/ext4.ko\n",
                "a list of modules (modules.builtin)",
            ),
            ("# tracer: function_graph\n#\n", "a trace of ftrace"),
            ("[    1.000000] Linux version 6.12\n", "a kernel log"),
            ("<4>[  12.5] x\n", "a kernel log"),
            ("Jan  1 00:00:00 host kernel: x\n", "a kernel log"),
            (
                "BUG: unable to handle page fault\nRIP: 0010:f+0x1/0x2\n",
                "a kernel log",
            ),
            (
                "version https://git-lfs.github.com/spec/v1\n",
                "the place of a file that Git LFS keeps",
            ),
            ("<!DOCTYPE html>\n", "a web page"),
            ("{\"address\":\"0x0\"}\n", "JSON"),
            (
                "ffffffffffffffff B The real System.map is in the linux-image-6.1-dbg package\n",
                "a note that the symbols are in the package of the kernel with debugging symbols",
            ),
        ] {
            assert_eq!(start(text.as_bytes()), expected, "{text:?}");
        }
        for text in [
            "Dear reader,\nthis is no table.\n",
            "ffffffff81000000 T _text\n",
            "",
            "a [b] c.d [1.x]\n",
        ] {
            assert_eq!(of(text.as_bytes(), "FILE"), None, "{text:?}");
        }
    }

    #[test]
    fn what_is_binary() {
        let mut tar = vec![0; 600];
        tar[..8].copy_from_slice(b"kallsyms");
        tar[100..107].copy_from_slice(b"0000644");
        assert_eq!(start(&tar), "a tar archive");
        tar[300] = b'x';
        assert_eq!(start(&tar), "binary data");
        let mut image = vec![0; 64];
        image[..2].copy_from_slice(b"MZ");
        assert_eq!(start(&image), "an EFI program");
        image[0x38..0x3c].copy_from_slice(b"ARM\x64");
        assert_eq!(start(&image), "a boot image (Image of arm64)");
        assert!(
            of(b"PERFILE2\0", "a b")
                .unwrap()
                .ends_with("perf script -i a b | kallmodsyms symbolize")
        );
    }
}
