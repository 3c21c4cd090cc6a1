//! One model from the rows before its test, as it was asked for.

use std::collections::BTreeMap;

use pm25_artifact::model::{Model, ModelKind};
use pm25_artifact::train::{Candidate, ChoiceFact, FoldFact, LearnedFrom, PartFact};
use pm25_file::{Fault, Result};
use pm25_tool::Console;

use crate::choose::{self, Wanted};
use crate::decide::{self, Decision, Request};
use crate::fit::{self, Facts};
use crate::folds::{self, Fold};
use crate::lean;
use crate::learner::Part;
use crate::oof::OutOfFold;
use crate::params::Params;
use crate::sample::Sample;
use crate::scope::Stations;

/// What is to be made.
pub struct Order<'a> {
    /// The kind, or the best of all.
    pub wanted: Wanted,
    /// Folds in the order of time, at least 2, for kinds that are chosen on folds.
    pub n_folds: usize,
    /// Parts of a blend; empty for those that suit the task.
    pub parts: &'a [Part],
    /// Which rows the parts of a blend learn from; the best of several on the folds.
    pub stations: Stations,
    /// What the model will say of itself.
    pub facts: &'a Facts,
    /// Settings of the learners.
    pub params: &'a Params,
}

/// A model and what led to it.
pub struct Made {
    /// Its header is this crate's: whoever writes the model puts the program's own in place.
    pub model: Model,
    /// Which rows taught it.
    pub learned_from: LearnedFrom,
    /// Every kind that was compared, best first.
    pub candidates: Vec<Candidate>,
    /// The folds that decided; empty where the valid rows did.
    pub folds: Vec<FoldFact>,
    /// Parts with their weights where folds decided.
    pub parts: Vec<PartFact>,
    /// How stations were learned from, where that was a question.
    pub stations: Option<ChoiceFact>,
    /// Why folds did not decide although they were asked for, in a sentence.
    pub without_folds: Option<String>,
}

/// Makes a model from (train, valid) rows: `best` and `blend` on folds over both, other kinds from train, compared on
/// valid. A record too short for folds leaves `best` to the valid rows, which is warned of.
///
/// # Errors
/// Bad data: a blend without rows for its folds.
pub fn make(order: &Order, (train, valid): (Sample, Sample), console: &Console) -> Result<Made> {
    let mut without_folds = None;
    let folded = match order.wanted {
        Wanted::Best | Wanted::Kind(ModelKind::Blend) => {
            let all = train.clone().and(&valid);
            match (folds_of(&all, order.n_folds, order.facts), order.wanted) {
                (Ok(folds), _) => Some((all, folds)),
                (Err(fault), Wanted::Kind(_)) => return Err(fault),
                (Err(fault), Wanted::Best) => {
                    console.warn(&format!(
                        "chosen on the valid rows, learned from train rows alone, for {fault}"
                    ));
                    without_folds = Some(fault.to_string());
                    None
                }
            }
        }
        Wanted::Kind(_) => None,
    };
    let Some((all, folds)) = folded else {
        return Ok(Made {
            without_folds,
            ..on_valid(order, (train, valid), console)?
        });
    };
    drop((train, valid));
    let request = Request {
        wanted: order.wanted,
        parts: order.parts,
        facts: order.facts,
        params: order.params,
        scopes: order.stations.scopes(),
    };
    let mut of = OutOfFold::new(&all, &folds, order.facts, order.params);
    let decision = decide::decide(&mut of, &request, console)?;
    drop(of);
    let model = decide::refit(&all, (&decision, &BTreeMap::new()), &request, console)?;
    Ok(made(model, decision, (&all, folds)))
}

/// A model that folds decided on, fitted to all rows.
pub(crate) fn made(model: Model, decision: Decision, (all, folds): (&Sample, Vec<Fold>)) -> Made {
    Made {
        model: fit::profiled(model, all),
        learned_from: LearnedFrom::TrainAndValid,
        candidates: decision.candidates,
        folds: folds.into_iter().map(|fold| fold.fact).collect(),
        parts: decision.parts,
        stations: decision.stations,
        without_folds: None,
    }
}

/// Folds over all rows before the test.
pub(crate) fn folds_of(all: &Sample, n_folds: usize, facts: &Facts) -> Result<Vec<Fold>> {
    let time_s = all.time_s().ok_or_else(|| {
        Fault::bad_data("folds need a column `time` in both tables")
            .hint("make the tables with pm25-prep, or ask for a kind by name: --model boost")
    })?;
    let embargo_h = folds::embargo_h(facts.task.into(), &facts.inputs);
    folds::folds(time_s, n_folds, embargo_h)
}

/// Learns from the train rows and compares on the valid rows.
fn on_valid(order: &Order, (train, valid): (Sample, Sample), console: &Console) -> Result<Made> {
    let (model, candidates) = match lean::kind(order.wanted, &train) {
        Some(kind) => lean::learn(order, kind, (train, &valid), console)?,
        None => chosen_on_valid(order, (&train, &valid), console)?,
    };
    Ok(Made {
        model,
        learned_from: LearnedFrom::Train,
        candidates,
        folds: Vec::new(),
        parts: Vec::new(),
        stations: None,
        without_folds: None,
    })
}

fn chosen_on_valid(
    order: &Order,
    (train, valid): (&Sample, &Sample),
    console: &Console,
) -> Result<(Model, Vec<Candidate>)> {
    let (wanted, facts) = (order.wanted, order.facts);
    let mut fitted = fit::fit((train, valid), facts, wanted, order.params, console)?;
    let candidates = choose::candidates(&mut fitted, valid)?;
    let kind = choose::choose(wanted, facts.task, &candidates)?;
    Ok((fit::profiled(fitted.into_model(kind), train), candidates))
}

/// A model of a kind by name that will only be asked: it is compared with no other and has no profile, and its answers
/// are to the last bit those of [`make`].
///
/// # Errors
/// Usage: a booster that is to stop early, and no rows that tell it when. Unforeseen: a blend, which needs folds.
pub fn learn_kind(
    order: &Order,
    kind: ModelKind,
    (train, valid): (&Sample, &Sample),
    console: &Console,
) -> Result<Model> {
    if kind == ModelKind::Blend {
        return Err(Fault::unforeseen("a blend is made on folds"));
    }
    let stops_early = kind == ModelKind::Boost && order.params.stops_early();
    if stops_early && valid.n_rows() == 0 {
        return Err(
            Fault::usage("no rows tell the booster when to stop").hint(
                "--set boost.early_stopping_rounds=0 --set boost.n_estimators=400, or leave it valid rows",
            ),
        );
    }
    let nothing = Sample::default();
    let valid = if stops_early { valid } else { &nothing };
    let wanted = Wanted::Kind(kind);
    let fitted = fit::fit((train, valid), order.facts, wanted, order.params, console)?;
    Ok(fitted.into_model(kind))
}
