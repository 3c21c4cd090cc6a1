//! A path of the pipeline file, made comparable: relative to the run's root wherever it lies below it.
//!
//! It is text, not a file: nothing here looks whether it exists.

use std::fmt;
use std::fs;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

/// A path without `.`, without needless `..`, with `/` between its parts. Below the root it is relative to
/// it, so that the same pipeline gives the same text in any folder; elsewhere it stays as typed.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub(crate) struct Place(String);

impl Place {
    /// Understands `text` as typed in a pipeline file whose folder is `root` (absolute, canonical).
    pub(crate) fn new(root: &Path, text: &str) -> Self {
        let typed = Path::new(text);
        let below = below_root(root, typed).unwrap_or_else(|| without_dots(typed));
        Self(below.to_string_lossy().into_owned())
    }

    /// Its last part, for labels.
    pub(crate) fn file_name(&self) -> String {
        let name = Path::new(&self.0).file_name();
        name.map_or_else(
            || self.to_string(),
            |name| name.to_string_lossy().into_owned(),
        )
    }

    /// Where the file is on this machine.
    pub(crate) fn under(&self, root: &Path) -> PathBuf {
        root.join(&self.0)
    }

    /// Whether it points out of the root.
    pub(crate) fn leaves_root(&self) -> bool {
        let path = Path::new(&self.0);
        path.is_absolute() || path.components().next() == Some(Component::ParentDir)
    }

    /// Whether it is the root, or a folder above it.
    pub(crate) fn holds_root(&self, root: &Path) -> bool {
        root.starts_with(without_dots(&root.join(&self.0)))
    }

    /// Whether this is `other` or a folder that holds it.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        if self.0.is_empty() {
            return !other.leaves_root();
        }
        Path::new(&other.0).starts_with(&self.0)
    }

    /// Whether one is the other, or a folder that holds it.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.covers(other) || other.covers(self)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "." } else { &self.0 })
    }
}

/// The path relative to the root, if it lies below it. A link into the root counts as below it, else a
/// dependency would be overlooked.
fn below_root(root: &Path, typed: &Path) -> Option<PathBuf> {
    let lexical = without_dots(&root.join(typed));
    if let Ok(inside) = lexical.strip_prefix(root) {
        return Some(inside.to_owned());
    }
    let real = fs::canonicalize(&lexical).ok()?;
    real.strip_prefix(root).ok().map(Path::to_owned)
}

/// Drops `.` and takes back `name/..`; a leading `..` stays.
fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if ends_in_a_name(&plain) => {
                plain.pop();
            }
            Component::ParentDir if plain.has_root() => {}
            other => plain.push(other),
        }
    }
    plain
}

fn ends_in_a_name(path: &Path) -> bool {
    matches!(path.components().next_back(), Some(Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Place {
        Place::new(Path::new("/the/root"), text)
    }

    #[test]
    fn one_file_has_one_name() {
        for typed in [
            "a/b",
            "./a/b",
            "a/./b/",
            "a/x/../b",
            "/the/root/a/b",
            "../root/a/b",
        ] {
            assert_eq!(place(typed).to_string(), "a/b", "{typed}");
        }
        assert_eq!(place(".").to_string(), ".");
        assert_eq!(place("/the/root"), place("."));
    }

    #[test]
    fn what_leaves_the_root_is_known() {
        for typed in ["..", "../x", "a/../../x", "/elsewhere", "/the/rootless"] {
            assert!(place(typed).leaves_root(), "{typed}");
        }
        for typed in [".", "a", "a/..", "..a", "a/..b"] {
            assert!(!place(typed).leaves_root(), "{typed}");
        }
    }

    #[test]
    fn the_root_and_what_is_above_it_hold_the_root() {
        for typed in [".", "..", "/the", "/"] {
            assert!(place(typed).holds_root(Path::new("/the/root")), "{typed}");
        }
        for typed in ["a", "../x", "/elsewhere", "/the/rootless"] {
            assert!(!place(typed).holds_root(Path::new("/the/root")), "{typed}");
        }
    }

    #[test]
    fn a_folder_covers_what_is_inside_and_no_namesake() {
        assert!(place("a").covers(&place("a/b/c")));
        assert!(place("a").covers(&place("a")));
        assert!(place(".").covers(&place("a")));
        assert!(!place("a").covers(&place("ab")));
        assert!(!place(".").covers(&place("../x")));
        assert!(!place("a/b").covers(&place("a")));
        assert!(place("a/b").overlaps(&place("a")));
        assert!(!place("a/b").overlaps(&place("a/c")));
    }
}
