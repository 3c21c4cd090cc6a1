//! Trees packed into cache lines: for rows that come one at a time.
//!
//! Not for many rows at once, which share what each has fetched: [`compiled`](super::compiled) answers those. A row that
//! comes alone finds hardly anything of a large forest in the caches, and waits for memory at nearly every node. So
//! nodes are small, those on a way down share a line of 64 bytes, and many trees are walked in turns: while one waits, the
//! others' lines are on their way.
//!
//! ```text
//! inner node   question 14 bits │ threshold's number 16 bits │ is left a leaf │ is right a leaf     a word
//!              lines from here to the children's line │ 4 bits: their word in it                    another
//! leaf         what it adds, an f32                                                                 a word
//!
//! a line       [ children of n: left, right │ children of left │ children of right │ … ]      16 words
//! ```
//!
//! Children lie side by side and in one line. A line is filled from one node downwards, level by level, as far as there
//! is room; what remains open begins other lines. The first lines of a tree are filled in the order of levels, since
//! every row needs some of them; below, all of a branch stays together.

use std::collections::VecDeque;

use rayon::prelude::*;

use super::ensemble::Tree;
use super::ranks::Ranks;
use super::wide::fetch;

/// Words in a line.
const N_WORDS: usize = 16;
/// What is left of a line is not begun with fewer words than this: two levels of a branch stay together.
const N_WORDS_TO_BEGIN: usize = 8;
/// Lines of a tree in the order of levels: four pages.
const N_TOP_LINES: usize = 256;
/// Trees that are walked in turns: enough for as many lines under way as a core can ask for.
const N_TREES_AT_ONCE: usize = 128;
/// A place with this bit is a leaf's.
const IS_LEAF: u32 = 1 << 31;
/// The bits of a node's first word that say so of its left and right child.
const LEFT_IS_LEAF: u32 = 30;
const RIGHT_IS_LEAF: u32 = 31;

/// What a processor fetches at once.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line([u32; N_WORDS]);

/// Trees in the order in which they are summed.
pub(crate) struct Packed {
    ranks: Ranks,
    trees: Vec<PackedTree>,
}

struct PackedTree {
    lines: Vec<Line>,
    /// The place of the root.
    root: u32,
}

impl Packed {
    /// None for trees that ask what [`Ranks`] do not tell, or that are too large for places of 31 bits.
    pub(crate) fn of(trees: &[Tree]) -> Option<Self> {
        let ranks = Ranks::of(trees)?;
        let packed = trees.par_iter().map(|tree| PackedTree::of(tree, &ranks));
        let trees = packed.collect::<Option<Vec<_>>>()?;
        Some(Self { ranks, trees })
    }

    /// The sum, in their order, of what the trees say of a row.
    pub(crate) fn sum_of(&self, row: &[f32]) -> f64 {
        let ranks = self.ranks.of_row(row);
        let mut sum = 0.0;
        for trees in self.trees.chunks(N_TREES_AT_ONCE) {
            let mut at = [IS_LEAF; N_TREES_AT_ONCE];
            let roots = trees.iter().map(|tree| tree.root);
            at.iter_mut().zip(roots).for_each(|(at, root)| *at = root);
            while !step(trees, &ranks, &mut at) {}
            for (tree, at) in trees.iter().zip(at) {
                sum += f64::from(tree.value(at));
            }
        }
        sum
    }
}

/// One edge down in every tree; whether all have arrived. One that has stays where it is.
fn step(trees: &[PackedTree], ranks: &[u16], at: &mut [u32; N_TREES_AT_ONCE]) -> bool {
    let mut all = IS_LEAF;
    for (tree, at) in trees.iter().zip(at) {
        let next = tree.below(*at, ranks);
        *at = if *at & IS_LEAF == 0 { next } else { *at };
        fetch(tree.line(*at));
        all &= *at;
    }
    all != 0
}

impl PackedTree {
    fn of(tree: &Tree, ranks: &Ranks) -> Option<Self> {
        let mut layout = Layout {
            tree,
            ranks,
            lines: Vec::with_capacity(tree.n_nodes() / 8 + 1),
            n_words: 0,
        };
        let root = layout.write(0);
        let mut open: VecDeque<Open> = root.into_iter().collect();
        while let Some(next) = match layout.lines.len() <= N_TOP_LINES {
            true => open.pop_front(),
            false => open.pop_back(),
        } {
            layout.fill(next, &mut open);
        }
        let mut lines = layout.lines;
        lines.shrink_to_fit();
        (lines.len() < IS_LEAF as usize / N_WORDS).then_some(Self {
            lines,
            root: if root.is_some() { 0 } else { IS_LEAF },
        })
    }

