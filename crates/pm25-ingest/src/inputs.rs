//! Which files are read: those named on the command line, and what lies in folders, in sorted order.
//!
//! Not whether a file is a table of measurements; only reading it tells.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use pm25_artifact::ingest::Skipped;
use pm25_file::{Fault, Input, InputRef, Kind, Result, relative_name};
use walkdir::WalkDir;

use crate::archive::{self, Member, is_archive};

/// Endings of files that a folder is searched for, in lower case.
const ENDINGS: [&str; 11] = [
    ".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz", ".dat", ".dat.gz", ".zip", ".parquet",
    ".pq",
];

/// Characters that a label has of a packed file's name.
const NAME_CHARS_MAX: usize = 200;

/// A file to read.
#[derive(Clone, Debug)]
pub(crate) struct RawInput {
    /// The name in headers and reports.
    pub(crate) name: String,
    /// Where it is.
    pub(crate) at: Input,
    /// Which packed file of an archive it is.
    pub(crate) member: Option<Member>,
    /// How it came to be read.
    pub(crate) origin: Origin,
}

/// How a file came to be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Origin {
    /// Named on the command line: it must be readable.
    Named,
    /// Found in a folder: it is skipped if it is no table of measurements.
    Found,
}

/// What the arguments hold.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    /// To be read, in the order of the arguments, folders sorted by name.
    pub(crate) files: Vec<RawInput>,
    /// Not to be read.
    pub(crate) skipped: Vec<Skipped>,
    /// Archives whose packed files are among those to be read.
    pub(crate) archives: Vec<InputRef>,
    /// What a folder holds and cannot be opened.
    pub(crate) failed: Vec<Skipped>,
}

/// Finds the files. A file that is reached twice is read once.
pub(crate) fn find(arguments: &[Input]) -> Result<Inputs> {
    let mut inputs = Inputs::default();
    for argument in arguments {
        match argument {
            Input::Path(path) if path.is_dir() => walk(path, &mut inputs)?,
            Input::Path(path) if !path.exists() => return Err(missing(path)),
            _ => inputs.files.push(RawInput {
                name: argument.name(),
                at: argument.clone(),
                member: None,
                origin: Origin::Named,
            }),
        }
    }
    drop_repeated(&mut inputs);
    open_archives(&mut inputs)?;
    Ok(inputs)
}

/// Puts the packed files in the place of their archive. One that a folder holds and that is damaged must not stop
/// the others.
fn open_archives(inputs: &mut Inputs) -> Result<()> {
    let mut files = Vec::with_capacity(inputs.files.len());
    for file in std::mem::take(&mut inputs.files) {
        let path = match &file.at {
            Input::Path(path) if is_archive(path) => path,
            _ => {
                files.push(file);
                continue;
            }
        };
        match archive::members(&file.name, path) {
            Ok((members, archive)) => {
                inputs.archives.push(archive);
                files.extend(packed(&file, members, &mut inputs.skipped));
            }
            Err(fault) if file.origin == Origin::Found && fault.kind() == Kind::BadData => {
                inputs.failed.push(Skipped {
                    name: file.name,
                    why: fault.to_string(),
                });
            }
            Err(fault) => return Err(fault),
        }
    }
    inputs.files = files;
    Ok(())
}

/// The files of an archive that may be tables. Of several nobody named one, so a note beside the measurements is skipped as
/// in a folder.
fn packed(archive: &RawInput, members: Vec<Member>, skipped: &mut Vec<Skipped>) -> Vec<RawInput> {
    let mut files = Vec::with_capacity(members.len());
    for member in members {
        let name = packed_name(&archive.name, &member);
        match reason_to_skip(&shown_name(&member.name)) {
            Some(why) => skipped.push(Skipped {
                name,
                why: why.to_owned(),
            }),
            None => files.push(RawInput {
                name,
                member: Some(member),
                ..archive.clone()
            }),
        }
    }
    if 1 < files.len() {
        files
            .iter_mut()
            .for_each(|file| file.origin = Origin::Found);
    }
    files
}

/// What headers and reports call a packed file.
pub(crate) fn packed_name(archive: &str, member: &Member) -> String {
    format!("{archive}/{}", shown_name(&member.name))
}

/// The name in the archive as a label; it is never used as a path.
fn shown_name(name: &str) -> String {
    name.replace('\\', "/")
        .chars()
        .filter(|letter| !letter.is_control())
        .take(NAME_CHARS_MAX)
        .collect()
}

fn missing(path: &Path) -> Fault {
    Fault::bad_data(format!(
        "{}: there is no such file or folder",
        path.display()
    ))
    .hint("check the path; folders are searched for .csv, .tsv, .txt, .dat (also .gz), .zip and .parquet files")
}

