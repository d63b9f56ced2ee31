// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Patterns as the kernel's own `glob_match()` takes them, so that what works in `set_ftrace_filter` works here.

/// Whether a whole name matches a pattern: `*` any bytes, `?` one byte, `[a-z]` and `[!a-z]` one byte of a set, `\` the
/// next byte as it is. A `[` that nothing closes stands for itself. Names are bytes, not characters.
///
/// Linear in the name for most patterns; at worst the product of both lengths. Allocates nothing.
///
/// ```
/// use kallmodsyms::glob_match;
///
/// assert!(glob_match(b"*_init", b"rapl_pmu_event_init"));
/// assert!(glob_match(b"__x64_sys_[!a-p]*", b"__x64_sys_read"));
/// assert!(!glob_match(b"ext4_*", b"__ext4_abort"));
/// ```
#[must_use]
pub fn glob_match(pattern: &[u8], name: &[u8]) -> bool {
    let (mut pattern, mut name) = (pattern, name);
    // What follows the last `*`, and where the name stood then: taking one byte more for that star is all the going
    // back that is needed.
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        if let [b'*', rest @ ..] = pattern {
            if rest.is_empty() {
                return true;
            }
            retry = Some((rest, name));
            pattern = rest;
            continue;
        }
        match (one(pattern, name.first()), name) {
            (Some(rest), [_, name_rest @ ..]) => (pattern, name) = (rest, name_rest),
            _ if pattern.is_empty() && name.is_empty() => return true,
            _ => match retry {
                Some((after, [_, shorter @ ..])) => {
                    retry = Some((after, shorter));
                    (pattern, name) = (after, shorter);
                }
                _ => return false,
            },
        }
    }
}

/// The rest of the pattern if its first element, which is no star, takes this byte.
fn one<'p>(pattern: &'p [u8], byte: Option<&u8>) -> Option<&'p [u8]> {
    let &byte = byte?;
    let (rest, takes) = match pattern {
        [] => return None,
        [b'?', rest @ ..] => (rest, true),
        [b'\\', escaped, rest @ ..] => (rest, *escaped == byte),
        [b'[', set @ ..] => match set_takes(set, byte) {
            Some(found) => found,
            None => (set, byte == b'['),
        },
        [literal, rest @ ..] => (rest, *literal == byte),
    };
    takes.then_some(rest)
}

/// Reads a set after its `[`: what follows the set, and whether the byte is in it. `None` if nothing closes it.
fn set_takes(set: &[u8], byte: u8) -> Option<(&[u8], bool)> {
    let (mut set, inverted) = match set {
        [b'!', rest @ ..] => (rest, true),
        _ => (set, false),
    };
    let mut takes = false;
    let mut first = true;
    loop {
        let (&low, rest) = set.split_first()?;
        // A `]` that comes first is a member.
        if low == b']' && !first {
            return Some((rest, takes != inverted));
        }
        first = false;
        let high = match rest {
            [b'-', high, after @ ..] if *high != b']' => {
                set = after;
                *high
            }
            _ => {
                set = rest;
                low
            }
        };
        takes |= (low..=high).contains(&byte);
    }
}

/// Whether the pattern has anything but literal bytes.
///
/// Eight bytes at a time: a name is short, and a call of `memchr` for each kind takes as long as the look-up.
#[inline]
pub(crate) fn is_pattern(pattern: &[u8]) -> bool {
    let Some(&last) = pattern.last_chunk() else {
        return pattern.iter().any(|byte| SPECIAL.contains(byte));
    };
    // The last eight may have been looked at in part.
    let words = pattern.chunks_exact(8).filter_map(<[u8]>::first_chunk);
    let mut words = words.copied().chain([last]).map(u64::from_le_bytes);
    words.any(has_special)
}

const SPECIAL: [u8; 4] = *b"*?[\\";

/// Whether one of eight bytes is special. That one is zero shows in the top bits: a borrow from it, and none before.
#[inline]
fn has_special(word: u64) -> bool {
    const EACH: u64 = u64::from_le_bytes([1; 8]);
    let zeros = SPECIAL.map(|byte| {
        let zero = word ^ (EACH * u64::from(byte));
        zero.wrapping_sub(EACH) & !zero
    });
    zeros.iter().fold(0, |any, zero| any | zero) & (EACH * 0x80) != 0
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::{glob_match, is_pattern};

    #[test]
    fn one_special_byte_makes_a_pattern() {
        for length in 0..40 {
            for byte in 0..=u8::MAX {
                let mut text = vec![byte; length];
                let is_special = length > 0 && b"*?[\\".contains(&byte);
                assert_eq!(is_pattern(&text), is_special, "{}", text.escape_ascii());
                text.fill(b'a');
                for place in 0..length {
                    text[place] = byte;
                    assert_eq!(is_pattern(&text), is_special, "{}", text.escape_ascii());
                    text[place] = b'a';
                }
            }
        }
    }

    #[test]
    fn whole_names() {
        for (pattern, name, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*a", "ba", true),
            ("*a*b", "xaxb", true),
            ("*a*b", "xbxa", false),
            ("*ab", "aab", true),
            ("?", "", false),
            ("?b", "ab", true),
            ("[ab]", "b", true),
            ("[!ab]", "b", false),
            ("[!ab]", "c", true),
            ("[a-c]x", "bx", true),
            ("[]a]", "]", true),
            ("[a-]", "-", true),
            ("[a", "[a", true),
            ("[a", "a", false),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("\\", "\\", true),
            ("a*b*c*d", "a1b2c3d", true),
            ("**", "x", true),
        ] {
            let found = glob_match(pattern.as_bytes(), name.as_bytes());
            assert_eq!(found, expected, "{pattern:?} {name:?}");
        }
    }
}
