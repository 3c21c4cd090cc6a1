//! What a person may do to a model: register, promote, roll back, archive.
//!
//! Each looks at the log, decides by the state table and the policy, and writes one entry or none.

use pm25_file::{Fault, Result, Sha256};

use super::entry::{Action, Objects, Stage};
use super::log::{Author, Change, Decision, History, Outcome};
use super::state::{Move, Step, Version, step};
use super::{Candidate, Judged, Policy};

/// What to do with a model that is a version already.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Repeat {
    /// Make one more version of it.
    Register,
    /// Keep the version that it is.
    Keep,
}

/// Which version is meant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pick {
    /// By number.
    Version(u32),
    /// The newest version made of this model.
    Model(Sha256),
}

/// A stage that one can be promoted to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rung {
    /// On trial.
    Staging,
    /// In use.
    Production,
}

/// What is to be promoted, and under which conditions.
#[derive(Clone, Copy, Debug)]
pub struct Promotion<'a> {
    /// Which version.
    pub pick: Pick,
    /// Where to.
    pub to: Rung,
    /// Only if this version is in production now; 0 for none.
    pub expect_current: Option<u32>,
    /// What its evaluation must show.
    pub policy: &'a Policy,
}

/// Makes a new version of the candidate.
pub fn register(author: &Author<'_>, candidate: &Candidate, repeat: Repeat) -> Result<Outcome> {
    let objects = candidate.objects();
    author.registry.commit(author, |history| {
        if repeat == Repeat::Keep
            && let Some(version) = history.state.of_model(objects.model)
        {
            check_objects(author, &version.objects)?;
            return Ok(Decision::Nothing(version.number));
        }
        candidate.keep(author.registry)?;
        let next = history.state.versions().len() + 1;
        Ok(write(Change {
            action: Action::Register,
            version: u32::try_from(next)
                .map_err(|e| Fault::unforeseen("too many versions").because(e))?,
            stage: Stage::None,
            objects,
            gate: None,
            inputs: candidate.inputs(),
        }))
    })
}

/// Promotes a version if the state table and the policy allow it.
pub fn promote(author: &Author<'_>, promotion: &Promotion<'_>) -> Result<Outcome> {
    let wanted = match promotion.to {
        Rung::Staging => Move::ToStaging,
        Rung::Production => Move::ToProduction,
    };
    author.registry.commit(author, |history| {
        must_exist(author, history)?;
        check_current(author, history, promotion.expect_current)?;
        let version = pick(author, history, promotion.pick)?;
        let Some(stage) = allowed(author, version, wanted)? else {
            return Ok(Decision::Nothing(version.number));
        };
        check_objects(author, &version.objects)?;
        let judged = Judged::of(author.registry, &version.objects)?;
        let gate = judged.pass(promotion.policy)?;
        let inputs = vec![promotion.policy.source.clone()];
        Ok(write(Change {
            gate: Some(gate),
            inputs,
            ..Change::of(Action::Promote, version, stage)
        }))
    })
}

/// Brings back the version that was in production before. It passed the gates once and needs to pass none
/// now, since a rollback must work when things are bad; but its objects must be sound.
pub fn rollback(author: &Author<'_>, expect_current: Option<u32>) -> Result<Outcome> {
    let mut fled_from = None;
    author.registry.commit(author, |history| {
        must_exist(author, history)?;
        check_current(author, history, expect_current)?;
        let before = before(history, &mut fled_from)?;
        check_objects(author, &before.objects)?;
        Ok(write(Change::of(
            Action::Rollback,
            before,
            Stage::Production,
        )))
    })
}

