// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A pattern and a name.

use kallmodsyms::{Query, glob_match};

use crate::naive;

/// Matches what follows the first line with the pattern on it. Whether it does is what trying every length for every
/// star says; what is no pattern matches itself alone; a query is cut at its first backquote.
///
/// # Panics
///
/// If one of these does not hold.
pub fn glob(input: &[u8]) {
    let mut parts = input.splitn(2, |&byte| byte == b'\n');
    let (Some(pattern), Some(name)) = (parts.next(), parts.next()) else {
        return;
    };
    let matches = glob_match(pattern, name);
    // The slow way takes the product of both lengths.
    if pattern.len().saturating_mul(name.len()) < 1 << 16 {
        assert_eq!(matches, naive::glob_match(pattern, name));
    }
    let query = Query::parse(pattern);
    let rest = match query.module() {
        Some(module) => {
            assert!(!module.contains(&b'`'));
            assert_eq!([module, b"`", query.name()].concat(), pattern);
            query.name()
        }
        None => pattern,
    };
    assert_eq!(query.name(), rest);
    if !query.name_is_pattern() && rest == pattern {
        assert_eq!(matches, pattern == name);
    }
}
