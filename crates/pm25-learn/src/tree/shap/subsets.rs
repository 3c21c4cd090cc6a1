//! Explaining the largest trees when there are few features: what each *set* of features says, summed over all trees.
//!
//! Not for many features: with n of them there are 2^n sets. With six, a forest of millions of leaves is asked for 64
//! numbers a row instead of a number a leaf and feature.
//!
//! What a set hears at a node: if it holds the node's feature, what the child says that the row goes to; else what both
//! say, each with its share of the training rows. Where no node below asks about a feature of the set, that is the mean
//! of the leaves, known beforehand. So a set of few features stops early in most of a tree, and one of many goes few
//! ways:
//!
//! ```text
//! v(few places)   from a table over the places that its features can have between the trees' thresholds
//! v(any other)    the rows are led down each tree, those that go the same way together
//! ```

use std::ops::Range;

use rayon::prelude::*;

use super::super::codes::FeatureCodes;
use super::super::ensemble::{LEAF, Tree};
use super::outline::{N_TREES_AT_ONCE, Outline};
use super::set_rows::{self, BLOCK_ROWS, Places};
use super::set_tables::SetTables;
use crate::columns::Columns;

/// The most features that are explained this way: 256 sets.
pub(super) const N_FEATURES_MAX: usize = 8;

/// One bit for each of the features that the trees ask about.
pub(super) type Set = usize;

/// Trees that are explained together.
pub(super) struct Subsets<'a> {
    trees: Vec<&'a Tree>,
    features: Vec<usize>,
    codes: Vec<FeatureCodes>,
    tables: SetTables,
    /// The sets that have no table.
    led: Vec<Set>,
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
        let tables = SetTables::of(trees, &features, &codes);
        let tabled: Vec<Set> = tables.sets().collect();
        Some(Self {
            trees: trees.to_vec(),
            led: (0..1 << features.len())
                .filter(|set| !tabled.contains(set))
                .collect(),
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
        let blocks: Vec<Places> = rows
            .clone()
            .step_by(BLOCK_ROWS)
            .map(|first| self.places_of(x, first..rows.end.min(first + BLOCK_ROWS)))
            .collect();
        let mut led = vec![[0.0; BLOCK_ROWS]; self.led.len() * blocks.len()];
        for trees in self.trees.chunks(N_TREES_AT_ONCE) {
            let outlines = Outline::of_all(trees, &self.features, &self.codes);
            let sums_of_sets = led.par_chunks_mut(blocks.len()).zip(&self.led);
            sums_of_sets.for_each(|(sums, &set)| {
                for outline in &outlines {
                    for (places, sums) in blocks.iter().zip(&mut *sums) {
                        set_rows::add(outline, set, places, sums);
                    }
                }
            });
        }
        let rows_of_blocks = results.par_chunks_mut(BLOCK_ROWS * width).zip(&blocks);
        rows_of_blocks
            .enumerate()
            .for_each(|(block_idx, (results, places))| {
                let mut says = vec![0.0; 1 << self.features.len()];
                for (row_idx, row) in results.chunks_exact_mut(width).enumerate() {
                    self.tables
                        .say(|feature| places.get(feature, row_idx), &mut says);
                    for (&set, sums) in self.led.iter().zip(led.chunks_exact(blocks.len())) {
                        says[set] = sums[block_idx][row_idx];
                    }
                    self.share_out(&says, n_features, row);
                }
            });
    }

    fn places_of(&self, x: &Columns, rows: Range<usize>) -> Places {
        let columns = self
            .features
            .iter()
            .map(|&feature| &x.column(feature)[rows.clone()]);
        Places::of(columns.zip(&self.codes), rows.len())
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
