//! Decides on out-of-fold rows which kind of model is best, and refits it on every row before the test.
//!
//! ```text
//! train + valid ── folds ── out-of-fold predictions ── kinds, weights, trees, intervals
//!        └───────────────────────── refit ◀──────────────────────┘
//! ```
//!
//! It never sees a test row, and nothing is calibrated on rows that it was fitted on.

use std::collections::BTreeMap;
use std::sync::Arc;

use pm25_artifact::model::{
    Blend, Intervals, Model, ModelKind, OnlineState, Part as ModelPart, PartModel, WarningLine,
};
use pm25_artifact::prep::TaskFact;
use pm25_artifact::train::{Candidate, ChoiceFact, IntervalsFact, OptionFact, PartFact};
use pm25_file::{Fault, Result};
use pm25_learn::tree::Ensemble;
use pm25_tool::Console;

use crate::calibrate::{remembered, warning_lines};
use crate::choose::{Wanted, candidate, rank};
use crate::fit::{Facts, baselines, reference};
use crate::learner::{Learner, Part, Share};
use crate::oof::OutOfFold;
use crate::params::Params;
use crate::sample::Sample;
use crate::scope::{self, Scope};
use crate::weights;
use crate::widths::{self, Way};

/// The part of a blend that is the reference itself.
pub(crate) const REFERENCE: &str = "persistence";

/// What is asked for.
pub(crate) struct Request<'a> {
    pub(crate) wanted: Wanted,
    /// Parts of a blend by name; empty for those that suit the task.
    pub(crate) parts: &'a [Part],
    pub(crate) facts: &'a Facts,
    pub(crate) params: &'a Params,
    /// Which rows the parts of a blend learn from: each of these is tried.
    pub(crate) scopes: &'a [Scope],
}

/// What the folds decided.
pub(crate) struct Decision {
    pub(crate) kind: ModelKind,
    pub(crate) candidates: Vec<Candidate>,
    /// Parts with their weights: of a blend several, of a forest or a booster one.
    pub(crate) parts: Vec<PartFact>,
    /// What each way to learn from stations was worth, where several were tried or one was asked for.
    pub(crate) stations: Option<ChoiceFact>,
    /// What intervals are made of.
    pub(crate) intervals: IntervalsFact,
    promise: Promise,
    /// As in `parts`, what is to be fitted.
    plan: Vec<Planned>,
}

/// One part of what was decided.
struct Planned {
    /// None is the reference.
    part: Option<Part>,
    weight: f64,
    n_trees: Option<u64>,
    /// Of the same learner for stations that have none of their own.
    n_trees_pooled: Option<u64>,
}

impl Decision {
    /// Parts that learn from all horizons, with their trees.
    pub(crate) fn together(&self) -> impl Iterator<Item = (Part, u64)> {
        let parts = self.plan.iter().filter_map(|it| it.part.zip(it.n_trees));
        parts.filter(|(part, _)| part.scope == Scope::Together)
    }

    /// The error of the chosen kind out of fold, µg/m³.
    pub(crate) fn rmse_ug_m3(&self) -> f64 {
        let mut chosen = self.candidates.iter().filter(|it| it.kind == self.kind);
        let chosen = chosen.next().map(|it| it.valid_rmse_ug_m3);
        chosen.expect("the chosen kind is one of the candidates")
    }
}

/// Learners of all horizons, fitted to every row before the test.
pub(crate) type Together = BTreeMap<Part, Arc<Ensemble>>;

/// What is known of the errors of the chosen model.
#[derive(Clone)]
struct Promise {
    intervals: Intervals,
    way: Way,
    online: Option<OnlineState>,
    warning_lines: Vec<WarningLine>,
}

/// One kind of model as the folds saw it.
struct Tried {
    kind: ModelKind,
    said: Vec<f64>,
    /// Learners with their weights; none is the reference.
    parts: Vec<(Option<Part>, f64)>,
}

