//! For tests only: whether the best split is found, by trying all of them on raw values.

use proptest::prelude::*;

use super::adding::Among;
use super::bins::{Cuts, cut_all, pack};
use super::cutting::Below;
use super::histogram::{Histogram, Size, Sum, sum_of_row};
use super::role::{Role, UNBOUND};
use super::rows::{Chosen, Layout, Load};
use super::sparse::SparseSlots;
use super::split::*;
use crate::columns::Columns;

const CART: Penalties = Penalties {
    reg_lambda: 0.0,
    reg_alpha: 0.0,
    min_split_gain: 0.0,
    min_child_weight: 1.0,
};

fn rule(penalties: &Penalties, step: f64) -> Rule {
    let steps = Steps {
        gradient: step,
        weight: 1.0,
    };
    Rule::new(penalties, steps)
}

/// Rows of one column with gradients; those without count for nothing.
struct Case {
    column: Vec<f32>,
    cuts: Vec<Cuts>,
    layout: Layout,
    rows: Vec<u64>,
}

impl Case {
    fn new(rows: &[(f32, i16)]) -> Self {
        let given: Vec<(f32, Option<i16>)> = rows
            .iter()
            .map(|&(x, gradient)| (x, Some(gradient)))
            .collect();
        Self::with_gaps(&given)
    }

    fn with_gaps(given: &[(f32, Option<i16>)]) -> Self {
        let column: Vec<f32> = given.iter().map(|row| row.0).collect();
        let x = Columns::new(vec![&column], column.len());
        let cuts = cut_all(&x, &[], 255);
        let layout = Layout::new(Load::Counted, 1);
        let mut rows = pack(&x, &cuts, &layout).to_vec();
        for (row, &(_, gradient)) in rows.iter_mut().zip(given) {
            if let Some(gradient) = gradient {
                *row |= u64::from(gradient as u16) << 48 | 1 << 40;
            }
        }
        Self {
            column,
            cuts,
            layout,
            rows,
        }
    }

    fn sum(&self, is_in: impl Fn(f32) -> bool) -> Sum {
        let rows = self
            .column
            .iter()
            .zip(&self.rows)
            .filter(|(x, _)| is_in(**x));
        rows.fold(Sum::default(), |sum, (_, &row)| {
            sum + sum_of_row(Load::Counted, row)
        })
    }

    fn best(&self, rule: &Rule) -> Option<Split> {
        let size = |n_drawn| Size {
            load: self.layout.load,
            n_features: 1,
            n_drawn,
        };
        let searched = Searched {
            feature: 0,
            place: 0,
            n_bins: self.cuts[0].n_bins(),
            total: self.sum(|_| true),
            role: Role::Number,
            bounds: UNBOUND,
        };
        let [narrow, wide] = [1, usize::MAX].map(|n_drawn| {
            let mut histogram = Histogram::new(size(n_drawn));
            histogram.add(&Chosen::all(self.layout), Among::Drawn, &self.rows);
            rule.best_of(&histogram, searched, &mut Below::new())
        });
        assert_eq!(narrow, wide);
        let mut sparse = SparseSlots::new();
        for &row in &self.rows {
            sparse.add(row as u8, sum_of_row(Load::Counted, row));
        }
        assert_eq!(
            rule.best_of_sparse(&sparse, searched, &mut Below::new()),
            narrow
        );
        narrow
    }

    fn threshold(&self, split: &Split) -> f32 {
        let Ask::UpTo(bin) = split.ask else {
            panic!("a number is asked for")
        };
        self.cuts[0].threshold(bin)
    }
}

#[test]
fn missing_values_alone_are_parted_once() {
    // Bins at both ends are empty: no cut there stands for "present or not" a second time.
    let gaps = [
        (0.0, None),
        (1.0, Some(5)),
        (2.0, Some(5)),
        (9.0, None),
        (f32::NAN, Some(-5)),
    ];
    let case = Case::with_gaps(&gaps);
    let split = case.best(&rule(&CART, 1.0)).unwrap();
    assert_eq!(
        (case.threshold(&split), split.missing_left),
        (f32::MAX, false)
    );
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
                best = best.max(squared_error(&all) - squared_error(&left) - squared_error(&right));
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
        let wanted = rule(&Penalties { min_child_weight: weight_min as f64, ..CART }, 1.0);
        let expected = exhaustive(&rows, weight_min);
        match case.best(&wanted) {
            None => prop_assert!(expected < 1e-6, "missed {expected}"),
            Some(split) => {
                prop_assert!((split.gain - expected).abs() <= 1e-9 * expected.max(1.0));
                // What it says of itself is what it does to raw values.
                let threshold = case.threshold(&split);
                let left = case.sum(|x| if x.is_nan() { split.missing_left } else { x <= threshold });
                prop_assert_eq!(left, split.left);
                for (&x, &row) in case.column.iter().zip(&case.rows) {
                    let goes_left = if x.is_nan() { split.missing_left } else { x <= threshold };
                    prop_assert_eq!(split.goes_left(row as u8), goes_left);
                    let [add, limit] = split.interval().unwrap();
                    prop_assert_eq!((row as u8).wrapping_add(add) <= limit, goes_left);
                }
            }
        }
    }
}

/// Small sums, so that many cuts are worth the same; one in five of slots in use is without weight.
fn a_slot() -> impl Strategy<Value = Sum> {
    let weight = prop_oneof![1 => Just(0), 4 => 1..4_i64];
    (-4..5_i64, weight).prop_map(|(gradient, weight)| Sum { gradient, weight })
}

