//! Intervals around predictions: how far the truth lay from predictions of about this size, out of fold.
//!
//! Split conformal prediction by level (Vovk's Mondrian taxonomy): predictions are sorted into levels, and within each
//! the errors of rows that the model had not seen give the two ends. Not a probability model: no shape is
//! assumed, only that errors to come are like those of the calibration rows of the same level.

use serde::{Deserialize, Serialize};

/// More levels than any model of ours has.
const N_LEVELS_MAX: usize = 1000;

/// More errors than any level of ours has.
const N_ERRORS_MAX: usize = 10_000;

/// How far truths lie from predictions.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Intervals {
    /// The share of truths that shall lie inside, between 0 and 1; 0.9 for `lower_90_ug_m3` and `upper_90_ug_m3`.
    pub coverage: f64,
    /// Rows that they were calibrated on; none of them was learned from by the model that predicted it.
    pub rows: u64,
    /// What levels are told apart by, and what their ends are measured in.
    #[serde(default, skip_serializing_if = "Measure::is_ug_m3")]
    pub measure: Measure,
    /// Rising.
    pub levels: Vec<IntervalLevel>,
}

/// What levels are told apart by, and what their ends are measured in.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Levels of the prediction, ends in µg/m³.
    #[default]
    UgM3,
    /// Levels of the spread that the model expects, ends in multiples of it.
    Spread,
    /// Levels of half the width between the quantiles that the model expects, ends in multiples of it and counted from the
    /// middle between them; errors are still those of the prediction.
    Heads,
}

impl Measure {
    /// What decides a row's level, and the unit of its ends, both in µg/m³.
    pub fn place(self, said: Said) -> (f64, f64) {
        match self {
            Self::UgM3 => (said.prediction_ug_m3, 1.0),
            Self::Spread | Self::Heads => (said.spread_ug_m3, said.spread_ug_m3),
        }
    }

    fn is_ug_m3(&self) -> bool {
        *self == Self::UgM3
    }
}

/// A prediction, and how far off the model expects it to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Said {
    /// µg/m³.
    pub prediction_ug_m3: f64,
    /// What ends are counted from, µg/m³: the prediction, or the middle between two quantiles that are expected.
    pub centre_ug_m3: f64,
    /// Mean absolute error that is expected, or half the width between the quantiles, µg/m³, above 0; NaN from a model that
    /// expects none.
    pub spread_ug_m3: f64,
}

/// Predictions that are alike.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct IntervalLevel {
    /// The level holds what is below this, µg/m³; none for the highest, which has no end.
    pub below_ug_m3: Option<f64>,
    /// Added to the centre: the lower end, see [`Measure`].
    #[serde(alias = "lower_ug_m3")]
    pub lower: f64,
    /// Added to the centre: the upper end, see [`Measure`].
    #[serde(alias = "upper_ug_m3")]
    pub upper: f64,
    /// Errors (truth less prediction, see [`Measure`]) that stand for equal shares of the level's, rising; empty in a file
    /// from before there were any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<f64>,
}

impl Intervals {
    /// Lower and upper end for each prediction, µg/m³, with the prediction between them. A concentration is not below 0, so
    /// the lower end is not either, unless the prediction is.
    pub fn around(&self, said: &[Said]) -> Vec<[f64; 2]> {
        said.iter().map(|&said| self.around_one(said)).collect()
    }

    /// As [`Intervals::around`].
    pub fn around_one(&self, said: Said) -> [f64; 2] {
        Self::possible(said, self.base(said))
    }

    /// Both ends as they were calibrated, also where the lower one is no possible concentration or the prediction is not
    /// between them.
    pub fn base(&self, said: Said) -> [f64; 2] {
        let (place, unit) = self.measure.place(said);
        let level = self.level(place);
        [level.lower, level.upper].map(|end| said.centre_ug_m3 + end * unit)
    }

    /// The probability, 0 to 1, that the truth is above a threshold, µg/m³: the share of the level's errors that would carry
    /// it there. Beyond the outermost errors what is left, half of one of them, falls off exponentially, with the mean excess
    /// of the outer tenth as its scale. None where the file does not know errors.
    pub fn exceedance(&self, said: Said, threshold_ug_m3: f64) -> Option<f64> {
        let (place, unit) = self.measure.place(said);
        let errors = &self.level(place).errors;
        let least = (threshold_ug_m3 - said.prediction_ug_m3) / unit;
        let last = errors.len().checked_sub(1)?;
        let n = errors.len() as f64;
        // Each error stands in the middle of its share.
        let passed = match errors.partition_point(|error| *error <= least) {
            0 => 0.5 * beyond(errors[0] - least, errors.iter().copied()),
            all if last < all => {
                let outwards = errors.iter().rev().map(|error| -error);
                n - 0.5 * beyond(least - errors[last], outwards)
            }
            at => {
                let [below, above] = [errors[at - 1], errors[at]];
                at as f64 - 0.5 + (least - below) / (above - below)
            }
        };
        Some(1.0 - passed / n)
    }

