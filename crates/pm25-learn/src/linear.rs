//! Ridge regression on standardised columns; a missing value counts as the train mean and has an
//! indicator of its own.
//!
//! For column j with mean m_j and standard deviation s_j over the train rows that have it, and share p_j
//! of rows that lack it, the model sees
//!
//! ```text
//! z_j = (x_j - m_j) / s_j    0 where missing
//! q_j = [x_j missing] - p_j  only where some train row lacks it
//! y   = mean(y) + Σ a_j z_j + Σ c_j q_j,   minimising Σ (y - ŷ)² + alpha (|a|² + |c|²)
//! ```
//!
//! (Hoerl & Kennard 1970; the intercept is not shrunk.) The normal equations are solved with smartcore's
//! Cholesky decomposition.

use smartcore::linalg::basic::arrays::Array;
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::linalg::traits::cholesky::CholeskyDecomposable;

use crate::Columns;
use crate::gram::{Gram, gram};

/// What decides a fit. Cannot exist with an impossible value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RidgeParams {
    alpha: f64,
}

/// Why a parameter is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("alpha = {0} is outside its range: a finite number above 0 and at most 1e12")]
pub struct BadAlpha(f64);

impl RidgeParams {
    /// `alpha` > 0 is how strongly weights of standardised columns are shrunk.
    pub fn new(alpha: f64) -> Result<Self, BadAlpha> {
        if 0.0 < alpha && alpha <= 1e12 {
            Ok(Self { alpha })
        } else {
            Err(BadAlpha(alpha))
        }
    }
}

/// A fitted line: `intercept + Σ contribution_j`. Each contribution averages to zero over the train rows,
/// so the contributions are also the exact SHAP values for independent columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    /// Mean target of the train rows, in the target's unit.
    pub intercept: f64,
    /// One per column.
    pub terms: Vec<Term>,
}

/// What one column adds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Term {
    /// Train mean of the column, in its unit; 0 for a column that was always missing.
    pub mean: f64,
    /// Target units per unit of the column.
    pub weight: f64,
    /// Added when the value is there.
    pub present: f64,
    /// Added instead of everything else when it is missing.
    pub missing: f64,
}

impl Term {
    /// What the value `x` adds to the prediction; NaN = missing.
    pub fn contribution(&self, x: f32) -> f64 {
        if x.is_nan() {
            self.missing
        } else {
            self.weight * (f64::from(x) - self.mean) + self.present
        }
    }
}

impl Linear {
    /// One prediction per row, summed in column order.
    ///
    /// # Panics
    /// If the number of columns is not the one that it was fitted on.
    pub fn predict(&self, x: &Columns) -> Vec<f64> {
        assert_eq!(x.n_columns(), self.terms.len(), "columns of the fit");
        let mut predictions = vec![self.intercept; x.n_rows()];
        for (column_idx, term) in self.terms.iter().enumerate() {
            for (sum, &value) in predictions.iter_mut().zip(x.column(column_idx)) {
                *sum += term.contribution(value);
            }
        }
        predictions
    }
}

/// Fits a ridge. `y` has one finite value per row.
///
/// # Panics
/// If there are no rows, or `y` has another length.
pub fn fit_ridge(x: &Columns, y: &[f32], params: &RidgeParams) -> Linear {
    assert!(!y.is_empty() && y.len() == x.n_rows(), "one target per row");
    let intercept = y.iter().map(|&v| f64::from(v)).sum::<f64>() / y.len() as f64;
    let scales: Vec<Scale> = (0..x.n_columns())
        .map(|at| Scale::of(x.column(at)))
        .collect();
    let slots = Slots::of(&scales);
    let sums = gram(y.len(), slots.n_slots, &|row_idx, z| {
        for (column_idx, scale) in scales.iter().enumerate() {
            slots.fill(column_idx, scale, x.column(column_idx)[row_idx], z);
        }
        f64::from(y[row_idx]) - intercept
    });
    let weights = solve(sums, params.alpha);
    let terms = scales
        .iter()
        .enumerate()
        .map(|(column_idx, scale)| slots.term(column_idx, scale, &weights))
        .collect();
    Linear { intercept, terms }
}

/// Mean, spread and missing share of a column over the train rows.
struct Scale {
    mean: f64,
    std: f64,
    missing_share: f64,
}

impl Scale {
    fn of(column: &[f32]) -> Self {
        let present = || column.iter().filter(|v| !v.is_nan()).map(|&v| f64::from(v));
        let n = present().count().max(1) as f64;
        let mean = present().sum::<f64>() / n;
        let variance = present().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n;
        let n_missing = column.iter().filter(|v| v.is_nan()).count();
        Self {
            mean,
            std: variance.sqrt(),
            missing_share: n_missing as f64 / column.len() as f64,
        }
    }
}

/// Which place in the normal equations a column's value and indicator have; columns that never vary and
/// indicators that never change have none.
struct Slots {
    value: Vec<Option<usize>>,
    indicator: Vec<Option<usize>>,
    n_slots: usize,
}

impl Slots {
    fn of(scales: &[Scale]) -> Self {
        let mut n_slots = 0;
        let mut take = |wanted: bool| {
            wanted.then(|| {
                n_slots += 1;
                n_slots - 1
            })
        };
        let value = scales.iter().map(|scale| take(0.0 < scale.std)).collect();
        let indicator = scales
            .iter()
            .map(|scale| take(0.0 < scale.missing_share && scale.missing_share < 1.0))
            .collect();
        Self {
            value,
            indicator,
            n_slots,
        }
    }

