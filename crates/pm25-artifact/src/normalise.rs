//! `normalise.json`: what PM2.5 would have been in average weather, by a model that knows weather and time.
//!
//! It does not say why the air changed: whatever goes on in time and is not weather is in the trend.

use pm25_file::{Document, Header};
use serde::{Deserialize, Serialize};

use crate::eval::{Metrics, ModelRef, Span};

/// `normalise.json`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NormaliseReport {
    /// Provenance and seal; draws, seed and from where hours are drawn are parameters, pictures and the table files.
    pub pm25: Header,
    /// The model.
    pub model: ModelRef,
    /// Columns that were replaced by those of drawn hours.
    pub resampled: Vec<String>,
    /// Columns that stayed.
    pub kept: Vec<String>,
    /// Hours of the rows.
    pub span: Span,
    /// One per station, by name.
    pub stations: Vec<StationTrend>,
}

/// One station.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StationTrend {
    /// Its name.
    pub station: String,
    /// Hours with measured PM2.5.
    pub rows: u64,
    /// Hours that weather was drawn from: those in which none of it is missing.
    pub donors: u64,
    /// Rows from which no hour within reach can be drawn; they have no normalised value.
    pub rows_without_donor: u64,
    /// What the model says to these rows as they are.
    pub metrics: Metrics,
    /// Change over the years of what was measured; null of a record in which no month was seen twice.
    pub observed_trend: Option<SlopeFact>,
    /// The same of the normalised series.
    pub normalised_trend: Option<SlopeFact>,
    /// Where the normalised series stepped to another level; null of a record of less than two years, in which a season
    /// cannot be told from a step.
    pub change_points: Option<Vec<ChangePoint>>,
    /// Month by month in local standard time.
    pub months: Vec<Month>,
}

/// A seasonal Theil-Sen slope.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SlopeFact {
    /// Median rise from a month to the same month of a later year, µg/m³ a year.
    pub ug_m3_per_year: f64,
    /// Its 95 % block-bootstrap interval; null of a record of less than two years.
    pub interval: Option<[f64; 2]>,
    /// Pairs of months that the median is of.
    pub pairs: u64,
}

/// A step.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ChangePoint {
    /// First day of the first week on the new level, as YYYY-MM-DD in local standard time.
    pub week_of: String,
    /// Level before, season taken out, µg/m³.
    pub before_ug_m3: f64,
    /// Level after.
    pub after_ug_m3: f64,
    /// The difference.
    pub change_ug_m3: f64,
    /// Standard error of the difference.
    pub std_error_ug_m3: f64,
}

/// Means over a month.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Month {
    /// As YYYY-MM.
    pub month: String,
    /// Hours with measured PM2.5; below 75 % of the month the means are null.
    pub hours: u64,
    /// Mean of what was measured, µg/m³.
    pub observed_ug_m3: Option<f64>,
    /// Mean of the model's predictions.
    pub predicted_ug_m3: Option<f64>,
    /// Mean of the normalised concentration.
    pub normalised_ug_m3: Option<f64>,
}

impl Document for NormaliseReport {
    const FORMAT: &'static str = "pm25-normalise-report";
    const VERSION: u32 = 1;

    fn header(&self) -> &Header {
        &self.pm25
    }

    fn header_mut(&mut self) -> &mut Header {
        &mut self.pm25
    }
}
