//! Finished trees, ready to be asked.
//!
//! Not how they came about: nothing of growing is left, and what is here is plain data that a file can hold. Data
//! from outside is checked once, by [`Ensemble::check`], and trusted afterwards.

use super::grove::Grove;
use super::link::Link;
use super::sets::CategorySet;

/// The `feature` of a leaf.
pub const LEAF: u16 = u16::MAX;

/// One tree as flat arrays of equal length, an element a node, and the sets of nodes that ask for a category. Node 0 is the root, children come after their parent.
///
/// ```text
///            0: x3 <= 1.5                 feature      [   3, LEAF,    0, LEAF, LEAF ]
///           yes /      \ no               threshold    [ 1.5,    0, 20.0,    0,    0 ]
///        1: -4.0      2: x0 <= 20         left         [   1,    0,    3,    0,    0 ]
///                   yes /      \ no       value        [   0, -4.0,    0,  1.0,  6.5 ]
///                 3: 1.0      4: 6.5      cover        [ 100,   60,   40,   30,   10 ]
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tree {
    /// Column that the node asks about, or [`LEAF`].
    pub feature: Vec<u16>,
    /// A value up to and including it goes left. Finite; 0 for a leaf.
    pub threshold: Vec<f32>,
    /// Whether a missing value goes left.
    pub missing_left: Vec<bool>,
    /// Number of the left child; the right one is `left + 1`. 0 for a leaf.
    pub left: Vec<u32>,
    /// What a leaf adds to the score, in its units (before the ensemble's `scale`); 0 for an inner node.
    pub value: Vec<f32>,
    /// Training rows that came here, counted as often as they were drawn; above 0.
    pub cover: Vec<f32>,
    /// The nodes that ask for a category and what they send left, rising by node; their `threshold` is 0. Empty in a
    /// tree of numbers only.
    pub sets: Vec<CategorySet>,
}

impl Tree {
    /// Number of nodes, leaves included.
    #[must_use]
    pub fn n_nodes(&self) -> usize {
        self.feature.len()
    }

    /// Number of leaves.
    #[must_use]
    pub fn n_leaves(&self) -> usize {
        self.feature
            .iter()
            .filter(|&&feature| feature == LEAF)
            .count()
    }

    pub(crate) fn is_leaf(&self, node: usize) -> bool {
        self.feature[node] == LEAF
    }

    /// The left and the right child of an inner node.
    pub(crate) fn children(&self, node: usize) -> [usize; 2] {
        let left = self.left[node] as usize;
        [left, left + 1]
    }

    /// The shares of an inner node's rows that went left and right.
    pub(crate) fn shares(&self, node: usize) -> [f64; 2] {
        let [left, right] = self
            .children(node)
            .map(|child| f64::from(self.cover[child]));
        [left / (left + right), right / (left + right)]
    }

    pub(crate) fn push_leaf(&mut self, value: f32, cover: f32) {
        self.push(LEAF, 0.0, 0, cover);
        self.missing_left.push(false);
        self.value.push(value);
    }

    pub(crate) fn push_split(&mut self, split: &RawSplit, left: usize, cover: f32) {
        self.push(split.feature, split.threshold, left as u32, cover);
        self.missing_left.push(split.missing_left);
        self.value.push(0.0);
    }

    fn push(&mut self, feature: u16, threshold: f32, left: u32, cover: f32) {
        self.feature.push(feature);
        self.threshold.push(threshold);
        self.left.push(left);
        self.cover.push(cover);
    }
}

/// A question about a raw value.
pub(crate) struct RawSplit {
    pub(crate) feature: u16,
    pub(crate) threshold: f32,
    pub(crate) missing_left: bool,
}

/// Trees that answer together: score = base + scale x (sum over trees, in their order, of the leaf's value), and the
/// link makes the prediction of it.
///
/// A boosted ensemble has scale 1 and the mean target as base; a forest has base 0 and scale 1 / trees.
#[derive(Clone, Debug, PartialEq)]
pub struct Ensemble {
    /// The score of no tree: in units of the target, but for a link other than the identity.
    pub base: f64,
    /// The weight of each tree.
    pub scale: f64,
    /// What makes a prediction of the score.
    pub link: Link,
    /// The trees, in the order in which they are summed.
    pub trees: Grove,
}
