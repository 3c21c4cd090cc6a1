//! What this process has read and written, so that a program never replaces its own input.
//!
//! Not a lock: it knows nothing of other processes, and watches only where [`guard`] was called.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use crate::{Fault, Output, Result};

#[derive(Default)]
struct Touched {
    read: BTreeSet<PathBuf>,
    written: BTreeSet<PathBuf>,
}

static GUARD: OnceLock<Mutex<Touched>> = OnceLock::new();

/// From now on an output that was an input of this process, or another output, is refused.
pub fn guard() {
    GUARD.get_or_init(Mutex::default);
}

/// Notes that a file was read.
pub fn note_read(path: &Path) {
    with(|touched| {
        touched.read.insert(place_of(path));
        touched.read.extend(path.canonicalize());
    });
}

/// Refuses a file that was read or written before; else notes that it is written.
pub(crate) fn claim(path: &Path) -> Result<()> {
    let place = place_of(path);
    let taken = with(|touched| {
        if touched.read.contains(&place) {
            return Some("an input");
        }
        (!touched.written.insert(place.clone())).then_some("another output")
    });
    match taken.flatten() {
        Some(what) => Err(Fault::usage(format!(
            "{} is also {what} of this command",
            path.display()
        ))
        .hint("give every file a name of its own")),
        None => Ok(()),
    }
}

/// Refuses two outputs of one name before anything is computed or written; `-` is no name.
///
/// # Errors
/// Usage: which name is there twice.
pub fn expect_distinct(outputs: &[&Output]) -> Result<()> {
    let mut places = BTreeSet::new();
    for output in outputs {
        let Output::Path(path) = output else {
            continue;
        };
        if !places.insert(place_of(path)) {
            let what = format!("{} is to be two outputs of this command", path.display());
            return Err(Fault::usage(what).hint("give every file a name of its own"));
        }
    }
    Ok(())
}

/// One name for a place in a folder, however it was typed. A link there is not followed: it would be replaced.
fn place_of(path: &Path) -> PathBuf {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    folder.join(path.file_name().unwrap_or_default())
}

fn with<R>(work: impl FnOnce(&mut Touched) -> R) -> Option<R> {
    let mut touched = GUARD.get()?.lock().ok()?;
    Some(work(&mut touched))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Input;

    #[test]
    fn two_outputs_of_one_place_are_refused_however_they_are_typed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| Output::Path(folder.path().join(name));
        let twice = expect_distinct(&[&at("a"), &at("b"), &at("./a")]).unwrap_err();
        assert_eq!(twice.kind(), crate::Kind::Usage);
        assert!(expect_distinct(&[&at("a"), &at("b"), &Output::Stdout, &Output::Stdout]).is_ok());
    }

    #[test]
    fn an_input_is_never_an_output_and_no_output_is_two() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, "raw").unwrap();
        guard();
        Input::Path(path.clone()).bytes().unwrap();
        let fault = Output::Path(path.clone()).write(b"made").unwrap_err();
        assert_eq!(fault.kind(), crate::Kind::Usage);
        assert_eq!(std::fs::read(&path).unwrap(), b"raw");
        let other = Output::Path(folder.path().join("y"));
        other.write(b"one").unwrap();
        assert!(other.write(b"two").is_err());
    }
}
