// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The words of a pasted text, and what is put around names and addresses in them.

use crate::number;

/// The words of a text, each with what stands in brackets behind it. What is summed is one word, of which blanks are
/// part: `vfs_read + 16`, as gdb has it. Of folded stacks and lists each part is a word, the innermost frame first.
pub(super) fn words(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let mut rest = text;
    let mut is_first = true;
    let words = std::iter::from_fn(move || {
        rest = rest.trim_start();
        let (word, behind) = rest.split_at(end_of_word(rest));
        rest = behind;
        // Behind an arrow the tracer of functions has the caller.
        let is_end = word.is_empty() || (word.starts_with("<-") && !is_first);
        is_first = false;
        // Only what the kernel prints of a module: `[<` leads to an address.
        let next = behind.split_whitespace().next();
        let bracket = next.and_then(|next| next.strip_prefix('[')?.split_once(']'));
        (!is_end).then_some((word, bracket.map(|(module, _)| module)))
    });
    words.flat_map(|(word, bracket)| {
        let parts = word.rsplit(';').flat_map(|frame| frame.split(','));
        parts.map(move |part| (part, bracket))
    })
}

fn end_of_word(text: &str) -> usize {
    let end_from = |start: usize| {
        let end = text[start..].find(char::is_whitespace);
        end.map_or(text.len(), |end| start + end)
    };
    let end = end_from(0);
    let (word, behind) = text.split_at(end);
    let behind = behind.trim_start();
    let (augend, addend) = match (word.strip_suffix('+'), behind.strip_prefix('+')) {
        (Some(augend), _) => (augend, behind),
        (None, Some(addend)) => (word, addend.trim_start()),
        (None, None) => return end,
    };
    let is_sum = augend.ends_with(|last: char| last.is_alphanumeric() || "_.]".contains(last))
        && addend.starts_with(char::is_alphanumeric);
    if is_sum {
        end_from(text.len() - addend.len())
    } else {
        end
    }
}

/// A word without brackets, quotes and commas around it, and without a call's parentheses behind it.
pub(crate) fn bare(word: &str) -> &str {
    let word = word.trim();
    let word = word.strip_prefix("b'").unwrap_or(word);
    // In folded stacks the kernel's functions are marked.
    let word = word.strip_suffix("_[k]").unwrap_or(word);
    // The key of a map of bpftrace.
    let word = match word.strip_prefix('@') {
        Some(map) => map.split_once('[').map_or(map, |(_, key)| key),
        None => word,
    };
    let word = word.trim_start_matches([
        '[', '<', '(', '{', '*', '&', '"', '\'', '`', '?', '=', '>', '$',
    ]);
    let word = word.split('(').next().unwrap_or_default();
    // What opens here does not close behind the name: `[nf_x]+0x10`.
    word.trim_end_matches([']', '>', ')', '}', '"', '\'', '`', ',', ';', ':', '.'])
}

/// A line without the number that says how urgent a message is: `<4>`.
pub(crate) fn without_level(text: &str) -> &str {
    let level = text.strip_prefix('<').and_then(|text| text.split_once('>'));
    match level {
        Some((level, rest)) if is_number(level) && level.len() <= 3 => rest.trim_start(),
        _ => text,
    }
}

/// An address in what is printed around it: `[<ffffffff81000044>]`, `*0xffffffff81000044`, `ffffffff81000044:`. As
/// Windows' debuggers have it, a backquote may stand in its middle; as in C and Python, `UL` behind it.
pub(crate) fn address(text: &str) -> Option<u64> {
    let text = bare(text);
    // Kernels before 4.10 print `0010:[<ffffffff81000044>]`.
    let text = match text.split_once(':') {
        Some((segment, rest)) if is_segment(segment) => bare(rest),
        _ => text,
    };
    match text.split_once('`') {
        Some((high, low)) => {
            let halves = number::address(high).zip(number::hex(low.as_bytes()));
            let is_split = low.len() == 8 && halves.is_some_and(|(high, _)| high >> 32 == 0);
            halves
                .filter(|_| is_split)
                .map(|(high, low)| (high << 32) | low)
        }
        None if has_0x(text) => number::address(text.trim_end_matches(['u', 'U', 'l', 'L'])),
        None => number::address(text),
    }
}

