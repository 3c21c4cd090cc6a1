//! The way to each leaf of a tree: which features it asks about, and how much of the training rows it keeps.
//!
//! Not for the largest trees: their leaves are walked to, never listed.
//!
//! ```text
//!        0: x3 <= 1.5             steps   Ask(slot 0)  Leaf 0  Ask(slot 1)  Leaf 1  Leaf 2        in preorder
//!       yes /      \ no           leaf 0  features [3]      shares [0.6]
//!     leaf 0     2: x0 <= 20      leaf 1  features [3, 0]   shares [0.4, 0.75]
//!                yes /   \ no     leaf 2  features [3, 0]   shares [0.4, 0.25]
//!             leaf 1    leaf 2
//! ```
//!
//! A path's different features have slots in the order in which the path first asks about them; edges that ask about
//! the same feature share its slot, and their shares are multiplied.

use super::super::ensemble::Tree;
use super::mask::Question;

/// A leaf and the different features on the path to it.
pub(super) struct Leaf {
    pub(super) value: f64,
    /// The feature of each slot.
    pub(super) features: Vec<usize>,
    /// Product of the shares of a slot's edges.
    pub(super) shares: Vec<f64>,
}

/// A node on the way through a tree in preorder.
pub(super) enum Step {
    Ask(Ask),
    Leaf(Place),
}

/// An inner node.
pub(super) struct Ask {
    pub(super) place: Place,
    pub(super) question: Question,
    /// Slot of the feature on every path through this node.
    pub(super) slot: usize,
}

/// Where a node hangs.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// Edges from the root.
    pub(super) depth: usize,
    /// 0 for the root and for left children, 1 for right ones.
    pub(super) side: usize,
}

/// A tree unrolled.
pub(super) struct Paths {
    pub(super) steps: Vec<Step>,
    /// In the order of the steps.
    pub(super) leaves: Vec<Leaf>,
    /// The greatest depth of a leaf.
    pub(super) depth: usize,
}

struct Open {
    node: usize,
    place: Place,
    features: Vec<usize>,
    shares: Vec<f64>,
}

impl Open {
    fn root() -> Self {
        Self {
            node: 0,
            place: Place { depth: 0, side: 0 },
            features: Vec::new(),
            shares: Vec::new(),
        }
    }

    /// The slot of the node's feature; `features.len()` if it is new on the path.
    fn slot(&self, feature: usize) -> usize {
        let known = self.features.iter().position(|&known| known == feature);
        known.unwrap_or(self.features.len())
    }

    fn child(&self, tree: &Tree, side: usize) -> Self {
        let feature = usize::from(tree.feature[self.node]);
        let slot = self.slot(feature);
        let (mut features, mut shares) = (self.features.clone(), self.shares.clone());
        if slot == features.len() {
            features.push(feature);
            shares.push(1.0);
        }
        shares[slot] *= tree.shares(self.node)[side];
        Self {
            node: tree.children(self.node)[side],
            place: Place {
                depth: self.place.depth + 1,
                side,
            },
            features,
            shares,
        }
    }
}

impl Paths {
    pub(super) fn of(tree: &Tree) -> Self {
        let mut paths = Self {
            steps: Vec::with_capacity(tree.n_nodes()),
            leaves: Vec::with_capacity(tree.n_leaves()),
            depth: 0,
        };
        let mut open = vec![Open::root()];
        while let Some(here) = open.pop() {
            paths.depth = paths.depth.max(here.place.depth);
            if tree.is_leaf(here.node) {
                paths.steps.push(Step::Leaf(here.place));
                paths.leaves.push(Leaf {
                    value: f64::from(tree.value[here.node]),
                    features: here.features,
                    shares: here.shares,
                });
                continue;
            }
            let question = Question::of(tree, here.node);
            paths.steps.push(Step::Ask(Ask {
                place: here.place,
                slot: here.slot(question.feature),
                question,
            }));
            open.push(here.child(tree, 1));
            open.push(here.child(tree, 0));
        }
        paths
    }
}

/// What a leaf's table would cost, summed over a tree: entries of `2^slots` masks. None if a path has more than
/// `slots_max` slots or the sum is above `entries_max`; the walk ends as soon as that is known.
pub(super) fn table_entries(tree: &Tree, slots_max: usize, entries_max: usize) -> Option<usize> {
    let mut entries = 0;
    let mut open = vec![Open::root()];
    while let Some(here) = open.pop() {
        if slots_max < here.features.len() || entries_max < entries {
            return None;
        }
        if tree.is_leaf(here.node) {
            entries += (1 << here.features.len()) * here.features.len().max(1);
        } else {
            open.push(here.child(tree, 1));
            open.push(here.child(tree, 0));
        }
    }
    (entries <= entries_max).then_some(entries)
}
