//! The best way to part a node's rows in two by one feature.
//!
//! Not the choice between features: the grower compares what is found here.

use super::bins::{ALL_PRESENT, MISSING};
use super::histogram::{Slots, SparseSlots, Sum};

/// What a split is worth and which ones are allowed, in quantised steps.
///
/// A child with gradient sum G and weight H scores max(|G| - alpha, 0)^2 / (H + lambda), and the gain is what the
/// children score more than their parent: XGBoost's loss change (Chen and Guestrin 2016, equation 7, without its
/// factor 1/2, as the program has it). With lambda = alpha = 0 it is the decrease of the sum of squared errors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    lambda: f64,
    alpha_steps: f64,
    gain_steps2_min: f64,
    weight_min: f64,
}

/// Regularisation in units of the target, as users state it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Penalties {
    pub(crate) reg_lambda: f64,
    pub(crate) reg_alpha: f64,
    pub(crate) min_split_gain: f64,
    pub(crate) min_child_weight: f64,
}

/// One way to part a node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Split {
    /// Column of the table.
    pub(crate) feature: usize,
    /// The last bin that goes left.
    pub(crate) bin: u8,
    pub(crate) missing_left: bool,
    /// Improvement in steps squared, above zero.
    pub(crate) gain: f64,
    /// The sums that go left.
    pub(crate) left: Sum,
}

impl Split {
    /// Whether a row in this bin goes left.
    pub(crate) fn goes_left(&self, bin: u8) -> bool {
        if bin == MISSING {
            self.missing_left
        } else {
            bin <= self.bin
        }
    }
}

/// A gain below this share of the children's score is rounding: f64 keeps 2^-53 of each term.
const GAIN_SHARE_MIN: f64 = 1e-13;

impl Rule {
    /// Translates penalties to steps of the given size.
    pub(crate) fn new(penalties: &Penalties, step: f64) -> Self {
        Self {
            lambda: penalties.reg_lambda,
            alpha_steps: penalties.reg_alpha / step,
            gain_steps2_min: penalties.min_split_gain / (step * step),
            // A child without any weight has no mean.
            weight_min: penalties.min_child_weight.max(1.0),
        }
    }

    /// Whether a node is heavy enough to have two children.
    pub(crate) fn may_split(&self, total: Sum) -> bool {
        2.0 * self.weight_min <= total.weight as f64
    }

    /// The best split of a node by a feature whose histogram is at hand.
    pub(crate) fn best_of(&self, feature: usize, slots: &Slots, total: Sum) -> Option<Split> {
        let present = slots[..usize::from(MISSING)].iter().copied().enumerate();
        self.scan(feature, present, slots[usize::from(MISSING)], total)
    }

    /// The same from the sums of a small node.
    pub(crate) fn best_of_sparse(
        &self,
        feature: usize,
        slots: &SparseSlots,
        total: Sum,
    ) -> Option<Split> {
        let missing = usize::from(MISSING);
        let present = slots.iter().take_while(|&(slot, _)| slot < missing);
        self.scan(feature, present, slots.slot(missing), total)
    }

    /// Goes through the bins from the lowest; of equal gains the first counts. Empty bins part nothing, and where
    /// some lie between two used ones, the cut is in their middle.
    fn scan(
        &self,
        feature: usize,
        present: impl Iterator<Item = (usize, Sum)>,
        missing: Sum,
        total: Sum,
    ) -> Option<Split> {
        let mut best = Best::default();
        let mut left = Sum::default();
        let mut last = None;
        for (bin, sum) in present.filter(|(_, sum)| 0 < sum.weight) {
            if let Some(last) = last {
                let cut = ((last + bin - 1) / 2) as u8;
                self.consider(
                    &mut best,
                    Cut {
                        bin: cut,
                        left,
                        missing_left: false,
                    },
                    total,
                );
                if 0 < missing.weight {
                    let left = left + missing;
                    self.consider(
                        &mut best,
                        Cut {
                            bin: cut,
                            left,
                            missing_left: true,
                        },
                        total,
                    );
                }
            }
            left += sum;
            last = Some(bin);
        }
        if 0 < missing.weight && last.is_some() {
            self.consider(
                &mut best,
                Cut {
                    bin: ALL_PRESENT,
                    left,
                    missing_left: false,
                },
                total,
            );
        }
        self.accept(feature, &best, missing, total)
    }

    fn consider(&self, best: &mut Best, cut: Cut, total: Sum) {
        let score = self.score_of_children(cut.left, total - cut.left);
        if best.score < score {
            *best = Best { score, cut };
        }
    }

    /// Zero, which is never best, if a child is too light.
    fn score_of_children(&self, left: Sum, right: Sum) -> f64 {
        if (left.weight.min(right.weight) as f64) < self.weight_min {
            return 0.0;
        }
        self.score(left) + self.score(right)
    }

