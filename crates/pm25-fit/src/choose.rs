//! Chooses a model by its error on rows that it has not learned from.

use std::str::FromStr;

use pm25_artifact::model::ModelKind;
use pm25_artifact::prep::TaskFact;
use pm25_artifact::train::Candidate;
use pm25_file::{Fault, Result};
use pm25_stats::scores;

use crate::fit::Fitted;
use crate::sample::Sample;

/// What `--model` asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wanted {
    /// The one with the smallest validation error.
    Best,
    /// This one.
    Kind(ModelKind),
}

impl Wanted {
    /// Whether models of this kind are to be fitted.
    pub fn wants(self, kind: ModelKind) -> bool {
        match self {
            Self::Best => true,
            Self::Kind(ModelKind::Blend) => matches!(kind, ModelKind::Forest | ModelKind::Boost),
            Self::Kind(wanted) => wanted == kind,
        }
    }

    /// Whether it is chosen on folds, and so has intervals.
    pub(crate) fn is_folded(self) -> bool {
        matches!(self, Self::Best | Self::Kind(ModelKind::Blend))
    }

    /// As it is typed.
    pub fn word(self) -> &'static str {
        match self {
            Self::Best => "best",
            Self::Kind(kind) => kind.word(),
        }
    }
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(word: &str) -> std::result::Result<Self, String> {
        if word == "best" {
            return Ok(Self::Best);
        }
        word.parse()
            .map(Self::Kind)
            .map_err(|e: String| format!("{e}, best"))
    }
}

/// Every fitted kind on all validation rows, best first.
pub(crate) fn candidates(fitted: &mut Fitted, valid: &Sample) -> Result<Vec<Candidate>> {
    let rows = valid.rows();
    let target: Vec<f64> = valid.target.iter().map(|&y| f64::from(y)).collect();
    let kinds: Vec<ModelKind> = fitted.kinds().collect();
    let mut candidates = kinds
        .into_iter()
        .map(|kind| {
            Ok(Candidate {
                oob_rmse_ug_m3: fitted.oob_rmse_ug_m3(kind),
                ..candidate(kind, &fitted.predict(kind, &rows), &target)?
            })
        })
        .collect::<Result<Vec<_>>>()?;
    rank(&mut candidates);
    Ok(candidates)
}

/// Best first; of two equals the simpler one comes first.
pub(crate) fn rank(candidates: &mut [Candidate]) {
    candidates.sort_by(|a, b| {
        a.valid_rmse_ug_m3
            .total_cmp(&b.valid_rmse_ug_m3)
            .then(a.kind.cmp(&b.kind))
    });
}

/// A kind by its predictions.
pub(crate) fn candidate(kind: ModelKind, predictions: &[f64], target: &[f64]) -> Result<Candidate> {
    let pairs: Vec<(f64, f64)> = target
        .iter()
        .copied()
        .zip(predictions.iter().copied())
        .collect();
    let scores = scores(&pairs);
    match (scores.rmse, scores.mae, scores.missing_predictions) {
        (Some(rmse), Some(mae), 0) => Ok(Candidate {
            kind,
            valid_rmse_ug_m3: rmse,
            valid_mae_ug_m3: mae,
            oob_rmse_ug_m3: None,
        }),
        (_, _, n) => Err(Fault::unforeseen(format!(
            "the {kind} model left {n} rows without a prediction"
        ))),
    }
}

/// The kind that was asked for, or the best that the task allows.
///
/// A nowcast is for where and when PM2.5 is not measured: persistence, which needs the measurement of an hour
/// ago, is only taken when it is asked for by name.
pub(crate) fn choose(
    wanted: Wanted,
    task: TaskFact,
    candidates: &[Candidate],
) -> Result<ModelKind> {
    let allowed = |kind| task != TaskFact::Nowcast || kind != ModelKind::Persistence;
    match wanted {
        Wanted::Kind(kind) => Ok(kind),
        Wanted::Best => candidates
            .iter()
            .map(|candidate| candidate.kind)
            .find(|&kind| allowed(kind))
            .ok_or_else(|| Fault::unforeseen("no model was fitted")),
    }
}
