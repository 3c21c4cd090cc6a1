//! What is read and not yet written, kept beside the output instead of in memory.
//!
//! Not an artifact: the file has no name, is in no order and is gone with the process. A small run stays in memory.
//!
//! ```text
//! files, in any order ── Part ── Spill::put ──┐                        4 c bytes for each hour, c quantities, 4 more
//!                                             │                        where lines are missing
//! stations, by name   ── Part ── Stored::get ─┘
//! ```

use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pm25_air::Quantity;
use pm25_air::civil::HOUR_S;
use pm25_air::quality::{self, POLLUTANTS, slip};
use pm25_file::{Fault, Output, Result};
use zerocopy::{FromBytes, FromZeros, IntoBytes};

use crate::hourly::{OffsetFrom, Part};

/// So much of it stays in memory.
const MEMORY_BYTES: usize = 2 << 20;

/// The store, shared by all threads.
pub(crate) struct Spill {
    output: Output,
    state: Mutex<State>,
}

/// Where the bytes are.
enum State {
    Memory(Vec<u8>),
    /// Bytes that are written or about to be.
    Disk(Arc<File>, u64),
}

/// Where something lies in it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Extent {
    at: u64,
    n_bytes: usize,
}

impl Extent {
    /// How many numbers it holds, if it is a column of them.
    pub(crate) fn n_values(self) -> usize {
        self.n_bytes / size_of::<f32>()
    }
}

impl Spill {
    /// An empty one beside an output.
    pub(crate) fn beside(output: &Output) -> Self {
        Self {
            output: output.clone(),
            state: Mutex::new(State::Memory(Vec::new())),
        }
    }

    /// Stores one column.
    pub(crate) fn put_f32(&self, values: &[f32]) -> Result<Extent> {
        self.put(&[values.as_bytes()])
    }

    /// A column stored there.
    pub(crate) fn get_f32(&self, extent: Extent) -> Result<Vec<f32>> {
        self.column(extent.at, extent.n_values())
    }

    /// Stores a part, which is given up.
    pub(crate) fn put_part(&self, part: Part) -> Result<Stored> {
        let first_line = consecutive(&part.line);
        let line = if first_line.is_some() {
            &[][..]
        } else {
            &part.line
        };
        let mut columns = vec![line.as_bytes(), part.n_lines.as_bytes()];
        let before_values: usize = columns.iter().map(|bytes| bytes.len()).sum();
        columns.extend(part.values.iter().map(|column| column.as_bytes()));
        columns.extend(part.channels.iter().map(|column| column.as_bytes()));
        columns.extend(part.flags.iter().map(|column| column.as_bytes()));
        let extent = self.put(&columns)?;
        Ok(Stored {
            utc_offset_min: part.utc_offset_min,
            offset_from: part.offset_from,
            start_s: part.start_s,
            pm25_incomplete: part.pm25_incomplete,
            n_hours: part.line.len(),
            first_line,
            has_n_lines: !part.n_lines.is_empty(),
            values: measured(&part.values),
            channels: measured(&part.channels),
            flags: measured(&part.flags),
            alone: Alone::of(&part, extent.at + before_values as u64),
            extent,
            station: part.station,
        })
    }

    /// Stores pieces one after the other; where the first begins.
    pub(crate) fn put_bytes(&self, pieces: &[&[u8]]) -> Result<u64> {
        Ok(self.put(pieces)?.at)
    }

    /// Appends pieces one after the other.
    fn put(&self, pieces: &[&[u8]]) -> Result<Extent> {
        self.append(pieces).map_err(|e| {
            Fault::unforeseen("what does not fit in memory cannot be stored beside the output")
                .because(e)
                .hint("is the disk full? some 30 bytes are needed for each hour that is read")
        })
    }

    fn append(&self, pieces: &[&[u8]]) -> io::Result<Extent> {
        let n_bytes = pieces.iter().map(|piece| piece.len()).sum();
        let mut state = self.state();
        if let State::Memory(bytes) = &mut *state {
            let at = bytes.len() as u64;
            if bytes.len() + n_bytes <= MEMORY_BYTES {
                pieces
                    .iter()
                    .for_each(|piece| bytes.extend_from_slice(piece));
                return Ok(Extent { at, n_bytes });
            }
            let file = self.output.scratch_file()?;
            write_at(&file, bytes, 0)?;
            *state = State::Disk(Arc::new(file), at);
        }
        let State::Disk(file, end) = &mut *state else {
            return Err(io::ErrorKind::Other.into());
        };
        let (file, at) = (Arc::clone(file), *end);
        *end += n_bytes as u64;
        // The place is taken; other threads need not wait.
        drop(state);
        let mut to = at;
        for piece in pieces {
            write_at(&file, piece, to)?;
            to += piece.len() as u64;
        }
        Ok(Extent { at, n_bytes })
    }