    /// The place of the child that a row with these ranks goes to. Of a leaf, some place that means nothing.
    #[inline(always)]
    fn below(&self, at: u32, ranks: &[u16]) -> u32 {
        let line = &self.line(at).0;
        let word = at as usize % N_WORDS;
        let (ask, to) = (line[word], line[(word + 1) % N_WORDS]);
        let rank =
            ranks[(ask >> 16) as usize & (super::ranks::N_QUESTIONS_MAX - 1) & (ranks.len() - 1)];
        let goes_right = u32::from(ask as u16) < u32::from(rank);
        let left_takes = 2 - (ask >> LEFT_IS_LEAF & 1);
        let (is_leaf, over) = match goes_right {
            true => (ask >> RIGHT_IS_LEAF & 1, left_takes),
            false => (ask >> LEFT_IS_LEAF & 1, 0),
        };
        let first = (at & !(N_WORDS as u32 - 1)).wrapping_add(to);
        first.wrapping_add(over) | is_leaf << 31
    }

    #[inline(always)]
    fn line(&self, at: u32) -> &Line {
        &self.lines[(at & !IS_LEAF) as usize / N_WORDS]
    }

    fn value(&self, leaf: u32) -> f32 {
        f32::from_bits(self.line(leaf).0[leaf as usize % N_WORDS])
    }
}

/// An inner node that was written, whose children were not.
#[derive(Clone, Copy)]
struct Open {
    node: usize,
    at: usize,
}

/// Lines while they are filled.
struct Layout<'a> {
    tree: &'a Tree,
    ranks: &'a Ranks,
    lines: Vec<Line>,
    /// Words written, with those that were left free.
    n_words: usize,
}

