//! Files and folders below the registry's root, reached without following a symbolic link.
//!
//! Whoever can write to the folder could plant a link that leads out of it, or a pipe that never answers.
//! So each step below the root is looked at before it is taken, and a file is compared with what was seen
//! once it is open. The root itself may be a link: that is the caller's choice.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use pm25_file::{Fault, Result};

/// One thing in a folder.
pub(super) struct Found {
    /// Its name.
    pub(super) name: String,
    /// A link is told from what it leads to.
    pub(super) is_folder: bool,
}

/// Where `parts` below `root` is.
pub(super) fn path(root: &Path, parts: &[&str]) -> PathBuf {
    parts
        .iter()
        .fold(root.to_owned(), |path, part| path.join(part))
}

/// Opens the file at `parts`; `None` if it or a folder on the way is not there.
pub(super) fn open(root: &Path, parts: &[&str]) -> Result<Option<File>> {
    let Some(seen) = look(root, parts)? else {
        return Ok(None);
    };
    let path = path(root, parts);
    if !seen.is_file() {
        return Err(
            Fault::bad_artifact(format!("{} is not a regular file", path.display())).hint(REPAIR),
        );
    }
    let file = File::open(&path).map_err(|e| unreadable(&path, e))?;
    let opened = file.metadata().map_err(|e| unreadable(&path, e))?;
    if !is_same_file(&seen, &opened) {
        return Err(Fault::bad_artifact(format!(
            "{} was exchanged while it was opened",
            path.display()
        ))
        .hint(REPAIR));
    }
    Ok(Some(file))
}

/// All bytes of the file at `parts`; `None` if it is not there.
pub(super) fn read(root: &Path, parts: &[&str]) -> Result<Option<Vec<u8>>> {
    let Some(mut file) = open(root, parts)? else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)
        .map_err(|e| unreadable(&path(root, parts), e))?;
    Ok(Some(bytes))
}

/// What is in the folder at `parts`, by name; `None` if it is not there.
pub(super) fn list(root: &Path, parts: &[&str]) -> Result<Option<Vec<Found>>> {
    let Some(seen) = look(root, parts)? else {
        return Ok(None);
    };
    let path = path(root, parts);
    if !seen.is_dir() {
        return Err(not_a_folder(&path));
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(&path).map_err(|e| unreadable(&path, e))? {
        let entry = entry.map_err(|e| unreadable(&path, e))?;
        // A temporary file may be gone again by now.
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        let name = entry.file_name().to_string_lossy().into_owned();
        found.push(Found {
            name,
            is_folder: kind.is_dir(),
        });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Some(found))
}

/// What is at `parts`, never a link; `None` if something on the way is missing.
fn look(root: &Path, parts: &[&str]) -> Result<Option<Metadata>> {
    let mut path = root.to_owned();
    let mut seen = match fs::metadata(&path) {
        Ok(seen) => seen,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(unreadable(&path, e)),
    };
    for part in parts {
        if !seen.is_dir() {
            return Err(not_a_folder(&path));
        }
        path.push(part);
        seen = match fs::symlink_metadata(&path) {
            Ok(seen) if seen.is_symlink() => return Err(is_link(&path)),
            Ok(seen) => seen,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(unreadable(&path, e)),
        };
    }
    Ok(Some(seen))
}

#[cfg(unix)]
fn is_same_file(seen: &Metadata, opened: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (seen.dev(), seen.ino()) == (opened.dev(), opened.ino())
}

/// Elsewhere a handle has no identity that the standard library shows.
#[cfg(not(unix))]
fn is_same_file(_: &Metadata, opened: &Metadata) -> bool {
    opened.is_file()
}

/// What to do about damage: the registry never repairs itself.
pub(super) const REPAIR: &str = "put the file back from a copy of the registry; `pm25-registry verify --read-data` checks every byte";

fn is_link(path: &Path) -> Fault {
    Fault::bad_artifact(format!(
        "{} is a symbolic link; the registry follows none",
        path.display()
    ))
    .hint(REPAIR)
}

fn not_a_folder(path: &Path) -> Fault {
    Fault::bad_artifact(format!("{} is not a folder", path.display()))
        .hint("give the registry's own folder with --registry")
}

fn unreadable(path: &Path, cause: io::Error) -> Fault {
    Fault::unforeseen(format!("{}: cannot be read", path.display())).because(cause)
}
