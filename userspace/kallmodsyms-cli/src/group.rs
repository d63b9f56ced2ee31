// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Where the kernel keeps symbols, as the command line says it.

use clap::ValueEnum;
use kallmodsyms::Group;

/// The library's groups, as the command line takes them.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GroupName {
    Core,
    BuiltIn,
    Loaded,
    Ftrace,
    Bpf,
    Kprobes,
}

impl GroupName {
    /// Whether the group is one of those named, or none was.
    pub(crate) fn any(names: &[Self], group: Group) -> bool {
        names.is_empty() || names.iter().any(|name| name.group() == group)
    }

    const fn group(self) -> Group {
        match self {
            Self::Core => Group::Core,
            Self::BuiltIn => Group::BuiltIn,
            Self::Loaded => Group::Loaded,
            Self::Ftrace => Group::Ftrace,
            Self::Bpf => Group::Bpf,
            Self::Kprobes => Group::Kprobes,
        }
    }
}
