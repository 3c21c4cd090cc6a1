//! Sums of gradients and weights by feature and bin.
//!
//! Not floating point anywhere: every sum is exact, hence the same for any order of rows and any number of threads,
//! and a child's histogram may be had by subtracting its sibling's from its parent's.
//!
//! A slot is one i64 that holds two sums side by side, so that a row and feature cost one addition:
//!
//! ```text
//! Narrow   | sum of gradients, 40 bits | sum of weights, 24 bits |    total weight < 2^24
//! Wide     | sum of gradients, 64 bits |  and  | sum of weights, 64 bits |, filled in parts through
//!          | 32 bits | 32 bits |                                      parts of 2^15 weighted rows, or as Narrow
//! ```

use std::ops::{Add, AddAssign, Range, Sub, SubAssign};

use super::adding::{Adding, Ahead, Among};
use super::rows::{Chosen, Load, gradient};
use super::wide::run;

/// Slots that a feature needs: 255 for values, 1 for missing.
pub(crate) const N_SLOTS: usize = 256;

/// A sum over rows: |gradient| <= 2^15 and weight < 2^16 each, at most 2^32 rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    /// Sum of gradient x weight, in steps.
    pub(crate) gradient: i64,
    /// Sum of weights or of second derivatives, in steps; without either a count of rows.
    pub(crate) weight: i64,
}

impl Add for Sum {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            gradient: self.gradient + other.gradient,
            weight: self.weight + other.weight,
        }
    }
}

impl Sub for Sum {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self {
            gradient: self.gradient - other.gradient,
            weight: self.weight - other.weight,
        }
    }
}

impl AddAssign for Sum {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Sum {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

/// How two sums share a slot: the lower bits hold the weights, and a slot may take so many rows, or draws, before
/// either overflows.
#[derive(Clone, Copy)]
struct Packing {
    weight_bits: u32,
    n_max: usize,
}

impl Packing {
    fn of(load: Load) -> Self {
        match load {
            // |gradient| x weight sums to less than 2^15 x 2^24 = 2^39.
            Load::Single | Load::Counted => Self {
                weight_bits: 24,
                n_max: (1 << 24) - 1,
            },
            // Weights of 2^16 - 1 at most sum to less than 2^31, gradients of 2^15 at most to 2^30.
            Load::Weighted => Self {
                weight_bits: 32,
                n_max: 1 << 15,
            },
        }
    }

    #[inline(always)]
    fn unpack(self, slot: i64) -> Sum {
        Sum {
            gradient: slot >> self.weight_bits,
            weight: slot & ((1 << self.weight_bits) - 1),
        }
    }
}

/// The sums of one node for each feature that was chosen, known by its place among these.
#[derive(Clone)]
pub(crate) struct Histogram {
    packing: Packing,
    /// Packed slots, or sums of gradients if `weights` is not empty.
    slots: Vec<i64>,
    weights: Vec<i64>,
    /// Packed slots on their way into the wide ones.
    part: Vec<i64>,
}

/// What tells how much a histogram must hold.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) load: Load,
    /// How many were chosen.
    pub(crate) n_features: usize,
    /// Draws in the whole tree; rows where they are weighted.
    pub(crate) n_drawn: usize,
}

impl Histogram {
    /// An empty histogram.
    pub(crate) fn new(size: Size) -> Self {
        let packing = Packing::of(size.load);
        let n_slots = size.n_features * N_SLOTS;
        let is_wide = packing.n_max < size.n_drawn;
        let n_wide = if is_wide { n_slots } else { 0 };
        Self {
            packing,
            slots: vec![0; n_slots],
            weights: vec![0; n_wide],
            part: vec![0; n_wide],
        }
    }

    /// Whether slots hold two numbers.
    pub(crate) fn is_wide(&self) -> bool {
        !self.weights.is_empty()
    }

    /// Forgets all sums.
    pub(crate) fn clear(&mut self) {
        self.slots.fill(0);
        self.weights.fill(0);
    }

    /// Adds rows.
    pub(crate) fn add(&mut self, chosen: &Chosen, among: Among, rows: &[u64]) {
        self.add_and_ask(chosen, among, rows, Ahead::default());
    }

