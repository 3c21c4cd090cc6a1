//! Whether trees that came from outside are trees: asked once at the door, so that nobody has to ask again.
//!
//! Not a judgement of what they predict. It walks arrays from front to back and calls nothing that calls itself, so
//! that no file, however hostile, can overflow the stack.

use super::ensemble::{Ensemble, LEAF, Tree};
use super::link::Link;

/// The deepest tree that is accepted, in splits from the root to a leaf. Our own stop at 64; LightGBM's with its 31
/// leaves or scikit-learn's without a bound stay below it on any data that we have seen.
pub const DEPTH_MAX: usize = 256;

/// What is wrong with an ensemble. Trees and nodes are counted from 0.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BadTree {
    /// The base or the scale is not a number.
    #[error("base {base} and scale {scale} must be finite")]
    Frame {
        /// As found.
        base: f64,
        /// As found.
        scale: f64,
    },
    /// What makes predictions of scores has a bias correction that is none.
    #[error("the link {link:?} has no sound bias correction")]
    Link {
        /// As found.
        link: Link,
    },
    /// A tree as a whole cannot be right.
    #[error("tree {tree}: {what}")]
    Shape {
        /// Which tree.
        tree: usize,
        /// Why.
        what: &'static str,
    },
    /// A node cannot be right.
    #[error("tree {tree}, node {node}: {what}")]
    Node {
        /// Which tree.
        tree: usize,
        /// Which node.
        node: usize,
        /// Why.
        what: &'static str,
    },
}

impl Ensemble {
    /// Checks everything that prediction and explanation rely on, for rows of `n_features` values.
    ///
    /// # Errors
    /// The first fault found: arrays of different lengths, a child outside the tree, shared, or not after its parent
    /// (hence no cycle), a node that nothing leads to, a depth above [`DEPTH_MAX`], a feature outside the row, a
    /// number that is not finite, a bias correction that is none, a cover that is not above zero, sets of categories that do not rise by inner node.
    pub fn check(&self, n_features: usize) -> Result<(), BadTree> {
        let Self {
            base,
            scale,
            link,
            trees,
        } = self;
        if !base.is_finite() || !scale.is_finite() {
            return Err(BadTree::Frame {
                base: *base,
                scale: *scale,
            });
        }
        if !link.is_sound() {
            return Err(BadTree::Link { link: *link });
        }
        for (tree_idx, tree) in trees.iter().enumerate() {
            check_lengths(tree).map_err(|what| BadTree::Shape {
                tree: tree_idx,
                what,
            })?;
            let in_tree = |(node, what)| BadTree::Node {
                tree: tree_idx,
                node,
                what,
            };
            check_links(tree).map_err(in_tree)?;
            check_numbers(tree, n_features).map_err(in_tree)?;
            check_sets(tree).map_err(in_tree)?;
        }
        Ok(())
    }
}

type Fault = (usize, &'static str);

fn check_lengths(tree: &Tree) -> Result<(), &'static str> {
    let Tree {
        feature,
        threshold,
        missing_left,
        left,
        value,
        cover,
        sets: _,
    } = tree;
    let lengths = [
        threshold.len(),
        missing_left.len(),
        left.len(),
        value.len(),
        cover.len(),
    ];
    if feature.is_empty() {
        return Err("it has no node");
    }
    if lengths.iter().any(|&length| length != feature.len()) {
        return Err("its arrays differ in length");
    }
    Ok(())
}

/// Every node but the root is the child of exactly one node before it. Parents come first, so one pass knows the
/// depth of each.
fn check_links(tree: &Tree) -> Result<(), Fault> {
    const UNREACHED: usize = usize::MAX;
    let mut depths = vec![UNREACHED; tree.n_nodes()];
    depths[0] = 0;
    for node in 0..tree.n_nodes() {
        let depth = depths[node];
        if depth == UNREACHED {
            return Err((node, "no earlier node leads to it"));
        }
        if tree.is_leaf(node) {
            continue;
        }
        if depth == DEPTH_MAX {
            return Err((node, "it is too deep"));
        }
        let [left, right] = tree.children(node);
        if left <= node || tree.n_nodes() <= right {
            return Err((node, "its children are not after it within the tree"));
        }
        if depths[left] != UNREACHED || depths[right] != UNREACHED {
            return Err((node, "it shares a child with another node"));
        }
        depths[left] = depth + 1;
        depths[right] = depth + 1;
    }
    Ok(())
}

