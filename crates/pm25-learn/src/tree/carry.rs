//! What goes down a growing tree in place of a row: the row itself, or only its number.
//!
//! Not what is done with it: a node owns a slice of items, and asks here to have them parted, summed and told.
//!
//! ```text
//! Whole     items  [ row | row | row | … ]      rows move at every split: memory is read and written in order
//! Listed    items  [  7  |  2  |  9  | … ]      numbers move, rows stay: see `listed.rs`
//! ```

use std::borrow::Cow;
use std::sync::atomic::{AtomicU16, Ordering};

use super::adding::Among;
use super::histogram::Histogram;
use super::in_place::part_in_place;
use super::partition::{Filled, Question, part};
use super::rows::{Chosen, Layout};
use super::split::Split;

/// A way for rows to go down a tree.
pub(crate) trait Carry: Sync {
    /// What moves.
    type Item: Copy + Default + Send + Sync;

    /// Whether that is the rows themselves. Only these may have a table.
    const MOVES_ROWS: bool;

    /// Items that a row takes.
    fn n_items(&self) -> usize;

    /// Goes on parting: `from` holds the next items.
    fn part(&self, job: &Job, from: &[Self::Item], to: &mut [Self::Item], filled: Filled)
    -> Filled;

    /// Adds rows, all drawn.
    fn add(&self, chosen: &Chosen, items: &[Self::Item], histogram: &mut Histogram);

    /// The rows themselves.
    fn rows<'a>(&'a self, items: &'a [Self::Item]) -> impl Iterator<Item = &'a [u64]>;

    /// The rows side by side.
    fn side_by_side<'a>(&self, items: &'a [Self::Item]) -> Cow<'a, [u64]>;

    /// The rows, to be moved at will; none if they stay.
    fn movable<'a>(&self, items: &'a mut [Self::Item]) -> Option<&'a mut [u64]>;

    /// Tells rows a number.
    fn tell(&self, items: &[Self::Item], number: u16, of_rows: &[AtomicU16]);

    /// Tells rows the number of the side where they would go.
    fn tell_sides(
        &self,
        items: &[Self::Item],
        split: &Split,
        numbers: [u16; 2],
        of_rows: &[AtomicU16],
    );
}

/// How a node is parted.
pub(crate) struct Job<'a> {
    pub(crate) split: &'a Split,
    /// The side with fewer rows: 0 left, 1 right.
    pub(crate) small: usize,
    pub(crate) among: Among,
    /// Whether the node is large enough for several threads.
    pub(crate) is_shared: bool,
}

/// One shard of the rows of one node.
pub(crate) struct Span<'r, I> {
    /// The rows of the root, if they shall stay as they are; elsewhere none.
    pub(crate) table: Option<&'r [I]>,
    /// The rows, or room for those of the table.
    pub(crate) rows: &'r mut [I],
    /// As much room to part them into; empty if they are parted in place.
    pub(crate) spare: &'r mut [I],
}

/// Up to so many words of rows a second buffer costs little, 32 MiB, and saves a twentieth of the time.
const SPARE_WORDS_MAX: usize = 1 << 22;

/// A second buffer for so many words of rows, or none if that were too large.
pub(crate) fn spare_for(n_words: usize) -> Vec<u64> {
    let has_spare = n_words <= SPARE_WORDS_MAX;
    vec![0; if has_spare { n_words } else { 0 }]
}

impl<'r, I: Copy + Default> Span<'r, I> {
    pub(crate) fn rows(&self) -> &[I] {
        self.table.unwrap_or(self.rows)
    }

