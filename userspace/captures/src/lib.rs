// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Symbol files of real boots, for tests and benches. `README.md` beside them says how they were made.
//!
//! A [`Capture`] is a boot; its files are named as the kernel names them. Unpacking one takes some tens of
//! milliseconds.
//!
//! ```
//! use kallmodsyms_captures::Capture;
//!
//! let file = Capture::standard().read("modules.builtin")?;
//! assert!(file.starts_with(b"kernel/"));
//! # Ok::<(), std::io::Error>(())
//! ```

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use lzma_rust2::XzReader;

/// The files of one boot.
///
/// ```
/// use kallmodsyms_captures::Capture;
///
/// assert_eq!(Capture::standard().to_string(), "standard");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Capture {
    name: String,
}

impl Capture {
    /// The kernel that `make run` boots.
    ///
    /// ```
    /// use kallmodsyms_captures::Capture;
    ///
    /// assert!(Capture::all()?.contains(&Capture::standard()));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn standard() -> Self {
        Self {
            name: "standard".into(),
        }
    }

    /// Every capture that has a `kallmodsyms` file, by name.
    ///
    /// # Errors
    ///
    /// If the directory of this crate cannot be listed.
    ///
    /// ```
    /// for capture in kallmodsyms_captures::Capture::all()? {
    ///     assert!(capture.has("kallmodsyms"));
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn all() -> io::Result<Vec<Self>> {
        let mut captures = Vec::new();
        for entry in fs::read_dir(directory())? {
            let file = entry?.file_name().to_string_lossy().into_owned();
            if let Some(name) = file.strip_suffix(".kallmodsyms.xz") {
                captures.push(Self { name: name.into() });
            }
        }
        captures.sort();
        Ok(captures)
    }

    /// Whether the capture has this file.
    ///
    /// ```
    /// use kallmodsyms_captures::Capture;
    ///
    /// assert!(Capture::standard().has("System.map"));
    /// assert!(!Capture::standard().has("System.map.xz"));
    /// ```
    #[must_use]
    pub fn has(&self, file: &str) -> bool {
        self.path(file).is_file()
    }

    /// Where a file is, compressed.
    ///
    /// ```
    /// use kallmodsyms_captures::Capture;
    ///
    /// assert!(Capture::standard().path("kallsyms").ends_with("standard.kallsyms.xz"));
    /// ```
    #[must_use]
    pub fn path(&self, file: &str) -> PathBuf {
        directory().join(format!("{}.{file}.xz", self.name))
    }

    /// A file, unpacked.
    ///
    /// # Errors
    ///
    /// If there is no such file, or it is damaged; the error names it.
    ///
    /// ```
    /// use kallmodsyms_captures::Capture;
    ///
    /// let error = Capture::standard().read("kallsims").unwrap_err();
    /// assert!(error.to_string().contains("standard.kallsims.xz"), "{error}");
    /// ```
    pub fn read(&self, file: &str) -> io::Result<Vec<u8>> {
        let path = self.path(file);
        unpack(&path)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
    }
}

impl fmt::Display for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

fn directory() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn unpack(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    XzReader::new(File::open(path)?, false).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a file says without sizes and without the brackets of modules that are not loaded.
    fn project(kallmodsyms: &[u8], loaded: &[&[u8]]) -> Vec<u8> {
        let mut projected = Vec::new();
        for line in kallmodsyms.split_inclusive(|&byte| byte == b'\n') {
            let line = line.strip_suffix(b"\n").unwrap();
            let mut fields = line.splitn(3, |&byte| byte == b' ');
            let [address, _size, rest] = [(); 3].map(|()| fields.next().unwrap());
            let mut halves = rest.splitn(2, |&byte| byte == b'\t');
            projected.extend_from_slice(&[address, b" ", halves.next().unwrap()].concat());
            for list in halves {
                let module = list.strip_prefix(b"[").unwrap().strip_suffix(b"]").unwrap();
                if loaded.contains(&module) {
                    projected.extend_from_slice(&[b"\t", list].concat());
                }
            }
            projected.push(b'\n');
        }
        projected
    }

    #[test]
    fn the_files_of_a_boot_agree() {
        for capture in Capture::all().unwrap() {
            let modules = capture.read("modules.txt").unwrap();
            let mut loaded: Vec<&[u8]> = modules
                .split(|&byte| byte == b'\n')
                .filter_map(|line| line.split(|&byte| byte == b' ').next())
                .collect();
            loaded.extend([&b"bpf"[..], b"__builtin__ftrace", b"__builtin__kprobes"]);
            let kallmodsyms = capture.read("kallmodsyms").unwrap();
            let kallsyms = capture.read("kallsyms").unwrap();
            assert!(kallsyms.len() > 1_000_000, "{capture}: too short");
            assert!(
                project(&kallmodsyms, &loaded) == kallsyms,
                "{capture}: not of one boot"
            );
        }
    }

    #[test]
    fn the_standard_capture_is_whole() {
        let capture = Capture::standard();
        for file in [
            "System.map",
            "modules.builtin",
            "modules.builtin.ranges",
            "version",
        ] {
            assert!(capture.read(file).unwrap().ends_with(b"\n"), "{file}");
        }
    }

    #[test]
    fn a_damaged_file_is_an_error() {
        let whole = fs::read(Capture::standard().path("modules.builtin")).unwrap();
        let decode = |bytes: &[u8]| {
            let mut out = Vec::new();
            XzReader::new(bytes, false)
                .read_to_end(&mut out)
                .map(|_| out)
        };
        assert!(decode(&whole).is_ok());
        assert!(decode(&whole[..whole.len() - 40]).is_err(), "cut short");
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 1;
        assert!(decode(&flipped).is_err(), "a bit flipped");
    }
}
