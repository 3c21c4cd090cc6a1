//! The training rows between two trees: what the trees so far say of each, and what the next one shall learn.
//!
//! Not the growing of a tree. One pass over the rows, from front to back, lies between one tree and the next: it finds
//! each row's leaf and adds its value, and makes, rounds and packs the next gradients while it counts them into the
//! root's histogram. Where leaves are not made of the sums of histograms, a pass before it sums residuals by leaf.
//!
//! Sums of floating-point numbers run over blocks of fixed size in a fixed order, whatever the number of threads.

use std::sync::atomic::{AtomicU16, Ordering};

use rayon::prelude::*;

use super::assign::Assign;
use super::bins::Packed;
use super::buffers::{Buffers, Root};
use super::chance::Stream;
use super::grow::{Leaves, Plan};
use super::grown::Grown;
use super::histogram::{Histogram, Size, Sum};
use super::leaf_sums::ByLeaf;
use super::lines::Lines;
use super::objective::Objective;
use super::pass::{Done, Over, Pass, Shard, add_values, max_abs};
use super::quantise::Rounding;
use super::rows::{Chosen, Layout, Load, NOT_DRAWN, gradient};
use super::split::Steps;
use super::sums::{BLOCK, Lanes};
use super::wide::run;

/// Rows whose residuals are at hand at once.
pub(crate) const CHUNK: usize = 512;
/// Rows over which residuals are summed by leaf, if there are few leaves.
const LEAF_BLOCK: usize = 1 << 14;

/// What is to be learned of each row.
#[derive(Clone, Copy)]
pub(crate) struct Goal<'a> {
    pub(crate) objective: Objective,
    pub(crate) y: &'a [f32],
    /// How much each row counts; empty if all count once.
    pub(crate) weights: &'a [f32],
    /// The score of no tree.
    pub(crate) base: f64,
}

impl Goal<'_> {
    /// What rows carry: second derivatives only if they differ.
    pub(crate) fn load(&self) -> Load {
        if self.weights.is_empty() && !self.objective.is_curved() {
            Load::Single
        } else {
            Load::Weighted
        }
    }

    /// The goal of the rows from `first` on.
    #[inline(always)]
    pub(crate) fn from(&self, first: usize) -> Self {
        Self {
            y: &self.y[first..],
            weights: self.weights.get(first..).unwrap_or(&[]),
            ..*self
        }
    }

    fn weight(&self, row: usize) -> f64 {
        self.weights
            .get(row)
            .map_or(1.0, |&weight| f64::from(weight))
    }

    /// What the first rows want, by their sums over trees, each as much as it counts.
    #[inline(always)]
    pub(crate) fn wants(&self, sums: &[f64], wants: &mut Wants) {
        let rows = self.y.iter().zip(sums);
        if self.objective == Objective::Squared && self.weights.is_empty() {
            for (gradient, (&y, &sum)) in wants.gradients.iter_mut().zip(rows) {
                *gradient = f64::from(y) - (self.base + sum);
            }
            return;
        }
        for (row, (&y, &sum)) in rows.enumerate() {
            let weight = self.weight(row);
            let want = self.objective.want(f64::from(y), self.base + sum);
            wants.gradients[row] = weight * want.gradient;
            wants.hessians[row] = weight * want.hessian;
            wants.losses[row] = weight * want.loss;
        }
    }

    /// Adds the losses of the first `n` rows.
    #[inline(always)]
    pub(super) fn add_losses(&self, lanes: &mut Lanes, wants: &Wants, n: usize) {
        if self.objective == Objective::Squared && self.weights.is_empty() {
            lanes.add(&wants.gradients[..n], |residual| residual * residual);
        } else {
            lanes.add(&wants.losses[..n], |loss| loss);
        }
    }
}

/// What a chunk of rows wants. With squared error and equal weights, only gradients are written.
pub(crate) struct Wants {
    pub(crate) gradients: [f64; CHUNK],
    pub(crate) hessians: [f64; CHUNK],
    losses: [f64; CHUNK],
}

impl Wants {
    pub(crate) fn new() -> Self {
        Self {
            gradients: [0.0; CHUNK],
            hessians: [0.0; CHUNK],
            losses: [0.0; CHUNK],
        }
    }
}

