//! Sums that do not depend on the order of their terms.
//!
//! A sum of floating-point numbers depends on where it begins, so a running sum would give a row other bits when the
//! row is computed alone, and a total minus one station would still remember that station. Sums of integers do not.
//! Values are therefore counted in steps of 2^-24 of their unit: exact for every f32 of at least 1, and 3e-8 off at
//! most below.

/// Steps in one unit.
const STEPS: f64 = 16_777_216.0;

/// The largest magnitude of a value, in any unit: far beyond anything measured (SO2 up to 27,000 µg/m³), and small
/// enough that squares of a million rows fit. What is larger counts as missing.
pub(super) const VALUE_MAX: f32 = 1_048_576.0;

/// A value as whole steps; at most 2^44 of them.
pub(super) fn steps(value: f32) -> i64 {
    (f64::from(value) * STEPS).round_ties_even() as i64
}

/// The mean of `n` values whose steps add up to `sum`.
pub(super) fn mean(sum: i64, n: u32) -> f64 {
    sum as f64 / (f64::from(n) * STEPS)
}

/// The standard deviation (divided by `n`) of values by the sums of their steps and of the steps' squares. The
/// difference of the large terms is taken in integers, so nothing is lost.
pub(super) fn deviation(sum: i64, squares: i128, n: u32) -> f64 {
    let spread = i128::from(n) * squares - i128::from(sum) * i128::from(sum);
    (spread as f64).sqrt() / (f64::from(n) * STEPS)
}

/// A number of steps in the unit.
pub(super) fn in_units(steps: f64) -> f64 {
    steps / STEPS
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn usual_readings_are_exact() {
        for value in [0.0_f32, 1.1, -3.7, 4.2, 998.9, 27_000.0] {
            assert_eq!(in_units(steps(value) as f64) as f32, value);
            assert_eq!(mean(3 * steps(value), 3) as f32, value);
        }
        assert_eq!(deviation(3 * steps(4.2), 3 * square(4.2), 3), 0.0);
    }

    fn square(value: f32) -> i128 {
        i128::from(steps(value)) * i128::from(steps(value))
    }

    proptest! {
        #[test]
        fn a_deviation_is_the_two_pass_one(values in proptest::collection::vec(-500.0..1000.0_f32, 1..50)) {
            let n = values.len() as f64;
            let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
            let squares: f64 = values.iter().map(|&v| (f64::from(v) - mean) * (f64::from(v) - mean)).sum();
            let sum = values.iter().map(|&v| steps(v)).sum();
            let found = deviation(sum, values.iter().map(|&v| square(v)).sum(), values.len() as u32);
            prop_assert!((found - (squares / n).sqrt()).abs() < 1e-6);
        }

        #[test]
        fn squares_of_the_largest_fit(n in 1_u32..8_784) {
            let value = steps(VALUE_MAX);
            let squares = i128::from(n) * i128::from(value) * i128::from(value);
            prop_assert_eq!(deviation(i64::from(n) * value, squares, n), 0.0);
        }
    }
}
