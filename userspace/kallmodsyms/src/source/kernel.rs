// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The running kernel: the best there is.

use std::fs;
use std::path::{Path, PathBuf};
use std::string::String;
use std::vec::Vec;
use std::{format, vec};

use super::file::{KALLMODSYMS, KALLSYMS};
use super::{Error, Lack, Outcome, Part, Report, read};
use crate::SymbolTable;
use crate::ranges::{Placed, Ranges};

/// The symbols of the running kernel, from the best source that it has, with an account of what was taken from where.
///
/// `/proc/kallmodsyms` says everything. Without it, there is `/proc/kallsyms`, to which `modules.builtin.ranges` of
/// this kernel adds the modules of built-in code and a `vmlinux` of this kernel the sizes. What is not there is
/// missing, and no error; files of another kernel are found out and not used.
///
/// Reads the files anew each time.
///
/// ```
/// use kallmodsyms::source::{Error, Kernel};
///
/// match Kernel::open() {
///     Ok(kernel) => println!("{} symbols\n{}", kernel.table().len(), kernel.report()),
///     Err(error @ Error::Hidden { .. }) => println!("{error}"), // says which setting or capability it takes
///     Err(error) => println!("no symbols: {error}"),
/// }
/// ```
#[derive(Debug)]
pub struct Kernel {
    table: SymbolTable,
    report: Report,
}

impl Kernel {
    /// Reads the symbols of the running kernel.
    ///
    /// # Errors
    ///
    /// If the kernel lists no symbols or hides their addresses from this process.
    ///
    /// ```
    /// use kallmodsyms::source::Kernel;
    ///
    /// if let Ok(kernel) = Kernel::open() {
    ///     assert!(!kernel.report().attempts().is_empty());
    /// }
    /// ```
    pub fn open() -> Result<Self, Error> {
        Options::new().open()
    }

    /// Reads the symbols of the kernel below a directory, with its own `/proc`, `/sys`, `/lib` and `/boot`: that of a
    /// container's host, or what was saved of another machine.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    ///
    /// ```
    /// assert!(kallmodsyms::source::Kernel::open_at("/no/such/root").is_err());
    /// ```
    pub fn open_at(root: impl Into<PathBuf>) -> Result<Self, Error> {
        Options::new().root(root).open()
    }

    /// The symbols.
    ///
    /// ```
    /// # let root = tempfile::tempdir()?;
    /// # let root = root.path();
    /// # std::fs::create_dir_all(root.join("proc"))?;
    /// # use kallmodsyms::source::Kernel;
    /// std::fs::write(root.join("proc/kallmodsyms"), "ffffffff81000000 8 T _stext\n")?;
    /// assert_eq!(Kernel::open_at(root)?.table().len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn table(&self) -> &SymbolTable {
        &self.table
    }

    /// The symbols, to keep.
    ///
    /// ```
    /// # let root = tempfile::tempdir()?;
    /// # let root = root.path();
    /// # std::fs::create_dir_all(root.join("proc"))?;
    /// # use kallmodsyms::source::Kernel;
    /// std::fs::write(root.join("proc/kallmodsyms"), "ffffffff81000000 8 T _stext\n")?;
    /// assert!(Kernel::open_at(root)?.into_table().facts().sizes);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn into_table(self) -> SymbolTable {
        self.table
    }

    /// What was taken from where, what is missing, and why.
    ///
    /// ```
    /// # let root = tempfile::tempdir()?;
    /// # let root = root.path();
    /// # std::fs::create_dir_all(root.join("proc"))?;
    /// # use kallmodsyms::source::Kernel;
    /// std::fs::write(root.join("proc/kallmodsyms"), "ffffffff81000000 8 T _stext\n")?;
    /// assert!(Kernel::open_at(root)?.report().lacks().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn report(&self) -> &Report {
        &self.report
    }
}

