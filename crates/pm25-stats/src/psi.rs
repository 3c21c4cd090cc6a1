//! Population stability index: how shares of a column moved between bins that the reference fixed once.
//!
//! The bins are not equal in width, nor are they remade for new data: they are the reference's own deciles.
//!
//! ```text
//!            edge 0    edge 1          edge 8
//!   ---------]---------]--- ... -------]-----------   and one bin for missing
//!    <= e0    <= e1                      > e8
//! ```

use crate::sample::Sample;

/// Bins a column is cut into: tenths of the reference.
pub const TENTHS: u64 = 10;

/// A bin's share never counts as less than this, so that an empty bin does not make the index infinite. Ten thousandths
/// is the usual choice (Evidently replaces zero shares by it); an empty tenth of the reference then adds 0.69.
pub const SHARE_MIN: f64 = 1e-4;

/// Where a reference is cut: at its deciles, equal ones once, ends open, and a bin of its own for missing values.
#[derive(Clone, Debug, PartialEq)]
pub struct Bins {
    edges: Vec<f64>,
}

impl Bins {
    /// Cuts at the deciles of a reference: at most nine edges, fewer where values repeat, none where nothing is present.
    #[must_use]
    pub fn of(reference: &Sample) -> Self {
        Self::at(
            (1..TENTHS)
                .filter_map(|tenth| reference.quantile(tenth, TENTHS))
                .collect(),
        )
    }

    /// Cuts at these ascending edges, equal ones once.
    pub(crate) fn at(mut edges: Vec<f64>) -> Self {
        edges.dedup();
        Self { edges }
    }

    /// Upper ends of the bins but the last, ascending; each belongs to the bin below it.
    #[must_use]
    pub fn edges(&self) -> &[f64] {
        &self.edges
    }

    /// Rows in each bin, from the lowest to the highest, and the missing ones last: `edges + 2` counts.
    #[must_use]
    pub fn counts(&self, sample: &Sample) -> Vec<u64> {
        let up_to = self.edges.iter().map(|edge| sample.at_most(*edge));
        let mut counts = steps(up_to, sample.present());
        counts.push(sample.missing());
        counts
    }
}

/// Differences of a running count that ends at `total`.
pub(crate) fn steps(running: impl Iterator<Item = u64>, total: u64) -> Vec<u64> {
    let mut before = 0;
    running
        .chain([total])
        .map(|count| std::mem::replace(&mut before, count).abs_diff(count))
        .collect()
}

/// The index of two columns counted in the same bins: sum of (q - p) ln(q / p) over shares p and q, each at least
/// [`SHARE_MIN`]. 0 is no change; symmetric. `None` where either has no row at all.
///
/// # Panics
/// If the two have different numbers of bins: they were not counted in the same bins.
#[must_use]
pub fn psi(reference: &[u64], current: &[u64]) -> Option<f64> {
    assert_eq!(
        reference.len(),
        current.len(),
        "both are counted in the same bins"
    );
    let (n, m) = (reference.iter().sum::<u64>(), current.iter().sum::<u64>());
    if n == 0 || m == 0 {
        return None;
    }
    let share = |count: u64, total: u64| (count as f64 / total as f64).max(SHARE_MIN);
    let term = |p: f64, q: f64| (q - p) * libm::log(q / p);
    Some(
        reference
            .iter()
            .zip(current)
            .map(|(p, q)| term(share(*p, n), share(*q, m)))
            .sum(),
    )
}

/// What the index is on average when nothing has changed: (bins - 1)(1/n + 1/m), for independent rows. Hourly rows are
/// not independent, so the true floor is higher.
#[must_use]
pub fn psi_by_chance(bins: usize, n: u64, m: u64) -> f64 {
    bins.saturating_sub(1) as f64 * (1.0 / n as f64 + 1.0 / m as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn by_hand() {
        // Shares 1/2 1/2 against 1/4 3/4: -1/4 ln(1/2) + 1/4 ln(3/2).
        let expected = 0.25 * 2f64.ln() + 0.25 * 1.5f64.ln();
        assert!((psi(&[5, 5], &[25, 75]).unwrap() - expected).abs() < 1e-15);
        assert_eq!(psi(&[3, 4], &[6, 8]), Some(0.0));
        assert_eq!(psi(&[0, 0], &[1, 0]), None);
    }

    #[test]
    fn an_emptied_tenth_adds_what_the_documentation_says() {
        let got = psi(&[1, 9], &[0, 10]).unwrap() - (0.1 * (1.0f64 / 0.9).ln());
        assert!((got - 0.69).abs() < 0.005, "{got}");
    }

    #[test]
    fn deciles_of_a_hundred_hold_ten_each() {
        let s = Sample::of_f64(&(1..=100).map(f64::from).collect::<Vec<_>>());
        let bins = Bins::of(&s);
        assert_eq!(
            bins.edges(),
            [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0]
        );
        assert_eq!(bins.counts(&s), [10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 0]);
    }

    #[test]
    fn rain_is_mostly_zero_and_equal_edges_become_one() {
        let s = Sample::of_f64(&[
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            5.0,
            f64::NAN,
        ]);
        let bins = Bins::of(&s);
        assert_eq!(bins.edges(), [0.0]);
        assert_eq!(bins.counts(&s), [10, 1, 1]);
        let nothing = Sample::of_f64(&[f64::NAN]);
        assert_eq!(Bins::of(&nothing).counts(&nothing), [0, 1]);
    }

    #[test]
    fn missing_values_alone_are_drift() {
        let whole = Sample::of_f64(&(0..100).map(f64::from).collect::<Vec<_>>());
        let holed = Sample::of_f64(
            &(0..200)
                .map(|i| {
                    if i % 2 == 0 {
                        f64::from(i / 2)
                    } else {
                        f64::NAN
                    }
                })
                .collect::<Vec<_>>(),
        );
        let bins = Bins::of(&whole);
        assert!(1.0 < psi(&bins.counts(&whole), &bins.counts(&holed)).unwrap());
    }

    proptest! {
        #[test]
        fn counting_agrees_with_a_scan(reference in column(), current in column()) {
            let bins = Bins::of(&Sample::of_f64(&reference));
            let mut expected = vec![0u64; bins.edges().len() + 2];
            for v in &current {
                let bin = if v.is_nan() { bins.edges().len() + 1 } else { bins.edges().iter().filter(|e| **e < *v).count() };
                expected[bin] += 1;
            }
            prop_assert_eq!(bins.counts(&Sample::of_f64(&current)), expected);
        }

        #[test]
        fn never_negative_and_symmetric(counts in proptest::collection::vec((0..50u64, 0..50u64), 1..12)) {
            let (p, q): (Vec<u64>, Vec<u64>) = counts.into_iter().unzip();
            if let Some(there) = psi(&p, &q) {
                prop_assert!(0.0 <= there);
                prop_assert!((there - psi(&q, &p).unwrap()).abs() < 1e-12);
            }
        }
    }

    fn column() -> impl Strategy<Value = Vec<f64>> {
        proptest::collection::vec(
            prop_oneof![5 => (0..25i32).prop_map(f64::from), 1 => Just(f64::NAN)],
            0..80,
        )
    }
}
