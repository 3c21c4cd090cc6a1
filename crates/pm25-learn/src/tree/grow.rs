//! Grows one tree: finds the best split of a node, parts its rows, and goes on with both halves.
//!
//! Not the tree that predicts: a grown node knows its sums, a finished one only how to be asked.
//!
//! ```text
//! rows    [ a b c d e f g h i j ]         a node owns a slice of rows, or of their numbers
//! rows    [ a c d h | j i g f e b ]       and its children what it owned, cut where the rows were parted
//!           └left─┘   └──right──┘
//! ```
//!
//! The table is cut into shards, a slice of every shard belonging to a node; so many threads can part the rows of one
//! node without waiting for each other. Every sum is a whole number, so the tree depends on neither the order of
//! rows nor the number of shards or threads.

use std::borrow::Cow;
use std::collections::BinaryHeap;
use std::sync::atomic::AtomicU16;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::adding::Among;
use super::bins::Cuts;
use super::carry::{Carry, Job, Span};
use super::chance::Stream;
use super::cutting::Below;
use super::grown::{Fork, Grown, GrownNode, Open, Subtree};
use super::histogram::{Histogram, Size, Sum, sum_of_row};
use super::role::{Bounds, Role, UNBOUND};
use super::rows::{Chosen, Load};
use super::sparse::SparseSlots;
use super::split::{Rule, Searched, Split};
use super::sprout::{Stem, sprout};

/// Everything that shapes a tree but its rows.
pub(crate) struct Plan<'a> {
    pub(crate) cuts: &'a [Cuts],
    /// What columns are; empty if all are plain numbers.
    pub(crate) roles: &'a [Role],
    /// Columns that this tree may use.
    pub(crate) chosen: &'a Chosen,
    /// How many of them, drawn anew for each node, are looked at; further ones only until a split is found.
    pub(crate) n_tried: usize,
    pub(crate) rule: Rule,
    pub(crate) max_depth: usize,
    /// With a bound, the leaf with the most to gain is split first.
    pub(crate) max_leaves: Option<usize>,
    pub(crate) chance: Stream,
    pub(crate) leaves: Leaves<'a>,
}

/// What is done with the rows of a leaf: of all drawn, or of the whole table if the root is the only leaf.
#[derive(Clone, Copy)]
pub(crate) enum Leaves<'a> {
    /// Nothing. Leaves say 0, and rows are not moved to where nobody looks.
    Silent,
    /// Each named row is told one of the numbers of its leaf. Leaves say 0.
    Numbered(&'a [AtomicU16]),
    /// They make the leaf's value.
    Valued(&'a Value<'a>),
}

impl Plan<'_> {
    fn role(&self, feature: usize) -> Role {
        self.roles.get(feature).copied().unwrap_or_default()
    }
}

/// The value of a leaf from its rows, shard by shard, and their sum.
pub(crate) type Value<'a> = dyn Fn(&[&[u64]], Sum) -> f32 + Sync + 'a;

/// The root of a tree to be.
pub(crate) struct Seed<'r, I> {
    pub(crate) spans: Vec<Span<'r, I>>,
    /// The sums of all rows that were drawn.
    pub(crate) histogram: Histogram,
    pub(crate) sum: Sum,
}

/// Grows a tree. `size` tells how much histograms must hold.
pub(crate) fn grow<C: Carry>(plan: &Plan, carry: &C, size: Size, seed: Seed<C::Item>) -> Grown {
    let grower = Grower {
        plan,
        carry,
        size,
        idle: Mutex::new(Vec::new()),
        desks: Mutex::new(Vec::new()),
        n_root: seed.sum.weight.max(1) as usize,
    };
    let root = Leaf {
        spans: seed.spans,
        sum: seed.sum,
        histogram: Some(seed.histogram),
        depth: 0,
        bounds: UNBOUND,
        chance: plan.chance,
        numbers: [0, 1 << plan.max_depth.min(31)],
        split: None,
    };
    match plan.max_leaves {
        Some(max_leaves) if !reaches_almost_all(plan.max_depth, max_leaves) => {
            grower.grow_best_first(root, max_leaves)
        }
        Some(max_leaves) => Grown::choose(grower.grow_all(root), max_leaves),
        None => Grown::all(grower.grow_all(root)),
    }
}

