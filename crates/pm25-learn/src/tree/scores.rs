//! The training rows between two trees: what the trees so far say of each, and what the next one shall learn.
//!
//! Not the growing of a tree. Two passes over the rows, both from front to back, lie between one tree and the next:
//! one finds each row's leaf and sums residuals by leaf; one adds the leaves' values, and makes, rounds and packs the
//! next gradients while it counts them into the root's histogram.
//!
//! Sums of floating-point numbers run over blocks of fixed size in a fixed order, whatever the number of threads.

use rayon::prelude::*;

use super::assign::Assign;
use super::chance::Stream;
use super::grow::{Seed, Span};
use super::histogram::{Among, Histogram, Size, Sum};
use super::quantise::Rounding;
use super::rows::{Layout, NOT_DRAWN, gradient};
use super::sums::{BLOCK, Lanes};

/// Rows whose residuals are at hand at once.
const CHUNK: usize = 512;
/// Rows over which residuals are summed by leaf, if there are few leaves.
const LEAF_BLOCK: usize = 1 << 14;

/// Training rows in bins with targets, and the sums of trees.
pub(crate) struct Scores<'a> {
    pub(crate) layout: Layout,
    y: &'a [f32],
    base: f64,
    table: Vec<u64>,
    /// Two buffers in which trees part rows.
    buffers: [Vec<u64>; 2],
    /// Sum over trees for each row, exactly as the finished ensemble will sum it.
    sums: Vec<f64>,
    /// The leaf of the last tree, numbered from the left.
    leaves: Vec<u16>,
    /// No residual is larger.
    residual_max: f64,
}

/// How the next tree's rows are drawn and its gradients rounded.
#[derive(Clone, Copy)]
pub(crate) struct Draw {
    /// Share of rows that are drawn.
    pub(crate) subsample: f64,
    pub(crate) rows: Stream,
    pub(crate) rounding: Stream,
}

/// What a tree starts from.
pub(crate) struct Start {
    pub(crate) histogram: Histogram,
    pub(crate) sum: Sum,
    /// What one step of a gradient stands for, in units of the target.
    pub(crate) step: f64,
    /// Root of the mean squared residual of the trees so far.
    pub(crate) rmse: f64,
}

impl<'a> Scores<'a> {
    /// Rows of which no tree has said anything yet.
    pub(crate) fn new(layout: Layout, table: Vec<u64>, y: &'a [f32], base: f64) -> Self {
        let residual_max = y.par_iter().map(|&y| (f64::from(y) - base).abs());
        Self {
            residual_max: residual_max.reduce(|| 0.0, f64::max),
            buffers: [vec![0; table.len()], vec![0; table.len()]],
            sums: vec![0.0; y.len()],
            leaves: vec![0; y.len()],
            layout,
            y,
            base,
            table,
        }
    }

    /// What a histogram of all rows must hold.
    pub(crate) fn size(&self) -> Size {
        Size {
            layout: self.layout,
            n_drawn: self.y.len(),
        }
    }

    /// Rows of a shard: whole blocks, and a few shards a thread if there are rows enough.
    fn shard_rows(&self) -> usize {
        let n_shards = 2 * rayon::current_num_threads();
        let n_blocks = self.y.len().div_ceil(BLOCK);
        if n_blocks < 4 * n_shards {
            return n_blocks.max(1) * BLOCK;
        }
        n_blocks.div_ceil(n_shards) * BLOCK
    }

    /// Adds the last tree, of which leaf `i` from the left says `values[i]`, and prepares the next. If chance would
    /// leave out every row, all are drawn.
    pub(crate) fn start(&mut self, values: &[f32], draw: Draw) -> Start {
        let start = self.start_if_any(values, draw);
        if 0 < start.sum.weight || self.y.is_empty() {
            return start;
        }
        let all = Draw {
            subsample: 1.0,
            ..draw
        };
        self.start_if_any(&[], all)
    }