    fn score(&self, sum: Sum) -> f64 {
        let gradient = (sum.gradient.unsigned_abs() as f64 - self.alpha_steps).max(0.0);
        gradient * gradient / (sum.weight as f64 + self.lambda)
    }

    fn accept(&self, feature: usize, best: &Best, missing: Sum, total: Sum) -> Option<Split> {
        let gain = best.score - self.score(total);
        if gain <= self.gain_steps2_min || gain <= GAIN_SHARE_MIN * best.score {
            return None;
        }
        // Where no value was missing, one that is missing later joins the larger part.
        let Cut {
            bin,
            left,
            missing_left,
        } = best.cut;
        let larger_is_left = total.weight <= 2 * left.weight;
        Some(Split {
            feature,
            bin,
            missing_left: if 0 < missing.weight {
                missing_left
            } else {
                larger_is_left
            },
            gain,
            left,
        })
    }
}

/// A place to cut: what goes left, the last bin of it, and whether missing values are among it.
#[derive(Clone, Copy, Default)]
struct Cut {
    bin: u8,
    left: Sum,
    missing_left: bool,
}

/// The best cut so far; a score of zero means none.
#[derive(Default)]
struct Best {
    score: f64,
    cut: Cut,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::bins::Binned;
    use super::super::histogram::{Entry, Histogram, Work};
    use super::*;
    use crate::columns::Columns;

    const CART: Penalties = Penalties {
        reg_lambda: 0.0,
        reg_alpha: 0.0,
        min_split_gain: 0.0,
        min_child_weight: 1.0,
    };

    struct Case {
        column: Vec<f32>,
        entries: Vec<Entry>,
        binned: Binned,
    }

    impl Case {
        fn new(rows: &[(f32, i16)]) -> Self {
            let column: Vec<f32> = rows.iter().map(|row| row.0).collect();
            let entries = rows
                .iter()
                .zip(0..)
                .map(|(&(_, gradient), row)| Entry {
                    row,
                    gradient,
                    weight: 1,
                })
                .collect();
            let binned = Binned::new(&Columns::new(vec![&column], column.len()), 255);
            Self {
                column,
                entries,
                binned,
            }
        }

        fn best(&self, rule: &Rule) -> Option<Split> {
            let total = Sum::over(&self.entries);
            let mut histogram = Histogram::new(1);
            histogram.fill(&self.binned, &[0], &self.entries, Work::Alone);
            let dense = rule.best_of(0, histogram.feature(0), total);
            let mut sparse = SparseSlots::new();
            sparse.fill(self.binned.column(0), &self.entries);
            assert_eq!(rule.best_of_sparse(0, &sparse, total), dense);
            dense
        }

        fn threshold(&self, split: &Split) -> f32 {
            self.binned.threshold(0, split.bin)
        }
    }

    /// The largest decrease of the sum of squared errors that any threshold and any direction of the missing
    /// values brings, found by trying all of them on raw values, errors summed row by row.
    fn exhaustive(rows: &[(f32, i16)], weight_min: usize) -> f64 {
        let squared_error = |rows: &[f64]| {
            let mean = rows.iter().sum::<f64>() / rows.len() as f64;
            rows.iter().map(|g| (g - mean) * (g - mean)).sum::<f64>()
        };
        let all: Vec<f64> = rows.iter().map(|row| f64::from(row.1)).collect();
        let mut best = 0.0_f64;
        for threshold in rows.iter().map(|row| row.0).filter(|x| !x.is_nan()) {
            for missing_left in [false, true] {
                let goes_left = |x: f32| {
                    if x.is_nan() {
                        missing_left
                    } else {
                        x <= threshold
                    }
                };
                let part = |side| {
                    let chosen = rows.iter().filter(|row| goes_left(row.0) == side);
                    chosen.map(|row| f64::from(row.1)).collect::<Vec<f64>>()
                };
                let (left, right) = (part(true), part(false));
                if weight_min <= left.len().min(right.len()) {
                    best = best
                        .max(squared_error(&all) - squared_error(&left) - squared_error(&right));
                }
            }
        }
        best
    }

    proptest! {
        #[test]
        fn with_a_bin_per_value_the_histogram_finds_what_exhaustive_search_finds(
            rows in proptest::collection::vec(
                (prop_oneof![6 => (0..60_u8).prop_map(f32::from), 1 => Just(f32::NAN)], -50..50_i16), 2..80),
            weight_min in 1..6_usize,
        ) {
            let case = Case::new(&rows);
            let rule = Rule::new(&Penalties { min_child_weight: weight_min as f64, ..CART }, 1.0);
            let expected = exhaustive(&rows, weight_min);
            match case.best(&rule) {
                None => prop_assert!(expected < 1e-6, "missed {expected}"),
                Some(split) => {
                    prop_assert!((split.gain - expected).abs() <= 1e-9 * expected.max(1.0));
                    // What it says of itself is what it does to raw values.
                    let threshold = case.threshold(&split);
                    let left = case.entries.iter().filter(|entry| {
                        let x = case.column[entry.row as usize];
                        if x.is_nan() { split.missing_left } else { x <= threshold }
                    });
                    prop_assert_eq!(Sum::over(&left.copied().collect::<Vec<_>>()), split.left);
                }
            }
        }
    }

