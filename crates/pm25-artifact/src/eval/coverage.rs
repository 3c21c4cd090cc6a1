//! Whether intervals hold, as an evaluation writes it down. Not the intervals themselves, which are in its predictions.

use pm25_stats::promise::Coverage;
use serde::{Deserialize, Serialize};

/// Whether intervals hold, overall and in parts.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CoverageReport {
    /// Share of targets that each interval promises to cover.
    pub promised: f64,
    /// All rows.
    pub overall: CoverageFact,
    /// All rows, had the intervals not followed what came true; absent where they did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed: Option<CoverageFact>,
    /// By month of the target's hour.
    pub month: Vec<CoverageSlice>,
    /// By local standard hour of the target's hour.
    pub hour: Vec<CoverageSlice>,
    /// By station.
    pub station: Vec<CoverageSlice>,
    /// By predicted level, since the target's own level is not known when an interval is given.
    pub predicted_level: Vec<CoverageSlice>,
}

/// [`Coverage`] as it is written down.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CoverageFact {
    /// Share of targets inside.
    pub covered: Option<f64>,
    /// Share below.
    pub below: Option<f64>,
    /// Share above.
    pub above: Option<f64>,
    /// Mean width, µg/m³.
    pub mean_width_ug_m3: Option<f64>,
    /// Mean interval score, µg/m³.
    pub winkler_ug_m3: Option<f64>,
    /// Rows.
    pub rows: u64,
}

impl From<Coverage> for CoverageFact {
    fn from(coverage: Coverage) -> Self {
        Self {
            covered: coverage.covered,
            below: coverage.below,
            above: coverage.above,
            mean_width_ug_m3: coverage.mean_width,
            winkler_ug_m3: coverage.winkler,
            rows: coverage.rows,
        }
    }
}

/// Coverage of one part.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CoverageSlice {
    /// Which part.
    pub name: String,
    /// Over its rows.
    pub coverage: CoverageFact,
}