impl Layout<'_> {
    fn room(&self) -> usize {
        self.lines.len() * N_WORDS - self.n_words
    }

    /// Words that a node takes.
    fn size(&self, node: usize) -> usize {
        2 - usize::from(self.tree.is_leaf(node))
    }

    fn size_of_children(&self, node: usize) -> usize {
        self.tree
            .children(node)
            .map(|child| self.size(child))
            .iter()
            .sum()
    }

    fn put(&mut self, word: u32) {
        if self.room() == 0 {
            self.lines.push(Line([0; N_WORDS]));
        }
        self.lines[self.n_words / N_WORDS].0[self.n_words % N_WORDS] = word;
        self.n_words += 1;
    }

    /// Writes a node without its way to its children; none for a leaf, which has no children.
    fn write(&mut self, node: usize) -> Option<Open> {
        let at = self.n_words;
        if self.tree.is_leaf(node) {
            self.put(self.tree.value[node].to_bits());
            return None;
        }
        let (question, number) = self.ranks.question(self.tree, node);
        let [left, right] = self
            .tree
            .children(node)
            .map(|child| u32::from(self.tree.is_leaf(child)));
        let leaves = left << LEFT_IS_LEAF | right << RIGHT_IS_LEAF;
        self.put(leaves | question << 16 | u32::from(number));
        self.put(0);
        Some(Open { node, at })
    }

    /// Fills what is left of a line, or a new one, with what is below a node, level by level.
    fn fill(&mut self, first: Open, open: &mut VecDeque<Open>) {
        if self.room() < N_WORDS_TO_BEGIN {
            self.n_words = self.lines.len() * N_WORDS;
            self.lines.push(Line([0; N_WORDS]));
        }
        let mut near = VecDeque::from([first]);
        let mut far = Vec::new();
        while let Some(next) = near.pop_front() {
            if self.room() < self.size_of_children(next.node) {
                far.push(next);
                continue;
            }
            let to =
                (self.n_words / N_WORDS - next.at / N_WORDS) * N_WORDS + self.n_words % N_WORDS;
            self.lines[next.at / N_WORDS].0[next.at % N_WORDS + 1] = to as u32;
            for child in self.tree.children(next.node) {
                near.extend(self.write(child));
            }
        }
        open.extend(far.into_iter().rev());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::ensemble::RawSplit;
    use super::super::oracle;
    use super::super::sets::CategorySet;
    use super::*;

    fn by_hand(trees: &[Tree], row: &[f32]) -> u64 {
        let values = trees.iter().map(|tree| f64::from(tree.value_of(row)));
        values.fold(0.0, |a, b| a + b).to_bits()
    }

    /// Numbers that look random, from a seed (Knuth's MMIX constants).
    fn numbers(mut state: u64) -> impl FnMut(u64) -> u64 {
        move |below| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        }
    }

    /// A tree of many nodes: each of them has children as long as there may be more.
    fn large(n_splits: usize, seed: u64, n_thresholds: u64) -> Tree {
        let mut chance = numbers(seed);
        let mut tree = Tree::default();
        let (mut next_child, mut n_left) = (1, n_splits);
        while tree.n_nodes() < next_child {
            let is_last = tree.n_nodes() + 1 == next_child;
            if 0 < n_left && (is_last || 0 < chance(3)) {
                let split = RawSplit {
                    feature: chance(3) as u16,
                    threshold: chance(n_thresholds) as f32 / 4.0 - 10.0,
                    missing_left: chance(2) == 0,
                };
                tree.push_split(&split, next_child, 1.0);
                next_child += 2;
                n_left -= 1;
            } else {
                tree.push_leaf(chance(1 << 24) as f32, 1.0);
            }
        }
        tree
    }

    proptest! {
        #[test]
        fn a_row_hears_what_walking_says(
            ensemble in oracle::an_ensemble_of_numbers(9),
            rows in proptest::collection::vec(oracle::a_row(9), 1..40),
            odd in prop_oneof![Just(-0.0), Just(f32::INFINITY), Just(f32::NEG_INFINITY), Just(-f32::NAN)],
            at in 0..9_usize,
        ) {
            let trees = &ensemble.trees[..];
            let packed = Packed::of(trees).unwrap();
            for mut row in rows {
                prop_assert_eq!(packed.sum_of(&row).to_bits(), by_hand(trees, &row));
                row[at] = odd;
                prop_assert_eq!(packed.sum_of(&row).to_bits(), by_hand(trees, &row));
            }
        }

        #[test]
        fn large_trees_say_the_same(seed in 0..u64::MAX, n_splits in 0..20_000_usize) {
            let trees: Vec<Tree> = (0..3).map(|at| large(n_splits, seed ^ at, 90)).collect();
            let packed = Packed::of(&trees).unwrap();
            let mut chance = numbers(!seed);
            for _ in 0..50 {
                let row = [(); 3].map(|()| match chance(12) {
                    0 => f32::NAN,
                    1 => f32::INFINITY,
                    2 => f32::NEG_INFINITY,
                    _ => chance(100) as f32 / 4.0 - 10.0,
                });
                prop_assert_eq!(packed.sum_of(&row).to_bits(), by_hand(&trees, &row));
            }
        }
    }

    #[test]
    fn children_lie_in_one_line_and_little_is_left_free() {
        let tree = large(50_000, 7, 90);
        let n_words = 2 * (tree.n_nodes() - tree.n_leaves()) + tree.n_leaves();
        let packed = Packed::of(&[tree]).unwrap();
        let n_bytes = packed.trees[0].lines.len() * size_of::<Line>();
        assert!(
            n_bytes < 4 * n_words * 5 / 4,
            "{n_bytes} for {n_words} words"
        );
    }

    #[test]
    fn what_does_not_fit_is_not_packed() {
        let stumps = |n: u32| -> Vec<Tree> {
            (0..n)
                .map(|i| oracle::stump(0, f32::from_bits(1 << 29 | i << 3)))
                .collect()
        };
        let most = stumps(u32::from(u16::MAX) - 1);
        let packed = Packed::of(&most).unwrap();
        for x in [
            0.0,
            1.0,
            f32::NAN,
            most[40_000].threshold[0],
            most[65_533].threshold[0],
        ] {
            assert_eq!(packed.sum_of(&[x]).to_bits(), by_hand(&most, &[x]));
        }
        assert!(Packed::of(&stumps(u32::from(u16::MAX))).is_none());
        let mut category = oracle::stump(0, 0.0);
        category.sets = vec![CategorySet {
            node: 0,
            left: [1; 4],
        }];
        assert!(Packed::of(&[category]).is_none());
        assert_eq!(Packed::of(&[]).unwrap().sum_of(&[]), 0.0);
        let wide: Vec<Tree> = (0..8193)
            .map(|feature| oracle::stump(feature, 0.5))
            .collect();
        assert!(Packed::of(&wide).is_none());
        assert!(Packed::of(&wide[..8192]).is_some());
    }

    #[test]
    fn zeros_of_both_signs_are_one_threshold() {
        let trees = [
            oracle::stump(0, 0.0),
            oracle::stump(0, -0.0),
            oracle::stump(0, 1.0),
        ];
        let packed = Packed::of(&trees).unwrap();
        for x in [0.0, -0.0, f32::MIN_POSITIVE, -f32::MIN_POSITIVE, 1.0, 2.0] {
            assert_eq!(packed.sum_of(&[x]).to_bits(), by_hand(&trees, &[x]), "{x}");
        }
    }
}
