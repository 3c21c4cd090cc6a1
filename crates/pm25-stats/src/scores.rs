//! How far predictions are from their targets: RMSE, MAE, R², MAPE, bias, and skill over another prediction.
//!
//! It is not the judge of what a good score is, and it never decides which rows count: every pair it is given is
//! either scored or counted as missing.

use statrs::statistics::Statistics;

/// Targets below this are left out of MAPE (and only of MAPE), in the target's own unit: a relative error of a
/// concentration near nothing says nothing. [`Scores::mape_rows`] says how many remain.
pub const MAPE_TARGET_MIN: f64 = 1.0;

/// The scores of one set of `(target, prediction)` pairs. A score is `None` where it is not defined, never NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scores {
    /// Pairs that were scored: both numbers present.
    pub rows: u64,
    /// Pairs with a target whose prediction is missing (NaN or infinite). Not in `rows`.
    pub missing_predictions: u64,
    /// Pairs whose target is missing (NaN or infinite). Not in `rows`.
    pub missing_targets: u64,
    /// Root of the mean squared error, >= 0, in the target's unit. `None` without rows.
    pub rmse: Option<f64>,
    /// Mean absolute error, >= 0, in the target's unit. `None` without rows.
    pub mae: Option<f64>,
    /// Mean of prediction - target, in the target's unit: positive means predicted too high. `None` without rows.
    pub bias: Option<f64>,
    /// 1 - (sum of squared errors) / (sum of squares about the target mean), at most 1. `None` where every target is
    /// the same (the ratio is undefined) or there are no rows.
    pub r2: Option<f64>,
    /// Mean of |error| / target over targets >= [`MAPE_TARGET_MIN`], in percent. `None` without such rows.
    pub mape_pct: Option<f64>,
    /// Rows that [`Scores::mape_pct`] covers.
    pub mape_rows: u64,
    /// Mean of the scored targets. `None` without rows.
    pub target_mean: Option<f64>,
    /// Population variance of the scored targets, reached another way than the one inside `r2`, so that
    /// [`crate::check`] can hold one against the other. `None` without rows.
    pub target_variance: Option<f64>,
}

/// Scores pairs of `(target, prediction)`, summing in the order given.
#[must_use]
pub fn scores(pairs: &[(f64, f64)]) -> Scores {
    let missing_targets = count(pairs, |(target, _)| !target.is_finite());
    let scored: Vec<(f64, f64)> = pairs
        .iter()
        .copied()
        .filter(|(t, p)| t.is_finite() && p.is_finite())
        .collect();
    let rows = scored.len() as u64;
    let relative: Vec<f64> = scored
        .iter()
        .filter(|(t, _)| MAPE_TARGET_MIN <= *t)
        .map(|(t, p)| (p - t).abs() / t)
        .collect();
    Scores {
        rows,
        missing_predictions: pairs.len() as u64 - missing_targets - rows,
        missing_targets,
        rmse: mean(scored.iter().map(|(t, p)| (p - t) * (p - t))).map(f64::sqrt),
        mae: mean(scored.iter().map(|(t, p)| (p - t).abs())),
        bias: mean(scored.iter().map(|(t, p)| p - t)),
        r2: r2(&scored),
        mape_pct: mean(relative.iter().copied()).map(|share| 100.0 * share),
        mape_rows: relative.len() as u64,
        target_mean: mean(scored.iter().map(|(t, _)| *t)),
        target_variance: (!scored.is_empty())
            .then(|| scored.iter().map(|(t, _)| *t).population_variance()),
    }
}

/// Skill of one prediction over another on the same rows: `1 - rmse / rmse_of_other`. 0 is no better, 1 is perfect,
/// below 0 is worse. `None` where the other makes no error at all, or either is unknown.
#[must_use]
pub fn skill(rmse: Option<f64>, rmse_of_other: Option<f64>) -> Option<f64> {
    let (ours, theirs) = (rmse?, rmse_of_other?);
    (0.0 < theirs).then(|| 1.0 - ours / theirs)
}

