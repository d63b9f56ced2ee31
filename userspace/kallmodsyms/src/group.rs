// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Where the kernel keeps a symbol.

use core::fmt;

use crate::Modules;

/// Where the kernel keeps a symbol, in the order in which it lists them.
///
/// A bracket does not say whether its module is loaded or built in; the place in the file does. The kernel image comes
/// first, and it ends with the last line without a bracket: the linker script puts markers such as `_end` last, and
/// they belong to no module, while every line after the image has a bracket.
///
/// ```
/// use kallmodsyms::Group;
///
/// assert!(Group::BuiltIn < Group::Loaded);
/// assert_eq!(Group::Bpf.to_string(), "BPF");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Group {
    /// In the kernel image, part of no module.
    Core,
    /// In the kernel image, part of a module that is built in.
    BuiltIn,
    /// In a loaded module.
    Loaded,
    /// A trampoline of ftrace: `[__builtin__ftrace]`.
    Ftrace,
    /// A BPF program or trampoline: `[bpf]`.
    Bpf,
    /// A page of kprobe slots: `[__builtin__kprobes]`.
    Kprobes,
}

impl Group {
    /// The group of symbols outside the kernel image that these modules name.
    pub(crate) fn outside(modules: Modules<'_>) -> Self {
        let first = modules.iter().next();
        first
            .and_then(Self::of_pseudo_module)
            .unwrap_or(Self::Loaded)
    }

    /// The group that has this name in place of a module's.
    pub(crate) const fn of_pseudo_module(name: &[u8]) -> Option<Self> {
        match name {
            b"__builtin__ftrace" => Some(Self::Ftrace),
            b"bpf" => Some(Self::Bpf),
            b"__builtin__kprobes" => Some(Self::Kprobes),
            _ => None,
        }
    }

    /// Whether the symbol is part of the kernel image.
    ///
    /// ```
    /// use kallmodsyms::Group;
    ///
    /// assert!(Group::BuiltIn.is_image() && !Group::Bpf.is_image());
    /// ```
    #[must_use]
    pub const fn is_image(self) -> bool {
        matches!(self, Self::Core | Self::BuiltIn)
    }

    /// Whether the name in brackets stands for a part of the kernel and not for a module.
    ///
    /// ```
    /// use kallmodsyms::Group;
    ///
    /// assert!(Group::Kprobes.is_pseudo() && !Group::Loaded.is_pseudo());
    /// ```
    #[must_use]
    pub const fn is_pseudo(self) -> bool {
        matches!(self, Self::Ftrace | Self::Bpf | Self::Kprobes)
    }

    /// The name in lower case with hyphens, as JSON output has it.
    ///
    /// ```
    /// assert_eq!(kallmodsyms::Group::BuiltIn.name(), "built-in");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::BuiltIn => "built-in",
            Self::Loaded => "loaded",
            Self::Ftrace => "ftrace",
            Self::Bpf => "bpf",
            Self::Kprobes => "kprobes",
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Core => "the kernel image",
            Self::BuiltIn => "built-in modules",
            Self::Loaded => "loaded modules",
            Self::Ftrace => "ftrace",
            Self::Bpf => "BPF",
            Self::Kprobes => "kprobes",
        })
    }
}