/// Whether the bound on leaves leaves out half of what the depth allows at most. Then growing everything, depth
/// first and on all threads, and taking back what is too much costs less than going from leaf to leaf.
fn reaches_almost_all(max_depth: usize, max_leaves: usize) -> bool {
    u32::try_from(max_depth)
        .ok()
        .and_then(|depth| 1_usize.checked_shl(depth))
        .is_some_and(|n_all| n_all / 2 <= max_leaves)
}

/// Up to this many rows a node is searched feature by feature with sparse sums: clearing, subtracting and scanning
/// 256 slots a feature would cost more than visiting the rows again.
const SPARSE_ROWS_MAX: i64 = 128;

/// From how many words on the shards of a node are worth other threads.
pub(crate) const PARALLEL_WORDS_MIN: usize = 1 << 15;

/// A node with less than this share of the tree has siblings enough to keep other threads busy, and is parted alone:
/// shards have histograms of their own, which cost as much as some thousands of rows.
const PARALLEL_SHARE: usize = 8;

/// A node that may still be split.
struct Leaf<'r, I> {
    spans: Vec<Span<'r, I>>,
    sum: Sum,
    histogram: Option<Histogram>,
    depth: usize,
    bounds: Bounds,
    chance: Stream,
    /// The numbers, from the first up to but not including the second, that rows of the leaves below may be told.
    numbers: [u32; 2],
    split: Option<Split>,
}

struct Grower<'a, C> {
    plan: &'a Plan<'a>,
    carry: &'a C,
    size: Size,
    /// Histograms to be used again.
    idle: Mutex<Vec<Histogram>>,
    desks: Mutex<Vec<Box<Desk>>>,
    n_root: usize,
}

/// Room to search a node in, used again and again.
pub(crate) struct Desk {
    pub(crate) sparse: SparseSlots,
    pub(crate) below: Below,
}

