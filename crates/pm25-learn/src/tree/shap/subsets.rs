//! Explaining the largest trees when there are few features: what each *set* of features says, summed over all trees.
//!
//! Not for many features: with n of them there are 2^n sets. With six, a forest of millions of leaves is asked for 64
//! numbers a row instead of a number a leaf and feature, and most of these come from tables:
//!
//! ```text
//! v({ })       a constant
//! v({f})       a table over the places that f can have between the trees' thresholds
//! v({f, g})    a table over the places of f and g
//! v(larger)    the leaves that the row passes in at least three features; no other leaf is walked to
//! ```
//!
//! A leaf of value v says v x (product of the shares z of the features outside S) to every set S in whose features the
//! row passes the leaf's path. A feature that a path does not ask about is passed, and has z = 1. Deep in a tree a row
//! passes few features of most paths, and a node where it passes fewer than three leads to nothing that the tables do
//! not know.

use std::ops::Range;

use rayon::prelude::*;

use super::super::codes::FeatureCodes;
use super::super::ensemble::{LEAF, Tree};
use super::mask::{Answer, Question};
use super::set_tables::SetTables;
use crate::columns::Columns;

/// The most features that are explained this way: 256 sets.
pub(super) const N_FEATURES_MAX: usize = 8;
/// Sets up to this size are looked up.
const N_TABLED: u32 = 2;
/// Rows walked together.
const BLOCK_ROWS: usize = 256;

/// One bit for each of the features that the trees ask about.
pub(super) type Set = usize;

/// Trees that are explained together.
pub(super) struct Subsets<'a> {
    trees: Vec<&'a Tree>,
    features: Vec<usize>,
    codes: Vec<FeatureCodes>,
    tables: SetTables,
    /// For each set of failed features the sets of more than [`N_TABLED`] others.
    others: Vec<Vec<Set>>,
    /// For each size of a set without a feature the weight of what the feature then changes: |S|! (n-1-|S|)! / n!.
    weights: Vec<f64>,
}

