//! Predicted against actual: a heat map of counts with the line where both are equal.

use crate::canvas::{Canvas, Dash, Drawn, PlotError, Size, Stroke, picture};
use crate::frame::{Axis, Entry, Labels, Plan, Sign, frame};
use crate::heat::{Heat, SCALE_ROOM};
use crate::look::VERMILION;
use crate::ticks::Range;

/// Pairs on one common scale, actual across and predicted up.
#[derive(Clone, Debug)]
pub struct Density<'a> {
    /// The words around it.
    pub labels: Labels,
    /// `(actual, predicted)` in one unit; pairs with a missing number are left out.
    pub pairs: &'a [(f64, f64)],
}

const SIZE: Size = Size {
    width: 1240,
    height: 1240,
};
const CELLS: usize = 110;

/// Draws the chart as PNG. Both axes cover every pair.
///
/// # Errors
/// If the picture cannot be drawn or encoded, which does not depend on the data.
pub fn density(chart: &Density<'_>) -> Result<Vec<u8>, PlotError> {
    picture(SIZE, |canvas| draw(canvas, chart))
}

fn draw(canvas: &Canvas<'_>, chart: &Density<'_>) -> Drawn {
    let both = chart
        .pairs
        .iter()
        .flat_map(|(actual, predicted)| [*actual, *predicted]);
    let range = Range::of(both).with(0.0).padded(0.02);
    let equal = Stroke {
        width: 3.0,
        color: VERMILION,
        dash: Dash::Broken(16.0, 9.0),
    };
    let plan = Plan {
        size: SIZE,
        labels: &chart.labels,
        legend: vec![Entry {
            text: "predicted = actual".into(),
            sign: Sign::Line(equal),
        }],
        x: Axis::Numbers(range),
        y: Axis::Numbers(range),
        aside: SCALE_ROOM,
    };
    let frame = frame(canvas, &plan)?;
    Heat::count(chart.pairs, range, range, (CELLS, CELLS)).draw(&frame)?;
    canvas.line(
        &[
            frame.at(range.from, range.from),
            frame.at(range.to, range.to),
        ],
        equal,
    )
}
