//! Sums of floating-point numbers in an order that does not depend on the number of threads.
//!
//! Not exact sums: those of the histograms are, being sums of whole numbers.

use rayon::prelude::*;

/// Numbers that are summed together; the sums of blocks are then summed in the order of the blocks.
pub(crate) const BLOCK: usize = 4096;

/// Eight sums side by side: number `i` of a block belongs to sum `i % 8`, so that no addition waits for the last.
#[derive(Clone, Copy, Default)]
pub(crate) struct Lanes([f64; 8]);

impl Lanes {
    /// Goes on summing. All parts of a block but the last are multiples of eight.
    #[inline(always)]
    pub(crate) fn add(&mut self, values: &[f64], term: impl Fn(f64) -> f64) {
        // Full chunks apart from the rest, so that the sums stay in registers.
        let (chunks, rest) = values.as_chunks::<8>();
        let mut sums = self.0;
        for chunk in chunks {
            for (sum, &value) in sums.iter_mut().zip(chunk) {
                *sum += term(value);
            }
        }
        for (sum, &value) in sums.iter_mut().zip(rest) {
            *sum += term(value);
        }
        self.0 = sums;
    }

    /// The sum of the eight, from the first to the last.
    pub(crate) fn sum(self) -> f64 {
        in_order(&self.0)
    }
}

/// The sum of numbers from the first to the last.
pub(crate) fn in_order(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |sum, value| sum + value)
}

/// The sum of `term` over all values.
pub(crate) fn sum_of(values: &[f64], term: impl Fn(f64) -> f64 + Sync) -> f64 {
    let of_block = |block: &[f64]| {
        let mut lanes = Lanes::default();
        lanes.add(block, &term);
        lanes.sum()
    };
    let blocks: Vec<f64> = values.par_chunks(BLOCK).map(of_block).collect();
    in_order(&blocks)
}

/// The mean; 0 of nothing.
pub(crate) fn mean(values: &[f64]) -> f64 {
    sum_of(values, |value| value) / values.len().max(1) as f64
}

/// The mean of numbers in f32; 0 of none.
pub(crate) fn mean_of(values: &[f32]) -> f64 {
    let exact: Vec<f64> = values.par_iter().map(|&value| f64::from(value)).collect();
    mean(&exact)
}

/// The root of the mean square; 0 of nothing.
pub(crate) fn root_mean_square(values: &[f64]) -> f64 {
    (sum_of(values, |value| value * value) / values.len().max(1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_right_and_the_same_on_any_number_of_threads() {
        let values: Vec<f64> = (0..100_003).map(|i| f64::from(i) * 0.1 - 5000.0).collect();
        let on = |n_threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(n_threads)
                .build()
                .unwrap();
            pool.install(|| mean(&values))
        };
        assert!((on(1) - (0.1 * 50_001.0 - 5000.0)).abs() < 1e-9);
        assert_eq!(on(1).to_bits(), on(2).to_bits());
        assert_eq!(on(1).to_bits(), on(5).to_bits());
    }

    #[test]
    fn nothing_has_mean_zero() {
        assert_eq!((mean(&[]), root_mean_square(&[])), (0.0, 0.0));
        assert_eq!(root_mean_square(&[3.0, -4.0, 0.0, 0.0]), 2.5);
    }
}
