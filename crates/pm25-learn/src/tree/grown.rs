//! A tree whose growth is over: which of its splits are kept, and the flat tree that is made of it.
//!
//! Not how splits are found.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};

use super::bins::Cuts;
use super::ensemble::{RawSplit, Tree};
use super::histogram::Sum;
use super::role::Bounds;
use super::sets::CategorySet;
use super::split::{Ask, Split};
use super::sprout::Bud;

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
    /// If what is below has few rows: the node and all that, in short. Empty elsewhere.
    pub(crate) buds: Vec<Bud>,
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
            buds: Vec::new(),
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
        let mut finishing = Finishing {
            grown: self,
            cuts,
            weight_step,
            tree: Tree::default(),
            order: VecDeque::from([Place::node(0)]),
            n_placed: 1,
        };
        while let Some(place) = finishing.order.pop_front() {
            finishing.push(place);
        }
        finishing.tree
    }
}

/// A node, or a bud of it.
#[derive(Clone, Copy)]
struct Place {
    node: u32,
    bud: u32,
}

impl Place {
    fn node(node: usize) -> Self {
        let node = node as u32;
        Self { node, bud: 0 }
    }
}

struct Finishing<'a> {
    grown: &'a Grown,
    cuts: &'a [Cuts],
    weight_step: f64,
    tree: Tree,
    /// What is still to be pushed.
    order: VecDeque<Place>,
    /// Nodes that have been in there.
    n_placed: usize,
}

impl Finishing<'_> {
    fn push(&mut self, place: Place) {
        let node = &self.grown.nodes[place.node as usize];
        if let Some(&bud) = node.buds.get(place.bud as usize) {
            return self.push_bud(place, bud);
        }
        let cover = self.cover(node.sum.weight);
        let Some(Fork { split, left }) = &node.fork else {
            return self.tree.push_leaf(node.value, cover);
        };
        let threshold = match split.ask {
            Ask::UpTo(bin) => self.cuts[split.feature].threshold(bin),
            Ask::OneOf(left) => {
                let node = self.tree.n_nodes() as u32;
                self.tree.sets.push(CategorySet { node, left });
                0.0
            }
        };
        let split = RawSplit {
            feature: split.feature as u16,
            threshold,
            missing_left: split.missing_left,
        };
        let children = [*left, left + 1].map(Place::node);
        self.push_split(&split, cover, children);
    }

    fn push_bud(&mut self, place: Place, bud: Bud) {
        match bud {
            Bud::Leaf { value, weight } => {
                let cover = self.cover(weight.into());
                self.tree.push_leaf(value, cover);
            }
            Bud::Fork {
                feature,
                last,
                missing_left,
                weight,
                left,
            } => {
                let split = RawSplit {
                    feature,
                    threshold: self.cuts[usize::from(feature)].threshold(last),
                    missing_left,
                };
                let cover = self.cover(weight.into());
                let children = [left, left + 1].map(|bud| Place { bud, ..place });
                self.push_split(&split, cover, children);
            }
        }
    }

    fn push_split(&mut self, split: &RawSplit, cover: f32, children: [Place; 2]) {
        self.tree.push_split(split, self.n_placed, cover);
        self.order.extend(children);
        self.n_placed += 2;
    }

    fn cover(&self, weight: i64) -> f32 {
        (weight as f64 * self.weight_step) as f32
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