    /// The probability of each stretch between rising edges, µg/m³, from what is not above the first to what is above the
    /// last: one more than there are edges, together 1. None where the file does not know errors.
    pub fn shares(&self, said: Said, edges_ug_m3: &[f64]) -> Option<Vec<f64>> {
        let above = edges_ug_m3.iter().map(|edge| self.exceedance(said, *edge));
        let above: Vec<f64> = above.collect::<Option<_>>()?;
        let from = [1.0].into_iter().chain(above.iter().copied());
        let until = above.iter().copied().chain([0.0]);
        Some(from.zip(until).map(|(from, until)| from - until).collect())
    }

    fn level(&self, place: f64) -> &IntervalLevel {
        let level_idx = self
            .levels
            .partition_point(|level| level.below_ug_m3.is_some_and(|below| below <= place));
        &self.levels[level_idx]
    }

    /// The ends with the prediction between them and the lower one not below 0, unless the prediction is.
    pub(super) fn possible(said: Said, [lower, upper]: [f64; 2]) -> [f64; 2] {
        let prediction = said.prediction_ug_m3;
        [
            lower.min(prediction).max(prediction.min(0.0)),
            upper.max(prediction),
        ]
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let n_levels = self.levels.len();
        if n_levels == 0 || N_LEVELS_MAX < n_levels {
            return Err(format!("intervals have {n_levels} levels"));
        }
        if !(0.0 < self.coverage && self.coverage < 1.0) {
            return Err(format!("{} is no coverage", self.coverage));
        }
        let (last, others) = self.levels.split_last().expect("it has been counted");
        let edges: Option<Vec<f64>> = others.iter().map(|level| level.below_ug_m3).collect();
        let rising = edges.is_some_and(|edges| edges.is_sorted_by(|a, b| a < b));
        let ordered = self.levels.iter().all(|level| level.lower <= level.upper);
        let sorted = |level: &IntervalLevel| {
            level.errors.len() <= N_ERRORS_MAX
                && level.errors.iter().all(|error| error.is_finite())
                && level.errors.is_sorted()
        };
        if !self.levels.iter().all(sorted) {
            return Err("the errors of its intervals do not rise".to_owned());
        }
        if !rising || last.below_ug_m3.is_some() || !ordered {
            return Err("the levels of its intervals do not rise to an open end".to_owned());
        }
        Ok(())
    }
}

