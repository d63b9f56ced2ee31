// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What other tools, shells and languages write where a name is asked for.

use crate::names::module;
use crate::{number, reference};

/// A text as a query: `vfs_read()`, `'vfs_read'`, `ext4:ext4_*`, `ext4!ext4_probe`, `ext4_probe [ext4]`, a line of
/// kallsyms.
pub(super) fn query(text: &str) -> String {
    let text = reference::without_level(text.trim());
    let text = symbol_of_line(text).unwrap_or(text);
    let text = function(unquoted(text));
    let place = reference::place(text);
    if place.offset.is_some() {
        return text.into();
    }
    let name = unquoted(place.name);
    match place.module.or(place.bracket) {
        Some(owner) => format!("{}`{name}", module(owner)),
        None => name.into(),
    }
}

/// The names in a text that lists them: `a,b`, `a|b`, `a b`, `vfs_{read,write}`, `vfs_(read|write)`. A text that lists
/// none is one.
pub(super) fn names(text: &str) -> Vec<String> {
    let text = unquoted(text.trim());
    let one = || vec![text.to_owned()];
    if symbol_of_line(text).is_some() || text.contains('[') || text.contains("::") || is_place(text)
    {
        return one();
    }
    for (open, close, sign) in [('{', '}', ','), ('(', ')', '|')] {
        let group = text.split_once(open).and_then(|(lead, rest)| {
            let (inner, end) = rest.split_once(close)?;
            Some((lead, inner, end))
        });
        if let Some((lead, inner, end)) = group.filter(|(_, inner, _)| inner.contains(sign)) {
            // Several groups would be many names.
            if end.contains([open, close]) || inner.contains(open) {
                return one();
            }
            let parts = inner.split(sign).map(str::trim);
            let parts = parts.filter(|part| !part.is_empty());
            return parts.map(|part| [lead, part, end].concat()).collect();
        }
    }
    // The arguments of a call are no names.
    if text.contains('(') && !text.contains("()") {
        return one();
    }
    let parts = text.split(|sign: char| sign.is_whitespace() || ",|;".contains(sign));
    // Numbers and signs alone are no names.
    let is_letter = |sign: char| sign.is_alphabetic() || "_*?".contains(sign);
    let parts = parts.filter(|part| part.contains(is_letter));
    let parts: Vec<_> = parts.map(str::to_owned).collect();
    if parts.is_empty() { one() } else { parts }
}

/// Whether an address is asked for, or a place in a symbol.
pub(super) fn is_place(text: &str) -> bool {
    reference::references(text).next().is_some() && symbol_of_line(text).is_none()
}

/// The name in a line of kallsyms, with its module: of `ffffffff81000000 T f`.
fn symbol_of_line(line: &str) -> Option<&str> {
    let (address, rest) = line.split_once(char::is_whitespace)?;
    if address.len() < 8 || number::address(address).is_none() {
        return None;
    }
    let (mut letter, mut rest) = rest.trim_start().split_once(char::is_whitespace)?;
    if number::hex(letter.as_bytes()).is_some() {
        // Here it is the size, unless no letter follows: `b` is either.
        if let Some((next, behind)) = rest.trim_start().split_once(char::is_whitespace) {
            if next.len() == 1 && !behind.trim_start().starts_with('[') {
                (letter, rest) = (next, behind);
            }
        }
    }
    let is_letter = letter.len() == 1 && letter.bytes().all(|byte| byte.is_ascii_alphabetic());
    // An object in braces is the last.
    let symbol = rest.split('{').next().unwrap_or(rest).trim();
    (is_letter && !symbol.is_empty()).then_some(symbol)
}

/// A text without quotes and signs around it. Stars and brackets may be of a pattern.
fn unquoted(text: &str) -> &str {
    let text = text.strip_prefix("b'").unwrap_or(text);
    let text = text.strip_prefix("<-").unwrap_or(text);
    let text = text.trim_start_matches(['"', '\'', '&', '$', '@', '=', '\u{2018}', '\u{201c}']);
    let text = text.trim_end_matches(['"', '\'', ';', ':', ',', '.', '\u{2019}', '\u{201d}']);
    let pairs = [('`', '`'), ('/', '/'), ('<', '>'), ('{', '}'), ('(', ')')];
    let inner = pairs.iter().find_map(|&(open, close)| {
        let inner = text.strip_prefix(open)?.strip_suffix(close)?;
        (!inner.contains([open, close])).then_some(inner)
    });
    // A regular expression that is a name.
    let whole = text
        .strip_prefix('^')
        .and_then(|text| text.strip_suffix('$'));
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let whole = whole.filter(|name| name.bytes().all(is_part));
    inner.or(whole).unwrap_or(text)
}

