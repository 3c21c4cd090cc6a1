//! Bytes out: a path or `-` for standard output.

use std::convert::Infallible;
use std::fmt;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use tempfile::SpooledTempFile;

use crate::touched::claim;
use crate::{Draft, Fault, Result, publish_from};

/// Where bytes go.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Output {
    /// `-`
    Stdout,
    /// A file.
    Path(PathBuf),
}

impl Output {
    /// Writes all bytes: to a file by the publish protocol, or to standard output.
    pub fn write(&self, bytes: &[u8]) -> Result<()> {
        self.write_from(&mut &*bytes)
    }

    /// Writes all that a reader gives, as [`Output::write`] does; nothing is held but a buffer.
    pub fn write_from(&self, source: &mut dyn Read) -> Result<()> {
        match self {
            Self::Path(path) => {
                claim(path)?;
                publish_from(path, source)
            }
            Self::Stdout => {
                let mut stdout = io::stdout().lock();
                io::copy(source, &mut stdout)
                    .and_then(|_| stdout.flush())
                    .map_err(|e| Fault::unforeseen("cannot write standard output").because(e))
            }
        }
    }

    /// A file without a name, for what does not fit in memory until it is written here: in this output's folder,
    /// or the system's own where there is no such folder yet. It is gone with the process, however that ends. The
    /// first `memory_bytes` stay in memory.
    pub fn scratch(&self, memory_bytes: usize) -> SpooledTempFile {
        match self.folder_there() {
            Some(folder) => tempfile::spooled_tempfile_in(memory_bytes, folder),
            None => tempfile::spooled_tempfile(memory_bytes),
        }
    }

    /// The same without any memory.
    ///
    /// # Errors
    /// What the system says.
    pub fn scratch_file(&self) -> io::Result<File> {
        match self.folder_there() {
            Some(folder) => tempfile::tempfile_in(folder),
            None => tempfile::tempfile(),
        }
    }

    /// What will be published here, to be written piece by piece.
    pub fn draft(&self) -> Draft {
        Draft::new(self.clone())
    }

    /// The nearest folder above that is there already.
    fn folder_there(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => path
                .ancestors()
                .skip(1)
                .map(|folder| {
                    if folder.as_os_str().is_empty() {
                        Path::new(".")
                    } else {
                        folder
                    }
                })
                .find(|folder| folder.is_dir()),
            Self::Stdout => None,
        }
    }

    /// Whether this is standard output; then the result goes there and nothing else may.
    pub fn is_stdout(&self) -> bool {
        matches!(self, Self::Stdout)
    }

    /// Refuses to pour binary data onto a terminal.
    pub fn refuse_terminal(&self) -> Result<()> {
        if self.is_stdout() && io::stdout().is_terminal() {
            return Err(
                Fault::usage("will not write a binary table to the terminal")
                    .hint("give a file name instead of `-`, or pipe it into the next program"),
            );
        }
        Ok(())
    }
}

impl FromStr for Output {
    type Err = Infallible;

    fn from_str(text: &str) -> std::result::Result<Self, Infallible> {
        Ok(match text {
            "-" => Self::Stdout,
            path => Self::Path(PathBuf::from(path)),
        })
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => f.write_str("-"),
            Self::Path(path) => write!(f, "{}", path.display()),
        }
    }
}
