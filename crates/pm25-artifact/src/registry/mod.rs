//! The registry's store: immutable objects and, for each model, a numbered log of what happened to it.
//!
//! ```text
//! registry/
//!   objects/sha256/4f/4f1c…        model.json, eval.json, prep.json by content; mode 0444
//!   models/pm25/log/00000001.json  one transition each, made once, chained by hash
//!   models/pm25/times.jsonl        when, for people; may be missing
//! ```
//!
//! The log is all there is: versions, stages and what is in production are what it adds up to. There is no
//! index that could disagree, no lock that could be left behind, and no file that is ever written twice.
//! A reader never waits and never sees half of anything.
//!
//! The chain shows an edit, a gap and an exchange. It cannot show by itself that the newest entries were
//! cut off, or that all of it was written anew; for that somebody keeps the [`Head`] elsewhere.

mod change;
mod entry;
mod folder;
mod intake;
mod log;
mod name;
mod objects;
mod policy;
mod reason;
mod state;
mod times;
mod verify;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use pm25_file::{Fault, Result};

pub use change::{Pick, Promotion, Repeat, Rung, archive, promote, register, rollback};
pub use entry::{Action, Entry, Head, Objects, Seen, Stage};
pub use intake::{Candidate, Judged};
pub use log::{Author, History, Outcome};
pub use name::Name;
pub use policy::{Baseline, Check, Passed, Policy, Rules, Scores, TaskName};
pub use reason::Reason;
pub use state::{Move, State, Step, Version, step};
pub use verify::{Depth, Verified, VerifiedLog};

/// A registry's folder. Naming it touches nothing.
#[derive(Clone, Debug)]
pub struct Registry {
    root: PathBuf,
}

impl Registry {
    /// The registry in this folder, which the first registration makes.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The models that have a log, by name. What is no model's folder is passed over; `verify` tells of it.
    pub fn names(&self) -> Result<Vec<Name>> {
        if folder::list(&self.root, &[])?.is_none() {
            return Err(Fault::bad_artifact(format!(
                "{}: there is no such registry",
                self.root.display()
            ))
            .hint("give its folder with --registry; `pm25-registry register` makes a new one"));
        }
        let mut names = Vec::new();
        for found in folder::list(&self.root, &["models"])?.unwrap_or_default() {
            if let Ok(name) = found.name.parse::<Name>()
                && found.is_folder
                && 0 < self.newest_number(&name)?
            {
                names.push(name);
            }
        }
        Ok(names)
    }
}
