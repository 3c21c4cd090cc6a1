//! Which leaf of a tree that has just grown a row belongs to, asked of the row's bins.
//!
//! Not the way to ask a finished tree, which knows raw values only. Rows are asked in their own order, so that memory
//! is read from front to back.
//!
//! Long rows are listed: while the tree grew they were told a number that now gives the leaf away.
//!
//! A tree of at most 128 leaves is not walked at all. Each feature has, for each bin, the set of leaves that a row
//! with this bin may still reach, a bit for each leaf from the left; what all sets have in common is the row's leaf
//! and such leaves as lie to the right of it (Lucchese and others 2015, "QuickScorer").
//!
//! ```text
//!          x0 <= 3                      x0 in bin 2   1 1 . .     & with
//!         /       \                     x1 in bin 9   1 1 1 1
//!     x2 <= 5    x1 <= 4                x2 in bin 7   . 1 1 1
//!     0     1    2     3                             ---------
//!                                       first bit       1         leaf 1
//! ```

use std::sync::atomic::AtomicU16;

use super::grown::{Fork, Grown};
use super::histogram::N_SLOTS;
use super::listed::TOLD_NOT_DRAWN;
use super::rows::{Layout, Place};
use super::split::Split;
use super::wide::{Work, run};

/// Knows the leaf of a row.
pub(crate) enum Assign {
    /// For each number that a row was told its leaf.
    Numbers(Vec<u16>),
    /// One table of sets for each feature that the tree asks for.
    Sets(Vec<(Place, Box<[u128; N_SLOTS]>)>),
    /// The nodes, to be walked.
    Walk(Vec<Step>),
}

/// A node to walk past.
pub(crate) struct Step {
    split: Option<(Place, Split)>,
    /// The left child, or the number of the leaf.
    next: u32,
}

/// Leaves that a set has bits for.
const N_LEAVES_MAX: usize = 128;
/// Beyond so many features that a tree asks for, walking seven levels is less work.
const N_FEATURES_MAX: usize = 14;
/// Tables pay from so many rows on.
const N_ROWS_MIN: usize = 1 << 12;

impl Assign {
    /// Where rows were told numbers while the tree grew. Numbers leaves from left to right, and says in which grown
    /// node each is.
    pub(crate) fn of_numbers(grown: &Grown) -> (Self, Vec<usize>) {
        let order = from_left(grown);
        let mut leaf_of = vec![0; TOLD_NOT_DRAWN.into()];
        for (leaf, &node) in (0..).zip(&order.leaves) {
            let [first, end] = grown.nodes[node].numbers.map(|number| number as usize);
            leaf_of[first..end].fill(leaf);
        }
        (Self::Numbers(leaf_of), order.leaves)
    }

    /// The same where rows were told nothing.
    pub(crate) fn of_bins(grown: &Grown, layout: &Layout, n_rows: usize) -> (Self, Vec<usize>) {
        let order = from_left(grown);
        let leaves = order.leaves.clone();
        let mut features: Vec<usize> = forks(grown).map(|(_, fork)| fork.split.feature).collect();
        features.sort_unstable();
        features.dedup();
        let is_small = leaves.len() <= N_LEAVES_MAX && features.len() <= N_FEATURES_MAX;
        let assign = if is_small && N_ROWS_MIN <= n_rows {
            Self::Sets(sets(grown, layout, &order, &features))
        } else {
            Self::Walk(steps(grown, layout, &order))
        };
        (assign, leaves)
    }

    /// Whether rows were told numbers.
    pub(crate) fn is_told(&self) -> bool {
        matches!(self, Self::Numbers(_))
    }

    /// Writes the number of each row's leaf, perhaps over what it was told; and if it was, whether it was drawn.
    pub(crate) fn fill(
        &self,
        layout: &Layout,
        rows: &[u64],
        leaves: &mut [AtomicU16],
        drawn: &mut [bool],
    ) {
        let assign = self;
        run(Filling {
            assign,
            layout,
            rows,
            leaves,
            drawn,
        });
    }

    /// The same as part of something that is compiled for wide vectors.
    #[inline(always)]
    pub(crate) fn fill_wide(
        &self,
        layout: &Layout,
        rows: &[u64],
        leaves: &mut [AtomicU16],
        drawn: &mut [bool],
    ) {
        if let Self::Numbers(leaf_of) = self {
            for (leaf, drawn) in leaves.iter_mut().zip(drawn) {
                let leaf = leaf.get_mut();
                *drawn = *leaf & TOLD_NOT_DRAWN == 0;
                *leaf = leaf_of[usize::from(*leaf & !TOLD_NOT_DRAWN)];
            }
            return;
        }
        match self {
            Self::Numbers(_) => {}
            Self::Sets(sets) => fill_by_sets(sets, layout.n_words, rows, leaves),
            Self::Walk(steps) => {
                for (leaf, row) in leaves.iter_mut().zip(rows.chunks_exact(layout.n_words)) {
                    *leaf.get_mut() = walk(steps, row);
                }
            }
        }
    }
}

