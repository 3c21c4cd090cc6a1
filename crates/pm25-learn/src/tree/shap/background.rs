//! Explaining against a table of background rows: a feature that is not known takes the values it has there
//! (interventional SHAP; Lundberg and others 2020, supplement, algorithm 3; Laberge and others 2022 for one leaf).
//!
//! Not the air's own averages: features are taken apart even where they always go together, so trees are asked about
//! rows that never were. That is what is wanted where the question is how the model works.
//!
//! Take one row, one background row and one leaf of value v. The leaf is reached by the features that come from the
//! row if none of them fails it there, and none of the others fails it in the background. Let a features pass only in
//! the row and b only in the background; if one passes in neither, nothing reaches the leaf. Else
//!
//! ```text
//!   v (a - 1)! b! / (a + b)!     is given to each of the a,
//! - v a! (b - 1)! / (a + b)!     to each of the b, and nothing to features that pass in both.
//! ```

use std::ops::Range;

use super::super::ensemble::Tree;
use super::lookup::each_leaf;
use super::mask::{BLOCK_ROWS, Mask, Masks, Question};
use super::path::Paths;
use crate::columns::Columns;

/// A leaf with the masks of the background rows, counted.
pub(super) struct LeafAgainst {
    n_slots: usize,
    /// The leaf's value over the number of background rows.
    value: f64,
    /// Rising by mask.
    masks: Vec<(Mask, u32)>,
}

impl LeafAgainst {
    pub(super) fn n_results(&self) -> usize {
        self.n_slots
    }

    pub(super) fn play(&self, mask: Mask, results: &mut [f64]) {
        results.fill(0.0);
        let all = (1 << self.n_slots) - 1;
        for &(there, count) in &self.masks {
            if (mask | there) & all != all {
                continue;
            }
            let only_here = mask & !there;
            let only_there = there & !mask & all;
            let (a, b) = (only_here.count_ones(), only_there.count_ones());
            let value = self.value * f64::from(count);
            let (gain, loss) = (value * weight(a, b), value * weight(b, a));
            for (slot, result) in results.iter_mut().enumerate() {
                if only_here >> slot & 1 == 1 {
                    *result += gain;
                } else if only_there >> slot & 1 == 1 {
                    *result -= loss;
                }
            }
        }
    }
}

/// (a - 1)! b! / (a + b)! as 1 / (a C(a + b, b)), for a above 0; anything else for 0, where nobody asks.
pub(super) fn weight(a: u32, b: u32) -> f64 {
    let choices = (1..=b).fold(1.0, |choices, k| choices * f64::from(a + k) / f64::from(k));
    1.0 / (f64::from(a.max(1)) * choices)
}

/// Every leaf of a tree against the background, in the order of the leaves.
pub(super) fn leaves_against(paths: &Paths, background: &Columns) -> Vec<LeafAgainst> {
    let n_rows = background.n_rows();
    let mut counts = vec![std::collections::BTreeMap::<Mask, u32>::new(); paths.leaves.len()];
    let mut masks = Masks::new(paths.depth);
    for first in (0..n_rows).step_by(BLOCK_ROWS) {
        let rows = first..n_rows.min(first + BLOCK_ROWS);
        let mut leaves = paths.leaves.iter().zip(&mut counts);
        each_leaf(paths, background, rows, &mut masks, |masks| {
            let (leaf, counts) = leaves.next().expect("counts for each leaf");
            let all = (1 << leaf.features.len()) - 1;
            for mask in masks {
                *counts.entry(mask & all).or_default() += 1;
            }
        });
    }
    let leaves = paths.leaves.iter().zip(counts);
    leaves
        .map(|(leaf, counts)| LeafAgainst {
            n_slots: leaf.features.len(),
            value: leaf.value / n_rows as f64,
            masks: counts.into_iter().collect(),
        })
        .collect()
}

/// A tree of any depth, walked once for each row and background row: below a feature that has been decided for one
/// side there is no choice left, so few leaves are met.
pub(super) fn add_pairwise(
    tree: &Tree,
    x: &Columns,
    rows: Range<usize>,
    background: &Columns,
    results: &mut [f64],
) {
    let width = results.len() / rows.len();
    for (row, results) in rows.zip(results.chunks_exact_mut(width)) {
        for there in 0..background.n_rows() {
            let pair = Pair {
                tree,
                here: &|feature| x.column(feature)[row],
                there: &|feature| background.column(feature)[there],
                share: 1.0 / background.n_rows() as f64,
            };
            pair.add(results);
        }
    }
}

struct Pair<'a> {
    tree: &'a Tree,
    here: &'a dyn Fn(usize) -> f32,
    there: &'a dyn Fn(usize) -> f32,
    share: f64,
}

/// A node that is reached if the features of `here` come from the row and those of `there` from the background.
#[derive(Clone)]
struct Reached {
    node: usize,
    here: Vec<usize>,
    there: Vec<usize>,
}

impl Pair<'_> {
    fn add(&self, results: &mut [f64]) {
        let mut open = vec![Reached {
            node: 0,
            here: Vec::new(),
            there: Vec::new(),
        }];
        while let Some(at) = open.pop() {
            if self.tree.is_leaf(at.node) {
                self.give(&at, results);
                continue;
            }
            let feature = Question::of(self.tree, at.node).feature;
            let side = |x: f32| usize::from(!self.tree.goes_left(at.node, x));
            let (here, there) = (side((self.here)(feature)), side((self.there)(feature)));
            let children = self.tree.children(at.node);
            let child = |side: usize| Reached {
                node: children[side],
                ..at.clone()
            };
            if here == there || at.here.contains(&feature) {
                open.push(child(here));
            } else if at.there.contains(&feature) {
                open.push(child(there));
            } else {
                let mut with_there = child(there);
                with_there.there.push(feature);
                let mut with_here = child(here);
                with_here.here.push(feature);
                open.extend([with_there, with_here]);
            }
        }
    }

    fn give(&self, at: &Reached, results: &mut [f64]) {
        let value = f64::from(self.tree.value[at.node]) * self.share;
        let (a, b) = (at.here.len() as u32, at.there.len() as u32);
        for &feature in &at.here {
            results[feature] += value * weight(a, b);
        }
        for &feature in &at.there {
            results[feature] -= value * weight(b, a);
        }
    }
}