    /// So many values from a place on.
    pub(crate) fn column<T: FromBytes + IntoBytes + FromZeros + Clone>(
        &self,
        at: u64,
        n: usize,
    ) -> Result<Vec<T>> {
        let mut values = vec![T::new_zeroed(); n];
        let got = self.read(at, values.as_mut_slice().as_mut_bytes());
        got.map_err(|e| {
            Fault::unforeseen("what was stored beside the output cannot be read").because(e)
        })?;
        Ok(values)
    }

    fn read(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        let file = match &*self.state() {
            State::Memory(all) => {
                let at = at as usize;
                let there = all.get(at..at + bytes.len());
                bytes.copy_from_slice(there.ok_or(io::ErrorKind::UnexpectedEof)?);
                return Ok(());
            }
            State::Disk(file, _) => Arc::clone(file),
        };
        read_at(&file, bytes, at)
    }

    /// A panic elsewhere ends the run anyway.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(unix)]
fn write_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, at)
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, at)
}

/// Elsewhere a place is found and then used; nobody else may look for one meanwhile.
#[cfg(not(unix))]
static PLACE: Mutex<()> = Mutex::new(());

#[cfg(not(unix))]
fn write_at(mut file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    use std::io::{Seek, SeekFrom, Write};
    let _alone = PLACE.lock().unwrap_or_else(PoisonError::into_inner);
    file.seek(SeekFrom::Start(at))?;
    file.write_all(bytes)
}

#[cfg(not(unix))]
fn read_at(mut file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    use std::io::{Read, Seek, SeekFrom};
    let _alone = PLACE.lock().unwrap_or_else(PoisonError::into_inner);
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(bytes)
}

/// The first of lines that follow one another without a gap; none where a line is missing.
fn consecutive(lines: &[u32]) -> Option<u32> {
    let first = *lines.first().filter(|line| **line != 0)?;
    let follows = |pair: &[u32]| pair[0] < pair[1] && pair[1] - pair[0] == 1;
    lines.windows(2).all(follows).then_some(first)
}

/// What the survey of stations asks of a part, in case that it is the only one of its station.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alone {
    /// Its PM2.5, if no flag removes any of it.
    pub(crate) pm25: Option<Extent>,
    /// By [`Quantity::index`]: the median of each pollutant's positive readings.
    pub(crate) medians: [Option<f32>; 13],
}

impl Alone {
    /// Of a part whose values are stored from a place on, PM2.5 first.
    fn of(part: &Part, values_at: u64) -> Self {
        let mut medians = [None; 13];
        for quantity in POLLUTANTS {
            medians[quantity.index()] = slip::median_positive(&part.values[quantity.index()]);
        }
        let pm25 = Quantity::Pm25.index();
        let usable = quality::usable(&part.values[pm25], &part.flags[pm25]);
        let is_stored = matches!(usable, std::borrow::Cow::Borrowed(_));
        Self {
            pm25: is_stored.then(|| Extent {
                at: values_at,
                n_bytes: usable.len() * size_of::<f32>(),
            }),
            medians,
        }
    }
}

/// A stored part.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) station: String,
    utc_offset_min: i16,
    offset_from: OffsetFrom,
    start_s: i64,
    pm25_incomplete: u64,
    n_hours: usize,
    /// Of lines that follow one another; they are not stored.
    first_line: Option<u32>,
    has_n_lines: bool,
    /// Which columns it has, one bit each.
    values: u16,
    channels: u16,
    flags: u16,
    alone: Alone,
    extent: Extent,
}

impl Stored {
    /// What is known of it without reading it.
    pub(crate) fn alone(&self) -> Alone {
        self.alone
    }

    /// Start of its first hour and end of its last, seconds since 1970 UTC.
    pub(crate) fn span_s(&self) -> (i64, i64) {
        (self.start_s, self.start_s + self.n_hours as i64 * HOUR_S)
    }

    /// Whether it has a column of a quantity.
    pub(crate) fn measures(&self, quantity: Quantity) -> bool {
        self.values >> quantity.index() & 1 == 1
    }

    /// Its standard offset, minutes east.
    pub(crate) fn utc_offset_min(&self) -> i16 {
        self.utc_offset_min
    }