/// Fits in every fold, compares, and picks.
pub(crate) fn decide(of: &mut OutOfFold, request: &Request, console: &Console) -> Result<Decision> {
    let (tried, stations) = match request.wanted {
        Wanted::Kind(_) => {
            let (blend, stations) = blend(of, request, console)?;
            (vec![blend], stations)
        }
        Wanted::Best => every_kind(of, request, console)?,
    };
    let mut candidates = tried
        .iter()
        .map(|tried| {
            let oob_rmse_ug_m3 = match tried.kind {
                ModelKind::Forest => of.oob_rmse_ug_m3(Learner::Forest.value()),
                _ => None,
            };
            let candidate = candidate(tried.kind, &tried.said, &of.target)?;
            Ok(Candidate {
                oob_rmse_ug_m3,
                ..candidate
            })
        })
        .collect::<Result<Vec<_>>>()?;
    rank(&mut candidates);
    let kind = crate::choose::choose(request.wanted, request.facts.task, &candidates)?;
    let chosen = tried
        .into_iter()
        .find(|tried| tried.kind == kind)
        .ok_or_else(|| Fault::unforeseen(format!("no {kind} model was tried")))?;
    let mut parts = Vec::new();
    let mut plan = Vec::new();
    for (part, weight) in chosen.parts {
        let said = match part {
            Some(part) => of.part(part, console)?.to_vec(),
            None => of.reference.clone(),
        };
        let n_trees = part.and_then(|part| of.refit_n_trees(part));
        let n_trees_pooled = part.and_then(|part| of.refit_n_trees(part.pooled()));
        parts.push(PartFact {
            name: part.map_or_else(|| REFERENCE.to_owned(), |part| part.to_string()),
            weight,
            rmse_ug_m3: candidate(kind, &said, &of.target)?.valid_rmse_ug_m3,
            trees: n_trees,
        });
        plan.push(Planned {
            part,
            weight,
            n_trees,
            n_trees_pooled,
        });
    }
    let (promise, intervals) = promise(of, &chosen.said, request, console)?;
    Ok(Decision {
        kind,
        candidates,
        parts,
        stations: stations.filter(|_| kind == ModelKind::Blend),
        intervals,
        promise,
        plan,
    })
}

/// Intervals from out-of-fold errors, by what was expected of each row where there are rows to learn that from.
fn promise(
    of: &mut OutOfFold,
    predictions: &[f64],
    request: &Request,
    console: &Console,
) -> Result<(Promise, IntervalsFact)> {
    let persistence = of.persistence();
    let linear = of.part(Learner::Linear.value(), console)?.to_vec();
    let warning_lines = warning_lines(&of.target, [predictions, &linear, &persistence]);
    let chosen = widths::choose(of, predictions, request.params.intervals)?;
    let task = request.facts.task.into();
    let promise = Promise {
        online: remembered((&chosen.intervals, task), of.outcomes(&chosen.said)),
        way: chosen.way,
        intervals: chosen.intervals,
        warning_lines,
    };
    Ok((promise, chosen.fact))
}

fn every_kind(
    of: &mut OutOfFold,
    request: &Request,
    console: &Console,
) -> Result<(Vec<Tried>, Option<ChoiceFact>)> {
    let of_kind = |kind, said: Vec<f64>, part: Option<Part>| Tried {
        kind,
        said,
        parts: part.map(|part| (Some(part), 1.0)).into_iter().collect(),
    };
    let mut tried: Vec<Tried> = [ModelKind::Persistence, ModelKind::Climatology]
        .map(|kind| of_kind(kind, of.baseline(kind), None))
        .into();
    if request.scopes == [Scope::Together] {
        let said = of.part(Learner::Linear.value(), console)?.to_vec();
        let line = Some(Learner::Linear.value());
        tried.push(of_kind(ModelKind::Linear, said, line));
        let (blend, stations) = blend(of, request, console)?;
        tried.push(blend);
        return Ok((tried, stations));
    }
    let booster = booster(of, request, console)?;
    for (kind, part) in [
        (ModelKind::Linear, Learner::Linear.value()),
        (ModelKind::Forest, Learner::Forest.value()),
        (ModelKind::Boost, booster.value()),
    ] {
        let said = of.part(part, console)?.to_vec();
        tried.push(of_kind(kind, said, Some(part)));
    }
    if request.facts.task == TaskFact::Nowcast {
        return Ok((tried, None));
    }
    let mut parts = vec![Some(Learner::Linear.value()), Some(booster.value())];
    // An hour ahead trees reach the newest value only in steps: half of it is left to them. (Nine Beijing stations, out of
    // fold at 1 h: 17.5 µg/m³ with a plain booster of this kind and the ridge, 17.8 with the patient one of values.)
    if !request.params.boost_needs_sign() {
        parts.push(Some(Part {
            share: Share::Half,
            ..Learner::Boost.value()
        }));
    }
    parts.push(None);
    let (blend, stations) = best_scope(of, &parts, request.scopes, console)?;
    tried.push(blend);
    Ok((tried, stations))
}

