//! Lines for warnings by what a warning costs, chosen on rows that the model had not seen.
//!
//! Whoever asks says the cost when he asks; what is kept is the line of the smallest loss out of fold for every cost
//! (see `pm25_stats::cheap`), so nothing has to be chosen on rows that the model was fitted on. Not the lines of the
//! largest CSI: those are in [`super::warning`].

use pm25_stats::cheap::{self, CostLine};
use serde::{Deserialize, Serialize};

/// More lines than a hull of ours has.
const N_LINES_MAX: usize = 10_000;

/// Lines of the model, of the ridge that travels with it, and of persistence on the rows that have it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WarningCosts {
    /// `[below_cost, line in µg/m³]`: the line of the smallest loss where a warning costs less than `below_cost` of a
    /// missed event and not less than the next has; by falling cost, from 1.
    pub model: Vec<[f64; 2]>,
    /// The same for the ridge.
    pub linear: Vec<[f64; 2]>,
    /// The same for persistence; empty where it never had an event.
    pub persistence: Vec<[f64; 2]>,
}

impl WarningCosts {
    /// Of `(target, prediction)` pairs: of the model, of the ridge and of persistence. None where the model had no event.
    pub fn of(
        [model, linear, persistence]: [&[(f64, f64)]; 3],
        threshold_ug_m3: f64,
    ) -> Option<Self> {
        let lines = |pairs| -> Vec<[f64; 2]> {
            let lines = cheap::cost_lines(pairs, threshold_ug_m3).into_iter();
            lines.map(|it| [it.below_cost, it.line]).collect()
        };
        let costs = Self {
            model: lines(model),
            linear: lines(linear),
            persistence: lines(persistence),
        };
        (!costs.model.is_empty()).then_some(costs)
    }

    pub(super) fn check(&self) -> Result<(), String> {
        for lines in [&self.model, &self.linear, &self.persistence] {
            let falls = lines.is_sorted_by(|a, b| a[0] > b[0]);
            let good = lines.iter().all(|[cost, _]| (0.0..=1.0).contains(cost));
            if !falls || !good || N_LINES_MAX < lines.len() {
                return Err("costs of its warnings do not fall from 1 to 0".to_owned());
            }
        }
        Ok(())
    }
}

/// The line for warnings of such a cost, µg/m³; none where there are no lines, or the cost is not from 0 to below 1.
pub fn line_at(lines: &[[f64; 2]], cost: f64) -> Option<f64> {
    let lines = lines.iter();
    let lines = lines.map(|&[below_cost, line]| CostLine { below_cost, line });
    cheap::line_at(lines, cost)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_by_cost_and_hostile_ones_are_refused() {
        let pairs = [(200.0, 160.0), (10.0, 120.0), (180.0, 90.0), (20.0, 30.0)];
        let costs = WarningCosts::of([&pairs, &pairs, &[]], 150.0).unwrap();
        assert_eq!(costs.check(), Ok(()));
        assert_eq!(line_at(&costs.model, 0.9), Some(140.0));
        assert_eq!(line_at(&costs.model, 0.2), Some(60.0));
        assert_eq!(line_at(&costs.persistence, 0.2), None);
        assert_eq!(WarningCosts::of([&pairs[3..], &pairs, &pairs], 150.0), None);
        for bad in [
            vec![[0.5, 1.0], [0.6, 1.0]],
            vec![[1.5, 1.0]],
            vec![[f64::NAN, 1.0]],
        ] {
            let bad = WarningCosts {
                linear: bad,
                ..costs.clone()
            };
            assert!(bad.check().is_err(), "{bad:?}");
        }
    }
}
