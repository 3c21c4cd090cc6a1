//! Residuals against predictions: where a model is wrong in one direction, and where it is merely uncertain.

use crate::canvas::{PlotError, picture};
use crate::frame::Labels;
use crate::trend::{SIZE, Trend, draw};

/// Predictions across and residuals up.
#[derive(Clone, Debug)]
pub struct Residuals<'a> {
    /// The words around it.
    pub labels: Labels,
    /// `(prediction, residual)` in one unit; pairs with a missing number are left out.
    pub pairs: &'a [(f64, f64)],
}

/// Draws the chart as PNG, with the median and the middle 80 % of the residuals along the predictions.
///
/// # Errors
/// If the picture cannot be drawn or encoded, which does not depend on the data.
pub fn residuals(chart: &Residuals<'_>) -> Result<Vec<u8>, PlotError> {
    picture(SIZE, |canvas| {
        draw(
            canvas,
            &Trend {
                labels: &chart.labels,
                zero: "no error",
                pairs: chart.pairs,
            },
        )
    })
}