    /// Adds rows, and asks for those to be added next.
    pub(crate) fn add_and_ask(
        &mut self,
        chosen: &Chosen,
        among: Among,
        rows: &[u64],
        ahead: Ahead,
    ) {
        if !self.is_wide() {
            let slots = &mut self.slots;
            return run(Adding {
                chosen,
                among,
                rows,
                ahead,
                slots,
            });
        }
        // A counted row may stand for 255 draws.
        let n_rows_max = match chosen.layout.load {
            Load::Counted => self.packing.n_max / 255,
            Load::Single | Load::Weighted => self.packing.n_max,
        };
        for rows in rows.chunks(n_rows_max * chosen.layout.n_words) {
            self.part.fill(0);
            let slots = &mut self.part;
            run(Adding {
                chosen,
                among,
                rows,
                ahead: Ahead::default(),
                slots,
            });
            let sums = self.slots.iter_mut().zip(&mut self.weights);
            for ((gradient, weight), &part) in sums.zip(&self.part) {
                let sum = self.packing.unpack(part);
                *gradient += sum.gradient;
                *weight += sum.weight;
            }
        }
    }

    /// Adds what another histogram of the same tree holds.
    pub(crate) fn merge(&mut self, other: &Self) {
        zip_apply(&mut self.slots, &other.slots, i64::wrapping_add);
        zip_apply(&mut self.weights, &other.weights, i64::wrapping_add);
    }

    /// Takes away what the sibling holds: a parent becomes the other child.
    pub(crate) fn subtract(&mut self, sibling: &Self) {
        zip_apply(&mut self.slots, &sibling.slots, i64::wrapping_sub);
        zip_apply(&mut self.weights, &sibling.weights, i64::wrapping_sub);
    }

    /// The sum in one slot of one feature.
    #[inline]
    pub(crate) fn sum(&self, feature: usize, slot: usize) -> Sum {
        let idx = feature * N_SLOTS + slot;
        if self.is_wide() {
            Sum {
                gradient: self.slots[idx],
                weight: self.weights[idx],
            }
        } else {
            self.packing.unpack(self.slots[idx])
        }
    }

    /// The first of some slots of a feature that holds any weight.
    pub(crate) fn first_in_use(&self, feature: usize, mut slots: Range<usize>) -> Option<usize> {
        let start = feature * N_SLOTS;
        if self.is_wide() {
            return slots.find(|&slot| 0 < self.weights[start + slot]);
        }
        let mask = (1 << self.packing.weight_bits) - 1;
        slots.find(|&slot| self.slots[start + slot] & mask != 0)
    }

    /// The sum over all slots of a feature: over all rows.
    pub(crate) fn total(&self, feature: usize) -> Sum {
        (0..N_SLOTS).fold(Sum::default(), |sum, slot| sum + self.sum(feature, slot))
    }

    /// For each of the first slots of a feature the sum up to and including it. Sums below 2^53 are exact in f64.
    #[inline(always)]
    pub(crate) fn sum_below(&self, feature: usize, gradients: &mut [f64], weights: &mut [f64]) {
        let slots = &self.slots[feature * N_SLOTS..][..gradients.len()];
        if self.is_wide() {
            running(slots, gradients);
            let slots = &self.weights[feature * N_SLOTS..][..weights.len()];
            return running(slots, weights);
        }
        // Together both sums take no more room than they have in a slot of all rows.
        let mut sums = [0; N_SLOTS];
        let sums = &mut sums[..slots.len()];
        let mut below = 0_i64;
        for (sum, &slot) in sums.iter_mut().zip(slots) {
            below = below.wrapping_add(slot);
            *sum = below;
        }
        for ((gradient, weight), &sum) in gradients.iter_mut().zip(weights).zip(&*sums) {
            let sum = self.packing.unpack(sum);
            *gradient = sum.gradient as f64;
            *weight = sum.weight as f64;
        }
    }