fn walk(folder: &Path, inputs: &mut Inputs) -> Result<()> {
    for entry in WalkDir::new(folder).follow_links(true).sort_by_file_name() {
        let entry = match entry {
            Ok(entry) => entry,
            // A link that leads nowhere must not stop the others.
            Err(e) if 0 < e.depth() => {
                inputs.failed.push(closed(folder, &e));
                continue;
            }
            Err(e) => {
                let what = format!("{}: the folder cannot be searched", folder.display());
                return Err(Fault::unforeseen(what).because(e));
            }
        };
        if entry.file_type().is_dir() {
            continue;
        }
        let below = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        let name = relative_name(below);
        match reason_to_skip(&name) {
            Some(why) => inputs.skipped.push(Skipped {
                name,
                why: why.to_owned(),
            }),
            None => inputs.files.push(RawInput {
                name,
                at: Input::Path(entry.path().to_owned()),
                member: None,
                origin: Origin::Found,
            }),
        }
    }
    Ok(())
}

/// What a folder holds and cannot be opened: a link that leads nowhere or in a circle, a folder of somebody else.
fn closed(folder: &Path, cause: &walkdir::Error) -> Skipped {
    let path = cause.path().unwrap_or(folder);
    let why = match cause.io_error() {
        Some(e) => format!("cannot be opened: {e}"),
        None => "a link to a folder above it".to_owned(),
    };
    Skipped {
        name: relative_name(path.strip_prefix(folder).unwrap_or(path)),
        why,
    }
}

/// Why a file is not looked at, by its name below the folder or the archive.
fn reason_to_skip(name: &str) -> Option<&'static str> {
    let base = name.rsplit('/').next().unwrap_or(name).to_lowercase();
    // A notebook's `.ipynb_checkpoints` would make each station twice.
    let is_hidden = |part: &str| {
        part == "__MACOSX" || part.starts_with('.') && !part.trim_start_matches('.').is_empty()
    };
    if name.split('/').any(is_hidden) {
        return Some("hidden");
    }
    let known = ENDINGS.iter().any(|ending| base.ends_with(ending));
    (!known).then_some("its ending is none of a table")
}

fn drop_repeated(inputs: &mut Inputs) {
    let mut seen: BTreeSet<PathBuf> = BTreeSet::new();
    let skipped = &mut inputs.skipped;
    inputs.files.retain(|file| {
        let Input::Path(path) = &file.at else {
            return true;
        };
        let is_new = seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone()));
        if !is_new {
            skipped.push(Skipped {
                name: file.name.clone(),
                why: "given twice".to_owned(),
            });
        }
        is_new
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_folder_is_read_in_sorted_order_and_what_is_left_out_is_said() {
        let dir = tempfile::tempdir().unwrap();
        for name in [
            "b.csv",
            "a/z.CSV.gz",
            "c.csv.gz",
            "README.md",
            ".hidden.csv",
            ".ipynb_checkpoints/b-checkpoint.csv",
        ] {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        let folder = Input::Path(dir.path().to_owned());
        let named = Input::Path(dir.path().join("b.csv"));
        let inputs = find(&[folder, named]).unwrap();
        let names: Vec<&str> = inputs.files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["a/z.CSV.gz", "b.csv", "c.csv.gz"]);
        let skipped: Vec<(&str, &str)> = inputs
            .skipped
            .iter()
            .map(|s| (s.name.as_str(), s.why.as_str()))
            .collect();
        assert_eq!(
            skipped,
            [
                (".hidden.csv", "hidden"),
                (".ipynb_checkpoints/b-checkpoint.csv", "hidden"),
                ("README.md", "its ending is none of a table"),
                ("b.csv", "given twice")
            ]
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_nowhere_or_in_a_circle_does_not_stop_the_others() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("z.csv"), "x").unwrap();
        std::os::unix::fs::symlink("gone.csv", dir.path().join("a.csv")).unwrap();
        std::os::unix::fs::symlink(".", dir.path().join("circle")).unwrap();
        let inputs = find(&[Input::Path(dir.path().to_owned())]).unwrap();
        assert_eq!(inputs.files.len(), 1);
        let failed = inputs.failed.iter();
        let failed: Vec<&str> = failed.map(|file| file.name.as_str()).collect();
        assert_eq!(failed, ["a.csv", "circle"]);
    }

    #[test]
    fn a_missing_file_is_bad_data() {
        let fault = find(&[Input::Path("no/such.csv".into())]).unwrap_err();
        assert_eq!(fault.kind(), pm25_file::Kind::BadData);
    }
}
