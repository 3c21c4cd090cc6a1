//! Walking a tree with several rows at once: while one waits for memory, the others go on.
//!
//! Not for small trees and many rows, which [`sweep`](super::sweep) answers without walking.
//!
//! A leaf asks a question that no value passes, and its right child is the leaf itself: rows that have arrived stay
//! where they are, and no row has to be asked whether it has.

use super::ensemble::Tree;

/// Rows walked together.
const N_AT_ONCE: usize = 16;

/// All that a step needs, side by side in memory: 16 bytes.
#[derive(Clone, Copy)]
struct Node {
    /// NaN for a leaf.
    threshold: f32,
    left: u32,
    feature: u16,
    missing: Missing,
    value: f32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Missing {
    Right,
    Left,
    /// The node asks for a category.
    AskTree,
}

/// A tree laid out for walking.
pub(crate) struct StepTree<'a> {
    tree: &'a Tree,
    nodes: Vec<Node>,
}

impl<'a> StepTree<'a> {
    pub(crate) fn of(tree: &'a Tree) -> Self {
        let node = |node: usize| Node {
            threshold: if tree.is_leaf(node) {
                f32::NAN
            } else {
                tree.threshold[node]
            },
            left: if tree.is_leaf(node) {
                (node as u32).wrapping_sub(1)
            } else {
                tree.left[node]
            },
            feature: if tree.is_leaf(node) {
                0
            } else {
                tree.feature[node]
            },
            missing: if tree.missing_left[node] && !tree.is_leaf(node) {
                Missing::Left
            } else {
                Missing::Right
            },
            value: tree.value[node],
        };
        let mut nodes: Vec<Node> = (0..tree.n_nodes()).map(node).collect();
        for set in &tree.sets {
            nodes[set.node as usize].missing = Missing::AskTree;
        }
        Self { tree, nodes }
    }

    /// Adds each row's leaf to its sum; `rows` holds `n_columns` values of each row, one row after the other.
    pub(crate) fn add(&self, rows: &[f32], n_columns: usize, sums: &mut [f64]) {
        if self.nodes.len() == 1 {
            return sums
                .iter_mut()
                .for_each(|sum| *sum += f64::from(self.nodes[0].value));
        }
        let groups = rows.chunks(N_AT_ONCE * n_columns);
        for (rows, sums) in groups.zip(sums.chunks_mut(N_AT_ONCE)) {
            let mut at = [0; N_AT_ONCE];
            while self.step(rows, n_columns, &mut at[..sums.len()]) {}
            for (sum, at) in sums.iter_mut().zip(at) {
                *sum += f64::from(self.nodes[at as usize].value);
            }
        }
    }

    /// One edge down for every row; whether any moved.
    fn step(&self, rows: &[f32], n_columns: usize, at: &mut [u32]) -> bool {
        let mut moved = 0;
        for (at, row) in at.iter_mut().zip(rows.chunks_exact(n_columns)) {
            let node = self.nodes[*at as usize];
            let x = row[usize::from(node.feature)];
            let goes_left = match node.missing {
                Missing::AskTree => self.tree.goes_left(*at as usize, x),
                missing => x <= node.threshold || (x.is_nan() && missing == Missing::Left),
            };
            let next = node.left.wrapping_add(u32::from(!goes_left));
            moved |= next ^ *at;
            *at = next;
        }
        moved != 0
    }
}
