//! Sums of one feature of a node with few rows.
//!
//! Not a histogram: nothing is visited but the slots in use.

use super::histogram::{N_SLOTS, Sum};

/// The histogram of one feature of a small node, where most slots would stay empty: only those in use are cleared
/// and visited.
pub(crate) struct SparseSlots {
    slots: [Sum; N_SLOTS],
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

    /// Forgets what was there.
    pub(crate) fn clear(&mut self) {
        for slot in Used::new(self.in_use) {
            self.slots[slot] = Sum::default();
        }
        self.in_use = [0; N_SLOTS / 64];
    }

    /// Adds a row of which the bin and the sum are known.
    pub(crate) fn add(&mut self, bin: u8, sum: Sum) {
        let slot = usize::from(bin);
        self.slots[slot] += sum;
        self.in_use[slot / 64] |= 1 << (slot % 64);
    }

    /// The slots in use, in rising order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, Sum)> + '_ {
        Used::new(self.in_use).map(|slot| (slot, self.slots[slot]))
    }

    /// One slot, empty if not in use.
    pub(crate) fn slot(&self, slot: usize) -> Sum {
        self.slots[slot]
    }
}

/// The numbers of the bits that are set, in rising order.
struct Used {
    words: [u64; N_SLOTS / 64],
    word: usize,
}

impl Used {
    fn new(words: [u64; N_SLOTS / 64]) -> Self {
        Self { words, word: 0 }
    }
}

impl Iterator for Used {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        loop {
            let rest = self.words.get_mut(self.word)?;
            if *rest != 0 {
                let bit = rest.trailing_zeros() as usize;
                *rest &= *rest - 1;
                return Some(64 * self.word + bit);
            }
            self.word += 1;
        }
    }
}
