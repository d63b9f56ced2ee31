// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What to look for, as people write it.

use memchr::memchr;

use crate::glob::{glob_match, is_pattern};
use crate::table::Entry;

/// A name, possibly qualified by a module, as `DTrace` writes it: ``module`name``. Both may be
/// [patterns](crate::glob_match).
///
/// ``vmlinux` `` stands for code of no module: it is not the same as no qualifier. A symbol of several modules is found
/// under each.
///
/// ```
/// use kallmodsyms::Query;
///
/// let query = Query::parse(b"ext4`ext4_*");
/// assert_eq!((query.module(), query.name()), (Some(b"ext4".as_slice()), b"ext4_*".as_slice()));
/// assert_eq!(Query::parse(b"vfs_read").module(), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Query<'q> {
    module: Option<Part<'q>>,
    name: Part<'q>,
}

/// A name, or a pattern of names.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Part<'q> {
    text: &'q [u8],
    /// Found out once, and not for every symbol.
    is_pattern: bool,
}

impl<'q> Part<'q> {
    const fn exact(text: &'q [u8]) -> Self {
        Self {
            text,
            is_pattern: false,
        }
    }

    fn new(text: &'q [u8]) -> Self {
        let is_pattern = is_pattern(text);
        Self { text, is_pattern }
    }

    #[inline]
    fn matches(&self, name: &[u8]) -> bool {
        if self.is_pattern {
            glob_match(self.text, name)
        } else {
            self.text == name
        }
    }
}

impl<'q> Query<'q> {
    /// Reads a query. Everything is one: what has no backquote is a name.
    ///
    /// ```
    /// assert_eq!(kallmodsyms::Query::parse(b"a`b`c").name(), b"b`c");
    /// ```
    #[must_use]
    pub fn parse(text: &'q [u8]) -> Self {
        match memchr(b'`', text) {
            Some(quote) => Self {
                module: Some(Part::new(&text[..quote])),
                name: Part::new(&text[quote + 1..]),
            },
            None => Self {
                module: None,
                name: Part::new(text),
            },
        }
    }

    /// Asks for a name, and for a module if one is given, in which no byte has a meaning of its own: a pattern, and a
    /// backquote, stand for themselves.
    ///
    /// ```
    /// use kallmodsyms::Query;
    ///
    /// assert!(!Query::exact(Some(b"nfs"), b"*").name_is_pattern());
    /// ```
    #[must_use]
    pub fn exact(module: Option<&'q [u8]>, name: &'q [u8]) -> Self {
        Self {
            module: module.map(Part::exact),
            name: Part::exact(name),
        }
    }

    /// The module before the backquote.
    ///
    /// ```
    /// assert_eq!(kallmodsyms::Query::parse(b"nfs`x").module(), Some(b"nfs".as_slice()));
    /// ```
    #[must_use]
    pub fn module(&self) -> Option<&'q [u8]> {
        self.module.map(|module| module.text)
    }

    /// The name after it.
    ///
    /// ```
    /// assert_eq!(kallmodsyms::Query::parse(b"nfs`x").name(), b"x");
    /// ```
    #[must_use]
    pub const fn name(&self) -> &'q [u8] {
        self.name.text
    }

    /// Whether the name is a pattern, so that all symbols have to be looked at.
    ///
    /// ```
    /// use kallmodsyms::Query;
    ///
    /// assert!(Query::parse(b"vfs_*").name_is_pattern() && !Query::parse(b"vfs_read").name_is_pattern());
    /// ```
    #[must_use]
    pub const fn name_is_pattern(&self) -> bool {
        self.name.is_pattern
    }

    /// Whether a symbol is one of those asked for.
    ///
    /// ```
    /// use kallmodsyms::{Query, SymbolTable};
    ///
    /// let table = SymbolTable::from_bytes(b"ffffffffc0000000 t nfs_read\t[nfs]\n")?;
    /// assert!(Query::parse(b"n*`*_read").matches(table.get(0).unwrap()));
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    #[must_use]
    pub fn matches(&self, symbol: Entry<'_>) -> bool {
        self.matches_module(symbol) && self.matches_name(symbol.name())
    }

    /// The module before the backquote, if it is no pattern.
    #[inline]
    pub(crate) fn exact_module(&self) -> Option<&'q [u8]> {
        let exact = self.module.filter(|module| !module.is_pattern);
        exact.map(|module| module.text)
    }

    #[inline]
    pub(crate) fn matches_name(&self, name: &[u8]) -> bool {
        self.name.matches(name)
    }

    pub(crate) fn matches_module(&self, symbol: Entry<'_>) -> bool {
        let Some(module) = self.module else {
            return true;
        };
        let modules = symbol.modules();
        if modules.is_empty() {
            return module.matches(VMLINUX);
        }
        modules.iter().any(|name| module.matches(name))
    }
}

/// What stands for the kernel itself where a module is expected.
pub(crate) const VMLINUX: &[u8] = b"vmlinux";

impl core::fmt::Debug for Query<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if let Some(module) = self.module {
            write!(f, "{}`", module.text.escape_ascii())?;
        }
        write!(f, "{}", self.name.text.escape_ascii())
    }
}