struct Filling<'a> {
    assign: &'a Assign,
    layout: &'a Layout,
    rows: &'a [u64],
    leaves: &'a mut [AtomicU16],
    drawn: &'a mut [bool],
}

impl Work for Filling<'_> {
    type Done = ();

    #[inline(always)]
    fn work(self) {
        let Self {
            assign,
            layout,
            rows,
            leaves,
            drawn,
        } = self;
        assign.fill_wide(layout, rows, leaves, drawn);
    }
}

fn forks(grown: &Grown) -> impl Iterator<Item = (usize, &Fork)> {
    let nodes = grown.nodes.iter().enumerate();
    nodes.filter_map(|(node, grown)| grown.fork.as_ref().map(|fork| (node, fork)))
}

/// The leaves in order from the left, and for each node the range of leaves below it.
struct FromLeft {
    leaves: Vec<usize>,
    below: Vec<[usize; 2]>,
}

fn from_left(grown: &Grown) -> FromLeft {
    let mut order = FromLeft {
        leaves: Vec::new(),
        below: vec![[0; 2]; grown.nodes.len()],
    };
    let mut stack = vec![0];
    while let Some(node) = stack.pop() {
        match &grown.nodes[node].fork {
            Some(fork) => stack.extend([fork.left + 1, fork.left]),
            None => {
                let number = order.leaves.len();
                order.below[node] = [number, number + 1];
                order.leaves.push(node);
            }
        }
    }
    // Children come after their parent.
    for node in (0..grown.nodes.len()).rev() {
        if let Some(fork) = &grown.nodes[node].fork {
            order.below[node] = [order.below[fork.left][0], order.below[fork.left + 1][1]];
        }
    }
    order
}

fn sets(
    grown: &Grown,
    layout: &Layout,
    order: &FromLeft,
    features: &[usize],
) -> Vec<(Place, Box<[u128; N_SLOTS]>)> {
    let mut sets: Vec<_> = features
        .iter()
        .map(|&feature| (layout.place(feature), Box::new([u128::MAX; N_SLOTS])))
        .collect();
    for (_, fork) in forks(grown) {
        let table = features.partition_point(|&feature| feature < fork.split.feature);
        let [left, right] = [0, 1].map(|side| !bits(order.below[fork.left + side]));
        for (bin, set) in (0..=u8::MAX).zip(&mut *sets[table].1) {
            *set &= if fork.split.goes_left(bin) {
                right
            } else {
                left
            };
        }
    }
    sets
}

/// The bits from the first number up to but not including the second, which is at most 128.
fn bits([from, to]: [usize; 2]) -> u128 {
    let below = |n: usize| {
        if n < 128 {
            (1_u128 << n) - 1
        } else {
            u128::MAX
        }
    };
    below(to) & !below(from)
}

#[inline(always)]
fn fill_by_sets(
    sets: &[(Place, Box<[u128; N_SLOTS]>)],
    n_words: usize,
    rows: &[u64],
    leaves: &mut [AtomicU16],
) {
    // Six features in one word are what is most often asked.
    match (n_words, sets) {
        (1, [a, b, c, d, e]) => fill_words([a, b, c, d, e], rows, leaves),
        (1, [a, b, c, d, e, f]) => fill_words([a, b, c, d, e, f], rows, leaves),
        _ => {
            for (leaf, row) in leaves.iter_mut().zip(rows.chunks_exact(n_words)) {
                let common = sets.iter().fold(u128::MAX, |common, (place, set)| {
                    common & set[usize::from(place.bin(row))]
                });
                *leaf.get_mut() = first_bit(common);
            }
        }
    }
}

/// The lowest bit that is set, without a branch that half of the rows would take.
#[inline(always)]
fn first_bit(bits: u128) -> u16 {
    let [low, high] = [bits as u64, (bits >> 64) as u64].map(u64::trailing_zeros);
    // Without any bit in the lower half, `low` is 64.
    (low + (high & (low >> 6).wrapping_neg())) as u16
}

