//! Predicting without walking: each feature of a row leaves some of a tree's leaves possible, and the one that all
//! features leave possible is the row's.
//!
//! Not for trees of more leaves than a machine word pair has bits. The idea is that of Lucchese and others 2015
//! (QuickScorer), with a table over the codes of each feature in place of their lists of thresholds: a tree costs a row
//! two look-ups a feature, whatever its depth, and no branch.
//!
//! ```text
//! x0: code 2 → part 1 of the tree's own …1101        leaves 0, 2 and 3 are possible
//! x3: code 0 → part 0                   …0110  and
//!                                       …0100        leaf 2
//! ```
//!
//! A tree tells few parts of a feature's codes apart. So its tables are small, and stay in the innermost cache.

use super::codes::{FeatureCodes, N_CODES_MAX};
use super::ensemble::{LEAF, Tree};

/// A bit for each leaf, from left to right.
pub(crate) type LeafBits = u128;
/// Rows coded and looked up together.
pub(crate) const BLOCK_ROWS: usize = 256;
/// Features looked up in one go.
const N_AT_ONCE: usize = 6;

/// What one feature says about a tree's leaves. Both sizes are powers of two, so that looking up costs no check.
#[derive(Clone)]
struct Table {
    part_of_code: [u8; N_CODES_MAX],
    of_part: [LeafBits; N_PARTS_MAX],
}
const N_PARTS_MAX: usize = 1 << u8::BITS;

/// A tree as a table for each feature that it asks about.
pub(crate) struct BitTree {
    features: Vec<usize>,
    /// As many as `features`.
    tables: Vec<Table>,
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
        let (values, below) = number_leaves(tree);
        let mut possible = vec![[LeafBits::MAX; N_CODES_MAX]; features.len()];
        for node in inner(tree) {
            let feature = usize::from(tree.feature[node]);
            let place = features.binary_search(&feature);
            let possible = &mut possible[place.expect("every feature has a place")];
            exclude(tree, node, &codes[feature], (&below, possible));
        }
        Some(Self {
            features,
            tables: possible.iter().map(Table::of).collect::<Option<_>>()?,
            values,
        })
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

/// The leaves' values, and the leaves below each node.
fn number_leaves(tree: &Tree) -> (Vec<f64>, Vec<LeafBits>) {
    let mut values = Vec::with_capacity(tree.n_leaves());
    let mut below = vec![0; tree.n_nodes()];
    let mut open = vec![0];
    while let Some(node) = open.pop() {
        if tree.is_leaf(node) {
            below[node] = 1 << values.len();
            values.push(f64::from(tree.value[node]));
        } else {
            let [left, right] = tree.children(node);
            open.extend([right, left]);
        }
    }
    // Children come after their parent.
    for node in (0..tree.n_nodes()).rev() {
        if !tree.is_leaf(node) {
            let [left, right] = tree.children(node);
            below[node] = below[left] | below[right];
        }
    }
    (values, below)
}

/// Takes from each code the leaves on the side that it does not go to.
fn exclude(
    tree: &Tree,
    node: usize,
    codes: &FeatureCodes,
    (below, possible): (&[LeafBits], &mut [LeafBits; N_CODES_MAX]),
) {
    let [left, right] = tree.children(node).map(|child| !below[child]);
    let missing = codes.n_codes() - 1;
    match tree.set(node) {
        None => {
            let last_left = codes.of_threshold(tree.threshold[node]);
            let (low, high) = possible[..missing].split_at_mut(last_left + 1);
            low.iter_mut().for_each(|leaves| *leaves &= right);
            high.iter_mut().for_each(|leaves| *leaves &= left);
        }
        Some(set) => {
            for (category, leaves) in (0..=u8::MAX).zip(&mut possible[..missing]) {
                *leaves &= if set.holds(category) { right } else { left };
            }
        }
    }
    possible[missing] &= if tree.missing_left[node] { right } else { left };
}

impl Table {
    /// None if the tree tells too many parts apart.
    fn of(possible: &[LeafBits; N_CODES_MAX]) -> Option<Self> {
        let mut parts: Vec<LeafBits> = possible.to_vec();
        parts.sort_unstable();
        parts.dedup();
        let mut of_part = [LeafBits::MAX; N_PARTS_MAX];
        of_part.get_mut(..parts.len())?.copy_from_slice(&parts);
        let part = |leaves| parts.binary_search(&leaves).expect("every one was listed") as u8;
        Some(Self {
            part_of_code: possible.map(part),
            of_part,
        })
    }
}

fn inner(tree: &Tree) -> impl Iterator<Item = usize> {
    (0..tree.n_nodes()).filter(|&node| tree.feature[node] != LEAF)
}

/// Keeps the leaves that `N` features leave possible.
fn meet<const N: usize>(tables: [&Table; N], codes: [&[u16]; N], possible: &mut [LeafBits]) {
    let codes = codes.map(|codes| &codes[..possible.len()]);
    for (row, leaves) in possible.iter_mut().enumerate() {
        for (table, codes) in tables.iter().zip(codes) {
            let part = table.part_of_code[usize::from(codes[row]) % N_CODES_MAX];
            *leaves &= table.of_part[usize::from(part)];
        }
    }
}
