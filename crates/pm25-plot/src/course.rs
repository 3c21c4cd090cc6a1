//! Series through time over named places (months), with marks where something changed.
//!
//! Unlike [`crate::categories`] it has marks that stand at a place, and no bars.

use crate::canvas::{Canvas, Dash, Drawn, Hold, PlotError, Point, Size, Stroke, picture};
use crate::categories::Series;
use crate::frame::{Axis, Entry, Frame, Labels, Plan, Sign, frame, shortened, tick_ink};
use crate::look::{INK, LINE_WIDTH, Rgb, TICK_SIZE, VERMILION};
use crate::ticks::Range;

/// Series over the same places in time.
#[derive(Clone, Debug)]
pub struct Course {
    /// The words around it.
    pub labels: Labels,
    /// Names of the places, in order: months.
    pub names: Vec<String>,
    /// At most two series: what was there in grey, and what the chart is about. `None`, or a number that is not finite,
    /// leaves a gap; values beyond the names are not drawn.
    pub series: Vec<Series>,
    /// What upright lines stand for; said only if there are any.
    pub marks_are: String,
    /// Where they stand, in places from the first (0), and the words beside them.
    pub marks: Vec<(f64, String)>,
}

const SIZE: Size = Size {
    width: 1400,
    height: 900,
};

const GREY: Rgb = (135, 135, 140);

/// Draws the chart as PNG. The value axis includes 0.
///
/// # Errors
/// If the picture cannot be drawn or encoded, which does not depend on the data.
pub fn course(chart: &Course) -> Result<Vec<u8>, PlotError> {
    picture(SIZE, |canvas| draw(canvas, chart))
}

fn draw(canvas: &Canvas<'_>, chart: &Course) -> Drawn {
    let values = chart
        .series
        .iter()
        .flat_map(|series| series.values.iter().flatten().copied());
    let mut legend: Vec<Entry> = chart
        .series
        .iter()
        .enumerate()
        .map(|(idx, series)| Entry {
            text: series.name.clone(),
            sign: Sign::Line(stroke(idx)),
        })
        .collect();
    if !chart.marks.is_empty() {
        legend.push(Entry {
            text: chart.marks_are.clone(),
            sign: Sign::Line(MARK),
        });
    }
    let plan = Plan {
        size: SIZE,
        labels: &chart.labels,
        legend,
        x: Axis::Names(chart.names.clone()),
        // Above the highest value is room for the words of marks.
        y: Axis::Numbers(Range::of(values).with(0.0).padded(0.14)),
        aside: 0.0,
    };
    let frame = frame(canvas, &plan)?;
    for (idx, (at, text)) in chart.marks.iter().enumerate() {
        mark(&frame, (*at, text), idx % 2)?;
    }
    for (idx, series) in chart.series.iter().enumerate() {
        line(
            &frame,
            &series.values[..series.values.len().min(chart.names.len())],
            stroke(idx),
        )?;
    }
    Ok(())
}

/// An upright line with words beside its upper end; those of neighbours stand at two heights.
fn mark(frame: &Frame<'_, '_>, (at, text): (f64, &str), row: usize) -> Drawn {
    if !at.is_finite() {
        return Ok(());
    }
    let x = frame.across(at).clamp(frame.left, frame.right);
    frame
        .canvas
        .line(&[(x, frame.bottom), (x, frame.top)], MARK)?;
    let y = frame.top + TICK_SIZE * (0.7 + 1.3 * row as f64);
    let (hold, gap) = if x < (frame.left + frame.right) / 2.0 {
        (Hold::Start, 10.0)
    } else {
        (Hold::End, -10.0)
    };
    let text = shortened(text, (frame.right - frame.left) / 2.0 - 20.0);
    frame.canvas.text(&text, (x + gap, y), tick_ink(hold))
}

fn line(frame: &Frame<'_, '_>, values: &[Option<f64>], stroke: Stroke) -> Drawn {
    let mut piece: Vec<Point> = Vec::new();
    for (idx, value) in values.iter().enumerate() {
        match value.filter(|value| value.is_finite()) {
            Some(value) => piece.push(frame.at(idx as f64, value)),
            None => finish(frame, &std::mem::take(&mut piece), stroke)?,
        }
    }
    finish(frame, &piece, stroke)
}

/// A place between two gaps is a dot.
fn finish(frame: &Frame<'_, '_>, piece: &[Point], stroke: Stroke) -> Drawn {
    match piece {
        [] => Ok(()),
        [alone] => frame.canvas.dot(*alone, stroke.width, stroke.color),
        _ => frame.canvas.line(piece, stroke),
    }
}

const MARK: Stroke = Stroke {
    width: 2.5,
    color: INK,
    dash: Dash::Broken(12.0, 8.0),
};

fn stroke(series_idx: usize) -> Stroke {
    Stroke {
        width: LINE_WIDTH,
        color: [GREY, VERMILION][series_idx % 2],
        dash: Dash::Solid,
    }
}
