//! Promised against kept: of the intervals that promise 90 %, how many held?

use crate::canvas::{Canvas, Dash, Drawn, PlotError, Size, Stroke, picture};
use crate::frame::{Axis, Entry, Labels, Plan, Sign, frame};
use crate::look::{INK, LINE_WIDTH, SERIES};
use crate::ticks::Range;

/// Curves over one common scale, with the line where both are equal.
#[derive(Clone, Debug)]
pub struct Calibration {
    /// The words around it.
    pub labels: Labels,
    /// At most six: name, then `(promised, kept)` in ascending order of what was promised.
    pub curves: Vec<(String, Vec<(f64, f64)>)>,
}

const SIZE: Size = Size {
    width: 1100,
    height: 1180,
};

/// Draws the chart as PNG.
///
/// # Errors
/// If the picture cannot be drawn or encoded, which does not depend on the data.
pub fn calibration(chart: &Calibration) -> Result<Vec<u8>, PlotError> {
    picture(SIZE, |canvas| draw(canvas, chart))
}

fn draw(canvas: &Canvas<'_>, chart: &Calibration) -> Drawn {
    let stroke = |idx: usize| Stroke {
        width: LINE_WIDTH,
        color: SERIES[idx % SERIES.len()],
        dash: Dash::Solid,
    };
    let equal = Stroke {
        width: 3.0,
        color: INK,
        dash: Dash::Broken(14.0, 8.0),
    };
    let mut legend = vec![Entry {
        text: "as promised".into(),
        sign: Sign::Line(equal),
    }];
    legend.extend(
        chart
            .curves
            .iter()
            .enumerate()
            .map(|(idx, (name, _))| Entry {
                text: name.clone(),
                sign: Sign::Beads(stroke(idx)),
            }),
    );
    let values = chart.curves.iter().flat_map(|(_, points)| {
        points
            .iter()
            .flat_map(|(promised, kept)| [*promised, *kept])
    });
    let range = Range::of(values.chain([0.0, 1.0]));
    let plan = Plan {
        size: SIZE,
        labels: &chart.labels,
        legend,
        x: Axis::Numbers(range),
        y: Axis::Numbers(range),
        aside: 0.0,
    };
    let frame = frame(canvas, &plan)?;
    canvas.line(
        &[
            frame.at(range.from, range.from),
            frame.at(range.to, range.to),
        ],
        equal,
    )?;
    for (idx, (_, points)) in chart.curves.iter().enumerate() {
        let points: Vec<_> = points
            .iter()
            .filter(|p| p.0.is_finite() && p.1.is_finite())
            .map(|p| frame.at(p.0, p.1))
            .collect();
        canvas.line(&points, stroke(idx))?;
        points
            .iter()
            .try_for_each(|at| canvas.dot(*at, LINE_WIDTH * 1.8, stroke(idx).color))?;
    }
    Ok(())
}
