//! A tree whose growth is over: which of its splits are kept, and the flat tree that is made of it.
//!
//! Not how splits are found.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::bins::Cuts;
use super::ensemble::{RawSplit, Tree};
use super::histogram::Sum;
use super::role::Bounds;
use super::sets::CategorySet;
use super::split::{Ask, Split};

/// A tree while its sums are still known.
pub(crate) struct Grown {
    /// The root first; children after their parent.
    pub(crate) nodes: Vec<GrownNode>,
}

/// One node.
pub(crate) struct GrownNode {
    pub(crate) sum: Sum,
    pub(crate) value: f32,
    /// What leaves below may say, in steps of a gradient by steps of a weight.
    pub(crate) bounds: Bounds,
    /// Rows below may have been told a number from the first up to but not including the second.
    pub(crate) numbers: [u32; 2],
    /// How it was split; none for a leaf.
    pub(crate) fork: Option<Fork>,
}

/// A split that was carried out.
pub(crate) struct Fork {
    pub(crate) split: Split,
    /// Number of the left child; the right one follows it.
    pub(crate) left: usize,
}

/// A node with all that is below it.
pub(crate) struct Subtree {
    /// Not forked here.
    pub(crate) node: GrownNode,
    pub(crate) fork: Option<(Split, Box<[Subtree; 2]>)>,
}

impl GrownNode {
    /// A node that has not been split.
    pub(crate) fn leaf(sum: Sum, bounds: Bounds, numbers: [u32; 2]) -> Self {
        Self {
            sum,
            bounds,
            numbers,
            value: 0.0,
            fork: None,
        }
    }
}

impl Grown {
    /// A tree with everything that was grown.
    pub(crate) fn all(root: Subtree) -> Self {
        let mut nodes = vec![root.node];
        let mut open = vec![(root.fork, 0)];
        while let Some((fork, node)) = open.pop() {
            let Some((split, children)) = fork else {
                continue;
            };
            let left = nodes.len();
            nodes[node].fork = Some(Fork { split, left });
            for (child, subtree) in (left..).zip(*children) {
                nodes.push(subtree.node);
                open.push((subtree.fork, child));
            }
        }
        Self { nodes }
    }

    /// Of a tree that has everything, what growing the leaf with most to gain first would have made.
    pub(crate) fn choose(root: Subtree, max_leaves: usize) -> Self {
        let mut nodes = vec![root.node];
        let mut open = BinaryHeap::new();
        open.extend(Open::of_subtree(root.fork, 0));
        let mut n_leaves = 1;
        while n_leaves < max_leaves {
            let Some(Open { leaf, split, node }) = open.pop() else {
                break;
            };
            let left = nodes.len();
            nodes[node].fork = Some(Fork { split, left });
            for (child, subtree) in (left..).zip(*leaf) {
                nodes.push(subtree.node);
                open.extend(Open::of_subtree(subtree.fork, child));
            }
            n_leaves += 1;
        }
        Self { nodes }
    }

    /// The finished tree, numbered breadth first, with its leaves' values and the weight that a step stands for.
    pub(crate) fn finish(&self, cuts: &[Cuts], weight_step: f64) -> Tree {
        let mut tree = Tree::default();
        let mut order = Vec::with_capacity(self.nodes.len());
        order.push(0);
        for place in 0..self.nodes.len() {
            let node = &self.nodes[order[place]];
            let cover = (node.sum.weight as f64 * weight_step) as f32;
            match &node.fork {
                None => tree.push_leaf(node.value, cover),
                Some(Fork { split, left }) => {
                    let threshold = match split.ask {
                        Ask::UpTo(bin) => cuts[split.feature].threshold(bin),
                        Ask::OneOf(left) => {
                            let node = place as u32;
                            tree.sets.push(CategorySet { node, left });
                            0.0
                        }
                    };
                    let split = RawSplit {
                        feature: split.feature as u16,
                        threshold,
                        missing_left: split.missing_left,
                    };
                    tree.push_split(&split, order.len(), cover);
                    order.extend([*left, left + 1]);
                }
            }
        }
        tree
    }
}

/// Something with a split, waiting for its turn.
pub(crate) struct Open<L> {
    pub(crate) leaf: L,
    pub(crate) split: Split,
    pub(crate) node: usize,
}

impl Open<Box<[Subtree; 2]>> {
    fn of_subtree(fork: Option<(Split, Box<[Subtree; 2]>)>, node: usize) -> Option<Self> {
        let (split, leaf) = fork?;
        Some(Self { leaf, split, node })
    }
}

impl<L> Ord for Open<L> {
    /// The greatest comes first out of the heap: most to gain, then the node made first.
    fn cmp(&self, other: &Self) -> Ordering {
        let by_gain = self.split.gain.total_cmp(&other.split.gain);
        by_gain.then(other.node.cmp(&self.node))
    }
}

impl<L> PartialOrd for Open<L> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<L> PartialEq for Open<L> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<L> Eq for Open<L> {}
