//! Sums of gradients and weights by feature and bin.
//!
//! Not floating point anywhere: every sum is exact, hence the same for any order of rows and any number of threads,
//! and a child's histogram may be had by subtracting its sibling's from its parent's.

use std::ops::{Add, AddAssign, Sub, SubAssign};

use rayon::prelude::*;

use super::bins::{Binned, N_SLOTS};

/// One row of a node: where it is, what it asks for and how often it counts.
///
/// Eight bytes travel through the partition together, so that building a histogram looks up nothing but bins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) row: u32,
    /// Wanted change of the prediction, in quantised steps.
    pub(crate) gradient: i16,
    /// How often the tree's sample holds the row. 0: the row is only carried along to learn its leaf.
    pub(crate) weight: u16,
}

/// A sum over rows: |gradient| <= 2^15 and weight < 2^16 each, at most 2^32 rows and, in total weight, 2^32 draws.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    /// Sum of gradient x weight, in steps.
    pub(crate) gradient: i64,
    /// Sum of weights: with squared error, the sum of second derivatives.
    pub(crate) weight: i64,
}

impl Sum {
    /// The sum over all entries.
    pub(crate) fn over(entries: &[Entry]) -> Self {
        entries
            .iter()
            .fold(Self::default(), |sum, entry| sum + Self::of(entry))
    }

    fn of(entry: &Entry) -> Self {
        Self {
            gradient: i64::from(entry.gradient) * i64::from(entry.weight),
            weight: i64::from(entry.weight),
        }
    }
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

/// The sums of one feature, bin after bin; the last slot is that of missing values.
pub(crate) type Slots = [Sum; N_SLOTS];

/// The sums of one node for each of the tree's features, in their order.
pub(crate) struct Histogram {
    features: Vec<Slots>,
}

/// Whether the features of one histogram may be shared out among threads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// One tree at a time has all threads.
    Shared,
    /// Each thread has a tree of its own.
    Alone,
}

/// From how many additions on it pays to wake other threads.
const PARALLEL_ADDITIONS_MIN: usize = 1 << 15;

impl Histogram {
    /// An empty histogram.
    pub(crate) fn new(n_features: usize) -> Self {
        Self {
            features: vec![[Sum::default(); N_SLOTS]; n_features],
        }
    }

    /// Forgets what was there and sums the entries; `features` are the columns that the tree may use.
    pub(crate) fn fill(
        &mut self,
        binned: &Binned,
        features: &[usize],
        entries: &[Entry],
        work: Work,
    ) {
        if work == Work::Alone || entries.len() * features.len() < PARALLEL_ADDITIONS_MIN {
            for (slots, &feature) in self.features.iter_mut().zip(features) {
                fill_feature(slots, binned.column(feature), entries);
            }
        } else {
            self.features
                .par_iter_mut()
                .zip(features)
                .for_each(|(slots, &feature)| fill_feature(slots, binned.column(feature), entries));
        }
    }

    /// Takes away what the sibling holds: a parent becomes the other child.
    pub(crate) fn subtract(&mut self, sibling: &Self) {
        for (slots, others) in self.features.iter_mut().zip(&sibling.features) {
            for (slot, other) in slots.iter_mut().zip(others) {
                *slot -= *other;
            }
        }
    }

    /// The sums of the feature at a place of the tree's list.
    pub(crate) fn feature(&self, place: usize) -> &Slots {
        &self.features[place]
    }
}

fn fill_feature(slots: &mut Slots, bins: &[u8], entries: &[Entry]) {
    *slots = [Sum::default(); N_SLOTS];
    for entry in entries {
        slots[usize::from(bins[entry.row as usize])] += Sum::of(entry);
    }
}

/// The histogram of one feature of a small node, where most slots would stay empty: only those in use are cleared
/// and visited.
pub(crate) struct SparseSlots {
    slots: Slots,
    /// Bit `b` of word `w` tells that slot 64 w + b is in use.
    in_use: [u64; N_SLOTS / 64],
}

impl SparseSlots {
    pub(crate) fn new() -> Self {
        Self {
            slots: [Sum::default(); N_SLOTS],
            in_use: [0; N_SLOTS / 64],
        }
    }

