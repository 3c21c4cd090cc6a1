//! What lies at a path, as a hash: the only thing that decides whether a stage is fresh.
//!
//! Times, sizes and inode numbers are never asked. A path is hashed once and remembered while this process
//! lives, until a stage that writes there is started.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use pm25_file::{Fault, Result, Sha256};
use serde::{Deserialize, Serialize};

use crate::place::Place;

/// Folders within folders, at most: a link that points upwards would never end.
const DEPTH_MAX: usize = 32;
/// Folders with more files are remembered by their hash alone: a record must stay readable.
const FILES_LISTED_MAX: usize = 10_000;

/// A file or a folder that is there.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Content {
    /// For a folder: each file with its hash, so that a reason can name it; fields sorted by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) files: BTreeMap<String, Sha256>,
    pub(crate) sha256: Sha256,
}

impl Content {
    /// Hashes what is at `path`. `None`: there is nothing, or a folder without any file.
    pub(crate) fn of(path: &Path) -> Result<Option<Self>> {
        read(path).map_err(|(at, e)| {
            Fault::bad_artifact(format!("{}: cannot be read", at.display())).because(e)
        })
    }
}

/// The contents of paths below the root, each hashed once.
pub(crate) struct Contents<'a> {
    root: &'a Path,
    known: BTreeMap<Place, Option<Content>>,
}

impl<'a> Contents<'a> {
    /// Nothing is known yet.
    pub(crate) fn new(root: &'a Path) -> Self {
        Self {
            root,
            known: BTreeMap::new(),
        }
    }

    /// What lies at `place` now, or lay there when it was first asked.
    pub(crate) fn of(&mut self, place: &Place) -> Result<Option<Content>> {
        if let Some(content) = self.known.get(place) {
            return Ok(content.clone());
        }
        let content = Content::of(&place.under(self.root))?;
        self.known.insert(place.clone(), content.clone());
        Ok(content)
    }

    /// Forgets everything that writing to `places` could change.
    pub(crate) fn forget(&mut self, places: &[Place]) {
        self.known
            .retain(|known, _| !places.iter().any(|place| place.overlaps(known)));
    }
}

type At<T> = std::result::Result<T, (PathBuf, io::Error)>;

fn read(path: &Path) -> At<Option<Content>> {
    let at = |e| (path.to_owned(), e);
    let kind = match fs::metadata(path) {
        Ok(there) => there,
        Err(e) if is_absent(&e) => return Ok(None),
        Err(e) => return Err(at(e)),
    };
    if !kind.is_dir() {
        let files = BTreeMap::new();
        return hash_file(path).map(|sha256| Some(Content { files, sha256 }));
    }
    let mut files = Vec::new();
    walk(path, &PathBuf::new(), &mut files)?;
    Ok((!files.is_empty()).then(|| folder(files)))
}

fn is_absent(e: &io::Error) -> bool {
    matches!(
        e.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// A pipe would make us wait for ever and a device has no contents.
fn hash_file(path: &Path) -> At<Sha256> {
    let hash = || {
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::other("neither a file nor a folder"));
        }
        Sha256::of_reader(&mut File::open(path)?)
    };
    hash().map_err(|e| (path.to_owned(), e))
}

/// Collects every file below `top`/`inside`, links followed. What a killed writer left is no content.
fn walk(top: &Path, inside: &Path, files: &mut Vec<(PathBuf, Sha256)>) -> At<()> {
    let here = top.join(inside);
    let at = |e| (here.clone(), e);
    if DEPTH_MAX < inside.components().count() {
        return Err(at(io::Error::other(
            "folders are nested too deeply; does a link point upwards?",
        )));
    }
    for entry in fs::read_dir(&here).map_err(at)? {
        let name = entry.map_err(at)?.file_name();
        let (inside, path) = (inside.join(&name), here.join(&name));
        if fs::metadata(&path).map_err(|e| (path.clone(), e))?.is_dir() {
            walk(top, &inside, files)?;
        } else if !is_litter(&path) {
            files.push((inside, hash_file(&path)?));
        }
    }
    Ok(())
}

