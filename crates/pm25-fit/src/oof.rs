//! Predictions out of fold: for each judged row what would have been said by models that had seen only its past.
//!
//! Everything that is chosen is chosen on these: the kind of model, the number of trees, the weights of a blend, the
//! width of intervals. The test rows are never here.

use std::borrow::Cow;
use std::collections::BTreeMap;

use pm25_artifact::model::online::Outcome;
use pm25_artifact::model::{Model, ModelKind, Said};
use pm25_file::{Fault, Result};
use pm25_learn::tree::Transform;
use pm25_tool::Console;

use crate::fit::{Facts, baselines, reference};
use crate::folds::Fold;
use crate::learner::{Part, Stop, learn_shown};
use crate::params::Params;
use crate::sample::Sample;
use crate::scope::{self, Piece, Scope};

/// The refit has more rows than the folds had, and more rows bear more trees: folds of a record of three years learn
/// from about 0.83 of it on average, and 1 / 0.83 = 1.2; a little less, for what shorter records lack.
pub(crate) const REFIT_TREES: f64 = 1.15;

/// The judged rows of all folds, one after the other, and what is said of them.
pub(crate) struct OutOfFold<'a> {
    sample: &'a Sample,
    folds: &'a [Fold],
    params: &'a Params,
    /// One model a fold with the baselines only.
    models: Vec<Model>,
    pub(crate) target: Vec<f64>,
    /// The reference of each judged row, µg/m³.
    pub(crate) reference: Vec<f64>,
    parts: BTreeMap<Part, Vec<f64>>,
    n_trees: BTreeMap<Part, u64>,
    oob_rmse_ug_m3: BTreeMap<Part, f64>,
}

impl<'a> OutOfFold<'a> {
    /// Fits the baselines of every fold; parts are added one by one.
    pub(crate) fn new(
        sample: &'a Sample,
        folds: &'a [Fold],
        facts: &Facts,
        params: &'a Params,
    ) -> Self {
        let models: Vec<Model> = folds
            .iter()
            .map(|fold| baselines(&sample.take(&fold.train), facts, params))
            .collect();
        let mut of = Self {
            sample,
            folds,
            params,
            models,
            target: Vec::new(),
            reference: Vec::new(),
            parts: BTreeMap::new(),
            n_trees: BTreeMap::new(),
            oob_rmse_ug_m3: BTreeMap::new(),
        };
        of.target = of.gather(|_, judged| judged.target.iter().map(|&y| f64::from(y)).collect());
        of.reference = of.gather(reference);
        of
    }

    /// For each fold's model and judged rows, one after the other.
    fn gather(&self, of: impl Fn(&Model, &Sample) -> Vec<f64>) -> Vec<f64> {
        let folds = self.folds.iter().zip(&self.models);
        folds
            .flat_map(|(fold, model)| of(model, &self.sample.take(&fold.judged)))
            .collect()
    }

    /// What a kind that needs no learner of its own says.
    pub(crate) fn baseline(&self, kind: ModelKind) -> Vec<f64> {
        self.gather(|model, judged| {
            Model {
                kind,
                ..model.clone()
            }
            .predict(&judged.rows())
        })
    }

    /// The newest known PM2.5 of each judged row, µg/m³, NaN where it is missing.
    pub(crate) fn persistence(&self) -> Vec<f64> {
        self.gather(|model, judged| model.predict_baseline(ModelKind::Persistence, &judged.rows()))
    }

    /// What a part says; it is fitted in every fold when it is asked for the first time.
    pub(crate) fn part(&mut self, part: Part, console: &Console) -> Result<&[f64]> {
        if !self.parts.contains_key(&part) {
            let said = self.fit(part, console)?;
            self.parts.insert(part, said);
        }
        Ok(&self.parts[&part])
    }

    /// Trees that a refit on all rows should have; none for a part without such a number.
    pub(crate) fn refit_n_trees(&self, part: Part) -> Option<u64> {
        let n_trees = self.best_n_trees(part)?;
        Some(self.params.refit_n_trees(part.learner, n_trees as f64))
    }

    fn best_n_trees(&self, part: Part) -> Option<u64> {
        self.n_trees.get(&part).copied()
    }

