//! One learner fitted to one thing: the value, the change from the newest value, or half of each.
//!
//! ```text
//! value    y            the prediction is f(x)
//! half     y - r / 2    the prediction is f(x) + r / 2
//! change   y - r        the prediction is f(x) + r
//! ```
//!
//! r is the reference: the newest known PM2.5, where it is missing the climatology. Not a choice between them: that
//! is made on what each is worth out of fold.

use std::fmt;
use std::str::FromStr;

use pm25_artifact::model::Learned;
use pm25_file::Result;
use pm25_learn::tree::{BoostParams, Lesson, Objective, Transform, fit_forest, fit_lesson};
use pm25_learn::{Columns, fit_ridge};
use pm25_tool::Console;

use crate::params::{Params, count_of};
use crate::scope::Scope;

/// What learns.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Learner {
    /// Ridge regression.
    Linear,
    /// Random forest.
    Forest,
    /// Gradient boosting as it is set.
    Boost,
    /// Gradient boosting with many small, strongly shrunk steps.
    Patient,
}

/// How much of the reference is taken off the target, in halves.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Share {
    /// Nothing: the value itself is learned.
    Value,
    /// Half of it.
    Half,
    /// All of it: the change is learned.
    Change,
}

/// A learner, what it is fitted to and on which rows; typed `boost-change`, `patient-own`, `patient-change-together`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Part {
    /// What learns.
    pub learner: Learner,
    /// What is taken off its target.
    pub share: Share,
    /// Which rows it learns from.
    pub scope: Scope,
}

impl Learner {
    const ALL: [Self; 4] = [Self::Linear, Self::Forest, Self::Boost, Self::Patient];

    /// As it is typed.
    pub fn word(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Forest => "forest",
            Self::Boost => "boost",
            Self::Patient => "patient",
        }
    }

    /// Fitted to the value itself.
    pub(crate) const fn value(self) -> Part {
        Part {
            learner: self,
            share: Share::Value,
            scope: Scope::Pooled,
        }
    }
}

impl Share {
    /// The share of the reference, 0 to 1.
    pub(crate) const fn of_reference(self) -> f64 {
        match self {
            Self::Value => 0.0,
            Self::Half => 0.5,
            Self::Change => 1.0,
        }
    }
}

impl Part {
    /// The same, learned from all stations at one horizon.
    pub(crate) fn pooled(self) -> Self {
        self.on(Scope::Pooled)
    }

    /// The same on other rows.
    pub(crate) fn on(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.learner.word())?;
        match self.share {
            Share::Value => {}
            Share::Half => f.write_str("-half")?,
            Share::Change => f.write_str("-change")?,
        }
        f.write_str(self.scope.suffix())
    }
}

impl FromStr for Part {
    type Err = String;

    fn from_str(word: &str) -> std::result::Result<Self, String> {
        let shares = [Share::Value, Share::Half, Share::Change];
        let all = Learner::ALL
            .into_iter()
            .flat_map(|learner| shares.map(|share| (learner, share)));
        all.into_iter()
            .flat_map(|(learner, share)| {
                Scope::ALL.map(|scope| Self {
                    learner,
                    share,
                    scope,
                })
            })
            .filter(|part| part.scope.suits(part.learner))
            .find(|part| part.to_string() == word)
            .ok_or_else(|| {
                format!(
                    "`{word}` is no part: linear, forest, boost or patient, perhaps with -half or -change, perhaps with -effects, -own or \
                     -together"
                )
            })
    }
}

/// What a learner learned, and how its error fell on the rows that told it when to stop.
pub struct Fit {
    /// What answers.
    pub model: Learned,
    /// Mean loss after 1, 2, ... trees, for a comparison with itself; empty without such rows and for what has no such
    /// steps.
    pub stop_loss: Vec<f64>,
    /// Root of the mean squared error of a forest's trees on the rows that each did not draw, µg/m³.
    pub oob_rmse_ug_m3: Option<f64>,
}

/// When a booster stops.
pub enum Stop<'a> {
    /// As it is set, seen on these rows.
    On(&'a Columns<'a>, &'a [f32]),
    /// After as many trees.
    At(u64),
}

