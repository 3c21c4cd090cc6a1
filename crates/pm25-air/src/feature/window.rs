//! Windows over a series: means, extremes, spreads, quantiles, trends, and how long ago something was.
//!
//! Each row costs the same whatever its window's length, but for quantiles and weighted means. Sums are differences of
//! integer sums (see [`exact`]), extremes come from a queue of candidates, quantiles from a sorted window; so a row's
//! bits do not depend on the rows beside it. Only the weighted mean adds in floating point, always its own hours,
//! oldest first; there a block of neighbouring rows is summed at once, so that the inner loop runs along memory.
//!
//! ```text
//! series        a b c d e f g h
//! row 0         [a b c]                 pass 1   sums  0+a  0+b  0+c  ..
//! row 1           [b c d]               pass 2         +b   +c   +d
//! row 2             [c d e]             pass 3         +c   +d   +e
//! ```

use super::WindowStat;
use super::exact::{deviation, in_units, mean};
use super::local::EWM_HALF_LIVES;
use super::series::Series;
use std::collections::VecDeque;

/// Rows summed at once: their sums stay in the first-level cache.
const BLOCK: usize = 256;

/// Where the windows of neighbouring rows lie: row r has the hours `first + r .. first + r + hours` of the series.
#[derive(Copy, Clone)]
pub(super) struct Windows {
    /// Oldest hour of the first row's window, as index into the series.
    pub(super) first: usize,
    /// Length of each window.
    pub(super) hours: usize,
    /// How many there are.
    pub(super) n_rows: usize,
}

/// One value per row; NaN where less than 75 % of the window's hours are present.
pub(super) fn reduce(series: &Series, stat: WindowStat, windows: Windows) -> Vec<f32> {
    match stat {
        WindowStat::Mean => each(series, windows, |w| mean(w.sum(), w.n_present())),
        WindowStat::Sum => each(series, windows, |w| in_units(w.sum() as f64)),
        WindowStat::Std => each(series, windows, |w| {
            deviation(w.sum(), w.squares(), w.n_present())
        }),
        WindowStat::Slope => each(series, windows, |w| w.slope()),
        WindowStat::Min => extremes(series, windows, |value, other| value <= other),
        WindowStat::Max => extremes(series, windows, |value, other| other <= value),
    }
}

/// One window of a series.
struct Window<'s> {
    series: &'s Series,
    /// Its oldest hour.
    first: usize,
    /// One after its newest.
    end: usize,
}

impl Window<'_> {
    fn n_present(&self) -> u32 {
        let present = &self.series.before.present;
        present[self.end] - present[self.first]
    }

    fn is_complete(&self) -> bool {
        3 * (self.end - self.first) <= 4 * self.n_present() as usize
    }

    fn sum(&self) -> i64 {
        let sum = &self.series.before.sum;
        sum[self.end].wrapping_sub(sum[self.first])
    }

    fn squares(&self) -> i128 {
        let squares = &self.series.before.squares;
        squares[self.end] - squares[self.first]
    }

    /// Per hour. The hours are counted from the window's first, which keeps the integers small; the slope does not
    /// know from where they are counted.
    fn slope(&self) -> f64 {
        let moments = &self.series.before.moments;
        let ((first, second, product), (first_0, second_0, product_0)) =
            (moments[self.end], moments[self.first]);
        let (n, from) = (i64::from(self.n_present()), self.first as i64);
        let hours = first
            .wrapping_sub(first_0)
            .wrapping_sub(from.wrapping_mul(n));
        let hours_squared = second
            .wrapping_sub(second_0)
            .wrapping_sub(from.wrapping_mul(2 * hours + from.wrapping_mul(n)));
        let sum = i128::from(self.sum());
        let product = product - product_0 - i128::from(from) * sum;
        let (n, hours) = (i128::from(n), i128::from(hours));
        let spread = n * i128::from(hours_squared) - hours * hours;
        in_units((n * product - hours * sum) as f64) / spread as f64
    }
}

/// The window of every row, as a number where it is complete.
fn each(series: &Series, windows: Windows, value: impl Fn(&Window) -> f64) -> Vec<f32> {
    let of_row = |row: usize| {
        let first = windows.first + row;
        let window = Window {
            series,
            first,
            end: first + windows.hours,
        };
        if window.is_complete() {
            value(&window) as f32
        } else {
            f32::NAN
        }
    };
    (0..windows.n_rows).map(of_row).collect()
}

/// Feeds the windows' hours to `slide` one by one, oldest first, and takes each complete window's value.
///
/// `slide.0` takes an hour in, `slide.1` lets go of all hours before an index, `slide.2` answers.
fn sliding<S>(
    series: &Series,
    windows: Windows,
    mut state: S,
    slide: (
        impl Fn(&mut S, usize, f32),
        impl Fn(&mut S, usize),
        impl Fn(&S, usize) -> f64,
    ),
) -> Vec<f32> {
    let (take, let_go, answer) = slide;
    let mut next = windows.first;
    let mut out = Vec::with_capacity(windows.n_rows);
    for row in 0..windows.n_rows {
        let first = windows.first + row;
        let end = first + windows.hours;
        for idx in next..end {
            let value = series.visible[idx];
            if !value.is_nan() {
                take(&mut state, idx, value);
            }
        }
        next = end;
        let_go(&mut state, first);
        let window = Window { series, first, end };
        out.push(if window.is_complete() {
            answer(&state, end) as f32
        } else {
            f32::NAN
        });
    }
    out
}

