//! What is kept of a reference column so that later data can be compared with it when the column itself is gone.
//!
//! It is not a sample of the rows: it holds the empirical distribution at about 200 of its own values (knots), exactly.
//!
//! ```text
//!   share of the reference
//!   1 |                          ___o      o  at a knot: known exactly, from below and from above
//!     |                    __o---          -  between two knots: a straight line; the truth is a staircase
//!     |             o-----                    between the same two ends
//!     |           |
//!     |     o-----o                           an upright is a value that many rows share (rain of 0)
//!   0 |-----o------------------------ value
//!          min                    max
//! ```
//!
//! Between neighbouring knots lies less than 1/200 of the rows, so:
//! * PSI is exact: deciles are knots.
//! * The KS statistic is within [`Profile::ks_error_max`] of the true one, at most 0.005.
//! * The Wasserstein distance is within [`Profile::wasserstein_error_max`] of the true one, in the column's unit.
//!
//! Where the reference has no more than 200 different values every one is a knot, and all three are exact.

use crate::ks::{Ks, p_value};
use crate::psi::{Bins, TENTHS, psi, steps};
use crate::sample::Sample;

/// Parts of equal row count between knots; a multiple of ten, so that deciles are knots.
pub const INTERVALS: u64 = 200;

/// Knots in each tail beyond the first and last interval, as one row in so many: a long tail would otherwise make the
/// Wasserstein distance coarse.
const TAILS: [u64; 3] = [500, 1000, 10_000];

/// The profile of a column, valid by construction.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    parts: ProfileParts,
}

/// What a profile is made of, for writing it down and reading it back.
#[derive(Clone, Debug, PartialEq)]
pub struct ProfileParts {
    /// Rows without a value.
    pub missing: u64,
    /// Mean of the present values, in the column's unit. `None` where nothing is present.
    pub mean: Option<f64>,
    /// Their population standard deviation, >= 0. `None` where nothing is present.
    pub std: Option<f64>,
    /// Values of the reference, strictly ascending, the first its minimum and the last its maximum.
    pub knots: Vec<f64>,
    /// Rows with a value below each knot.
    pub below: Vec<u64>,
    /// Rows with a value at or below each knot; the last is the number of present rows.
    pub at_most: Vec<u64>,
}

/// Why parts are not a profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadProfile {
    /// Lists that belong together differ in length.
    #[error("{knots} knots, but {below} counts below and {at_most} counts up to them")]
    Lengths {
        /// Number of knots.
        knots: usize,
        /// Number of counts below.
        below: usize,
        /// Number of counts up to.
        at_most: usize,
    },
    /// Knots do not ascend, or one is not finite.
    #[error("knot {idx} is not a finite number above the one before it")]
    Knots {
        /// Position of the offending knot.
        idx: usize,
    },
    /// Counts do not fit together.
    #[error("counts at knot {idx} do not ascend from 0, or no row has its value")]
    Counts {
        /// Position of the offending knot.
        idx: usize,
    },
    /// Mean or standard deviation is absent, not finite, negative, or present without rows.
    #[error("mean or standard deviation does not fit the rows")]
    Moments,
}

impl Profile {
    /// Describes a reference column.
    #[must_use]
    pub fn of(reference: &Sample) -> Self {
        let knots = knots(reference);
        Self {
            parts: ProfileParts {
                missing: reference.missing(),
                mean: reference.mean(),
                std: reference.std(),
                below: knots.iter().map(|knot| reference.below(*knot)).collect(),
                at_most: knots.iter().map(|knot| reference.at_most(*knot)).collect(),
                knots,
            },
        }
    }

    /// Takes parts that were written down, if they can be a profile.
    ///
    /// # Errors
    /// The first thing that cannot be true of any column.
    pub fn new(parts: ProfileParts) -> Result<Self, BadProfile> {
        let (knots, below, at_most) = (parts.knots.len(), parts.below.len(), parts.at_most.len());
        if knots != below || knots != at_most {
            return Err(BadProfile::Lengths {
                knots,
                below,
                at_most,
            });
        }
        let mut rows = 0;
        for idx in 0..knots {
            let rises = idx == 0 || parts.knots[idx - 1] < parts.knots[idx];
            if !(parts.knots[idx].is_finite() && rises) {
                return Err(BadProfile::Knots { idx });
            }
            let starts = if idx == 0 {
                parts.below[0] == 0
            } else {
                rows <= parts.below[idx]
            };
            if !(starts && parts.below[idx] < parts.at_most[idx]) {
                return Err(BadProfile::Counts { idx });
            }
            rows = parts.at_most[idx];
        }
        let fits = |moment: Option<f64>| {
            moment.is_some() == (0 < knots) && moment.is_none_or(f64::is_finite)
        };
        if !(fits(parts.mean) && fits(parts.std) && parts.std.is_none_or(|std| 0.0 <= std)) {
            return Err(BadProfile::Moments);
        }
        Ok(Self { parts })
    }

