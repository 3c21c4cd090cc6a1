//! Predicting without walking: each feature of a row leaves some of a tree's leaves possible, and the one that all
//! features leave possible is the row's.
//!
//! Not for trees of more leaves than a machine word pair has bits. The idea is that of Lucchese and others 2015
//! (QuickScorer), with a table over the codes of each feature in place of their lists of thresholds: a tree costs a row
//! one look-up a feature, whatever its depth, and no branch.
//!
//! ```text
//! x0's table, code 2    …1101        leaves 0, 2 and 3 are possible
//! x3's table, code 0    …0110  and
//!                       …0100        leaf 2
//! ```

use super::codes::{FeatureCodes, N_CODES_MAX};
use super::ensemble::{LEAF, Tree};

/// A bit for each leaf, from left to right.
pub(crate) type LeafBits = u128;
/// Rows coded and looked up together.
pub(crate) const BLOCK_ROWS: usize = 512;
/// Features looked up in one go.
const N_AT_ONCE: usize = 6;

/// A tree as a table for each feature that it asks about.
pub(crate) struct BitTree {
    features: Vec<usize>,
    /// As many as `features`; the leaves that each code leaves possible.
    tables: Vec<Box<[LeafBits; N_CODES_MAX]>>,
    /// Of each leaf, from left to right.
    values: Vec<f64>,
}

impl BitTree {
    /// None if the tree has too many leaves.
    pub(crate) fn of(tree: &Tree, codes: &[FeatureCodes]) -> Option<Self> {
        if LeafBits::BITS < tree.n_leaves() as u32 || tree.n_nodes() > u16::MAX.into() {
            return None;
        }
        let mut features: Vec<usize> = inner(tree).map(|node| tree.feature[node].into()).collect();
        features.sort_unstable();
        features.dedup();
        let mut bits = Self {
            tables: vec![Box::new([LeafBits::MAX; N_CODES_MAX]); features.len()],
            features,
            values: Vec::with_capacity(tree.n_leaves()),
        };
        let below = bits.number_leaves(tree);
        for node in inner(tree) {
            bits.exclude(tree, node, &codes[usize::from(tree.feature[node])], &below);
        }
        Some(bits)
    }

    /// The leaves below each node.
    fn number_leaves(&mut self, tree: &Tree) -> Vec<LeafBits> {
        let mut below = vec![0; tree.n_nodes()];
        let mut open = vec![0];
        while let Some(node) = open.pop() {
            if tree.is_leaf(node) {
                below[node] = 1 << self.values.len();
                self.values.push(f64::from(tree.value[node]));
            } else {
                let [left, right] = tree.children(node);
                open.extend([right, left]);
            }
        }
        // Children come after their parent.
        for node in (0..tree.n_nodes())
            .rev()
            .filter(|&node| !tree.is_leaf(node))
        {
            let [left, right] = tree.children(node);
            below[node] = below[left] | below[right];
        }
        below
    }

    /// Takes from each code the leaves on the side that it does not go to.
    fn exclude(&mut self, tree: &Tree, node: usize, codes: &FeatureCodes, below: &[LeafBits]) {
        let feature = usize::from(tree.feature[node]);
        let place = self.features.binary_search(&feature);
        let table = &mut self.tables[place.expect("every feature has a table")];
        let [left, right] = tree.children(node).map(|child| !below[child]);
        let missing = codes.n_codes() - 1;
        match tree.set(node) {
            None => {
                let (low, high) =
                    table[..missing].split_at_mut(codes.of_threshold(tree.threshold[node]) + 1);
                low.iter_mut().for_each(|leaves| *leaves &= right);
                high.iter_mut().for_each(|leaves| *leaves &= left);
            }
            Some(set) => {
                for (category, leaves) in (0..=u8::MAX).zip(&mut table[..missing]) {
                    *leaves &= if set.holds(category) { right } else { left };
                }
            }
        }
        table[missing] &= if tree.missing_left[node] { right } else { left };
    }

    /// Adds each row's leaf to its sum. `codes` holds [`BLOCK_ROWS`] codes for each feature of the rows.
    pub(crate) fn add(
        &self,
        codes: &[u16],
        possible: &mut [LeafBits; BLOCK_ROWS],
        sums: &mut [f64],
    ) {
        let n_rows = sums.len();
        let possible = &mut possible[..n_rows];
        possible.fill(LeafBits::MAX);
        let of_feature = |&feature: &usize| &codes[feature * BLOCK_ROWS..][..n_rows];
        let groups = self.tables.chunks(N_AT_ONCE);
        for (tables, features) in groups.zip(self.features.chunks(N_AT_ONCE)) {
            match (tables, features) {
                ([a], [f]) => meet([a], [f].map(of_feature), possible),
                ([a, b], [f, g]) => meet([a, b], [f, g].map(of_feature), possible),
                ([a, b, c], [f, g, h]) => meet([a, b, c], [f, g, h].map(of_feature), possible),
                ([a, b, c, d], [f, g, h, i]) => {
                    meet([a, b, c, d], [f, g, h, i].map(of_feature), possible);
                }
                ([a, b, c, d, e], [f, g, h, i, j]) => {
                    meet([a, b, c, d, e], [f, g, h, i, j].map(of_feature), possible);
                }
                ([a, b, c, d, e, k], [f, g, h, i, j, l]) => {
                    meet(
                        [a, b, c, d, e, k],
                        [f, g, h, i, j, l].map(of_feature),
                        possible,
                    );
                }
                _ => unreachable!("chunks have 1 to {N_AT_ONCE} items"),
            }
        }
        for (sum, leaves) in sums.iter_mut().zip(possible) {
            *sum += self.values[leaves.trailing_zeros() as usize];
        }
    }
}

fn inner(tree: &Tree) -> impl Iterator<Item = usize> {
    (0..tree.n_nodes()).filter(|&node| tree.feature[node] != LEAF)
}

/// Keeps the leaves that `N` features leave possible.
fn meet<const N: usize>(
    tables: [&Box<[LeafBits; N_CODES_MAX]>; N],
    codes: [&[u16]; N],
    possible: &mut [LeafBits],
) {
    let tables = tables.map(|table| &**table);
    let codes = codes.map(|codes| &codes[..possible.len()]);
    for (row, leaves) in possible.iter_mut().enumerate() {
        for (table, codes) in tables.iter().zip(codes) {
            // The table's size is a power of two, so that this costs no check.
            *leaves &= table[usize::from(codes[row]) % N_CODES_MAX];
        }
    }
}
