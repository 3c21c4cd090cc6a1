//! Explaining by looking up: a leaf with few slots has few masks, so what it gives for each is computed once and then
//! only added.
//!
//! Not for paths of many different features or for the largest trees: [`plan`](super::plan) sends those elsewhere.
//!
//! ```text
//! a leaf's table    mask 00  [ x3: -0.2   x0: -0.1 ]        every row of a block adds
//!                   mask 01  [ x3: +0.9   x0: -0.3 ]        the entry of its mask to its results
//!                   mask 10  [ x3: -0.4   x0: +0.6 ]
//!                   mask 11  [ x3: +1.1   x0: +1.2 ]
//! ```
//!
//! The idea of a table over the subsets of a path is that of Yang 2021 (Fast TreeSHAP, version 2).

use std::ops::Range;

use super::background::LeafAgainst;
use super::leaf_game::LeafGame;
use super::mask::{BLOCK_ROWS, Mask, Masks};
use super::path::{Paths, Step};
use crate::columns::Columns;

/// A tree with what its leaves give.
pub(super) struct LookupTree {
    paths: Paths,
    tables: Vec<LeafTable>,
}

/// What a leaf gives for a mask.
pub(super) enum Play {
    Path(LeafGame),
    Against(LeafAgainst),
}

impl Play {
    fn n_results(&self) -> usize {
        match self {
            Self::Path(game) => game.n_results(),
            Self::Against(game) => game.n_results(),
        }
    }

    fn play(&self, mask: Mask, results: &mut [f64]) {
        match self {
            Self::Path(game) => game.play(mask, results),
            Self::Against(game) => game.play(mask, results),
        }
    }
}

/// A leaf that has been prepared.
pub(super) struct LeafTable {
    /// Where in a row's results each of the leaf's results belongs.
    places: Vec<usize>,
    low_bits: Mask,
    answers: Answers,
}

enum Answers {
    /// An entry for each mask, one after the other.
    Known(Vec<f64>),
    /// Too few rows to be worth a table: played for each row. The same bits.
    Played(Play),
}

impl LookupTree {
    /// `tables` are in the order of the leaves.
    pub(super) fn new(paths: Paths, tables: Vec<LeafTable>) -> Self {
        Self { paths, tables }
    }

    /// Adds what the tree gives to `results`: `width` of each row, one row after the other.
    pub(super) fn add(&self, x: &Columns, rows: Range<usize>, results: &mut [f64], width: usize) {
        let mut masks = Masks::new(self.paths.depth);
        let blocks = results.chunks_mut(BLOCK_ROWS * width);
        for (first, results) in rows.step_by(BLOCK_ROWS).zip(blocks) {
            let n_rows = results.len() / width;
            let mut tables = self.tables.iter();
            each_leaf(&self.paths, x, first..first + n_rows, &mut masks, |masks| {
                let table = tables.next().expect("a table for each leaf");
                table.add(masks, results, width);
            });
        }
    }
}

/// Hands every leaf's masks to `visit`, in the order of the leaves. There are at most [`BLOCK_ROWS`] rows.
pub(super) fn each_leaf(
    paths: &Paths,
    x: &Columns,
    rows: Range<usize>,
    masks: &mut Masks,
    mut visit: impl FnMut(&[Mask]),
) {
    for step in &paths.steps {
        match step {
            Step::Ask(ask) => masks.descend(ask, &x.column(ask.question.feature)[rows.clone()]),
            Step::Leaf(place) => visit(&masks.at(*place)[..rows.len()]),
        }
    }
}

impl LeafTable {
    /// Prepares a leaf of `n_slots` for `n_rows` rows.
    pub(super) fn of(play: Play, places: Vec<usize>, n_slots: usize, n_rows: usize) -> Self {
        let n_masks = 1_usize << n_slots;
        let answers = if n_rows < n_masks {
            Answers::Played(play)
        } else {
            Answers::Known(all_entries(&play, n_masks))
        };
        Self {
            places,
            low_bits: (n_masks - 1) as Mask,
            answers,
        }
    }

    fn add(&self, masks: &[Mask], results: &mut [f64], width: usize) {
        match &self.answers {
            Answers::Known(entries) => self.look_up(entries, masks, results, width),
            Answers::Played(game) => {
                let mut entry = vec![0.0; self.places.len()];
                for (mask, row) in masks.iter().zip(results.chunks_exact_mut(width)) {
                    game.play(mask & self.low_bits, &mut entry);
                    add_entry(&self.places, &entry, row);
                }
            }
        }
    }

    /// With the number of results known to the compiler where it is small: it then needs no loop.
    fn look_up(&self, entries: &[f64], masks: &[Mask], results: &mut [f64], width: usize) {
        let rows = Rows {
            masks,
            low_bits: self.low_bits,
            results,
            width,
        };
        match self.places[..] {
            [] => {}
            [a] => rows.add([a], entries),
            [a, b] => rows.add([a, b], entries),
            [a, b, c] => rows.add([a, b, c], entries),
            [a, b, c, d] => rows.add([a, b, c, d], entries),
            [a, b, c, d, e] => rows.add([a, b, c, d, e], entries),
            [a, b, c, d, e, f] => rows.add([a, b, c, d, e, f], entries),
            [a, b, c, d, e, f, g] => rows.add([a, b, c, d, e, f, g], entries),
            _ => rows.add_any(&self.places, entries),
        }
    }
}

fn all_entries(play: &Play, n_masks: usize) -> Vec<f64> {
    let n_results = play.n_results();
    let mut entries = vec![0.0; n_masks * n_results];
    for mask in 0..n_masks {
        let entry = &mut entries[mask * n_results..][..n_results];
        play.play(mask as Mask, entry);
    }
    entries
}

fn add_entry(places: &[usize], entry: &[f64], row: &mut [f64]) {
    for (&place, &value) in places.iter().zip(entry) {
        row[place] += value;
    }
}

/// A block of rows at a leaf.
struct Rows<'a> {
    masks: &'a [Mask],
    low_bits: Mask,
    results: &'a mut [f64],
    width: usize,
}

impl Rows<'_> {
    fn add<const N: usize>(self, places: [usize; N], entries: &[f64]) {
        let (entries, _) = entries.as_chunks::<N>();
        let rows = self.results.chunks_exact_mut(self.width);
        for (mask, row) in self.masks.iter().zip(rows) {
            let entry = &entries[usize::from(mask & self.low_bits)];
            add_entry(&places, entry, row);
        }
    }

    fn add_any(self, places: &[usize], entries: &[f64]) {
        let n_results = places.len();
        let rows = self.results.chunks_exact_mut(self.width);
        for (mask, row) in self.masks.iter().zip(rows) {
            let entry = &entries[usize::from(mask & self.low_bits) * n_results..][..n_results];
            add_entry(places, entry, row);
        }
    }
}