/// Training rows in bins, and the sums of trees.
pub(crate) struct Scores<'a> {
    pub(crate) layout: Layout,
    goal: Goal<'a>,
    weight: f64,
    table: Lines,
    buffers: Buffers<'a>,
    /// Sum over trees for each row, exactly as the finished ensemble will sum it.
    sums: Vec<f64>,
    /// The leaf of the last tree, numbered from the left; while a tree grows, what rows are told. Empty while nobody
    /// asks for more than what the leaf says.
    leaves: Vec<AtomicU16>,
    /// With squared error, no residual is larger.
    residual_max: f64,
}

/// How the next tree's rows are drawn and its gradients rounded.
pub(crate) struct Draw {
    /// Columns that it may use.
    pub(crate) chosen: Chosen,
    /// Share of rows that are drawn.
    pub(crate) subsample: f64,
    pub(crate) rows: Stream,
    pub(crate) rounding: Stream,
}

/// The last tree, as rows meet it.
#[derive(Default)]
pub(crate) struct Last {
    /// What its leaves say, from the left.
    pub(crate) values: Vec<f32>,
    /// How rows find their leaves; none if they know them.
    pub(crate) assign: Option<Assign>,
}

/// What a tree starts from.
pub(crate) struct Start {
    pub(crate) chosen: Chosen,
    pub(crate) histogram: Histogram,
    pub(crate) sum: Sum,
    /// What one step of a gradient and of a second derivative stand for.
    pub(crate) steps: Steps,
    /// The mean size of a gradient, over all rows.
    pub(crate) gradient_mean: f64,
    /// The error of the trees so far.
    pub(crate) error: f64,
}

impl<'a> Scores<'a> {
    /// Rows of which no tree has said anything yet.
    pub(crate) fn new(packed: Packed<'a>, goal: Goal<'a>) -> Self {
        let Packed {
            layout,
            table,
            columns,
        } = packed;
        let (y, base) = (goal.y, goal.base);
        let residual_max = y.par_iter().map(|&y| (f64::from(y) - base).abs());
        let weights: Vec<f64> = (0..goal.weights.len())
            .map(|row| goal.weight(row))
            .collect();
        let buffers = Buffers::new(layout, y.len(), columns);
        let mut leaves = Vec::new();
        if buffers.know_rows() {
            leaves.resize_with(y.len(), AtomicU16::default);
        }
        Self {
            residual_max: residual_max.reduce(|| 0.0, f64::max),
            buffers,
            sums: vec![0.0; y.len()],
            leaves,
            weight: match goal.weights {
                [] => y.len() as f64,
                _ => super::sums::sum_of(&weights, |weight| weight),
            },
            layout,
            goal,
            table,
        }
    }

    /// Number of rows.
    pub(crate) fn n_rows(&self) -> usize {
        self.goal.y.len()
    }

    /// What a histogram of all rows must hold.
    pub(crate) fn size(&self, chosen: &Chosen) -> Size {
        Size {
            load: self.layout.load,
            n_features: chosen.features.len(),
            n_drawn: self.goal.y.len(),
        }
    }

    /// Rows of a shard: whole blocks, and a few shards a thread if there are rows enough.
    fn shard_rows(&self) -> usize {
        let n_shards = 2 * rayon::current_num_threads();
        let n_blocks = self.goal.y.len().div_ceil(BLOCK);
        if n_blocks < 4 * n_shards {
            return n_blocks.max(1) * BLOCK;
        }
        n_blocks.div_ceil(n_shards) * BLOCK
    }

    /// Adds the last tree, and prepares the next. If chance would leave out every row, all are drawn.
    pub(crate) fn start(&mut self, last: &Last, draw: Draw) -> Start {
        let [rows, rounding] = [draw.rows, draw.rounding];
        let start = self.start_if_any(last, draw);
        if 0 < start.sum.weight || self.goal.y.is_empty() {
            return start;
        }
        let all = Draw {
            chosen: start.chosen,
            subsample: 1.0,
            rows,
            rounding,
        };
        self.start_if_any(&Last::default(), all)
    }