    /// What to write down.
    #[must_use]
    pub fn parts(&self) -> &ProfileParts {
        &self.parts
    }

    /// Rows of the reference with a value.
    #[must_use]
    pub fn present(&self) -> u64 {
        self.parts.at_most.last().copied().unwrap_or(0)
    }

    /// The reference's deciles as bins: the same as [`Bins::of`] the reference.
    #[must_use]
    pub fn bins(&self) -> Bins {
        Bins::at(
            (1..TENTHS)
                .filter_map(|tenth| self.quantile_knot(tenth, TENTHS))
                .map(|idx| self.parts.knots[idx])
                .collect(),
        )
    }

    /// Rows of the reference in each of its [`Profile::bins`], the missing last.
    #[must_use]
    pub fn bin_counts(&self) -> Vec<u64> {
        let bins = self.bins();
        let up_to = bins
            .edges()
            .iter()
            .map(|edge| self.parts.at_most[self.parts.knots.partition_point(|k| k < edge)]);
        let mut counts = steps(up_to, self.present());
        counts.push(self.parts.missing);
        counts
    }

    /// Population stability index of `current` against the reference, exactly. `None` where either has no row.
    #[must_use]
    pub fn psi(&self, current: &Sample) -> Option<f64> {
        psi(&self.bin_counts(), &self.bins().counts(current))
    }

    /// KS of `current` against the reference, within [`Profile::ks_error_max`]; the p-value belongs to that statistic.
    /// `None` where either has no value.
    #[must_use]
    pub fn ks(&self, current: &Sample) -> Option<Ks> {
        if self.present() == 0 || current.present() == 0 {
            return None;
        }
        let m = current.present() as f64;
        let (mut gap, mut done) = (0.0f64, 0usize);
        let values = current.sorted();
        // The profile only rises between two values of `current`, so the largest gaps are beside those values.
        while done < values.len() {
            let (x, before) = (values[done], done);
            done += values[done..].iter().take_while(|v| **v == x).count();
            let (from, to) = self.share_around(x);
            gap = gap
                .max((from - before as f64 / m).abs())
                .max((to - done as f64 / m).abs());
        }
        Some(Ks {
            statistic: gap,
            p_value: p_value(gap, self.present(), current.present()),
        })
    }

    /// Wasserstein-1 distance of `current` from the reference in the column's unit, within
    /// [`Profile::wasserstein_error_max`]. `None` where either has no value.
    #[must_use]
    pub fn wasserstein(&self, current: &Sample) -> Option<f64> {
        if self.present() == 0 || current.present() == 0 {
            return None;
        }
        let mut stops = merged(&self.parts.knots, current.sorted());
        let first = stops.next()?;
        let (mut x, mut area) = (first, 0.0);
        for next in stops {
            let share = current.at_most(x) as f64 / current.present() as f64;
            let (from, to) = (
                self.share_around(x).1 - share,
                self.share_around(next).0 - share,
            );
            area += area_of_line(from, to) * (next - x);
            x = next;
        }
        Some(area)
    }

    /// The most by which [`Profile::ks`] can differ from the truth: the largest share between neighbouring knots.
    #[must_use]
    pub fn ks_error_max(&self) -> f64 {
        self.gaps().map(|(share, _)| share).fold(0.0, f64::max)
    }

    /// The most by which [`Profile::wasserstein`] can differ from the truth, in the column's unit: each share between
    /// neighbouring knots may lie at either end.
    #[must_use]
    pub fn wasserstein_error_max(&self) -> f64 {
        self.gaps().map(|(share, width)| share * width).sum()
    }

    /// Share of rows strictly between neighbouring knots, and the distance of these knots.
    fn gaps(&self) -> impl Iterator<Item = (f64, f64)> {
        let parts = &self.parts;
        (1..parts.knots.len()).map(|idx| {
            (
                self.share(parts.below[idx] - parts.at_most[idx - 1]),
                parts.knots[idx] - parts.knots[idx - 1],
            )
        })
    }