/// A small node: what is in which slot, perhaps several times in one.
fn a_node() -> impl Strategy<Value = Vec<(u8, Sum)>> {
    let slots = proptest::collection::vec((0..=254_u8, a_slot()), 2..24);
    let missing = proptest::option::weighted(0.8, a_slot());
    (slots, missing).prop_map(|(mut slots, missing)| {
        slots.extend(missing.map(|sum| (super::bins::MISSING, sum)));
        slots
    })
}

fn penalties() -> impl Strategy<Value = Penalties> {
    let reg_lambda = prop_oneof![Just(0.0), Just(1.0), Just(1e9)];
    let reg_alpha = prop_oneof![Just(0.0), Just(1.5), Just(1e12)];
    (reg_lambda, reg_alpha, 0.0..5.0_f64).prop_map(|(reg_lambda, reg_alpha, min_child_weight)| {
        Penalties {
            reg_lambda,
            reg_alpha,
            min_split_gain: 0.0,
            min_child_weight,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]
    #[test]
    fn all_cuts_at_once_are_what_one_after_the_other_finds(
        node in a_node(),
        penalties in penalties(),
        step in prop_oneof![Just(1.0), Just(libm::ldexp(1.0, -400)), Just(libm::ldexp(1.0, 100))],
    ) {
        let mut slots = SparseSlots::new();
        node.iter().for_each(|&(slot, sum)| slots.add(slot, sum));
        let total = node.iter().fold(Sum::default(), |total, it| total + it.1);
        let wanted = rule(&penalties, step);
        let searched = Searched {
            feature: 3,
            place: 0,
            n_bins: 255,
            total,
            role: Role::Number,
            bounds: UNBOUND,
        };
        // Nodes that are too light are not searched at all.
        prop_assume!(wanted.may_split(total));
        let missing = slots.slot(usize::from(super::bins::MISSING));
        let present = || slots.iter().filter(|&(slot, _)| slot < usize::from(super::bins::MISSING));
        let expected = wanted.scan(present(), missing, &searched);
        let found = wanted.best_of_sparse(&slots, searched, &mut Below::new());
        prop_assert_eq!(found, expected);
        if 0 < missing.weight {
            let found = wanted.scan_with_missing(present(), missing, &searched, &mut Below::new());
            prop_assert_eq!(found, expected);
        } else {
            prop_assert_eq!(wanted.scan_free(present(), &searched), expected);
        }
        if let Some(split) = expected {
            prop_assert!(split.gain.is_finite() && 0.0 < split.gain);
            prop_assert!(0 < split.left.weight && split.left.weight < total.weight);
        }
    }
}

#[test]
fn equal_gradients_are_not_parted() {
    let wanted = rule(&CART, 1.0);
    for gradient in [0, 1, 7, -32_767] {
        let rows: Vec<(f32, i16)> = (0..1000).map(|i| (i as f32, gradient)).collect();
        assert_eq!(Case::new(&rows).best(&wanted), None);
    }
}

#[test]
fn rounding_is_no_gain() {
    // Squares of these sums need more than the 53 bits of an f64.
    let wanted = rule(&CART, 1.0);
    for gradient in [32_767, 32_501, -29_999] {
        let rows: Vec<(f32, i16)> = (0..150_001_u32)
            .map(|i| ((i % 97) as f32, gradient))
            .collect();
        assert_eq!(Case::new(&rows).best(&wanted), None);
    }
}

#[test]
fn of_equal_cuts_the_lowest_counts() {
    let case = Case::new(&[(1.0, 5), (2.0, -10), (3.0, 5)]);
    let split = case.best(&rule(&CART, 1.0)).unwrap();
    assert_eq!((case.threshold(&split), split.gain), (1.5, 37.5));
}

#[test]
fn the_cut_is_in_the_middle_of_empty_bins() {
    let present = [(0.0, Some(0)), (20.0, Some(10))];
    let absent = [1.0, 2.0, 3.0, 9.0].map(|x| (x, None));
    let case = Case::with_gaps(&[&present[..], &absent].concat());
    let split = case.best(&rule(&CART, 1.0)).unwrap();
    assert_eq!(case.threshold(&split), 2.5);
}

#[test]
fn missing_values_go_where_they_fit() {
    let nan = f32::NAN;
    let wanted = rule(&CART, 1.0);
    let low = Case::new(&[(1.0, -5), (2.0, -5), (3.0, 5), (4.0, 5), (nan, -5)])
        .best(&wanted)
        .unwrap();
    assert!(low.missing_left && low.left.weight == 3);
    let high = Case::new(&[(1.0, -5), (2.0, -5), (3.0, 5), (4.0, 5), (nan, 5)])
        .best(&wanted)
        .unwrap();
    assert!(!high.missing_left && high.left.weight == 2);
    let alone = Case::new(&[(1.0, 5), (2.0, 5), (nan, -5), (nan, -5)]);
    let split = alone.best(&wanted).unwrap();
    assert!(!split.missing_left && split.left.weight == 2);
    assert_eq!(alone.threshold(&split), f32::MAX);
}

#[test]
fn what_was_never_missing_joins_the_larger_part() {
    let wanted = rule(&CART, 1.0);
    let left = Case::new(&[(1.0, 0), (2.0, 0), (3.0, 9)])
        .best(&wanted)
        .unwrap();
    assert!(left.missing_left);
    let right = Case::new(&[(1.0, 9), (2.0, 0), (3.0, 0)])
        .best(&wanted)
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
        case.best(&rule(&penalties, step)).map(|split| split.gain)
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
