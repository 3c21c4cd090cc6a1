//! How often each value of a column occurs, in 8 bytes a row.
//!
//! Not the bins: those are cut where this tells that the mass is. Two threads count a column each while the table itself
//! is in memory, so that nothing here may be as large as a table of several numbers a row.
//!
//! ```text
//!           keys            room
//! words   [ 3 3 3 7 9 9 | · · · · · · ]     sorted by digits, to and fro
//! words   [ 3 7 9 · · · | 3 1 2 · · · ]     different ones, and how often each occurs
//! ```
//!
//! One allocation, since the smaller of two might be kept by the allocator when it is given back.

use super::ascending;

/// Values in rising order, or ranges of neighbours that count as one.
pub(crate) trait Spread {
    /// How many.
    fn n(&self) -> usize;

    /// The lowest and the highest value of the `idx`-th, and the number of rows that have one.
    fn run(&self, idx: usize) -> Run;
}

/// A value, or neighbours that count as one, and the number of rows that have it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Run {
    pub(crate) low: f32,
    pub(crate) high: f32,
    pub(crate) n_rows: usize,
}

impl Spread for [Run] {
    fn n(&self) -> usize {
        self.len()
    }

    fn run(&self, idx: usize) -> Run {
        self[idx]
    }
}

/// The different present values of a column, each with its count.
pub(crate) struct Tally {
    words: Vec<u32>,
    /// Different values.
    n: usize,
}

impl Tally {
    /// Counts at most 2^32 - 1 values. 0 and -0 are one value; infinite ones count as the largest finite ones.
    pub(crate) fn of(column: &[f32]) -> Self {
        let mut words = vec![0; 2 * column.len()];
        let (keys, room) = words.split_at_mut(column.len());
        let mut n = 0;
        for x in column.iter().filter(|x| !x.is_nan()) {
            // Adding 0 takes the sign from -0, and changes nothing else.
            keys[n] = ascending::key(x.clamp(f32::MIN, f32::MAX) + 0.0);
            n += 1;
        }
        ascending::sort(&mut keys[..n], &mut room[..n]);
        let n = count(&mut keys[..n], &mut room[..n]);
        Self { words, n }
    }

    pub(crate) fn runs(&self) -> impl Iterator<Item = Run> {
        (0..self.n()).map(|idx| self.run(idx))
    }
}

impl Spread for Tally {
    fn n(&self) -> usize {
        self.n
    }

    fn run(&self, idx: usize) -> Run {
        let value = ascending::value(self.words[idx]);
        Run {
            low: value,
            high: value,
            n_rows: self.words[self.words.len() / 2 + idx] as usize,
        }
    }
}

/// Moves different keys together, tells how many there are, and counts each.
fn count(keys: &mut [u32], counts: &mut [u32]) -> usize {
    let mut n = 0;
    for at in 0..keys.len() {
        if 0 < n && keys[n - 1] == keys[at] {
            counts[n - 1] += 1;
        } else {
            (keys[n], counts[n]) = (keys[at], 1);
            n += 1;
        }
    }
    n
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_present_value_is_counted(column in proptest::collection::vec(prop_oneof![
            4 => (-9..9_i32).prop_map(|x| x as f32 / 2.0),
            2 => proptest::num::f32::ANY,
            1 => Just(-0.0),
        ], 0..300)) {
            let mut sorted: Vec<f32> = column.iter().filter(|x| !x.is_nan()).map(|x| x.clamp(f32::MIN, f32::MAX)).collect();
            sorted.sort_unstable_by(f32::total_cmp);
            let expected: Vec<Run> = sorted.chunk_by(|a, b| a == b)
                .map(|run| Run { low: run[0], high: run[0], n_rows: run.len() })
                .collect();
            prop_assert_eq!(Tally::of(&column).runs().collect::<Vec<Run>>(), expected);
        }
    }
}