    fn fill(&self, column_idx: usize, scale: &Scale, x: f32, z: &mut [f64]) {
        if let Some(at) = self.value[column_idx] {
            z[at] = if x.is_nan() {
                0.0
            } else {
                (f64::from(x) - scale.mean) / scale.std
            };
        }
        if let Some(at) = self.indicator[column_idx] {
            z[at] = f64::from(u8::from(x.is_nan())) - scale.missing_share;
        }
    }

    fn term(&self, column_idx: usize, scale: &Scale, weights: &[f64]) -> Term {
        let of_value = self.value[column_idx].map_or(0.0, |at| weights[at]);
        let of_indicator = self.indicator[column_idx].map_or(0.0, |at| weights[at]);
        Term {
            mean: scale.mean,
            weight: if 0.0 < scale.std {
                of_value / scale.std
            } else {
                0.0
            },
            present: -of_indicator * scale.missing_share,
            missing: of_indicator * (1.0 - scale.missing_share),
        }
    }
}

/// (XᵀX + alpha I) w = Xᵀy.
fn solve(sums: Gram, alpha: f64) -> Vec<f64> {
    let Gram { mut xtx, xty } = sums;
    let n = xty.len();
    if n == 0 {
        return Vec::new();
    }
    xtx.diag_mut().map_inplace(|v| *v += alpha);
    let left = DenseMatrix::new(n, n, xtx.into_raw_vec_and_offset().0, false);
    let right = DenseMatrix::new(n, 1, xty.to_vec(), false);
    let solved = left
        .and_then(|left| right.and_then(|right| left.cholesky_solve_mut(right)))
        .expect("a Gram matrix of finite numbers plus alpha > 0 is positive definite");
    solved.iterator(0).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(alpha: f64) -> RidgeParams {
        RidgeParams::new(alpha).unwrap()
    }

    /// A reproducible scatter in [-1, 1).
    fn scatter(n: usize, step: usize) -> Vec<f32> {
        (0..n)
            .map(|i| ((i * step) % 1009) as f32 / 504.5 - 1.0)
            .collect()
    }

    #[test]
    fn a_known_line_is_recovered() {
        let (a, b) = (scatter(5000, 17), scatter(5000, 101));
        let y: Vec<f32> = a
            .iter()
            .zip(&b)
            .map(|(a, b)| 3.0 + 2.0 * a - 0.5 * b)
            .collect();
        let line = fit_ridge(&Columns::new(vec![&a, &b], 5000), &y, &params(1e-6));
        assert!((line.terms[0].weight - 2.0).abs() < 1e-5, "{line:?}");
        assert!((line.terms[1].weight + 0.5).abs() < 1e-5, "{line:?}");
    }

    #[test]
    fn one_column_has_the_textbook_solution() {
        // z = (x - 2) / s with s² = 2/3, Σz² = 3, Σzy = (-1·(1-3) + 0 + 1·(5-3)) / s = 4 / s.
        let (x, y) = ([1.0, 2.0, 3.0], [1.0, 3.0, 5.0]);
        let line = fit_ridge(&Columns::new(vec![&x], 3), &y, &params(1.0));
        let s = (2.0_f64 / 3.0).sqrt();
        assert!((line.terms[0].weight - 4.0 / s / 4.0 / s).abs() < 1e-12);
        assert_eq!(line.intercept, 3.0);
    }

    #[test]
    fn a_missing_value_counts_as_the_mean_plus_what_missing_means() {
        let mut x = scatter(4000, 17);
        let mut y: Vec<f32> = x.iter().map(|v| 2.0 * v).collect();
        for i in (0..4000).step_by(4) {
            x[i] = f32::NAN;
            y[i] = 10.0;
        }
        let columns = Columns::new(vec![&x], 4000);
        let line = fit_ridge(&columns, &y, &params(1e-3));
        let predictions = line.predict(&columns);
        assert!((predictions[0] - 10.0).abs() < 1e-3, "{}", predictions[0]);
        assert!((predictions[1] - f64::from(y[1])).abs() < 1e-2);
    }

    #[test]
    fn constant_and_empty_columns_weigh_nothing() {
        let (flat, empty) = ([7.0; 50], [f32::NAN; 50]);
        let y = scatter(50, 7);
        let line = fit_ridge(&Columns::new(vec![&flat, &empty], 50), &y, &params(1.0));
        assert_eq!(line.terms[0].contribution(99.0), 0.0);
        assert_eq!(line.terms[1].contribution(99.0), 0.0);
        assert_eq!(line.terms[1].contribution(f32::NAN), 0.0);
    }

    #[test]
    fn contributions_average_to_zero_over_the_train_rows() {
        let mut x = scatter(3000, 31);
        x.iter_mut().step_by(7).for_each(|v| *v = f32::NAN);
        let y = scatter(3000, 53);
        let line = fit_ridge(&Columns::new(vec![&x], 3000), &y, &params(1.0));
        let mean = x
            .iter()
            .map(|&v| line.terms[0].contribution(v))
            .sum::<f64>()
            / 3000.0;
        assert!(mean.abs() < 1e-12, "{mean}");
    }

    #[test]
    fn the_bits_do_not_depend_on_threads() {
        let columns: Vec<Vec<f32>> = (1..9).map(|step| scatter(100_000, 13 * step)).collect();
        let x = Columns::new(columns.iter().map(Vec::as_slice).collect(), 100_000);
        let y = scatter(100_000, 7);
        let fit = |n| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(n)
                .build()
                .unwrap();
            pool.install(|| fit_ridge(&x, &y, &params(1.0)))
        };
        let one = fit(1);
        for n in [2, 3, 16] {
            assert_eq!(fit(n), one);
        }
    }

    #[test]
    fn impossible_alphas_are_refused() {
        for alpha in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(RidgeParams::new(alpha).is_err());
        }
    }
}
