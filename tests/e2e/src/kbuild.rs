// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a kernel build directory says about its objects: which are linked into vmlinux, in which order, and
//! which modules each would be part of.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context, Result, bail};
use object::read::archive::ArchiveFile;

use crate::elf::Elf;

/// The modules of a symbol, as the brackets show them: sorted bytewise, each once.
pub type Modules = Rc<[String]>;

/// The lines of modules.builtin, keyed by path less `kernel/` and `.ko`, with `-` written as `_`.
///
/// kbuild replaces `-` in KBUILD_MODNAME but not in KBUILD_MODFILE, so both are compared in the replaced form.
pub struct Builtin(BTreeMap<String, String>);

impl Builtin {
    pub fn read(build: &Path) -> Result<Builtin> {
        let path = build.join("modules.builtin");
        let text = read_text(&path)?;
        Builtin::parse(&text).with_context(|| path.display().to_string())
    }

    pub fn parse(text: &str) -> Result<Builtin> {
        let mut map = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            let Some(stem) = line
                .strip_prefix("kernel/")
                .and_then(|l| l.strip_suffix(".ko"))
            else {
                bail!(
                    "line {}: expected kernel/DIR/NAME.ko, found {line:?}",
                    number + 1
                );
            };
            let key = stem.replace('-', "_");
            let name = key.rsplit('/').next().unwrap_or(&key).to_owned();
            map.insert(key, name);
        }
        Ok(Builtin(map))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    fn name(&self, modfile: &str) -> Option<&str> {
        self.0.get(&modfile.replace('-', "_")).map(String::as_str)
    }
}

/// An object file that is linked into vmlinux.
pub struct Object {
    /// Relative to the build directory.
    pub path: String,
    pub modules: Modules,
    pub elf: Elf,
}

/// Reads every object of vmlinux in link order: the members of vmlinux.a, those of libraries that the linker took, then
/// those that scripts/link-vmlinux.sh adds by itself.
pub fn read_objects(build: &Path, builtin: &Builtin, vmlinux: &Elf) -> Result<Vec<Object>> {
    let mut objects = Vec::new();
    let read = |path: String| -> Result<Object> {
        let elf = Elf::read(&build.join(&path))?;
        let modules = modules_of(build, &path, builtin)?;
        Ok(Object { path, modules, elf })
    };
    for path in archive_members(build, "vmlinux.a")? {
        objects.push(read(path)?);
    }
    // Of a member that was not linked, vmlinux lacks what others could refer to.
    let linked: HashSet<&str> = vmlinux.symbols.iter().map(|s| s.name.as_str()).collect();
    let is_linked = |object: &Object| {
        let mut globals = object
            .elf
            .symbols
            .iter()
            .filter(|s| s.is_global())
            .peekable();
        globals.peek().is_some() && globals.all(|s| linked.contains(s.name.as_str()))
    };
    for library in libraries(build)? {
        for path in archive_members(build, &library)? {
            let object = read(path)?;
            if is_linked(&object) {
                objects.push(object);
            }
        }
    }
    // The kallsyms tables come from the last of two or three passes.
    let passes = [".tmp_vmlinux3.kallsyms.o", ".tmp_vmlinux2.kallsyms.o"];
    let kallsyms = passes.iter().find(|p| build.join(p).exists()).copied();
    for path in [
        Some(".vmlinux.export.o"),
        Some("init/version-timestamp.o"),
        kallsyms,
    ]
    .into_iter()
    .flatten()
    {
        if build.join(path).exists() {
            let elf = Elf::read(&build.join(path))?;
            objects.push(Object {
                path: path.to_owned(),
                modules: Rc::from([]),
                elf,
            });
        }
    }
    Ok(objects)
}

/// The archives of which only what is needed is linked: those for the start of an EFI kernel, and without loadable modules
/// those of lib/ as well.
fn libraries(build: &Path) -> Result<Vec<String>> {
    let text = read_text(&build.join(".vmlinux.o.cmd"))?;
    let line = text.lines().next().unwrap_or("");
    let (_, libraries) = line.split_once("--start-group").unwrap_or_default();
    let archives = libraries.split_whitespace().filter(|w| w.ends_with(".a"));
    Ok(archives.map(str::to_owned).collect())
}

/// The paths in a thin archive, in order. It names them as seen from its own directory.
fn archive_members(build: &Path, archive: &str) -> Result<Vec<String>> {
    let path = &build.join(archive);
    let dir = &archive[..archive.rfind('/').map_or(0, |slash| slash + 1)];
    let data = std::fs::read(path).with_context(|| {
        format!(
            "cannot read {} (is this a finished kernel build?)",
            path.display()
        )
    })?;
    let archive = ArchiveFile::parse(&*data).with_context(|| path.display().to_string())?;
    if !archive.is_thin() {
        bail!(
            "{}: expected a thin archive, found an ordinary one",
            path.display()
        );
    }
    let mut members = Vec::new();
    for member in archive.members() {
        let member = member.with_context(|| path.display().to_string())?;
        let name = std::str::from_utf8(member.name())
            .with_context(|| format!("{}: a member's name is not UTF-8", path.display()))?;
        members.push(format!("{dir}{name}"));
    }
    if members.is_empty() {
        bail!("{}: the archive has no members", path.display());
    }
    Ok(members)
}

