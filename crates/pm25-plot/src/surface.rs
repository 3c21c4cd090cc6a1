//! One number as a function of two others: a grid of coloured cells with its colour scale.

use crate::canvas::{Canvas, Drawn, Hold, PlotError, Size, picture};
use crate::frame::{Axis, Frame, Labels, Plan, frame, hair, tick_ink};
use crate::look::{AXIS, GAP, TICK_SIZE, ramp};
use crate::ticks::{Range, ticks};

/// Numbers over a grid.
#[derive(Clone, Debug)]
pub struct Surface {
    /// The words around it.
    pub labels: Labels,
    /// What the colours measure, in two words, and their unit.
    pub scale: [String; 2],
    /// Rising values along the bottom; cells are as wide as half the way to the neighbours.
    pub x: Vec<f64>,
    /// Rising values up the side.
    pub y: Vec<f64>,
    /// A row for each x, in it a number for each y; what is not finite stays white.
    pub values: Vec<Vec<f64>>,
}

const SIZE: Size = Size {
    width: 1400,
    height: 1100,
};
const SCALE_ROOM: f64 = 170.0;
const BAR_WIDTH: f64 = 30.0;

/// Draws the chart as PNG.
///
/// # Errors
/// If the picture cannot be drawn or encoded, which does not depend on the data.
pub fn surface(chart: &Surface) -> Result<Vec<u8>, PlotError> {
    picture(SIZE, |canvas| draw(canvas, chart))
}

fn draw(canvas: &Canvas<'_>, chart: &Surface) -> Drawn {
    let (columns, rows) = (edges(&chart.x), edges(&chart.y));
    let colours = Range::of(chart.values.iter().flatten().copied());
    let plan = Plan {
        size: SIZE,
        labels: &chart.labels,
        legend: Vec::new(),
        x: Axis::Numbers(Range::of(columns.iter().copied())),
        y: Axis::Numbers(Range::of(rows.iter().copied())),
        aside: SCALE_ROOM,
    };
    let frame = frame(canvas, &plan)?;
    for (across, values) in columns.windows(2).zip(&chart.values) {
        for (up, value) in rows.windows(2).zip(values) {
            let corners = [across[0], across[1], up[0], up[1], *value];
            if corners.iter().all(|number| number.is_finite()) {
                let (from, to) = (frame.at(across[0], up[1]), frame.at(across[1], up[0]));
                canvas.rectangle(from, to, ramp(colours.share(*value)))?;
            }
        }
    }
    scale(&frame, chart, colours)
}

/// Half-way between neighbours, and as far beyond the ends.
fn edges(values: &[f64]) -> Vec<f64> {
    let mut edges: Vec<f64> = values
        .windows(2)
        .map(|pair| (pair[0] + pair[1]) / 2.0)
        .collect();
    match values {
        [] => return Vec::new(),
        [alone] => return vec![alone - 0.5, alone + 0.5],
        _ => {}
    }
    let (first, last) = (values[0], values[values.len() - 1]);
    let (below, above) = (2.0 * first - edges[0], 2.0 * last - edges[edges.len() - 1]);
    edges.insert(0, below);
    edges.push(above);
    edges
}

fn scale(frame: &Frame<'_, '_>, chart: &Surface, colours: Range) -> Drawn {
    let left = frame.right + 2.0 * GAP;
    let top = frame.top + TICK_SIZE * 3.0;
    let height = (frame.bottom - top).min(520.0);
    for (row, text) in chart.scale.iter().enumerate() {
        let y = frame.top + TICK_SIZE * (0.5 + 1.1 * row as f64);
        frame.canvas.text(text, (left, y), tick_ink(Hold::Start))?;
    }
    frame
        .canvas
        .gradient((left, top), (left + BAR_WIDTH, top + height), ramp)?;
    for mark in ticks(colours, 6) {
        let y = top + height * (1.0 - colours.share(mark.at));
        let from = left + BAR_WIDTH;
        frame
            .canvas
            .line(&[(from, y), (from + 7.0, y)], hair(AXIS))?;
        frame
            .canvas
            .text(&mark.text, (from + GAP, y), tick_ink(Hold::Start))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_meet_half_way() {
        assert_eq!(edges(&[0.0, 1.0, 3.0]), [-0.5, 0.5, 2.0, 4.0]);
        assert_eq!(edges(&[7.0]), [6.5, 7.5]);
        assert_eq!(edges(&[]), []);
    }
}