    /// Out-of-bag RMSE over the rows that the folds' forests learned from, µg/m³; none if the part is no forest that
    /// was asked for.
    pub(crate) fn oob_rmse_ug_m3(&self, part: Part) -> Option<f64> {
        self.oob_rmse_ug_m3.get(&part).copied()
    }

    /// Rows of each fold, in order.
    pub(crate) fn fold_rows(&self) -> impl Iterator<Item = usize> {
        self.folds.iter().map(|fold| fold.judged.len())
    }

    /// The judged rows of each fold.
    pub(crate) fn judged(&self) -> Vec<Sample> {
        let folds = self.folds.iter();
        folds.map(|fold| self.sample.take(&fold.judged)).collect()
    }

    /// What was said of each judged row, with what came; none where rows have no times.
    pub(crate) fn outcomes(&self, said: &[Said]) -> Vec<Outcome> {
        let Some(time_s) = self.sample.time_s() else {
            return Vec::new();
        };
        let rows = self.folds.iter().flat_map(|fold| &fold.judged);
        let rows = rows.zip(said.iter().zip(&self.target));
        rows.map(|(&row, (&said, &truth_ug_m3))| Outcome {
            issued_s: time_s[row as usize],
            said,
            truth_ug_m3,
        })
        .collect()
    }

    /// Takes what a part said that was fitted elsewhere, in models that had seen as little, with its best number of trees.
    pub(crate) fn give(&mut self, part: Part, said: Vec<f64>, n_trees: Option<u64>) {
        self.parts.insert(part, said);
        if let Some(n_trees) = n_trees {
            self.n_trees.insert(part, n_trees);
        }
    }

    fn fit(&mut self, part: Part, console: &Console) -> Result<Vec<f64>> {
        if part.scope == Scope::Together {
            return Err(
                Fault::usage(format!("the part `{part}` learns from several horizons"))
                    .hint("give tables with several, and no --horizon-h"),
            );
        }
        let share = part.share.of_reference();
        let mut said = self.of_strangers(part, console)?;
        let pieces = self.pieces(part.scope);
        let columns = self.columns();
        let params = scope::settings(part, self.params, &columns);
        let mut fits = Vec::new();
        for (model, piece) in &pieces {
            let (train, judged) = (
                self.sample.take(&piece.train),
                self.sample.take(&piece.judged),
            );
            let y = less(&train, &reference(model, &train), share);
            let y_judged = less(&judged, &reference(model, &judged), share);
            let (train, judged) = (shown(part, &train, model), shown(part, &judged, model));
            let x_judged = judged.matrix();
            let stop = Stop::On(&x_judged, &y_judged);
            let x = train.matrix();
            fits.push(learn_shown(
                part.learner,
                (&x, &y),
                &stop,
                &params,
                console,
            )?);
        }
        let curves: Vec<(&[f64], usize)> = fits
            .iter()
            .zip(&pieces)
            .map(|(fit, (_, piece))| (&fit.stop_loss[..], piece.judged.len()))
            .collect();
        let n_trees = best_n_trees(&curves);
        if let Some(n_trees) = n_trees {
            let transform = self.params.transform_of(part.learner);
            for (fit, (_, piece)) in fits.iter_mut().zip(&pieces) {
                fit.shorten(n_trees);
                // What is transformed is the value itself: there is no logarithm of a change.
                if transform != Transform::None {
                    let train = self.sample.take(&piece.train);
                    fit.correct(transform, (&train.matrix(), &train.target));
                }
            }
        }
        let bags = fits.iter().zip(&pieces);
        let bags: Vec<(f64, usize)> = bags
            .filter_map(|(fit, (_, piece))| Some((fit.oob_rmse_ug_m3?, piece.train.len())))
            .collect();
        let place = self.places_of_judged();
        for (fit, (model, piece)) in fits.iter().zip(&pieces) {
            let judged = self.sample.take(&piece.judged);
            let judged = shown(part, &judged, model);
            let of_piece = fit.model.predict(&judged.matrix());
            for (row, value) in piece.judged.iter().zip(of_piece) {
                let at = place[row];
                said[at] = value + share * self.reference[at];
            }
        }
        if let Some(n_trees) = n_trees {
            self.n_trees.insert(part, n_trees as u64);
        }
        if let Some(rmse) = pooled(&bags) {
            self.oob_rmse_ug_m3.insert(part, rmse);
        }
        Ok(said)
    }

