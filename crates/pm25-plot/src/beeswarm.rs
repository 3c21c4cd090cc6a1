//! Effects of each feature on every row, as a swarm of dots coloured by the feature's own value.
//!
//! It is not a scatter plot of all rows: where more dots would fall into one place than can be told apart, some stand
//! for all, evenly over their colours.

use crate::canvas::{Canvas, Drawn, Hold, PlotError, Size, picture};
use crate::frame::{Axis, Entry, Frame, Labels, Plan, Sign, frame, hair, named_height, tick_ink};
use crate::look::{AXIS, GAP, Rgb, TICK_SIZE, low_high};
use crate::ticks::Range;

/// Swarms, drawn from the top in the order given.
#[derive(Clone, Debug)]
pub struct Beeswarm<'a> {
    /// The words around it; `x` is the effect, with its unit.
    pub labels: Labels,
    /// One for each feature.
    pub swarms: Vec<Swarm<'a>>,
}

/// One feature over all rows.
#[derive(Clone, Debug)]
pub struct Swarm<'a> {
    /// Its name.
    pub name: String,
    /// Its effect on the prediction of each row; missing ones are left out.
    pub effects: &'a [f64],
    /// Its value in each row, NaN = missing (drawn in a colour of its own).
    pub values: &'a [f32],
}

const WIDTH: u32 = 1400;
const SCALE_ROOM: f64 = 130.0;
const DOT: f64 = 3.0;
/// Dots of one swarm share places of this width, in pixels.
const PLACE: f64 = 3.0;
/// Most dots in one place; they fill the height of a swarm.
const DOTS_MAX: usize = 16;
/// Share of a row that a swarm may fill.
const SPREAD: f64 = 0.84;
const MISSING: Rgb = (40, 40, 40);

/// Draws the chart as PNG; its height follows the number of swarms.
///
/// # Errors
/// If the picture cannot be drawn or encoded, which does not depend on the data.
pub fn beeswarm(chart: &Beeswarm<'_>) -> Result<Vec<u8>, PlotError> {
    let size = Size {
        width: WIDTH,
        height: named_height(chart.swarms.len() * 3 / 2),
    };
    picture(size, |canvas| draw(canvas, chart, size))
}

fn draw(canvas: &Canvas<'_>, chart: &Beeswarm<'_>, size: Size) -> Drawn {
    let effects = chart
        .swarms
        .iter()
        .flat_map(|swarm| swarm.effects.iter().copied());
    let some_missing = chart
        .swarms
        .iter()
        .any(|swarm| swarm.values.iter().any(|value| value.is_nan()));
    let missing = Entry {
        text: "value missing".into(),
        sign: Sign::Block(MISSING),
    };
    let plan = Plan {
        size,
        labels: &chart.labels,
        legend: some_missing.then_some(missing).into_iter().collect(),
        x: Axis::Numbers(Range::of(effects).with(0.0).padded(0.03)),
        y: Axis::Names(
            chart
                .swarms
                .iter()
                .map(|swarm| swarm.name.clone())
                .collect(),
        ),
        aside: SCALE_ROOM,
    };
    let frame = frame(canvas, &plan)?;
    canvas.line(
        &[
            (frame.across(0.0), frame.top),
            (frame.across(0.0), frame.bottom),
        ],
        hair(AXIS),
    )?;
    for (idx, swarm) in chart.swarms.iter().enumerate() {
        for dot in dots(&frame, idx, swarm) {
            canvas.dot(dot.at, DOT, dot.color)?;
        }
    }
    scale(&frame)
}

struct Dot {
    at: (f64, f64),
    color: Rgb,
}