/// What [`Kernel::open`] is to look for, and where: of another kernel than the running one, too. Who needs no sizes need
/// not wait until a vmlinux is read.
///
/// ```
/// use kallmodsyms::source::Options;
///
/// if let Ok(kernel) = Options::new().sizes(false).open() {
///     assert!(kernel.table().len() > 0);
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    root: PathBuf,
    release: Option<String>,
    modules: bool,
    sizes: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl Options {
    /// Everything, of the running kernel.
    ///
    /// ```
    /// let everything = kallmodsyms::source::Options::new();
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self {
            root: "/".into(),
            release: None,
            modules: true,
            sizes: true,
        }
    }

    /// Looks below this directory instead of `/`.
    ///
    /// ```
    /// assert!(kallmodsyms::source::Options::new().root("/no/such/root").open().is_err());
    /// ```
    #[must_use]
    pub fn root(mut self, root: impl Into<PathBuf>) -> Self {
        self.root = root.into();
        self
    }

    /// Takes the symbols of an installed kernel, which need not run, where its linker put them: of its vmlinux, or of
    /// its System.map, which has no sizes. The release is what `uname -r` prints.
    ///
    /// ```
    /// use kallmodsyms::source::{Error, Options};
    ///
    /// let error = Options::new().release("../6.12").open().unwrap_err();
    /// assert!(matches!(error, Error::NotInstalled { tried, .. } if tried.is_empty()));
    /// ```
    #[must_use]
    pub fn release(mut self, release: impl Into<String>) -> Self {
        self.release = Some(release.into());
        self
    }

    /// Whether to look for the modules of built-in code where the kernel itself does not tell.
    ///
    /// ```
    /// let without_modules = kallmodsyms::source::Options::new().modules(false);
    /// ```
    #[must_use]
    pub const fn modules(mut self, wanted: bool) -> Self {
        self.modules = wanted;
        self
    }

    /// Whether to look for sizes where the kernel itself does not tell.
    ///
    /// ```
    /// let without_sizes = kallmodsyms::source::Options::new().sizes(false);
    /// ```
    #[must_use]
    pub const fn sizes(mut self, wanted: bool) -> Self {
        self.sizes = wanted;
        self
    }

    /// Reads the symbols.
    ///
    /// # Errors
    ///
    /// As [`Kernel::open`].
    ///
    /// ```
    /// use kallmodsyms::source::{Error, Options};
    ///
    /// let error = Options::new().root("/no/such/root").open().unwrap_err();
    /// assert!(matches!(error, Error::NoList { tried } if tried.len() == 2));
    /// ```
    pub fn open(&self) -> Result<Kernel, Error> {
        let mut search = Search {
            root: &self.root,
            report: Report {
                release: self.release.clone().or_else(|| running(&self.root)),
                ..Report::default()
            },
        };
        let mut table = match &self.release {
            Some(release) => search.installed(release, self.sizes)?,
            None => search.list()?,
        };
        let mut lacks = Vec::new();
        if !table.facts().built_in_modules {
            let found = self.modules.then(|| search.add_modules(&mut table));
            lacks.extend(found.unwrap_or_else(|| vec![Lack::Modules]));
        }
        if !table.facts().sizes {
            // Of an installed kernel the images have been looked at.
            let found = self.sizes && self.release.is_none() && search.add_sizes(&mut table);
            let has_loaded = || table.iter().any(|symbol| !symbol.group().is_image());
            if !found {
                lacks.push(Lack::Sizes);
            } else if has_loaded() {
                lacks.push(Lack::LoadedSizes);
            }
        }
        let mut report = search.report;
        report.lacks = lacks;
        Ok(Kernel { table, report })
    }
}

/// `uname -r`, unless it is no name of a directory.
fn running(root: &Path) -> Option<String> {
    let release = fs::read_to_string(root.join("proc/sys/kernel/osrelease")).ok()?;
    let release = release.trim();
    is_name(release).then(|| release.into())
}

/// Whether it stays within the directory that it is looked for in.
fn is_name(release: &str) -> bool {
    !matches!(release, "" | "." | "..") && !release.contains(['/', '\0'])
}

struct Search<'o> {
    root: &'o Path,
    report: Report,
}

