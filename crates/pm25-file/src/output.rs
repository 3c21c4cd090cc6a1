//! Bytes out: a path or `-` for standard output.

use std::convert::Infallible;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::str::FromStr;

use crate::touched::claim;
use crate::{Fault, Result, publish};

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
        match self {
            Self::Path(path) => {
                claim(path)?;
                publish(path, bytes)
            }
            Self::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout
                    .write_all(bytes)
                    .and_then(|()| stdout.flush())
                    .map_err(|e| Fault::unforeseen("cannot write standard output").because(e))
            }
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