    fn start_if_any(&mut self, last: &Last, draw: Draw) -> Start {
        let values = last.values.iter().map(|&value| f64::from(value));
        let values: Vec<f64> = values.collect();
        let largest = max_abs(&values);
        let objective = self.goal.objective;
        let known = objective.gradient_max(self.residual_max + largest);
        let (values, [gradient_max, hessian_max]) = match (known, self.layout.load) {
            (Some(gradient_max), Load::Single) => (values, [gradient_max, 0.0]),
            _ => (Vec::new(), self.measure(&values)),
        };
        let pass = Pass {
            size: self.size(&draw.chosen),
            values,
            assign: last.assign.as_ref(),
            gradients: Rounding::new(gradient_max, draw.rounding),
            // These have no sign, and so one bit more.
            hessians: Rounding::new(hessian_max / 2.0, draw.rounding.child(1)),
            drawn: draw.rows,
            drawn_below: (draw.subsample * 65_536.0).ceil() as u32,
            chosen: draw.chosen,
        };
        let done = self.pass_over(&pass);
        self.residual_max = done
            .iter()
            .fold(0.0, |max, done| max.max(done.gradient_max));
        let over_all = |of: fn(&Done) -> &[f64]| {
            let sums: Vec<f64> = done
                .iter()
                .flat_map(|done| of(done).iter().copied())
                .collect();
            super::sums::in_order(&sums)
        };
        let losses = over_all(|done| &done.losses);
        let gradient_mean = over_all(|done| &done.sizes) / self.n_rows().max(1) as f64;
        let mut histogram = Histogram::new(pass.size);
        done.iter()
            .for_each(|done| histogram.merge(&done.histogram));
        let weight_step = match self.layout.load {
            Load::Weighted => pass.hessians.step(),
            Load::Single | Load::Counted => 1.0,
        };
        Start {
            sum: self.total(&histogram, &pass.chosen),
            chosen: pass.chosen,
            histogram,
            steps: Steps {
                gradient: pass.gradients.step(),
                weight: weight_step,
            },
            gradient_mean,
            error: objective.error(losses, self.weight),
        }
    }

    /// Goes over all shards, and lists the rows of each that were drawn.
    fn pass_over(&mut self, pass: &Pass) -> Vec<Done> {
        let n_rows = self.shard_rows();
        let (goal, n_words) = (self.goal, self.layout.n_words);
        let n_shards = goal.y.len().div_ceil(n_rows);
        let tables = self.table.par_chunks_mut(n_rows * n_words);
        let leaves: Vec<&mut [AtomicU16]> = match &mut self.leaves[..] {
            [] => (0..n_shards).map(|_| &mut [][..]).collect(),
            leaves => leaves.chunks_mut(n_rows).collect(),
        };
        let shards = (
            tables,
            self.sums.par_chunks_mut(n_rows),
            leaves,
            self.buffers.lists(n_rows, n_shards),
        );
        let done = shards.into_par_iter().enumerate();
        let done: Vec<Done> = done
            .map(|(shard, (table, sums, leaves, list))| {
                let first = shard * n_rows;
                let goal = goal.from(first);
                let shard = Shard {
                    sums,
                    leaves,
                    list,
                    goal,
                };
                run(Over {
                    pass,
                    first,
                    table,
                    shard,
                })
            })
            .collect();
        let n_drawn = done.iter().map(|done| done.listed.left);
        self.buffers.listed(n_drawn.collect());
        done
    }

    /// Adds the last tree's values where rows know their leaves, and finds the largest gradient and second derivative.
    fn measure(&mut self, values: &[f64]) -> [f64; 2] {
        self.keep_leaves();
        let goal = self.goal;
        let chunks = self
            .sums
            .par_chunks_mut(CHUNK)
            .zip(self.leaves.par_chunks_mut(CHUNK));
        let largest = chunks.enumerate().map(|(chunk, (sums, leaves))| {
            let mut wants = Wants::new();
            add_values(values, sums, leaves);
            goal.from(chunk * CHUNK).wants(sums, &mut wants);
            // Elsewhere these are 0, and with squared error and equal weights nobody measures.
            [max_abs(&wants.gradients), max_abs(&wants.hessians)]
        });
        largest.reduce(|| [0.0; 2], |a, b| [a[0].max(b[0]), a[1].max(b[1])])
    }