    /// The part.
    pub(crate) fn get(&self, spill: &Spill) -> Result<Part> {
        let n = self.n_hours;
        let mut columns = Columns {
            spill,
            at: self.extent.at,
        };
        let line = match self.first_line {
            Some(first) => (first..).take(n).collect(),
            None => columns.next(n)?,
        };
        let n_lines = columns.next(if self.has_n_lines { n } else { 0 })?;
        // As long as the hours if there is such a column.
        let len = |there: u16, at: usize| if there >> at & 1 == 1 { n } else { 0 };
        let mut values: [Vec<f32>; 13] = Default::default();
        for (at, column) in values.iter_mut().enumerate() {
            *column = columns.next(len(self.values, at))?;
        }
        let mut channels: [Vec<f32>; 2] = Default::default();
        for (at, column) in channels.iter_mut().enumerate() {
            *column = columns.next(len(self.channels, at))?;
        }
        let mut flags: [Vec<u16>; 13] = Default::default();
        for (at, column) in flags.iter_mut().enumerate() {
            *column = columns.next(len(self.flags, at))?;
        }
        Ok(Part {
            station: self.station.clone(),
            utc_offset_min: self.utc_offset_min,
            offset_from: self.offset_from,
            start_s: self.start_s,
            line,
            n_lines,
            values,
            flags,
            channels,
            pm25_incomplete: self.pm25_incomplete,
        })
    }
}

/// Stored columns one after the other.
struct Columns<'a> {
    spill: &'a Spill,
    at: u64,
}

impl Columns<'_> {
    fn next<T: FromBytes + IntoBytes + FromZeros + Clone>(&mut self, n: usize) -> Result<Vec<T>> {
        let values = self.spill.column(self.at, n)?;
        self.at += (n * size_of::<T>()) as u64;
        Ok(values)
    }
}

/// Which columns are not empty, one bit each.
fn measured<T>(columns: &[Vec<T>]) -> u16 {
    let present = columns
        .iter()
        .enumerate()
        .filter(|(_, column)| !column.is_empty());
    present.fold(0, |bits, (at, _)| bits | 1 << at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(n: usize) -> Part {
        let mut part = Part {
            station: "A".to_owned(),
            utc_offset_min: 330,
            offset_from: OffsetFrom::Stamps,
            start_s: 1_800,
            line: (2..2 + n as u32).collect(),
            n_lines: vec![4; n],
            values: Default::default(),
            flags: Default::default(),
            channels: [vec![1.5; n], Vec::new()],
            pm25_incomplete: 3,
        };
        if n == 3 {
            part.line = vec![9, 0, 10];
        }
        part.values[0] = (0..n).map(|hour| hour as f32 / 4.0).collect();
        part.values[12] = vec![f32::NAN; n];
        part.flags[5] = (0..n).map(|hour| hour as u16).collect();
        part
    }

    #[test]
    fn a_removed_reading_is_not_taken_from_what_is_stored() {
        let spill = Spill::beside(&Output::Stdout);
        let mut removed = part(4);
        removed.flags[0] = vec![0, pm25_air::flag::IMPOSSIBLE, 0, 0];
        let stored = spill.put_part(removed).unwrap();
        assert!(stored.alone().pm25.is_none());
    }

    #[test]
    fn lines_follow_one_another_or_they_do_not() {
        assert_eq!(consecutive(&[7, 8, 9]), Some(7));
        for lines in [
            &[][..],
            &[0],
            &[0, 1],
            &[5, 7],
            &[5, 4],
            &[5, 0],
            &[u32::MAX, 0],
        ] {
            assert_eq!(consecutive(lines), None, "{lines:?}");
        }
    }

    #[test]
    fn parts_come_back_as_they_went_in_memory_and_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        let spill = Spill::beside(&Output::Path(folder.path().join("not/there/yet.parquet")));
        let sizes = [0, 3, 1, 400_000, 7];
        let stored: Vec<Stored> = sizes.map(|n| spill.put_part(part(n)).unwrap()).into();
        let series = spill.put_f32(&[1.0, f32::INFINITY]).unwrap();
        for (n, stored) in sizes.into_iter().zip(&stored).rev() {
            let back = stored.get(&spill).unwrap();
            assert_eq!(format!("{back:?}"), format!("{:?}", part(n)));
            let pm25 = stored
                .alone()
                .pm25
                .map(|extent| spill.get_f32(extent).unwrap());
            assert_eq!(pm25, Some(part(n).values[0].clone()));
        }
        assert_eq!(spill.get_f32(series).unwrap(), [1.0, f32::INFINITY]);
        // What has no name cannot be left behind.
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
