// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Sources that are named one by one.

use core::fmt;
use std::boxed::Box;
use std::format;
use std::path::{Path, PathBuf};
use std::string::{String, ToString};

use super::{Error, Source, read};
use crate::SymbolTable;

/// `/proc/kallmodsyms` of the running kernel.
///
/// ```
/// use kallmodsyms::source::{Kallmodsyms, Source};
///
/// assert_eq!(Kallmodsyms::live().describe(), "/proc/kallmodsyms");
/// ```
#[derive(Clone, Debug)]
pub struct Kallmodsyms {
    root: PathBuf,
}

impl Kallmodsyms {
    /// The file that the running kernel has.
    ///
    /// ```
    /// use kallmodsyms::source::{Kallmodsyms, Source};
    ///
    /// match Kallmodsyms::live().load() {
    ///     Ok(table) => println!("{} symbols", table.len()),
    ///     Err(error) => println!("{error}"),
    /// }
    /// ```
    #[must_use]
    pub fn live() -> Self {
        Self::at("/")
    }

    /// The file below a directory that has a `/proc`, that of a container's host for instance.
    ///
    /// ```
    /// use kallmodsyms::source::{Kallmodsyms, Source};
    ///
    /// assert_eq!(Kallmodsyms::at("/host").describe(), "/host/proc/kallmodsyms");
    /// ```
    #[must_use]
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }
}

impl Source for Kallmodsyms {
    fn describe(&self) -> String {
        self.root.join(KALLMODSYMS).display().to_string()
    }

    fn load(&self) -> Result<SymbolTable, Error> {
        read::live(&self.root, KALLMODSYMS)
    }
}

pub(super) const KALLMODSYMS: &str = "proc/kallmodsyms";
pub(super) const KALLSYMS: &str = "proc/kallsyms";

/// `/proc/kallsyms` of the running kernel, with what named files add. [`Kernel`](super::Kernel) finds those by itself.
///
/// ```
/// use kallmodsyms::source::{Kallsyms, Source};
///
/// let source = Kallsyms::live().ranges("/lib/modules/6.12.1/modules.builtin.ranges");
/// assert_eq!(source.describe(), "/proc/kallsyms with /lib/modules/6.12.1/modules.builtin.ranges");
/// ```
#[derive(Clone, Debug)]
pub struct Kallsyms {
    root: PathBuf,
    ranges: Option<PathBuf>,
    system_map: Option<PathBuf>,
    #[cfg(feature = "elf")]
    vmlinux: Option<PathBuf>,
}

impl Kallsyms {
    /// The file that the running kernel has.
    ///
    /// ```
    /// use kallmodsyms::source::{Kallsyms, Source};
    ///
    /// match Kallsyms::live().load() {
    ///     Ok(table) => println!("{} symbols", table.len()),
    ///     Err(error) => println!("{error}"),
    /// }
    /// ```
    #[must_use]
    pub fn live() -> Self {
        Self::at("/")
    }