/// The name in a declaration or a call: `ssize_t vfs_read(struct file *file)`.
fn function(text: &str) -> &str {
    let Some((front, _)) = text.split_once('(') else {
        return text;
    };
    let name = front.trim_end().rsplit(char::is_whitespace).next();
    let name = name.unwrap_or(front);
    // A star behind a type is none of a pattern.
    if front.trim_end().contains(char::is_whitespace) {
        name.trim_start_matches('*')
    } else {
        name
    }
}

/// A regular expression of the simplest kind, as a pattern: `/^ext4_.*$/`.
pub(super) fn as_shell_pattern(expression: &str) -> Option<String> {
    let is_expression = expression.contains(".*")
        || expression.starts_with(['/', '^'])
        || expression.ends_with('$');
    if !is_expression {
        return None;
    }
    let inner = expression
        .strip_prefix('/')
        .and_then(|inner| inner.strip_suffix('/'));
    let inner = inner.unwrap_or(expression);
    let (start, inner) = match inner.strip_prefix('^') {
        Some(rest) => ("", rest),
        None => ("*", inner),
    };
    let (inner, end) = match inner.strip_suffix('$') {
        Some(rest) => (rest, ""),
        None => (inner, "*"),
    };
    let pattern = [start, &inner.replace(".*", "*").replace('.', "?"), end].concat();
    // Two stars are one.
    Some(pattern.replace("**", "*"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_ways_to_write_a_query() {
        for (text, expected) in [
            ("vfs_read()", "vfs_read"),
            ("ext4:ext4_*", "ext4`ext4_*"),
            ("ext4!ext4_probe", "ext4`ext4_probe"),
            ("ext4_probe [ext4]", "ext4`ext4_probe"),
            ("kprobe:vfs_read", "vfs_read"),
            ("ext4`f", "ext4`f"),
            ("ti-cpsw`f", "ti_cpsw`f"),
            ("[a-c]*`f", "[a-c]*`f"),
            ("*f*", "*f*"),
            ("a::b", "a::b"),
            ("vfs_read+0x10", "vfs_read+0x10"),
            ("'f'", "f"),
            ("\"f\"", "f"),
            ("b'f'", "f"),
            ("`f`", "f"),
            ("<f>", "f"),
            ("&f", "f"),
            ("f:", "f"),
            ("f;", "f"),
            ("f()", "f"),
            ("f(struct file *)", "f"),
            ("static ssize_t *f(struct file *file);", "f"),
            ("'f*'", "f*"),
            ("mod.ko:f", "mod`f"),
            ("snd-hda-intel.ko`f*", "snd_hda_intel`f*"),
            ("kernel`f", "f"),
            ("vmlinux`f", "vmlinux`f"),
            ("<4>f", "f"),
            ("<-f", "f"),
            ("^f$", "f"),
            ("f [kernel]", "f"),
            ("ffffffff81000000 T f", "f"),
            ("ffffffff81000000 T f\t[mod]", "mod`f"),
            ("ffffffff81000000 40 t f\t[mod] [other] {obj.o}", "mod`f"),
            ("ffffffff81000000 b f", "f"),
            ("ffffffff81000000", "ffffffff81000000"),
        ] {
            assert_eq!(query(text), expected, "{text}");
        }
    }

    #[test]
    fn lists_of_names() {
        for (text, expected) in [
            ("f", &["f"][..]),
            ("f [mod]", &["f [mod]"]),
            ("RIP: 0010:f+0x1/0x2", &["RIP: 0010:f+0x1/0x2"]),
            ("f(int, int)", &["f(int, int)"]),
            ("<A as B>::f", &["<A as B>::f"]),
            ("ffffffff81000000 T f", &["ffffffff81000000 T f"]),
            ("a,b", &["a", "b"]),
            ("a, b;", &["a", "b"]),
            ("a|b", &["a", "b"]),
            ("a b", &["a", "b"]),
            ("a(), b()", &["a()", "b()"]),
            ("=> a", &["a"]),
            ("a;b 12", &["a", "b"]),
            ("^(a|b)$", &["^a$", "^b$"]),
            ("{a,b}", &["a", "b"]),
            ("vfs_{read,write}", &["vfs_read", "vfs_write"]),
            ("m`{a,b}_x", &["m`a_x", "m`b_x"]),
            ("vfs_(read|write)", &["vfs_read", "vfs_write"]),
            ("{a,b}{a,b}", &["{a,b}{a,b}"]),
        ] {
            assert_eq!(names(text), expected, "{text}");
        }
    }

    #[test]
    fn regular_expressions() {
        for (text, expected) in [
            ("/ext4_.*/", "*ext4_*"),
            ("^ext4_.*", "ext4_*"),
            ("^vfs_rea.$", "vfs_rea?"),
            (".*_init$", "*_init"),
        ] {
            assert_eq!(as_shell_pattern(text).as_deref(), Some(expected), "{text}");
        }
    }
}
