//! Lines above which a prediction is a warning, chosen on rows that the model had not seen.
//!
//! A model that is right on average says the extremes too rarely, so the line of the most useful warnings lies below the
//! threshold. Not a probability, and not the interval: those are in `intervals`.

use serde::{Deserialize, Serialize};

use super::WarningCosts;

/// Thresholds that lines are chosen for, µg/m³: the ends of China's daily classes up to "heavily polluted", and 250.
pub const THRESHOLDS_UG_M3: [f64; 5] = [35.0, 75.0, 115.0, 150.0, 250.0];
/// More lines than any model of ours has.
const N_LINES_MAX: usize = 1000;

/// Lines of the largest critical success index (CSI) out of fold, for one threshold.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WarningLine {
    /// Truths above it are events, µg/m³.
    pub threshold_ug_m3: f64,
    /// Predictions of the model above it warn, µg/m³.
    pub line_ug_m3: f64,
    /// The same for the ridge that travels with it.
    pub linear_line_ug_m3: f64,
    /// The same for persistence, on the rows that have it.
    pub persistence_line_ug_m3: f64,
    /// CSI of the model's line on the rows it was chosen on.
    pub csi: f64,
    /// Events among these rows.
    pub events: u64,
    /// How many rows.
    pub rows: u64,
    /// Lines by what a warning costs; absent in models of before there were any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub costs: Option<WarningCosts>,
}

pub(super) fn check(lines: &[WarningLine]) -> Result<(), String> {
    let rising = lines.is_sorted_by(|a, b| a.threshold_ug_m3 < b.threshold_ug_m3);
    if !rising || N_LINES_MAX < lines.len() {
        return Err("thresholds of its warnings do not rise".to_owned());
    }
    let mut costs = lines.iter().filter_map(|line| line.costs.as_ref());
    costs.try_for_each(WarningCosts::check)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_rise() {
        let line = |threshold_ug_m3| WarningLine {
            threshold_ug_m3,
            line_ug_m3: 1.0,
            linear_line_ug_m3: 1.0,
            persistence_line_ug_m3: 1.0,
            csi: 0.3,
            events: 1,
            rows: 9,
            costs: None,
        };
        assert_eq!(check(&THRESHOLDS_UG_M3.map(line)), Ok(()));
        assert!(check(&[line(75.0), line(75.0)]).is_err());
        assert!(check(&vec![line(1.0); 1001]).is_err());
    }
}