/// The booster for this task: as it is set, or in a forecast the patient one if the folds like it better and nobody
/// has set anything.
fn booster(of: &mut OutOfFold, request: &Request, console: &Console) -> Result<Learner> {
    if request.facts.task == TaskFact::Nowcast || request.params.boost_is_set {
        return Ok(Learner::Boost);
    }
    let mut rmse = |learner: Learner| {
        let said = of.part(learner.value(), console)?.to_vec();
        candidate(ModelKind::Boost, &said, &of.target).map(|found| found.valid_rmse_ug_m3)
    };
    let better = rmse(Learner::Patient)? < rmse(Learner::Boost)?;
    Ok(if better {
        Learner::Patient
    } else {
        Learner::Boost
    })
}

/// The blend that was asked for, or the one that suits the task.
fn blend(
    of: &mut OutOfFold,
    request: &Request,
    console: &Console,
) -> Result<(Tried, Option<ChoiceFact>)> {
    let nowcast = request.facts.task == TaskFact::Nowcast;
    let mut parts: Vec<Option<Part>> = request.parts.iter().map(|&part| Some(part)).collect();
    if parts.is_empty() && request.scopes == [Scope::Together] {
        parts = vec![
            Some(Learner::Linear.value()),
            Some(joint_part(request.params)),
        ];
    } else if parts.is_empty() {
        let booster = booster(of, request, console)?;
        let needs_sign = booster == Learner::Boost && request.params.boost_needs_sign();
        let with = |share| {
            Some(Part {
                share,
                ..booster.value()
            })
        };
        parts = match nowcast {
            true => vec![Some(Learner::Forest.value()), with(Share::Value)],
            false if needs_sign => vec![with(Share::Value)],
            false => vec![with(Share::Value), with(Share::Half), with(Share::Change)],
        };
        parts.insert(0, Some(Learner::Linear.value()));
    }
    // Where a nowcast is needed nobody measures PM2.5: there is nothing to persist.
    if !nowcast {
        parts.push(None);
    }
    best_scope(of, &parts, request.scopes, console)
}

/// The part that learns from all horizons where none is named: values. (Nine Beijing stations, 1, 6 and 24 h, out of fold: a
/// second booster that learns changes took the blends from 18.974, 46.630 and 68.595 µg/m³ to 19.006, 46.744 and 68.603.)
pub(crate) fn joint_part(params: &Params) -> Part {
    let learner = match params.boost_is_set {
        true => Learner::Boost,
        false => Learner::Patient,
    };
    learner.value().on(Scope::Together)
}

/// The best of blends whose parts learn from these rows; of equals the first. Parts that say themselves what they learn
/// from are left as they are.
fn best_scope(
    of: &mut OutOfFold,
    parts: &[Option<Part>],
    scopes: &[Scope],
    console: &Console,
) -> Result<(Tried, Option<ChoiceFact>)> {
    if let [Scope::Pooled | Scope::Together] = scopes {
        return Ok((blend_of(of, parts, console)?, None));
    }
    let mut best: Option<(f64, Scope, Tried)> = None;
    let mut options = Vec::new();
    for &scope in scopes {
        let on = |part: Part| match scope.suits(part.learner) {
            true => part.on(scope),
            false => part,
        };
        let parts: Vec<Option<Part>> = parts.iter().map(|part| part.map(on)).collect();
        let tried = blend_of(of, &parts, console)?;
        let rmse_ug_m3 = candidate(tried.kind, &tried.said, &of.target)?.valid_rmse_ug_m3;
        options.push(OptionFact {
            name: scope.word().to_owned(),
            rmse_ug_m3,
        });
        if best.as_ref().is_none_or(|(least, ..)| rmse_ug_m3 < *least) {
            best = Some((rmse_ug_m3, scope, tried));
        }
    }
    let (_, scope, tried) = best.ok_or_else(|| Fault::unforeseen("no blend was tried"))?;
    let choice = ChoiceFact {
        chosen: scope.word().to_owned(),
        options,
    };
    Ok((tried, Some(choice)))
}

