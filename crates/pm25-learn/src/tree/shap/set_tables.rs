//! What sets of one and two features say, for every place that they can have: filled once, from all leaves.
//!
//! Not a table a tree: only the sums over the trees are wanted.
//!
//! A leaf says the same in a rectangle of places (those that pass its path). It is added at the rectangle's corners,
//! and when all leaves are in, sums along both directions spread the corners over the rectangles:
//!
//! ```text
//! + . . - .        + + + . .
//! . . . . .   →    + + + . .        places of f downwards, of g to the right; the last is that of missing values,
//! - . . + .        . . . . .        a leaf that they reach has a rectangle there too
//! ```

use rayon::prelude::*;

use super::super::codes::FeatureCodes;
use super::super::ensemble::Tree;
use super::subsets::{N_FEATURES_MAX, Set};

/// Numbers in all tables together: 32 MiB.
const N_NUMBERS_MAX: usize = 1 << 22;

/// Trees whose leaves are listed at a time.
const N_TREES_AT_ONCE: usize = 4;

/// One table for no feature, one for each feature, one for each pair.
pub(super) struct SetTables {
    tables: Vec<Table>,
    /// Position in `tables` by set; unused for larger sets.
    of_set: Vec<usize>,
}

/// Rows are places of `down`, columns places of `across`; a missing feature has one place.
struct Table {
    down: Option<usize>,
    across: Option<usize>,
    n_across: usize,
    numbers: Vec<f64>,
}

/// The places that pass a leaf's path: from one up to and including another, and perhaps the missing values.
#[derive(Clone, Copy)]
struct Span {
    from: u16,
    to: u16,
    missing: bool,
    share: f64,
}

/// A leaf's span for each feature; the same for features that are not there.
#[derive(Clone, Copy)]
struct LeafSpans {
    value: f64,
    spans: [Span; N_FEATURES_MAX],
}

impl SetTables {
    /// None if the tables are too large.
    pub(super) fn of(trees: &[&Tree], features: &[usize], codes: &[FeatureCodes]) -> Option<Self> {
        let n = features.len();
        let mut keys = vec![(None, None)];
        keys.extend((0..n).map(|f| (Some(f), None)));
        keys.extend((0..n).flat_map(|f| (f + 1..n).map(move |g| (Some(f), Some(g)))));
        let n_places = |feature: Option<usize>| feature.map_or(1, |f| codes[f].n_codes());
        let sizes = keys.iter().map(|&(f, g)| n_places(f) * n_places(g));
        if N_NUMBERS_MAX < sizes.sum::<usize>() {
            return None;
        }
        let mut of_set = vec![0; 1 << n];
        for (position, (f, g)) in keys.iter().enumerate() {
            let bit = |feature: &Option<usize>| feature.map_or(0, |f| 1 << f);
            of_set[bit(f) | bit(g)] = position;
        }
        let empty = |(down, across)| Table {
            down,
            across,
            n_across: n_places(across),
            numbers: vec![0.0; n_places(down) * n_places(across)],
        };
        let mut tables: Vec<Table> = keys.into_iter().map(empty).collect();
        for trees in trees.chunks(N_TREES_AT_ONCE) {
            let leaves = trees.par_iter().map(|tree| spans_of(tree, features, codes));
            let leaves: Vec<Vec<LeafSpans>> = leaves.collect();
            tables.par_iter_mut().for_each(|table| {
                leaves.iter().flatten().for_each(|leaf| table.mark(leaf, n));
            });
        }
        tables.par_iter_mut().for_each(Table::spread);
        Some(Self { tables, of_set })
    }

    /// What a set of at most two features says where they have these codes.
    pub(super) fn says(&self, set: Set, code: impl Fn(usize) -> usize) -> f64 {
        let table = &self.tables[self.of_set[set]];
        let place = |feature: Option<usize>| feature.map_or(0, &code);
        table.numbers[place(table.down) * table.n_across + place(table.across)]
    }
}

impl Table {
    fn mark(&mut self, leaf: &LeafSpans, n_features: usize) {
        let mut value = leaf.value;
        for (feature, span) in leaf.spans[..n_features].iter().enumerate() {
            if Some(feature) != self.down && Some(feature) != self.across {
                value *= span.share;
            }
        }
        let n_down = self.numbers.len() / self.n_across;
        for (top, bottom) in ranges(leaf, self.down, n_down) {
            for (left, right) in ranges(leaf, self.across, self.n_across) {
                self.mark_row(top, (left, right), value);
                self.mark_row(bottom, (left, right), -value);
            }
        }
    }

    /// Ends outside the table need no mark.
    fn mark_row(&mut self, row: usize, (left, right): (usize, usize), value: f64) {
        let Some(row) = self
            .numbers
            .get_mut(row * self.n_across..(row + 1) * self.n_across)
        else {
            return;
        };
        row[left] += value;
        if let Some(end) = row.get_mut(right) {
            *end -= value;
        }
    }

    fn spread(&mut self) {
        for row in self.numbers.chunks_exact_mut(self.n_across) {
            let mut sum = 0.0;
            for number in row {
                sum += *number;
                *number = sum;
            }
        }
        for place in self.n_across..self.numbers.len() {
            self.numbers[place] += self.numbers[place - self.n_across];
        }
    }
}

/// The one or two ranges of places of a feature, each from its first place to the one behind its last.
fn ranges(
    leaf: &LeafSpans,
    feature: Option<usize>,
    n_places: usize,
) -> impl Iterator<Item = (usize, usize)> {
    let span = feature.map(|feature| leaf.spans[feature]);
    let (numbers, missing) = match span {
        None => (Some((0, 1)), None),
        Some(span) => (
            (span.from <= span.to).then_some((span.from.into(), usize::from(span.to) + 1)),
            span.missing.then_some((n_places - 1, n_places)),
        ),
    };
    numbers.into_iter().chain(missing)
}

/// Every leaf of a tree with the places that reach it.
fn spans_of(tree: &Tree, features: &[usize], codes: &[FeatureCodes]) -> Vec<LeafSpans> {
    let mut free = [Span {
        from: 0,
        to: 0,
        missing: true,
        share: 1.0,
    }; N_FEATURES_MAX];
    for (span, codes) in free.iter_mut().zip(codes) {
        span.to = (codes.n_codes() - 2) as u16;
    }
    let mut leaves = Vec::with_capacity(tree.n_leaves());
    let mut open = vec![(0, free)];
    while let Some((node, spans)) = open.pop() {
        if tree.is_leaf(node) {
            let value = f64::from(tree.value[node]);
            leaves.push(LeafSpans { value, spans });
            continue;
        }
        let feature = usize::from(tree.feature[node]);
        let place = features
            .binary_search(&feature)
            .expect("a feature of these trees");
        let last_left = codes[place].of_threshold(tree.threshold[node]) as u16;
        let [left, right] = tree.children(node);
        let [share_left, share_right] = tree.shares(node);
        let mut to_left = spans;
        to_left[place] = Span {
            from: spans[place].from,
            to: spans[place].to.min(last_left),
            missing: spans[place].missing && tree.missing_left[node],
            share: spans[place].share * share_left,
        };
        let mut to_right = spans;
        to_right[place] = Span {
            from: to_right[place].from.max(last_left + 1),
            to: to_right[place].to,
            missing: to_right[place].missing && !tree.missing_left[node],
            share: to_right[place].share * share_right,
        };
        open.push((right, to_right));
        open.push((left, to_left));
    }
    leaves
}
