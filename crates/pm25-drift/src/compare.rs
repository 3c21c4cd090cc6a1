//! One column before and now: three distances and what they amount to.
//!
//! ```text
//! measure            sees                                              counts only if
//! PSI                any change of shape, and of what is missing        both have ROWS_MIN rows; what chance gives is
//!                                                                       taken off before it is judged
//! KS                 the largest gap between the distributions          both have ROWS_MIN values
//! Wasserstein / std  how far values went, the tail included             both have ROWS_MIN values
//! ```
//!
//! The verdict is the worst band of the three. The p-value of KS is reported and has no say.

use pm25_artifact::drift::{ColumnDrift, ColumnSide, KsFact, Measure, Role, Verdict};
use pm25_stats::psi::{psi, psi_by_chance};
use pm25_stats::severity::{Bands, KS, PSI, Severity, WASSERSTEIN_STDS};
use pm25_stats::wasserstein::{in_stds, wasserstein};
use pm25_stats::{Bins, Profile, Sample, ks};

use crate::limits::ROWS_MIN;

/// A column of the reference.
pub(crate) enum Before<'a> {
    /// All of it.
    Whole(Sample),
    /// What was kept of it.
    Kept(&'a Profile),
}

/// Compares a column of the reference with that of the current rows.
pub(crate) fn compare(role: Role, before: &Before, now: &Sample) -> ColumnDrift {
    let distances = Distances::of(before, now);
    let reference = before.side();
    let current = side(now.present(), now.missing(), (now.mean(), now.std()));
    let enough = |a: u64, b: u64| ROWS_MIN <= a.min(b);
    let judged = distances.judged(enough(reference.present, current.present));
    let enough_rows = enough(
        reference.present + reference.missing,
        current.present + current.missing,
    );
    let worst = judged.filter(|_| enough_rows);
    ColumnDrift {
        role,
        verdict: worst.map_or(Verdict::TooFew, |(severity, _, _)| severity.into()),
        decided_by: worst.map(|(_, _, measure)| measure),
        psi: distances.psi,
        psi_by_chance: distances.psi_by_chance,
        ks: distances.ks,
        wasserstein: distances.wasserstein,
        wasserstein_stds: distances.wasserstein_stds,
        reference,
        current,
    }
}

/// How far a column went, as a share of the way to significant: 1 and above is significant. For a shifted normal column
/// all three measures give about the same number. 0 where nothing could be said.
pub(crate) fn strength(drift: &ColumnDrift) -> f64 {
    let excess = |(psi, chance): (f64, f64)| (psi - chance).max(0.0);
    match drift.decided_by {
        None => 0.0,
        Some(Measure::Psi) => of_psi(drift.psi.zip(drift.psi_by_chance).map_or(0.0, excess)),
        Some(Measure::Ks) => drift.ks.map_or(0.0, |ks| ks.statistic / KS.significant),
        Some(Measure::Wasserstein) => {
            drift.wasserstein_stds.unwrap_or(0.0) / WASSERSTEIN_STDS.significant
        }
    }
}

/// The index grows with the square of a shift, the other two in proportion.
fn of_psi(excess: f64) -> f64 {
    (excess / PSI.significant).sqrt()
}

struct Distances {
    psi: Option<f64>,
    psi_by_chance: Option<f64>,
    ks: Option<KsFact>,
    wasserstein: Option<f64>,
    wasserstein_stds: Option<f64>,
}

impl Distances {
    fn of(before: &Before, now: &Sample) -> Self {
        let (was, is) = before.counts(now);
        let same = before.is_the_profile_of(now);
        let wasserstein = if same {
            Some(0.0)
        } else {
            before.wasserstein(now)
        };
        let ks = if same {
            Some(KsFact {
                statistic: 0.0,
                p_value: 1.0,
                error_max: 0.0,
            })
        } else {
            before.ks(now)
        };
        let finite = |distance: Option<f64>| distance.filter(|d| d.is_finite());
        Self {
            psi: finite(psi(&was, &is)),
            psi_by_chance: finite(Some(by_chance(&was, &is))),
            ks: ks.filter(|ks| ks.statistic.is_finite() && ks.p_value.is_finite()),
            wasserstein: finite(wasserstein),
            wasserstein_stds: finite(in_stds(wasserstein, before.side().std)),
        }
    }

