//! The rows of a big file on disk, table by table and station by station, so that no more than a few MiB of them and a
//! stretch of a station are ever in memory.
//!
//! Not the parts of a station from several files; see [`crate::spill`]. Whoever reads a file (block by block, from front
//! to back, packed, from Parquet) gives its rows up here when there are too many to hold:
//!
//! ```text
//! rows      A A B A │ B B C          as they stand in the file, given up when they fill what may be held
//! shelf     A A A B │ B B C          each time by station, 12 + 4 c bytes a row, c columns of quantities
//! station   A: block 1, rows 0 to 2      B: block 1, row 3; block 2, rows 0 and 1
//! ```

use pm25_air::Quantity;
use pm25_file::Result;
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes};

use crate::blocks::Sizes;
use crate::count::Tally;
use crate::file::join_channels;
use crate::layout::Layout;
use crate::reader::Reader;
use crate::rows::{Found, Rows, TableRows};
use crate::shelf::column::ColumnSoFar;
use crate::spill::Spill;
use crate::summer;

mod column;
mod hours;
mod stretches;
#[cfg(test)]
pub(crate) mod tests;
mod traced;

/// Bytes of a row at the least, with one quantity.
const ROW_BYTES: usize = 20;
/// A clock that is mended by the rows before and after needs so many rows again.
const MENDED_BY: usize = 2;
/// Where a block has its stamps and its lines; quantities follow, then channels.
const STAMPS: usize = 0;
const LINES: usize = 1;
const VALUES: usize = 2;

/// The shelves of one file, a shelf for each table; none as long as its rows can be held.
pub(crate) struct Shelves<'a> {
    spill: &'a Spill,
    sizes: Sizes,
    tables: Vec<Shelf<'a>>,
}

impl<'a> Shelves<'a> {
    /// Without a single shelf.
    pub(crate) fn new(spill: &'a Spill, sizes: Sizes) -> Self {
        Self {
            spill,
            sizes,
            tables: Vec::new(),
        }
    }

    /// About how many rows are held at most.
    pub(crate) fn rows_held(&self) -> usize {
        self.sizes.held_bytes / ROW_BYTES
    }

    /// Takes a reader's rows if they are too many to hold.
    pub(crate) fn relieve(&mut self, reader: &mut Reader) -> Result<()> {
        if reader.held_bytes() <= self.sizes.held_bytes {
            return Ok(());
        }
        reader.shelve(self)
    }

    /// Takes the next rows of a table; tables are numbered in the order of the file.
    pub(crate) fn push(&mut self, table: usize, layout: &Layout, rows: &mut Rows) -> Result<()> {
        if self.tables.len() <= table {
            self.tables.push(Shelf::of(layout, self.spill, self.sizes));
        }
        self.tables[table].push(layout, rows)
    }

    /// The tables of the file, whose last rows these are.
    pub(crate) fn end(
        mut self,
        mut tables: Vec<TableRows>,
        tally: &mut Tally,
    ) -> Result<Found<'a>> {
        let is_shelved = !self.tables.is_empty();
        for (table, (layout, rows)) in tables.iter_mut().enumerate() {
            if is_shelved {
                self.push(table, layout, rows)?;
                let shelf = &mut self.tables[table];
                shelf.put(rows, rows.station.len())?;
                tally.append(std::mem::take(&mut shelf.mended), 0);
            } else {
                summer::repair(layout, rows, tally);
            }
        }
        Ok(Found {
            tables,
            shelves: self.tables,
        })
    }
}

/// One table's rows.
pub(crate) struct Shelf<'a> {
    spill: &'a Spill,
    sizes: Sizes,
    columns: Vec<ColumnSoFar>,
    has_channels: bool,
    blocks: Vec<Block>,
    /// By station.
    stations: Vec<Vec<Segment>>,
    n_rows: usize,
    /// Stamps that were mended.
    mended: Tally,
}

/// Rows that were given up at once.
struct Block {
    /// Where each column begins.
    columns_at: Vec<u64>,
    /// The provider's flags, if there are any.
    flags_at: Option<u64>,
}

/// The rows of one station in one block.
#[derive(Clone, Copy)]
struct Segment {
    block: u32,
    from: u32,
    n: u32,
}

impl<'a> Shelf<'a> {
    fn of(layout: &Layout, spill: &'a Spill, sizes: Sizes) -> Self {
        Self {
            spill,
            sizes,
            columns: layout.mapped.iter().map(ColumnSoFar::new).collect(),
            has_channels: layout.extras.channels.is_some(),
            blocks: Vec::new(),
            stations: Vec::new(),
            n_rows: 0,
            mended: Tally::default(),
        }
    }