/// Smallest or largest: a queue of the hours that can still become it, the best one in front.
fn extremes(series: &Series, windows: Windows, beats: impl Fn(f32, f32) -> bool) -> Vec<f32> {
    type Queue = VecDeque<(usize, f32)>;
    let take = |queue: &mut Queue, idx: usize, value: f32| {
        while queue.back().is_some_and(|&(_, last)| beats(value, last)) {
            queue.pop_back();
        }
        queue.push_back((idx, value));
    };
    let let_go = |queue: &mut Queue, first: usize| {
        while queue.front().is_some_and(|&(idx, _)| idx < first) {
            queue.pop_front();
        }
    };
    let best = |queue: &Queue, _: usize| queue.front().map_or(f64::NAN, |&(_, v)| f64::from(v));
    sliding(series, windows, Queue::new(), (take, let_go, best))
}

/// Quantiles of complete windows, linear between neighbours; `pct` of 0 to 100.
pub(super) fn quantiles(series: &Series, pct: u8, windows: Windows) -> Vec<f32> {
    /// The hours in the order of time, and their values in the order of size.
    #[derive(Default)]
    struct Sorted {
        hours: VecDeque<(usize, f32)>,
        values: Vec<f32>,
    }
    let take = |window: &mut Sorted, idx: usize, value: f32| {
        let at = window.values.partition_point(|&other| other < value);
        window.values.insert(at, value);
        window.hours.push_back((idx, value));
    };
    let let_go = |window: &mut Sorted, first: usize| {
        while let Some(&(idx, value)) = window.hours.front()
            && idx < first
        {
            let at = window.values.partition_point(|&other| other < value);
            window.values.remove(at);
            window.hours.pop_front();
        }
    };
    let quantile = |window: &Sorted, _: usize| quantile(&window.values, pct);
    sliding(series, windows, Sorted::default(), (take, let_go, quantile))
}

/// Type 7: the values lie at 0, 1/(n-1), .. 1, and what is between lies on the line.
fn quantile(sorted: &[f32], pct: u8) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let place = usize::from(pct) * last;
    let (idx, rest) = (place / 100, (place % 100) as f64 / 100.0);
    let low = f64::from(sorted[idx]);
    let high = f64::from(sorted[(idx + 1).min(last)]);
    low + rest * (high - low)
}

/// Hours since the newest one of at least `threshold`, counted from the newest hour of the window; the window's length
/// if there is none.
pub(super) fn since(series: &Series, threshold: f64, windows: Windows) -> Vec<f32> {
    let take = |last: &mut Option<usize>, idx: usize, value: f32| {
        if threshold <= f64::from(value) {
            *last = Some(idx);
        }
    };
    let let_go = |last: &mut Option<usize>, first: usize| {
        if last.is_some_and(|idx| idx < first) {
            *last = None;
        }
    };
    let hours =
        |last: &Option<usize>, end: usize| last.map_or(windows.hours, |idx| end - 1 - idx) as f64;
    sliding(series, windows, None, (take, let_go, hours))
}

/// Means with weights that halve every `half_life_h` hours back from the window's newest.
pub(super) fn weighted(series: &Series, half_life_h: u16, windows: Windows) -> Vec<f32> {
    debug_assert_eq!(windows.hours, usize::from(EWM_HALF_LIVES * half_life_h));
    let weight = |hours_back: usize| libm::exp2(-(hours_back as f64) / f64::from(half_life_h));
    let weights: Vec<f64> = (0..windows.hours).rev().map(weight).collect();
    let enough = 0.75 * weights.iter().sum::<f64>();
    let mut out = vec![f32::NAN; windows.n_rows];
    for (block_idx, block) in out.chunks_mut(BLOCK).enumerate() {
        let first = windows.first + block_idx * BLOCK;
        let (mut sums, mut present) = ([0.0; BLOCK], [0.0; BLOCK]);
        for (hour, weight) in weights.iter().enumerate() {
            let values = &series.visible[first + hour..][..block.len()];
            for ((sum, present), &value) in sums.iter_mut().zip(&mut present).zip(values) {
                let (value, weight) = if value.is_nan() {
                    (0.0, 0.0)
                } else {
                    (f64::from(value), *weight)
                };
                *sum += weight * value;
                *present += weight;
            }
        }
        for (slot, (sum, present)) in block.iter_mut().zip(sums.iter().zip(&present)) {
            if enough <= *present {
                *slot = (sum / present) as f32;
            }
        }
    }
    out
}

/// Mean of the wind times the range of temperature; the two series begin at different hours.
pub(super) fn ventilation(
    wind: &Series,
    temp: &Series,
    over_wind: Windows,
    over_temp: Windows,
) -> Vec<f32> {
    let means = reduce(wind, WindowStat::Mean, over_wind);
    let lowest = reduce(temp, WindowStat::Min, over_temp);
    let highest = reduce(temp, WindowStat::Max, over_temp);
    let range = highest.iter().zip(&lowest).map(|(high, low)| high - low);
    means
        .iter()
        .zip(range)
        .map(|(mean, range)| mean * range)
        .collect()
}
