//! One pass over the training rows, which lies between one tree and the next.
//!
//! Not what the rows stand for: [`super::scores`] starts passes and puts together what they find.
//!
//! ```text
//! chunk of rows   leaf of the last tree → its value is added → residuals → rounded, drawn, packed into the rows
//! block of them   ────────────────────────────────────────────────────→ counted into the root's histogram
//! ```

use std::sync::atomic::AtomicU16;

use super::adding::Among;
use super::assign::Assign;
use super::buffers::list_drawn;
use super::chance::Stream;
use super::histogram::{Histogram, Size};
use super::partition::Filled;
use super::quantise::Rounding;
use super::rows::{Chosen, Layout, Load, NOT_DRAWN};
use super::scores::{CHUNK, Goal, Wants};
use super::sums::{BLOCK, Lanes};
use super::wide::Work;

/// One pass over one shard.
pub(super) struct Over<'a> {
    pub(super) pass: &'a Pass<'a>,
    pub(super) first: usize,
    pub(super) table: &'a mut [u64],
    pub(super) shard: Shard<'a>,
}

impl Work for Over<'_> {
    type Done = Done;

    #[inline(always)]
    fn work(self) -> Done {
        self.pass.over(self.first, self.table, self.shard)
    }
}

/// One pass over the rows between two trees.
pub(super) struct Pass<'a> {
    pub(super) chosen: Chosen,
    pub(super) size: Size,
    /// What leaves say.
    pub(super) values: Vec<f64>,
    /// How rows find their leaves; none if they know them.
    pub(super) assign: Option<&'a Assign>,
    pub(super) gradients: Rounding,
    pub(super) hessians: Rounding,
    pub(super) drawn: Stream,
    /// A row is drawn if its 16 bits of chance are below.
    pub(super) drawn_below: u32,
}

/// One shard's part of what all rows have.
pub(super) struct Shard<'a> {
    pub(super) sums: &'a mut [f64],
    /// Empty if nobody asks for them later.
    pub(super) leaves: &'a mut [AtomicU16],
    /// Where rows are listed; empty if they are not.
    pub(super) list: &'a mut [u32],
    pub(super) goal: Goal<'a>,
}

/// What a pass finds in a shard.
pub(super) struct Done {
    pub(super) histogram: Histogram,
    /// Sums of losses and of the sizes of gradients, one each a block.
    pub(super) losses: Vec<f64>,
    pub(super) sizes: Vec<f64>,
    pub(super) gradient_max: f64,
    pub(super) listed: Filled,
}

impl Pass<'_> {
    #[inline(always)]
    fn over(&self, first: usize, table: &mut [u64], shard: Shard) -> Done {
        let mut done = Done {
            histogram: Histogram::new(self.size),
            losses: Vec::new(),
            sizes: Vec::new(),
            gradient_max: 0.0,
            listed: Filled {
                left: 0,
                right: shard.list.len(),
            },
        };
        let Shard {
            sums,
            leaves,
            list,
            goal,
        } = shard;
        let n_words = self.chosen.layout.n_words;
        let (mut wants, mut words) = (Wants::new(), [0; CHUNK]);
        let blocks = table
            .chunks_mut(BLOCK * n_words)
            .zip(sums.chunks_mut(BLOCK));
        for (block, (table, sums)) in blocks.enumerate() {
            let (mut losses, mut sizes) = (Lanes::default(), Lanes::default());
            let chunks = table
                .chunks_mut(CHUNK * n_words)
                .zip(sums.chunks_mut(CHUNK));
            for (chunk, (table, sums)) in chunks.enumerate() {
                let within = block * BLOCK + chunk * CHUNK;
                let leaves = leaves.get_mut(within..within + sums.len());
                self.add_last(table, sums, leaves);
                goal.from(within).wants(sums, &mut wants);
                goal.add_losses(&mut losses, &wants, sums.len());
                let gradients = &wants.gradients[..sums.len()];
                sizes.add(gradients, f64::abs);
                let largest = max_abs(gradients);
                done.gradient_max = largest.max(done.gradient_max);
                self.write(first + within, &wants, &mut words, table);
                if !list.is_empty() {
                    let words = &words[..sums.len()];
                    done.listed = list_drawn(first + within, words, list, done.listed);
                }
            }
            done.losses.push(losses.sum());
            done.sizes.push(sizes.sum());
            if !done.histogram.is_wide() {
                done.histogram.add(&self.chosen, Among::All, table);
            }
        }
        if done.histogram.is_wide() {
            done.histogram.add(&self.chosen, Among::All, table);
        }
        done
    }

    /// Adds what the last tree says of a chunk.
    #[inline(always)]
    fn add_last(&self, table: &[u64], sums: &mut [f64], leaves: Option<&mut [AtomicU16]>) {
        let mut room = [const { AtomicU16::new(0) }; CHUNK];
        let leaves = leaves.unwrap_or(&mut room[..sums.len()]);
        if let Some(assign) = self.assign {
            assign.fill_wide(&self.chosen.layout, table, leaves, &mut [false; CHUNK]);
        }
        add_values(&self.values, sums, leaves);
    }

    /// Rounds what rows want and puts it into them, or that a row is not drawn; `words` are what was put.
    #[inline(always)]
    fn write(&self, first: usize, wants: &Wants, words: &mut [u64; CHUNK], table: &mut [u64]) {
        let Layout { load, n_words, .. } = self.chosen.layout;
        let mask = load.bins_mask();
        let mut chances = [0; CHUNK];
        if self.drawn_below <= u32::from(u16::MAX) {
            self.drawn.fill(first / 4, &mut chances);
        }
        self.gradients.fill(first / 4, &wants.gradients, words);
        for (word, chance) in words.iter_mut().zip(chances) {
            let is_drawn = u32::from(chance) < self.drawn_below;
            *word = if is_drawn {
                *word << 48
            } else {
                NOT_DRAWN_WORD
            };
        }
        if load == Load::Weighted {
            let mut hessians = [0; CHUNK];
            self.hessians
                .fill(first / 4, &wants.hessians, &mut hessians);
            for (word, hessian) in words.iter_mut().zip(hessians) {
                *word |= (hessian & 0xffff) << 32;
            }
        }
        if n_words == 1 {
            for (row, &mut word) in table.iter_mut().zip(words) {
                *row = *row & mask | word;
            }
        } else {
            for (row, &mut word) in table.chunks_exact_mut(n_words).zip(words) {
                row[0] = row[0] & mask | word;
            }
        }
    }
}

const NOT_DRAWN_WORD: u64 = (NOT_DRAWN as u16 as u64) << 48;

#[inline(always)]
pub(super) fn add_values(values: &[f64], sums: &mut [f64], leaves: &mut [AtomicU16]) {
    if values.is_empty() {
        return;
    }
    for (sum, leaf) in sums.iter_mut().zip(leaves) {
        *sum += values[usize::from(*leaf.get_mut())];
    }
}

#[inline(always)]
pub(super) fn max_abs(values: &[f64]) -> f64 {
    let larger = |a: f64, b: f64| if a < b { b } else { a };
    let mut lanes = [0.0_f64; 8];
    let (chunks, rest) = values.as_chunks::<8>();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*lane, value.abs());
        }
    }
    let rest = rest.iter().fold(0.0, |max, value| larger(max, value.abs()));
    lanes.into_iter().fold(rest, larger)
}