fn check_numbers(tree: &Tree, n_features: usize) -> Result<(), Fault> {
    for node in 0..tree.n_nodes() {
        let feature = tree.feature[node];
        if feature != LEAF && n_features <= usize::from(feature) {
            return Err((node, "it asks for a feature that rows do not have"));
        }
        if !tree.threshold[node].is_finite() || !tree.value[node].is_finite() {
            return Err((node, "its threshold or value is not finite"));
        }
        let cover = tree.cover[node];
        if !cover.is_finite() || cover <= 0.0 {
            return Err((node, "its cover is not above zero"));
        }
    }
    Ok(())
}

/// Sets rise strictly by node, belong to inner nodes, and such a node has no threshold.
fn check_sets(tree: &Tree) -> Result<(), Fault> {
    let mut next = 0;
    for set in &tree.sets {
        let node = set.node as usize;
        if tree.n_nodes() <= node || tree.is_leaf(node) {
            return Err((node, "a set of categories belongs to no inner node"));
        }
        if node < next {
            return Err((node, "sets of categories do not rise by node"));
        }
        if tree.threshold[node] != 0.0 {
            return Err((node, "it has a set of categories and a threshold"));
        }
        next = node + 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::sets::CategorySet;
    use super::*;

    /// The picture in `ensemble.rs`.
    fn good() -> Tree {
        Tree {
            feature: vec![3, LEAF, 0, LEAF, LEAF],
            threshold: vec![1.5, 0.0, 20.0, 0.0, 0.0],
            missing_left: vec![true, false, false, false, false],
            left: vec![1, 0, 3, 0, 0],
            value: vec![0.0, -4.0, 0.0, 1.0, 6.5],
            cover: vec![100.0, 60.0, 40.0, 30.0, 10.0],
            sets: vec![],
        }
    }

    fn ensemble(tree: Tree) -> Ensemble {
        Ensemble {
            base: 1.0,
            scale: 1.0,
            link: Link::Identity,
            trees: vec![good(), tree].into(),
        }
    }

    fn fault_after(damage: impl FnOnce(&mut Tree)) -> String {
        let mut tree = good();
        damage(&mut tree);
        ensemble(tree).check(4).unwrap_err().to_string()
    }

    #[test]
    fn a_good_tree_passes() {
        assert_eq!(ensemble(good()).check(4), Ok(()));
        assert_eq!(good().n_leaves(), 3);
    }

    #[test]
    fn wrong_lengths_are_refused() {
        let differ = "tree 1: its arrays differ in length";
        assert_eq!(fault_after(|tree| tree.threshold.truncate(4)), differ);
        assert_eq!(fault_after(|tree| tree.missing_left.push(true)), differ);
        assert_eq!(fault_after(|tree| tree.left.truncate(4)), differ);
        assert_eq!(fault_after(|tree| tree.value.push(0.0)), differ);
        assert_eq!(fault_after(|tree| tree.cover.clear()), differ);
        assert_eq!(
            fault_after(|tree| *tree = Tree::default()),
            "tree 1: it has no node"
        );
    }

    #[test]
    fn wrong_links_are_refused() {
        let outside = "tree 1, node 2: its children are not after it within the tree";
        assert_eq!(fault_after(|tree| tree.left[2] = 4), outside);
        assert_eq!(fault_after(|tree| tree.left[2] = u32::MAX), outside);
        // Cycles: to itself, to the root.
        assert_eq!(fault_after(|tree| tree.left[2] = 2), outside);
        assert_eq!(fault_after(|tree| tree.left[2] = 0), outside);
        assert_eq!(
            fault_after(|tree| tree.left[0] = 2),
            "tree 1, node 1: no earlier node leads to it"
        );
        let shared = fault_after(|tree| {
            tree.feature[1] = 0;
            tree.left[1] = 3;
        });
        assert_eq!(
            shared,
            "tree 1, node 2: it shares a child with another node"
        );
        // Two pairs of children that overlap in one.
        let overlap = fault_after(|tree| {
            tree.push_leaf(1.0, 1.0);
            (tree.feature[1], tree.left[1]) = (0, 3);
            tree.left[2] = 4;
        });
        assert_eq!(overlap, shared);
        assert_eq!(
            fault_after(|tree| tree.feature[2] = LEAF),
            "tree 1, node 3: no earlier node leads to it"
        );
    }

    #[test]
    fn wrong_numbers_are_refused() {
        assert_eq!(
            ensemble(good()).check(3).unwrap_err().to_string(),
            "tree 0, node 0: it asks for a feature that rows do not have"
        );
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let number = "tree 1, node 2: its threshold or value is not finite";
            assert_eq!(fault_after(|tree| tree.threshold[2] = bad), number);
            assert_eq!(fault_after(|tree| tree.value[2] = bad), number);
            assert_eq!(
                fault_after(|tree| tree.cover[2] = bad),
                "tree 1, node 2: its cover is not above zero"
            );
        }
        for bad in [0.0, -0.0, -1.0] {
            assert_eq!(
                fault_after(|tree| tree.cover[2] = bad),
                "tree 1, node 2: its cover is not above zero"
            );
        }
        for bad in [f64::NAN, f64::INFINITY] {
            let bent = Ensemble {
                link: Link::Log1p { factor: bad },
                ..ensemble(good())
            };
            assert!(bent.check(4).unwrap_err().to_string().contains("Log1p"));
            assert!(
                Ensemble {
                    base: bad,
                    ..ensemble(good())
                }
                .check(4)
                .is_err()
            );
            assert!(
                Ensemble {
                    scale: bad,
                    ..ensemble(good())
                }
                .check(4)
                .is_err()
            );
        }
    }

    #[test]
    fn wrong_sets_are_refused() {
        let set = |node| CategorySet { node, left: [1; 4] };
        let fault = |sets: &[CategorySet]| {
            fault_after(|tree| {
                tree.threshold = vec![0.0; 5];
                tree.sets = sets.to_vec();
            })
        };
        let mut tree = good();
        tree.threshold = vec![0.0; 5];
        tree.sets = vec![set(0), set(2)];
        assert_eq!(ensemble(tree).check(4), Ok(()));
        for (node, sets) in [(1, [set(0), set(1)]), (5, [set(0), set(5)])] {
            let nobody =
                format!("tree 1, node {node}: a set of categories belongs to no inner node");
            assert_eq!(fault(&sets), nobody);
        }
        for sets in [[set(2), set(0)], [set(0), set(0)]] {
            let order = "tree 1, node 0: sets of categories do not rise by node";
            assert_eq!(fault(&sets), order);
        }
        assert_eq!(
            fault_after(|tree| tree.sets = vec![set(2)]),
            "tree 1, node 2: it has a set of categories and a threshold"
        );
    }

    /// A tree that is one long spine, each split with a leaf at its left.
    fn spine(depth: usize) -> Tree {
        let n_nodes = 2 * depth + 1;
        let inner = |node: usize| node.is_multiple_of(2) && node + 1 < n_nodes;
        Tree {
            feature: (0..n_nodes)
                .map(|node| if inner(node) { 0 } else { LEAF })
                .collect(),
            threshold: vec![0.0; n_nodes],
            missing_left: vec![false; n_nodes],
            left: (0..n_nodes)
                .map(|node| if inner(node) { node as u32 + 1 } else { 0 })
                .collect(),
            value: vec![1.0; n_nodes],
            cover: vec![1.0; n_nodes],
            sets: vec![],
        }
    }

    #[test]
    fn depth_is_bounded_without_recursion() {
        assert_eq!(ensemble(spine(DEPTH_MAX)).check(4), Ok(()));
        let too_deep = ensemble(spine(DEPTH_MAX + 1)).check(4).unwrap_err();
        assert_eq!(too_deep.to_string(), "tree 1, node 512: it is too deep");
        assert!(ensemble(spine(1_000_000)).check(4).is_err());
    }
}