    fn start_if_any(&mut self, values: &[f32], draw: Draw) -> Start {
        let largest = values
            .iter()
            .fold(0.0_f32, |max, value| max.max(value.abs()));
        let rounding = Rounding::new(self.residual_max + f64::from(largest), draw.rounding);
        let step = rounding.step();
        let pass = Pass {
            layout: self.layout,
            size: self.size(),
            values: values.iter().map(|&value| f64::from(value)).collect(),
            base: self.base,
            rounding,
            drawn: draw.rows,
            drawn_below: (draw.subsample * 65_536.0).ceil() as u32,
        };
        let n_rows = self.shard_rows();
        let shards = self.table.par_chunks_mut(n_rows * self.layout.n_words);
        let rows = (
            self.sums.par_chunks_mut(n_rows),
            self.leaves.par_chunks(n_rows),
        );
        let shards = (shards, rows.0, rows.1, self.y.par_chunks(n_rows));
        let done = shards.into_par_iter().enumerate();
        let done: Vec<Done> = done
            .map(|(shard, (table, sums, leaves, y))| {
                pass.over(shard * n_rows, table, Shard { sums, leaves, y })
            })
            .collect();
        self.residual_max = done
            .iter()
            .fold(0.0, |max, done| max.max(done.residual_max));
        let squares: Vec<f64> = done
            .iter()
            .flat_map(|done| done.squares.iter().copied())
            .collect();
        let mut histogram = Histogram::new(self.size());
        done.iter()
            .for_each(|done| histogram.merge(&done.histogram));
        Start {
            sum: self.total(&histogram),
            histogram,
            step,
            rmse: (super::sums::in_order(&squares) / self.y.len().max(1) as f64).sqrt(),
        }
    }

    /// The sum over all rows drawn.
    fn total(&self, histogram: &Histogram) -> Sum {
        if 0 < self.layout.n_features() {
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

    /// The root of the next tree.
    pub(crate) fn seed(&mut self, histogram: Histogram, sum: Sum) -> Seed<'_> {
        let n_words = (self.shard_rows() * self.layout.n_words).max(1);
        let [rows, spare] = &mut self.buffers;
        let buffers = rows.chunks_mut(n_words).zip(spare.chunks_mut(n_words));
        let spans = buffers.zip(self.table.chunks(n_words));
        let spans = spans.map(|((rows, spare), table)| Span {
            table: Some(table),
            rows,
            spare,
        });
        Seed {
            spans: spans.collect(),
            histogram,
            sum,
        }
    }

    /// Finds each row's leaf, and sums the residuals of the rows drawn by leaf.
    pub(crate) fn sum_by_leaf(&mut self, assign: &Assign, n_leaves: usize) -> Vec<f64> {
        let (layout, base) = (self.layout, self.base);
        let n_rows = LEAF_BLOCK.max((32 * n_leaves).next_power_of_two());
        let blocks = (
            self.leaves.par_chunks_mut(n_rows),
            self.table.par_chunks(n_rows * layout.n_words),
            self.sums.par_chunks(n_rows),
            self.y.par_chunks(n_rows),
        );
        let of_block = |(leaves, table, sums, y): (&mut [u16], &[u64], &[f64], &[f32])| {
            // The last sum is that of rows that were not drawn.
            let mut by_leaf = vec![0.0; n_leaves + 1];
            let chunks = leaves
                .chunks_mut(CHUNK)
                .zip(table.chunks(CHUNK * layout.n_words));
            let chunks = chunks.zip(sums.chunks(CHUNK).zip(y.chunks(CHUNK)));
            for ((leaves, table), (sums, y)) in chunks {
                assign.fill(&layout, table, leaves);
                let rows = leaves.iter().zip(table.chunks_exact(layout.n_words));
                for ((&leaf, row), (&y, &sum)) in rows.zip(y.iter().zip(sums)) {
                    let is_drawn = gradient(row[0]) != NOT_DRAWN;
                    let place = if is_drawn {
                        usize::from(leaf)
                    } else {
                        n_leaves
                    };
                    by_leaf[place] += f64::from(y) - (base + sum);
                }
            }
            by_leaf
        };
        let blocks: Vec<Vec<f64>> = blocks.into_par_iter().map(of_block).collect();
        let mut totals = vec![0.0; n_leaves];
        for block in blocks {
            totals
                .iter_mut()
                .zip(block)
                .for_each(|(total, sum)| *total += sum);
        }
        totals
    }
}

/// One pass over the rows between two trees.
struct Pass {
    layout: Layout,
    size: Size,
    values: Vec<f64>,
    base: f64,
    rounding: Rounding,
    drawn: Stream,
    /// A row is drawn if its 16 bits of chance are below.
    drawn_below: u32,
}

/// One shard's part of what all rows have.
struct Shard<'a> {
    sums: &'a mut [f64],
    leaves: &'a [u16],
    y: &'a [f32],
}

