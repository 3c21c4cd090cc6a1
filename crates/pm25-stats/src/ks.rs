//! Two-sample Kolmogorov-Smirnov: the largest gap between two empirical distributions, and its p-value.
//!
//! The p-value is not a measure of drift: with hourly data, which are strongly autocorrelated and many, the same
//! season of two years is "significant". Judge by the statistic ([`crate::severity`]); the p-value is for readers who
//! ask for it.

use crate::kolmogorov;
use crate::sample::Sample;

/// The outcome of [`ks`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ks {
    /// sup |F(x) - G(x)| over all x, in `0..=1`.
    pub statistic: f64,
    /// Probability of at least this gap between two independent samples of one continuous distribution, in `0..=1`.
    pub p_value: f64,
}

/// Compares two samples, missing values aside. `None` where either has no value.
#[must_use]
pub fn ks(a: &Sample, b: &Sample) -> Option<Ks> {
    if a.present() == 0 || b.present() == 0 {
        return None;
    }
    let statistic = largest_gap(a.sorted(), b.sorted());
    Some(Ks {
        statistic,
        p_value: p_value(statistic, a.present(), b.present()),
    })
}

/// The p-value of a gap between samples of `n` and `m` values: the one-sample distribution at the effective size
/// n m / (n + m), rounded half to even, which is what SciPy's `ks_2samp(method="asymp")` computes.
#[must_use]
pub fn p_value(statistic: f64, n: u64, m: u64) -> f64 {
    let (n, m) = (n as f64, m as f64);
    kolmogorov::survival((n * m / (n + m)).round_ties_even() as u64, statistic)
}

fn largest_gap(a: &[f64], b: &[f64]) -> f64 {
    let (n, m) = (a.len() as f64, b.len() as f64);
    let (mut i, mut j, mut gap) = (0, 0, 0.0f64);
    while i < a.len() && j < b.len() {
        let x = a[i].min(b[j]);
        i += a[i..].iter().take_while(|v| **v == x).count();
        j += b[j..].iter().take_while(|v| **v == x).count();
        gap = gap.max((i as f64 / n - j as f64 / m).abs());
    }
    gap
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample(values: &[f64]) -> Sample {
        Sample::of_f64(values)
    }

    #[test]
    fn by_hand() {
        // F jumps at 1 2 3, G at 2 3 4: the gap is one third everywhere between.
        let got = ks(&sample(&[1.0, 2.0, 3.0]), &sample(&[2.0, 3.0, 4.0])).unwrap();
        assert!((got.statistic - 1.0 / 3.0).abs() < 1e-15);
        let apart = ks(&sample(&[1.0, 2.0]), &sample(&[5.0, f64::NAN])).unwrap();
        assert_eq!(apart.statistic, 1.0);
        assert_eq!(ks(&sample(&[]), &sample(&[1.0])), None);
    }

    #[test]
    fn equal_samples_have_no_gap() {
        let s = sample(&[3.0, 1.0, 1.0, 7.0]);
        assert_eq!(
            ks(&s, &s),
            Some(Ks {
                statistic: 0.0,
                p_value: 1.0
            })
        );
    }

    #[test]
    fn agrees_with_scipy() {
        for line in include_str!("../tests/data/ks_2samp.csv")
            .lines()
            .filter(|l| !l.starts_with('#'))
        {
            let cells: Vec<f64> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
            let [n, m, step, statistic, p] = cells[..] else {
                unreachable!("five cells a line")
            };
            let a: Vec<f64> = (0..n as usize).map(|i| (i as f64 * 0.7) % 10.0).collect();
            let b: Vec<f64> = (0..m as usize)
                .map(|i| (i as f64 * 0.9 * step) % 11.0)
                .collect();
            let got = ks(&sample(&a), &sample(&b)).unwrap();
            assert!((got.statistic - statistic).abs() < 1e-15, "{line}");
            assert!(
                (got.p_value - p).abs() <= 1e-9 * p + 1e-12,
                "{line}: {}",
                got.p_value
            );
        }
    }

    proptest! {
        #[test]
        fn agrees_with_brute_force(a in column(), b in column()) {
            let (a, b) = (sample(&a), sample(&b));
            let gap = a.sorted().iter().chain(b.sorted()).map(|x| {
                (a.at_most(*x) as f64 / a.present() as f64 - b.at_most(*x) as f64 / b.present() as f64).abs()
            }).fold(0.0, f64::max);
            let got = ks(&a, &b).unwrap();
            prop_assert_eq!(got.statistic, gap);
            prop_assert_eq!(Some(got), ks(&b, &a));
        }
    }

    fn column() -> impl Strategy<Value = Vec<f64>> {
        proptest::collection::vec((0..30i32).prop_map(f64::from), 1..60)
    }
}
