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
    let expected = || format!("expected bytes, such as 4096, 0x1000 or 4K, found `{text}`");
    let number = c_like(digits).ok_or_else(expected)?;
    number.checked_mul(1 << shift).ok_or_else(expected)
}

/// A number as C has them: decimal, or hexadecimal with 0x.
pub(crate) fn c_like(text: &str) -> Option<u64> {
    match without_0x(text) {
        Some(digits) => hex(digits.as_bytes()),
        // `parse` takes a sign.
        None => text.parse().ok().filter(|_| !text.starts_with('+')),
    }
}

/// Up to 16 hexadecimal digits.
pub(crate) fn hex(digits: &[u8]) -> Option<u64> {
    if !(1..=16).contains(&digits.len()) {
        return None;
    }
    digits.iter().try_fold(0, |number, &digit| {
        let digit = char::from(digit).to_digit(16)?;
        Some((number << 4) | u64::from(digit))
    })
}

fn without_0x(text: &str) -> Option<&str> {
    text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))
}

/// A distance: a number of bytes that may be negative. Modulo 2^64.
pub(crate) fn distance(text: &str) -> Result<u64, String> {
    let (digits, is_negative) = match text.as_bytes().first() {
        Some(b'-') => (&text[1..], true),
        Some(b'+') => (&text[1..], false),
        _ => (text, false),
    };
    let distance = bytes(digits).map_err(|_| {
        format!("expected a distance in bytes, such as 0x1e000000 or -2M, found `{text}`")
    })?;
    Ok(if is_negative {
        distance.wrapping_neg()
    } else {
        distance
    })
}

/// An address: up to 16 hexadecimal digits, with 0x or without.
pub(crate) fn address(text: &str) -> Option<u64> {
    hex(without_0x(text).unwrap_or(text).as_bytes())
}

/// A number in so many hexadecimal digits, or as many as it has: without a `String`, for what is done for each line.
pub(crate) fn padded(number: u64, digits: usize, buffer: &mut [u8; 16]) -> &[u8] {
    let mut start = buffer.len();
    let mut rest = number;
    while rest != 0 || buffer.len() - start < digits {
        start -= 1;
        buffer[start] = b"0123456789abcdef"[(rest & 0xf) as usize];
        rest >>= 4;
    }
    &buffer[start..]
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
    fn distances() {
        for (text, expected) in [
            ("0", Some(0)),
            ("0x1e000000", Some(0x1e00_0000)),
            ("+2M", Some(2 << 20)),
            ("-0x1000", Some(0x1000_u64.wrapping_neg())),
            ("-1", Some(u64::MAX)),
            ("-", None),
            ("--1", None),
            ("+-1", None),
            ("- 1", None),
            ("x", None),
        ] {
            assert_eq!(distance(text).ok(), expected, "{text:?}");
        }
    }

    #[test]
    fn addresses() {
        for (text, expected) in [
            ("ffffffff81000000", Some(0xffff_ffff_8100_0000)),
            ("0xFFFFffff81000000", Some(0xffff_ffff_8100_0000)),
            ("0XFFFFffff81000000", Some(0xffff_ffff_8100_0000)),
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
    fn padded_numbers() {
        for (number, digits, expected) in [
            (0, 0, &b""[..]),
            (0, 8, b"00000000"),
            (0x1a, 8, b"0000001a"),
            (0x1a, 1, b"1a"),
            (u64::MAX, 16, b"ffffffffffffffff"),
        ] {
            assert_eq!(padded(number, digits, &mut [0; 16]), expected);
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