fn r2(scored: &[(f64, f64)]) -> Option<f64> {
    let first = scored.first()?.0;
    // Compared as values: the mean of equal targets may differ from them by a rounding, and then the sum of squares
    // is a tiny number instead of zero, and the ratio nonsense.
    if scored.iter().all(|(target, _)| *target == first) {
        return None;
    }
    let target_mean = mean(scored.iter().map(|(t, _)| *t))?;
    let total: f64 = scored
        .iter()
        .map(|(t, _)| (t - target_mean) * (t - target_mean))
        .sum();
    let unexplained: f64 = scored.iter().map(|(t, p)| (p - t) * (p - t)).sum();
    (0.0 < total).then(|| 1.0 - unexplained / total)
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.fold((0.0, 0u64), |(sum, n), value| (sum + value, n + 1));
    (0 < n).then(|| sum / n as f64)
}

fn count(pairs: &[(f64, f64)], what: impl Fn((f64, f64)) -> bool) -> u64 {
    pairs.iter().filter(|pair| what(**pair)).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn four_pairs_by_hand() {
        // Errors 1, -2, 3, 0: squares 14, absolutes 6, sum 2. Targets 10 20 30 0.5: mean 15.125.
        let got = scores(&[(10.0, 11.0), (20.0, 18.0), (30.0, 33.0), (0.5, 0.5)]);
        assert_eq!(got.rows, 4);
        assert_eq!(got.rmse, Some(3.5f64.sqrt()));
        assert_eq!(got.mae, Some(1.5));
        assert_eq!(got.bias, Some(0.5));
        let total = 5.125f64.powi(2) + 4.875f64.powi(2) + 14.875f64.powi(2) + 14.625f64.powi(2);
        assert!((got.r2.unwrap() - (1.0 - 14.0 / total)).abs() < 1e-15);
        assert_eq!(got.mape_rows, 3, "0.5 is below the smallest target of MAPE");
        assert!((got.mape_pct.unwrap() - 10.0).abs() < 1e-12);
        assert!((got.target_variance.unwrap() - total / 4.0).abs() < 1e-12);
    }

    #[test]
    fn a_target_of_exactly_the_limit_counts_for_mape() {
        let got = scores(&[(MAPE_TARGET_MIN, 2.0)]);
        assert_eq!((got.mape_rows, got.mape_pct), (1, Some(100.0)));
    }

    #[test]
    fn missing_is_counted_and_never_scored() {
        let got = scores(&[
            (1.0, 1.0),
            (2.0, f64::NAN),
            (3.0, f64::INFINITY),
            (f64::NAN, 4.0),
            (f64::NAN, f64::NAN),
        ]);
        assert_eq!(
            (got.rows, got.missing_predictions, got.missing_targets),
            (1, 2, 2)
        );
        assert_eq!(got.rmse, Some(0.0));
    }

    #[test]
    fn no_rows_no_scores() {
        let got = scores(&[(f64::NAN, 1.0)]);
        assert_eq!(
            (got.rows, got.rmse, got.mae, got.bias, got.r2, got.mape_pct),
            (0, None, None, None, None, None)
        );
        assert_eq!((got.target_mean, got.target_variance), (None, None));
    }

    #[test]
    fn equal_targets_have_no_r2_even_when_their_mean_is_rounded() {
        let pairs: Vec<(f64, f64)> = (0..7).map(|i| (0.1, f64::from(i))).collect();
        assert_eq!(scores(&pairs).r2, None);
    }

    #[test]
    fn skill_is_zero_for_the_same_and_null_against_perfection() {
        assert_eq!(skill(Some(2.0), Some(2.0)), Some(0.0));
        assert_eq!(skill(Some(1.0), Some(4.0)), Some(0.75));
        assert_eq!(skill(Some(1.0), Some(0.0)), None);
        assert_eq!(skill(None, Some(1.0)), None);
    }

    proptest! {
        #[test]
        fn every_pair_is_scored_or_counted(pairs in proptest::collection::vec((maybe(), maybe()), 0..60)) {
            let got = scores(&pairs);
            prop_assert_eq!(got.rows + got.missing_predictions + got.missing_targets, pairs.len() as u64);
        }

        #[test]
        fn predicting_the_mean_explains_nothing(targets in proptest::collection::vec(0.0..500.0f64, 2..60)) {
            let mean = targets.iter().sum::<f64>() / targets.len() as f64;
            let pairs: Vec<(f64, f64)> = targets.iter().map(|t| (*t, mean)).collect();
            let r2 = scores(&pairs).r2.unwrap_or(0.0);
            prop_assert!(r2.abs() < 1e-9);
        }
    }

    fn maybe() -> impl Strategy<Value = f64> {
        prop_oneof![4 => -10.0..500.0f64, 1 => Just(f64::NAN), 1 => Just(f64::NEG_INFINITY)]
    }
}
