//! An ensemble rearranged for many rows.
//!
//! Not another model: the same leaves are summed in the same order, so a row's prediction has the same bits.

use rayon::prelude::*;

use super::codes::FeatureCodes;
use super::ensemble::Tree;
use super::leaf_bits::{BLOCK_ROWS, BitTree, LeafBits};
use super::lockstep::StepTree;
use crate::columns::Columns;

/// From this many rows on, rearranging costs less than it saves.
pub(crate) const N_ROWS_MIN: usize = 4096;

/// Trees in the order in which they are summed.
pub(crate) struct Compiled<'a> {
    trees: Vec<Form<'a>>,
    codes: Option<Vec<FeatureCodes>>,
    n_features: usize,
}

enum Form<'a> {
    Bits(BitTree),
    Steps(StepTree<'a>),
}

/// What a thread needs for a block of rows, used again for the next.
struct Scratch {
    codes: Vec<u16>,
    rows: Vec<f32>,
    possible: Box<[LeafBits; BLOCK_ROWS]>,
}

impl<'a> Compiled<'a> {
    pub(crate) fn of(trees: &'a [Tree], n_features: usize) -> Self {
        let small: Vec<&Tree> = trees
            .iter()
            .filter(|tree| tree.n_nodes() < 2 * LeafBits::BITS as usize)
            .collect();
        let codes = FeatureCodes::of(&small, n_features);
        let form = |tree: &'a Tree| {
            let bits = codes.as_ref().and_then(|codes| BitTree::of(tree, codes));
            bits.map_or_else(|| Form::Steps(StepTree::of(tree)), Form::Bits)
        };
        Self {
            trees: trees.par_iter().map(form).collect(),
            codes,
            n_features,
        }
    }

    /// Adds what each tree says of each row to the row's sum.
    pub(crate) fn add(&self, x: &Columns, sums: &mut [f64]) {
        let blocks = sums.par_chunks_mut(BLOCK_ROWS).enumerate();
        blocks.for_each_init(
            || self.scratch(),
            |scratch, (block_idx, sums)| self.add_block(x, block_idx * BLOCK_ROWS, scratch, sums),
        );
    }

    fn scratch(&self) -> Scratch {
        Scratch {
            codes: vec![0; self.n_features * BLOCK_ROWS],
            rows: vec![0.0; self.n_features * BLOCK_ROWS],
            possible: Box::new([LeafBits::MAX; BLOCK_ROWS]),
        }
    }

    fn add_block(&self, x: &Columns, first: usize, scratch: &mut Scratch, sums: &mut [f64]) {
        self.fill(x, first..first + sums.len(), scratch);
        let rows = &scratch.rows[..sums.len() * self.n_features];
        for tree in &self.trees {
            match tree {
                Form::Bits(tree) => tree.add(&scratch.codes, &mut scratch.possible, sums),
                Form::Steps(tree) => tree.add(rows, self.n_features, sums),
            }
        }
    }

    /// Codes and rows of a block, as far as some tree wants them.
    fn fill(&self, x: &Columns, rows: std::ops::Range<usize>, scratch: &mut Scratch) {
        if let Some(features) = &self.codes {
            let blocks = scratch.codes.chunks_exact_mut(BLOCK_ROWS);
            for ((feature, codes), block) in features.iter().enumerate().zip(blocks) {
                codes.number(&x.column(feature)[rows.clone()], &mut block[..rows.len()]);
            }
        }
        if self.trees.iter().any(|tree| matches!(tree, Form::Steps(_))) {
            for feature in 0..self.n_features {
                let values = &x.column(feature)[rows.clone()];
                let places = scratch
                    .rows
                    .iter_mut()
                    .skip(feature)
                    .step_by(self.n_features);
                places
                    .zip(values)
                    .for_each(|(place, value)| *place = *value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::oracle;
    use super::*;

    /// Adds by each of the two forms, whatever the number of rows.
    fn sums(trees: &[Tree], x: &Columns, steps_only: bool) -> Vec<u64> {
        let mut compiled = Compiled::of(trees, x.n_columns());
        if steps_only {
            compiled.trees = trees
                .iter()
                .map(|tree| Form::Steps(StepTree::of(tree)))
                .collect();
        }
        let mut sums = vec![0.0; x.n_rows()];
        compiled.add(x, &mut sums);
        sums.iter().map(|sum| sum.to_bits()).collect()
    }

    proptest! {
        #[test]
        fn both_forms_say_what_walking_says(
            ensemble in oracle::an_ensemble(9),
            rows in proptest::collection::vec(oracle::a_row(9), 1..1100),
        ) {
            let table = oracle::columns_of(&rows, 9);
            let x = Columns::new(table.iter().map(Vec::as_slice).collect(), rows.len());
            let walked: Vec<u64> = rows
                .iter()
                .map(|row| ensemble.trees.iter().fold(0.0, |sum, tree| sum + f64::from(tree.value_of(row))))
                .map(f64::to_bits)
                .collect();
            prop_assert_eq!(&sums(&ensemble.trees, &x, false), &walked);
            prop_assert_eq!(&sums(&ensemble.trees, &x, true), &walked);
        }
    }

    #[test]
    fn too_many_thresholds_or_leaves_are_walked() {
        let stumps: Vec<Tree> = (0..600_u16)
            .map(|i| oracle::stump(0, f32::from(i)))
            .collect();
        let values: Vec<f32> = (0..5000_u16).map(|i| f32::from(i) / 8.0).collect();
        let x = Columns::new(vec![&values], values.len());
        let compiled = Compiled::of(&stumps, 1);
        assert!(compiled.codes.is_none());
        let mut sums = vec![0.0; values.len()];
        compiled.add(&x, &mut sums);
        for (x, sum) in values.iter().zip(sums) {
            let above = stumps
                .iter()
                .filter(|stump| stump.threshold[0] < *x)
                .count() as f64;
            assert_eq!(sum, 2.0 * above - 600.0);
        }
    }
}
