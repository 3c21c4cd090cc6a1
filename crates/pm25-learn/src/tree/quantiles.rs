//! Several quantiles of one target that never cross.
//!
//! Not one model of all: each level has an ensemble of its own, fitted alone, and each row's predictions are put in
//! rising order. Sorting never takes the quantiles farther from the true ones, and brings them nearer wherever they
//! crossed (Chernozhukov, Fernandez-Val and Galichon 2010, "Quantile and probability curves without crossing").

use super::boost::{BoostFit, Lesson, fit_lesson};
use super::ensemble::Ensemble;
use super::objective::Objective;
use super::params::BoostParams;
use crate::columns::Columns;

/// Ensembles for rising levels.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantiles {
    /// Shares of targets below, rising, each above 0 and below 1.
    pub levels: Vec<f64>,
    /// One ensemble a level.
    pub ensembles: Vec<Ensemble>,
}

/// Fits one ensemble a level; all other settings are those of `params`, whatever its objective is. `levels` rise. The
/// fits come back in the order of levels, for their histories.
///
/// # Panics
/// If levels do not rise strictly between 0 and 1, or as [`fit_lesson`].
pub fn fit_quantiles(
    lesson: Lesson,
    valid: Option<(&Columns, &[f32])>,
    levels: &[f64],
    params: &BoostParams,
    advance: &(dyn Fn(u64) + Sync),
) -> (Quantiles, Vec<BoostFit>) {
    let is_level = |level: &f64| 0.0 < *level && *level < 1.0;
    assert!(
        levels.iter().all(is_level) && levels.is_sorted_by(|a, b| a < b),
        "levels rise strictly between 0 and 1"
    );
    let fit = |&alpha: &f64| {
        let params = params.with_objective(Objective::Quantile { alpha });
        fit_lesson(lesson, valid, &params, advance)
    };
    let fits: Vec<BoostFit> = levels.iter().map(fit).collect();
    let quantiles = Quantiles {
        levels: levels.to_vec(),
        ensembles: fits.iter().map(|fit| fit.ensemble.clone()).collect(),
    };
    (quantiles, fits)
}

impl Quantiles {
    /// For each level one prediction a row, in units of the target; in every row they rise with the level.
    #[must_use]
    pub fn predict(&self, x: &Columns) -> Vec<Vec<f64>> {
        let mut columns: Vec<Vec<f64>> = self.ensembles.iter().map(|e| e.predict(x)).collect();
        let mut row = vec![0.0; columns.len()];
        for row_idx in 0..x.n_rows() {
            for (value, column) in row.iter_mut().zip(&columns) {
                *value = column[row_idx];
            }
            uncross(&mut row);
            for (column, value) in columns.iter_mut().zip(&row) {
                column[row_idx] = *value;
            }
        }
        columns
    }
}

/// Puts one row's predictions, given by rising level, in rising order.
pub fn uncross(predictions: &mut [f64]) {
    predictions.sort_unstable_by(f64::total_cmp);
}

#[cfg(test)]
mod tests {
    use super::super::chance::{Purpose, Stream};
    use super::super::link::Link;
    use super::*;

    /// Targets are even between 0 and a width that grows with the feature.
    fn fan(n_rows: usize, seed: u64) -> (Vec<f32>, Vec<f32>) {
        let chance = |purpose| Stream::new(seed, purpose, 0);
        let x: Vec<f32> = (0..n_rows)
            .map(|row| chance(Purpose::Columns).below(row, 20) as f32)
            .collect();
        let part = |row| chance(Purpose::Rows).below(row, 1 << 20) as f32 / (1 << 20) as f32;
        let y = (0..n_rows).map(|row| part(row) * (10.0 + x[row])).collect();
        (x, y)
    }

    #[test]
    fn each_level_has_its_share_below_everywhere_and_none_cross() {
        let (x, y) = fan(20_000, 1);
        let table = Columns::new(vec![&x], x.len());
        let lesson = Lesson {
            x: &table,
            y: &y,
            weights: &[],
            roles: &[],
        };
        let said = [
            ("n_estimators", "60"),
            ("learning_rate", "0.2"),
            ("max_depth", "4"),
        ];
        let said = said.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let params = BoostParams::from_pairs(&said).unwrap();
        let levels = [0.05, 0.5, 0.9];
        let (quantiles, _) = fit_quantiles(lesson, None, &levels, &params, &|_| {});
        let (x, y) = fan(20_000, 2);
        let predicted = quantiles.predict(&Columns::new(vec![&x], x.len()));
        for (level, predicted) in levels.iter().zip(&predicted) {
            for low in [0.0, 10.0] {
                let here: Vec<usize> = (0..y.len())
                    .filter(|&row| (low..low + 10.0).contains(&x[row]))
                    .collect();
                let below = here
                    .iter()
                    .filter(|&&row| f64::from(y[row]) <= predicted[row])
                    .count();
                // Five standard deviations of a share of 10,000 rows are 0.025.
                let share = below as f64 / here.len() as f64;
                assert!((share - level).abs() < 0.025, "{level} {low}: {share}");
            }
            for row in 0..100 {
                let truth = level * f64::from(10.0 + x[row]);
                assert!((predicted[row] - truth).abs() < 0.15 * truth.max(5.0));
            }
        }
        let [low, middle, high] = &predicted[..] else {
            panic!("three levels")
        };
        let rows = low.iter().zip(middle).zip(high);
        assert!(
            rows.into_iter()
                .all(|((low, middle), high)| low <= middle && middle <= high)
        );
    }

    #[test]
    fn crossed_predictions_are_sorted() {
        let leaf = |base| Ensemble {
            base,
            scale: 1.0,
            link: Link::Identity,
            trees: vec![].into(),
        };
        let quantiles = Quantiles {
            levels: vec![0.1, 0.5, 0.9],
            ensembles: vec![leaf(3.0), leaf(1.0), leaf(2.0)],
        };
        let predicted = quantiles.predict(&Columns::new(vec![], 2));
        assert_eq!(predicted, [vec![1.0; 2], vec![2.0; 2], vec![3.0; 2]]);
    }
}
