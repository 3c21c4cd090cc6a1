//! The different values of a column and how often each occurs, from batches of rows in any order.
//!
//! Not the column: memory grows with different values, up to a bound. Beyond it, values that share the upper bits of
//! their code are counted together, with as few bits dropped as keep the bound. How many that are depends on which
//! values there are, and on nothing else: the same counts come from batches of any size in any order.
//!
//! ```text
//! values        2.0 5.5 5.5 | 2.0 9.25          batches
//! runs          2.0 x 2, 5.5 x 2, 9.25 x 1
//! too many      [2.0 .. 5.5] x 4, 9.25 x 1      the ends are kept, so that a threshold between two runs parts them
//! ```

use super::tally::{Run, Tally};

/// Runs that are kept, and values that wait: 4 MiB together.
const N_RUNS_MAX: usize = 1 << 17;
const N_WAITING_MAX: usize = 1 << 18;

/// What has been counted of one column.
pub(crate) struct Counts {
    n_runs_max: usize,
    /// Rising, none two of the same key.
    runs: Vec<Run>,
    /// Bits of a value's code that do not count.
    n_dropped: u32,
    waiting: Vec<f32>,
}

impl Counts {
    pub(crate) fn new() -> Self {
        Self::bounded(N_RUNS_MAX)
    }

    fn bounded(n_runs_max: usize) -> Self {
        Self {
            n_runs_max,
            runs: Vec::new(),
            n_dropped: 0,
            waiting: Vec::new(),
        }
    }

    /// Counts some rows.
    pub(crate) fn add(&mut self, values: &[f32]) {
        for values in values.chunks(N_WAITING_MAX) {
            if N_WAITING_MAX < self.waiting.len() + values.len() {
                self.settle();
            }
            self.waiting.extend(values);
        }
    }

    /// All that has been counted.
    pub(crate) fn finish(mut self) -> Vec<Run> {
        self.settle();
        self.runs
    }

    fn settle(&mut self) {
        let new = Tally::of(&self.waiting);
        self.waiting.clear();
        let mut all = std::mem::take(&mut self.runs);
        all.extend(new.runs());
        // Both halves rise: a stable sort merges them.
        all.sort_by(|a, b| a.low.total_cmp(&b.low));
        self.runs = all;
        self.join();
        while self.n_runs_max < self.runs.len() {
            self.n_dropped += 1;
            self.join();
        }
    }

    /// Makes one run of those that share a key.
    fn join(&mut self) {
        let n_dropped = self.n_dropped;
        self.runs.dedup_by(|next, kept| {
            let joins = rank(kept.low) >> n_dropped == rank(next.low) >> n_dropped;
            if joins {
                if kept.high < next.high {
                    kept.high = next.high;
                }
                kept.n_rows += next.n_rows;
            }
            joins
        });
    }
}

/// A number that rises with the value; the same for both zeros.
fn rank(x: f32) -> u32 {
    let bits = (x + 0.0).to_bits();
    if bits >> 31 == 1 {
        !bits
    } else {
        bits | 1 << 31
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counted(column: &[f32], batch_rows: usize, n_runs_max: usize) -> Vec<Run> {
        let mut counts = Counts::bounded(n_runs_max);
        for batch in column.chunks(batch_rows) {
            counts.add(batch);
            counts.settle();
        }
        counts.finish()
    }

    fn a_value() -> impl Strategy<Value = f32> {
        prop_oneof![
            4 => (-30..30_i32).prop_map(|x| x as f32 / 4.0),
            2 => proptest::num::f32::ANY,
            1 => Just(f32::NAN),
            1 => Just(-0.0),
        ]
    }

    proptest! {
        #[test]
        fn batches_of_any_size_in_any_order_are_counted_as_the_whole_column(
            column in proptest::collection::vec(a_value(), 0..300),
            batch_rows in 1..70_usize,
        ) {
            let whole: Vec<Run> = Tally::of(&column).runs().collect();
            prop_assert_eq!(&counted(&column, batch_rows, 1 << 10), &whole);
            let reversed: Vec<f32> = column.iter().rev().copied().collect();
            let few = counted(&column, column.len().max(1), 20);
            prop_assert!(few.len() <= 20);
            prop_assert_eq!(&counted(&column, batch_rows, 20), &few);
            prop_assert_eq!(&counted(&reversed, batch_rows, 20), &few);
            // Nothing is lost, and runs do not overlap.
            prop_assert_eq!(rows(&few), rows(&whole));
            prop_assert!(few.windows(2).all(|pair| pair[0].high < pair[1].low));
            let ends = few.first().zip(few.last()).map(|(first, last)| (first.low, last.high));
            prop_assert_eq!(ends, whole.first().zip(whole.last()).map(|(first, last)| (first.low, last.high)));
        }
    }

    fn rows(runs: &[Run]) -> usize {
        runs.iter().map(|run| run.n_rows).sum()
    }
}
