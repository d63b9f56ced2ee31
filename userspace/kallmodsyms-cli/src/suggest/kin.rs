// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Names of one function: those that compilers make of it, and those of a system call.

/// What a name has in common with its kin: found out once, however long it is.
pub(super) struct Kin<'q> {
    stem: &'q str,
    call: Option<(bool, &'q str)>,
}

impl<'q> Kin<'q> {
    pub(super) fn of(name: &'q str) -> Self {
        Self {
            stem: stem(name),
            call: system_call(name),
        }
    }

    /// How distant another name is, 0 the nearest; nothing if it is no kin.
    pub(super) fn distance(&self, candidate: &str) -> Option<usize> {
        if !self.stem.is_empty() && self.stem == stem(candidate) {
            return Some(candidate.len().abs_diff(self.stem.len()));
        }
        let call = self.call?;
        if system_call(candidate)? != call {
            return None;
        }
        // What a kernel enters a call by goes before what is behind that, and before other ways in.
        let late = ["__ia32_", "__se_", "__do_"];
        let rank = late.iter().position(|lead| candidate.starts_with(lead));
        Some(rank.map_or(0, |rank| rank + 1))
    }
}

/// The name before what a compiler appends for a part of a function, or a copy: `.cold`, `.isra.0`.
fn stem(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// Which system call a name is of, and whether it is the one for programs of 32 bits: `sys_read`, `SyS_read`,
/// `__x64_sys_read`, `__arm64_compat_sys_read`.
fn system_call(name: &str) -> Option<(bool, &str)> {
    let inner = name.strip_prefix("__").and_then(|name| {
        let (_, inner) = name.split_once('_')?;
        Some(inner)
    });
    let inner = inner.unwrap_or(name);
    let native = inner.strip_prefix("compat_");
    let call = ["sys_", "SyS_", "SYSC_"]
        .iter()
        .find_map(|lead| native.unwrap_or(inner).strip_prefix(lead));
    call.filter(|call| !call.is_empty())
        .map(|call| (native.is_some(), call))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_function() {
        for (name, candidate, expected) in [
            ("vfs_read.cold", "vfs_read", Some(0)),
            ("vfs_read.isra.3", "vfs_read.isra.0", Some(7)),
            ("vfs_read", "vfs_read.part.1", Some(7)),
            ("vfs_read.cold", "vfs_readv", None),
            (".x", ".y", None),
            ("sys_read", "__x64_sys_read", Some(0)),
            ("SyS_read", "__arm64_sys_read", Some(0)),
            ("SYSC_read", "sys_read", Some(0)),
            ("__x64_sys_read", "__s390x_sys_read", Some(0)),
            ("sys_read", "__ia32_sys_read", Some(1)),
            ("sys_read", "__do_sys_read", Some(3)),
            ("sys_read", "__ia32_compat_sys_read", None),
            ("compat_sys_read", "__ia32_compat_sys_read", Some(1)),
            ("sys_read", "__x64_sys_readv", None),
            ("sys_read", "ksys_read", None),
            ("sys_", "__x64_sys_", None),
        ] {
            let distance = Kin::of(name).distance(candidate);
            assert_eq!(distance, expected, "{name} {candidate}");
        }
    }
}
