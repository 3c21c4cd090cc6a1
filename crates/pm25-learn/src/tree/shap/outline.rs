//! A tree laid out for being asked by sets of features: what every set reads anyway, in the order in which it is read.
//!
//! Not for predicting: a node says how its rows were shared out, and what its leaves say on average.
//!
//! ```text
//! preorder: the left child is the next node, `right` says where the right one is
//!
//!   0: f1 ──┬─────────────┐         asked       f1 f0 | f0 | - | - | f0 | - | -
//!   1: f0 ┬─┴──┐   4: f0 ┬┴──┐      mean        of the leaves below, each with its share of the rows
//!   2: leaf 3: leaf  5: leaf 6: leaf
//! ```
//!
//! Places are codes with that of missing values first: 0, then 1 for what is below all thresholds.
//!
//! A set that holds no feature asked about at a node or below it hears the mean and goes no further.

use rayon::prelude::*;

use super::super::codes::FeatureCodes;
use super::super::ensemble::Tree;
use super::subsets::Set;

/// Trees that are laid out at a time.
pub(super) const N_TREES_AT_ONCE: usize = 4;

/// The nodes of a tree in preorder.
pub(super) struct Outline {
    nodes: Vec<Node>,
}

/// All that a step needs, side by side in memory: 24 bytes.
#[derive(Clone, Copy)]
pub(super) struct Node {
    /// The mean of the leaves, weighted by shares; a leaf's own value.
    pub(super) mean: f64,
    /// Of the node's rows, those that went left.
    pub(super) share_left: f64,
    right: u32,
    /// The last place that goes left, counted from the lowest that does.
    span: u16,
    /// Which of the trees' features is asked about, and above it 1 if missing values go right.
    feature: u8,
    /// The features that the node or any node below it asks about, a bit each.
    asked: u8,
}

/// The bit of [`Node::feature`] that is set where missing values go right.
const MISSING_RIGHT: u8 = 1 << 7;

impl Outline {
    /// `features` are all that the tree asks about, rising, with their codes.
    pub(super) fn of(tree: &Tree, features: &[usize], codes: &[FeatureCodes]) -> Self {
        let mut nodes: Vec<Node> = Vec::with_capacity(tree.n_nodes());
        let mut open = vec![(0, None)];
        while let Some((node, parent)) = open.pop() {
            if let Some(parent) = parent {
                let right = nodes.len() as u32;
                let parent: &mut Node = &mut nodes[parent];
                parent.right = right;
            }
            if tree.is_leaf(node) {
                nodes.push(Node::leaf(f64::from(tree.value[node])));
                continue;
            }
            let [left, right] = tree.children(node);
            open.push((right, Some(nodes.len())));
            open.push((left, None));
            nodes.push(Node::asking(tree, node, features, codes));
        }
        let mut outline = Self { nodes };
        outline.sum_up();
        outline
    }

    pub(super) fn of_all(trees: &[&Tree], features: &[usize], codes: &[FeatureCodes]) -> Vec<Self> {
        let outlines = trees.par_iter();
        outlines
            .map(|tree| Self::of(tree, features, codes))
            .collect()
    }

    /// Means and features from the leaves upwards; children come after their parent.
    fn sum_up(&mut self) {
        for at in (0..self.nodes.len()).rev() {
            let here = self.nodes[at];
            if here.asked == 0 {
                continue;
            }
            let (left, right) = (self.nodes[at + 1], self.nodes[here.right as usize]);
            let node = &mut self.nodes[at];
            node.asked |= left.asked | right.asked;
            node.mean = here.share_left * left.mean + here.share_right() * right.mean;
        }
    }

    pub(super) fn node(&self, at: u32) -> &Node {
        &self.nodes[at as usize]
    }
}

impl Node {
    fn leaf(value: f64) -> Self {
        Self {
            mean: value,
            share_left: 0.0,
            right: 0,
            span: 0,
            feature: 0,
            asked: 0,
        }
    }

    fn asking(tree: &Tree, node: usize, features: &[usize], codes: &[FeatureCodes]) -> Self {
        let feature = features
            .binary_search(&usize::from(tree.feature[node]))
            .expect("a feature of these trees");
        let [share_left, _] = tree.shares(node);
        let last_left = codes[feature].of_threshold(tree.threshold[node]) as u16;
        let missing_left = tree.missing_left[node];
        Self {
            mean: 0.0,
            share_left,
            right: 0,
            span: last_left + u16::from(missing_left),
            feature: feature as u8 | if missing_left { 0 } else { MISSING_RIGHT },
            asked: 1 << feature,
        }
    }

    /// The right child.
    pub(super) fn right(&self) -> u32 {
        self.right
    }

    pub(super) fn share_right(&self) -> f64 {
        1.0 - self.share_left
    }

    /// Whether the node or any below it asks about a feature of the set.
    pub(super) fn concerns(&self, set: Set) -> bool {
        set & usize::from(self.asked) != 0
    }

    /// Which of the trees' features an inner node asks about.
    pub(super) fn feature(&self) -> usize {
        usize::from(self.feature & !MISSING_RIGHT)
    }

    pub(super) fn missing_left(&self) -> bool {
        self.feature & MISSING_RIGHT == 0
    }

    fn lowest(&self) -> u16 {
        u16::from(self.feature / MISSING_RIGHT)
    }

    /// The last place that goes left.
    pub(super) fn last_left(&self) -> u16 {
        self.lowest() + self.span
    }

    /// Whether a place goes left, without a branch: where missing values go right, their 0 is below the lowest place
    /// that goes left, and so, in whole numbers that go round, behind the last.
    pub(super) fn goes_left(&self) -> impl Fn(u16) -> bool + use<> {
        let (lowest, span) = (self.lowest(), self.span);
        move |place: u16| place.wrapping_sub(lowest) <= span
    }
}
