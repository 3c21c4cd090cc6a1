//! How likely it is that the air is worse than a threshold, and in which band it will be: what a forecast and the service
//! say of the same prediction.
//!
//! Not the shares themselves, which are of the [`Intervals`](super::Intervals), and not the lines of
//! [`warning_lines`](super::WarningLine), which are chosen where a model is trained.

use pm25_air::aqi::{Averaging, Scale};

use super::{Model, Said};

impl Model {
    /// The probability, 0 to 1, that the truth is above a threshold, µg/m³; none of a model that does not know its errors.
    pub fn chance_above(&self, said: Said, threshold_ug_m3: f64) -> Option<f64> {
        self.intervals.as_ref()?.exceedance(said, threshold_ug_m3)
    }

    /// Whether the prediction is a warning of this threshold, µg/m³; none where the model has no line for it.
    pub fn warns(&self, said: Said, threshold_ug_m3: f64) -> Option<bool> {
        let mut lines = self.warning_lines.iter();
        let line = lines.find(|line| line.threshold_ug_m3 == threshold_ug_m3)?;
        Some(line.line_ug_m3 < said.prediction_ug_m3)
    }

    /// The probability of each band of a 24-hour scale, from the cleanest on, together 1, of a prediction of a mean of 24
    /// hours; none of a scale of single hours, or of a model that does not know its errors.
    pub fn band_chances(&self, said: Said, scale: Scale) -> Option<Vec<f64>> {
        if !matches!(scale.averaging(), Averaging::Day { .. }) {
            return None;
        }
        let edges = scale.bands()[1..].iter().map(|band| band.from_ug_m3);
        let edges: Vec<f64> = edges.collect();
        self.intervals.as_ref()?.shares(said, &edges)
    }
}
