//! One number as a function of another, with a band around it: what a model says when a column changes.

use crate::canvas::{Canvas, Dash, Drawn, PlotError, Point, Size, Stroke, picture};
use crate::frame::{Axis, Entry, Frame, Labels, Plan, Sign, frame, hair};
use crate::look::{BLUE, INK, LINE_WIDTH, Rgb};
use crate::ticks::Range;

/// A curve with a band.
#[derive(Clone, Debug)]
pub struct Curve {
    /// The words around it.
    pub labels: Labels,
    /// What the curve is.
    pub line_is: String,
    /// What the band is.
    pub band_is: String,
    /// By rising x: x, y, and the ends of the band. Points that are not finite are left out.
    pub points: Vec<(f64, f64, [f64; 2])>,
    /// Values of x in the data, drawn as short ticks on the axis: where there are none, the curve is a guess.
    pub rug: Vec<f64>,
}

const SIZE: Size = Size {
    width: 1400,
    height: 900,
};

const BAND: Rgb = (205, 225, 240);
const RUG_HEIGHT: f64 = 16.0;

/// Draws the chart as PNG.
///
/// # Errors
/// If the picture cannot be drawn or encoded, which does not depend on the data.
pub fn curve(chart: &Curve) -> Result<Vec<u8>, PlotError> {
    picture(SIZE, |canvas| draw(canvas, chart))
}

fn draw(canvas: &Canvas<'_>, chart: &Curve) -> Drawn {
    let known = |(x, y, [low, high]): &&(f64, f64, [f64; 2])| {
        [x, y, low, high].iter().all(|number| number.is_finite())
    };
    let points: Vec<(f64, f64, [f64; 2])> = chart.points.iter().filter(known).copied().collect();
    let across = Range::of(points.iter().map(|point| point.0));
    let up = points
        .iter()
        .flat_map(|(_, y, [low, high])| [*y, *low, *high]);
    let plan = Plan {
        size: SIZE,
        labels: &chart.labels,
        legend: vec![
            Entry {
                text: chart.line_is.clone(),
                sign: Sign::Line(LINE),
            },
            Entry {
                text: chart.band_is.clone(),
                sign: Sign::Block(BAND),
            },
        ],
        x: Axis::Numbers(across),
        y: Axis::Numbers(Range::of(up).padded(0.06)),
        aside: 0.0,
    };
    let frame = frame(canvas, &plan)?;
    for pair in points.windows(2) {
        stretch(&frame, &pair[0], &pair[1])?;
    }
    let line: Vec<Point> = points.iter().map(|(x, y, _)| frame.at(*x, *y)).collect();
    canvas.line(&line, LINE)?;
    for x in chart.rug.iter().filter(|x| across.contains(**x)) {
        let x = frame.across(*x);
        canvas.line(
            &[(x, frame.bottom), (x, frame.bottom - RUG_HEIGHT)],
            hair(INK),
        )?;
    }
    Ok(())
}

/// The band between two points, a pixel's column at a time.
fn stretch(frame: &Frame<'_, '_>, from: &(f64, f64, [f64; 2]), to: &(f64, f64, [f64; 2])) -> Drawn {
    let (left, right) = (frame.across(from.0), frame.across(to.0));
    let mut x = left;
    while x < right {
        let next = (x + 1.0).min(right);
        let share = ((x + next) / 2.0 - left) / (right - left);
        let end = |end: usize| from.2[end] + share * (to.2[end] - from.2[end]);
        frame
            .canvas
            .rectangle((x, frame.up(end(1))), (next, frame.up(end(0))), BAND)?;
        x = next;
    }
    Ok(())
}

const LINE: Stroke = Stroke {
    width: LINE_WIDTH,
    color: BLUE,
    dash: Dash::Solid,
};