    fn share(&self, rows: u64) -> f64 {
        rows as f64 / self.present() as f64
    }

    /// The share of the reference below `x` and at or below `x`, on the line of the picture above.
    fn share_around(&self, x: f64) -> (f64, f64) {
        let parts = &self.parts;
        let idx = parts.knots.partition_point(|knot| *knot < x);
        if idx == parts.knots.len() {
            return (1.0, 1.0);
        }
        if parts.knots[idx] == x {
            return (self.share(parts.below[idx]), self.share(parts.at_most[idx]));
        }
        if idx == 0 {
            return (0.0, 0.0);
        }
        let (left, right) = (parts.knots[idx - 1], parts.knots[idx]);
        let (from, to) = (
            self.share(parts.at_most[idx - 1]),
            self.share(parts.below[idx]),
        );
        let share = from + (to - from) * ((x - left) / (right - left));
        (share, share)
    }

    /// The first knot that at least `numerator / denominator` of the present rows do not exceed.
    fn quantile_knot(&self, numerator: u64, denominator: u64) -> Option<usize> {
        let rank =
            (u128::from(numerator) * u128::from(self.present())).div_ceil(u128::from(denominator));
        let idx = self
            .parts
            .at_most
            .partition_point(|count| u128::from(*count) < rank);
        (idx < self.parts.knots.len()).then_some(idx)
    }
}

/// Every 200th part of the reference, and some of its tails; each value once, ascending.
fn knots(reference: &Sample) -> Vec<f64> {
    let even = (0..=INTERVALS).map(|k| (k, INTERVALS));
    let tails = TAILS
        .into_iter()
        .flat_map(|one_in| [(1, one_in), (one_in - 1, one_in)]);
    let mut knots: Vec<f64> = even
        .chain(tails)
        .filter_map(|(k, of)| reference.quantile(k, of))
        .collect();
    knots.sort_unstable_by(f64::total_cmp);
    knots.dedup();
    knots
}

/// Values of two ascending lists, ascending, equal ones once.
fn merged(a: &[f64], b: &[f64]) -> impl Iterator<Item = f64> {
    let (mut i, mut j) = (0, 0);
    std::iter::from_fn(move || {
        let x = match (a.get(i), b.get(j)) {
            (Some(x), Some(y)) => x.min(*y),
            (Some(x), None) | (None, Some(x)) => *x,
            (None, None) => return None,
        };
        while a.get(i).is_some_and(|v| *v <= x) {
            i += 1;
        }
        while b.get(j).is_some_and(|v| *v <= x) {
            j += 1;
        }
        Some(x)
    })
}

