//! Bytes in: a path or `-` for standard input.

use std::convert::Infallible;
use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use crate::{Fault, InputRef, Result, Sha256, note_read};

/// Where bytes come from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Input {
    /// `-`
    Stdin,
    /// A file.
    Path(PathBuf),
}

impl Input {
    /// All bytes. A missing or unreadable file is a bad artifact.
    pub fn bytes(&self) -> Result<Vec<u8>> {
        match self {
            Self::Stdin => {
                let mut bytes = Vec::new();
                io::stdin()
                    .lock()
                    .read_to_end(&mut bytes)
                    .map_err(|e| Fault::unforeseen("cannot read standard input").because(e))?;
                Ok(bytes)
            }
            Self::Path(path) => {
                let bytes = fs::read(path).map_err(|e| unreadable(path, e))?;
                note_read(path);
                Ok(bytes)
            }
        }
    }

    /// The name for headers: see [`relative_name`]; `-` for standard input.
    pub fn name(&self) -> String {
        match self {
            Self::Stdin => "-".to_owned(),
            Self::Path(path) => relative_name(path),
        }
    }

    /// Name and hash of bytes that were read from here.
    pub fn reference(&self, bytes: &[u8]) -> InputRef {
        InputRef {
            name: self.name(),
            sha256: Sha256::of(bytes),
        }
    }
}

/// A path as headers may hold it: as typed if it is relative and stays below the working folder, else the
/// bare file name. So a run gives the same bytes in any folder.
pub fn relative_name(path: &Path) -> String {
    let plain = path
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let kept: PathBuf = if plain {
        path.components()
            .filter(|part| matches!(part, Component::Normal(_)))
            .collect()
    } else {
        path.file_name().map(PathBuf::from).unwrap_or_default()
    };
    kept.to_string_lossy().replace('\\', "/")
}

fn unreadable(path: &Path, cause: io::Error) -> Fault {
    let shown = path.display();
    match cause.kind() {
        io::ErrorKind::NotFound => Fault::bad_artifact(format!("{shown}: there is no such file"))
            .hint("check the path, or run the program that makes this file"),
        io::ErrorKind::IsADirectory => {
            Fault::bad_artifact(format!("{shown} is a folder, not a file"))
                .hint("name the file inside it")
        }
        _ => Fault::unforeseen(format!("{shown}: cannot be read")).because(cause),
    }
}

impl FromStr for Input {
    type Err = Infallible;

    fn from_str(text: &str) -> std::result::Result<Self, Infallible> {
        Ok(match text {
            "-" => Self::Stdin,
            path => Self::Path(PathBuf::from(path)),
        })
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => f.write_str("-"),
            Self::Path(path) => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_nothing_of_the_machine() {
        for (typed, kept) in [
            ("a/b.parquet", "a/b.parquet"),
            ("./a/b.parquet", "a/b.parquet"),
            ("/home/me/b.parquet", "b.parquet"),
            ("../data/b.csv", "b.csv"),
        ] {
            assert_eq!(relative_name(Path::new(typed)), kept);
        }
    }
}