    /// The worst band that a measure reached, the strength of that measure, and the measure.
    fn judged(&self, enough_values: bool) -> Option<(Severity, f64, Measure)> {
        let excess = self
            .psi
            .zip(self.psi_by_chance)
            .map(|(psi, chance)| (psi - chance).max(0.0));
        let ks = self.ks.map(|ks| ks.statistic).filter(|_| enough_values);
        let moved = self.wasserstein_stds.filter(|_| enough_values);
        let judge =
            |distance: Option<f64>, bands: Bands, strength: fn(f64, Bands) -> f64, measure| {
                distance.map(|d| (bands.severity(Some(d)), strength(d, bands), measure))
            };
        let in_proportion = |d: f64, bands: Bands| d / bands.significant;
        let judged = [
            judge(excess, PSI, |d, _| of_psi(d), Measure::Psi),
            judge(ks, KS, in_proportion, Measure::Ks),
            judge(moved, WASSERSTEIN_STDS, in_proportion, Measure::Wasserstein),
        ];
        // Of equals the first is named.
        judged
            .into_iter()
            .flatten()
            .rev()
            .max_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)))
    }
}

impl Before<'_> {
    fn counts(&self, now: &Sample) -> (Vec<u64>, Vec<u64>) {
        match self {
            Self::Whole(sample) => {
                let bins = Bins::of(sample);
                (bins.counts(sample), bins.counts(now))
            }
            Self::Kept(profile) => (profile.bin_counts(), profile.bins().counts(now)),
        }
    }

    fn ks(&self, now: &Sample) -> Option<KsFact> {
        let (ks, error_max) = match self {
            Self::Whole(sample) => (ks::ks(sample, now)?, 0.0),
            Self::Kept(profile) => (profile.ks(now)?, profile.ks_error_max()),
        };
        Some(KsFact {
            statistic: ks.statistic,
            p_value: ks.p_value,
            error_max,
        })
    }

    fn wasserstein(&self, now: &Sample) -> Option<f64> {
        match self {
            Self::Whole(sample) => wasserstein(sample, now),
            Self::Kept(profile) => profile.wasserstein(now),
        }
    }

    /// A profile knows its column between two knots only roughly; of rows with the very same profile nothing can be
    /// told apart, so they have not moved.
    fn is_the_profile_of(&self, now: &Sample) -> bool {
        match self {
            Self::Whole(_) => false,
            Self::Kept(profile) => {
                0 < now.present()
                    && profile.present() == now.present()
                    && Profile::of(now) == **profile
            }
        }
    }

    fn side(&self) -> ColumnSide {
        match self {
            Self::Whole(sample) => side(
                sample.present(),
                sample.missing(),
                (sample.mean(), sample.std()),
            ),
            Self::Kept(profile) => {
                let parts = profile.parts();
                side(profile.present(), parts.missing, (parts.mean, parts.std))
            }
        }
    }
}

fn side(present: u64, missing: u64, (mean, std): (Option<f64>, Option<f64>)) -> ColumnSide {
    let rows = present + missing;
    ColumnSide {
        present,
        missing,
        missing_share: (0 < rows).then(|| missing as f64 / rows as f64),
        mean: mean.filter(|m| m.is_finite()),
        std: std.filter(|s| s.is_finite()),
    }
}

