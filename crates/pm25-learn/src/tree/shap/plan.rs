//! Which way each tree goes, and how rows and threads share the work.
//!
//! Not a choice by the number of rows: a row's values must have the same bits in any table.

use rayon::prelude::*;

use super::super::ensemble::{Ensemble, Tree};
use super::super::quadrature::{self, Rule};
use super::background::{add_pairwise, leaves_against};
use super::leaf_game::{Game, LeafGame};
use super::lookup::{LeafTable, LookupTree, Play};
use super::mask::{BLOCK_ROWS, SLOTS_MAX};
use super::path::{Leaf, Paths, table_entries};
use super::subsets::Subsets;
use super::walk::{Fixed, Known, Walk};
use crate::columns::Columns;

/// Numbers in the tables of one tree: 4 MiB, a share of a processor's outer cache.
const TREE_NUMBERS_MAX: usize = 1 << 19;
/// Numbers in the tables that are held at a time: 16 MiB.
const GROUP_NUMBERS_MAX: usize = 1 << 21;
/// Results that are held at a time: 32 MiB.
const RESULTS_MAX: usize = 1 << 22;
/// Rows for which a tree's tables are built at most and at least.
const SLAB_ROWS: [usize; 2] = [1024, 1 << 14];

/// What is asked about each row.
#[derive(Clone, Copy)]
pub(super) enum Wanted<'a> {
    /// A value for each feature.
    Values,
    /// A value for each feature, then one for each pair (0, 1), (0, 2), …, (1, 2), ….
    ValuesAndPairs,
    /// A value for each feature against a background.
    Against(&'a Columns<'a>),
}

/// The trees, sorted by the way they go; each kind in the order of the ensemble.
pub(super) struct Plan<'a> {
    /// With the numbers in their tables.
    lookup: Vec<(&'a Tree, usize)>,
    subsets: Option<Subsets<'a>>,
    walk: Vec<&'a Tree>,
}

impl<'a> Plan<'a> {
    pub(super) fn of(ensemble: &'a Ensemble) -> Self {
        let mut plan = Self::without_subsets(ensemble);
        // Tables for all trees pay from the first tree on that is too large for its own.
        if !plan.walk.is_empty() {
            plan.subsets = Subsets::of(&plan.walk);
        }
        if plan.subsets.is_some() {
            plan.walk.clear();
        }
        plan
    }

    pub(super) fn without_subsets(ensemble: &'a Ensemble) -> Self {
        let mut plan = Self {
            lookup: Vec::new(),
            subsets: None,
            walk: Vec::new(),
        };
        for tree in &ensemble.trees {
            match table_entries(tree, SLOTS_MAX, TREE_NUMBERS_MAX) {
                Some(n_numbers) => plan.lookup.push((tree, n_numbers)),
                None => plan.walk.push(tree),
            }
        }
        plan
    }

    /// Every tree walked, or every tree told apart by sets if that is possible: what the ensemble's size decides
    /// otherwise.
    #[cfg(test)]
    pub(super) fn forced(ensemble: &'a Ensemble, by_sets: bool) -> Option<Self> {
        let trees: Vec<&Tree> = ensemble.trees.iter().collect();
        let subsets = if by_sets {
            Some(Subsets::of(&trees)?)
        } else {
            None
        };
        Some(Self {
            lookup: Vec::new(),
            walk: if by_sets { Vec::new() } else { trees },
            subsets,
        })
    }

    /// The unscaled results of slab after slab of rows.
    pub(super) fn each_block<E>(
        &self,
        x: &Columns,
        n_features: usize,
        wanted: Wanted,
        each: &mut dyn FnMut(usize, Vec<f64>) -> Result<(), E>,
    ) -> Result<(), E> {
        let width = match wanted {
            Wanted::ValuesAndPairs => n_features + n_features * n_features.saturating_sub(1) / 2,
            Wanted::Values | Wanted::Against(_) => n_features,
        };
        let [least, most] = SLAB_ROWS;
        let slab_rows = (RESULTS_MAX / width.max(1)).clamp(least, most);
        for first in (0..x.n_rows()).step_by(slab_rows) {
            let n_rows = slab_rows.min(x.n_rows() - first);
            let mut slab = Slab {
                x,
                first,
                n_rows,
                n_features,
                width,
                results: vec![0.0; n_rows * width],
            };
            if 0 < width {
                self.fill(&mut slab, wanted);
            }
            each(first, slab.results)?;
        }
        Ok(())
    }

    fn fill(&self, slab: &mut Slab, wanted: Wanted) {
        match wanted {
            Wanted::Values => self.look_up(slab, &[Of::Path(Game::Values)]),
            Wanted::ValuesAndPairs => {
                self.look_up(slab, &[Of::Path(Game::Values), Of::Path(Game::Pairs)]);
            }
            Wanted::Against(background) => self.look_up(slab, &[Of::Against(background)]),
        }
        if let Some(subsets) = &self.subsets {
            slab.ask_subsets(subsets);
        }
        for tree in &self.walk {
            match wanted {
                Wanted::Values => slab.walk(tree),
                Wanted::ValuesAndPairs => slab.walk_pairs(tree),
                Wanted::Against(background) => slab.walk_against(tree, background),
            }
        }
    }

    fn look_up(&self, slab: &mut Slab, games: &[Of]) {
        let mut rest = &self.lookup[..];
        while !rest.is_empty() {
            let mut numbers = 0;
            let fits = rest.iter().take_while(|(_, n)| {
                numbers += n;
                numbers <= GROUP_NUMBERS_MAX
            });
            let (group, others) = rest.split_at(fits.count().max(1));
            rest = others;
            slab.look_up(group, games);
        }
    }
}