    /// The file below a directory that has a `/proc`.
    ///
    /// ```
    /// use kallmodsyms::source::{Kallsyms, Source};
    ///
    /// assert_eq!(Kallsyms::at("/host").describe(), "/host/proc/kallsyms");
    /// ```
    #[must_use]
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            ranges: None,
            system_map: None,
            #[cfg(feature = "elf")]
            vmlinux: None,
        }
    }

    /// Adds the modules of built-in code from a `modules.builtin.ranges` of the same kernel.
    ///
    /// ```
    /// use kallmodsyms::source::{Kallsyms, Source};
    ///
    /// let source = Kallsyms::live().ranges("/no/such/ranges");
    /// assert!(source.load().is_err());
    /// ```
    #[must_use]
    pub fn ranges(mut self, path: impl Into<PathBuf>) -> Self {
        self.ranges = Some(path.into());
        self
    }

    /// Looks in a System.map of the same kernel for symbols that ranges count from and kallsyms does not list.
    ///
    /// ```
    /// use kallmodsyms::source::{Kallsyms, Source};
    ///
    /// let source = Kallsyms::live().ranges("ranges").system_map("System.map");
    /// assert_eq!(source.describe(), "/proc/kallsyms with ranges with System.map");
    /// ```
    #[must_use]
    pub fn system_map(mut self, path: impl Into<PathBuf>) -> Self {
        self.system_map = Some(path.into());
        self
    }

    /// Adds the sizes of the image's symbols from a `vmlinux` of the same kernel.
    ///
    /// ```
    /// use kallmodsyms::source::{Kallsyms, Source};
    ///
    /// assert_eq!(Kallsyms::live().vmlinux("vmlinux").describe(), "/proc/kallsyms with vmlinux");
    /// ```
    #[cfg(feature = "elf")]
    #[must_use]
    pub fn vmlinux(mut self, path: impl Into<PathBuf>) -> Self {
        self.vmlinux = Some(path.into());
        self
    }

    fn add_modules(&self, table: &mut SymbolTable, path: &Path) -> Result<(), Error> {
        let ranges = read::ranges(path)?;
        let map = match &self.system_map {
            Some(path) => Some(read::moved(read::system_map(path)?, path, table)?),
            None => None,
        };
        let placed = ranges.place(table, map.as_ref());
        let placed = placed.map_err(|error| Error::Place {
            path: path.into(),
            error,
        })?;
        table.add_built_in_modules(&placed);
        Ok(())
    }
}

impl Source for Kallsyms {
    fn describe(&self) -> String {
        let with = |path: &Option<PathBuf>| match path {
            Some(path) => format!(" with {}", path.display()),
            None => String::new(),
        };
        #[cfg(feature = "elf")]
        let vmlinux = with(&self.vmlinux);
        #[cfg(not(feature = "elf"))]
        let vmlinux = "";
        let (ranges, system_map) = (with(&self.ranges), with(&self.system_map));
        let kallsyms = self.root.join(KALLSYMS);
        format!("{}{ranges}{system_map}{vmlinux}", kallsyms.display())
    }

    fn load(&self) -> Result<SymbolTable, Error> {
        let mut table = read::live(&self.root, KALLSYMS)?;
        if let Some(path) = &self.ranges {
            self.add_modules(&mut table, path)?;
        }
        #[cfg(feature = "elf")]
        if let Some(path) = &self.vmlinux {
            read::add_sizes(&mut table, path, None)?;
        }
        Ok(table)
    }
}

/// A copy of `/proc/kallmodsyms` or `/proc/kallsyms`, in any [`Dialect`](crate::Dialect).
///
/// ```
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("copy");
/// use kallmodsyms::source::{Saved, Source};
///
/// std::fs::write(&path, "ffffffff81000000 8 T _stext\n")?;
/// assert!(Saved::new(&path).load()?.facts().sizes);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Saved {
    path: PathBuf,
}

impl Saved {
    /// The copy of this name.
    ///
    /// ```
    /// use kallmodsyms::source::{Saved, Source};
    ///
    /// assert_eq!(Saved::new("copy").describe(), "copy");
    /// ```
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

impl Source for Saved {
    fn describe(&self) -> String {
        self.path.display().to_string()
    }

    fn load(&self) -> Result<SymbolTable, Error> {
        read::saved(&self.path)
    }
}

/// A `System.map`: the addresses of the linker, or moved to where a kernel runs.
///
/// ```
/// # let directory = tempfile::tempdir()?;
/// # let (map, copy) = (directory.path().join("System.map"), directory.path().join("copy"));
/// use kallmodsyms::source::{Saved, Source, SystemMap};
///
/// std::fs::write(&map, "ffffffff81000000 T _text\nffffffff81000040 D jiffies\n")?;
/// std::fs::write(&copy, "ffffffff8b000000 T _text\n")?;
/// let table = SystemMap::new(&map).moved_to(Saved::new(&copy)).load()?;
/// assert_eq!(table.named(b"jiffies").next().unwrap().address(), 0xffff_ffff_8b00_0040);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SystemMap {
    path: PathBuf,
    running: Option<Box<dyn Source + Send + Sync>>,
}

