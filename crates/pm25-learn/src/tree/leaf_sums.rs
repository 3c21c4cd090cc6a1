//! What the drawn rows of each leaf still want, in exact sums.
//!
//! Not the sums of histograms, whose gradients are rounded. These run over blocks of fixed size in a fixed order.

use std::sync::atomic::AtomicU16;

use super::assign::Assign;
use super::rows::{Layout, Load, NOT_DRAWN, gradient};
use super::scores::{CHUNK, Goal, Wants};
use super::wide::{Work, run};

/// Sums of gradients and of second derivatives in one leaf. Neighbours are often in the same leaf: four sums of each
/// side by side, so that no addition waits for the last.
type LeafSums = [[f64; 4]; 2];

/// Finding leaves and summing by leaf in one block.
pub(crate) struct ByLeaf<'a> {
    pub(crate) goal: Goal<'a>,
    pub(crate) layout: Layout,
    pub(crate) assign: &'a Assign,
    pub(crate) n_leaves: usize,
    pub(crate) leaves: &'a mut [AtomicU16],
    pub(crate) table: &'a [u64],
    pub(crate) sums: &'a [f64],
}

impl ByLeaf<'_> {
    /// The sums of each leaf.
    pub(crate) fn sum(self) -> Vec<[f64; 2]> {
        let (layout, n_leaves) = (self.layout, self.n_leaves);
        // The last sum is that of rows that were not drawn.
        let mut by_leaf: Vec<LeafSums> = vec![[[0.0; 4]; 2]; n_leaves + 1];
        let (mut wants, mut drawn) = (Wants::new(), [false; CHUNK]);
        let chunks = self
            .leaves
            .chunks_mut(CHUNK)
            .zip(self.table.chunks(CHUNK * layout.n_words));
        for (chunk, ((leaves, table), sums)) in chunks.zip(self.sums.chunks(CHUNK)).enumerate() {
            self.assign.fill(&layout, table, leaves, &mut drawn);
            run(Adding {
                goal: self.goal.from(chunk * CHUNK),
                layout,
                leaves,
                table,
                told: self.assign.is_told().then_some(&drawn),
                sums,
                wants: &mut wants,
                by_leaf: &mut by_leaf,
            });
        }
        let sums = by_leaf.into_iter();
        sums.map(|sums| sums.map(|four| super::sums::in_order(&four)))
            .collect()
    }
}

/// Summing a chunk of rows by leaf.
struct Adding<'a> {
    goal: Goal<'a>,
    layout: Layout,
    leaves: &'a mut [AtomicU16],
    table: &'a [u64],
    /// Whether rows were drawn, if they were told; else they know themselves.
    told: Option<&'a [bool; CHUNK]>,
    sums: &'a [f64],
    wants: &'a mut Wants,
    by_leaf: &'a mut [LeafSums],
}

impl Work for Adding<'_> {
    type Done = ();

    #[inline(always)]
    fn work(self) {
        match self.told {
            Some(drawn) => self.add(drawn.iter().copied()),
            None => {
                let rows = self.table.chunks_exact(self.layout.n_words);
                self.add(rows.map(|row| gradient(row[0]) != NOT_DRAWN));
            }
        }
    }
}

impl Adding<'_> {
    #[inline(always)]
    fn add(self, drawn: impl Iterator<Item = bool>) {
        let Self { wants, by_leaf, .. } = self;
        self.goal.wants(self.sums, wants);
        let n_leaves = by_leaf.len() - 1;
        for (row, (leaf, is_drawn)) in self.leaves.iter_mut().zip(drawn).enumerate() {
            let leaf = usize::from(*leaf.get_mut());
            let [gradients, hessians] = &mut by_leaf[if is_drawn { leaf } else { n_leaves }];
            gradients[row % 4] += wants.gradients[row % CHUNK];
            if self.layout.load != Load::Single {
                hessians[row % 4] += wants.hessians[row % CHUNK];
            }
        }
    }
}