    /// The sum over all rows drawn.
    fn total(&self, histogram: &Histogram, chosen: &Chosen) -> Sum {
        if !chosen.features.is_empty() {
            return histogram.total(0);
        }
        let firsts = self
            .table
            .chunks_exact(self.layout.n_words)
            .map(|row| row[0]);
        let drawn = firsts.filter(|&first| gradient(first) != NOT_DRAWN);
        drawn.fold(Sum::default(), |sum, first| {
            sum + super::histogram::sum_of_row(self.layout.load, first)
        })
    }

    /// Grows the next tree. The plan need not say what is done with leaves.
    pub(crate) fn grow<'p>(&'p mut self, plan: Plan<'p>, histogram: Histogram, sum: Sum) -> Grown {
        let root = Root {
            layout: self.layout,
            table: &self.table,
            n_shard: self.shard_rows(),
            size: self.size(plan.chosen),
            histogram,
            sum,
        };
        let leaves = if self.is_numbered(plan.max_leaves) {
            Leaves::Numbered(&self.leaves)
        } else {
            Leaves::Silent
        };
        self.buffers.grow(&Plan { leaves, ..plan }, root)
    }

    /// Whether rows are told where they are while a tree grows: if that can be done, and 15 bits number all nodes that
    /// there may be.
    pub(crate) fn is_numbered(&self, max_leaves: Option<usize>) -> bool {
        self.buffers.know_rows() && max_leaves.is_some_and(|max_leaves| max_leaves <= 1 << 14)
    }

    /// Room for a leaf of each row.
    fn keep_leaves(&mut self) {
        self.leaves.resize_with(self.n_rows(), AtomicU16::default);
    }

    /// Finds each row's leaf.
    fn assign(&mut self, assign: &Assign) {
        self.keep_leaves();
        let layout = self.layout;
        let chunks = self.leaves.par_chunks_mut(BLOCK);
        let chunks = chunks.zip(self.table.par_chunks(BLOCK * layout.n_words));
        chunks.for_each(|(leaves, table)| assign.fill(&layout, table, leaves, &mut [false; BLOCK]));
    }

    /// Finds each row's leaf, and sums gradients and second derivatives of the rows drawn by leaf. With squared error
    /// and equal weights the latter stay 0.
    pub(crate) fn sum_by_leaf(&mut self, assign: &Assign, n_leaves: usize) -> Vec<[f64; 2]> {
        self.keep_leaves();
        let (layout, goal) = (self.layout, self.goal);
        let n_rows = LEAF_BLOCK.max((32 * n_leaves).next_power_of_two());
        let blocks = (
            self.leaves.par_chunks_mut(n_rows),
            self.table.par_chunks(n_rows * layout.n_words),
            self.sums.par_chunks(n_rows),
        );
        let blocks = blocks.into_par_iter().enumerate();
        let blocks = blocks.map(|(block, (leaves, table, sums))| {
            let goal = goal.from(block * n_rows);
            let block = ByLeaf {
                goal,
                layout,
                assign,
                n_leaves,
                leaves,
                table,
                sums,
            };
            block.sum()
        });
        let blocks: Vec<Vec<[f64; 2]>> = blocks.collect();
        let mut totals = vec![[0.0; 2]; n_leaves];
        for block in blocks {
            for (total, sum) in totals.iter_mut().zip(block) {
                *total = [total[0] + sum[0], total[1] + sum[1]];
            }
        }
        totals
    }

    /// Finds each row's leaf, and the constant that serves the residuals of a leaf's drawn rows best.
    pub(crate) fn centre_by_leaf(
        &mut self,
        assign: &Assign,
        n_leaves: usize,
        share: f64,
    ) -> Vec<f64> {
        self.assign(assign);
        let goal = self.goal;
        let mut by_leaf: Vec<Vec<(f64, f64)>> = vec![Vec::new(); n_leaves];
        let rows = self
            .leaves
            .iter()
            .zip(self.table.chunks_exact(self.layout.n_words));
        for (row, ((leaf, words), &sum)) in rows.zip(&self.sums).enumerate() {
            if gradient(words[0]) != NOT_DRAWN {
                let residual = f64::from(goal.y[row]) - (goal.base + sum);
                by_leaf[usize::from(leaf.load(Ordering::Relaxed))]
                    .push((residual, goal.weight(row)));
            }
        }
        let leaves = by_leaf.par_iter_mut();
        leaves
            .map(|pairs| goal.objective.centre(pairs, share))
            .collect()
    }
}
