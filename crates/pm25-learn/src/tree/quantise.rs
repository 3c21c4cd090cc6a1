//! Gradients as 16-bit whole numbers, so that sums over rows are exact and the same in any order.
//!
//! Not always what a leaf is fitted with: where an outlier makes the step coarse, a leaf's value comes from the exact
//! residuals (see `boost.rs`).
//!
//! One step is a power of two, the smallest with which the largest gradient fits. Numbers on that grid (whole
//! micrograms, tenths of a power of two) are kept exactly; others are rounded up or down by chance, in proportion,
//! so that sums are right on average even where one outlier makes the step coarse.

use super::chance::Stream;

/// How numbers are rounded to steps.
#[derive(Clone, Copy)]
pub(crate) struct Rounding {
    step: f64,
    per_step: f64,
    stream: Stream,
}

impl Rounding {
    /// Steps for numbers that are at most `largest`, above or below zero.
    pub(crate) fn new(largest: f64, stream: Stream) -> Self {
        let step = step_for(largest);
        Self {
            step,
            per_step: 1.0 / step,
            stream,
        }
    }

    /// What one step stands for, in units of the target; a power of two.
    pub(crate) fn step(self) -> f64 {
        self.step
    }

    /// Rounds numbers `4 n .. 4 n + 4` of all numbers, up with the probability of the fraction that would be cut off.
    ///
    /// Adding 16 bits of chance, from almost -1/2 to almost 1/2, and rounding to the nearest whole number does that,
    /// and leaves whole numbers alone. The rounding happens where a number so large is added that f64 has no
    /// fractions left; what is wanted is then in the lowest 16 bits.
    #[inline(always)]
    pub(crate) fn round(self, n: usize, values: &[f64]) -> [i16; 4] {
        let mut rounded = [0; 4];
        for ((rounded, chance), value) in rounded.iter_mut().zip(self.stream.lanes(n)).zip(values) {
            *rounded = self.round_one(*value, chance) as i16;
        }
        rounded
    }

    /// Rounds as many numbers, from number `4 n` on; of each result the lowest 16 bits count.
    #[inline(always)]
    pub(crate) fn fill<const N: usize>(self, n: usize, values: &[f64; N], rounded: &mut [u64; N]) {
        let mut chances = [0; N];
        self.stream.fill(n, &mut chances);
        for ((rounded, chance), value) in rounded.iter_mut().zip(chances).zip(values) {
            *rounded = self.round_one(*value, chance);
        }
    }

    #[inline(always)]
    fn round_one(self, value: f64, chance: u16) -> u64 {
        const NO_FRACTIONS: f64 = 1.5 * (1_u64 << 52) as f64;
        let chance = f64::from(chance) * (1.0 / 65_536.0) + (0.5 / 65_536.0 - 0.5);
        (value * self.per_step + chance + NO_FRACTIONS).to_bits()
    }
}

/// The smallest power of two of which `largest` is at most 32,767, for any `largest` that targets in f32 can make.
fn step_for(largest: f64) -> f64 {
    // Below 2^-500 everything is as good as zero, and the inverse of the step must stay finite.
    let smallest = libm::ldexp(1.0, -500);
    let steps = (largest / f64::from(i16::MAX)).max(smallest);
    let (fraction, exponent) = libm::frexp(steps);
    // frexp: steps = fraction x 2^exponent with 0.5 <= fraction < 1, so a power of two has fraction 0.5.
    libm::ldexp(
        1.0,
        if fraction <= 0.5 {
            exponent - 1
        } else {
            exponent
        },
    )
}

#[cfg(test)]
mod tests {
    use super::super::chance::Purpose;
    use super::*;

    fn stream() -> Stream {
        Stream::new(1, Purpose::Rounding, 0)
    }

    struct Quantised {
        gradients: Vec<i16>,
        step: f64,
    }

    fn quantise(values: &[f64], stream: Stream) -> Quantised {
        let largest = values
            .iter()
            .fold(0.0_f64, |max, value| max.max(value.abs()));
        let rounding = Rounding::new(largest, stream);
        let fours = values.chunks(4).enumerate();
        let rounded =
            fours.flat_map(|(n, four)| rounding.round(n, four).into_iter().take(four.len()));
        Quantised {
            gradients: rounded.collect(),
            step: rounding.step(),
        }
    }

    #[test]
    fn numbers_on_the_grid_are_kept() {
        let values = [-500.0, 0.0, 3.0, 7.25, 499.0];
        let quantised = quantise(&values, stream());
        for (value, gradient) in values.iter().zip(&quantised.gradients) {
            assert_eq!(f64::from(*gradient) * quantised.step, *value);
        }
    }

    #[test]
    fn the_step_is_the_smallest_that_fits() {
        let max = f64::from(i16::MAX);
        assert_eq!(step_for(max), 1.0);
        assert_eq!(step_for(max.next_up()), 2.0);
        assert_eq!(step_for(max / 2.0), 0.5);
        for largest in [0.0, 1e-300, 1e-5, 1.0, 3e38, 7e38] {
            let step = step_for(largest);
            assert!(largest / step <= max && (1.0 / step).is_finite());
        }
    }

    #[test]
    fn the_extremes_fit() {
        for largest in [1.0, 0.1, 32_767.0, 32_768.0, 123.456, 6.8e38] {
            let quantised = quantise(&[largest, -largest, 0.0], stream());
            assert!(16_383 <= quantised.gradients[0] && quantised.gradients[1] <= -16_383);
            assert_eq!(quantised.gradients[2], 0);
        }
    }

    #[test]
    fn rounding_is_right_on_average() {
        // One outlier makes the step 0.25; a tenth is then 0.4 steps.
        let mut values = vec![0.1; 40_000];
        values.push(8_000.0);
        let quantised = quantise(&values, stream());
        assert_eq!(quantised.step, 0.25);
        let sum: i64 = quantised.gradients[..40_000]
            .iter()
            .map(|&g| i64::from(g))
            .sum();
        // 16,000 expected, standard deviation 98.
        assert!((sum - 16_000).abs() < 500, "{sum}");
    }
}