/// Fits one learner to `y`; `advance` is told of finished trees.
///
/// # Errors
/// Unforeseen: settings that their own learner refuses.
pub fn learn(
    learner: Learner,
    (x, y): (&Columns, &[f32]),
    stop: &Stop,
    params: &Params,
    advance: &(dyn Fn(u64) + Sync),
) -> Result<Fit> {
    let plain = |model| Fit {
        model,
        stop_loss: Vec::new(),
        oob_rmse_ug_m3: None,
    };
    Ok(match learner {
        Learner::Linear => plain(Learned::Linear(fit_ridge(x, y, &params.ridge))),
        Learner::Forest => {
            let fit = fit_forest(x, y, &params.forest, advance);
            Fit {
                oob_rmse_ug_m3: Some(fit.out_of_bag_rmse),
                ..plain(Learned::Trees(fit.ensemble))
            }
        }
        Learner::Boost | Learner::Patient => {
            let settings = booster(learner, stop, params)?;
            let transform = params.transform_of(learner);
            let learned = |y: &[f32]| y.iter().map(|&y| transform.of(y)).collect::<Vec<f32>>();
            let y_learned = learned(y);
            let valid = match *stop {
                Stop::On(x_stop, y_stop) => Some((x_stop, learned(y_stop))),
                Stop::At(_) => None,
            };
            let valid = valid
                .as_ref()
                .map(|(x_stop, y_stop)| (*x_stop, &y_stop[..]));
            let lesson = Lesson {
                x,
                y: &y_learned,
                weights: &[],
                roles: &params.roles,
            };
            let fit = fit_lesson(lesson, valid, &settings, advance);
            let mut fit = Fit {
                stop_loss: mean_losses(fit.history.valid_errors, settings.objective()),
                ..plain(Learned::Trees(fit.ensemble))
            };
            fit.correct(transform, (x, y));
            fit
        }
    })
}

/// Of errors as a history tells them: it has the root of the mean squared error, and the mean of other losses.
fn mean_losses(errors: Vec<f64>, objective: Objective) -> Vec<f64> {
    let of = |error: f64| match objective {
        Objective::Squared => error * error,
        _ => error,
    };
    errors.into_iter().map(of).collect()
}

impl Fit {
    /// Takes trees away beyond the first `n_trees`.
    pub(crate) fn shorten(&mut self, n_trees: usize) {
        if let Learned::Trees(trees) = &mut self.model {
            trees.trees.truncate(n_trees);
        }
    }

    /// Corrects the bias of the way back from a transformed target, see [`Transform::link`], on the rows that were
    /// learned from.
    pub(crate) fn correct(&mut self, transform: Transform, (x, y): (&Columns, &[f32])) {
        if let Learned::Trees(trees) = &mut self.model
            && transform != Transform::None
        {
            trees.link = transform.link(y, &trees.scores(x));
        }
    }
}

/// The same, with a progress bar.
pub(crate) fn learn_shown(
    learner: Learner,
    rows: (&Columns, &[f32]),
    stop: &Stop,
    params: &Params,
    console: &Console,
) -> Result<Fit> {
    let n_trees = match learner {
        Learner::Linear => return learn(learner, rows, stop, params, &|_| {}),
        Learner::Forest => count_of(&params.forest.settings()),
        Learner::Boost | Learner::Patient => count_of(&booster(learner, stop, params)?.settings()),
    };
    let progress = console.progress(learner.word(), n_trees);
    let fit = learn(learner, rows, stop, params, &|n| progress.advance(n))?;
    if let Learned::Trees(trees) = &fit.model {
        let n_kept = trees.trees.len();
        console.detail(&format!(
            "{}: {n_kept} trees of at most {n_trees}",
            learner.word()
        ));
    }
    Ok(fit)
}

/// The settings of a booster that stops like this.
fn booster(learner: Learner, stop: &Stop, params: &Params) -> Result<BoostParams> {
    let params = match learner {
        Learner::Patient => params.patient()?,
        _ => params.boost.clone(),
    };
    match *stop {
        Stop::On(..) => Ok(params),
        Stop::At(n_trees) => crate::params::at_n_trees(&params, n_trees),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_reads_as_it_is_written() {
        for word in [
            "linear",
            "boost",
            "boost-half",
            "patient-change",
            "forest",
            "linear-effects",
            "patient-change-own",
            "boost-half-together",
        ] {
            assert_eq!(word.parse::<Part>().unwrap().to_string(), word);
        }
        assert!("boost-third".parse::<Part>().unwrap_err().contains("-half"));
        assert!("linear-together".parse::<Part>().is_err());
        assert!("forest-effects".parse::<Part>().is_err());
    }
}