    /// Each fold's pieces with the fold's model.
    fn pieces(&self, scope: Scope) -> Vec<(&Model, Piece)> {
        let folds = self.folds.iter().zip(&self.models);
        folds
            .flat_map(|(fold, model)| {
                let places = model.places(&self.sample.rows());
                let pieces = scope::pieces(scope, (&fold.train, &fold.judged), &places);
                pieces.into_iter().map(move |piece| (model, piece))
            })
            .collect()
    }

    /// Names of the features.
    fn columns(&self) -> Vec<&str> {
        let inputs = self.models.first().map_or(&[][..], |model| &model.inputs);
        inputs.iter().map(|input| input.column.as_str()).collect()
    }

    /// What is said of rows whose station has no learner of its own: what all stations together taught. Zeros where
    /// every row has one.
    fn of_strangers(&mut self, part: Part, console: &Console) -> Result<Vec<f64>> {
        match part.scope {
            Scope::Own => self.part(part.pooled(), console).map(<[f64]>::to_vec),
            _ => Ok(vec![0.0; self.target.len()]),
        }
    }

    /// Where each judged row of the sample stands among the judged.
    fn places_of_judged(&self) -> BTreeMap<u32, usize> {
        let rows = self.folds.iter().flat_map(|fold| &fold.judged);
        rows.enumerate().map(|(at, &row)| (row, at)).collect()
    }
}

/// Rows of a fold as a part sees them.
fn shown<'a>(part: Part, rows: &'a Sample, model: &Model) -> Cow<'a, Sample> {
    let places = model.places(&rows.rows());
    scope::shown(part, rows, (&places, model.stations.len()))
}

/// The target less a share of the reference.
pub(crate) fn less(sample: &Sample, reference: &[f64], share: f64) -> Vec<f32> {
    let rows = sample.target.iter().zip(reference);
    rows.map(|(&y, r)| (f64::from(y) - share * r) as f32)
        .collect()
}

/// The number of trees with the smallest loss over all folds together, the smallest of several; none if no
/// fold counts trees. A fold that stopped early counts with its last error from there on.
pub(crate) fn best_n_trees(curves: &[(&[f64], usize)]) -> Option<usize> {
    let longest = curves.iter().map(|(curve, _)| curve.len()).max()?;
    let total = |n_trees: usize| -> f64 {
        let of = |(curve, n_rows): &(&[f64], usize)| {
            let mean = curve.get(n_trees).or(curve.last()).copied().unwrap_or(0.0);
            mean * *n_rows as f64
        };
        curves.iter().map(of).sum()
    };
    (0..longest)
        .min_by(|&a, &b| total(a).total_cmp(&total(b)))
        .map(|at| at + 1)
}

/// The RMSE over all rows from those of parts of them; none of nothing.
fn pooled(parts: &[(f64, usize)]) -> Option<f64> {
    let n_rows: usize = parts.iter().map(|(_, n_rows)| n_rows).sum();
    let squares = parts.iter().fold(0.0, |sum, (rmse, n_rows)| {
        sum + rmse * rmse * *n_rows as f64
    });
    (0 < n_rows).then(|| (squares / n_rows as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folds_choose_the_number_of_trees_together() {
        let (short, long) = ([5.0, 3.0, 4.0], [9.0, 8.0, 7.0, 6.0, 7.0]);
        assert_eq!(best_n_trees(&[(&short, 10), (&long, 10)]), Some(4));
        assert_eq!(best_n_trees(&[(&short, 1000), (&long, 1)]), Some(2));
        assert_eq!(best_n_trees(&[(&[], 10)]), None);
        assert_eq!(best_n_trees(&[(&[2.0, 2.0], 3)]), Some(1));
        // A likelihood may be below zero, and lower is still better.
        assert_eq!(best_n_trees(&[(&[-1.0, -3.0, -2.0], 3)]), Some(2));
    }

    #[test]
    fn errors_of_parts_are_pooled_by_rows() {
        assert_eq!(pooled(&[(3.0, 10), (5.0, 30)]), Some(21.0_f64.sqrt()));
        assert_eq!(pooled(&[]), None);
    }
}
