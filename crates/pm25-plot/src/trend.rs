//! Many points as a heat map with the running median and middle of them: how one number goes along another.
//!
//! It is the body of two charts, [`crate::residuals`] and [`crate::dependence`], which differ in words and in what zero
//! means.

use crate::canvas::{Canvas, Dash, Drawn, Size, Stroke};
use crate::frame::{Axis, Entry, Labels, Plan, Sign, frame};
use crate::heat::{Heat, SCALE_ROOM};
use crate::look::{INK, LINE_WIDTH, VERMILION};
use crate::ticks::Range;

/// What is drawn.
pub(crate) struct Trend<'a> {
    pub(crate) labels: &'a Labels,
    /// What the level line at 0 stands for.
    pub(crate) zero: &'a str,
    /// `(across, up)`; pairs with a missing number are left out.
    pub(crate) pairs: &'a [(f64, f64)],
}

/// One point of the running lines.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Running {
    across: f64,
    low: f64,
    median: f64,
    high: f64,
}

pub(crate) const SIZE: Size = Size {
    width: 1400,
    height: 1000,
};
const CELLS: (usize, usize) = (140, 90);
/// Parts of the range across over which quantiles are taken.
const PARTS: usize = 40;
/// Parts with fewer rows are joined with the next: a quantile of fewer says little.
const ROWS_MIN: usize = 30;

/// Hours and months have nothing between them.
fn across(pairs: &[(f64, f64)], range: Range) -> Axis {
    match pairs
        .iter()
        .all(|pair| pair.0 == pair.0.round() || pair.0.is_nan())
    {
        true => Axis::Whole(range),
        false => Axis::Numbers(range),
    }
}

pub(crate) fn draw(canvas: &Canvas<'_>, trend: &Trend<'_>) -> Drawn {
    let x = Range::of(trend.pairs.iter().map(|p| p.0)).padded(0.01);
    let y = Range::of(trend.pairs.iter().map(|p| p.1))
        .with(0.0)
        .padded(0.02);
    let median = Stroke {
        width: LINE_WIDTH,
        color: VERMILION,
        dash: Dash::Solid,
    };
    let middle = Stroke {
        width: 3.0,
        dash: Dash::Broken(14.0, 8.0),
        ..median
    };
    let zero = Stroke {
        width: 2.0,
        color: INK,
        dash: Dash::Solid,
    };
    let entry = |text: &str, stroke| Entry {
        text: text.into(),
        sign: Sign::Line(stroke),
    };
    let plan = Plan {
        size: SIZE,
        labels: trend.labels,
        legend: vec![
            entry("running median", median),
            entry("middle 80 % of rows", middle),
            entry(trend.zero, zero),
        ],
        x: across(trend.pairs, x),
        y: Axis::Numbers(y),
        aside: SCALE_ROOM,
    };
    let frame = frame(canvas, &plan)?;
    Heat::count(trend.pairs, x, y, CELLS).draw(&frame)?;
    canvas.line(&[frame.at(x.from, 0.0), frame.at(x.to, 0.0)], zero)?;
    let running = running(trend.pairs);
    let line = |pick: fn(&Running) -> f64| {
        running
            .iter()
            .map(|r| frame.at(r.across, pick(r)))
            .collect::<Vec<_>>()
    };
    canvas.line(&line(|r| r.low), middle)?;
    canvas.line(&line(|r| r.high), middle)?;
    canvas.line(&line(|r| r.median), median)
}

/// Quantiles of what goes up along what goes across: over equal parts of the range, joined until there are rows enough.
fn running(pairs: &[(f64, f64)]) -> Vec<Running> {
    let mut sorted: Vec<(f64, f64)> = pairs
        .iter()
        .copied()
        .filter(|p| p.0.is_finite() && p.1.is_finite())
        .collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let range = Range::of(sorted.iter().map(|p| p.0));
    let mut bounds = vec![0];
    for part in 1..=PARTS {
        let upper = range.from + (range.to - range.from) * part as f64 / PARTS as f64;
        let end = if part == PARTS {
            sorted.len()
        } else {
            sorted.partition_point(|p| p.0 < upper)
        };
        if ROWS_MIN <= end - bounds[bounds.len() - 1] {
            bounds.push(end);
        }
    }
    // What is left over at the end is too little alone and belongs to the last part.
    if 1 < bounds.len() {
        bounds.pop();
    }
    bounds.push(sorted.len());
    bounds
        .windows(2)
        .filter_map(|part| running_at(&sorted[part[0]..part[1]]))
        .collect()
}

fn running_at(rows: &[(f64, f64)]) -> Option<Running> {
    let mut heights: Vec<f64> = rows.iter().map(|r| r.1).collect();
    heights.sort_by(f64::total_cmp);
    let quantile = |percent: usize| {
        heights
            .get((heights.len() * percent / 100).min(heights.len() - 1))
            .copied()
    };
    let across = rows.get(rows.len() / 2)?.0;
    Some(Running {
        across,
        low: quantile(10)?,
        median: quantile(50)?,
        high: quantile(90)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_lines_follow_a_known_shape() {
        // The height is the place across plus an even spread of -50..=50.
        let pairs: Vec<(f64, f64)> = (0..40_400)
            .map(|i| {
                (
                    f64::from(i / 101),
                    f64::from(i / 101) + f64::from(i % 101) - 50.0,
                )
            })
            .collect();
        let lines = running(&pairs);
        assert_eq!(lines.len(), PARTS);
        for r in &lines {
            assert!(
                (r.median - r.across).abs() < 3.0 && (r.high - r.low - 80.0).abs() < 6.0,
                "{r:?}"
            );
        }
        assert_eq!(running(&[]), []);
        assert_eq!(running(&[(1.0, 2.0)]).len(), 1);
    }
}
