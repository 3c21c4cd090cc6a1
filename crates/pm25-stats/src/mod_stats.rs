//! The statistics by which air quality models are compared: openair's `modStats`.
//!
//! Definitions: Carslaw and Ropkins, openair (R), function `modStats`; COE and IOA after Legates and McCabe (2013) and
//! Willmott et al. (2012). It is not the judge of what is good, and a statistic that is not defined is `None`.

/// All of them over the pairs where both numbers are present.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ModStats {
    /// Pairs that were used.
    pub rows: u64,
    /// Share of pairs with 0.5 <= prediction / target <= 2. Pairs that are both 0 have no ratio and are left out; a
    /// target of 0 with another prediction is outside.
    pub fac2: Option<f64>,
    /// Mean bias, mean of prediction - target, in the target's unit.
    pub mb: Option<f64>,
    /// Mean gross error, mean of |prediction - target|, in the target's unit.
    pub mge: Option<f64>,
    /// Normalised mean bias: sum of errors / sum of targets. `None` where the targets sum to 0.
    pub nmb: Option<f64>,
    /// Normalised mean gross error: sum of |errors| / sum of targets. `None` where the targets sum to 0.
    pub nmge: Option<f64>,
    /// Root of the mean squared error, in the target's unit.
    pub rmse: Option<f64>,
    /// Pearson's correlation. `None` where either side is constant.
    pub r: Option<f64>,
    /// Coefficient of efficiency: 1 - sum |error| / sum |target - mean target|. 1 is perfect, 0 no better than the mean
    /// of the targets, no lower bound. `None` where all targets are equal.
    pub coe: Option<f64>,
    /// Index of agreement, -1 to 1. With E = sum |error| and D = 2 x sum |target - mean target|: 1 - E / D where
    /// E <= D, else D / E - 1. `None` where both are 0.
    pub ioa: Option<f64>,
}

/// Computes all of them from `(target, prediction)` pairs, summing in the order given.
#[must_use]
pub fn mod_stats(pairs: &[(f64, f64)]) -> ModStats {
    let pairs: Vec<(f64, f64)> = pairs
        .iter()
        .copied()
        .filter(|(target, said)| target.is_finite() && said.is_finite())
        .collect();
    let n = pairs.len() as f64;
    let total = |term: &dyn Fn(f64, f64) -> f64| -> f64 {
        pairs
            .iter()
            .map(|(target, said)| term(*target, *said))
            .sum()
    };
    let some = |value: f64| (!pairs.is_empty() && value.is_finite()).then_some(value);
    let (error, gross) = (total(&|t, p| p - t), total(&|t, p| (p - t).abs()));
    let targets = total(&|t, _| t);
    // The mean of equal targets may differ from them by a rounding.
    let away = if is_constant(pairs.iter().map(|pair| pair.0)) {
        0.0
    } else {
        total(&|t, _| (t - targets / n).abs())
    };
    ModStats {
        rows: pairs.len() as u64,
        fac2: fac2(&pairs),
        mb: some(error / n),
        mge: some(gross / n),
        nmb: some(error / targets),
        nmge: some(gross / targets),
        rmse: some((total(&|t, p| (p - t) * (p - t)) / n).sqrt()),
        r: correlation(&pairs),
        coe: some(1.0 - gross / away),
        ioa: ioa(gross, 2.0 * away),
    }
}

/// Pearson's correlation of pairs of finite numbers; `None` where either side is constant.
#[must_use]
pub fn correlation(pairs: &[(f64, f64)]) -> Option<f64> {
    if is_constant(pairs.iter().map(|pair| pair.0)) || is_constant(pairs.iter().map(|pair| pair.1))
    {
        return None;
    }
    let n = pairs.len() as f64;
    let mean_a = pairs.iter().map(|pair| pair.0).sum::<f64>() / n;
    let mean_b = pairs.iter().map(|pair| pair.1).sum::<f64>() / n;
    let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
    for (a, b) in pairs {
        let (a, b) = (a - mean_a, b - mean_b);
        aa += a * a;
        bb += b * b;
        ab += a * b;
    }
    let r = ab / (aa.sqrt() * bb.sqrt());
    // Rounding may carry a perfect correlation beyond its bound.
    r.is_finite().then(|| r.clamp(-1.0, 1.0))
}

