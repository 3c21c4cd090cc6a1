//! The rows so far onto shelves, where they are too many to hold.
//!
//! Not what becomes of them there; see [`crate::shelf`].

use pm25_file::Result;

use super::Reader;
use crate::shelf::Shelves;

impl Reader<'_> {
    /// Bytes of the rows that it holds.
    pub(crate) fn held_bytes(&self) -> usize {
        let done = self.done.iter().map(|(_, rows)| rows);
        let rows = done.chain(self.groups.iter().map(|group| &group.rows));
        rows.map(|rows| rows.n_bytes()).sum()
    }

    /// Gives up the rows of all tables so far; what is known of stations and stamps stays.
    pub(crate) fn shelve(&mut self, shelves: &mut Shelves) -> Result<()> {
        let n_done = self.done.len();
        for (at, (layout, rows)) in self.done.iter_mut().enumerate() {
            shelves.push(at, layout, rows)?;
        }
        for (at, group) in self.groups.iter_mut().enumerate() {
            let layout = group.layout(&self.layout);
            shelves.push(n_done + at, &layout, &mut group.rows)?;
        }
        Ok(())
    }
}
