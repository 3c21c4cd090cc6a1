//! Asking finished trees.
//!
//! Not asking what has not been checked: a tree from outside goes through [`Ensemble::check`] first.

use rayon::prelude::*;

use super::binned::Binned;
use super::bins::Table;
use super::compiled::{self, Compiled};
use super::ensemble::{Ensemble, Tree};
use super::link::Link;
use super::packed::Packed;
use super::sweep::SweepTree;
use crate::columns::Columns;

impl Tree {
    /// What the row's leaf adds. A NaN goes where the tree has learned to send missing values.
    pub(crate) fn value_of(&self, row: &[f32]) -> f32 {
        let mut node = 0;
        while !self.is_leaf(node) {
            node = self.child_of(node, row);
        }
        self.value[node]
    }

    /// The child of an inner node that the row goes to.
    fn child_of(&self, node: usize, row: &[f32]) -> usize {
        let x = row[usize::from(self.feature[node])];
        let goes_left = if !self.sets.is_empty() {
            self.goes_left(node, x)
        } else if x.is_nan() {
            self.missing_left[node]
        } else {
            x <= self.threshold[node]
        };
        self.left[node] as usize + usize::from(!goes_left)
    }
}

/// Trees that one row walks together: while one waits for memory, the others go on.
const N_TREES_AT_ONCE: usize = 16;

/// With fewer rows than this each walks many trees together; with more it is each tree that many rows share.
const N_ROWS_ALONE: usize = 16;

/// Nodes of a tree that are packed in the time that a packed tree saves a row (about 50 ns and 0.2 µs on Zen 4).
const N_NODES_PER_ROW: usize = 4;

/// Rows of a table in bins that get values again at once.
const N_ROWS_OF_BINS: usize = 1 << 14;

/// What each of at most [`N_TREES_AT_ONCE`] trees says of a row; 0 for a tree that is not there.
fn values_of(trees: &[Tree], row: &[f32]) -> [f32; N_TREES_AT_ONCE] {
    let mut nodes = [0; N_TREES_AT_ONCE];
    let mut is_moving = true;
    while is_moving {
        is_moving = false;
        for (tree, node) in trees.iter().zip(&mut nodes) {
            if !tree.is_leaf(*node) {
                *node = tree.child_of(*node, row);
                is_moving = true;
            }
        }
    }
    let mut values = [0.0; N_TREES_AT_ONCE];
    for ((tree, node), value) in trees.iter().zip(nodes).zip(&mut values) {
        *value = tree.value[node];
    }
    values
}

impl Ensemble {
    /// One prediction a row, in units of the target. Each sum runs in tree order in f64, so a row's answer has the
    /// same bits alone, in any batch and on any number of threads.
    #[must_use]
    pub fn predict(&self, x: &Columns) -> Vec<f64> {
        let mut said = self.scores(x);
        if self.link != Link::Identity {
            said.par_iter_mut()
                .for_each(|score| *score = self.link.prediction(*score));
        }
        said
    }

    /// One score a row: what the link makes a prediction of, and what explanations add up to.
    #[must_use]
    pub fn scores(&self, x: &Columns) -> Vec<f64> {
        let mut sums = vec![0.0; x.n_rows()];
        let is_short = x.n_rows() < compiled::N_ROWS_MIN;
        let is_packed = self.trees.packed().is_some() && (is_short || self.is_large());
        if x.n_rows() < N_ROWS_ALONE || is_packed {
            each_row(x, &mut sums, |row| self.sum_of(row));
        } else if is_short {
            add_trees(&self.trees, x, &mut sums);
        } else if let Some(packed) = self.packed_for(x.n_rows()) {
            each_row(x, &mut sums, |row| packed.sum_of(row));
        } else {
            Compiled::of(&self.trees, x.n_columns()).add(x, &mut sums);
        }
        sums.iter()
            .map(|sum| self.base + self.scale * sum)
            .collect()
    }

    /// The prediction for one row, bit for bit that of [`Ensemble::predict`].
    ///
    /// # Panics
    /// If the row is shorter than the `n_features` of [`Ensemble::check`].
    #[must_use]
    pub fn predict_row(&self, row: &[f32]) -> f64 {
        let sum = self.sum_of(row);
        self.link.prediction(self.base + self.scale * sum)
    }

    /// Packs the trees for single rows: what is asked thereafter has the same bits, sooner. Worth while for a service,
    /// which is asked again and again; the packed trees take about a third of the memory of the others beside them.
    /// Trees that ask for categories stay as they are. Whoever asks while another thread packs is answered by walking.
    pub fn pack(&self) {
        self.trees.pack();
    }

