// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The rules by name.

use core::fmt;

/// How much a finding matters.
///
/// ```
/// assert_eq!(kallmodsyms::validate::Severity::Warning.to_string(), "warning");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Odd, and possible.
    Warning,
    /// No kernel that keeps the format's guarantees prints this.
    Error,
}

impl Severity {
    /// The name in lower case.
    ///
    /// ```
    /// assert_eq!(kallmodsyms::validate::Severity::Error.name(), "error");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Defines [`Rule`] from one table, so that no rule lacks a name or is left out of [`Rule::ALL`].
macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident $name:literal $severity:ident $help:literal)*) => {
        /// What validation looks at.
        ///
        /// The first ten are the grammar of a line, the next nine concern lines with each other, the others compare
        /// with another source.
        ///
        /// ```
        /// use kallmodsyms::validate::{Rule, Severity};
        ///
        /// assert_eq!(Rule::ModuleOrder.name(), "module-order");
        /// assert_eq!(Rule::ModuleOrder.severity(), Severity::Error);
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Rule {
            $(
                #[doc = concat!("`", $name, "`, ", stringify!($severity), ".")]
                ///
                $(#[$doc])*
                $rule,
            )*
        }

        impl Rule {
            /// Every rule.
            ///
            /// ```
            /// use kallmodsyms::validate::Rule;
            ///
            /// assert!(Rule::ALL.contains(&Rule::Projection));
            /// ```
            pub const ALL: &'static [Self] = &[$(Self::$rule),*];

            /// The name, in lower case with hyphens.
            ///
            /// ```
            /// assert_eq!(kallmodsyms::validate::Rule::Empty.name(), "empty");
            /// ```
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$rule => $name,)* }
            }

            /// How much it matters when the rule is broken.
            ///
            /// ```
            /// use kallmodsyms::validate::{Rule, Severity};
            ///
            /// assert_eq!(Rule::Duplicate.severity(), Severity::Warning);
            /// ```
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$rule => Severity::$severity,)* }
            }

            /// What to look for, or to do, next.
            ///
            /// ```
            /// assert!(kallmodsyms::validate::Rule::Empty.help().contains("no symbol"));
            /// ```
            #[must_use]
            pub const fn help(self) -> &'static str {
                match self { $(Self::$rule => $help,)* }
            }
        }
    };
}

rules! {
    /// A line has the fields of its dialect, in their order.
    Fields "fields" Error
        "a line is: address, size if the file has sizes, type, name; then a tab and modules, if any"
    /// All lines are of one dialect, the one asked for.
    Dialect "dialect" Error
        "one file has one format: were two put together, lines edited, or the wrong file named?"
    /// Addresses are zero-padded lower-case hex of one width.
    Address "address" Error
        "addresses have 16 digits, 8 on a 32-bit kernel: zero-padded, lower case, no prefix"
    /// Sizes are lower-case hex without prefix or leading zero.
    Size "size" Error
        "sizes are printed with %lx: lower case, no prefix, no leading zero"
    /// The type is one letter.
    Type "type" Error
        "the type is the letter that nm prints"
    /// Names have 1 to 511 bytes and no blank.
    Name "name" Error
        "names have 1 to 511 bytes, none of them a blank or NUL; is the file text, and whole?"
    /// Modules are in brackets, one blank between.
    Modules "modules" Error
        "modules follow one tab, each in brackets, one blank between: [a] [b]"
    /// An object file is in braces and ends the line.
    Object "object" Error
        "an object file stands last, in braces, and ends in .o: {file.o}"
    /// One blank between fields, none at the end of a line.
    Blanks "blanks" Error
        "fields are separated by exactly one blank: was the file edited?"
    /// Every line, the last too, ends in LF alone.
    Newline "newline" Error
        "was the copy cut short (read it again), or did a tool rewrite line ends (undo with tr -d '\\r')?"
    /// The file has symbols.
    Empty "empty" Error "no symbol at all: is CONFIG_KALLMODSYMS on, was the copy made before the read ended?"
    /// The modules of a built-in symbol are sorted bytewise, each once.
    ModuleOrder "module-order" Error "the kernel's module table lists modules sorted bytewise, each once"
    /// The symbols of loaded modules, of BPF, ftrace and kprobes name one module.
    ModuleCount "module-count" Error
        "only code of the kernel image has several modules; all after the last line without one is loaded code"
    /// Kernel image first, then loaded modules, ftrace, BPF, kprobes.
    GroupOrder "group-order" Error "the kernel lists its image, loaded modules, ftrace, bpf, kprobes, in this order"
    /// Sizes are hidden exactly when addresses are.
    Hidden "hidden" Error "addresses and sizes are shown or hidden together, as decided when the file was opened"
    /// The symbols of the kernel image stand in ascending order.
    AddressOrder "address-order" Error "the linker's table is sorted by address; were lines moved or mixed?"
    /// Of the kernel image's symbols at one address, those of no size come first, then the larger before the smaller.
    AliasOrder "alias-order" Error "scripts/kallsyms sorts symbols of one address: no size first, then larger first"
    /// A symbol ends within the address space.
    SizeRange "size-range" Error "no symbol wraps round: this is no size, or it belongs to another line"
    /// No symbol with a size stands there twice. Without a size many do: lock class keys take no room without lockdep.
    Duplicate "duplicate" Warning "one line twice in a row: possible, but a lost position in the iterator looks so too"
    /// Without sizes and the modules of built-in symbols, the file is `/proc/kallsyms` of the same boot.
    Projection "projection" Error
        "compare two files of one boot, read by one user, while no module or BPF program comes or goes"
    /// One slide takes code from where it was linked to where the file has it: at least 99 of 100 symbols whose names
    /// are unique.
    Linked "linked" Error
        "compare with vmlinux or System.map of this very build, and as a reader who may see addresses"
    /// Every symbol that the linker knows and kallsyms keeps is listed.
    LinkedMissing "linked-missing" Error "kallsyms lists all symbols of vmlinux but absolute ones: was the line lost?"
    /// Every symbol of the kernel image is one that the linker knows.
    LinkedUnknown "linked-unknown" Error "vmlinux has no such symbol: was the line, or the name, changed?"
    /// A symbol of the image stands where the linker put it, moved by the slide. Per-CPU data counted from 0 does not
    /// move.
    LinkedAddress "linked-address" Error "KASLR moves the whole image by one distance: was the address changed?"
    /// A symbol of the image has the size that the linker recorded.
    LinkedSize "linked-size" Error "sizes are st_size of vmlinux, not the distance to the next symbol: see nm -S"
    /// A symbol of the image has the type that nm prints for it, `A` if it is per-CPU data counted from 0.
    LinkedType "linked-type" Error "kallsyms prints the letters of nm: see nm, and the letter in /proc/kallsyms"
    /// A symbol of the image belongs to the modules that `modules.builtin.ranges` has for its address.
    RangesModules "ranges-modules" Error "is modules.builtin.ranges of this very build? see the object file's .cmd file"
    /// So does a symbol of size zero. One that stands on the border of two objects may be of either: ranges cannot
    /// tell.
    RangesBorder "ranges-border" Warning "no range tells of which object a symbol on its border is: see nm on both"
    /// A symbol that belongs to a module lies in a range. Linux 6.12 makes none of per-CPU data, nor of sections
    /// without a leading dot, and leaves gaps at the ends of others.
    RangesIncomplete "ranges-incomplete" Warning
        "modules.builtin.ranges leaves out per-CPU data and sections such as __param; see nm on the object file"
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
