//! Which slots of a path each row of a block passes, as bits.
//!
//! Not a walk of single rows: a node asks a whole block, in steps without branches that a compiler turns into vector
//! instructions. From the root on a row passes every slot; a child that the row does not go to takes the bit of the
//! node's slot away.
//!
//! ```text
//! at the node    1111  1101  1111   three rows, slot 0 on the right
//! asks slot 2    left  right left
//! left child     1111  1001  1111
//! right child    1011  1101  1011
//! ```

use super::super::ensemble::Tree;
use super::super::sets::category;

/// Bit `s` is set if the row passes every edge of slot `s`.
pub(super) type Mask = u16;
/// The most slots that a mask has room for.
pub(super) const SLOTS_MAX: usize = 10;
/// Rows asked together: their masks, values and results share the innermost cache with a leaf's table.
pub(super) const BLOCK_ROWS: usize = 256;

/// What an inner node asks.
#[derive(Clone, Copy)]
pub(super) struct Question {
    pub(super) feature: usize,
    threshold: f32,
    missing_left: bool,
    set: Option<[u64; 4]>,
}

impl Question {
    pub(super) fn of(tree: &Tree, node: usize) -> Self {
        Self {
            feature: usize::from(tree.feature[node]),
            threshold: tree.threshold[node],
            missing_left: tree.missing_left[node],
            set: tree.set(node).map(|set| set.left),
        }
    }

    /// Hands the answer for each value to `each`, with its place: whether it goes left.
    pub(super) fn ask(&self, x: &[f32], mut each: impl FnMut(usize, bool)) {
        let Self {
            threshold,
            missing_left,
            ..
        } = *self;
        let values = x.iter().copied().enumerate();
        match (&self.set, missing_left) {
            // The comparison that is false for NaN, or its denial.
            #[expect(clippy::neg_cmp_op_on_partial_ord, reason = "NaN is to be true here")]
            (None, true) => values.for_each(|(i, x)| each(i, !(threshold < x))),
            (None, false) => values.for_each(|(i, x)| each(i, x <= threshold)),
            (Some(left), _) => values.for_each(|(i, x)| {
                let listed = |known: u8| left[usize::from(known / 64)] >> (known % 64) & 1 == 1;
                each(i, category(x).map_or(missing_left, listed));
            }),
        }
    }
}

/// The masks of a block along one way down a tree.
pub(super) struct Masks {
    /// Two of each depth, for the left and the right child.
    of_place: Vec<[[Mask; BLOCK_ROWS]; 2]>,
}

impl Masks {
    pub(super) fn new(depth: usize) -> Self {
        Self {
            of_place: vec![[[Mask::MAX; BLOCK_ROWS]; 2]; depth + 1],
        }
    }

    pub(super) fn at(&self, place: super::path::Place) -> &[Mask; BLOCK_ROWS] {
        &self.of_place[place.depth][place.side]
    }

    /// From a node's masks to those of its two children.
    pub(super) fn descend(&mut self, ask: &super::path::Ask, x: &[f32]) {
        let (above, below) = self.of_place.split_at_mut(ask.place.depth + 1);
        let here = &above[ask.place.depth][ask.place.side];
        let [left, right] = &mut below[0];
        let others = !(1 << ask.slot);
        let n = x.len();
        let (here, left, right) = (&here[..n], &mut left[..n], &mut right[..n]);
        ask.question.ask(x, |i, goes_left| {
            let yes = Mask::from(goes_left).wrapping_neg();
            left[i] = here[i] & (yes | others);
            right[i] = here[i] & (!yes | others);
        });
    }
}
