//! Where boosted trees grow, one after the other: the buffers in which rows, or their numbers, are parted.
//!
//! Not the rows, which stay in their own order between trees.
//!
//! ```text
//! one word a row      table → [ rows ] ⇄ [ spare ]     16 bytes a row: see `carry.rs`
//! … and very many     table → [ rows ]          8 bytes a row: see `in_place.rs`
//! longer rows         0 1 … → [ list ]          4 bytes a row, and 1 for each column: see `listed.rs`
//!
//! list of a shard     [ 0 2 3 4 6 7 | 5 1 ]     drawn from the front, not drawn from the back
//! ```

use std::borrow::Cow;

use rayon::prelude::*;

use super::carry::{Span, Whole, spare_for};
use super::grow::{Leaves, Plan, Seed, grow};
use super::grown::Grown;
use super::histogram::{Histogram, Size, Sum};
use super::listed::Listed;
use super::partition::Filled;
use super::rows::{Layout, NOT_DRAWN, gradient};

/// Room for one tree.
pub(crate) enum Buffers<'a> {
    /// For rows; the second one may be empty.
    Whole([Vec<u64>; 2]),
    /// For numbers of rows, and the bins column by column.
    Listed {
        columns: Cow<'a, [Vec<u8>]>,
        list: Vec<u32>,
        /// Of each shard.
        n_drawn: Vec<usize>,
    },
}

/// What the root of a tree has.
pub(crate) struct Root<'a> {
    pub(crate) layout: Layout,
    pub(crate) table: &'a [u64],
    /// Rows of a shard.
    pub(crate) n_shard: usize,
    pub(crate) size: Size,
    pub(crate) histogram: Histogram,
    pub(crate) sum: Sum,
}

impl<'a> Buffers<'a> {
    /// Room for as many rows as there are bins in each column. Rows of one word need no columns.
    pub(crate) fn new(layout: Layout, n_rows: usize, columns: Cow<'a, [Vec<u8>]>) -> Self {
        match layout.n_words {
            1 => Self::Whole([vec![0; n_rows], spare_for(n_rows)]),
            _ => Self::Listed {
                columns,
                list: vec![0; n_rows],
                n_drawn: Vec::new(),
            },
        }
    }

    /// Whether rows can be told where they are while a tree grows.
    pub(crate) fn know_rows(&self) -> bool {
        matches!(self, Self::Listed { .. })
    }

    /// Where each shard, of so many rows, is to be listed by [`list_drawn`]; empty slices if rows move.
    pub(crate) fn lists(&mut self, n_shard: usize, n_shards: usize) -> Vec<&mut [u32]> {
        match self {
            Self::Whole(_) => (0..n_shards).map(|_| &mut [][..]).collect(),
            Self::Listed { list, .. } => list.chunks_mut(n_shard).collect(),
        }
    }

    /// Notes how many rows of each shard are in the first part of its list.
    pub(crate) fn listed(&mut self, of_shards: Vec<usize>) {
        if let Self::Listed { n_drawn, .. } = self {
            *n_drawn = of_shards;
        }
    }

    /// Grows a tree.
    pub(crate) fn grow(&mut self, plan: &Plan, root: Root) -> Grown {
        match self {
            Self::Whole(rows) => grow_whole(plan, rows, root),
            Self::Listed {
                columns,
                list,
                n_drawn,
            } => {
                let listed = Listed::new(root.layout, root.table, columns);
                grow_listed(plan, &listed, list, n_drawn, root)
            }
        }
    }
}

fn grow_whole(plan: &Plan, [rows, spare]: &mut [Vec<u64>; 2], root: Root) -> Grown {
    let n_items = (root.n_shard * root.layout.n_words).max(1);
    let mut spares = spare.chunks_mut(n_items);
    let spans = rows.chunks_mut(n_items).zip(root.table.chunks(n_items));
    let spans = spans.map(|(rows, table)| Span {
        table: Some(table),
        rows,
        spare: spares.next().unwrap_or_default(),
    });
    let seed = Seed {
        spans: spans.collect(),
        histogram: root.histogram,
        sum: root.sum,
    };
    grow(plan, &Whole(root.layout), root.size, seed)
}

fn grow_listed(
    plan: &Plan,
    listed: &Listed,
    list: &mut [u32],
    n_drawn: &[usize],
    root: Root,
) -> Grown {
    let shards = list.chunks_mut(root.n_shard.max(1)).zip(n_drawn);
    let shards = shards.map(|(list, &n_drawn)| {
        let (rows, others) = list.split_at_mut(n_drawn);
        let span = Span {
            table: None,
            rows,
            spare: &mut [],
        };
        (span, others)
    });
    let (spans, others): (Vec<_>, Vec<_>) = shards.unzip();
    let seed = Seed {
        spans,
        histogram: root.histogram,
        sum: root.sum,
    };
    let grown = grow(plan, listed, root.size, seed);
    if let Leaves::Numbered(of_rows) = plan.leaves {
        let others = others.into_par_iter();
        others.for_each(|numbers| listed.tell_others(&grown, 0, numbers, of_rows));
    }
    grown
}

/// Goes on listing a shard: the rows from number `next` on, of which the first words are at hand.
#[inline(always)]
pub(crate) fn list_drawn(next: usize, firsts: &[u64], list: &mut [u32], filled: Filled) -> Filled {
    let Filled { mut left, right } = filled;
    let mut room = right - left;
    for (number, &first) in (next as u32..).zip(firsts) {
        room -= 1;
        list[left] = number;
        list[left + room] = number;
        left += usize::from(gradient(first) != NOT_DRAWN);
    }
    Filled {
        left,
        right: left + room,
    }
}
