// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Numbers as people write them.

/// A number of bytes: decimal, or hexadecimal with 0x; K, M or G behind it for the powers of 1024.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let (digits, shift) = match text.as_bytes().last() {
        Some(b'k' | b'K') => (&text[..text.len() - 1], 10),
        Some(b'm' | b'M') => (&text[..text.len() - 1], 20),
        Some(b'g' | b'G') => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    let number = match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => digits.parse(),
    };
    let expected = || format!("expected bytes, such as 4096, 0x1000 or 4K, found `{text}`");
    let number = number
        .ok()
        .filter(|_| !digits.contains('+'))
        .ok_or_else(expected)?;
    number.checked_mul(1 << shift).ok_or_else(expected)
}

/// An address: up to 16 hexadecimal digits, with 0x or without.
pub(crate) fn address(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let is_hex =
        (1..=16).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex
        .then(|| u64::from_str_radix(digits, 16).ok())
        .flatten()
}

/// Bytes in the largest unit that leaves a number of at least one: `1.2 MiB`.
pub(crate) fn human(bytes: u64) -> String {
    #[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut value = bytes as f64;
    let mut unit = "B";
    for larger in ["KiB", "MiB", "GiB", "TiB"] {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = larger;
    }
    if unit == "B" || value >= 99.95 {
        format!("{value:.0} {unit}")
    } else {
        format!("{value:.1} {unit}")
    }
}

/// A number with a comma before every three digits.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things.
pub(crate) fn count(count: usize, thing: &str) -> String {
    format!(
        "{} {thing}{}",
        grouped(count as u64),
        if count == 1 { "" } else { "s" }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_bytes() {
        for (text, expected) in [
            ("0", Some(0)),
            ("4096", Some(4096)),
            ("0x1000", Some(4096)),
            ("4k", Some(4096)),
            ("2M", Some(2 << 20)),
            ("1G", Some(1 << 30)),
            ("0x1k", Some(1024)),
            ("", None),
            ("K", None),
            ("+1", None),
            ("0x+1", None),
            ("-1", None),
            ("4 K", None),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("17179869184G", None),
        ] {
            assert_eq!(bytes(text).ok(), expected, "{text:?}");
        }
    }

    #[test]
    fn addresses() {
        for (text, expected) in [
            ("ffffffff81000000", Some(0xffff_ffff_8100_0000)),
            ("0xFFFFffff81000000", Some(0xffff_ffff_8100_0000)),
            ("0", Some(0)),
            ("", None),
            ("0x", None),
            ("+1", None),
            ("fffffffff81000000", None),
            ("probe", None),
        ] {
            assert_eq!(address(text), expected, "{text:?}");
        }
    }

    #[test]
    fn sizes_for_people() {
        for (bytes, expected) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (99 << 10, "99.0 KiB"),
            (100 << 10, "100 KiB"),
            (19 << 20, "19.0 MiB"),
            (3 << 30, "3.0 GiB"),
            (u64::MAX, "16777216 TiB"),
        ] {
            assert_eq!(human(bytes), expected, "{bytes}");
        }
    }

    #[test]
    fn groups_of_three() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(grouped),
            ["0", "999", "1,000", "1,234,567"]
        );
    }
}