    /// Whether most trees have to be walked, however many rows ask them.
    fn is_large(&self) -> bool {
        let n_small = self.trees.iter().filter(|tree| SweepTree::may_be(tree));
        2 * n_small.count() < self.trees.len()
    }

    /// Large trees packed for so many rows that it takes less time than it saves.
    fn packed_for(&self, n_rows: usize) -> Option<Packed> {
        let n_nodes: usize = self.trees.iter().map(Tree::n_nodes).sum();
        let pays = n_nodes < N_NODES_PER_ROW * n_rows * self.trees.len();
        (pays && self.is_large()).then(|| Packed::of(&self.trees))?
    }

    fn sum_of(&self, row: &[f32]) -> f64 {
        if let Some(packed) = self.trees.packed() {
            return packed.sum_of(row);
        }
        let mut sum = 0.0;
        for trees in self.trees.chunks(N_TREES_AT_ONCE) {
            let values = values_of(trees, row);
            for value in &values[..trees.len()] {
                sum += f64::from(*value);
            }
        }
        sum
    }

    /// As [`Ensemble::predict`], of the rows of a table on whose bins all trees were grown and that holds no infinite
    /// value: to the bit what their values would be given.
    #[must_use]
    pub fn predict_binned(&self, table: &Binned) -> Vec<f64> {
        self.of_binned(table, |x| self.predict(x))
    }

    /// As [`Ensemble::scores`], of such rows.
    #[must_use]
    pub fn scores_of_binned(&self, table: &Binned) -> Vec<f64> {
        self.of_binned(table, |x| self.scores(x))
    }

    fn of_binned(&self, table: &Binned, says: impl Fn(&Columns) -> Vec<f64>) -> Vec<f64> {
        let n_rows = table.n_rows();
        let firsts = (0..n_rows).step_by(N_ROWS_OF_BINS);
        firsts
            .flat_map(|first| {
                let rows = first..n_rows.min(first + N_ROWS_OF_BINS);
                let columns = table.stand_ins(rows.clone());
                says(&Columns::new(
                    columns.iter().map(Vec::as_slice).collect(),
                    rows.len(),
                ))
            })
            .collect()
    }
}

/// What is said of each row for itself.
fn each_row(x: &Columns, sums: &mut [f64], says: impl Fn(&[f32]) -> f64 + Sync) {
    each_block(x, N_ROWS_ALONE, sums, |rows, sums| {
        for (row, sum) in rows.iter().zip(sums) {
            *sum = says(row);
        }
    });
}

/// Rows that are visited together: they and a tree share the processor's caches.
pub(crate) const BLOCK_ROWS: usize = 256;

/// Adds what each tree says of each row to the row's sum.
pub(crate) fn add_trees(trees: &[Tree], x: &Columns, sums: &mut [f64]) {
    each_block(x, BLOCK_ROWS, sums, |rows, sums| {
        for tree in trees {
            for (row, sum) in rows.iter().zip(&mut *sums) {
                *sum += f64::from(tree.value_of(row));
            }
        }
    });
}

/// A few whole rows of a table, side by side.
pub(crate) struct Rows {
    n_rows: usize,
    n_columns: usize,
    values: Vec<f32>,
}

impl Rows {
    fn gather(x: &Columns, first: usize, n_rows: usize) -> Self {
        let n_columns = x.n_columns();
        let mut values = vec![0.0; n_rows * n_columns];
        for column_idx in 0..n_columns {
            let column = &x.column(column_idx)[first..first + n_rows];
            for (row_idx, &value) in column.iter().enumerate() {
                values[row_idx * n_columns + column_idx] = value;
            }
        }
        Self {
            n_rows,
            n_columns,
            values,
        }
    }

    /// The rows in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[f32]> {
        (0..self.n_rows).map(|row_idx| &self.values[row_idx * self.n_columns..][..self.n_columns])
    }
}