    /// Forgets what was there and sums the entries.
    pub(crate) fn fill(&mut self, bins: &[u8], entries: &[Entry]) {
        for slot in used(self.in_use) {
            self.slots[slot] = Sum::default();
        }
        self.in_use = [0; N_SLOTS / 64];
        for entry in entries {
            let slot = usize::from(bins[entry.row as usize]);
            self.slots[slot] += Sum::of(entry);
            self.in_use[slot / 64] |= 1 << (slot % 64);
        }
    }

    /// The slots in use, in rising order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, Sum)> + '_ {
        used(self.in_use).map(|slot| (slot, self.slots[slot]))
    }

    /// One slot, empty if not in use.
    pub(crate) fn slot(&self, slot: usize) -> Sum {
        self.slots[slot]
    }
}

/// The numbers of the bits that are set, in rising order.
fn used(words: [u64; N_SLOTS / 64]) -> impl Iterator<Item = usize> {
    words.into_iter().enumerate().flat_map(|(word_idx, word)| {
        std::iter::successors(Some(word), |rest| Some(rest & rest.wrapping_sub(1)))
            .take_while(|&rest| rest != 0)
            .map(move |rest| 64 * word_idx + rest.trailing_zeros() as usize)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::bins::MISSING;
    use super::*;
    use crate::columns::Columns;

    fn some_entries() -> impl Strategy<Value = Vec<(f32, i16, u16)>> {
        let value = prop_oneof![(0..40_u8).prop_map(f32::from), Just(f32::NAN)];
        proptest::collection::vec((value, proptest::num::i16::ANY, 0..5_u16), 1..200)
    }

    fn entries_of(rows: &[(f32, i16, u16)]) -> Vec<Entry> {
        let numbered = rows.iter().zip(0..);
        numbered
            .map(|(&(_, gradient, weight), row)| Entry {
                row,
                gradient,
                weight,
            })
            .collect()
    }

    proptest! {
        #[test]
        fn sums_are_those_of_the_rows_in_each_bin(rows in some_entries()) {
            let column: Vec<f32> = rows.iter().map(|row| row.0).collect();
            let binned = Binned::new(&Columns::new(vec![&column], column.len()), 255);
            let entries = entries_of(&rows);
            let mut histogram = Histogram::new(1);
            histogram.fill(&binned, &[0], &entries, Work::Alone);
            for slot in 0..=MISSING {
                let here: Vec<Entry> = entries
                    .iter()
                    .filter(|entry| binned.column(0)[entry.row as usize] == slot)
                    .copied()
                    .collect();
                prop_assert_eq!(histogram.feature(0)[usize::from(slot)], Sum::over(&here));
            }
        }

        #[test]
        fn a_parent_less_one_child_is_the_other_child(rows in some_entries(), cut in 0..200_usize) {
            let column: Vec<f32> = rows.iter().map(|row| row.0).collect();
            let binned = Binned::new(&Columns::new(vec![&column], column.len()), 255);
            let entries = entries_of(&rows);
            let (left, right) = entries.split_at(cut.min(entries.len()));
            let filled = |entries: &[Entry]| {
                let mut histogram = Histogram::new(1);
                histogram.fill(&binned, &[0], entries, Work::Alone);
                histogram
            };
            let mut parent = filled(&entries);
            parent.subtract(&filled(left));
            prop_assert!(parent.features == filled(right).features);
        }

        #[test]
        fn sparse_slots_are_the_same_slots_also_when_used_again(rows in some_entries(), cut in 0..200_usize) {
            let column: Vec<f32> = rows.iter().map(|row| row.0).collect();
            let binned = Binned::new(&Columns::new(vec![&column], column.len()), 255);
            let entries = entries_of(&rows);
            let mut sparse = SparseSlots::new();
            sparse.fill(binned.column(0), &entries);
            let part = &entries[cut.min(entries.len())..];
            sparse.fill(binned.column(0), part);
            let mut dense = Histogram::new(1);
            dense.fill(&binned, &[0], part, Work::Alone);
            prop_assert!(sparse.slots == *dense.feature(0));
            let in_use: Vec<usize> = sparse.iter().map(|(slot, _)| slot).collect();
            prop_assert!(in_use.is_sorted_by(|a, b| a < b));
            for slot in 0..N_SLOTS {
                prop_assert!(in_use.contains(&slot) || sparse.slot(slot) == Sum::default());
            }
        }
    }
}
