// SPDX-License-Identifier: Apache-2.0 OR MIT

//! One symbol, borrowed from the line that it was read from.

use alloc::vec::Vec;
use core::fmt;
use core::iter::FusedIterator;

use crate::Width;
use crate::grammar::{self, Fault};

/// A symbol as one line gives it.
///
/// ```
/// use kallmodsyms::{Format, grammar};
///
/// let line = b"ffffffff8b014280 13a t rapl_pmu_event_init\t[intel_rapl_perf]";
/// let symbol = grammar::symbol(Format::default(), line)?;
/// assert_eq!(symbol.address, 0xffff_ffff_8b01_4280);
/// assert_eq!(symbol.size, Some(0x13a));
/// assert_eq!(symbol.kind, b't');
/// assert_eq!(symbol.name, b"rapl_pmu_event_init");
/// assert!(symbol.modules.iter().eq([b"intel_rapl_perf"]));
/// assert_eq!(symbol.object, None);
/// # Ok::<(), grammar::Fault>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Symbol<'a> {
    /// Where the symbol starts; 0 where the kernel hides addresses from the reader.
    pub address: u64,
    /// How many bytes the symbol takes, where the dialect has sizes.
    pub size: Option<u64>,
    /// The letter that `nm` would print: lower case for a local symbol, upper case for a global one.
    pub kind: u8,
    /// The name, which need not be UTF-8.
    pub name: &'a [u8],
    /// The modules that the symbol's object file belongs to.
    pub modules: Modules<'a>,
    /// The object file that tells this symbol from others of its name, in [`Dialect::Object`](crate::Dialect::Object).
    pub object: Option<&'a [u8]>,
}

impl<'a> Symbol<'a> {
    /// A symbol that no line gives: of an event of `perf`, of a debugger. It has no size, no modules and no object.
    ///
    /// Nothing is checked: [`write_line`](Self::write_line) makes a line that can be read again where the letter is one
    /// of `nm` and the name has no white space.
    ///
    /// ```
    /// use kallmodsyms::{ModuleList, Symbol, Width};
    ///
    /// let mut modules = ModuleList::new();
    /// modules.push(b"bpf")?;
    /// let symbol = Symbol::new(0xffff_ffff_c000_1000, b't', b"bpf_prog_6deef7357e7b4530")
    ///     .with_size(0x40)
    ///     .with_modules(modules.as_modules());
    /// let mut line = Vec::new();
    /// symbol.write_line(Width::Bits64, &mut line);
    /// assert_eq!(line, b"ffffffffc0001000 40 t bpf_prog_6deef7357e7b4530\t[bpf]\n");
    /// # Ok::<(), kallmodsyms::grammar::Fault>(())
    /// ```
    #[must_use]
    pub const fn new(address: u64, letter: u8, name: &'a [u8]) -> Self {
        Self {
            address,
            size: None,
            kind: letter,
            name,
            modules: Modules::from_grammar(&[]),
            object: None,
        }
    }

    /// The symbol with a size in bytes.
    #[must_use]
    pub const fn with_size(self, size: u64) -> Self {
        Self {
            size: Some(size),
            ..self
        }
    }

    /// The symbol as one of these modules, from [`ModuleList`], another symbol or
    /// [`grammar::modules`](crate::grammar::modules).
    #[must_use]
    pub const fn with_modules(self, modules: Modules<'a>) -> Self {
        Self { modules, ..self }
    }

    /// Appends the line that this symbol was read from, line feed included.
    ///
    /// ```
    /// use kallmodsyms::{Symbols, Width};
    ///
    /// let file = b"ffffffff8b014130 11f T intel_pt_interrupt\n";
    /// let mut copy = Vec::new();
    /// for symbol in Symbols::new(file) {
    ///     symbol?.write_line(Width::Bits64, &mut copy);
    /// }
    /// assert_eq!(copy, file);
    /// # Ok::<(), kallmodsyms::Error>(())
    /// ```
    pub fn write_line(&self, width: Width, out: &mut Vec<u8>) {
        hex(self.address, width.digits(), out);
        out.push(b' ');
        if let Some(size) = self.size {
            hex(size, 1, out);
            out.push(b' ');
        }
        out.push(self.kind);
        out.push(b' ');
        out.extend_from_slice(self.name);
        let mut lead = b'\t';
        if !self.modules.is_empty() {
            out.push(lead);
            out.extend_from_slice(self.modules.as_bytes());
            lead = b' ';
        }
        if let Some(object) = self.object {
            out.extend_from_slice(&[lead, b'{']);
            out.extend_from_slice(object);
            out.push(b'}');
        }
        out.push(b'\n');
    }
}

impl fmt::Debug for Symbol<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Symbol")
            .field("address", &format_args!("{:#x}", self.address))
            .field("size", &self.size)
            .field("kind", &char::from(self.kind))
            .field("name", &format_args!("{}", self.name.escape_ascii()))
            .field("modules", &self.modules)
            .field("object", &self.object.map(Bytes))
            .finish()
    }
}

/// The modules of a symbol, in the order of the line. Empty for code that belongs to no module.
///
/// Keeps the text of the line, `[ti_cpsw] [ti_cpsw_new]`, and splits it when asked; two symbols have the same modules
/// exactly when the texts are equal.
///
/// ```
/// use kallmodsyms::{Format, grammar};
///
/// let line = b"ffffffff8b5a3c10 55 T cpsw_ale_flush\t[ti_cpsw] [ti_cpsw_new]";
/// let modules = grammar::symbol(Format::default(), line)?.modules;
/// assert_eq!(modules.len(), 2);
/// assert!(modules.contains(b"ti_cpsw_new"));
/// assert_eq!(modules.as_bytes(), b"[ti_cpsw] [ti_cpsw_new]");
/// # Ok::<(), grammar::Fault>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Modules<'a> {
    /// `[name]` any number of times with one blank between: the grammar has made sure of it.
    text: &'a [u8],
}

