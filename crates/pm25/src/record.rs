//! What is remembered of a stage that finished: one file `artifacts/.pm25/STAGE.json`.
//!
//! It holds no time, host or absolute path (but those typed as arguments), so it is the same in any folder.
//! It may be deleted at will; then the stage runs again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use pm25_file::{Fault, Result, Sha256, publish};
use serde::{Deserialize, Serialize};

use crate::content::Content;
use crate::pipeline::RECORDS;
use crate::place::Place;

/// Counts up whenever an older record could be misunderstood; such a record is as good as none.
const VERSION: u32 = 1;

/// Everything that decides whether a stage must run again. If it is not here, it does not count.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fingerprint {
    /// After substitution.
    pub(crate) argv: Vec<String>,
    /// `None`: it is not there.
    pub(crate) inputs: BTreeMap<Place, Option<Content>>,
    pub(crate) ok_exit: BTreeSet<u8>,
    /// The declared outputs.
    pub(crate) out: BTreeSet<Place>,
    /// The parameters that it uses.
    pub(crate) params: BTreeMap<String, String>,
    /// The program's own bytes: a needless rerun costs minutes, a missed one costs trust.
    pub(crate) program: Sha256,
}

/// A finished stage. Fields stand sorted by name, as they do in the file.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    /// 0 or one of `ok_exit`.
    pub(crate) exit: u8,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) outputs: BTreeMap<Place, Content>,
    version: u32,
}

impl Record {
    /// A stage with this fingerprint ended with `exit` and made `outputs`.
    pub(crate) fn new(
        exit: u8,
        fingerprint: Fingerprint,
        outputs: BTreeMap<Place, Content>,
    ) -> Self {
        Self {
            exit,
            fingerprint,
            outputs,
            version: VERSION,
        }
    }

    /// The record of a stage. One that is absent, damaged or of another version is none.
    pub(crate) fn read(root: &Path, stage: &str) -> Option<Self> {
        let bytes = fs::read(path(root, stage)).ok()?;
        let record: Self = serde_json::from_slice(&bytes).ok()?;
        (record.version == VERSION).then_some(record)
    }

    /// Puts the record in its place, whole or not at all.
    pub(crate) fn write(&self, root: &Path, stage: &str) -> Result<()> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|e| {
            Fault::unforeseen(format!("the record of {stage} has no JSON")).because(e)
        })?;
        bytes.push(b'\n');
        publish(&path(root, stage), &bytes)
    }

    /// Takes the record away, so that a stage that does not finish is never taken as fresh.
    pub(crate) fn remove(root: &Path, stage: &str) -> Result<()> {
        let path = path(root, stage);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                Err(Fault::unforeseen(format!("{}: cannot be removed", path.display())).because(e))
            }
            _ => Ok(()),
        }
    }
}

fn path(root: &Path, stage: &str) -> PathBuf {
    root.join(RECORDS).join(format!("{stage}.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let place = |text| Place::new(Path::new("/r"), text);
        let content = |files: &[&str]| Content {
            files: files
                .iter()
                .map(|name| ((*name).to_owned(), Sha256::of(b"f")))
                .collect(),
            sha256: Sha256::of(b"x"),
        };
        let fingerprint = Fingerprint {
            argv: vec!["p".to_owned(), "--x".to_owned()],
            inputs: [
                (place("d"), Some(content(&["b", "a"]))),
                (place("gone"), None),
            ]
            .into(),
            ok_exit: [11].into(),
            out: [place("o")].into(),
            params: [("seed".to_owned(), "1".to_owned())].into(),
            program: Sha256::of(b"p"),
        };
        Record::new(11, fingerprint, [(place("o"), content(&[]))].into())
    }

    #[test]
    fn it_comes_back_as_it_was_written_and_its_keys_are_sorted() {
        let temp = tempfile::tempdir().unwrap();
        record().write(temp.path(), "a").unwrap();
        let back = Record::read(temp.path(), "a").unwrap();
        assert_eq!(back.fingerprint, record().fingerprint);
        assert_eq!((back.exit, back.outputs), (11, record().outputs));
        let text = fs::read_to_string(path(temp.path(), "a")).unwrap();
        let sorted: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(text, serde_json::to_string_pretty(&sorted).unwrap() + "\n");
    }

    #[test]
    fn a_torn_or_foreign_record_is_none() {
        let temp = tempfile::tempdir().unwrap();
        record().write(temp.path(), "a").unwrap();
        let path = path(temp.path(), "a");
        let text = fs::read_to_string(&path).unwrap();
        for len in 0..text.len() - 1 {
            fs::write(&path, &text[..len]).unwrap();
            assert!(Record::read(temp.path(), "a").is_none(), "cut at {len}");
        }
        fs::write(&path, text.replace("\"version\": 1", "\"version\": 2")).unwrap();
        assert!(Record::read(temp.path(), "a").is_none());
        Record::remove(temp.path(), "a").unwrap();
        Record::remove(temp.path(), "a").unwrap();
        assert!(!path.exists());
    }
}