/// The version to go back to. Whoever was overtaken fled from a version that is not in use any more, and
/// must not take the next one out of use as well: `fled_from` is what the first look saw.
pub(super) fn before<'a>(history: &'a History, fled_from: &mut Option<u32>) -> Result<&'a Version> {
    let name = &history.name;
    let Some(current) = history.state.production() else {
        return Err(
            Fault::gate_closed(format!("no version of `{name}` is in production"))
                .hint("`pm25-registry promote` puts one there"),
        );
    };
    let current = current.number;
    if *fled_from.get_or_insert(current) != current {
        return Err(Fault::conflict(format!(
            "version {current} of `{name}` came into production meanwhile"
        ))
        .hint("look at `pm25-registry list` and decide again"));
    }
    history.state.before_production().ok_or_else(|| {
        Fault::gate_closed(format!(
            "no version of `{name}` was in production before version {current}"
        ))
        .hint("`pm25-registry list` shows the versions; promote another one")
    })
}

/// Archives a version for good.
pub fn archive(author: &Author<'_>, version: u32) -> Result<Outcome> {
    author.registry.commit(author, |history| {
        must_exist(author, history)?;
        let version = pick(author, history, Pick::Version(version))?;
        Ok(match allowed(author, version, Move::Archive)? {
            Some(stage) => write(Change::of(Action::Archive, version, stage)),
            None => Decision::Nothing(version.number),
        })
    })
}

impl Change {
    /// A change that needs neither gate nor input files.
    fn of(action: Action, version: &Version, stage: Stage) -> Self {
        Self {
            action,
            version: version.number,
            stage,
            objects: version.objects,
            gate: None,
            inputs: Vec::new(),
        }
    }
}

fn write(change: Change) -> Decision {
    Decision::Write(Box::new(change))
}

/// The stage that the table leads to; `None` if there is nothing to do.
fn allowed(author: &Author<'_>, version: &Version, wanted: Move) -> Result<Option<Stage>> {
    match step(version.stage, wanted) {
        Step::To(stage) => Ok(Some(stage)),
        Step::Stays => Ok(None),
        Step::Refused(why) => {
            let number = version.number;
            let hint = match wanted {
                Move::ToProduction if version.stage != Stage::Archived => {
                    format!(
                        "first `pm25-registry promote --name {} --version {number} --to staging`",
                        author.name
                    )
                }
                Move::Archive => {
                    "promote another version or roll back, then archive this one".to_owned()
                }
                _ => "`pm25-registry list` shows the versions; take another one".to_owned(),
            };
            Err(Fault::gate_closed(format!(
                "version {number} of `{}` is in stage {}: {why}",
                author.name, version.stage
            ))
            .hint(hint))
        }
    }
}

fn check_current(author: &Author<'_>, history: &History, expected: Option<u32>) -> Result<()> {
    let found = history
        .state
        .production()
        .map_or(0, |version| version.number);
    match expected {
        Some(expected) if expected != found => {
            let is = if found == 0 {
                "none is".to_owned()
            } else {
                format!("version {found} is")
            };
            Err(Fault::conflict(format!(
                "`{}` was to have {expected} in production, but {is}",
                author.name
            ))
            .hint("somebody else changed it first; look at `pm25-registry log` and decide again"))
        }
        _ => Ok(()),
    }
}

fn pick<'a>(author: &Author<'_>, history: &'a History, pick: Pick) -> Result<&'a Version> {
    let (found, what) = match pick {
        Pick::Version(number) => (history.state.version(number), format!("version {number}")),
        Pick::Model(model) => (
            history.state.of_model(model),
            format!("version with the model {model}"),
        ),
    };
    found.ok_or_else(|| {
        Fault::bad_artifact(format!("`{}` has no {what}", author.name))
            .hint("`pm25-registry list` shows the versions; `register` makes one")
    })
}

/// A model that has no log at all is the fault to tell of first.
fn must_exist(author: &Author<'_>, history: &History) -> Result<()> {
    if history.entries.is_empty() {
        author.registry.history(author.name)?;
    }
    Ok(())
}

fn check_objects(author: &Author<'_>, objects: &Objects) -> Result<()> {
    for (_, sha256) in objects.each() {
        author.registry.check_object(sha256)?;
    }
    Ok(())
}
