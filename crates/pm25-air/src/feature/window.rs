//! Windows over a series: mean, smallest, largest, standard deviation.
//!
//! Every window is summed from its own hours, oldest first, in f64. A running sum would be quicker and would give a
//! row other bits when it is computed alone. Speed comes from another side: a block of neighbouring rows is
//! summed at once, hour by hour of their windows, so that the inner loop runs along memory and vectorises.
//!
//! ```text
//! series        a b c d e f g h
//! row 0         [a b c]                 pass 1   sums  0+a  0+b  0+c  ..
//! row 1           [b c d]               pass 2         +b   +c   +d
//! row 2             [c d e]             pass 3         +c   +d   +e
//! ```

use super::WindowStat;
use super::series::Series;

/// Rows summed at once: their sums stay in the first-level cache.
const BLOCK: usize = 256;

/// Where the windows of neighbouring rows lie: row r has the hours `first + r .. first + r + hours` of the series.
#[derive(Copy, Clone)]
pub(super) struct Windows {
    /// Oldest hour of the first row's window, as index into the series.
    pub(super) first: usize,
    /// Length of each window.
    pub(super) hours: usize,
}

/// One value per row; NaN where less than 75 % of the window's hours are present.
pub(super) fn reduce(
    series: &Series,
    stat: WindowStat,
    windows: Windows,
    n_rows: usize,
) -> Vec<f32> {
    let mut out = vec![f32::NAN; n_rows];
    for (block_idx, block) in out.chunks_mut(BLOCK).enumerate() {
        let windows = Windows {
            first: windows.first + block_idx * BLOCK,
            ..windows
        };
        match stat {
            WindowStat::Mean => put(block, &means(series, windows, block.len())),
            WindowStat::Std => put(block, &deviations(series, windows, block.len())),
            WindowStat::Min => extremes(series, windows, block, |value, least| value < least),
            WindowStat::Max => extremes(series, windows, block, |value, largest| largest < value),
        }
        hide_incomplete(series, windows, block);
    }
    out
}

fn put(block: &mut [f32], values: &[f64; BLOCK]) {
    for (slot, &value) in block.iter_mut().zip(values) {
        *slot = value as f32;
    }
}

fn means(series: &Series, windows: Windows, n_rows: usize) -> [f64; BLOCK] {
    let mut sums = [0.0; BLOCK];
    for hour in 0..windows.hours {
        let values = &series.filled[windows.first + hour..][..n_rows];
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += value;
        }
    }
    for (row, sum) in sums[..n_rows].iter_mut().enumerate() {
        *sum /= f64::from(n_present(series, windows, row));
    }
    sums
}

/// Two passes, because the difference of large squares would lose a small deviation.
fn deviations(series: &Series, windows: Windows, n_rows: usize) -> [f64; BLOCK] {
    let means = means(series, windows, n_rows);
    let mut squares = [0.0; BLOCK];
    for hour in 0..windows.hours {
        let values = &series.visible[windows.first + hour..][..n_rows];
        for ((square, mean), &value) in squares.iter_mut().zip(&means).zip(values) {
            let away = f64::from(value) - mean;
            *square += if value.is_nan() { 0.0 } else { away * away };
        }
    }
    for (row, square) in squares[..n_rows].iter_mut().enumerate() {
        *square = (*square / f64::from(n_present(series, windows, row))).sqrt();
    }
    squares
}

/// Keeps the first of equals; NaN never wins a comparison, so missing hours drop out.
fn extremes(series: &Series, windows: Windows, block: &mut [f32], wins: impl Fn(f32, f32) -> bool) {
    let start = if wins(f32::NEG_INFINITY, 0.0) {
        f32::INFINITY
    } else {
        f32::NEG_INFINITY
    };
    block.fill(start);
    for hour in 0..windows.hours {
        let values = &series.visible[windows.first + hour..][..block.len()];
        for (best, &value) in block.iter_mut().zip(values) {
            *best = if wins(value, *best) { value } else { *best };
        }
    }
}

fn hide_incomplete(series: &Series, windows: Windows, block: &mut [f32]) {
    for (row, slot) in block.iter_mut().enumerate() {
        let n_present = n_present(series, windows, row) as usize;
        if 4 * n_present < 3 * windows.hours {
            *slot = f32::NAN;
        }
    }
}

fn n_present(series: &Series, windows: Windows, row: usize) -> u32 {
    let first = windows.first + row;
    series.present_before[first + windows.hours] - series.present_before[first]
}