impl<'a> Modules<'a> {
    pub(crate) const fn from_grammar(text: &'a [u8]) -> Self {
        Self { text }
    }

    /// The modules' names, without brackets.
    ///
    /// ```
    /// # use kallmodsyms::{Format, grammar};
    /// # let line = b"ffffffff8b5a3c10 55 T cpsw_ale_flush\t[ti_cpsw] [ti_cpsw_new]";
    /// let modules = grammar::symbol(Format::default(), line)?.modules;
    /// let names: Vec<&[u8]> = modules.iter().collect();
    /// assert_eq!(names, [b"ti_cpsw".as_slice(), b"ti_cpsw_new"]);
    /// # Ok::<(), grammar::Fault>(())
    /// ```
    #[must_use]
    pub const fn iter(&self) -> ModuleNames<'a> {
        ModuleNames { text: self.text }
    }

    /// How many modules there are. Counts brackets: linear in the length of the text.
    ///
    /// ```
    /// assert_eq!(kallmodsyms::Modules::default().len(), 0);
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        memchr::memchr_iter(b']', self.text).count()
    }

    /// Whether the symbol belongs to no module.
    ///
    /// ```
    /// assert!(kallmodsyms::Modules::default().is_empty());
    /// ```
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Whether one of the modules has this name.
    ///
    /// ```
    /// assert!(!kallmodsyms::Modules::default().contains(b"ext4"));
    /// ```
    #[must_use]
    pub fn contains(&self, name: &[u8]) -> bool {
        self.iter().any(|module| module == name)
    }

    /// The modules as the line has them: brackets, one blank between.
    ///
    /// ```
    /// assert_eq!(kallmodsyms::Modules::default().as_bytes(), b"");
    /// ```
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.text
    }
}

/// Modules that no line gives, for [`Symbol::with_modules`].
///
/// ```
/// use kallmodsyms::{ErrorKind, ModuleList};
///
/// let mut list = ModuleList::new();
/// list.push(b"ti_cpsw")?;
/// list.push(b"ti_cpsw_new")?;
/// assert_eq!(list.as_modules().as_bytes(), b"[ti_cpsw] [ti_cpsw_new]");
/// assert_eq!(list.push(b"ti-cpsw").unwrap_err().kind, ErrorKind::ModuleByte(b'-'));
/// # Ok::<(), kallmodsyms::grammar::Fault>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct ModuleList {
    /// As in [`Modules`].
    text: Vec<u8>,
}

impl ModuleList {
    /// No modules.
    #[must_use]
    pub const fn new() -> Self {
        Self { text: Vec::new() }
    }

    /// Adds a module, by its name as `lsmod` prints it.
    ///
    /// # Errors
    ///
    /// If a line could not have the name: it is empty, or has white space, brackets, `-` or `/`. Nothing is added then.
    pub fn push(&mut self, name: &[u8]) -> Result<(), Fault> {
        grammar::module_name(name)?;
        if !self.text.is_empty() {
            self.text.push(b' ');
        }
        self.text.push(b'[');
        self.text.extend_from_slice(name);
        self.text.push(b']');
        Ok(())
    }

    /// The list as symbols have it.
    #[must_use]
    pub fn as_modules(&self) -> Modules<'_> {
        Modules::from_grammar(&self.text)
    }
}

impl fmt::Debug for ModuleList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_modules().fmt(f)
    }
}

impl<'a> IntoIterator for Modules<'a> {
    type Item = &'a [u8];
    type IntoIter = ModuleNames<'a>;

    fn into_iter(self) -> ModuleNames<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for &Modules<'a> {
    type Item = &'a [u8];
    type IntoIter = ModuleNames<'a>;

    fn into_iter(self) -> ModuleNames<'a> {
        self.iter()
    }
}

impl fmt::Debug for Modules<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(Bytes)).finish()
    }
}

/// The names of a symbol's modules, from [`Modules::iter`].
///
/// ```
/// assert_eq!(kallmodsyms::Modules::default().iter().next(), None);
/// ```
#[derive(Clone, Debug)]
pub struct ModuleNames<'a> {
    text: &'a [u8],
}

impl<'a> Iterator for ModuleNames<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let close = memchr::memchr(b']', self.text)?;
        let name = self.text.get(1..close)?;
        // Past the bracket and the blank that follows unless this was the last.
        self.text = self.text.get(close + 2..).unwrap_or_default();
        Some(name)
    }
}

impl FusedIterator for ModuleNames<'_> {}

/// Shows bytes as text in `Debug` output.
struct Bytes<'a>(&'a [u8]);

impl fmt::Debug for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

/// Appends `value` in lower-case hex with at least `digits` digits (at most 16).
fn hex(value: u64, digits: usize, out: &mut Vec<u8>) {
    let needed = (u64::BITS - value.leading_zeros()).div_ceil(4) as usize;
    for place in (0..needed.max(digits)).rev() {
        let digit = (value >> (4 * place)) & 0xf;
        out.push(b"0123456789abcdef"[digit as usize]);
    }
}
