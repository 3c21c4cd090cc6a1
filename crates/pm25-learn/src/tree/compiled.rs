//! An ensemble rearranged for many rows.
//!
//! Not another model: the same leaves are summed in the same order, so a row's prediction has the same bits.

use rayon::prelude::*;

use super::chapter::Codes;
use super::ensemble::Tree;
use super::lockstep::StepTree;
use super::sweep::{BLOCK_ROWS, SweepTree};
use super::wide::{Work, run};
use crate::columns::Columns;

/// From this many rows on, rearranging costs less than it saves.
pub(crate) const N_ROWS_MIN: usize = 1024;

/// The most features that rows are coded for on behalf of one tree: to code for more takes longer than to walk it.
const N_CODED_PER_TREE: usize = 2;

/// Trees in the order in which they are summed.
pub(crate) struct Compiled<'a> {
    chapters: Vec<Chapter<'a>>,
    n_features: usize,
}

/// Trees for which the same codes of rows will do.
struct Chapter<'a> {
    codes: Codes,
    trees: Vec<Form<'a>>,
}

enum Form<'a> {
    Sweep(SweepTree),
    Steps(StepTree<'a>),
}

/// What a thread needs for a block of rows, used again for the next.
struct Scratch {
    /// For each feature of a chapter.
    codes: Vec<[u8; BLOCK_ROWS]>,
    /// One after the other.
    rows: Vec<f32>,
}

impl<'a> Compiled<'a> {
    pub(crate) fn of(trees: &'a [Tree], n_features: usize) -> Self {
        let chapters = in_chapters(trees).into_par_iter();
        let chapters = chapters.map(|(codes, trees)| Chapter::of(codes, trees));
        Self {
            chapters: chapters.collect(),
            n_features,
        }
    }

    /// Adds what each tree says of each row to the row's sum.
    pub(crate) fn add(&self, x: &Columns, sums: &mut [f64]) {
        let blocks = sums.par_chunks_mut(BLOCK_ROWS).enumerate();
        let scratch = || self.scratch();
        blocks.for_each_init(scratch, |scratch, (block_idx, sums)| {
            run(Block {
                compiled: self,
                x,
                first: block_idx * BLOCK_ROWS,
                scratch,
                sums,
            });
        });
    }

    fn scratch(&self) -> Scratch {
        let n_codes = self.chapters.iter().map(|chapter| chapter.codes.len());
        // One at least: what moves no row asks for a code nevertheless.
        let n_codes = n_codes.fold(1, usize::max);
        let mut trees = self.chapters.iter().flat_map(|chapter| &chapter.trees);
        let walks = trees.any(|tree| matches!(tree, Form::Steps(_)));
        Scratch {
            codes: vec![[0; BLOCK_ROWS]; n_codes],
            rows: vec![0.0; self.n_features * BLOCK_ROWS * usize::from(walks)],
        }
    }
}

/// Cuts the trees where one more would need more codes than there are.
fn in_chapters(trees: &[Tree]) -> Vec<(Codes, &[Tree])> {
    let mut chapters = Vec::new();
    let mut codes = Codes::default();
    let mut first = 0;
    for (idx, tree) in trees.iter().enumerate() {
        if SweepTree::may_be(tree) && !codes.admit(tree) {
            chapters.push((std::mem::take(&mut codes), &trees[first..idx]));
            first = idx;
            // If bytes do not even suffice for the tree alone, it is walked.
            codes.admit(tree);
        }
    }
    chapters.push((codes, &trees[first..]));
    chapters
}

impl<'a> Chapter<'a> {
    fn of(codes: Codes, trees: &'a [Tree]) -> Self {
        let walked = |tree| Form::Steps(StepTree::of(tree));
        let form = |tree| SweepTree::of(tree, &codes).map_or_else(|| walked(tree), Form::Sweep);
        let forms: Vec<Form> = trees.par_iter().map(form).collect();
        let is_swept = |form: &&Form| matches!(form, Form::Sweep(_));
        if codes.len() <= N_CODED_PER_TREE * forms.iter().filter(is_swept).count() {
            return Self {
                codes,
                trees: forms,
            };
        }
        Self {
            codes: Codes::default(),
            trees: trees.par_iter().map(walked).collect(),
        }
    }
}

