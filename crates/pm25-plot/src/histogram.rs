//! A histogram with upright marks: residuals with their bias and spread.

use crate::canvas::{Canvas, Dash, Drawn, Hold, PlotError, Size, Stroke, picture};
use crate::frame::{Axis, Entry, Frame, Labels, Plan, Sign, frame, tick_ink};
use crate::look::{BLUE, INK, SOFT_INK, TICK_SIZE, VERMILION};
use crate::ticks::{Range, nice_step, number};

/// Values and the places to mark among them.
#[derive(Clone, Debug)]
pub struct Histogram<'a> {
    /// The words around it.
    pub labels: Labels,
    /// Missing numbers are left out.
    pub values: &'a [f64],
    /// Uprights, at most two kinds: the first solid vermilion, the second dashed.
    pub marks: Vec<Mark>,
}

/// One kind of upright.
#[derive(Clone, Debug)]
pub struct Mark {
    /// What it says in the legend, number and unit included.
    pub text: String,
    /// Where it stands; several places share one entry (as the two ends of ±).
    pub at: Vec<f64>,
}

const SIZE: Size = Size {
    width: 1400,
    height: 1000,
};
/// About this many bars over the shown range.
const BARS: f64 = 80.0;
/// Share of rows beyond each end of the shown range: they are counted at the ends instead of stretching the axis.
const BEYOND: f64 = 0.001;

/// Draws the chart as PNG. The lowest and highest thousandth may lie outside; how many do is written at the ends.
///
/// # Errors
/// If the picture cannot be drawn or encoded, which does not depend on the data.
pub fn histogram(chart: &Histogram<'_>) -> Result<Vec<u8>, PlotError> {
    picture(SIZE, |canvas| draw(canvas, chart))
}

fn draw(canvas: &Canvas<'_>, chart: &Histogram<'_>) -> Drawn {
    let bars = Bars::of(chart.values, &chart.marks);
    let most = bars.counts.iter().copied().max().unwrap_or(0);
    let mut legend = vec![Entry {
        text: "rows".into(),
        sign: Sign::Block(BLUE),
    }];
    legend.extend(chart.marks.iter().enumerate().map(|(idx, mark)| Entry {
        text: mark.text.clone(),
        sign: Sign::Line(stroke(idx)),
    }));
    let plan = Plan {
        size: SIZE,
        labels: &chart.labels,
        legend,
        x: Axis::Numbers(bars.range()),
        y: Axis::Numbers(Range {
            from: 0.0,
            to: f64::from(most.max(1)) * 1.08,
        }),
        aside: 0.0,
    };
    let frame = frame(canvas, &plan)?;
    for (idx, count) in bars.counts.iter().enumerate() {
        let (from, to) = (bars.edge(idx), bars.edge(idx + 1));
        let (left, top) = frame.at(from, f64::from(*count));
        canvas.rectangle(
            (left + 0.5, top),
            (frame.across(to) - 0.5, frame.bottom),
            BLUE,
        )?;
    }
    for (idx, mark) in chart.marks.iter().enumerate() {
        for at in mark.at.iter().filter(|at| bars.range().contains(**at)) {
            canvas.line(
                &[
                    (frame.across(*at), frame.bottom),
                    (frame.across(*at), frame.top),
                ],
                stroke(idx),
            )?;
        }
    }
    beyond(&frame, &bars)
}

/// Says how many rows lie outside, at the end where they lie.
fn beyond(frame: &Frame<'_, '_>, bars: &Bars) -> Drawn {
    let y = frame.top + TICK_SIZE;
    if 0 < bars.below {
        let text = format!("← {} below", number(f64::from(bars.below), 0));
        frame
            .canvas
            .text(&text, (frame.left + 8.0, y), tick_ink(Hold::Start))?;
    }
    if 0 < bars.above {
        let text = format!("{} above →", number(f64::from(bars.above), 0));
        frame
            .canvas
            .text(&text, (frame.right - 8.0, y), tick_ink(Hold::End))?;
    }
    Ok(())
}

fn stroke(mark_idx: usize) -> Stroke {
    match mark_idx {
        0 => Stroke {
            width: 4.0,
            color: VERMILION,
            dash: Dash::Solid,
        },
        1 => Stroke {
            width: 3.0,
            color: INK,
            dash: Dash::Broken(14.0, 8.0),
        },
        _ => Stroke {
            width: 3.0,
            color: SOFT_INK,
            dash: Dash::Broken(4.0, 6.0),
        },
    }
}

struct Bars {
    from: f64,
    step: f64,
    counts: Vec<u32>,
    below: u32,
    above: u32,
}

impl Bars {
    fn of(values: &[f64], marks: &[Mark]) -> Self {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let beyond = (sorted.len() as f64 * BEYOND) as usize;
        let shown = &sorted[beyond..sorted.len() - beyond];
        let ends = [shown.first(), shown.last()].into_iter().flatten().copied();
        let range = Range::of(ends.chain(marks.iter().flat_map(|mark| mark.at.iter().copied())));
        let step = nice_step((range.to - range.from) / BARS);
        let from = (range.from / step).floor() * step;
        let bars = ((range.to - from) / step).floor() as usize + 1;
        let mut this = Self {
            from,
            step,
            counts: vec![0; bars],
            below: 0,
            above: 0,
        };
        for value in sorted {
            let place = ((value - from) / step).floor();
            if place < 0.0 {
                this.below += 1;
            } else if bars as f64 <= place {
                this.above += 1;
            } else {
                this.counts[place as usize] += 1;
            }
        }
        this
    }

    fn edge(&self, idx: usize) -> f64 {
        self.from + idx as f64 * self.step
    }

    fn range(&self) -> Range {
        Range {
            from: self.from,
            to: self.edge(self.counts.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_in_a_bar_or_counted_beyond() {
        let values: Vec<f64> = (0..5000)
            .map(|i| f64::from(i) * 0.02 - 50.0)
            .chain([-9e5, -8e5, 7e5, f64::NAN])
            .collect();
        let bars = Bars::of(
            &values,
            &[Mark {
                text: String::new(),
                at: vec![0.0],
            }],
        );
        assert_eq!(
            bars.counts.iter().sum::<u32>() + bars.below + bars.above,
            5003
        );
        assert!(bars.range().to < 60.0, "far values do not stretch the axis");
        assert_eq!((bars.below, bars.above), (2, 1));
        assert_eq!(Bars::of(&[], &[]).counts.iter().sum::<u32>(), 0);
    }
}
