//! Gradients as 16-bit whole numbers, so that sums over rows are exact and the same in any order.
//!
//! Not the gradients that a leaf is fitted with: these only choose splits. A leaf's value comes from the exact
//! residuals.
//!
//! One step is a power of two, the smallest with which the largest gradient fits. Numbers on that grid (whole
//! micrograms, tenths of a power of two) are kept exactly; others are rounded up or down by chance, in proportion,
//! so that sums are right on average even where one outlier makes the step coarse.

use rayon::prelude::*;

use super::chance::Stream;

/// Gradients in whole steps.
pub(crate) struct Quantised {
    pub(crate) gradients: Vec<i16>,
    /// What one step stands for, in units of the target; a power of two.
    pub(crate) step: f64,
}

/// Rounds the finite `values` to steps; `stream` decides about row `i` with its number `i`.
pub(crate) fn quantise(values: &[f64], stream: Stream) -> Quantised {
    let largest = values
        .par_iter()
        .map(|value| value.abs())
        .reduce(|| 0.0, f64::max);
    let step = step_for(largest);
    let per_step = 1.0 / step;
    let gradients = values
        .par_iter()
        .enumerate()
        .with_min_len(1 << 12)
        .map(|(row, value)| round(value * per_step, stream, row))
        .collect();
    Quantised { gradients, step }
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

/// Rounds up with the probability of the fraction that is cut off.
fn round(in_steps: f64, stream: Stream, row: usize) -> i16 {
    let below = in_steps.floor();
    let rest = in_steps - below;
    let up = 0.0 < rest && stream.fraction(row) < rest;
    below as i16 + i16::from(up)
}

#[cfg(test)]
mod tests {
    use super::super::chance::Purpose;
    use super::*;

    fn stream() -> Stream {
        Stream::new(1, Purpose::Rounding, 0)
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
