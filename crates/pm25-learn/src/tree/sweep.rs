//! Predicting without walking: every node of a tree is asked about many rows at once, and each time those that are
//! there and belong on the right move on.
//!
//! Not for large trees, whose nodes are nearly all asked in vain: [`lockstep`](super::lockstep) walks those.
//!
//! ```text
//!                a: x3 ≤ 2                leaves are numbered from the left; rows begin at the first one
//!               /         \               node   from → to      moves a row that is at `from` and goes right,
//!         b: x0 ≤ 1      c: x3 ≤ 7          a       0 → 2       to the first leaf of the node's right side
//!          /     \        /     \           b       0 → 1
//!         0       1      2       3          c       2 → 3
//! ```
//!
//! In this order, nodes before what is below them and left before right, a row stands at the first leaf of a node
//! exactly if it has come to the node: one that went left of it is further left, one that went right of it, further
//! right. All is bytes, and no question depends on the answer before: the compiler makes vectors of it, on any
//! processor. A set of categories is asked run by run of their codes.

use super::chapter::{Answer, Codes};
use super::ensemble::Tree;

/// Rows coded and asked together.
pub(crate) const BLOCK_ROWS: usize = 512;
/// Nodes asked while rows are in registers.
const N_AT_ONCE: usize = 4;
/// Places that a byte can tell apart.
const N_LEAVES_MAX: usize = 1 << u8::BITS;
/// Moves of a tree that is still faster swept than walked.
const N_MOVES_MAX: usize = 4 * N_LEAVES_MAX;

/// Moves rows that are at `from` to `to`, if their code is one of `1 + n_more` from `first` on.
#[derive(Clone, Copy)]
struct Move {
    place: u16,
    first: u8,
    n_more: u8,
    from: u8,
    to: u8,
}

/// Moves no row.
const STAY: Move = Move {
    place: 0,
    first: 0,
    n_more: 0,
    from: 0,
    to: 0,
};

/// A tree as the moves of all its nodes.
pub(crate) struct SweepTree {
    moves: Vec<[Move; N_AT_ONCE]>,
    /// Of each leaf, from left to right.
    values: Box<[f64; N_LEAVES_MAX]>,
}

impl SweepTree {
    /// Whether a tree is small enough.
    pub(crate) fn may_be(tree: &Tree) -> bool {
        tree.n_nodes() < 2 * N_LEAVES_MAX
    }

    /// None for a tree that is too large, or that asks what codes do not tell.
    pub(crate) fn of(tree: &Tree, codes: &Codes) -> Option<Self> {
        if !Self::may_be(tree) {
            return None;
        }
        let mut values = Box::new([0.0; N_LEAVES_MAX]);
        let mut moves: Vec<Move> = Vec::new();
        let mut n_leaves = 0;
        // A node, and the moves that end at its first leaf.
        let mut open = vec![(0, 0..0)];
        while let Some((node, to_here)) = open.pop() {
            for way in &mut moves[to_here] {
                way.to = n_leaves as u8;
            }
            if tree.is_leaf(node) {
                values[n_leaves] = f64::from(tree.value[node]);
                n_leaves += 1;
                continue;
            }
            let Answer { place, sent_right } = codes.answer(tree, node)?;
            let n_before = moves.len();
            moves.extend(sent_right.iter().map(|[first, last]| Move {
                place: place as u16,
                first: *first,
                n_more: last - first,
                from: n_leaves as u8,
                to: 0,
            }));
            let [left, right] = tree.children(node);
            open.extend([(right, n_before..moves.len()), (left, 0..0)]);
        }
        if N_MOVES_MAX < moves.len() {
            return None;
        }
        let moves = moves.chunks(N_AT_ONCE).map(|some| {
            let mut full = [STAY; N_AT_ONCE];
            full[..some.len()].copy_from_slice(some);
            full
        });
        Some(Self {
            moves: moves.collect(),
            values,
        })
    }

    /// Adds each row's leaf to its sum. `codes` holds those of the rows for each place.
    #[inline(always)]
    pub(crate) fn add(&self, codes: &[[u8; BLOCK_ROWS]], sums: &mut [f64]) {
        let mut at = [0; BLOCK_ROWS];
        for moves in &self.moves {
            let places = moves.map(|way| &codes[usize::from(way.place)]);
            pass(*moves, places, &mut at);
        }
        for (sum, at) in sums.iter_mut().zip(at) {
            *sum += self.values[usize::from(at)];
        }
    }
}

/// Asks `N` nodes, one after the other, about all rows.
#[inline(always)]
fn pass<const N: usize>(
    moves: [Move; N],
    codes: [&[u8; BLOCK_ROWS]; N],
    at: &mut [u8; BLOCK_ROWS],
) {
    for (row, at) in at.iter_mut().enumerate() {
        for (way, codes) in moves.iter().zip(codes) {
            let goes = codes[row].wrapping_sub(way.first) <= way.n_more;
            *at = if goes & (*at == way.from) {
                way.to
            } else {
                *at
            };
        }
    }
}
