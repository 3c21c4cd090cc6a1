//! Tails of Student's law, the same bits on every machine.
//!
//! It is not a library of distributions: statrs has one, but takes its logarithms from the system.

/// Terms of the continued fraction at most; it settles within about the square root of the degrees of freedom.
const TERMS_MAX: u32 = 100_000;
/// Where a term changes nothing any more.
const SETTLED: f64 = 1e-15;
/// Stands for zero in a denominator.
const TINY: f64 = 1e-300;

/// Probability of a value at least as far from 0 as `t`, on either side; `freedom` > 0.
pub(crate) fn two_sided(t: f64, freedom: f64) -> f64 {
    // Abramowitz and Stegun 26.7.1: 1 - A(t) = I_x(freedom / 2, 1 / 2).
    incomplete_beta(freedom / 2.0, 0.5, freedom / (freedom + t * t))
}

/// I_x(a, b) by its continued fraction (Abramowitz and Stegun 26.5.8), evaluated by Lentz's method.
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if 1.0 <= x {
        return 1.0;
    }
    // The fraction settles quickly on this side of the mean only.
    if (a + 1.0) / (a + b + 2.0) < x {
        return 1.0 - incomplete_beta(b, a, 1.0 - x);
    }
    let log_beta = libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b);
    let front = libm::exp(a * libm::log(x) + b * libm::log1p(-x) - log_beta) / a;
    (front * fraction(a, b, x)).clamp(0.0, 1.0)
}

fn fraction(a: f64, b: f64, x: f64) -> f64 {
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let (mut c, mut d) = (1.0, 1.0 / away(1.0 - (a + b) * x / (a + 1.0)));
    let mut value = d;
    for m in 1..TERMS_MAX {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut step = 1.0;
        for term in [even, odd] {
            d = 1.0 / away(1.0 + term * d);
            c = away(1.0 + term / c);
            step = c * d;
            value *= step;
        }
        if (step - 1.0).abs() < SETTLED {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use statrs::distribution::{ContinuousCDF, StudentsT};

    #[test]
    fn one_degree_is_cauchy_and_two_have_a_formula() {
        for t in [0.1f64, 0.5, 1.0, 3.0, 40.0] {
            let cauchy = 1.0 - 2.0 * t.atan() / std::f64::consts::PI;
            assert!((two_sided(t, 1.0) - cauchy).abs() < 1e-13, "{t}");
            assert!(
                (two_sided(t, 2.0) - (1.0 - t / (2.0 + t * t).sqrt())).abs() < 1e-13,
                "{t}"
            );
        }
    }

    #[test]
    fn ends() {
        assert_eq!(two_sided(0.0, 7.0), 1.0);
        assert_eq!(two_sided(f64::INFINITY, 7.0), 0.0);
        // The normal law: 1.96 leaves 0.05 outside.
        assert!((two_sided(1.959_963_985, 1e7) - 0.05).abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn it_agrees_with_statrs(t in 0.0..8.0f64, freedom in 1.0..20_000.0f64) {
            let expected = 2.0 * StudentsT::new(0.0, 1.0, freedom).unwrap().sf(t);
            prop_assert!((two_sided(t, freedom) - expected).abs() < 1e-9);
        }
    }
}
