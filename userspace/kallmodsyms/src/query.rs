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
    module: Option<&'q [u8]>,
    name: &'q [u8],
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
                module: Some(&text[..quote]),
                name: &text[quote + 1..],
            },
            None => Self {
                module: None,
                name: text,
            },
        }
    }

    /// The module before the backquote.
    ///
    /// ```
    /// assert_eq!(kallmodsyms::Query::parse(b"nfs`x").module(), Some(b"nfs".as_slice()));
    /// ```
    #[must_use]
    pub const fn module(&self) -> Option<&'q [u8]> {
        self.module
    }

    /// The name after it.
    ///
    /// ```
    /// assert_eq!(kallmodsyms::Query::parse(b"nfs`x").name(), b"x");
    /// ```
    #[must_use]
    pub const fn name(&self) -> &'q [u8] {
        self.name
    }

    /// Whether the name is a pattern, so that all symbols have to be looked at.
    ///
    /// ```
    /// use kallmodsyms::Query;
    ///
    /// assert!(Query::parse(b"vfs_*").name_is_pattern() && !Query::parse(b"vfs_read").name_is_pattern());
    /// ```
    #[must_use]
    pub fn name_is_pattern(&self) -> bool {
        is_pattern(self.name)
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
        let named = if self.name_is_pattern() {
            glob_match(self.name, symbol.name())
        } else {
            self.name == symbol.name()
        };
        named && self.matches_module(symbol)
    }

    pub(crate) fn matches_module(&self, symbol: Entry<'_>) -> bool {
        let Some(pattern) = self.module else {
            return true;
        };
        let modules = symbol.modules();
        // A look-up of one symbol in one module, as tracers do it for every probe.
        if let [b'[', module @ .., b']'] = modules.as_bytes() {
            if module == pattern {
                return true;
            }
        }
        if modules.is_empty() {
            return glob_match(pattern, VMLINUX);
        }
        modules.iter().any(|module| glob_match(pattern, module))
    }
}

/// What stands for the kernel itself where a module is expected.
const VMLINUX: &[u8] = b"vmlinux";

impl core::fmt::Debug for Query<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if let Some(module) = self.module {
            write!(f, "{}`", module.escape_ascii())?;
        }
        write!(f, "{}", self.name.escape_ascii())
    }
}