    #[test]
    fn equal_gradients_are_not_parted() {
        let rule = Rule::new(&CART, 1.0);
        for gradient in [0, 1, 7, -32_767] {
            let rows: Vec<(f32, i16)> = (0..1000).map(|i| (i as f32, gradient)).collect();
            assert_eq!(Case::new(&rows).best(&rule), None);
        }
    }

    #[test]
    fn rounding_is_no_gain() {
        // Squares of these sums need more than the 53 bits of an f64.
        let rule = Rule::new(&CART, 1.0);
        for gradient in [32_767, 32_501, -29_999] {
            let rows: Vec<(f32, i16)> = (0..150_001_u32)
                .map(|i| ((i % 97) as f32, gradient))
                .collect();
            assert_eq!(Case::new(&rows).best(&rule), None);
        }
    }

    #[test]
    fn of_equal_cuts_the_lowest_counts() {
        let case = Case::new(&[(1.0, 5), (2.0, -10), (3.0, 5)]);
        let split = case.best(&Rule::new(&CART, 1.0)).unwrap();
        assert_eq!((case.threshold(&split), split.gain), (1.5, 37.5));
    }

    #[test]
    fn the_cut_is_in_the_middle_of_empty_bins() {
        let mut case = Case::new(&[(0.0, 0), (1.0, 0), (2.0, 0), (3.0, 0), (9.0, 0), (20.0, 0)]);
        case.entries
            .retain(|entry| entry.row == 0 || entry.row == 5);
        case.entries[1].gradient = 10;
        let split = case.best(&Rule::new(&CART, 1.0)).unwrap();
        assert_eq!(case.threshold(&split), 2.5);
    }

    #[test]
    fn missing_values_go_where_they_fit() {
        let nan = f32::NAN;
        let rule = Rule::new(&CART, 1.0);
        let low = Case::new(&[(1.0, -5), (2.0, -5), (3.0, 5), (4.0, 5), (nan, -5)])
            .best(&rule)
            .unwrap();
        assert!(low.missing_left && low.left.weight == 3);
        let high = Case::new(&[(1.0, -5), (2.0, -5), (3.0, 5), (4.0, 5), (nan, 5)])
            .best(&rule)
            .unwrap();
        assert!(!high.missing_left && high.left.weight == 2);
        let alone = Case::new(&[(1.0, 5), (2.0, 5), (nan, -5), (nan, -5)]);
        let split = alone.best(&rule).unwrap();
        assert!(!split.missing_left && split.left.weight == 2);
        assert_eq!(alone.threshold(&split), f32::MAX);
    }

    #[test]
    fn what_was_never_missing_joins_the_larger_part() {
        let rule = Rule::new(&CART, 1.0);
        let left = Case::new(&[(1.0, 0), (2.0, 0), (3.0, 9)])
            .best(&rule)
            .unwrap();
        assert!(left.missing_left);
        let right = Case::new(&[(1.0, 9), (2.0, 0), (3.0, 0)])
            .best(&rule)
            .unwrap();
        assert!(!right.missing_left);
    }

    #[test]
    fn penalties_hold_splits_back() {
        // Children (-10, 2 rows) and (10, 2 rows): gain 100/2 + 100/2 - 0 = 100 without penalties.
        let case = Case::new(&[(1.0, -5), (2.0, -5), (3.0, 5), (4.0, 5)]);
        let gain = |[reg_lambda, reg_alpha, min_split_gain, min_child_weight]: [f64; 4], step| {
            let penalties = Penalties {
                reg_lambda,
                reg_alpha,
                min_split_gain,
                min_child_weight,
            };
            case.best(&Rule::new(&penalties, step))
                .map(|split| split.gain)
        };
        assert_eq!(gain([0.0, 0.0, 0.0, 1.0], 1.0), Some(100.0));
        assert_eq!(gain([3.0, 0.0, 0.0, 1.0], 1.0), Some(40.0));
        assert_eq!(gain([0.0, 4.0, 0.0, 1.0], 1.0), Some(36.0));
        assert_eq!(gain([0.0, 2.0, 0.0, 1.0], 0.5), Some(36.0));
        assert_eq!(gain([0.0, 0.0, 100.0, 1.0], 1.0), None);
        assert_eq!(gain([0.0, 0.0, 99.0, 1.0], 1.0), Some(100.0));
        assert_eq!(gain([0.0, 0.0, 25.0, 1.0], 0.5), None);
        assert_eq!(gain([0.0, 0.0, 0.0, 2.5], 1.0), None);
    }
}