fn fac2(pairs: &[(f64, f64)]) -> Option<f64> {
    let ratios = pairs.iter().map(|(target, said)| said / target);
    let ratios: Vec<f64> = ratios.filter(|ratio| !ratio.is_nan()).collect();
    let inside = ratios.iter().filter(|ratio| (0.5..=2.0).contains(*ratio));
    let inside = inside.count() as f64;
    (!ratios.is_empty()).then(|| inside / ratios.len() as f64)
}

fn ioa(error: f64, spread: f64) -> Option<f64> {
    let value = if error <= spread {
        1.0 - error / spread
    } else {
        spread / error - 1.0
    };
    value.is_finite().then_some(value)
}

fn is_constant(mut values: impl Iterator<Item = f64>) -> bool {
    match values.next() {
        None => true,
        Some(first) => values.all(|value| value == first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn five_pairs_by_hand() {
        // Errors 2 -5 0 10 -3: sum 4, gross 20. Targets 10 20 30 40 0: sum 100, mean 20, spread 10+0+10+20+20 = 60.
        let pairs = [
            (10.0, 12.0),
            (20.0, 15.0),
            (30.0, 30.0),
            (40.0, 50.0),
            (0.0, -3.0),
        ];
        let got = mod_stats(&pairs);
        assert_eq!(got.rows, 5);
        assert_eq!(got.fac2, Some(0.8), "-3 / 0 is outside");
        assert_eq!((got.mb, got.mge), (Some(0.8), Some(4.0)));
        assert_eq!((got.nmb, got.nmge), (Some(0.04), Some(0.2)));
        assert_eq!(got.rmse, Some((138.0f64 / 5.0).sqrt()));
        assert!((got.coe.unwrap() - (1.0 - 20.0 / 60.0)).abs() < 1e-15);
        assert!((got.ioa.unwrap() - (1.0 - 20.0 / 120.0)).abs() < 1e-15);
        // numpy.corrcoef of the ten numbers.
        assert!(
            (got.r.unwrap() - 0.975_803_372_584_349).abs() < 1e-12,
            "{:?}",
            got.r
        );
    }

    #[test]
    fn the_edges_of_fac2_count_and_no_ratio_is_left_out() {
        let got = mod_stats(&[
            (10.0, 5.0),
            (10.0, 20.0),
            (0.0, 0.0),
            (10.0, 20.1),
            (-4.0, -4.0),
        ]);
        assert_eq!(got.fac2, Some(0.75));
        assert_eq!(mod_stats(&[(0.0, 0.0)]).fac2, None);
    }

    #[test]
    fn a_bad_model_has_an_index_of_agreement_below_zero() {
        // Gross error 40, twice the spread 20: 20 / 40 - 1.
        let got = mod_stats(&[(0.0, 20.0), (10.0, -10.0)]);
        assert_eq!((got.ioa, got.coe), (Some(-0.5), Some(-3.0)));
    }

    #[test]
    fn what_is_not_defined_is_none() {
        let nothing = mod_stats(&[(f64::NAN, 1.0), (1.0, f64::INFINITY)]);
        assert_eq!(
            (nothing.rows, nothing.mb, nothing.fac2, nothing.ioa),
            (0, None, None, None)
        );
        let constant = mod_stats(&[(0.1, 0.1), (0.1, 0.1), (0.1, 0.1)]);
        assert_eq!((constant.r, constant.coe, constant.ioa), (None, None, None));
        let cancel = mod_stats(&[(-1.0, 0.0), (1.0, 0.0)]);
        assert_eq!((cancel.nmb, cancel.nmge), (None, None));
    }

    proptest! {
        #[test]
        fn bounds_hold(pairs in proptest::collection::vec((0.0..500.0f64, 0.0..500.0f64), 1..40)) {
            let got = mod_stats(&pairs);
            prop_assert!(got.ioa.is_none_or(|ioa| (-1.0..=1.0).contains(&ioa)));
            prop_assert!(got.coe.is_none_or(|coe| coe <= 1.0));
            prop_assert!(got.r.is_none_or(|r| r.abs() <= 1.0));
            prop_assert!(got.mge <= got.rmse.map(|rmse| rmse * (1.0 + 1e-12)));
        }
    }
}