/// Some rows, and all that is needed to answer them.
struct Block<'a> {
    compiled: &'a Compiled<'a>,
    x: &'a Columns<'a>,
    first: usize,
    scratch: &'a mut Scratch,
    sums: &'a mut [f64],
}

impl Work for Block<'_> {
    type Done = ();

    #[inline(always)]
    fn work(mut self) {
        self.gather();
        for chapter in &self.compiled.chapters {
            self.code(&chapter.codes);
            for tree in &chapter.trees {
                match tree {
                    Form::Sweep(tree) => tree.add(&self.scratch.codes, self.sums),
                    Form::Steps(tree) => {
                        tree.add(&self.scratch.rows, self.compiled.n_features, self.sums);
                    }
                }
            }
        }
    }
}

impl<'a> Block<'a> {
    fn column(&self, feature: usize) -> &'a [f32] {
        &self.x.column(feature)[self.first..][..self.sums.len()]
    }

    /// Puts the values of each row side by side, if some tree is walked.
    fn gather(&mut self) {
        if self.scratch.rows.is_empty() {
            return;
        }
        let n_features = self.compiled.n_features;
        for feature in 0..n_features {
            let values = self.column(feature);
            let places = self.scratch.rows.iter_mut().skip(feature);
            let places = places.step_by(n_features).zip(values);
            places.for_each(|(place, value)| *place = *value);
        }
    }

    #[inline(always)]
    fn code(&mut self, codes: &Codes) {
        for (place, (feature, codes)) in codes.iter().enumerate() {
            let values = self.column(*feature);
            codes.number(values, &mut self.scratch.codes[place][..values.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::ensemble::RawSplit;
    use super::super::oracle;
    use super::super::sets::CategorySet;
    use super::*;

    fn n_swept(compiled: &Compiled) -> usize {
        let trees = compiled.chapters.iter().flat_map(|chapter| &chapter.trees);
        trees.filter(|tree| matches!(tree, Form::Sweep(_))).count()
    }

    fn sums(compiled: &Compiled, x: &Columns) -> Vec<u64> {
        let mut sums = vec![0.0; x.n_rows()];
        compiled.add(x, &mut sums);
        sums.iter().map(|sum| sum.to_bits()).collect()
    }

    /// All trees walked, however small.
    fn walked<'a>(trees: &'a [Tree], x: &Columns) -> Compiled<'a> {
        let steps = |tree| Form::Steps(StepTree::of(tree));
        let chapter = Chapter {
            codes: Codes::default(),
            trees: trees.iter().map(steps).collect(),
        };
        Compiled {
            chapters: vec![chapter],
            n_features: x.n_columns(),
        }
    }

    fn by_hand(trees: &[Tree], rows: &[Vec<f32>]) -> Vec<u64> {
        let values = |row| trees.iter().map(move |tree| f64::from(tree.value_of(row)));
        let sums = rows.iter().map(|row| values(row).fold(0.0, |a, b| a + b));
        sums.map(f64::to_bits).collect()
    }

    proptest! {
        #[test]
        fn both_forms_say_what_walking_says(
            ensemble in oracle::an_ensemble(9),
            rows in proptest::collection::vec(oracle::a_row(9), 1..1100),
        ) {
            let table = oracle::columns_of(&rows, 9);
            let x = Columns::new(table.iter().map(Vec::as_slice).collect(), rows.len());
            // So many of each that it is worth while to code rows for them.
            let trees = [&ensemble.trees[..]; 3].concat();
            let trees = [trees.clone(), trees].concat();
            let compiled = Compiled::of(&trees, 9);
            prop_assert_eq!(n_swept(&compiled), trees.len());
            let expected = by_hand(&trees, &rows);
            prop_assert_eq!(&sums(&compiled, &x), &expected);
            prop_assert_eq!(&sums(&walked(&trees, &x), &x), &expected);
        }
    }

    #[test]
    fn with_more_thresholds_than_bytes_tell_apart_a_chapter_begins() {
        let n_stumps = 1100_u16;
        let stumps: Vec<Tree> = (0..n_stumps)
            .map(|i| oracle::stump(0, f32::from(i * 7 % n_stumps)))
            .collect();
        let rows: Vec<Vec<f32>> = (0..5000_u16).map(|i| vec![f32::from(i) / 4.0]).collect();
        let table = oracle::columns_of(&rows, 1);
        let x = Columns::new(vec![&table[0]], rows.len());
        let compiled = Compiled::of(&stumps, 1);
        let lengths = compiled.chapters.iter().map(|chapter| chapter.codes.len());
        assert_eq!(lengths.collect::<Vec<_>>(), [1; 5]);
        assert_eq!(n_swept(&compiled), stumps.len());
        assert_eq!(sums(&compiled, &x), by_hand(&stumps, &rows));
    }

    #[test]
    fn features_that_one_tree_alone_asks_about_are_not_worth_a_code() {
        let stumps: Vec<Tree> = (0..9).map(|feature| oracle::stump(feature, 0.0)).collect();
        assert_eq!(n_swept(&Compiled::of(&stumps, 9)), 9);
        let trees = [chain((0..9).map(|feature| (feature, 0.0)))];
        assert_eq!(n_swept(&Compiled::of(&trees, 9)), 0);
    }

    #[test]
    fn a_feature_of_both_numbers_and_categories_is_answered() {
        let number = oracle::stump(0, 2.0);
        let mut category = oracle::stump(0, 0.0);
        let left = [1 << 1 | 1 << 5, 0, 0, 1 << 63];
        category.sets = vec![CategorySet { node: 0, left }];
        let mut both = chain([(0, 3.0), (0, 0.0)]);
        both.sets = vec![CategorySet { node: 2, left }];
        let trees = [number.clone(), category, both, number];
        let mut rows: Vec<Vec<f32>> = (0..=300_u16).map(|i| vec![f32::from(i)]).collect();
        rows.push(vec![f32::NAN]);
        let table = oracle::columns_of(&rows, 1);
        let x = Columns::new(vec![&table[0]], rows.len());
        let compiled = Compiled::of(&trees, 1);
        assert_eq!(n_swept(&compiled), 3);
        assert_eq!(sums(&compiled, &x), by_hand(&trees, &rows));
    }

    #[test]
    fn the_largest_tree_that_is_swept_has_a_byte_of_leaves() {
        let rows: Vec<Vec<f32>> = (0..600_u16)
            .map(|i| vec![f32::from(i % 300), f32::from(i)])
            .collect();
        let table = oracle::columns_of(&rows, 2);
        let x = Columns::new(vec![&table[0], &table[1]], rows.len());
        for (n_questions, expected) in [(255, 1), (256, 0)] {
            let questions = (0..n_questions).map(|i| (i % 2, f32::from(i)));
            let trees = [chain(questions.collect::<Vec<_>>())];
            let compiled = Compiled::of(&trees, 2);
            assert_eq!(n_swept(&compiled), expected);
            assert_eq!(sums(&compiled, &x), by_hand(&trees, &rows));
        }
    }

    /// A tree whose inner nodes all have a leaf on the left: of value 0, 1, 2 and so on.
    fn chain(questions: impl IntoIterator<Item = (u16, f32)>) -> Tree {
        let mut tree = Tree::default();
        let mut n_leaves = 0_u16;
        for (feature, threshold) in questions {
            let split = RawSplit {
                feature,
                threshold,
                missing_left: n_leaves.is_multiple_of(3),
            };
            tree.push_split(&split, tree.n_nodes() + 1, 1.0);
            tree.push_leaf(n_leaves.into(), 1.0);
            n_leaves += 1;
        }
        tree.push_leaf(n_leaves.into(), 1.0);
        tree
    }
}