fn dots(frame: &Frame<'_, '_>, idx: usize, swarm: &Swarm<'_>) -> Vec<Dot> {
    let colors = Colors::of(swarm.values);
    let n_places = ((frame.right - frame.left) / PLACE) as usize + 1;
    let mut places: Vec<Vec<f32>> = vec![Vec::new(); n_places];
    for (effect, value) in swarm
        .effects
        .iter()
        .zip(swarm.values)
        .filter(|(effect, _)| effect.is_finite())
    {
        let place = ((frame.across(*effect) - frame.left) / PLACE) as usize;
        places[place.min(n_places - 1)].push(*value);
    }
    let fullest = places.iter().map(Vec::len).max().unwrap_or(0);
    let height = (frame.up(0.0) - frame.up(1.0)).abs() * SPREAD;
    let middle = frame.up(idx as f64);
    let mut dots = Vec::new();
    for (place, values) in places.iter_mut().enumerate() {
        values.sort_by(f32::total_cmp);
        let n_dots = shown(values.len(), fullest);
        for dot in 0..n_dots {
            let offset = (dot as f64 - (n_dots as f64 - 1.0) / 2.0) * height / DOTS_MAX as f64;
            let value = values[(2 * dot + 1) * values.len() / (2 * n_dots)];
            let at = (frame.left + (place as f64 + 0.5) * PLACE, middle - offset);
            dots.push(Dot {
                at,
                color: colors.of_value(value),
            });
        }
    }
    dots
}

/// How many dots stand for `n` rows in a place, where the fullest place has `fullest`.
fn shown(n: usize, fullest: usize) -> usize {
    if fullest <= DOTS_MAX {
        n
    } else {
        (n * DOTS_MAX).div_ceil(fullest)
    }
}

/// Colours over the middle nine tenths of a feature's values, so that one outlier does not make all others alike.
struct Colors {
    range: Range,
}

impl Colors {
    fn of(values: &[f32]) -> Self {
        let mut sorted: Vec<f32> = values
            .iter()
            .copied()
            .filter(|value| value.is_finite())
            .collect();
        sorted.sort_by(f32::total_cmp);
        let at = |percent: usize| {
            sorted
                .get(sorted.len().saturating_sub(1) * percent / 100)
                .map(|value| f64::from(*value))
        };
        Self {
            range: Range::of([at(5), at(95)].into_iter().flatten()),
        }
    }

    fn of_value(&self, value: f32) -> Rgb {
        if value.is_nan() {
            MISSING
        } else {
            low_high(self.range.share(f64::from(value)))
        }
    }
}

fn scale(frame: &Frame<'_, '_>) -> Drawn {
    const BAR_WIDTH: f64 = 22.0;
    let left = frame.right + 2.0 * GAP;
    let (top, bottom) = (
        frame.top + TICK_SIZE * 3.4,
        frame.bottom.min(frame.top + 460.0) - TICK_SIZE * 1.2,
    );
    frame.canvas.text(
        "value of",
        (left, frame.top + TICK_SIZE * 0.5),
        tick_ink(Hold::Start),
    )?;
    frame.canvas.text(
        "feature",
        (left, frame.top + TICK_SIZE * 1.6),
        tick_ink(Hold::Start),
    )?;
    frame
        .canvas
        .gradient((left, top), (left + BAR_WIDTH, bottom), low_high)?;
    frame.canvas.text(
        "high",
        (left + BAR_WIDTH + GAP, top + TICK_SIZE * 0.4),
        tick_ink(Hold::Start),
    )?;
    frame.canvas.text(
        "low",
        (left + BAR_WIDTH + GAP, bottom - TICK_SIZE * 0.4),
        tick_ink(Hold::Start),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_as_many_as_rows_until_they_would_not_fit() {
        assert_eq!((shown(7, 16), shown(16, 16)), (7, 16));
        assert_eq!(
            (
                shown(1000, 1000),
                shown(500, 1000),
                shown(1, 1000),
                shown(0, 1000)
            ),
            (16, 8, 1, 0)
        );
    }

    #[test]
    fn colours_run_over_the_middle_of_the_values() {
        let mut values: Vec<f32> = (0..=100).map(|i| i as f32).collect();
        values.push(1e9);
        let colors = Colors::of(&values);
        assert_eq!(
            (colors.of_value(-5.0), colors.of_value(f32::NAN)),
            (low_high(0.0), MISSING)
        );
        assert_ne!(colors.of_value(30.0), colors.of_value(70.0));
    }
}
