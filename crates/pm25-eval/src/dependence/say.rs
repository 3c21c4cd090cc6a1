//! The report as it is said on standard output: how far each column moves the prediction.

use std::fmt;

use pm25_artifact::dependence::{Curve, DependenceReport};
use serde::{Serialize, Serializer};

/// A report to be said.
pub(crate) struct Said<'a>(pub(crate) &'a DependenceReport);

impl Serialize for Said<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.0;
        writeln!(
            f,
            "{:<34}{:>12}{:>14}{:>14}",
            "column", "moves µg/m³", "lowest at", "highest at"
        )?;
        for curve in &report.curves {
            let [low, high] = ends(curve);
            let moved = high.1 - low.1;
            writeln!(
                f,
                "{:<34}{moved:>12.1}{:>14.2}{:>14.2}",
                curve.column, low.0, high.0
            )?;
        }
        for surface in &report.surfaces {
            let all = || surface.mean_ug_m3.iter().flatten().copied();
            let moved =
                all().fold(f64::NEG_INFINITY, f64::max) - all().fold(f64::INFINITY, f64::min);
            writeln!(f, "{:<34}{moved:>12.1}", surface.columns.join(" and "))?;
        }
        write!(f, "means over {} rows", report.rows)
    }
}

/// Value and mean of the lowest and of the highest point.
fn ends(curve: &Curve) -> [(f64, f64); 2] {
    let points = || {
        curve
            .points
            .iter()
            .map(|point| (point.value, point.mean_ug_m3))
    };
    let none = (f64::NAN, f64::NAN);
    [
        points().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or(none),
        points().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or(none),
    ]
}