/// The built-in modules of one object, from the command line that made it.
fn modules_of(build: &Path, object: &str, builtin: &Builtin) -> Result<Modules> {
    let path = cmd_file(build, object);
    let text = read_text(&path)
        .with_context(|| format!("no .cmd file for {object}, which vmlinux.a lists"))?;
    let dir = object.rsplit_once('/').map_or("", |(dir, _)| dir);
    let mut modules: Vec<String> = module_files(text.lines().next().unwrap_or(""), dir)
        .iter()
        .filter_map(|f| builtin.name(f))
        .map(str::to_owned)
        .collect();
    modules.sort();
    modules.dedup();
    Ok(modules.into())
}

/// `dir/foo.o` to `build/dir/.foo.o.cmd`.
fn cmd_file(build: &Path, object: &str) -> PathBuf {
    let path = build.join(object);
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    path.with_file_name(format!(".{name}.cmd"))
}

/// The modules an object would be part of, as `dir/name`, built in or not.
///
/// kbuild names them in one of three ways:
///
/// * `-DKBUILD_MODFILE='"dir/a dir/b"'` for C and assembly that is built in;
/// * `RUST_MODFILE=dir/a` in the environment of rustc;
/// * only `-DKBUILD_MODNAME='"a:b"'`, without directories, for an object that a `=m` module shares with
///   a `=y` one: it is compiled with `-DMODULE`, and linked into vmlinux all the same.
fn module_files(command: &str, dir: &str) -> Vec<String> {
    if let Some(list) = quoted(command, "-DKBUILD_MODFILE=") {
        return list.split(' ').map(str::to_owned).collect();
    }
    if let Some((_, rest)) = command.split_once("RUST_MODFILE=") {
        let end = rest.find(" /").or_else(|| rest.find(" rustc")).unwrap_or(0);
        return rest[..end].split(' ').map(str::to_owned).collect();
    }
    if let Some(list) = quoted(command, "-DKBUILD_MODNAME=") {
        return list
            .split(':')
            .map(|name| format!("{dir}/{name}"))
            .collect();
    }
    Vec::new()
}

/// The text between the quotes `'"` and `"'` after `option`.
fn quoted<'a>(command: &'a str, option: &str) -> Option<&'a str> {
    let (_, rest) = command.split_once(option)?;
    let rest = rest.strip_prefix("'\"")?;
    rest.split_once("\"'").map(|(inner, _)| inner)
}

pub fn read_text(path: &Path) -> Result<String> {
    Ok(String::from_utf8_lossy(&read_bytes(path)?).into_owned())
}

pub fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUILTIN: &str =
        "kernel/drivers/net/ethernet/ti/ti_cpsw.ko\nkernel/crypto/lzo-rle.ko\nkernel/lib/core.ko\n";

    fn names(command: &str, dir: &str) -> Vec<String> {
        let builtin = Builtin::parse(BUILTIN).unwrap();
        module_files(command, dir)
            .iter()
            .filter_map(|f| builtin.name(f))
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn modfile_names_one_module() {
        assert_eq!(
            names(
                r#"gcc -DKBUILD_MODFILE='"crypto/lzo-rle"' -DKBUILD_MODNAME='"lzo_rle"'"#,
                "crypto"
            ),
            ["lzo_rle"]
        );
    }

    #[test]
    fn a_name_alone_does_not_make_a_module() {
        // drivers/base/core.o has the name of a module that lives elsewhere.
        assert!(
            names(
                r#"gcc -DKBUILD_MODFILE='"drivers/base/core"' -DKBUILD_MODNAME='"core"'"#,
                "drivers/base"
            )
            .is_empty()
        );
    }

    #[test]
    fn shared_object_names_only_what_is_built_in() {
        let dir = "drivers/net/ethernet/ti";
        let shared = r#"gcc -DMODULE -DKBUILD_BASENAME='"cpsw_ale"' -DKBUILD_MODNAME='"ti_cpsw:ti_cpsw_new"'"#;
        assert_eq!(names(shared, dir), ["ti_cpsw"]);
        let both = r#"gcc -DKBUILD_MODFILE='"drivers/net/ethernet/ti/ti_cpsw drivers/net/ethernet/ti/ti_cpsw_new"'"#;
        assert_eq!(names(both, dir), ["ti_cpsw"]);
    }

    #[test]
    fn rust_modfile() {
        assert_eq!(
            names(
                "savedcmd_x := OBJTREE=/b RUST_MODFILE=lib/core /usr/bin/rustc -O",
                "lib"
            ),
            ["core"]
        );
        assert_eq!(
            names("savedcmd_x := RUST_MODFILE=lib/core rustc -O", "lib"),
            ["core"]
        );
    }

    #[test]
    fn bad_builtin_line_is_named() {
        let error = Builtin::parse("kernel/a/b.ko\nfoo\n")
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("line 2") && error.contains("foo"), "{error}");
    }
}
