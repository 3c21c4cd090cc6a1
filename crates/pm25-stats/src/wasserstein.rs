//! Wasserstein-1 (earth mover's) distance: how far, on average, values would have to move to turn one sample into the
//! other. In the unit of the values; [`in_stds`] makes it comparable between columns.
//!
//! It is not bounded, and unlike KS it feels how far the tail has gone.

use crate::sample::Sample;

/// The area between two empirical distributions, exactly. `None` where either has no value.
#[must_use]
pub fn wasserstein(a: &Sample, b: &Sample) -> Option<f64> {
    if a.present() == 0 || b.present() == 0 {
        return None;
    }
    Some(area(a.sorted(), b.sorted()))
}

/// A distance in standard deviations of the reference. `None` where the reference does not vary, or is unknown: no
/// move is small against nothing, and KS sees it in full.
#[must_use]
pub fn in_stds(distance: Option<f64>, reference_std: Option<f64>) -> Option<f64> {
    let (distance, std) = (distance?, reference_std?);
    (0.0 < std).then(|| distance / std)
}

fn area(a: &[f64], b: &[f64]) -> f64 {
    let (n, m) = (a.len() as f64, b.len() as f64);
    let (mut i, mut j, mut sum) = (0, 0, 0.0);
    let mut x = a[0].min(b[0]);
    while i < a.len() || j < b.len() {
        while i < a.len() && a[i] <= x {
            i += 1;
        }
        while j < b.len() && b[j] <= x {
            j += 1;
        }
        let next = a
            .get(i)
            .copied()
            .unwrap_or(f64::INFINITY)
            .min(b.get(j).copied().unwrap_or(f64::INFINITY));
        if next.is_finite() {
            sum += (i as f64 / n - j as f64 / m).abs() * (next - x);
            x = next;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(a: &[f64], b: &[f64]) -> f64 {
        wasserstein(&Sample::of_f64(a), &Sample::of_f64(b)).unwrap()
    }

    #[test]
    fn known_distances() {
        assert_eq!(of(&[0.0, 1.0, 3.0], &[5.0, 6.0, 8.0]), 5.0, "a shift by 5");
        assert_eq!(
            of(&[0.0], &[0.0, 10.0]),
            5.0,
            "half of the mass moves by 10"
        );
        assert_eq!(of(&[2.0, 2.0], &[2.0]), 0.0);
        assert_eq!(
            wasserstein(&Sample::of_f64(&[]), &Sample::of_f64(&[1.0])),
            None
        );
    }

    #[test]
    fn agrees_with_scipy() {
        // SciPy 1.17.1: wasserstein_distance([3.4, 3.9, 7.5, 7.8, 1], [4.5, 1.4, 2.2])
        let got = of(&[3.4, 3.9, 7.5, 7.8, 1.0], &[4.5, 1.4, 2.2]);
        assert!((got - SCIPY_DISTANCE).abs() < 1e-14, "{got}");
    }

    const SCIPY_DISTANCE: f64 = 2.18;

    #[test]
    fn a_reference_that_does_not_vary_gives_no_ratio() {
        assert_eq!(in_stds(Some(3.0), Some(2.0)), Some(1.5));
        assert_eq!(in_stds(Some(3.0), Some(0.0)), None);
        assert_eq!(in_stds(None, Some(1.0)), None);
    }

    proptest! {
        /// For equal sizes the best transport pairs the sorted values.
        #[test]
        fn agrees_with_pairing(pairs in proptest::collection::vec((-50.0..50.0f64, -50.0..50.0f64), 1..50)) {
            let (a, b): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
            let (a, b) = (Sample::of_f64(&a), Sample::of_f64(&b));
            let paired: f64 = a.sorted().iter().zip(b.sorted()).map(|(x, y)| (x - y).abs()).sum();
            let got = wasserstein(&a, &b).unwrap();
            prop_assert!((got - paired / a.present() as f64).abs() < 1e-9);
        }

        /// For unequal sizes, repeat each sample to a common size first.
        #[test]
        fn agrees_with_pairing_of_repeats(
            a in proptest::collection::vec((-20..20i32).prop_map(f64::from), 1..8),
            b in proptest::collection::vec((-20..20i32).prop_map(f64::from), 1..8),
        ) {
            let wide = |v: &[f64], times: usize| -> Vec<f64> { v.iter().flat_map(|x| vec![*x; times]).collect() };
            let (wide_a, wide_b) = (wide(&a, b.len()), wide(&b, a.len()));
            prop_assert!((of(&a, &b) - of(&wide_a, &wide_b)).abs() < 1e-12);
        }
    }
}
