//! Does the registry still hold what it was given?
//!
//! Every chain is followed, every transition is held against the state table, and every object that an
//! entry names must be there; with [`Depth::Bytes`] every byte of every object is hashed, also of those that
//! nobody names. It changes nothing and repairs nothing.

use std::collections::BTreeSet;

use pm25_file::{Fault, Result, Sha256};
use serde::Serialize;

use super::{Head, History, Name, Registry, folder, log};

/// How thoroughly to look.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Depth {
    /// The logs, and that each object is there.
    Logs,
    /// Each byte of each object as well.
    Bytes,
}

/// One log that holds.
#[derive(Clone, Debug, Serialize)]
pub struct VerifiedLog {
    /// Whose.
    pub name: Name,
    /// Versions registered.
    pub versions: usize,
    /// The newest entry. Kept elsewhere, it is what `--head` takes.
    pub head: Head,
}

/// What was looked at, and found good.
#[derive(Clone, Debug, Serialize)]
pub struct Verified {
    /// Each log.
    pub logs: Vec<VerifiedLog>,
    /// Objects that entries name.
    pub objects: usize,
    /// Their size together, bytes.
    pub bytes: u64,
    /// Objects that no entry names: a registration was interrupted. Harmless.
    pub unnamed: usize,
    /// Temporary files of interrupted writers. Harmless.
    pub leftovers: usize,
}

impl Registry {
    /// Verifies the whole registry.
    pub fn verify(&self, depth: Depth) -> Result<Verified> {
        let histories = self
            .names()?
            .iter()
            .map(|name| self.history(name))
            .collect::<Result<Vec<_>>>()?;
        let mut verified = self.verify_logs(&histories, depth)?;
        let mut leftovers = self.verify_model_folders()?;
        let named = named(&histories);
        for sha256 in self.stored(&mut leftovers)?.difference(&named) {
            verified.unnamed += 1;
            self.look_at(*sha256, depth)?;
        }
        verified.leftovers = leftovers;
        Ok(verified)
    }

    /// Verifies one model's log and the objects that it names. With `head`, the log must still hold that entry.
    pub fn verify_model(&self, name: &Name, depth: Depth, head: Option<Head>) -> Result<Verified> {
        let history = self.history(name)?;
        if let Some(head) = head
            && !history.holds(head)
        {
            return Err(Fault::bad_artifact(format!(
                "the log of `{name}` does not hold the entry {head}; its head is {}",
                history.head()
            ))
            .hint("entries were cut off or written anew since that head was noted: restore the registry from a copy"));
        }
        self.verify_logs(&[history], depth)
    }

    fn verify_logs(&self, histories: &[History], depth: Depth) -> Result<Verified> {
        let named = named(histories);
        let mut bytes = 0;
        for &sha256 in &named {
            bytes += self.look_at(sha256, depth)?;
        }
        let logs = histories.iter().map(|history| VerifiedLog {
            name: history.name.clone(),
            versions: history.state.versions().len(),
            head: history.head(),
        });
        Ok(Verified {
            logs: logs.collect(),
            objects: named.len(),
            bytes,
            unnamed: 0,
            leftovers: 0,
        })
    }

    /// The object's size in bytes, if it is as good as `depth` asks.
    fn look_at(&self, sha256: Sha256, depth: Depth) -> Result<u64> {
        match depth {
            Depth::Logs => self.object_size(sha256),
            Depth::Bytes => self.check_object(sha256),
        }
    }

    /// Refuses what does not belong beside the logs; counts what killed writers left.
    fn verify_model_folders(&self) -> Result<usize> {
        let mut leftovers = 0;
        for found in folder::list(&self.root, &["models"])?.unwrap_or_default() {
            let name: Name = found
                .name
                .parse()
                .map_err(|_| self.stray(&["models", &found.name]))?;
            for found in folder::list(&self.root, &["models", name.as_str()])?.unwrap_or_default() {
                if !["log", "times.jsonl"].contains(&found.name.as_str()) {
                    return Err(self.stray(&["models", name.as_str(), &found.name]));
                }
            }
            for found in
                folder::list(&self.root, &["models", name.as_str(), "log"])?.unwrap_or_default()
            {
                if is_leftover(&found.name) {
                    leftovers += 1;
                } else if log::number_of(&found.name).is_none() {
                    return Err(self.stray(&["models", name.as_str(), "log", &found.name]));
                }
            }
        }
        Ok(leftovers)
    }

    /// The objects that are there, by their names.
    fn stored(&self, leftovers: &mut usize) -> Result<BTreeSet<Sha256>> {
        let mut stored = BTreeSet::new();
        for shelf in folder::list(&self.root, &["objects", "sha256"])?.unwrap_or_default() {
            for found in
                folder::list(&self.root, &["objects", "sha256", &shelf.name])?.unwrap_or_default()
            {
                match found.name.parse() {
                    Ok(sha256) if found.name.starts_with(&shelf.name) && shelf.name.len() == 2 => {
                        stored.insert(sha256);
                    }
                    _ if is_leftover(&found.name) => *leftovers += 1,
                    _ => return Err(self.stray(&["objects", "sha256", &shelf.name, &found.name])),
                }
            }
        }
        Ok(stored)
    }

    fn stray(&self, parts: &[&str]) -> Fault {
        Fault::bad_artifact(format!(
            "{:?} does not belong in a registry",
            folder::path(&self.root, parts)
        ))
        .hint("move it elsewhere; the registry makes its own files")
    }
}

fn named(histories: &[History]) -> BTreeSet<Sha256> {
    let entries = histories.iter().flat_map(|history| &history.entries);
    entries
        .flat_map(|entry| entry.objects.each().map(|(_, sha256)| sha256))
        .collect()
}

/// The publish protocol's temporary files.
fn is_leftover(name: &str) -> bool {
    name.starts_with(".pm25-") && name.ends_with(".tmp")
}