impl<'a> Subsets<'a> {
    /// None if the trees ask about too many features, about categories, or at too many thresholds.
    pub(super) fn of(trees: &[&'a Tree]) -> Option<Self> {
        let features = features_of(trees)?;
        let n_features = features.last().map_or(0, |last| last + 1);
        let all_codes = FeatureCodes::of(trees, n_features)?;
        let codes: Vec<FeatureCodes> = features
            .iter()
            .map(|&feature| all_codes[feature].clone())
            .collect();
        let tables = SetTables::of(trees, &features, &codes)?;
        let n_sets = 1 << features.len();
        let others = |failed: Set| {
            let is_wanted = |set: &Set| set & failed == 0 && N_TABLED < set.count_ones();
            (0..n_sets).filter(is_wanted).collect()
        };
        Some(Self {
            trees: trees.to_vec(),
            others: (0..n_sets).map(others).collect(),
            weights: shapley_weights(features.len()),
            features,
            codes,
            tables,
        })
    }

    /// Adds values to rows' results, and behind the `n_features` values what pairs add together if there is room.
    pub(super) fn add(
        &self,
        x: &Columns,
        rows: Range<usize>,
        n_features: usize,
        results: &mut [f64],
    ) {
        let width = results.len() / rows.len();
        let n_sets = 1 << self.features.len();
        let mut says = vec![0.0; rows.len() * n_sets];
        let block = |block_idx: usize, says: &[f64]| {
            let first = rows.start + block_idx * BLOCK_ROWS;
            first..first + says.len() / n_sets
        };
        let says_of_blocks = says.par_chunks_mut(BLOCK_ROWS * n_sets).enumerate();
        says_of_blocks.for_each(|(block_idx, says)| self.look_up(x, block(block_idx, says), says));
        for tree in &self.trees {
            let below = Below::of(tree, &self.features);
            let says_of_blocks = says.par_chunks_mut(BLOCK_ROWS * n_sets).enumerate();
            says_of_blocks.for_each(|(block_idx, says)| {
                self.walk((tree, &below), x, block(block_idx, says), says);
            });
        }
        let says_of_rows = says.par_chunks(n_sets);
        let rows = results.par_chunks_mut(width).zip(says_of_rows);
        rows.for_each(|(row, says)| self.share_out(says, n_features, row));
    }

    /// Fills in the sets that the tables know.
    fn look_up(&self, x: &Columns, rows: Range<usize>, says: &mut [f64]) {
        let n_rows = rows.len();
        let mut codes = vec![0; self.features.len() * n_rows];
        for ((place, feature), codes) in self
            .features
            .iter()
            .enumerate()
            .zip(codes.chunks_exact_mut(n_rows))
        {
            self.codes[place].number(&x.column(*feature)[rows.clone()], codes);
        }
        for (row_idx, says) in says.chunks_exact_mut(1 << self.features.len()).enumerate() {
            let code = |place: usize| usize::from(codes[place * n_rows + row_idx]);
            for (set, says) in says
                .iter_mut()
                .enumerate()
                .filter(|(set, _)| set.count_ones() <= N_TABLED)
            {
                *says = self.tables.says(set, code);
            }
        }
    }

    /// Adds what the leaves of one tree say to the larger sets.
    fn walk(
        &self,
        (tree, below): (&Tree, &Below),
        x: &Columns,
        rows: Range<usize>,
        says: &mut [f64],
    ) {
        let n = self.features.len();
        let Some(failed_max) = (n as u32).checked_sub(N_TABLED + 1) else {
            return;
        };
        let mut visits: Vec<Visit> = (0..rows.len())
            .map(|row| Visit {
                row: row as u16,
                failed: 0,
            })
            .collect();
        let mut open = vec![Open {
            node: 0,
            from: 0,
            to: rows.len(),
            shares: [1.0; N_FEATURES_MAX],
        }];
        let mut weights = vec![0.0; 1 << n];
        while let Some(mut here) = open.pop() {
            visits.truncate(here.to);
            self.settle((&mut here, &mut visits), below, &mut weights, says);
            if here.from == here.to {
                continue;
            }
            let question = Question::of(tree, here.node);
            let place = self.place(question.feature);
            let block = &x.column(question.feature)[rows.clone()];
            let shares = tree.shares(here.node);
            // The left child is opened last: its visits are the first to go.
            for (side, fails_if) in [(1, Answer::Left), (0, Answer::Right)] {
                let from = visits.len();
                descend(
                    &mut visits,
                    here.from..here.to,
                    (1 << place, failed_max),
                    |row| question.answer(block[row]) == fails_if,
                );
                let mut child = Open {
                    node: tree.children(here.node)[side],
                    from,
                    to: visits.len(),
                    shares: here.shares,
                };
                child.shares[place] *= shares[side];
                if from < child.to {
                    open.push(child);
                }
            }
        }
    }

    /// A row that has failed in all features that are asked about from here on hears the mean of the leaves: it needs
    /// to go no further. At a leaf that is every row.
    fn settle(
        &self,
        (here, visits): (&mut Open, &mut Vec<Visit>),
        below: &Below,
        weights: &mut [f64],
        says: &mut [f64],
    ) {
        let asked = below.asked[here.node];
        let n = self.features.len();
        let mut weights_are_set = false;
        let mut n_on = here.from;
        for at in here.from..here.to {
            let visit = visits[at];
            if asked & !visit.failed != 0 {
                visits[n_on] = visit;
                n_on += 1;
                continue;
            }
            if !weights_are_set {
                set_weights(below.mean[here.node], &here.shares[..n], weights);
                weights_are_set = true;
            }
            let row = &mut says[usize::from(visit.row) << n..][..1 << n];
            for &set in &self.others[usize::from(visit.failed)] {
                row[set] += weights[set];
            }
        }
        here.to = n_on;
        visits.truncate(n_on);
    }

    fn place(&self, feature: usize) -> usize {
        let place = self.features.binary_search(&feature);
        place.expect("a feature of these trees")
    }

    /// From what the sets say to what each feature adds (Shapley 1953), and what each pair (Grabisch and Roubens 1999).
    fn share_out(&self, says: &[f64], n_features: usize, row: &mut [f64]) {
        let n = self.features.len();
        for (place, &feature) in self.features.iter().enumerate() {
            let bit = 1 << place;
            let without = (0..says.len()).filter(|set| set & bit == 0);
            row[feature] += without
                .map(|set| self.weights[set.count_ones() as usize] * (says[set | bit] - says[set]))
                .fold(0.0, |sum, part| sum + part);
        }
        if row.len() == n_features {
            return;
        }
        for a in 0..n {
            for b in a + 1..n {
                let (f, g) = (1 << a, 1 << b);
                let without = (0..says.len()).filter(|set| set & (f | g) == 0);
                let together = without
                    .map(|set| {
                        // |S|! (n - |S| - 2)! / (n - 1)! is n / (n - 1 - |S|) times the weight of |S|.
                        let size = set.count_ones() as usize;
                        let weight = self.weights[size] * n as f64 / (n - 1 - size) as f64;
                        weight * (says[set | f | g] - says[set | f] - says[set | g] + says[set])
                    })
                    .fold(0.0, |sum, part| sum + part);
                let place = super::plan::pair_place(self.features[a], self.features[b], n_features);
                row[place] += 0.5 * together;
            }
        }
    }
}

/// What is to come at each node of a tree.
struct Below {
    /// The features that the node or any node below it asks about.
    asked: Vec<u8>,
    /// The mean of the leaves, weighted by shares.
    mean: Vec<f64>,
}

impl Below {
    fn of(tree: &Tree, features: &[usize]) -> Self {
        let mut below = Self {
            asked: vec![0; tree.n_nodes()],
            mean: tree.value.iter().map(|&value| f64::from(value)).collect(),
        };
        // Children come after their parent.
        for node in (0..tree.n_nodes())
            .rev()
            .filter(|&node| !tree.is_leaf(node))
        {
            let place = features.binary_search(&usize::from(tree.feature[node]));
            let [left, right] = tree.children(node);
            let [share_left, share_right] = tree.shares(node);
            let bit = 1 << place.expect("a feature of these trees");
            below.asked[node] = below.asked[left] | below.asked[right] | bit;
            below.mean[node] = share_left * below.mean[left] + share_right * below.mean[right];
        }
        below
    }
}

/// A row on its way down, with the features in which it has left the path.
#[derive(Clone, Copy)]
struct Visit {
    row: u16,
    failed: u8,
}

/// A node with its rows `from..to` among the visits; the visits of nodes that are opened later stand behind.
struct Open {
    node: usize,
    from: usize,
    to: usize,
    /// Product of the shares of each feature's edges.
    shares: [f64; N_FEATURES_MAX],
}

/// Appends those of some visits that go on to a child, with no branch for each.
fn descend(
    visits: &mut Vec<Visit>,
    parents: Range<usize>,
    (bit, failed_max): (u8, u32),
    fails: impl Fn(usize) -> bool,
) {
    let from = visits.len();
    visits.resize(from + parents.len(), Visit { row: 0, failed: 0 });
    let (known, new) = visits.split_at_mut(from);
    let mut n_kept = 0;
    for visit in &known[parents] {
        let failed = visit.failed
            | if fails(usize::from(visit.row)) {
                bit
            } else {
                0
            };
        new[n_kept] = Visit { failed, ..*visit };
        n_kept += usize::from(failed.count_ones() <= failed_max);
    }
    visits.truncate(from + n_kept);
}

/// The value times the shares of the features outside each set.
fn set_weights(value: f64, shares: &[f64], weights: &mut [f64]) {
    let all = weights.len() - 1;
    weights[all] = value;
    for set in (0..all).rev() {
        let outside = (!set).trailing_zeros() as usize;
        weights[set] = weights[set | 1 << outside] * shares[outside];
    }
}

fn shapley_weights(n: usize) -> Vec<f64> {
    let mut weights = vec![1.0 / n as f64];
    for size in 1..n {
        let last = weights[size - 1];
        weights.push(last * size as f64 / (n - size) as f64);
    }
    weights
}

/// The features that the trees ask about, rising. None if there are too many, or a tree asks about categories.
fn features_of(trees: &[&Tree]) -> Option<Vec<usize>> {
    let mut features = Vec::new();
    for tree in trees {
        if !tree.sets.is_empty() {
            return None;
        }
        features.extend(
            tree.feature
                .iter()
                .filter(|&&f| f != LEAF)
                .map(|&f| usize::from(f)),
        );
        features.sort_unstable();
        features.dedup();
    }
    (features.len() <= N_FEATURES_MAX).then_some(features)
}