/// Only bins that somebody is in can differ by chance.
fn by_chance(was: &[u64], is: &[u64]) -> f64 {
    let n_bins = was.iter().zip(is).filter(|(a, b)| 0 < **a + **b).count();
    psi_by_chance(n_bins, was.iter().sum(), is.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn drift(before: &[f64], now: &[f64]) -> ColumnDrift {
        compare(
            Role::Input,
            &Before::Whole(Sample::of_f64(before)),
            &Sample::of_f64(now),
        )
    }

    fn kept(before: &[f64], now: &[f64]) -> ColumnDrift {
        let profile = Profile::of(&Sample::of_f64(before));
        compare(Role::Input, &Before::Kept(&profile), &Sample::of_f64(now))
    }

    fn even(n: u32, scale: f64, shift: f64) -> Vec<f64> {
        (0..n)
            .map(|i| shift + scale * f64::from(i) / f64::from(n))
            .collect()
    }

    #[test]
    fn a_column_against_itself_has_not_moved_at_all() {
        let column = even(3000, 7.0, 1.0);
        for got in [drift(&column, &column), kept(&column, &column)] {
            assert_eq!(
                (got.psi, got.wasserstein, got.verdict),
                (Some(0.0), Some(0.0), Verdict::None)
            );
            let ks = got.ks.unwrap();
            assert_eq!((ks.statistic, ks.p_value), (0.0, 1.0));
        }
    }

    #[test]
    fn size_decides_and_never_the_p_value() {
        let many = even(2_000_000, 1.0, 0.0);
        let nudged = even(2_000_000, 1.0, 0.01);
        let got = drift(&many, &nudged);
        assert!(got.ks.unwrap().p_value < 1e-50);
        assert_eq!(got.verdict, Verdict::None);
        // The same shift that is plain in two thousand rows.
        assert_eq!(
            drift(&even(2000, 1.0, 0.0), &even(2000, 1.0, 0.3)).verdict,
            Verdict::Significant
        );
    }

    #[test]
    fn few_rows_say_nothing_however_far_they_are() {
        let (reference, far) = (even(5000, 1.0, 0.0), |n| even(n, 1.0, 900.0));
        let few = ROWS_MIN as u32 - 1;
        assert_eq!(drift(&reference, &far(few)).verdict, Verdict::TooFew);
        assert_eq!(drift(&far(few), &reference).verdict, Verdict::TooFew);
        assert_eq!(drift(&reference, &far(few)).decided_by, None);
        assert_eq!(
            drift(&reference, &far(few + 1)).verdict,
            Verdict::Significant
        );
        assert_eq!(drift(&reference, &[]).verdict, Verdict::TooFew);
    }

    #[test]
    fn few_values_in_many_rows_are_judged_by_what_is_missing() {
        let reference = even(5000, 1.0, 0.0);
        let mut now = vec![f64::NAN; 1000];
        now[..50].copy_from_slice(&even(50, 1.0, 0.0));
        let got = drift(&reference, &now);
        assert_eq!(
            (got.verdict, got.decided_by),
            (Verdict::Significant, Some(Measure::Psi))
        );
        let mut holed = reference.clone();
        holed[..4900].fill(f64::NAN);
        // As many are missing on both sides, and a hundred values are too few for KS.
        let mut now = vec![f64::NAN; 5000];
        now[..100].copy_from_slice(&even(100, 1.0, 0.8));
        assert_eq!(drift(&holed, &now).decided_by, Some(Measure::Psi));
    }

    #[test]
    fn what_chance_gives_is_taken_off() {
        // Two hundred rows against two hundred: the index is 0.09 by chance alone. Tenths of 14 and 6 rows in a hundred
        // in turn make it 5 (0.04 ln 1.4 + 0.04 ln 1.67) = 0.17, which is moderate in many rows and nothing in these.
        let tenth =
            |k: usize, n: usize| (0..n).map(move |i| (k as f64 + i as f64 / n as f64) / 10.0);
        let uneven = |n: usize| -> Vec<f64> {
            (0..10)
                .flat_map(|k| tenth(k, if k % 2 == 0 { 14 * n } else { 6 * n }))
                .collect()
        };
        let few = drift(&even(200, 1.0, 0.0), &uneven(2));
        assert!(0.1 < few.psi.unwrap(), "{few:?}");
        assert!(0.08 < few.psi_by_chance.unwrap(), "{few:?}");
        assert_eq!(few.verdict, Verdict::None, "{few:?}");
        let many = drift(&even(20_000, 1.0, 0.0), &uneven(200));
        assert_eq!(many.verdict, Verdict::Moderate, "{many:?}");
    }

    #[test]
    fn nothing_is_ever_nan_or_infinite() {
        let columns: [&[f64]; 6] = [
            &[],
            &[f64::NAN; 300],
            &[5.0; 300],
            &[0.0; 300],
            &[f64::MAX, f64::MIN],
            &even(400, 3.0, 0.0),
        ];
        for before in columns {
            for now in columns {
                for got in [drift(before, now), kept(before, now)] {
                    let text = serde_json::to_string(&got).unwrap();
                    let back: ColumnDrift = serde_json::from_str(&text).unwrap();
                    assert_eq!(back, got, "{text}");
                }
            }
        }
    }

    #[test]
    fn a_constant_that_changes_is_seen_though_it_has_no_spread() {
        let got = drift(&[5.0; 300], &[6.0; 300]);
        assert_eq!((got.wasserstein, got.wasserstein_stds), (Some(1.0), None));
        assert_eq!(got.verdict, Verdict::Significant);
    }

    #[test]
    fn only_the_tail_moved() {
        let mut now = even(10_000, 1.0, 0.0);
        for value in &mut now[9600..] {
            *value *= 10.0;
        }
        let got = drift(&even(10_000, 1.0, 0.0), &now);
        assert_eq!(got.decided_by, Some(Measure::Wasserstein));
        assert_eq!(got.verdict, Verdict::Significant);
        assert!(1.0 <= strength(&got));
    }

    proptest! {
        /// Verdict and strength speak of the same measure.
        #[test]
        fn strength_is_one_where_significant_begins(shift in 0.0..2.0f64) {
            let got = drift(&even(4000, 3.46, 0.0), &even(1500, 3.46, shift));
            prop_assert_eq!(got.verdict == Verdict::Significant, 1.0 <= strength(&got), "{:?}", got);
        }
    }
}