/// What a pass finds in a shard.
struct Done {
    histogram: Histogram,
    /// Sums of squared residuals, one a block.
    squares: Vec<f64>,
    residual_max: f64,
}

impl Pass {
    fn over(&self, first: usize, table: &mut [u64], shard: Shard) -> Done {
        let mut done = Done {
            histogram: Histogram::new(self.size),
            squares: Vec::new(),
            residual_max: 0.0,
        };
        let Shard { sums, leaves, y } = shard;
        let n_words = self.layout.n_words;
        let blocks = table
            .chunks_mut(BLOCK * n_words)
            .zip(sums.chunks_mut(BLOCK));
        let blocks = blocks.zip(leaves.chunks(BLOCK).zip(y.chunks(BLOCK)));
        for (block_idx, ((table, sums), (leaves, y))) in blocks.enumerate() {
            let mut lanes = Lanes::default();
            let chunks = table
                .chunks_mut(CHUNK * n_words)
                .zip(sums.chunks_mut(CHUNK));
            let chunks = chunks.zip(leaves.chunks(CHUNK).zip(y.chunks(CHUNK)));
            for (chunk_idx, ((table, sums), (leaves, y))) in chunks.enumerate() {
                let mut residuals = [0.0; CHUNK];
                let residuals = &mut residuals[..y.len()];
                self.add_values(sums, leaves);
                let rows = y.iter().zip(&*sums);
                for (residual, (&y, &sum)) in residuals.iter_mut().zip(rows) {
                    *residual = f64::from(y) - (self.base + sum);
                }
                lanes.add(residuals, |residual| residual * residual);
                done.residual_max = max_abs(residuals).max(done.residual_max);
                let first = first + block_idx * BLOCK + chunk_idx * CHUNK;
                self.write(first, residuals, table);
            }
            done.squares.push(lanes.sum());
            if !done.histogram.is_wide() {
                done.histogram.add(&self.layout, Among::All, table);
            }
        }
        if done.histogram.is_wide() {
            done.histogram.add(&self.layout, Among::All, table);
        }
        done
    }

    fn add_values(&self, sums: &mut [f64], leaves: &[u16]) {
        if self.values.is_empty() {
            return;
        }
        for (sum, &leaf) in sums.iter_mut().zip(leaves) {
            *sum += self.values[usize::from(leaf)];
        }
    }

    /// Rounds residuals to gradients and puts them into the rows, or that a row is not drawn.
    fn write(&self, first: usize, residuals: &[f64], table: &mut [u64]) {
        let n_words = self.layout.n_words;
        let mask = self.layout.load.bins_mask();
        let fours = residuals.chunks(4).zip(table.chunks_mut(4 * n_words));
        for (four, (residuals, rows)) in (first / 4..).zip(fours) {
            let chances = self.drawn.lanes(four);
            let gradients = self.rounding.round(four, residuals);
            let drawn = chances.map(|chance| u32::from(chance) < self.drawn_below);
            let rows = rows.chunks_exact_mut(n_words).zip(drawn);
            for ((row, drawn), gradient) in rows.zip(gradients) {
                let gradient = if drawn { gradient } else { NOT_DRAWN };
                row[0] = row[0] & mask | u64::from(gradient as u16) << 48;
            }
        }
    }
}

fn max_abs(values: &[f64]) -> f64 {
    let mut lanes = [0.0_f64; 8];
    for chunk in values.chunks(8) {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            let value = value.abs();
            *lane = if *lane < value { value } else { *lane };
        }
    }
    lanes.into_iter().fold(0.0, f64::max)
}
