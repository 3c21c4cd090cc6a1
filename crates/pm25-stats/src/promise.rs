//! Predictions that come as an interval or a quantile: how often they hold, how wide they are, what both cost together.
//!
//! It is not the maker of intervals (conformal calibration is a learner's business): it holds promises against targets.

/// Intervals held against targets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coverage {
    /// Intervals with a target.
    pub rows: u64,
    /// Share of targets with low <= target <= high.
    pub covered: Option<f64>,
    /// Share of targets below their interval.
    pub below: Option<f64>,
    /// Share of targets above their interval.
    pub above: Option<f64>,
    /// Mean of high - low, in the target's unit.
    pub mean_width: Option<f64>,
    /// Mean interval score (Winkler 1972; Gneiting and Raftery 2007, eq. 43): width, plus 2 / alpha times how far the
    /// target is outside. In the target's unit; smaller is better.
    pub winkler: Option<f64>,
}

/// Holds `(target, [low, high])` against the promise to cover 1 - `alpha` of the targets, 0 < alpha < 1.
#[must_use]
pub fn coverage(rows: &[(f64, [f64; 2])], alpha: f64) -> Coverage {
    let n = rows.len() as f64;
    let share = |is: fn(f64, [f64; 2]) -> bool| {
        let count = rows
            .iter()
            .filter(|(target, ends)| is(*target, *ends))
            .count();
        (!rows.is_empty()).then(|| count as f64 / n)
    };
    let mean = |term: &dyn Fn(f64, [f64; 2]) -> f64| {
        let sum: f64 = rows.iter().map(|(target, ends)| term(*target, *ends)).sum();
        (!rows.is_empty()).then(|| sum / n)
    };
    Coverage {
        rows: rows.len() as u64,
        covered: share(|target, [low, high]| low <= target && target <= high),
        below: share(|target, [low, _]| target < low),
        above: share(|target, [_, high]| high < target),
        mean_width: mean(&|_, [low, high]| high - low),
        winkler: mean(&|target, ends| interval_score(target, ends, alpha)),
    }
}

/// The interval score of one row; see [`Coverage::winkler`].
#[must_use]
pub fn interval_score(target: f64, [low, high]: [f64; 2], alpha: f64) -> f64 {
    let outside = (low - target).max(0.0) + (target - high).max(0.0);
    (high - low) + 2.0 / alpha * outside
}

/// Mean pinball loss of predictions of the quantile `share`, 0 < share < 1, from `(target, prediction)` pairs:
/// smallest, on average, where a `share` of the targets lies below. In the target's unit. `None` without rows.
#[must_use]
pub fn pinball(pairs: &[(f64, f64)], share: f64) -> Option<f64> {
    let loss = |(target, said): &(f64, f64)| {
        let over = target - said;
        (share * over).max((share - 1.0) * over)
    };
    (!pairs.is_empty()).then(|| pairs.iter().map(loss).sum::<f64>() / pairs.len() as f64)
}

/// The longest horizon, in hours, to which a forecast still says more than what it is compared with: the last of the
/// unbroken run, from the shortest horizon on, whose lower bound of skill is above 0. `(horizon_h, lower bound)` in
/// any order; an unknown bound ends the run. `None` where the shortest already says nothing.
#[must_use]
pub fn predictability_h(skill: &[(u16, Option<f64>)]) -> Option<u16> {
    let mut order = skill.to_vec();
    order.sort_by_key(|(horizon_h, _)| *horizon_h);
    order
        .iter()
        .take_while(|(_, low)| low.is_some_and(|low| 0.0 < low))
        .last()
        .map(|(horizon_h, _)| *horizon_h)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn four_intervals_by_hand() {
        let rows = [
            (10.0, [5.0, 15.0]),
            (15.0, [5.0, 15.0]),
            (3.0, [5.0, 15.0]),
            (19.0, [5.0, 15.0]),
        ];
        let got = coverage(&rows, 0.1);
        assert_eq!(
            (got.rows, got.covered),
            (4, Some(0.5)),
            "the ends belong to it"
        );
        assert_eq!((got.below, got.above), (Some(0.25), Some(0.25)));
        assert_eq!(got.mean_width, Some(10.0));
        assert!((got.winkler.unwrap() - (10.0 + 20.0 * 6.0 / 4.0)).abs() < 1e-12);
        assert_eq!(coverage(&[], 0.1).winkler, None);
    }

    #[test]
    fn pinball_by_hand() {
        // 4 above at 0.9: 3.6; 4 below at 0.9: 0.4.
        assert!((pinball(&[(14.0, 10.0), (6.0, 10.0)], 0.9).unwrap() - 2.0).abs() < 1e-12);
        assert_eq!(pinball(&[], 0.9), None);
    }

    #[test]
    fn a_gap_ends_the_predictable() {
        let skill = [
            (24, Some(0.1)),
            (1, Some(0.2)),
            (6, Some(0.05)),
            (48, Some(-0.01)),
            (72, Some(0.1)),
        ];
        assert_eq!(predictability_h(&skill), Some(24));
        assert_eq!(predictability_h(&[(1, Some(0.0))]), None);
        assert_eq!(
            predictability_h(&[(1, Some(0.1)), (2, None), (3, Some(0.1))]),
            Some(1)
        );
    }

    proptest! {
        #[test]
        fn the_interval_score_is_two_pinballs(target in -9.0..99.0f64, low in 0.0..50.0f64, width in 0.0..40.0f64) {
            // Gneiting and Raftery: the score is 2 / alpha times the sum of both ends' pinball losses.
            let alpha = 0.1;
            let ends = pinball(&[(target, low)], alpha / 2.0).unwrap()
                + pinball(&[(target, low + width)], 1.0 - alpha / 2.0).unwrap();
            let score = interval_score(target, [low, low + width], alpha);
            prop_assert!((score - 2.0 / alpha * ends).abs() < 1e-9);
        }
    }
}