impl SystemMap {
    /// The file of this name.
    ///
    /// ```
    /// use kallmodsyms::source::{Source, SystemMap};
    ///
    /// assert_eq!(SystemMap::new("/boot/System.map-6.12.1").describe(), "/boot/System.map-6.12.1");
    /// ```
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            running: None,
        }
    }

    /// Moves the symbols to where another source, of the same kernel, has them.
    ///
    /// ```
    /// use kallmodsyms::source::{Kallsyms, Source, SystemMap};
    ///
    /// let source = SystemMap::new("System.map").moved_to(Kallsyms::live());
    /// assert_eq!(source.describe(), "System.map moved to where /proc/kallsyms has it");
    /// ```
    #[must_use]
    pub fn moved_to(mut self, running: impl Source + Send + Sync + 'static) -> Self {
        self.running = Some(Box::new(running));
        self
    }
}

impl Source for SystemMap {
    fn describe(&self) -> String {
        describe(&self.path, self.running.as_deref())
    }

    fn load(&self) -> Result<SymbolTable, Error> {
        load(&self.path, self.running.as_deref(), read::system_map)
    }
}

impl fmt::Debug for SystemMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SystemMap({})", self.describe())
    }
}

/// A `vmlinux`: the addresses of the linker, or moved to where a kernel runs. Not compressed.
///
/// ```
/// use kallmodsyms::source::{Source, Vmlinux};
///
/// let error = Vmlinux::new("/").load().unwrap_err();
/// assert!(error.to_string().starts_with("cannot read /: "), "{error}");
/// ```
#[cfg(feature = "elf")]
pub struct Vmlinux {
    path: PathBuf,
    running: Option<Box<dyn Source + Send + Sync>>,
}

#[cfg(feature = "elf")]
impl Vmlinux {
    /// The file of this name.
    ///
    /// ```
    /// use kallmodsyms::source::{Source, Vmlinux};
    ///
    /// assert_eq!(Vmlinux::new("vmlinux").describe(), "vmlinux");
    /// ```
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            running: None,
        }
    }

    /// Moves the symbols to where another source, of the same kernel, has them.
    ///
    /// ```
    /// use kallmodsyms::source::{Kallsyms, Source, Vmlinux};
    ///
    /// let source = Vmlinux::new("vmlinux").moved_to(Kallsyms::live());
    /// assert_eq!(source.describe(), "vmlinux moved to where /proc/kallsyms has it");
    /// ```
    #[must_use]
    pub fn moved_to(mut self, running: impl Source + Send + Sync + 'static) -> Self {
        self.running = Some(Box::new(running));
        self
    }
}

#[cfg(feature = "elf")]
impl Vmlinux {
    /// The build ID of the image, if it was linked with one. Reads no more than the headers and the notes.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or is no image.
    ///
    /// ```
    /// use kallmodsyms::source::Vmlinux;
    ///
    /// assert!(Vmlinux::new("/no/such/vmlinux").build_id().unwrap_err().is_absent());
    /// ```
    pub fn build_id(&self) -> Result<Option<crate::elf::BuildId>, Error> {
        read::build_id(&self.path)
    }
}

#[cfg(feature = "elf")]
impl Source for Vmlinux {
    fn describe(&self) -> String {
        describe(&self.path, self.running.as_deref())
    }

    fn load(&self) -> Result<SymbolTable, Error> {
        load(&self.path, self.running.as_deref(), |path| {
            read::vmlinux(path, None)
        })
    }
}

#[cfg(feature = "elf")]
impl fmt::Debug for Vmlinux {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vmlinux({})", self.describe())
    }
}

type Running<'s> = Option<&'s (dyn Source + Send + Sync)>;

fn describe(path: &Path, running: Running<'_>) -> String {
    let path = path.display();
    match running {
        Some(running) => format!("{path} moved to where {} has it", running.describe()),
        None => path.to_string(),
    }
}

fn load(
    path: &Path,
    running: Running<'_>,
    read: impl Fn(&Path) -> Result<SymbolTable, Error>,
) -> Result<SymbolTable, Error> {
    let linked = read(path)?;
    match running {
        Some(running) => read::moved(linked, path, &running.load()?),
        None => Ok(linked),
    }
}
