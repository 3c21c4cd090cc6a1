//! Points and weights that integrate polynomials over 0..1 exactly (Gauss and Legendre).
//!
//! Not numerical approximation in disguise: with `n` points the integral of any polynomial of degree up to 2n - 1 is
//! exact but for rounding.

use std::f64::consts::PI;

/// Where to look, and how much each look counts. Points rise strictly between 0 and 1; weights add up to 1.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) points: Vec<f64>,
    pub(crate) weights: Vec<f64>,
}

/// The rule of `n_points`, at least 1.
pub(crate) fn rule(n_points: usize) -> Rule {
    let (points, weights) = (0..n_points)
        .rev()
        .map(|root_idx| node(n_points, root_idx))
        .unzip();
    Rule { points, weights }
}

/// Newton's method doubles the right digits in each round: from a guess right to 1 / n^2 eight are more than enough.
const NEWTON_ROUNDS: usize = 8;

/// One point and its weight: root number `root_idx`, counted from the largest, of the Legendre polynomial P_n on
/// -1..1, moved to 0..1. The guess and the weight 2 / ((1 - x^2) P_n'(x)^2) are in Abramowitz and Stegun, 22.16.6 and
/// 25.4.29.
fn node(n_points: usize, root_idx: usize) -> (f64, f64) {
    let mut x = libm::cos(PI * (root_idx as f64 + 0.75) / (n_points as f64 + 0.5));
    for _ in 0..NEWTON_ROUNDS {
        let (value, slope) = legendre(n_points, x);
        x -= value / slope;
    }
    let (_, slope) = legendre(n_points, x);
    ((1.0 + x) / 2.0, 1.0 / ((1.0 - x * x) * slope * slope))
}

/// P_n(x) and its derivative, by k P_k = (2k - 1) x P_(k-1) - (k - 1) P_(k-2).
fn legendre(n: usize, x: f64) -> (f64, f64) {
    let (mut before, mut here) = (1.0, x);
    for k in 2..=n {
        let k = k as f64;
        (before, here) = (here, ((2.0 * k - 1.0) * x * here - (k - 1.0) * before) / k);
    }
    (here, n as f64 * (x * here - before) / (x * x - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_points_are_the_known_ones() {
        let rule = rule(2);
        let offset = (1.0_f64 / 3.0).sqrt() / 2.0;
        assert!((rule.points[0] - (0.5 - offset)).abs() < 1e-15);
        assert!((rule.points[1] - (0.5 + offset)).abs() < 1e-15);
        assert!(
            rule.weights
                .iter()
                .all(|weight| (weight - 0.5).abs() < 1e-15)
        );
    }

    #[test]
    fn powers_integrate_exactly_up_to_the_promised_degree() {
        for n_points in 1..=128 {
            let rule = rule(n_points);
            assert!(rule.points.is_sorted_by(|a, b| a < b));
            assert!(0.0 < rule.points[0] && rule.points[n_points - 1] < 1.0);
            for degree in 0..2 * n_points {
                let power = |x: f64| libm::pow(x, degree as f64);
                let integral: f64 = rule
                    .points
                    .iter()
                    .zip(&rule.weights)
                    .map(|(&x, w)| w * power(x))
                    .sum();
                let expected = 1.0 / (degree as f64 + 1.0);
                assert!(
                    (integral - expected).abs() < 2e-14,
                    "{n_points} {degree} {integral}"
                );
            }
        }
    }
}