    /// Takes rows and leaves those that are needed to mend the stamps of the next.
    fn push(&mut self, layout: &Layout, rows: &mut Rows) -> Result<()> {
        join_channels(layout, rows);
        summer::repair(layout, rows, &mut self.mended);
        let kept = if layout.repairs_clock() { MENDED_BY } else { 0 };
        let n = rows.station.len().saturating_sub(kept);
        self.put(rows, n)?;
        rows.forget(n);
        Ok(())
    }

    /// Puts the first `n` rows away, by station.
    fn put(&mut self, rows: &Rows, n: usize) -> Result<()> {
        if n == 0 {
            return Ok(());
        }
        for (column, values) in self.columns.iter_mut().zip(&rows.values) {
            column.push(&values[..n]);
        }
        let order = self.note_segments(&rows.station[..n]);
        let mut columns_at = vec![
            self.put_column(&rows.stamp_s, &order)?,
            self.put_column(&rows.line, &order)?,
        ];
        let channels = rows.channels.iter().filter(|_| self.has_channels);
        for column in rows.values.iter().chain(channels) {
            columns_at.push(self.put_column(column, &order)?);
        }
        let flags_at = match rows.flags.is_empty() {
            true => None,
            false => Some(self.put_column(&rows.flags, &order)?),
        };
        self.blocks.push(Block {
            columns_at,
            flags_at,
        });
        self.n_rows += n;
        Ok(())
    }

    /// The rows of the next block by station, those of one in the order of the file.
    fn note_segments(&mut self, station: &[u32]) -> Vec<u32> {
        let n_stations = station.iter().max().map_or(0, |&last| last as usize + 1);
        if self.stations.len() < n_stations {
            self.stations.resize_with(n_stations, Vec::new);
        }
        let mut counts = vec![0_u32; n_stations];
        station.iter().for_each(|&code| counts[code as usize] += 1);
        let mut from = 0;
        for (segments, n) in self.stations.iter_mut().zip(&mut counts) {
            if 0 < *n {
                segments.push(Segment {
                    block: self.blocks.len() as u32,
                    from,
                    n: *n,
                });
            }
            from += std::mem::replace(n, from);
        }
        let mut next = counts;
        let mut order = vec![0; station.len()];
        for (row, &code) in (0_u32..).zip(station) {
            let at = &mut next[code as usize];
            order[*at as usize] = row;
            *at += 1;
        }
        order
    }

    /// Stores a column in another order; where it begins.
    fn put_column<T: IntoBytes + Immutable + Copy>(
        &self,
        column: &[T],
        order: &[u32],
    ) -> Result<u64> {
        let ordered: Vec<T> = order.iter().map(|&row| column[row as usize]).collect();
        self.spill.put_bytes(&[ordered.as_bytes()])
    }

    /// A column of a segment.
    fn piece<T: FromBytes + IntoBytes + FromZeros + Clone>(
        &self,
        segment: &Segment,
        column: usize,
    ) -> Result<Vec<T>> {
        let begin = self.blocks[segment.block as usize].columns_at[column];
        self.part_of(segment, begin)
    }

    /// What the provider flags in a segment; empty if nothing.
    fn flags(&self, segment: &Segment) -> Result<Vec<u16>> {
        match self.blocks[segment.block as usize].flags_at {
            Some(begin) => self.part_of(segment, begin),
            None => Ok(Vec::new()),
        }
    }

    fn part_of<T: FromBytes + IntoBytes + FromZeros + Clone>(
        &self,
        segment: &Segment,
        begin: u64,
    ) -> Result<Vec<T>> {
        let within = size_of::<T>() as u64 * u64::from(segment.from);
        self.spill.column(begin + within, segment.n as usize)
    }

    /// How many rows a station has.
    fn n_rows_of(&self, station: usize) -> usize {
        let segments = self.stations[station].iter();
        segments.map(|segment| segment.n as usize).sum()
    }

    /// Where PM2.5 of a channel stands in a block.
    fn channel_at(&self, channel: usize) -> usize {
        VALUES + self.columns.len() + channel
    }
}

/// A station's name and offset without its rows, from the table's own.
fn nameplate(empty: &Rows, station: usize) -> Rows {
    let offset = empty.offsets_min.get(station).copied();
    Rows {
        names: vec![empty.names[station].clone()],
        station: vec![0],
        offsets_min: offset.into_iter().collect(),
        ..Rows::default()
    }
}

/// The quantities whose full scales are looked for.
fn is_particles(quantity: Quantity) -> bool {
    matches!(quantity, Quantity::Pm25 | Quantity::Pm10)
}