/// What is left of a tail at this distance beyond the outermost error. `errors` rise from the outermost on; the mean distance
/// of its outer tenth from the innermost of that tenth is the scale.
fn beyond(distance: f64, errors: impl ExactSizeIterator<Item = f64> + Clone) -> f64 {
    let n_outer = errors.len().div_ceil(10) + 1;
    let outer = errors.take(n_outer);
    let inner = outer.clone().last().unwrap_or(0.0);
    let n_apart = (n_outer - 1) as f64;
    let scale = outer.map(|error| inner - error).sum::<f64>() / n_apart;
    match 0.0 < scale {
        true => libm::exp(-distance / scale),
        false if 0.0 < distance => 0.0,
        false => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intervals() -> Intervals {
        let level = |below_ug_m3, lower, upper| IntervalLevel {
            below_ug_m3,
            lower,
            upper,
            errors: Vec::new(),
        };
        Intervals {
            coverage: 0.9,
            rows: 100,
            measure: Measure::UgM3,
            levels: vec![level(Some(20.0), -15.0, 30.0), level(None, -40.0, 50.0)],
        }
    }

    fn plain(prediction_ug_m3: f64) -> Said {
        Said::plain(prediction_ug_m3)
    }

    #[test]
    fn a_spread_chooses_the_level_and_stretches_its_ends() {
        let intervals = Intervals {
            measure: Measure::Spread,
            ..intervals()
        };
        let said = Said::of_error(500.0, 2.0);
        assert_eq!(intervals.around_one(said), [470.0, 560.0]);
    }

    #[test]
    fn ends_between_heads_are_counted_from_their_middle_and_hold_the_prediction() {
        let intervals = Intervals {
            measure: Measure::Heads,
            levels: vec![IntervalLevel {
                below_ug_m3: None,
                lower: -1.5,
                upper: 1.25,
                errors: vec![-1.0, 1.0],
            }],
            ..intervals()
        };
        let said = |prediction| Said::of_ends(prediction, [20.0, 60.0]);
        assert_eq!(intervals.around_one(said(30.0)), [10.0, 65.0]);
        // What is said of errors is still said of the prediction's.
        assert_eq!(intervals.exceedance(said(30.0), 30.0), Some(0.5));
        assert_eq!(intervals.around_one(said(5.0)), [5.0, 65.0]);
        assert_eq!(intervals.around_one(said(70.0)), [10.0, 70.0]);
        assert_eq!(intervals.around_one(said(-2.0)), [-2.0, 65.0]);
        assert_eq!(intervals.base(said(70.0)), [10.0, 65.0], "as calibrated");
        let low = Said::of_ends(10.0, [1.0, 21.0]);
        assert_eq!(intervals.around_one(low), [0.0, 23.5]);
    }

    #[test]
    fn a_probability_is_the_share_of_errors_that_carry_there() {
        let mut known = intervals();
        known.levels[0].errors = vec![-10.0, 0.0, 10.0, 30.0];
        let above = |threshold| known.exceedance(plain(10.0), threshold).unwrap();
        assert_eq!(
            [0.0, 10.0, 20.0, 40.0].map(above),
            [0.875, 0.625, 0.375, 0.125]
        );
        assert_eq!(above(15.0), 0.5);
        // Beyond: half an error that falls off by e each 20 µg/m³ above, each 10 below.
        assert!((above(60.0) - 0.125 * libm::exp(-1.0)).abs() < 1e-12);
        assert!((above(-5.0) - 1.0 + 0.125 * libm::exp(-0.5)).abs() < 1e-12);
        assert!(0.0 < above(500.0) && above(500.0) < 1e-9);
        assert_eq!(
            known.exceedance(plain(20.0), 30.0),
            None,
            "no errors are known of the level above"
        );
        assert_eq!(
            known.shares(plain(10.0), &[0.0, 10.0, 40.0]),
            Some(vec![0.125, 0.25, 0.5, 0.125])
        );
        known.measure = Measure::Spread;
        let said = Said::of_error(10.0, 2.0);
        assert_eq!(known.exceedance(said, 30.0), Some(0.375));
    }

    #[test]
    fn a_worse_band_far_away_is_less_likely_than_one_before_it() {
        let mut known = intervals();
        known.levels[0].errors = (0..100).map(|n| f64::from(n) - 50.0).collect();
        let shares = known.shares(plain(10.0), &[9.0, 35.0, 55.0, 125.0, 225.0]);
        let shares = shares.unwrap();
        assert!(shares[2..].is_sorted_by(|a, b| a > b), "{shares:?}");
        assert!(0.0 < shares[5]);
        known.levels[0].errors = vec![3.0];
        assert_eq!(known.exceedance(plain(10.0), 13.0), Some(0.5));
        assert_eq!(
            known.exceedance(plain(10.0), 13.1),
            Some(0.0),
            "nothing is known of a tail"
        );
    }

    #[test]
    fn levels_written_before_there_was_a_spread_are_read() {
        let old = r#"{"coverage":0.9,"rows":7,"levels":[{"below_ug_m3":null,"lower_ug_m3":-1.0,"upper_ug_m3":2.0}]}"#;
        let read: Intervals = serde_json::from_str(old).unwrap();
        assert_eq!(read.around_one(plain(10.0)), [9.0, 12.0]);
    }

    #[test]
    fn a_prediction_has_the_ends_of_its_level() {
        let ends = intervals().around(&[19.9, 20.0, 10.0, -3.0].map(plain));
        assert_eq!(ends[0], [19.9 - 15.0, 19.9 + 30.0]);
        assert_eq!(ends[1], [0.0, 70.0]);
        assert_eq!(ends[2], [0.0, 40.0]);
        assert_eq!(ends[3], [-3.0, 27.0]);
    }

    #[test]
    fn impossible_levels_are_refused() {
        assert_eq!(intervals().check(), Ok(()));
        let bad = |change: &dyn Fn(&mut Intervals)| {
            let mut bad = intervals();
            change(&mut bad);
            bad.check().unwrap_err()
        };
        assert!(bad(&|i| i.levels.clear()).contains("0 levels"));
        assert!(bad(&|i| i.levels[1].below_ug_m3 = Some(30.0)).contains("open end"));
        assert!(bad(&|i| i.levels[0].below_ug_m3 = None).contains("open end"));
        assert!(bad(&|i| i.levels[0].upper = -16.0).contains("rise"));
        assert!(bad(&|i| i.levels[1].errors = vec![2.0, 1.0]).contains("do not rise"));
        assert!(bad(&|i| i.coverage = 1.0).contains("coverage"));
    }
}