/// Hash of a folder: of the lines `HASH NAME NUL`, sorted by the bytes of the relative names.
fn folder(mut files: Vec<(PathBuf, Sha256)>) -> Content {
    files.sort_by(|(a, _), (b, _)| a.as_os_str().as_bytes().cmp(b.as_os_str().as_bytes()));
    let mut lines = Vec::new();
    for (name, sha256) in &files {
        lines.extend_from_slice(sha256.to_string().as_bytes());
        lines.push(b' ');
        lines.extend_from_slice(name.as_os_str().as_bytes());
        lines.push(0);
    }
    let listed = if files.len() <= FILES_LISTED_MAX {
        files
    } else {
        Vec::new()
    };
    Content {
        files: listed
            .into_iter()
            .map(|(name, sha256)| (name.to_string_lossy().into_owned(), sha256))
            .collect(),
        sha256: Sha256::of(&lines),
    }
}

/// Whether it is a temporary file of the publish protocol, as a killed program leaves it.
pub(crate) fn is_litter(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_bytes();
    name.starts_with(b".pm25-") && name.ends_with(b".tmp")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash_of(path: &Path) -> Sha256 {
        Content::of(path).unwrap().unwrap().sha256
    }

    #[test]
    fn a_folder_is_its_names_and_bytes() {
        let temp = tempfile::tempdir().unwrap();
        let (one, two) = (temp.path().join("one"), temp.path().join("two"));
        for top in [&one, &two] {
            fs::create_dir_all(top.join("sub/empty")).unwrap();
        }
        fs::write(one.join("sub/b"), "B").unwrap();
        fs::write(one.join("a"), "A").unwrap();
        fs::write(two.join("a"), "A").unwrap();
        fs::write(two.join("sub/b"), "B").unwrap();
        assert_eq!(Content::of(&one).unwrap(), Content::of(&two).unwrap());
        let before = hash_of(&two);
        fs::rename(two.join("sub/b"), two.join("sub/c")).unwrap();
        assert_ne!(hash_of(&two), before, "a name counts");
        fs::rename(two.join("sub/c"), two.join("sub/b")).unwrap();
        fs::write(two.join(".pm25-x1y2z3.tmp"), "half").unwrap();
        assert_eq!(hash_of(&two), before, "litter does not count");
        fs::write(two.join("sub/b"), "b").unwrap();
        assert_ne!(hash_of(&two), before, "a byte counts");
    }

    #[test]
    fn names_cannot_pretend_to_be_contents() {
        // The same bytes in a row, cut differently into names and files.
        let temp = tempfile::tempdir().unwrap();
        let (one, two) = (temp.path().join("1"), temp.path().join("2"));
        fs::create_dir_all(one.join("a")).unwrap();
        fs::create_dir_all(&two).unwrap();
        fs::write(one.join("a/b"), "x").unwrap();
        fs::write(two.join("ab"), "x").unwrap();
        assert_ne!(hash_of(&one), hash_of(&two));
    }

    #[test]
    fn nothing_is_none_and_odd_things_are_faults() {
        let temp = tempfile::tempdir().unwrap();
        assert_eq!(Content::of(&temp.path().join("absent")).unwrap(), None);
        assert_eq!(Content::of(temp.path()).unwrap(), None, "an empty folder");
        fs::write(temp.path().join("file"), "").unwrap();
        assert_eq!(Content::of(&temp.path().join("file/inside")).unwrap(), None);
        assert!(Content::of(Path::new("/dev/null")).is_err());
        std::os::unix::fs::symlink(".", temp.path().join("loop")).unwrap();
        assert!(Content::of(temp.path()).is_err());
    }

    #[test]
    fn a_remembered_hash_is_forgotten_when_its_folder_is_written() {
        let temp = tempfile::tempdir().unwrap();
        let place = |text| Place::new(Path::new("/r"), text);
        fs::create_dir(temp.path().join("d")).unwrap();
        fs::write(temp.path().join("d/f"), "1").unwrap();
        let mut contents = Contents::new(temp.path());
        let first = contents.of(&place("d/f")).unwrap();
        fs::write(temp.path().join("d/f"), "2").unwrap();
        assert_eq!(contents.of(&place("d/f")).unwrap(), first);
        contents.forget(&[place("e")]);
        assert_eq!(contents.of(&place("d/f")).unwrap(), first);
        contents.forget(&[place("d")]);
        assert_ne!(contents.of(&place("d/f")).unwrap(), first);
    }
}
