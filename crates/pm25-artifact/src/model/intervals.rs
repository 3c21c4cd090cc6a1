//! Intervals around predictions: how far the truth lay from predictions of about this size, out of fold.
//!
//! Split conformal prediction by level (Vovk's Mondrian taxonomy): predictions are sorted into levels, and within each
//! the errors of rows that the model had not seen give the two ends. Not a probability model: no shape is
//! assumed, only that errors to come are like those of the calibration rows of the same level.

use serde::{Deserialize, Serialize};

/// More levels than any model of ours has.
const N_LEVELS_MAX: usize = 1000;

/// How far truths lie from predictions.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Intervals {
    /// The share of truths that shall lie inside, between 0 and 1; 0.9 for `lower_90_ug_m3` and `upper_90_ug_m3`.
    pub coverage: f64,
    /// Rows that they were calibrated on; none of them was learned from by the model that predicted it.
    pub rows: u64,
    /// By the prediction, rising.
    pub levels: Vec<IntervalLevel>,
}

/// Predictions of one size.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct IntervalLevel {
    /// The level holds predictions below this, µg/m³; none for the highest, which has no end.
    pub below_ug_m3: Option<f64>,
    /// Added to the prediction: the lower end, µg/m³.
    pub lower_ug_m3: f64,
    /// Added to the prediction: the upper end, µg/m³.
    pub upper_ug_m3: f64,
}

impl Intervals {
    /// Lower and upper end for each prediction, µg/m³. A concentration is not below 0, so the lower end is not either,
    /// unless the prediction is.
    pub fn around(&self, predictions: &[f64]) -> Vec<[f64; 2]> {
        predictions.iter().map(|&p| self.around_one(p)).collect()
    }

    fn around_one(&self, prediction: f64) -> [f64; 2] {
        let level_idx = self
            .levels
            .partition_point(|level| level.below_ug_m3.is_some_and(|below| below <= prediction));
        let level = self.levels[level_idx];
        [
            (prediction + level.lower_ug_m3).max(prediction.min(0.0)),
            prediction + level.upper_ug_m3,
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
        let ordered = self
            .levels
            .iter()
            .all(|level| level.lower_ug_m3 <= level.upper_ug_m3);
        if !rising || last.below_ug_m3.is_some() || !ordered {
            return Err("the levels of its intervals do not rise to an open end".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intervals() -> Intervals {
        let level = |below_ug_m3, lower_ug_m3, upper_ug_m3| IntervalLevel {
            below_ug_m3,
            lower_ug_m3,
            upper_ug_m3,
        };
        Intervals {
            coverage: 0.9,
            rows: 100,
            levels: vec![level(Some(20.0), -15.0, 30.0), level(None, -40.0, 50.0)],
        }
    }

    #[test]
    fn a_prediction_has_the_ends_of_its_level() {
        let ends = intervals().around(&[19.9, 20.0, 10.0, -3.0]);
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
        assert!(bad(&|i| i.levels[0].upper_ug_m3 = -16.0).contains("rise"));
        assert!(bad(&|i| i.coverage = 1.0).contains("coverage"));
    }
}
