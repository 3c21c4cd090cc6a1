//! Grows all that is below a node of few rows: in place, and without a histogram, a buffer or a list for each node.
//!
//! Not another rule: splits are searched as everywhere, by sparse sums. Most nodes of a deep tree are down here, where
//! a node costs less than what the larger ones above need to get ready.
//!
//! ```text
//! rows    [ a b c d e f | g h ]           first those that were drawn, then the others
//! rows    [ c b a | d f e | h | g ]       after a split: each part is cut in two
//!           └left┘         └ left
//! ```

use super::chance::Stream;
use super::grow::{Desk, Plan, Value, order_to_try};
use super::histogram::{Sum, sum_of_row};
use super::role::{Role, UNBOUND};
use super::rows::Place;
use super::split::{Ask, Searched, Split};

/// A node of such a subtree; its children come after it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bud {
    Leaf {
        value: f32,
        weight: u32,
    },
    Fork {
        feature: u16,
        /// The last bin that goes left.
        last: u8,
        missing_left: bool,
        weight: u32,
        /// Number of the left child; the right one follows it.
        left: u32,
    },
}

/// What is to be grown upon.
pub(crate) struct Stem<'r> {
    pub(crate) rows: &'r mut [u64],
    /// Over the rows that were drawn.
    pub(crate) sum: Sum,
    pub(crate) depth: usize,
    pub(crate) chance: Stream,
}

/// Grows everything below a node by numbers that have no order to keep to; node 0 is the node itself.
pub(crate) fn sprout(plan: &Plan, value: &Value, stem: Stem, desk: &mut Desk) -> Vec<Bud> {
    let layout = &plan.chosen.layout;
    let is_drawn = |row: &[u64]| 0 < sum_of_row(layout.load, row[0]).weight;
    let (drawn, others) = part_in_place(stem.rows, layout.n_words, is_drawn);
    let mut sprouting = Sprouting {
        plan,
        value,
        desk,
        buds: vec![PLACEHOLDER],
    };
    let branch = Branch {
        drawn,
        others,
        sum: stem.sum,
        depth: stem.depth,
        chance: stem.chance,
    };
    sprouting.grow(branch, 0);
    sprouting.buds
}

const PLACEHOLDER: Bud = Bud::Leaf {
    value: 0.0,
    weight: 0,
};

struct Branch<'r> {
    drawn: &'r mut [u64],
    others: &'r mut [u64],
    sum: Sum,
    depth: usize,
    chance: Stream,
}

struct Sprouting<'a> {
    plan: &'a Plan<'a>,
    value: &'a Value<'a>,
    desk: &'a mut Desk,
    buds: Vec<Bud>,
}

impl Sprouting<'_> {
    fn grow(&mut self, branch: Branch, bud: usize) {
        let weight = branch.sum.weight as u32;
        let Some((split, last)) = self.best_split(&branch) else {
            let value = (self.value)(&[branch.drawn, branch.others], branch.sum);
            self.buds[bud] = Bud::Leaf { value, weight };
            return;
        };
        let left = self.buds.len();
        self.buds.extend([PLACEHOLDER; 2]);
        self.buds[bud] = Bud::Fork {
            feature: split.feature as u16,
            last,
            missing_left: split.missing_left,
            weight,
            left: left as u32,
        };
        for (side, branch) in self.fork(branch, &split, last).into_iter().enumerate() {
            self.grow(branch, left + side);
        }
    }

    fn fork<'r>(&self, branch: Branch<'r>, split: &Split, last: u8) -> [Branch<'r>; 2] {
        let layout = &self.plan.chosen.layout;
        let place = layout.place(split.feature);
        // Adding 1 takes missing values from the top to 0.
        let add = u8::from(split.missing_left);
        let goes_left = |row: &[u64]| place.bin(row).wrapping_add(add) <= last + add;
        let (drawn_left, drawn_right) = part_in_place(branch.drawn, layout.n_words, goes_left);
        let (others_left, others_right) = part_in_place(branch.others, layout.n_words, goes_left);
        let side = |side, drawn, others, sum| Branch {
            drawn,
            others,
            sum,
            depth: branch.depth + 1,
            chance: branch.chance.child(side),
        };
        [
            side(0, drawn_left, others_left, split.left),
            side(1, drawn_right, others_right, branch.sum - split.left),
        ]
    }

    /// The best split by any of the features tried, and the last bin that goes left; of equal ones that of the
    /// feature tried first.
    fn best_split(&mut self, branch: &Branch) -> Option<(Split, u8)> {
        let plan = self.plan;
        if branch.depth >= plan.max_depth || !plan.rule.may_split(branch.sum) {
            return None;
        }
        let order = order_to_try(plan, branch.chance);
        let mut best: Option<Split> = None;
        for n_before in 0..plan.chosen.features.len() {
            if plan.n_tried <= n_before && best.is_some() {
                break;
            }
            let place = order.as_ref().map_or(n_before, |order| order[n_before]);
            let feature = plan.chosen.features[place];
            self.fill(plan.chosen.layout.place(feature), branch.drawn);
            let searched = Searched {
                feature,
                place,
                n_bins: plan.cuts[feature].n_bins(),
                total: branch.sum,
                role: Role::Number,
                bounds: UNBOUND,
            };
            let found = plan
                .rule
                .best_of_sparse(&self.desk.sparse, searched, &mut self.desk.below);
            if best.is_none_or(|best| found.is_some_and(|found| best.gain < found.gain)) {
                best = found;
            }
        }
        match best {
            Some(
                split @ Split {
                    ask: Ask::UpTo(last),
                    ..
                },
            ) => Some((split, last)),
            _ => None,
        }
    }

    fn fill(&mut self, place: Place, drawn: &[u64]) {
        let layout = &self.plan.chosen.layout;
        self.desk.sparse.clear();
        for row in drawn.chunks_exact(layout.n_words) {
            self.desk
                .sparse
                .add(place.bin(row), sum_of_row(layout.load, row[0]));
        }
    }
}

/// Swaps rows until those that go left come first, and cuts there.
fn part_in_place(
    rows: &mut [u64],
    n_words: usize,
    goes_left: impl Fn(&[u64]) -> bool,
) -> (&mut [u64], &mut [u64]) {
    let (mut left, mut right) = (0, rows.len());
    while left < right {
        if goes_left(&rows[left..left + n_words]) {
            left += n_words;
        } else {
            right -= n_words;
            for word in 0..n_words {
                rows.swap(left + word, right + word);
            }
        }
    }
    rows.split_at_mut(left)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parting_keeps_whole_rows(numbers in proptest::collection::vec(0..50_u64, 0..40), limit in 0..50_u64) {
            for n_words in 1..4 {
                let words = numbers.iter().flat_map(|&number| vec![number; n_words]);
                let mut rows: Vec<u64> = words.collect();
                let (left, right) = part_in_place(&mut rows, n_words, |row| row[0] < limit);
                prop_assert!(left.iter().all(|&number| number < limit));
                prop_assert!(right.iter().all(|&number| limit <= number));
                for row in rows.chunks_exact(n_words) {
                    prop_assert!(row.iter().all(|&word| word == row[0]));
                }
                let mut found: Vec<u64> = rows.chunks_exact(n_words).map(|row| row[0]).collect();
                let mut expected = numbers.clone();
                found.sort_unstable();
                expected.sort_unstable();
                prop_assert_eq!(found, expected);
            }
        }
    }
}