/// Hands blocks of at most `block_rows` rows to many threads, each with its part of `results`
/// (`results.len() / x.n_rows()` items for each row).
pub(crate) fn each_block<T: Send>(
    x: &Columns,
    block_rows: usize,
    results: &mut [T],
    work: impl Fn(&Rows, &mut [T]) + Sync,
) {
    let n_per_row = results.len().checked_div(x.n_rows()).unwrap_or(0);
    if n_per_row == 0 {
        return;
    }
    // One row of a service must not wait for threads that are busy with somebody's batch.
    if x.n_rows() <= block_rows {
        return work(&Rows::gather(x, 0, x.n_rows()), results);
    }
    let blocks = results.par_chunks_mut(block_rows * n_per_row).enumerate();
    blocks.for_each(|(block_idx, results)| {
        let rows = Rows::gather(x, block_idx * block_rows, results.len() / n_per_row);
        work(&rows, results);
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::ensemble::LEAF;
    use super::super::oracle;
    use super::*;

    fn stump(missing_left: bool) -> Tree {
        Tree {
            feature: vec![0, LEAF, LEAF],
            threshold: vec![2.0, 0.0, 0.0],
            missing_left: vec![missing_left, false, false],
            left: vec![1, 0, 0],
            value: vec![0.0, -1.0, 1.0],
            cover: vec![2.0, 1.0, 1.0],
            sets: vec![],
        }
    }

    #[test]
    fn the_threshold_itself_goes_left_and_missing_goes_where_it_was_told() {
        for missing_left in [true, false] {
            let tree = stump(missing_left);
            assert_eq!(tree.value_of(&[2.0]), -1.0);
            assert_eq!(tree.value_of(&[2.0_f32.next_up()]), 1.0);
            assert_eq!(tree.value_of(&[f32::NEG_INFINITY]), -1.0);
            assert_eq!(tree.value_of(&[f32::INFINITY]), 1.0);
            assert_eq!(
                tree.value_of(&[f32::NAN]),
                if missing_left { -1.0 } else { 1.0 }
            );
        }
    }

    #[test]
    fn base_and_scale_frame_the_sum() {
        let trees = vec![stump(true), stump(true), stump(false)];
        let ensemble = Ensemble {
            base: 10.0,
            scale: 0.5,
            link: Link::Identity,
            trees: trees.into(),
        };
        assert_eq!(ensemble.predict_row(&[5.0]), 11.5);
        assert_eq!(ensemble.predict_row(&[f32::NAN]), 9.5);
    }

    #[test]
    fn trees_are_summed_in_their_order() {
        let leaf = |value| {
            let mut leaf = Tree::default();
            leaf.push_leaf(value, 1.0);
            leaf
        };
        // In this order the 1 is lost, in others it is not.
        let trees = vec![leaf(1.0), leaf(1e17), leaf(-1e17)];
        let ensemble = Ensemble {
            base: 0.0,
            scale: 1.0,
            link: Link::Identity,
            trees: trees.into(),
        };
        assert_eq!(ensemble.predict_row(&[]), 0.0);
        assert_eq!(ensemble.predict(&Columns::new(vec![], 1)), [0.0]);
    }

    #[test]
    fn tables_without_rows_columns_or_trees_are_answered() {
        let none = Ensemble {
            base: 3.0,
            scale: 1.0,
            link: Link::Identity,
            trees: vec![].into(),
        };
        assert_eq!(none.predict(&Columns::new(vec![], 2)), [3.0, 3.0]);
        assert_eq!(none.predict(&Columns::new(vec![&[]], 0)), [0.0; 0]);
        let mut leaf = Tree::default();
        leaf.push_leaf(4.0, 1.0);
        let constant = Ensemble {
            base: 3.0,
            scale: 1.0,
            link: Link::Identity,
            trees: vec![leaf].into(),
        };
        assert_eq!(constant.predict(&Columns::new(vec![], 2)), [7.0, 7.0]);
        assert_eq!(constant.predict_row(&[]), 7.0);
    }

    proptest! {
        #[test]
        fn a_batch_is_its_single_rows_bit_for_bit(
            ensemble in oracle::an_ensemble(4),
            rows in proptest::collection::vec(oracle::a_row(4), 1..600),
            link in prop_oneof![
                Just(Link::Identity),
                Just(Link::Log),
                Just(Link::Log1p { factor: 1.1 }),
                Just(Link::Sqrt { spread: 3.0 }),
            ],
        ) {
            let ensemble = Ensemble { link, ..ensemble };
            let table = oracle::columns_of(&rows, 4);
            let x = Columns::new(table.iter().map(Vec::as_slice).collect(), rows.len());
            let batch = ensemble.predict(&x);
            for (row, prediction) in rows.iter().zip(&batch) {
                prop_assert_eq!(ensemble.predict_row(row).to_bits(), prediction.to_bits());
            }
            for (score, prediction) in ensemble.scores(&x).iter().zip(&batch) {
                prop_assert_eq!(link.prediction(*score).to_bits(), prediction.to_bits());
            }
        }
    }
}
