//! What a set of features says of many rows: rows that go the same way are led down a tree together.
//!
//! Not for sets of few places, which have tables.
//!
//! ```text
//!                       rows        3 1 4 0 2
//! asks, in the set      parted      1 4 2 | 3 0       each child leads its own part on
//! asks, not in the set  kept        1 4 2   1 4 2     both children lead all, each with its share of the weight
//! no more in the set    weight x mean is added for each
//! ```
//!
//! The order of a part's rows changes on the way, which changes nothing: a row's sum takes its addends in the order of
//! the nodes, whoever goes with it.

use super::super::codes::FeatureCodes;
use super::outline::{Node, Outline};
use super::subsets::Set;

/// Rows led together: their places, numbers and sums share the innermost cache.
pub(super) const BLOCK_ROWS: usize = 1024;

/// The places of a block of rows.
pub(super) struct Places {
    /// A column for each feature.
    of_feature: Vec<[u16; BLOCK_ROWS]>,
    n_rows: usize,
}

impl Places {
    /// Of at most [`BLOCK_ROWS`] values of each feature.
    pub(super) fn of<'a>(
        columns: impl Iterator<Item = (&'a [f32], &'a FeatureCodes)>,
        n_rows: usize,
    ) -> Self {
        let places = |(values, codes): (&[f32], &FeatureCodes)| {
            let mut places = [0; BLOCK_ROWS];
            codes.number(values, &mut places[..n_rows]);
            let n_codes = codes.n_codes() as u16;
            // The last code, that of missing values, comes round to 0.
            places
                .iter_mut()
                .for_each(|place| *place = (*place + 1) % n_codes);
            places
        };
        Self {
            of_feature: columns.map(places).collect(),
            n_rows,
        }
    }

    pub(super) fn get(&self, feature: usize, row: usize) -> usize {
        usize::from(self.of_feature[feature][row])
    }
}

/// Some rows at a node.
struct Open {
    node: u32,
    from: u16,
    to: u16,
    weight: f64,
}

/// Adds what the tree says to the set to each row's sum.
pub(super) fn add(outline: &Outline, set: Set, places: &Places, sums: &mut [f64; BLOCK_ROWS]) {
    let mut rows: [u16; BLOCK_ROWS] = std::array::from_fn(|row| row as u16);
    let mut open = vec![Open {
        node: 0,
        from: 0,
        to: places.n_rows as u16,
        weight: 1.0,
    }];
    while let Some(Open {
        node: mut at,
        from,
        mut to,
        mut weight,
    }) = open.pop()
    {
        loop {
            let node = outline.node(at);
            let here = &mut rows[usize::from(from)..usize::from(to)];
            if !node.concerns(set) {
                let said = weight * node.mean;
                for &row in &*here {
                    sums[usize::from(row) % BLOCK_ROWS] += said;
                }
                break;
            }
            if set >> node.feature() & 1 == 0 {
                open.push(Open {
                    node: node.right(),
                    from,
                    to,
                    weight: weight * node.share_right(),
                });
                weight *= node.share_left;
                at += 1;
                continue;
            }
            let middle = from + part(here, node, &places.of_feature[node.feature()]);
            if middle == from {
                at = node.right();
                continue;
            }
            if middle < to {
                open.push(Open {
                    node: node.right(),
                    from: middle,
                    to,
                    weight,
                });
            }
            to = middle;
            at += 1;
        }
    }
}

/// Moves the rows that go left to the front, with no branch for each; how many there are.
fn part(rows: &mut [u16], node: &Node, places: &[u16; BLOCK_ROWS]) -> u16 {
    let goes_left = node.goes_left();
    let mut n_left = 0;
    for at in 0..rows.len() {
        let row = rows[at];
        let is_left = goes_left(places[usize::from(row) % BLOCK_ROWS]);
        rows[at] = rows[n_left];
        rows[n_left] = row;
        n_left += usize::from(is_left);
    }
    n_left as u16
}
