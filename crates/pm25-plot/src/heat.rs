//! Counts of points in a grid of cells, drawn in colours of the logarithm of the count, with their colour scale: what a
//! scatter plot of a hundred thousand points should have been.

use crate::canvas::{Drawn, Hold};
use crate::frame::{Frame, hair, tick_ink};
use crate::look::{AXIS, GAP, TICK_SIZE, ramp};
use crate::ticks::{Range, decades, number};

/// Room that the colour scale takes beside the plot, in pixels.
pub(crate) const SCALE_ROOM: f64 = 150.0;
const BAR_WIDTH: f64 = 30.0;

/// Cell counts over two ranges; points outside are not counted (ranges are made to cover all).
pub(crate) struct Heat {
    columns: usize,
    rows: usize,
    counts: Vec<u32>,
    x: Range,
    y: Range,
}

impl Heat {
    pub(crate) fn count(points: &[(f64, f64)], x: Range, y: Range, cells: (usize, usize)) -> Self {
        let (columns, rows) = cells;
        let mut counts = vec![0; columns * rows];
        let cell = |range: Range, value: f64, cells: usize| {
            range
                .contains(value)
                .then(|| ((range.share(value) * cells as f64) as usize).min(cells - 1))
        };
        for (px, py) in points {
            if let (Some(column), Some(row)) = (cell(x, *px, columns), cell(y, *py, rows)) {
                counts[row * columns + column] += 1;
            }
        }
        Self {
            columns,
            rows,
            counts,
            x,
            y,
        }
    }

    fn most(&self) -> u32 {
        self.counts.iter().copied().max().unwrap_or(0)
    }

    /// Draws the cells that hold a point, then the scale at the right of the plot.
    pub(crate) fn draw(&self, frame: &Frame<'_, '_>) -> Drawn {
        let most = self.most();
        let edge = |range: Range, idx: usize, of: usize| {
            range.from + (range.to - range.from) * idx as f64 / of as f64
        };
        for (idx, count) in self
            .counts
            .iter()
            .enumerate()
            .filter(|(_, count)| 0 < **count)
        {
            let (row, column) = (idx / self.columns, idx % self.columns);
            let from = (
                edge(self.x, column, self.columns),
                edge(self.y, row + 1, self.rows),
            );
            let to = (
                edge(self.x, column + 1, self.columns),
                edge(self.y, row, self.rows),
            );
            frame.canvas.rectangle(
                frame.at(from.0, from.1),
                frame.at(to.0, to.1),
                ramp(log_share(*count, most)),
            )?;
        }
        scale(frame, most)
    }
}

/// 0 for a single point, 1 for the fullest cell, even steps of the logarithm between.
fn log_share(count: u32, most: u32) -> f64 {
    if most <= 1 {
        0.0
    } else {
        libm::log(f64::from(count)) / libm::log(f64::from(most))
    }
}

fn scale(frame: &Frame<'_, '_>, most: u32) -> Drawn {
    let left = frame.right + 2.0 * GAP;
    let top = frame.top + TICK_SIZE * 3.0;
    let height = (frame.bottom - top).min(420.0);
    frame.canvas.text(
        "rows",
        (left, frame.top + TICK_SIZE * 0.5),
        tick_ink(Hold::Start),
    )?;
    frame.canvas.text(
        "per cell",
        (left, frame.top + TICK_SIZE * 1.6),
        tick_ink(Hold::Start),
    )?;
    frame
        .canvas
        .gradient((left, top), (left + BAR_WIDTH, top + height), ramp)?;
    let place =
        |count: f64| top + height * (1.0 - libm::log(count) / libm::log(f64::from(most.max(2))));
    let mut marks = decades(f64::from(most.max(1)));
    // The top says how many the darkest stands for, unless a power of ten is already there.
    marks
        .retain(|mark| mark.at == 1.0 || TICK_SIZE * 1.3 < place(mark.at) - place(f64::from(most)));
    let top_mark = (f64::from(most), number(f64::from(most), 0));
    let all = marks
        .into_iter()
        .map(|mark| (mark.at, mark.text))
        .chain((1 < most).then_some(top_mark));
    for (at, text) in all {
        let y = place(at);
        frame.canvas.line(
            &[(left + BAR_WIDTH, y), (left + BAR_WIDTH + 7.0, y)],
            hair(AXIS),
        )?;
        frame
            .canvas
            .text(&text, (left + BAR_WIDTH + GAP, y), tick_ink(Hold::Start))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_is_in_one_cell_ends_included() {
        let range = Range {
            from: 0.0,
            to: 10.0,
        };
        let points: Vec<(f64, f64)> = (0..=100)
            .map(|i| (f64::from(i) / 10.0, 10.0 - f64::from(i) / 10.0))
            .collect();
        let heat = Heat::count(&points, range, range, (7, 3));
        assert_eq!(heat.counts.iter().sum::<u32>(), 101);
        assert_eq!(
            Heat::count(&[(f64::NAN, 1.0), (11.0, 1.0)], range, range, (7, 3)).most(),
            0
        );
    }

    #[test]
    fn shares_run_from_one_point_to_the_fullest_cell() {
        assert_eq!(
            (log_share(1, 100), log_share(10, 100), log_share(100, 100)),
            (0.0, 0.5, 1.0)
        );
        assert_eq!(log_share(1, 1), 0.0);
    }
}