/// Mean of |y| while y runs straight from `from` to `to`.
fn area_of_line(from: f64, to: f64) -> f64 {
    if 0.0 <= from * to {
        return (from + to).abs() / 2.0;
    }
    (from * from + to * to) / (2.0 * (from - to).abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ks, wasserstein};
    use proptest::prelude::*;

    fn sample(values: &[f64]) -> Sample {
        Sample::of_f64(values)
    }

    #[test]
    fn with_few_different_values_everything_is_exact() {
        let reference = sample(&(0..5000).map(|i| f64::from(i % 97)).collect::<Vec<_>>());
        let current = sample(
            &(0..700)
                .map(|i| f64::from(i % 120) - 7.5)
                .collect::<Vec<_>>(),
        );
        let profile = Profile::of(&reference);
        assert_eq!(
            (profile.ks_error_max(), profile.wasserstein_error_max()),
            (0.0, 0.0)
        );
        let (got, exact) = (
            profile.ks(&current).unwrap(),
            ks::ks(&reference, &current).unwrap(),
        );
        assert!((got.statistic - exact.statistic).abs() < 1e-15);
        let (got, exact) = (
            profile.wasserstein(&current).unwrap(),
            wasserstein::wasserstein(&reference, &current).unwrap(),
        );
        assert!((got - exact).abs() < 1e-9 * exact);
    }

    #[test]
    fn a_long_tail_stays_within_a_thousandth_of_its_spread() {
        // Log-normal-like by hand: exp of an even grid, from 1 to 1000.
        let reference = sample(
            &(0..30_000)
                .map(|i| (f64::from(i) / 30_000.0 * 6.9).exp())
                .collect::<Vec<_>>(),
        );
        let current = sample(
            &(0..744)
                .map(|i| 1.2 * (f64::from(i) / 744.0 * 6.7).exp())
                .collect::<Vec<_>>(),
        );
        let profile = Profile::of(&reference);
        assert!(profile.ks_error_max() < 1.0 / 200.0);
        let (got, exact) = (
            profile.wasserstein(&current).unwrap(),
            wasserstein::wasserstein(&reference, &current).unwrap(),
        );
        assert!(
            (got - exact).abs() < 1e-3 * reference.std().unwrap(),
            "{got} for {exact}"
        );
    }

    #[test]
    fn an_empty_reference_compares_with_nothing() {
        let profile = Profile::of(&sample(&[f64::NAN, f64::NAN]));
        assert_eq!((profile.present(), profile.bin_counts()), (0, vec![0, 2]));
        assert_eq!(
            (
                profile.ks(&sample(&[1.0])),
                profile.wasserstein(&sample(&[1.0]))
            ),
            (None, None)
        );
        assert_eq!(Profile::new(profile.parts().clone()), Ok(profile));
    }

    #[test]
    fn damaged_parts_are_refused() {
        let parts = Profile::of(&sample(&[1.0, 2.0, 3.0])).parts().clone();
        let refused = |change: &dyn Fn(&mut ProfileParts)| {
            let mut parts = parts.clone();
            change(&mut parts);
            Profile::new(parts).unwrap_err()
        };
        assert!(matches!(
            refused(&|p| p.below.truncate(2)),
            BadProfile::Lengths {
                knots: 3,
                below: 2,
                at_most: 3
            }
        ));
        assert_eq!(refused(&|p| p.knots[1] = 1.0), BadProfile::Knots { idx: 1 });
        assert_eq!(
            refused(&|p| p.knots[2] = f64::NAN),
            BadProfile::Knots { idx: 2 }
        );
        assert_eq!(refused(&|p| p.below[0] = 1), BadProfile::Counts { idx: 0 });
        assert_eq!(
            refused(&|p| p.at_most[2] = p.below[2]),
            BadProfile::Counts { idx: 2 }
        );
        assert_eq!(refused(&|p| p.below[1] = 0), BadProfile::Counts { idx: 1 });
        assert_eq!(refused(&|p| p.std = Some(-1.0)), BadProfile::Moments);
        assert_eq!(refused(&|p| p.mean = None), BadProfile::Moments);
    }

    #[test]
    fn the_area_under_a_line_that_crosses_zero_is_two_triangles() {
        assert_eq!(area_of_line(1.0, 3.0), 2.0);
        assert_eq!(area_of_line(-1.0, 1.0), 0.5);
        assert_eq!(area_of_line(-1.0, 3.0), 10.0 / 8.0);
        assert_eq!(area_of_line(0.0, 0.0), 0.0);
    }

    proptest! {
        #[test]
        fn within_the_stated_errors(reference in column(1..2000), current in column(1..300)) {
            let (reference, current) = (sample(&reference), sample(&current));
            let profile = Profile::of(&reference);
            prop_assert!(profile.ks_error_max() < 1.0 / INTERVALS as f64);
            let bins = Bins::of(&reference);
            prop_assert_eq!(&profile.bins(), &bins);
            prop_assert_eq!(profile.bin_counts(), bins.counts(&reference));
            prop_assert_eq!(profile.psi(&current), psi(&bins.counts(&reference), &bins.counts(&current)));
            if let (Some(got), Some(exact)) = (profile.ks(&current), ks::ks(&reference, &current)) {
                prop_assert!((got.statistic - exact.statistic).abs() <= profile.ks_error_max() + 1e-12);
            }
            if let (Some(got), Some(exact)) = (profile.wasserstein(&current), wasserstein::wasserstein(&reference, &current)) {
                prop_assert!((got - exact).abs() <= profile.wasserstein_error_max() + 1e-9);
            }
        }

        #[test]
        fn survives_being_written_down(reference in column(0..500)) {
            let profile = Profile::of(&sample(&reference));
            prop_assert_eq!(Profile::new(profile.parts().clone()), Ok(profile));
        }
    }

    fn column(rows: std::ops::Range<usize>) -> impl Strategy<Value = Vec<f64>> {
        proptest::collection::vec(
            prop_oneof![6 => -50.0..900.0f64, 2 => Just(0.0), 1 => Just(f64::NAN)],
            rows,
        )
    }
}
