//! Long rows stay where they are, and only their numbers go down the tree.
//!
//! Not for rows of one word, which are no longer than what would be moved in their place and are best read in order.
//!
//! ```text
//! columns   x0 [ 3 9 1 7 … ]   x1 [ … ]      one bin a byte: a split reads one column, which the second cache holds
//! list         [ 0 2 3 | 9 5 4 ]             rises or falls all along, so that memory is read in one direction
//! table        [ row | row | row | … ]       the smaller side's rows are fetched from here, side by side,
//! fetched      [ row | row | … ]             and summed
//! ```
//!
//! A row of 32 bytes that moves is read and written twice at each level; its number is 4 bytes, and the smaller side
//! is less than a third of the rows.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, PoisonError};

use super::adding::{Ahead, Among};
use super::carry::{Carry, Job};
use super::grown::{Fork, Grown};
use super::histogram::Histogram;
use super::in_place::part_in_place;
use super::partition::{Filled, part_all};
use super::rows::{Chosen, Layout};
use super::split::Split;
use super::wide::{Work, part_numbers, run};

/// Rows that stay, and their bins once more column by column.
pub(crate) struct Listed<'a> {
    layout: Layout,
    table: &'a [u64],
    columns: &'a [Vec<u8>],
    /// Room for rows that are fetched, to be used again.
    rooms: Mutex<Vec<Vec<u64>>>,
}

/// Set in the number that a row was told if the row was not drawn. Numbers are below.
pub(crate) const TOLD_NOT_DRAWN: u16 = 1 << 15;

/// Rows that are fetched at once. So many that loading the slots of each word's bins into the first cache costs little
/// beside the sums.
const N_FETCHED: usize = 2048;

impl<'a> Listed<'a> {
    pub(crate) fn new(layout: Layout, table: &'a [u64], columns: &'a [Vec<u8>]) -> Self {
        Self {
            layout,
            table,
            columns,
            rooms: Mutex::new(Vec::new()),
        }
    }

    /// Tells rows that were not drawn the numbers of their leaves, and that they were not drawn: they go down the
    /// finished tree, from a node on.
    pub(crate) fn tell_others(
        &self,
        grown: &Grown,
        node: usize,
        numbers: &mut [u32],
        of_rows: &[AtomicU16],
    ) {
        if numbers.is_empty() {
            return;
        }
        let Some(Fork { split, left }) = &grown.nodes[node].fork else {
            let number = grown.nodes[node].numbers[0] as u16;
            return self.tell(numbers, number | TOLD_NOT_DRAWN, of_rows);
        };
        let part = |from: &[u32], to: &mut [u32], filled| self.part_by(split, from, to, filled);
        let n_left = part_in_place(numbers, 1, part, |_| ());
        let (on_left, on_right) = numbers.split_at_mut(n_left);
        self.tell_others(grown, *left, on_left, of_rows);
        self.tell_others(grown, left + 1, on_right, of_rows);
    }

    fn part_by(&self, split: &Split, from: &[u32], to: &mut [u32], filled: Filled) -> Filled {
        let bins = &self.columns[split.feature][..];
        let Some(interval) = split.interval() else {
            let goes_left = |&number: &u32| split.goes_left(bins[number as usize]);
            return part_all(from, to, filled, goes_left);
        };
        let (n_done, filled) = part_numbers(bins, interval, from, to, filled);
        let [add, limit] = interval;
        part_all(&from[n_done..], to, filled, |&number| {
            bins[number as usize].wrapping_add(add) <= limit
        })
    }

    fn row(&self, number: u32) -> &'a [u64] {
        let n_words = self.layout.n_words;
        &self.table[number as usize * n_words..][..n_words]
    }
}

impl Carry for Listed<'_> {
    type Item = u32;

    const MOVES_ROWS: bool = false;

    fn n_items(&self) -> usize {
        1
    }

    fn part(&self, job: &Job, from: &[u32], to: &mut [u32], filled: Filled) -> Filled {
        self.part_by(job.split, from, to, filled)
    }

    fn add(&self, chosen: &Chosen, items: &[u32], histogram: &mut Histogram) {
        let room = self
            .rooms
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let mut room = room.unwrap_or_else(|| vec![0; N_FETCHED * self.layout.n_words]);
        let mut chunks = items.chunks(N_FETCHED).peekable();
        while let Some(numbers) = chunks.next() {
            let rows = &mut room[..numbers.len() * self.layout.n_words];
            run(Fetching {
                listed: self,
                numbers,
                rows,
            });
            let ahead = Ahead {
                table: self.table,
                numbers: chunks.peek().copied().unwrap_or_default(),
            };
            histogram.add_and_ask(chosen, Among::Drawn, rows, ahead);
        }
        self.rooms
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(room);
    }

    fn rows<'a>(&'a self, items: &'a [u32]) -> impl Iterator<Item = &'a [u64]> {
        items.iter().map(|&number| self.row(number))
    }

    fn side_by_side<'a>(&self, items: &'a [u32]) -> Cow<'a, [u64]> {
        let words = items.iter().flat_map(|&number| self.row(number));
        Cow::Owned(words.copied().collect())
    }

    fn movable<'a>(&self, _: &'a mut [u32]) -> Option<&'a mut [u64]> {
        None
    }

    fn tell(&self, items: &[u32], number: u16, of_rows: &[AtomicU16]) {
        for &row in items {
            of_rows[row as usize].store(number, Ordering::Relaxed);
        }
    }

    fn tell_sides(
        &self,
        items: &[u32],
        split: &Split,
        [left, right]: [u16; 2],
        of_rows: &[AtomicU16],
    ) {
        let bins = &self.columns[split.feature][..];
        let tell = |row: u32, goes_left: bool| {
            let number = if goes_left { left } else { right };
            of_rows[row as usize].store(number, Ordering::Relaxed);
        };
        match split.interval() {
            Some([add, limit]) => {
                for &row in items {
                    tell(row, bins[row as usize].wrapping_add(add) <= limit);
                }
            }
            None => {
                for &row in items {
                    tell(row, split.goes_left(bins[row as usize]));
                }
            }
        }
    }
}

/// Copying rows to where they lie side by side.
struct Fetching<'a> {
    listed: &'a Listed<'a>,
    numbers: &'a [u32],
    rows: &'a mut [u64],
}

impl Work for Fetching<'_> {
    type Done = ();

    #[inline(always)]
    fn work(self) {
        match self.listed.layout.n_words {
            2 => self.fetch::<2>(),
            3 => self.fetch::<3>(),
            4 => self.fetch::<4>(),
            5 => self.fetch::<5>(),
            6 => self.fetch::<6>(),
            7 => self.fetch::<7>(),
            8 => self.fetch::<8>(),
            n_words => {
                for (row, &number) in self.rows.chunks_exact_mut(n_words).zip(self.numbers) {
                    row.copy_from_slice(self.listed.row(number));
                }
            }
        }
    }
}

impl Fetching<'_> {
    #[inline(always)]
    fn fetch<const W: usize>(self) {
        let (table, _) = self.listed.table.as_chunks::<W>();
        let (rows, _) = self.rows.as_chunks_mut::<W>();
        for (row, &number) in rows.iter_mut().zip(self.numbers) {
            *row = table[number as usize];
        }
    }
}