#[inline(always)]
fn fill_words<const N: usize>(
    sets: [&(Place, Box<[u128; N_SLOTS]>); N],
    rows: &[u64],
    leaves: &mut [AtomicU16],
) {
    let sets = sets.map(|(place, set)| (place.shift, &**set));
    for (leaf, &row) in leaves.iter_mut().zip(rows) {
        let mut common = u128::MAX;
        for (shift, set) in sets {
            common &= set[usize::from((row >> shift) as u8)];
        }
        *leaf.get_mut() = first_bit(common);
    }
}

fn steps(grown: &Grown, layout: &Layout, order: &FromLeft) -> Vec<Step> {
    let nodes = grown.nodes.iter().zip(&order.below);
    nodes
        .map(|(node, &[number, _])| match &node.fork {
            Some(fork) => Step {
                split: Some((layout.place(fork.split.feature), fork.split)),
                next: fork.left as u32,
            },
            None => Step {
                split: None,
                next: number as u32,
            },
        })
        .collect()
}

fn walk(steps: &[Step], row: &[u64]) -> u16 {
    let mut step = &steps[0];
    while let Some((place, split)) = &step.split {
        let goes_right = !split.goes_left(place.bin(row));
        step = &steps[step.next as usize + usize::from(goes_right)];
    }
    step.next as u16
}

#[cfg(test)]
mod tests {
    use super::super::chance::{Purpose, Stream};
    use super::super::grown::GrownNode;
    use super::super::histogram::Sum;
    use super::super::rows::Load;
    use super::super::split::Ask;
    use super::*;

    /// A random tree of so many leaves.
    fn a_tree(n_leaves: usize, n_features: usize, chance: Stream) -> Grown {
        let leaf = || GrownNode {
            sum: Sum::default(),
            value: 0.0,
            bounds: super::super::role::UNBOUND,
            numbers: [0; 2],
            buds: Vec::new(),
            fork: None,
        };
        let mut nodes = vec![leaf()];
        for fork in 1..n_leaves {
            let leaves: Vec<usize> = (0..nodes.len())
                .filter(|&node| nodes[node].fork.is_none())
                .collect();
            let node = leaves[chance.below(4 * fork, leaves.len())];
            let bin = chance.below(4 * fork + 1, 255) as u8;
            let ask = match fork % 5 {
                0 => Ask::OneOf([0, 1, 2, 3].map(|word| chance.child(word).bits(fork))),
                _ => Ask::UpTo(bin),
            };
            let split = Split {
                feature: chance.below(4 * fork + 2, n_features),
                ask,
                missing_left: fork % 2 == 0,
                gain: 1.0,
                left: Sum::default(),
            };
            nodes[node].fork = Some(Fork {
                split,
                left: nodes.len(),
            });
            nodes.extend([leaf(), leaf()]);
        }
        Grown { nodes }
    }

    #[test]
    fn the_first_bit_is_found_in_either_half() {
        for bit in 0..128 {
            assert_eq!(first_bit(1 << bit), bit);
            assert_eq!(first_bit(u128::MAX << bit), bit);
        }
    }

    #[test]
    fn sets_and_walks_find_the_same_leaf() {
        for (trial, n_features) in [1, 3, 5, 6, 6, 9, 14, 20].into_iter().enumerate() {
            for n_leaves in [1, 2, 31, 127, 128, 129, 500] {
                let chance = Stream::new(trial as u64, Purpose::Rows, n_leaves);
                let grown = a_tree(n_leaves, n_features, chance);
                let layout = Layout::new(Load::Single, n_features);
                let rows: Vec<u64> = (0..300 * layout.n_words)
                    .map(|n| chance.child(9).bits(n))
                    .collect();
                let mut answers = [1, N_ROWS_MIN].map(|n_rows| {
                    let (assign, leaves) = Assign::of_bins(&grown, &layout, n_rows);
                    let mut found: Vec<AtomicU16> = (0..300).map(AtomicU16::new).collect();
                    assign.fill(&layout, &rows, &mut found, &mut [false; 300]);
                    let found = found.into_iter().map(AtomicU16::into_inner);
                    let nodes = found.map(|leaf| leaves[usize::from(leaf)]);
                    nodes.collect::<Vec<usize>>()
                });
                let by_hand = rows.chunks_exact(layout.n_words).map(|row| {
                    let mut node = 0;
                    while let Some(fork) = &grown.nodes[node].fork {
                        let bin = layout.place(fork.split.feature).bin(row);
                        node = fork.left + usize::from(!fork.split.goes_left(bin));
                    }
                    node
                });
                let by_hand: Vec<usize> = by_hand.collect();
                for answer in &mut answers {
                    assert_eq!(*answer, by_hand);
                }
            }
        }
    }
}
