//! Whether one prediction is better than another beyond luck: Diebold and Mariano's test on hourly differences.
//!
//! Errors of stations in the same hour share their weather, so an hour counts once: what is tested is the mean over
//! stations of (loss of one - loss of the other). It is not a measure of how much better: that is the difference of
//! scores, with its block-bootstrap interval ([`crate::blocks`]).

use crate::student::two_sided;

/// The outcome of the test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DieboldMariano {
    /// Hours with a difference.
    pub hours: u64,
    /// Lags of the variance estimate: horizon - 1, at least 0.
    pub lags: u16,
    /// Mean over the hours; below 0 the first is better.
    pub mean_difference: f64,
    /// The statistic with the correction of Harvey, Leybourne and Newbold (1997).
    pub statistic: f64,
    /// Two-sided, from Student's law with hours - 1 degrees of freedom.
    pub p_value: f64,
}

/// Tests hourly differences of loss (first - second) on a grid of hours; NaN = an hour without rows.
///
/// Errors of forecasts h hours ahead overlap over h - 1 hours; the long-run variance is Newey and West's (1987) with
/// weights 1 - k / h for the lags k < h, which is never negative. Pairs with a missing hour leave their lag's sum.
/// `None` for fewer than h + 2 hours, or where the differences do not vary.
#[must_use]
pub fn diebold_mariano(differences: &[f64], horizon_h: u16) -> Option<DieboldMariano> {
    let present = differences.iter().filter(|d| d.is_finite());
    let n = present.clone().count();
    let h = usize::from(horizon_h.max(1));
    if n < h + 2 {
        return None;
    }
    let n_f = n as f64;
    let mean = present.sum::<f64>() / n_f;
    // A missing hour adds nothing to any lag.
    let centred: Vec<f64> = differences
        .iter()
        .map(|d| if d.is_finite() { d - mean } else { 0.0 })
        .collect();
    let covariance = |lag: usize| {
        let pairs = centred.iter().zip(&centred[lag.min(centred.len())..]);
        pairs.map(|(a, b)| a * b).sum::<f64>() / n_f
    };
    let later: f64 = (1..h)
        .map(|lag| (1.0 - lag as f64 / h as f64) * covariance(lag))
        .sum();
    let variance = (covariance(0) + 2.0 * later) / n_f;
    let h_f = h as f64;
    let correction = (n_f + 1.0 - 2.0 * h_f + h_f * (h_f - 1.0) / n_f) / n_f;
    let statistic = mean / variance.sqrt() * correction.sqrt();
    statistic.is_finite().then(|| DieboldMariano {
        hours: n as u64,
        lags: horizon_h.max(1) - 1,
        mean_difference: mean,
        statistic,
        p_value: two_sided(statistic, n_f - 1.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::Chance;
    use proptest::prelude::*;

    #[test]
    fn one_hour_ahead_it_is_the_t_test() {
        // scipy.stats.ttest_1samp([1, 2, 3, 4, 10], 0) = 2.5298221281347035, p 0.06467689395635304:
        // the population variance
        // of the estimate times the correction (n - 1) / n is the sample variance's.
        let got = diebold_mariano(&[1.0, 2.0, 3.0, 4.0, 10.0], 1).unwrap();
        assert_eq!((got.hours, got.lags, got.mean_difference), (5, 0, 4.0));
        assert!(
            (got.statistic - 2.529_822_128_134_703_5).abs() < 1e-12,
            "{got:?}"
        );
        assert!((got.p_value - 0.064_676_893_956).abs() < 1e-11, "{got:?}");
    }

    #[test]
    fn lags_widen_the_doubt_about_episodes() {
        let episodes: Vec<f64> = (0..600)
            .map(|hour| if hour / 30 % 2 == 0 { 1.0 } else { -0.8 })
            .collect();
        let at = |h| diebold_mariano(&episodes, h).unwrap().statistic;
        assert!(at(24) < 0.4 * at(1), "{} {}", at(24), at(1));
    }

    #[test]
    fn a_hole_is_not_a_zero() {
        let all = [1.0, -2.0, 3.0, 0.5, 2.0, -1.0, 1.5];
        let mut holed = all.to_vec();
        holed.insert(3, f64::NAN);
        let (a, b) = (
            diebold_mariano(&all, 1).unwrap(),
            diebold_mariano(&holed, 1).unwrap(),
        );
        assert_eq!(a, b);
        assert_ne!(
            diebold_mariano(&all, 2),
            diebold_mariano(&holed, 2),
            "neighbours are no longer"
        );
    }

    #[test]
    fn nothing_to_test_is_none() {
        assert_eq!(diebold_mariano(&[1.0, 2.0], 1), None);
        assert_eq!(diebold_mariano(&[0.0; 50], 1), None);
        assert_eq!(diebold_mariano(&[2.0; 50], 24), None);
        assert_eq!(diebold_mariano(&[f64::NAN; 50], 1), None);
        assert!(diebold_mariano(&(0..26).map(f64::from).collect::<Vec<_>>(), 24).is_some());
    }

    #[test]
    fn equal_forecasts_are_refused_as_often_as_promised() {
        // 2000 records of 60 independent differences around 0: p < 0.05 in one of twenty.
        let chance = Chance::new(3);
        let draw = |n: usize| chance.below(n, 2_000_001) as f64 / 1e6 - 1.0;
        let refused = (0..2000).filter(|record| {
            let record: Vec<f64> = (0..60).map(|hour| draw(record * 60 + hour)).collect();
            diebold_mariano(&record, 1).unwrap().p_value < 0.05
        });
        let refused = refused.count();
        assert!((70..=130).contains(&refused), "{refused}");
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_definition(values in proptest::collection::vec(-5.0..5.0f64, 30..80), h in 1..8u16) {
            let (n, mean) = (values.len(), values.iter().sum::<f64>() / values.len() as f64);
            let mut long_run = 0.0;
            for i in 0..n {
                for j in 0..n {
                    let lag = i.abs_diff(j);
                    if lag < usize::from(h) {
                        long_run += (1.0 - lag as f64 / f64::from(h)) * (values[i] - mean) * (values[j] - mean);
                    }
                }
            }
            let (n, h_f) = (n as f64, f64::from(h));
            let expected = mean / (long_run / n / n).sqrt()
                * ((n + 1.0 - 2.0 * h_f + h_f * (h_f - 1.0) / n) / n).sqrt();
            let got = diebold_mariano(&values, h).unwrap();
            prop_assert!((got.statistic - expected).abs() <= 1e-9 * expected.abs().max(1.0));
            let other: Vec<f64> = values.iter().map(|v| -v).collect();
            prop_assert!((diebold_mariano(&other, h).unwrap().statistic + got.statistic).abs() < 1e-9);
        }
    }
}
