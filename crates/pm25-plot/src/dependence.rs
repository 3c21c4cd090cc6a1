//! The effect of one feature along its own value: what a model made of it.

use crate::canvas::{PlotError, picture};
use crate::frame::Labels;
use crate::trend::{SIZE, Trend, draw};

/// Values of a feature across and its effects up.
#[derive(Clone, Debug)]
pub struct Dependence<'a> {
    /// The words around it.
    pub labels: Labels,
    /// `(value of the feature, its effect on the prediction)`; pairs with a missing number are left out.
    pub pairs: &'a [(f64, f64)],
}

/// Draws the chart as PNG, with the median and the middle 80 % of the effects along the values.
///
/// # Errors
/// If the picture cannot be drawn or encoded, which does not depend on the data.
pub fn dependence(chart: &Dependence<'_>) -> Result<Vec<u8>, PlotError> {
    picture(SIZE, |canvas| {
        draw(
            canvas,
            &Trend {
                labels: &chart.labels,
                zero: "no effect",
                pairs: chart.pairs,
            },
        )
    })
}