/// Weights that were found on the other folds, or the plain mean where it is better: scored without a look at the
/// answers, then found once more on all folds.
fn blend_of(of: &mut OutOfFold, parts: &[Option<Part>], console: &Console) -> Result<Tried> {
    for part in parts.iter().flatten() {
        of.part(*part, console)?;
    }
    let said: Vec<Vec<f64>> = parts
        .iter()
        .map(|part| match part {
            Some(part) => of.part(*part, console).map(<[f64]>::to_vec),
            None => Ok(of.reference.clone()),
        })
        .collect::<Result<_>>()?;
    let slices: Vec<&[f64]> = said.iter().map(Vec::as_slice).collect();
    let errors: Vec<Vec<f64>> = said
        .iter()
        .map(|said| said.iter().zip(&of.target).map(|(p, y)| p - y).collect())
        .collect();
    let weighted = leave_a_fold_out(of, &slices, &errors);
    // The mean is over what learns: persistence is worse than all of them.
    let n_learners = parts.iter().flatten().count();
    let mut equal = weights::equal(n_learners);
    equal.resize(parts.len(), 0.0);
    let mean = weights::blended(&slices, &equal, 0..of.target.len());
    let squares = |said: &[f64]| -> f64 {
        let rows = said.iter().zip(&of.target);
        rows.fold(0.0, |sum, (p, y)| sum + (p - y) * (p - y))
    };
    let (said, weights) = if squares(&mean) <= squares(&weighted) {
        (mean, equal)
    } else {
        let errors: Vec<&[f64]> = errors.iter().map(Vec::as_slice).collect();
        (weighted, weights::best(&errors))
    };
    Ok(Tried {
        kind: ModelKind::Blend,
        said,
        parts: parts
            .iter()
            .copied()
            .zip(weights)
            .filter(|(_, weight)| 0.0 < *weight)
            .collect(),
    })
}

fn leave_a_fold_out(of: &OutOfFold, said: &[&[f64]], errors: &[Vec<f64>]) -> Vec<f64> {
    let mut from = 0;
    let mut blended = Vec::with_capacity(of.target.len());
    for n_rows in of.fold_rows() {
        let rows = from..from + n_rows;
        let others: Vec<Vec<f64>> = errors
            .iter()
            .map(|errors| [&errors[..rows.start], &errors[rows.end..]].concat())
            .collect();
        let others: Vec<&[f64]> = others.iter().map(Vec::as_slice).collect();
        blended.extend(weights::blended(
            said,
            &weights::best(&others),
            rows.clone(),
        ));
        from = rows.end;
    }
    blended
}

/// Fits what was decided on all rows.
pub(crate) fn refit(
    sample: &Sample,
    (decision, together): (&Decision, &Together),
    request: &Request,
    console: &Console,
) -> Result<Model> {
    let mut model = baselines(sample, request.facts, request.params);
    model.kind = decision.kind;
    let of_reference = reference(&model, sample);
    let to = scope::Refit {
        sample,
        reference: &of_reference,
        params: request.params,
    };
    let mut parts = Vec::new();
    let mut reference_weight = 0.0;
    for planned in &decision.plan {
        let Some(part) = planned.part else {
            reference_weight = planned.weight;
            continue;
        };
        let n_trees = [planned.n_trees, planned.n_trees_pooled].map(Option::unwrap_or_default);
        let learned = match together.get(&part) {
            Some(trees) => PartModel::Together(Arc::clone(trees)),
            None => scope::refit(part, &to, &model, n_trees, console)?,
        };
        parts.push(ModelPart {
            name: part.to_string(),
            weight: planned.weight,
            reference_share: part.share.of_reference(),
            model: learned,
        });
    }
    match decision.kind {
        ModelKind::Blend => {
            let total = of_reference.iter().fold(0.0, |sum, r| sum + r);
            model.blend = Some(Blend {
                parts,
                reference_weight,
                reference_mean_ug_m3: total / of_reference.len() as f64,
            });
        }
        // The ridge of every model is the linear one.
        ModelKind::Forest | ModelKind::Boost => {
            model.trees = parts.pop().and_then(|part| match part.model {
                PartModel::Trees(trees) => Some(trees),
                _ => None,
            });
        }
        _ => {}
    }
    let Promise {
        intervals,
        way,
        online,
        warning_lines,
    } = decision.promise.clone();
    model.intervals = Some(intervals);
    model.spread = way.complete(sample, &model)?;
    model.online = online;
    model.warning_lines = warning_lines;
    Ok(model)
}
