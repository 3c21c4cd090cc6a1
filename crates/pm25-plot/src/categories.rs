//! One or more series of numbers along named places: errors by hour, month or station.

use crate::canvas::{Canvas, Dash, Drawn, PlotError, Point, Size, Stroke, picture};
use crate::frame::{Axis, Entry, Frame, Labels, Plan, Sign, frame};
use crate::look::{LINE_WIDTH, Rgb, SERIES};
use crate::ticks::Range;

/// Series over the same named places.
#[derive(Clone, Debug)]
pub struct Categories {
    /// The words around it.
    pub labels: Labels,
    /// Names of the places, in order.
    pub names: Vec<String>,
    /// At most six series.
    pub series: Vec<Series>,
    /// How values are drawn.
    pub shape: Shape,
    /// The value axis shows at least what lies from 0 to this; 0 where the values alone decide.
    pub reach: f64,
}

/// One series.
#[derive(Clone, Debug)]
pub struct Series {
    /// What it is called in the legend.
    pub name: String,
    /// A value for each place; `None`, or a number that is not finite, leaves a gap.
    pub values: Vec<Option<f64>>,
}

/// How values of a series are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Joined: the places have an order (hours, months).
    Lines,
    /// Side by side: they have none (stations).
    Bars,
}

const SIZE: Size = Size {
    width: 1400,
    height: 1000,
};

/// Draws the chart as PNG. The value axis includes 0, so that heights can be compared.
///
/// # Errors
/// If the picture cannot be drawn or encoded, which does not depend on the data.
pub fn categories(chart: &Categories) -> Result<Vec<u8>, PlotError> {
    picture(SIZE, |canvas| draw(canvas, chart))
}

fn draw(canvas: &Canvas<'_>, chart: &Categories) -> Drawn {
    let values = chart
        .series
        .iter()
        .flat_map(|series| series.values.iter().flatten().copied());
    let legend = chart.series.iter().enumerate().map(|(idx, series)| Entry {
        text: series.name.clone(),
        sign: match chart.shape {
            Shape::Lines => Sign::Beads(stroke(idx)),
            Shape::Bars => Sign::Block(color(idx)),
        },
    });
    let plan = Plan {
        size: SIZE,
        labels: &chart.labels,
        legend: legend.collect(),
        x: Axis::Names(chart.names.clone()),
        y: Axis::Numbers(Range::of(values).with(0.0).with(chart.reach).padded(0.06)),
        aside: 0.0,
    };
    let frame = frame(canvas, &plan)?;
    for (idx, series) in chart.series.iter().enumerate() {
        match chart.shape {
            Shape::Lines => lines(&frame, series, stroke(idx))?,
            Shape::Bars => bars(&frame, series, (idx, chart.series.len()))?,
        }
    }
    Ok(())
}

fn lines(frame: &Frame<'_, '_>, series: &Series, stroke: Stroke) -> Drawn {
    let mut piece: Vec<Point> = Vec::new();
    for (idx, value) in series.finite() {
        match value {
            Some(value) => piece.push(frame.at(idx as f64, value)),
            None => frame.canvas.line(&std::mem::take(&mut piece), stroke)?,
        }
    }
    frame.canvas.line(&piece, stroke)?;
    let points = series
        .finite()
        .filter_map(|(idx, value)| Some(frame.at(idx as f64, value?)));
    points
        .into_iter()
        .try_for_each(|at| frame.canvas.dot(at, stroke.width * 1.8, stroke.color))
}

/// `place` is (which series, of how many).
fn bars(frame: &Frame<'_, '_>, series: &Series, place: (usize, usize)) -> Drawn {
    const GROUP: f64 = 0.8;
    let width = GROUP / place.1 as f64;
    for (idx, value) in series.finite() {
        if let Some(value) = value {
            let left = idx as f64 - GROUP / 2.0 + width * place.0 as f64;
            let (a, b) = (
                frame.at(left, value.max(0.0)),
                frame.at(left + width, value.min(0.0)),
            );
            frame
                .canvas
                .rectangle((a.0 + 1.0, a.1), (b.0 - 1.0, b.1), color(place.0))?;
        }
    }
    Ok(())
}

impl Series {
    fn finite(&self) -> impl Iterator<Item = (usize, Option<f64>)> {
        self.values
            .iter()
            .map(|value| value.filter(|v| v.is_finite()))
            .enumerate()
    }
}

fn color(series_idx: usize) -> Rgb {
    SERIES[series_idx % SERIES.len()]
}

fn stroke(series_idx: usize) -> Stroke {
    let dash = [Dash::Solid, Dash::Broken(18.0, 9.0), Dash::Broken(6.0, 7.0)][series_idx % 3];
    Stroke {
        width: LINE_WIDTH,
        color: color(series_idx),
        dash,
    }
}
