//! How one prediction came about: from the average, feature by feature, to what was said.

use crate::canvas::{Canvas, Dash, Drawn, Hold, PlotError, Size, Stroke, picture};
use crate::frame::{Axis, Entry, Frame, Labels, Plan, Sign, frame, hair, named_height, tick_ink};
use crate::look::{AXIS, BLUE, GAP, INK, VERMILION};
use crate::ticks::{Range, brief};

/// One prediction taken apart.
#[derive(Clone, Debug)]
pub struct Waterfall {
    /// The words around it; `x` is what is predicted, with its unit.
    pub labels: Labels,
    /// Where it starts, and what that is called.
    pub base: (String, f64),
    /// `(name, change)` in the order in which they are to be added, from the top; a missing change adds nothing.
    pub steps: Vec<(String, f64)>,
    /// What the end is called.
    pub end: String,
}

const WIDTH: u32 = 1400;
const THICKNESS: f64 = 0.62;

/// Draws the chart as PNG; its height follows the number of steps.
///
/// # Errors
/// If the picture cannot be drawn or encoded, which does not depend on the data.
pub fn waterfall(chart: &Waterfall) -> Result<Vec<u8>, PlotError> {
    let size = Size {
        width: WIDTH,
        height: named_height(chart.steps.len() + 2),
    };
    picture(size, |canvas| draw(canvas, chart, size))
}

fn draw(canvas: &Canvas<'_>, chart: &Waterfall, size: Size) -> Drawn {
    let sums = sums(chart);
    let mut names = vec![chart.base.0.clone()];
    names.extend(chart.steps.iter().map(|(name, _)| name.clone()));
    names.push(chart.end.clone());
    let block = |text: &str, color| Entry {
        text: text.into(),
        sign: Sign::Block(color),
    };
    let plan = Plan {
        size,
        labels: &chart.labels,
        legend: vec![block("raises it", VERMILION), block("lowers it", BLUE)],
        x: Axis::Numbers(Range::of(sums.iter().copied()).padded(0.16)),
        y: Axis::Names(names),
        aside: 0.0,
    };
    let frame = frame(canvas, &plan)?;
    for (idx, (_, change)) in chart
        .steps
        .iter()
        .enumerate()
        .filter(|(_, (_, change))| change.is_finite())
    {
        step(&frame, idx + 1, sums[idx], *change)?;
    }
    let last = sums.len() - 1;
    level(&frame, 0, sums[0])?;
    level(&frame, last + 1, sums[last])
}

/// The base, and the sum after each step.
fn sums(chart: &Waterfall) -> Vec<f64> {
    let mut sum = chart.base.1;
    let after = chart.steps.iter().map(|(_, change)| {
        sum += if change.is_finite() { *change } else { 0.0 };
        sum
    });
    [chart.base.1].into_iter().chain(after).collect()
}

fn step(frame: &Frame<'_, '_>, row: usize, before: f64, change: f64) -> Drawn {
    let (top, bottom) = (
        frame.up(row as f64 - THICKNESS / 2.0),
        frame.up(row as f64 + THICKNESS / 2.0),
    );
    let (low, high) = (
        frame.across(before.min(before + change)),
        frame.across(before.max(before + change)),
    );
    // The join with the row above, at what had been reached there.
    let join = frame.across(before);
    frame.canvas.line(
        &[
            (join, frame.up(row as f64 - 1.0 + THICKNESS / 2.0)),
            (join, bottom),
        ],
        hair(AXIS),
    )?;
    let color = if change < 0.0 { BLUE } else { VERMILION };
    frame
        .canvas
        .rectangle((low, top), (high.max(low + 1.0), bottom), color)?;
    let sign = if change < 0.0 { "" } else { "+" };
    let text = format!("{sign}{}", brief(change));
    let (x, hold) = if change < 0.0 {
        (low - GAP / 2.0, Hold::End)
    } else {
        (high + GAP / 2.0, Hold::Start)
    };
    frame
        .canvas
        .text(&text, (x, (top + bottom) / 2.0), tick_ink(hold))
}

/// A mark with its number: where it starts and where it ends.
fn level(frame: &Frame<'_, '_>, row: usize, value: f64) -> Drawn {
    let (top, bottom) = (frame.up(row as f64 - 0.5), frame.up(row as f64 + 0.5));
    let x = frame.across(value);
    frame.canvas.line(
        &[(x, top), (x, bottom)],
        Stroke {
            width: 3.0,
            color: INK,
            dash: Dash::Solid,
        },
    )?;
    frame.canvas.text(
        &brief(value),
        (x + GAP, (top + bottom) / 2.0),
        tick_ink(Hold::Start),
    )
}