/// The same where a number of few digits, or a word such as `add`, is none.
pub(super) fn address_of_many_digits(word: &str) -> Option<u64> {
    let word = bare(word);
    (has_0x(word) || word.len() >= 8)
        .then(|| address(word))
        .flatten()
}

fn has_0x(text: &str) -> bool {
    text.starts_with("0x") || text.starts_with("0X")
}

/// `0010` and the like, the code segment of x86.
pub(super) fn is_segment(text: &str) -> bool {
    text.len() == 4 && number::hex(text.as_bytes()).is_some()
}

pub(super) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether it is the name of a file of source code.
pub(super) fn is_source_file(text: &str) -> bool {
    [".c", ".h", ".S", ".s", ".rs", ".cc"]
        .iter()
        .any(|end| text.len() > end.len() && text.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_lists_are_words() {
        for (text, expected) in [
            ("", &[][..]),
            ("a  b", &["a", "b"]),
            ("vfs_read + 16 in", &["vfs_read + 16", "in"]),
            ("f +0x10/0x20", &["f +0x10/0x20"]),
            ("f+ 0x10", &["f+ 0x10"]),
            ("f + x", &["f + x"]),
            // The tracer of functions marks what took long.
            ("0) + 12 us", &["0)", "+", "12", "us"]),
            ("+ f", &["+", "f"]),
            ("f +", &["f", "+"]),
            ("swapper;a;b 12", &["b", "a", "swapper", "12"]),
            ("a,b", &["a", "b"]),
            ("a <-b", &["a"]),
            ("<-b", &["<-b"]),
        ] {
            let found: Vec<_> = words(text).map(|(word, _)| word).collect();
            assert_eq!(found, expected, "{text:?}");
        }
    }

    #[test]
    fn addresses_with_what_is_around_them() {
        for text in [
            "ffffffff81000044",
            "0xffffffff81000044",
            "0XFFFFFFFF81000044",
            "0xffffffff81000044L",
            "0xffffffff81000044ULL",
            "[<ffffffff81000044>]",
            "<ffffffff81000044>",
            "[0xffffffff81000044]",
            "(ffffffff81000044)",
            "*0xffffffff81000044",
            "0xffffffff81000044,",
            "ffffffff81000044:",
            "ffffffff`81000044",
            "0010:[<ffffffff81000044>]",
        ] {
            assert_eq!(address(text), Some(0xffff_ffff_8100_0044), "{text}");
        }
        for text in [
            "",
            "0x",
            "vfs_read",
            "0x12345678901234567",
            "ffffffff`8100",
            "fUL",
        ] {
            assert_eq!(address(text), None, "{text}");
        }
    }

    #[test]
    fn bare_words() {
        for text in [
            "f",
            "f()",
            "f(int",
            "<f>:",
            "'f'",
            "\"f\",",
            "`f`",
            "b'f'",
            "&f;",
            "$f",
            "@[f]:",
            "@reads[f]:",
            "f]:",
            "f_[k]",
        ] {
            assert_eq!(bare(text), "f", "{text}");
        }
    }

    #[test]
    fn levels_of_messages() {
        for (text, expected) in [
            ("<4>f+0x1", "f+0x1"),
            ("<14>[  1.2] f", "[  1.2] f"),
            ("<f>", "<f>"),
            ("<A as B>::f", "<A as B>::f"),
            ("<1234>f", "<1234>f"),
            ("f", "f"),
        ] {
            assert_eq!(without_level(text), expected, "{text}");
        }
    }
}
