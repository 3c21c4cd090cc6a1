//! What a log adds up to: each version's stage, and which moves are allowed from there.
//!
//! ```text
//!              register   to staging   to production   rollback     archive
//! (no version)   none
//! none                     staging       refused                    archived
//! staging                  (stays)       production    production*  archived
//! production               (stays)       (stays)                    refused
//! superseded               staging       refused       production*  archived
//! archived                 refused       refused                    (stays)
//! ```
//!
//! `*` only for the version that was in production before the present one. Whoever leaves production, by
//! a promotion or a rollback, is superseded.

use super::entry::{Action, Entry, Objects, Stage};

/// What somebody asks of a version that exists.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Move {
    /// Promote to staging.
    ToStaging,
    /// Promote to production.
    ToProduction,
    /// Make it the production version again.
    Rollback,
    /// Never use it again.
    Archive,
}

/// What the table says to that.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// It goes there.
    To(Stage),
    /// It is there already, or further; nothing to write.
    Stays,
    /// It may not, because.
    Refused(&'static str),
}

/// The state table above, as a function.
pub fn step(from: Stage, wanted: Move) -> Step {
    use Stage::{Archived, None, Production, Staging, Superseded};
    match (from, wanted) {
        (None | Superseded, Move::ToStaging) => Step::To(Staging),
        (Staging, Move::ToProduction) => Step::To(Production),
        (Staging | Superseded, Move::Rollback) => Step::To(Production),
        (None | Staging | Superseded, Move::Archive) => Step::To(Archived),
        (Staging | Production, Move::ToStaging) => Step::Stays,
        (Production, Move::ToProduction) | (Archived, Move::Archive) => Step::Stays,
        (None | Superseded, Move::ToProduction) => {
            Step::Refused("only a version in staging goes to production")
        }
        (Archived, Move::ToStaging | Move::ToProduction | Move::Rollback) => {
            Step::Refused("an archived version is never used again")
        }
        (Production, Move::Archive) => Step::Refused("it is in use"),
        (None | Production, Move::Rollback) => Step::Refused("it was not in production before"),
    }
}

/// One version of a model.
#[derive(Clone, Debug)]
pub struct Version {
    /// 1, 2, 3, ...
    pub number: u32,
    /// Where it stands.
    pub stage: Stage,
    /// Number of the log entry that put it there.
    pub since: u32,
    /// What it is made of.
    pub objects: Objects,
}

/// All versions of a model after some number of entries.
#[derive(Clone, Debug, Default)]
pub struct State {
    versions: Vec<Version>,
    /// Who was in production, oldest first; the last one is now. A rollback takes one off, so that a
    /// second rollback goes further back and never returns to the version one fled from.
    produced: Vec<u32>,
}

impl State {
    /// All versions, by number.
    pub fn versions(&self) -> &[Version] {
        &self.versions
    }

    /// A version by number.
    pub fn version(&self, number: u32) -> Option<&Version> {
        let position = usize::try_from(number.checked_sub(1)?).ok()?;
        self.versions.get(position)
    }

    /// The version in production.
    pub fn production(&self) -> Option<&Version> {
        self.version(*self.produced.last()?)
    }

    /// The version that a rollback would bring back.
    pub fn before_production(&self) -> Option<&Version> {
        self.version(*self.produced.iter().nth_back(1)?)
    }

    /// The version that came to this stage last.
    pub fn newest_in(&self, stage: Stage) -> Option<&Version> {
        self.versions
            .iter()
            .filter(|v| v.stage == stage)
            .max_by_key(|v| v.since)
    }

    /// The newest version made of this model.
    pub fn of_model(&self, model: pm25_file::Sha256) -> Option<&Version> {
        self.versions
            .iter()
            .rev()
            .find(|v| v.objects.model == model)
    }

    /// Takes one more entry in; says why it cannot be. An entry that our own writer could not have made
    /// is as suspicious as a broken hash.
    pub(super) fn apply(&mut self, entry: &Entry) -> Result<(), String> {
        if entry.action == Action::Register {
            return self.add(entry);
        }
        let wanted = move_of(entry)
            .ok_or_else(|| format!("{} cannot lead to {}", entry.action, entry.stage))?;
        let version = self
            .version(entry.version)
            .ok_or_else(|| format!("there is no version {}", entry.version))?;
        if version.objects != entry.objects {
            return Err(format!(
                "version {} was registered with other objects",
                entry.version
            ));
        }
        if step(version.stage, wanted) != Step::To(entry.stage) {
            return Err(format!(
                "{} of version {} from {}",
                entry.action, entry.version, version.stage
            ));
        }
        self.carry_out(wanted, entry)
    }

    fn add(&mut self, entry: &Entry) -> Result<(), String> {
        let next = u32::try_from(self.versions.len() + 1).map_err(|e| e.to_string())?;
        if entry.version != next || entry.stage != Stage::None {
            return Err(format!(
                "version {} cannot be registered as {}; {next} is next",
                entry.version, entry.stage
            ));
        }
        self.versions.push(Version {
            number: next,
            stage: Stage::None,
            since: entry.number,
            objects: entry.objects,
        });
        Ok(())
    }

    fn carry_out(&mut self, wanted: Move, entry: &Entry) -> Result<(), String> {
        match wanted {
            Move::ToStaging => {}
            Move::ToProduction => {
                self.supersede(entry.number);
                self.produced.push(entry.version);
            }
            Move::Rollback => {
                if self.before_production().map(|v| v.number) != Some(entry.version) {
                    return Err(format!(
                        "version {} was not in production before",
                        entry.version
                    ));
                }
                self.supersede(entry.number);
                self.produced.pop();
            }
            Move::Archive => {
                self.produced.retain(|&number| number != entry.version);
                self.produced.dedup();
            }
        }
        self.set(entry.version, entry.stage, entry.number);
        Ok(())
    }

    fn supersede(&mut self, since: u32) {
        if let Some(&current) = self.produced.last() {
            self.set(current, Stage::Superseded, since);
        }
    }

    fn set(&mut self, number: u32, stage: Stage, since: u32) {
        if let Some(version) = self.versions.iter_mut().find(|v| v.number == number) {
            version.stage = stage;
            version.since = since;
        }
    }
}

fn move_of(entry: &Entry) -> Option<Move> {
    match (entry.action, entry.stage) {
        (Action::Promote, Stage::Staging) => Some(Move::ToStaging),
        (Action::Promote, Stage::Production) => Some(Move::ToProduction),
        (Action::Rollback, Stage::Production) => Some(Move::Rollback),
        (Action::Archive, Stage::Archived) => Some(Move::Archive),
        _ => None,
    }
}