    /// The sums of the first slots of a feature, one after the other.
    pub(crate) fn sums(&self, feature: usize, n: usize) -> impl Iterator<Item = Sum> + '_ {
        let slots = feature * N_SLOTS..feature * N_SLOTS + n;
        let weights = if self.is_wide() {
            &self.weights[slots.clone()]
        } else {
            &[]
        };
        let mut weights = weights.iter();
        self.slots[slots].iter().map(move |&slot| {
            weights.next().map_or_else(
                || self.packing.unpack(slot),
                |&weight| Sum {
                    gradient: slot,
                    weight,
                },
            )
        })
    }
}

#[inline(always)]
fn running(slots: &[i64], sums: &mut [f64]) {
    let mut below = 0;
    for (sum, &slot) in sums.iter_mut().zip(slots) {
        below += slot;
        *sum = below as f64;
    }
}

fn zip_apply(to: &mut [i64], from: &[i64], change: impl Fn(i64, i64) -> i64) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to = change(*to, from);
    }
}

/// What one row adds to the sums of its node.
pub(crate) fn sum_of_row(load: Load, first: u64) -> Sum {
    let gradient = i64::from(gradient(first));
    match load {
        Load::Single => Sum {
            gradient,
            weight: 1,
        },
        Load::Counted => {
            let weight = (first >> 40 & 0xff) as i64;
            Sum {
                gradient: gradient * weight,
                weight,
            }
        }
        Load::Weighted => Sum {
            gradient,
            weight: (first >> 32 & 0xffff) as i64,
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::rows::{Layout, NOT_DRAWN};
    use super::*;

    const LOADS: [Load; 3] = [Load::Single, Load::Counted, Load::Weighted];

    /// Rows of random words; their bins, gradients and weights are what the words happen to say.
    fn some_rows() -> impl Strategy<Value = (Layout, Vec<u64>)> {
        let layout = (0..LOADS.len(), 1..33_usize)
            .prop_map(|(load, n_features)| Layout::new(LOADS[load], n_features));
        layout.prop_flat_map(|layout| {
            let rows = proptest::collection::vec(
                proptest::num::u64::ANY,
                layout.n_words..=40 * layout.n_words,
            );
            rows.prop_map(move |mut rows| {
                rows.truncate(rows.len() / layout.n_words * layout.n_words);
                (layout, rows)
            })
        })
    }

    fn size(layout: Layout, n_drawn: usize) -> Size {
        Size {
            load: layout.load,
            n_features: layout.n_features(),
            n_drawn,
        }
    }

    fn filled(layout: Layout, rows: &[u64], n_drawn: usize) -> Histogram {
        let mut histogram = Histogram::new(size(layout, n_drawn));
        histogram.add(&Chosen::all(layout), Among::Drawn, rows);
        histogram
    }

    fn all_sums(layout: &Layout, histogram: &Histogram) -> Vec<Sum> {
        let slots = (0..layout.n_features())
            .flat_map(|feature| (0..N_SLOTS).map(move |slot| (feature, slot)));
        slots
            .map(|(feature, slot)| histogram.sum(feature, slot))
            .collect()
    }

    proptest! {
        #[test]
        fn sums_are_those_of_the_rows_in_each_bin((layout, rows) in some_rows()) {
            let mut expected = vec![Sum::default(); layout.n_features() * N_SLOTS];
            for row in rows.chunks_exact(layout.n_words) {
                for feature in 0..layout.n_features() {
                    let slot = usize::from(layout.place(feature).bin(row));
                    expected[feature * N_SLOTS + slot] += sum_of_row(layout.load, row[0]);
                }
            }
            for n_drawn in [1, usize::MAX] {
                let histogram = filled(layout, &rows, n_drawn);
                prop_assert_eq!(all_sums(&layout, &histogram), &expected[..]);
                for feature in 0..layout.n_features() {
                    let sums: Vec<Sum> = histogram.sums(feature, 255).collect();
                    prop_assert_eq!(&sums[..], &expected[feature * N_SLOTS..][..255]);
                    let below = sums.iter().scan(Sum::default(), |sum, &slot| {
                        *sum += slot;
                        Some((sum.gradient as f64, sum.weight as f64))
                    });
                    let (mut gradients, mut weights) = ([0.0; 255], [0.0; 255]);
                    histogram.sum_below(feature, &mut gradients, &mut weights);
                    prop_assert!(below.eq(gradients.into_iter().zip(weights)));
                    let total = expected[..N_SLOTS].iter().fold(Sum::default(), |sum, &slot| sum + slot);
                    prop_assert_eq!(histogram.total(feature), total);
                }
            }
        }

        #[test]
        fn only_chosen_features_are_summed((layout, rows) in some_rows(), every in 1..9_usize) {
            let features: Vec<usize> = (0..layout.n_features()).step_by(every).collect();
            let all = filled(layout, &rows, 1);
            let size = Size { n_features: features.len(), ..size(layout, 1) };
            let mut some = Histogram::new(size);
            some.add(&Chosen::new(layout, features.clone()), Among::Drawn, &rows);
            for (place, feature) in features.into_iter().enumerate() {
                for slot in 0..N_SLOTS {
                    prop_assert_eq!(some.sum(place, slot), all.sum(feature, slot));
                }
            }
        }

        #[test]
        fn a_parent_less_one_child_is_the_other_child((layout, rows) in some_rows(), cut in 0..40_usize) {
            let (left, right) = rows.split_at((cut * layout.n_words).min(rows.len()));
            for n_drawn in [1, usize::MAX] {
                let mut parent = filled(layout, &rows, n_drawn);
                let (of_left, of_right) = (filled(layout, left, n_drawn), filled(layout, right, n_drawn));
                parent.subtract(&of_left);
                prop_assert_eq!(all_sums(&layout, &parent), all_sums(&layout, &of_right));
                parent.merge(&of_left);
                prop_assert_eq!(all_sums(&layout, &parent), all_sums(&layout, &filled(layout, &rows, n_drawn)));
            }
        }

        #[test]
        fn rows_that_were_not_drawn_add_nothing((layout, mut rows) in some_rows(), every in 1..5_usize) {
            if layout.load == Load::Counted {
                return Ok(());
            }
            let mut drawn = Vec::new();
            for (number, row) in rows.chunks_exact_mut(layout.n_words).enumerate() {
                if number % every == 0 {
                    row[0] = row[0] & (u64::MAX >> 16) | u64::from(NOT_DRAWN as u16) << 48;
                } else {
                    row[0] &= !(1 << 63);
                    drawn.extend_from_slice(row);
                }
            }
            let mut histogram = Histogram::new(size(layout, 1));
            histogram.add(&Chosen::all(layout), Among::All, &rows);
            prop_assert_eq!(all_sums(&layout, &histogram), all_sums(&layout, &filled(layout, &drawn, 1)));
        }
    }

    #[test]
    fn a_slot_holds_what_it_promises() {
        // The most extreme rows, as many as a narrow slot takes, and ten more in a wide one.
        for (gradient, load) in [
            (i16::MAX, Load::Single),
            (-i16::MAX, Load::Single),
            (i16::MAX, Load::Weighted),
            (-i16::MAX, Load::Weighted),
        ] {
            let layout = Layout::new(load, 1);
            let n_max = Packing::of(load).n_max as i64;
            let row = u64::from(gradient as u16) << 48 | 0xffff << 32;
            let n_rows = if load == Load::Single {
                n_max
            } else {
                n_max + 10
            };
            let histogram = filled(layout, &vec![row; n_rows as usize], n_rows as usize);
            let weight = if load == Load::Single { 1 } else { 0xffff };
            let expected = Sum {
                gradient: n_rows * i64::from(gradient),
                weight: n_rows * weight,
            };
            assert_eq!(histogram.sum(0, 0), expected);
        }
        let layout = Layout::new(Load::Counted, 1);
        let row = u64::from(-i16::MAX as u16) << 48 | 0xff << 40;
        let histogram = filled(layout, &vec![row; 70_000], 70_000 * 255);
        assert_eq!(
            histogram.sum(0, 0),
            Sum {
                gradient: -70_000 * 255 * 32_767,
                weight: 70_000 * 255
            }
        );
    }
}
