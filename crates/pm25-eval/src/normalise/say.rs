//! The report as it is said on standard output: a line for each station, without months as JSON.

use std::fmt;

use pm25_artifact::normalise::{NormaliseReport, SlopeFact, StationTrend};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// A report to be said.
pub(crate) struct Said<'a>(pub(crate) &'a NormaliseReport);

impl Serialize for Said<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let short = |station: &StationTrend| StationTrend {
            months: Vec::new(),
            ..station.clone()
        };
        let stations: Vec<StationTrend> = self.0.stations.iter().map(short).collect();
        let mut said = serializer.serialize_struct("NormaliseReport", 5)?;
        said.serialize_field("model", &self.0.model)?;
        said.serialize_field("resampled", &self.0.resampled)?;
        said.serialize_field("kept", &self.0.kept)?;
        said.serialize_field("span", &self.0.span)?;
        said.serialize_field("stations", &stations)?;
        said.end()
    }
}

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.0;
        writeln!(f, "{} to {}", report.span.first, report.span.last)?;
        writeln!(f, "drawn: {}", report.resampled.join(", "))?;
        writeln!(f, "kept:  {}", report.kept.join(", "))?;
        writeln!(
            f,
            "\n{:<20}{:>8}{:>7}  {:<26}{:<26}change points",
            "station", "hours", "R²", "observed µg/m³ a year", "normalised µg/m³ a year"
        )?;
        for station in &report.stations {
            let r2 = station
                .metrics
                .r2
                .map_or("-".to_owned(), |r2| format!("{r2:.2}"));
            write!(
                f,
                "{:<20}{:>8}{r2:>7}  {:<26}{:<26}",
                station.station,
                station.rows,
                slope(station.observed_trend.as_ref()),
                slope(station.normalised_trend.as_ref())
            )?;
            writeln!(f, "{}", steps(station))?;
        }
        Ok(())
    }
}

/// A slope with its interval.
fn slope(slope: Option<&SlopeFact>) -> String {
    match slope {
        None => "-".to_owned(),
        Some(slope) => match slope.interval {
            None => format!("{:+.2}", slope.ug_m3_per_year),
            Some([low, high]) => format!("{:+.2} ({low:+.2} to {high:+.2})", slope.ug_m3_per_year),
        },
    }
}

fn steps(station: &StationTrend) -> String {
    match station.change_points.as_deref() {
        None => "- (less than two years)".to_owned(),
        Some([]) => "none".to_owned(),
        Some(steps) => {
            let said = steps
                .iter()
                .map(|step| format!("{} {:+.1}", step.week_of, step.change_ug_m3));
            said.collect::<Vec<String>>().join(", ")
        }
    }
}