impl Search<'_> {
    /// The kernel's own list.
    fn list(&mut self) -> Result<SymbolTable, Error> {
        for file in [KALLMODSYMS, KALLSYMS] {
            let path = self.root.join(file);
            match read::live(self.root, file) {
                Ok(table) => {
                    self.report.note(Part::Symbols, path, Outcome::Used);
                    return Ok(table);
                }
                // The other file has them hidden as well.
                Err(error @ Error::Hidden { .. }) => return Err(error),
                Err(error) => self
                    .report
                    .note(Part::Symbols, path, Outcome::Failed(error)),
            }
        }
        Err(Error::NoList {
            tried: core::mem::take(&mut self.report.attempts),
        })
    }

    /// The symbols of a kernel that need not run.
    fn installed(&mut self, release: &str, sizes: bool) -> Result<SymbolTable, Error> {
        type Read = fn(&Path) -> Result<SymbolTable, Error>;
        let files = |names, read: Read| {
            self.candidates(names)
                .into_iter()
                .map(move |path| (path, read))
        };
        let maps = files(SYSTEM_MAPS, read::system_map);
        #[cfg(feature = "elf")]
        let images = files(IMAGES, |path| read::vmlinux(path, None));
        #[cfg(not(feature = "elf"))]
        let images = std::iter::empty();
        // A map is smaller, and is all that it takes where no sizes are wanted.
        let files: Vec<(PathBuf, Read)> = if sizes {
            images.chain(maps).collect()
        } else {
            maps.chain(images).collect()
        };
        for (path, read) in files {
            match read(&path) {
                Ok(table) => {
                    self.report.note(Part::Symbols, path, Outcome::Used);
                    return Ok(table);
                }
                Err(error) => self
                    .report
                    .note(Part::Symbols, path, Outcome::Failed(error)),
            }
        }
        Err(Error::NotInstalled {
            release: release.into(),
            tried: core::mem::take(&mut self.report.attempts),
        })
    }

    /// The files of these names, with the release in the place of `{}`.
    fn candidates(&self, names: &[&str]) -> Vec<PathBuf> {
        let Some(release) = self.report.release.as_ref().filter(|name| is_name(name)) else {
            return Vec::new();
        };
        let path = |name: &&str| self.root.join(name.replace("{}", release));
        names.iter().map(path).collect()
    }

    /// Adds modules of built-in code, and returns what of them is missing.
    fn add_modules(&mut self, table: &mut SymbolTable) -> Vec<Lack> {
        for path in self.candidates(&["lib/modules/{}/modules.builtin.ranges"]) {
            let ranges = match read::ranges(&path) {
                Ok(ranges) => ranges,
                Err(error) => {
                    self.report
                        .note(Part::Modules, path, Outcome::Failed(error));
                    continue;
                }
            };
            match self.place(&path, &ranges, table) {
                Ok(placed) => {
                    let unlisted = unlisted(&placed);
                    self.report.note(Part::Modules, path, Outcome::Used);
                    table.add_built_in_modules(&placed);
                    let sections = (!unlisted.is_empty()).then_some(Lack::Sections(unlisted));
                    return [Lack::LeftOut].into_iter().chain(sections).collect();
                }
                Err(error) => self
                    .report
                    .note(Part::Modules, path, Outcome::Failed(error)),
            }
        }
        vec![Lack::Modules]
    }

    /// Finds the sections of the ranges, with the help of a System.map where the kernel does not list where they start.
    fn place<'r>(
        &mut self,
        path: &Path,
        ranges: &'r Ranges,
        table: &SymbolTable,
    ) -> Result<Placed<'r>, Error> {
        use crate::ranges::PlaceError;

        let mut placed = ranges.place(table, None);
        for map_path in self.candidates(SYSTEM_MAPS) {
            let missing = match &placed {
                Ok(placed) => unlisted(placed).len(),
                Err(PlaceError::NoAnchor { .. }) => usize::MAX,
                Err(_) => break,
            };
            if missing == 0 {
                break;
            }
            let map = read::system_map(&map_path);
            let map = map.and_then(|map| read::moved(map, &map_path, table));
            let outcome = match map.map(|map| ranges.place(table, Some(&map))) {
                Ok(Ok(better)) if unlisted(&better).len() < missing => {
                    placed = Ok(better);
                    Outcome::Used
                }
                Ok(_) => Outcome::NoHelp,
                Err(error) => Outcome::Failed(error),
            };
            self.report.note(Part::Anchors, map_path, outcome);
        }
        placed.map_err(|error| Error::Place {
            path: path.into(),
            error,
        })
    }

    /// Adds sizes from an image of this kernel, if there is one.
    #[cfg(feature = "elf")]
    fn add_sizes(&mut self, table: &mut SymbolTable) -> bool {
        let notes = fs::read(self.root.join("sys/kernel/notes"));
        let running = notes
            .ok()
            .and_then(|notes| crate::elf::BuildId::from_notes(&notes));
        for path in self.candidates(IMAGES) {
            match read::add_sizes(table, &path, running.as_ref()) {
                Ok(()) => {
                    self.report.note(Part::Sizes, path, Outcome::Used);
                    return true;
                }
                Err(error) => self.report.note(Part::Sizes, path, Outcome::Failed(error)),
            }
        }
        false
    }

    #[cfg(not(feature = "elf"))]
    #[expect(clippy::unused_self, reason = "as with the feature")]
    fn add_sizes(&mut self, _: &mut SymbolTable) -> bool {
        false
    }
}

/// Sections whose anchor the kernel does not list. Those without an anchor have no symbols.
fn unlisted(placed: &Placed<'_>) -> Vec<String> {
    let unplaced = placed.unplaced().iter();
    let listed = unplaced.filter(|section| section.anchor.is_some());
    listed
        .map(|section| format!("{}", section.section.escape_ascii()))
        .collect()
}

/// Where distributions put the System.map, and its debugging package.
const SYSTEM_MAPS: &[&str] = &[
    "boot/System.map-{}",
    "lib/modules/{}/System.map",
    "lib/modules/{}/build/System.map",
    "usr/lib/debug/boot/System.map-{}",
];

/// Where distributions put images with symbols: whole, or split off for debuggers (`.debug`).
#[cfg(feature = "elf")]
const IMAGES: &[&str] = &[
    "boot/vmlinux-{}",
    "usr/lib/debug/boot/vmlinux-{}",
    "usr/lib/debug/boot/vmlinux-{}.debug",
    "usr/lib/debug/lib/modules/{}/vmlinux",
    "usr/lib/debug/lib/modules/{}/vmlinux.debug",
    "lib/modules/{}/build/vmlinux",
];