/// A game, before a leaf is known.
#[derive(Clone, Copy)]
enum Of<'a> {
    Path(Game),
    Against(&'a Columns<'a>),
}

/// Some rows and their results.
struct Slab<'a> {
    x: &'a Columns<'a>,
    first: usize,
    n_rows: usize,
    n_features: usize,
    width: usize,
    results: Vec<f64>,
}

impl Slab<'_> {
    fn look_up(&mut self, group: &[(&Tree, usize)], games: &[Of]) {
        let rules: Vec<Rule> = (0..=SLOTS_MAX)
            .map(|n_slots| quadrature::rule(n_slots.div_ceil(2)))
            .collect();
        let jobs: Vec<_> = group
            .iter()
            .flat_map(|&(tree, _)| games.iter().map(move |game| (tree, *game)))
            .collect();
        let prepared: Vec<LookupTree> = jobs
            .into_par_iter()
            .map(|(tree, game)| self.prepare(tree, game, &rules))
            .collect();
        let chunk_rows = if self.n_rows < 16 * BLOCK_ROWS {
            BLOCK_ROWS
        } else {
            4 * BLOCK_ROWS
        };
        self.each_chunk(chunk_rows, |x, rows, results, width| {
            for tree in &prepared {
                tree.add(x, rows.clone(), results, width);
            }
        });
    }

    fn prepare(&self, tree: &Tree, game: Of, rules: &[Rule]) -> LookupTree {
        let paths = Paths::of(tree);
        let plays: Vec<Play> = match game {
            Of::Path(game) => {
                let play = |leaf: &Leaf| LeafGame::of(leaf, game, &rules[leaf.features.len()]);
                paths.leaves.iter().map(play).map(Play::Path).collect()
            }
            Of::Against(background) => {
                let plays = leaves_against(&paths, background);
                plays.into_iter().map(Play::Against).collect()
            }
        };
        let tables = paths.leaves.iter().zip(plays).map(|(leaf, play)| {
            let places = match game {
                Of::Path(Game::Pairs) => self.pair_places(&leaf.features),
                _ => leaf.features.clone(),
            };
            LeafTable::of(play, places, leaf.features.len(), self.n_rows)
        });
        let tables = tables.collect();
        LookupTree::new(paths, tables)
    }

    fn pair_places(&self, features: &[usize]) -> Vec<usize> {
        let pairs = (0..features.len()).flat_map(|a| (a + 1..features.len()).map(move |b| (a, b)));
        pairs
            .map(|(a, b)| pair_place(features[a], features[b], self.n_features))
            .collect()
    }

    fn ask_subsets(&mut self, subsets: &Subsets) {
        let rows = self.first..self.first + self.n_rows;
        subsets.add(self.x, rows, self.n_features, &mut self.results);
    }

    fn walk(&mut self, tree: &Tree) {
        let walk = Walk::of(tree);
        let n = self.n_features;
        self.each_chunk(WALK_ROWS, |x, rows, results, width| {
            let mut values = vec![0.0; rows.len() * n];
            walk.add(x, rows, None, &mut values);
            for (row, values) in results.chunks_exact_mut(width).zip(values.chunks_exact(n)) {
                add(row, values);
            }
        });
    }

    /// What i and j add together is what j adds where i is known less what it adds where i is unknown.
    fn walk_pairs(&mut self, tree: &Tree) {
        self.walk(tree);
        let walk = Walk::of(tree);
        let n = self.n_features;
        let mut features: Vec<usize> = tree.feature.iter().map(|&f| usize::from(f)).collect();
        features.sort_unstable();
        features.dedup();
        features.retain(|&feature| feature < n);
        self.each_chunk(WALK_ROWS, |x, rows, results, width| {
            for &feature in &features {
                let with = |known| {
                    let mut values = vec![0.0; rows.len() * n];
                    walk.add(x, rows.clone(), Some(Fixed { feature, known }), &mut values);
                    values
                };
                let (known, unknown) = (with(Known::Yes), with(Known::No));
                for (row_idx, row) in results.chunks_exact_mut(width).enumerate() {
                    for other in feature + 1..n {
                        let place = row_idx * n + other;
                        row[pair_place(feature, other, n)] += 0.5 * (known[place] - unknown[place]);
                    }
                }
            }
        });
    }

    fn walk_against(&mut self, tree: &Tree, background: &Columns) {
        self.each_chunk(WALK_ROWS, |x, rows, results, _| {
            add_pairwise(tree, x, rows, background, results);
        });
    }

    fn each_chunk(
        &mut self,
        chunk_rows: usize,
        work: impl Fn(&Columns, std::ops::Range<usize>, &mut [f64], usize) + Sync,
    ) {
        let (first, width) = (self.first, self.width);
        let chunks = self.results.par_chunks_mut(chunk_rows * width).enumerate();
        chunks.for_each(|(chunk_idx, results)| {
            let from = first + chunk_idx * chunk_rows;
            work(self.x, from..from + results.len() / width, results, width);
        });
    }
}

/// Rows that one thread walks at a time.
const WALK_ROWS: usize = 64;

fn add(to: &mut [f64], values: &[f64]) {
    for (sum, value) in to.iter_mut().zip(values) {
        *sum += value;
    }
}

/// Where a pair of features stands in a row's results: behind the `n` values, the pairs above the diagonal row by row.
pub(super) fn pair_place(a: usize, b: usize, n: usize) -> usize {
    let (low, high) = (a.min(b), a.max(b));
    n + low * (2 * n - low - 1) / 2 + high - low - 1
}
