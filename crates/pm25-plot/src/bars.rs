//! Horizontal bars with their numbers: how much each of some named things weighs.

use crate::canvas::{Canvas, Drawn, Hold, PlotError, Size, picture};
use crate::frame::{Axis, Labels, Plan, frame, hair, named_height, tick_ink};
use crate::look::{AXIS, BLUE, GAP, TICK_SIZE, VERMILION};
use crate::ticks::{Range, brief};

/// Named numbers, drawn from the top in the order given.
#[derive(Clone, Debug)]
pub struct Bars {
    /// The words around it; `x` is what the bars measure.
    pub labels: Labels,
    /// `(name, value)`; values below zero go to the left in vermilion.
    pub bars: Vec<(String, f64)>,
}

const WIDTH: u32 = 1400;
/// Share of a row that its bar fills.
const THICKNESS: f64 = 0.68;

/// Draws the chart as PNG; its height follows the number of bars.
///
/// # Errors
/// If the picture cannot be drawn or encoded, which does not depend on the data.
pub fn bars(chart: &Bars) -> Result<Vec<u8>, PlotError> {
    let size = Size {
        width: WIDTH,
        height: named_height(chart.bars.len()),
    };
    picture(size, |canvas| draw(canvas, chart, size))
}

fn draw(canvas: &Canvas<'_>, chart: &Bars, size: Size) -> Drawn {
    let finite = chart.bars.iter().map(|(_, value)| *value);
    let plan = Plan {
        size,
        labels: &chart.labels,
        legend: Vec::new(),
        // Room for the numbers at the ends.
        x: Axis::Numbers(Range::of(finite).with(0.0).padded(0.14)),
        y: Axis::Names(chart.bars.iter().map(|(name, _)| name.clone()).collect()),
        aside: 0.0,
    };
    let frame = frame(canvas, &plan)?;
    canvas.line(
        &[
            (frame.across(0.0), frame.top),
            (frame.across(0.0), frame.bottom),
        ],
        hair(AXIS),
    )?;
    for (idx, (_, value)) in chart
        .bars
        .iter()
        .enumerate()
        .filter(|(_, (_, value))| value.is_finite())
    {
        let (top, bottom) = (
            frame.up(idx as f64 - THICKNESS / 2.0),
            frame.up(idx as f64 + THICKNESS / 2.0),
        );
        let (from, to) = (frame.across(value.min(0.0)), frame.across(value.max(0.0)));
        let color = if *value < 0.0 { VERMILION } else { BLUE };
        canvas.rectangle((from, top), (to, bottom), color)?;
        let (x, hold) = if *value < 0.0 {
            (from - GAP / 2.0, Hold::End)
        } else {
            (to + GAP / 2.0, Hold::Start)
        };
        if TICK_SIZE * 0.9 <= bottom - top {
            canvas.text(&brief(*value), (x, (top + bottom) / 2.0), tick_ink(hold))?;
        }
    }
    Ok(())
}