impl<C: Carry> Grower<'_, C> {
    /// Depth first, so that a node's rows are still in the caches when its children's turn comes.
    fn grow_all(&self, mut leaf: Leaf<C::Item>) -> Subtree {
        if let (Leaves::Valued(value), true) = (self.plan.leaves, self.is_small(&leaf)) {
            return self.sprout(leaf, value);
        }
        self.ripen(&mut leaf);
        let (sum, depth) = (leaf.sum, leaf.depth);
        let node = GrownNode::leaf(sum, leaf.bounds, leaf.numbers);
        let Some(split) = leaf.split else {
            let value = self.value(&leaf);
            return Subtree {
                node: GrownNode { value, ..node },
                fork: None,
            };
        };
        let [left, right] = self.fork(leaf, &split);
        let is_large = depth < 6 && self.n_root < (sum.weight.max(1) as usize) << 7;
        let (left, right) = if is_large {
            rayon::join(|| self.grow_all(left), || self.grow_all(right))
        } else {
            (self.grow_all(left), self.grow_all(right))
        };
        Subtree {
            node,
            fork: Some((split, Box::new([left, right]))),
        }
    }

    /// Whether all below a leaf can be grown in place: it has few rows, in one piece that may be written to, and
    /// nothing but numbers to ask for.
    fn is_small(&self, leaf: &Leaf<C::Item>) -> bool {
        let is_one_piece = C::MOVES_ROWS && matches!(&leaf.spans[..], [Span { table: None, .. }]);
        let is_plain = self.plan.roles.is_empty() && self.plan.chosen.layout.load != Load::Weighted;
        is_one_piece && is_plain && leaf.sum.weight <= SPARSE_ROWS_MAX
    }

    fn sprout(&self, mut leaf: Leaf<C::Item>, value: &Value) -> Subtree {
        self.put_back(leaf.histogram.take());
        let mut desk = self.desk();
        let stem = Stem {
            rows: leaf
                .spans
                .pop()
                .and_then(|span| self.carry.movable(span.rows))
                .unwrap_or_default(),
            sum: leaf.sum,
            depth: leaf.depth,
            chance: leaf.chance,
        };
        let buds = sprout(self.plan, value, stem, &mut desk);
        self.leave(desk);
        let node = GrownNode::leaf(leaf.sum, leaf.bounds, leaf.numbers);
        Subtree {
            node: GrownNode { buds, ..node },
            fork: None,
        }
    }

    /// From the leaf with most to gain to the one with the next most, until there are enough.
    fn grow_best_first(&self, mut root: Leaf<C::Item>, max_leaves: usize) -> Grown {
        self.ripen(&mut root);
        root.numbers = [0, 1];
        let mut nodes = Vec::new();
        let mut open = BinaryHeap::new();
        open.extend(self.place(root, &mut nodes));
        let mut n_leaves = 1;
        while n_leaves < max_leaves {
            let Some(Open {
                mut leaf,
                split,
                node,
            }) = open.pop()
            else {
                break;
            };
            let left = nodes.len();
            nodes[node].fork = Some(Fork { split, left });
            leaf.numbers = [left as u32, left as u32 + 2];
            for mut leaf in self.fork(leaf, &split) {
                self.ripen(&mut leaf);
                open.extend(self.place(leaf, &mut nodes));
            }
            n_leaves += 1;
        }
        for Open { leaf, node, .. } in open {
            nodes[node].value = self.value(&leaf);
        }
        Grown { nodes }
    }

    /// Makes a leaf the next node; it has its value at once if it cannot be split.
    fn place<'r>(
        &self,
        leaf: Leaf<'r, C::Item>,
        nodes: &mut Vec<GrownNode>,
    ) -> Option<Open<Leaf<'r, C::Item>>> {
        let node = nodes.len();
        nodes.push(GrownNode::leaf(leaf.sum, leaf.bounds, leaf.numbers));
        let Some(split) = leaf.split else {
            nodes[node].value = self.value(&leaf);
            return None;
        };
        Some(Open { leaf, split, node })
    }

    /// Does with a leaf's rows what is to be done, and tells its value.
    fn value(&self, leaf: &Leaf<C::Item>) -> f32 {
        match self.plan.leaves {
            Leaves::Silent => 0.0,
            Leaves::Numbered(of_rows) => {
                let number = leaf.numbers[0] as u16;
                for span in &leaf.spans {
                    self.carry.tell(span.rows(), number, of_rows);
                }
                0.0
            }
            Leaves::Valued(value) => {
                let spans = leaf.spans.iter();
                let rows: Vec<Cow<[u64]>> = spans
                    .map(|span| self.carry.side_by_side(span.rows()))
                    .collect();
                let rows: Vec<&[u64]> = rows.iter().map(|rows| &**rows).collect();
                value(&rows, leaf.sum)
            }
        }
    }

    fn rows_of<'r>(&'r self, spans: &'r [Span<C::Item>]) -> impl Iterator<Item = &'r [u64]> {
        spans.iter().flat_map(|span| self.carry.rows(span.rows()))
    }

    fn n_rows_of(&self, spans: &[Span<C::Item>]) -> usize {
        let n_items: usize = spans.iter().map(|span| span.rows().len()).sum();
        n_items / self.carry.n_items()
    }

    /// Tells rows the numbers of two leaves to which they need not be moved.
    fn number_sides(
        &self,
        of_rows: &[AtomicU16],
        leaf: &Leaf<C::Item>,
        split: &Split,
        children: &[Leaf<C::Item>; 2],
    ) {
        let numbers = children.each_ref().map(|child| child.numbers[0] as u16);
        for span in &leaf.spans {
            self.carry.tell_sides(span.rows(), split, numbers, of_rows);
        }
    }

    fn may_split(&self, sum: Sum, depth: usize) -> bool {
        depth < self.plan.max_depth && self.plan.rule.may_split(sum)
    }

    /// Looks for the best split; a leaf without one gives its histogram back.
    fn ripen(&self, leaf: &mut Leaf<C::Item>) {
        if self.may_split(leaf.sum, leaf.depth) {
            let mut desk = self.desk();
            leaf.split = self.best_split(leaf, &mut desk);
            self.leave(desk);
        }
        if leaf.split.is_none() {
            self.put_back(leaf.histogram.take());
        }
    }

    fn desk(&self) -> Box<Desk> {
        let mut desks = self.desks.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            Box::new(Desk {
                sparse: SparseSlots::new(),
                below: Below::new(),
            })
        };
        desks.pop().unwrap_or_else(new)
    }

    fn leave(&self, desk: Box<Desk>) {
        let mut desks = self.desks.lock().unwrap_or_else(PoisonError::into_inner);
        desks.push(desk);
    }

    /// The best split by any of the features tried; of equal ones that of the feature tried first.
    fn best_split(&self, leaf: &Leaf<C::Item>, desk: &mut Desk) -> Option<Split> {
        let plan = self.plan;
        let mut best: Option<Split> = None;
        let order = order_to_try(plan, leaf.chance);
        let features = &plan.chosen.features;
        for n_before in 0..features.len() {
            if plan.n_tried <= n_before && best.is_some() {
                break;
            }
            let place = order.as_ref().map_or(n_before, |order| order[n_before]);
            let feature = features[place];
            let searched = Searched {
                feature,
                place,
                n_bins: plan.cuts[feature].n_bins(),
                total: leaf.sum,
                role: plan.role(feature),
                bounds: leaf.bounds,
            };
            let found = match &leaf.histogram {
                Some(histogram) => plan.rule.best_of(histogram, searched, &mut desk.below),
                None => {
                    self.fill_sparse(&mut desk.sparse, leaf, feature);
                    plan.rule
                        .best_of_sparse(&desk.sparse, searched, &mut desk.below)
                }
            };
            if best.is_none_or(|best| found.is_some_and(|found| best.gain < found.gain)) {
                best = found;
            }
        }
        best
    }

    fn fill_sparse(&self, sparse: &mut SparseSlots, leaf: &Leaf<C::Item>, feature: usize) {
        let layout = &self.plan.chosen.layout;
        let place = layout.place(feature);
        sparse.clear();
        for row in self.rows_of(&leaf.spans) {
            sparse.add(place.bin(row), sum_of_row(layout.load, row[0]));
        }
    }

    /// Parts a leaf's rows and shares out its histogram: the smaller child is summed, the larger one is what the
    /// parent has beyond that. Where nobody will look at them, rows stay where they are.
    fn fork<'r>(&self, leaf: Leaf<'r, C::Item>, split: &Split) -> [Leaf<'r, C::Item>; 2] {
        let sums = [split.left, leaf.sum - split.left];
        let depth = leaf.depth + 1;
        let may_split = sums.map(|sum| self.may_split(sum, depth));
        let [of_left, of_right] = [0, 1].map(|side| leaf.chance.child(side));
        let values = sums.map(|sum| self.plan.rule.value(sum, leaf.bounds));
        let [left, right] = self.plan.role(split.feature).share(leaf.bounds, values);
        let [first, end] = leaf.numbers;
        let middle = first + (end - first) / 2;
        let children = [
            (sums[0], of_left, left, [first, middle]),
            (sums[1], of_right, right, [middle, end]),
        ];
        let mut children = children.map(|(sum, chance, bounds, numbers)| Leaf {
            spans: Vec::new(),
            sum,
            histogram: None,
            depth,
            bounds,
            chance,
            numbers,
            split: None,
        });
        if may_split == [false; 2] && !matches!(self.plan.leaves, Leaves::Valued(_)) {
            if let Leaves::Numbered(of_rows) = self.plan.leaves {
                self.number_sides(of_rows, &leaf, split, &children);
            }
            self.put_back(leaf.histogram);
            return children;
        }
        let small = usize::from(sums[1].weight < sums[0].weight);
        let wants = [0, 1].map(|side| may_split[side] && self.is_large(&leaf, sums[side]));
        let mut of_large = leaf.histogram;
        if wants == [false; 2] {
            self.put_back(of_large.take());
        }
        // Histograms are made from the parent's; one that had none is small, and so are its children.
        let mut of_small = of_large.is_some().then(|| self.empty());
        let job = Job {
            split,
            small,
            // What has been parted once has left behind those that were not drawn.
            among: match leaf.spans[..] {
                [Span { table: Some(_), .. }, ..] => Among::All,
                _ => Among::Drawn,
            },
            is_shared: self.n_root < PARALLEL_SHARE * leaf.sum.weight.max(1) as usize,
        };
        for sides in self.part_spans(leaf.spans, &job, of_small.as_mut()) {
            for (child, span) in children.iter_mut().zip(sides) {
                child.spans.push(span);
            }
        }
        if let (Some(of_large), Some(of_small)) = (&mut of_large, &of_small) {
            of_large.subtract(of_small);
        }
        for (side, histogram) in [(small, of_small), (1 - small, of_large)] {
            if wants[side] {
                children[side].histogram = histogram;
            } else {
                self.put_back(histogram);
            }
        }
        children
    }

    /// Whether a child has so many rows that it is searched with a histogram. Weights tell nothing about their
    /// number; there the parent's decides.
    fn is_large(&self, parent: &Leaf<C::Item>, child: Sum) -> bool {
        match self.plan.chosen.layout.load {
            Load::Single | Load::Counted => SPARSE_ROWS_MAX < child.weight,
            Load::Weighted => SPARSE_ROWS_MAX < self.n_rows_of(&parent.spans) as i64,
        }
    }

    /// Parts every shard, and sums the smaller side's rows if a histogram is given.
    fn part_spans<'r>(
        &self,
        spans: Vec<Span<'r, C::Item>>,
        job: &Job,
        histogram: Option<&mut Histogram>,
    ) -> Vec<[Span<'r, C::Item>; 2]> {
        let chosen = self.plan.chosen;
        let n_words = self.n_rows_of(&spans) * chosen.layout.n_words;
        if spans.len() == 1 || n_words < PARALLEL_WORDS_MIN || !job.is_shared {
            let mut histogram = histogram;
            let one_by_one = spans.into_iter();
            return one_by_one
                .map(|span| span.part(self.carry, chosen, job, histogram.as_deref_mut()))
                .collect();
        }
        let parted = spans.into_par_iter();
        let Some(histogram) = histogram else {
            return parted
                .map(|span| span.part(self.carry, chosen, job, None))
                .collect();
        };
        let parted = parted.map(|span| {
            let mut own = self.empty();
            (span.part(self.carry, chosen, job, Some(&mut own)), own)
        });
        let (sides, parts): (Vec<_>, Vec<_>) = parted.collect();
        for part in parts {
            histogram.merge(&part);
            self.put_back(Some(part));
        }
        sides
    }

    fn empty(&self) -> Histogram {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        match idle {
            Some(mut histogram) => {
                histogram.clear();
                histogram
            }
            None => Histogram::new(self.size),
        }
    }

    fn put_back(&self, histogram: Option<Histogram>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.extend(histogram);
    }
}

/// The order in which a node looks at the tree's features: by chance, or none, which is as they are, if all count.
pub(crate) fn order_to_try(plan: &Plan, chance: Stream) -> Option<Vec<usize>> {
    let n_features = plan.chosen.features.len();
    (plan.n_tried < n_features).then(|| chance.choose(n_features, n_features))
}