    /// Parts the rows, and sums those on the smaller side if a histogram is given.
    pub(crate) fn part<C: Carry<Item = I>>(
        self,
        carry: &C,
        chosen: &Chosen,
        job: &Job,
        mut histogram: Option<&mut Histogram>,
    ) -> [Self; 2] {
        let n_items = carry.n_items();
        let Span { table, rows, spare } = self;
        // Rows that move are summed while they are in the first cache; others are fetched for that, many at once.
        let mut see = |sides: [&[I]; 2]| match &mut histogram {
            Some(histogram) if C::MOVES_ROWS => carry.add(chosen, sides[job.small], histogram),
            _ => {}
        };
        let (rows, spare, filled) = match table {
            Some(table) => {
                let filled = part_out(carry, job, table, rows, see);
                (rows, spare, filled)
            }
            None if spare.is_empty() => {
                let part = |from: &[I], to: &mut [I], filled| carry.part(job, from, to, filled);
                let left = part_in_place(rows, n_items, part, &mut see);
                (rows, spare, Filled { left, right: left })
            }
            None => {
                let filled = part_out(carry, job, rows, spare, see);
                (spare, rows, filled)
            }
        };
        let cut = |buffer: &'r mut [I]| match buffer.len() {
            0 => [&mut [][..], &mut []],
            _ => {
                let (low, right) = buffer.split_at_mut(filled.right * n_items);
                [&mut low[..filled.left * n_items], right]
            }
        };
        let sides = cut(rows);
        if let (Some(histogram), false) = (histogram, C::MOVES_ROWS) {
            carry.add(chosen, sides[job.small], histogram);
        }
        let ([left, right], [left_spare, right_spare]) = (sides, cut(spare));
        let side = |rows, spare| Span {
            table: None,
            rows,
            spare,
        };
        [side(left, left_spare), side(right, right_spare)]
    }
}

/// Words that are parted before the smaller side's new rows are summed, while these are in the first cache.
const CHUNK_WORDS: usize = 2048;

/// Parts rows into another buffer, and shows each two new sides.
fn part_out<C: Carry>(
    carry: &C,
    job: &Job,
    table: &[C::Item],
    rows: &mut [C::Item],
    mut see: impl FnMut([&[C::Item]; 2]),
) -> Filled {
    let n_items = carry.n_items();
    let mut filled = Filled {
        left: 0,
        right: table.len() / n_items,
    };
    for chunk in table.chunks(n_items * (CHUNK_WORDS / n_items).max(1)) {
        let next = carry.part(job, chunk, rows, filled);
        let new = |from, to| &rows[from * n_items..to * n_items];
        see([new(filled.left, next.left), new(next.right, filled.right)]);
        filled = next;
    }
    filled
}

/// Rows that move as a whole.
pub(crate) struct Whole(pub(crate) Layout);

impl Carry for Whole {
    type Item = u64;

    const MOVES_ROWS: bool = true;

    fn n_items(&self) -> usize {
        self.0.n_words
    }

    fn part(&self, job: &Job, from: &[u64], to: &mut [u64], filled: Filled) -> Filled {
        let question = Question {
            split: job.split,
            place: self.0.place(job.split.feature),
            n_words: self.0.n_words,
            among: job.among,
        };
        part(&question, from, to, filled)
    }

    fn add(&self, chosen: &Chosen, items: &[u64], histogram: &mut Histogram) {
        histogram.add(chosen, Among::Drawn, items);
    }

    fn rows<'a>(&'a self, items: &'a [u64]) -> impl Iterator<Item = &'a [u64]> {
        items.chunks_exact(self.0.n_words)
    }

    fn side_by_side<'a>(&self, items: &'a [u64]) -> Cow<'a, [u64]> {
        Cow::Borrowed(items)
    }

    fn movable<'a>(&self, items: &'a mut [u64]) -> Option<&'a mut [u64]> {
        Some(items)
    }

    fn tell(&self, items: &[u64], number: u16, of_rows: &[AtomicU16]) {
        for row in self.rows(items) {
            of_rows[Layout::number(row)].store(number, Ordering::Relaxed);
        }
    }

    fn tell_sides(
        &self,
        items: &[u64],
        split: &Split,
        [left, right]: [u16; 2],
        of_rows: &[AtomicU16],
    ) {
        let place = self.0.place(split.feature);
        for row in self.rows(items) {
            let goes_left = split.goes_left(place.bin(row));
            let number = if goes_left { left } else { right };
            of_rows[Layout::number(row)].store(number, Ordering::Relaxed);
        }
    }
}
