//! What is read and not yet written, kept beside the output instead of in memory.
//!
//! Not an artifact: the file has no name, is in no order and is gone with the process. A small run stays in memory.
//!
//! ```text
//! files, in any order ── Part ── Spill::put ──┐                        4 + 4 c bytes for each hour, c quantities
//! stations, by name   ── Part ── Stored::get ─┘
//! ```

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pm25_file::{Fault, Output, Result};
use tempfile::SpooledTempFile;

use crate::hourly::{OffsetFrom, Part};

/// So much of it stays in memory.
const MEMORY_BYTES: usize = 2 << 20;

/// The store, shared by all threads.
pub(crate) struct Spill(Mutex<SpooledTempFile>);

/// Where something lies in it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Extent {
    at: u64,
    n_bytes: usize,
}

impl Spill {
    /// An empty one beside an output.
    pub(crate) fn beside(output: &Output) -> Self {
        Self(Mutex::new(output.scratch(MEMORY_BYTES)))
    }

    /// Stores one column.
    pub(crate) fn put_f32(&self, values: &[f32]) -> Result<Extent> {
        self.put(|file| write(file, values, f32::to_le_bytes))
    }

    /// A column stored there.
    pub(crate) fn get_f32(&self, extent: Extent) -> Result<Vec<f32>> {
        self.column(extent, f32::from_le_bytes)
    }

    /// Stores a part, which is given up.
    pub(crate) fn put_part(&self, part: Part) -> Result<Stored> {
        let extent = self.put(|file| {
            let mut n_bytes = write(file, &part.line, u32::to_le_bytes)?;
            n_bytes += write(file, &part.n_lines, u16::to_le_bytes)?;
            for values in part.values.iter().chain(&part.channels) {
                n_bytes += write(file, values, f32::to_le_bytes)?;
            }
            for flags in &part.flags {
                n_bytes += write(file, flags, u16::to_le_bytes)?;
            }
            Ok(n_bytes)
        })?;
        Ok(Stored {
            utc_offset_min: part.utc_offset_min,
            offset_from: part.offset_from,
            start_s: part.start_s,
            pm25_incomplete: part.pm25_incomplete,
            n_hours: part.line.len(),
            has_n_lines: !part.n_lines.is_empty(),
            values: measured(&part.values),
            channels: measured(&part.channels),
            flags: measured(&part.flags),
            extent,
            station: part.station,
        })
    }

    /// Appends what `write` writes; it says how many bytes that are.
    fn put(&self, write: impl FnOnce(&mut SpooledTempFile) -> io::Result<usize>) -> Result<Extent> {
        let mut file = self.file();
        let put = file.seek(SeekFrom::End(0)).and_then(|at| {
            Ok(Extent {
                at,
                n_bytes: write(&mut file)?,
            })
        });
        put.map_err(|e| {
            Fault::unforeseen("what does not fit in memory cannot be stored beside the output")
                .because(e)
                .hint("is the disk full? some 30 bytes are needed for each hour that is read")
        })
    }

    fn column<T, const N: usize>(
        &self,
        extent: Extent,
        decode: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<T>> {
        let mut bytes = vec![0; extent.n_bytes];
        let mut file = self.file();
        let got = file
            .seek(SeekFrom::Start(extent.at))
            .and_then(|_| file.read_exact(&mut bytes));
        drop(file);
        got.map_err(|e| {
            Fault::unforeseen("what was stored beside the output cannot be read").because(e)
        })?;
        let (values, _) = bytes.as_chunks::<N>();
        Ok(values.iter().map(|&value| decode(value)).collect())
    }

    /// A panic elsewhere ends the run anyway.
    fn file(&self) -> MutexGuard<'_, SpooledTempFile> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
    has_n_lines: bool,
    /// Which columns it has, one bit each.
    values: u16,
    channels: u16,
    flags: u16,
    extent: Extent,
}

impl Stored {
    /// The part.
    pub(crate) fn get(&self, spill: &Spill) -> Result<Part> {
        let n = self.n_hours;
        let mut columns = Columns {
            spill,
            at: self.extent.at,
        };
        let line = columns.next(n, u32::from_le_bytes)?;
        let n_lines = columns.next(if self.has_n_lines { n } else { 0 }, u16::from_le_bytes)?;
        // As long as the hours if there is such a column.
        let len = |there: u16, at: usize| if there >> at & 1 == 1 { n } else { 0 };
        let mut values: [Vec<f32>; 13] = Default::default();
        for (at, column) in values.iter_mut().enumerate() {
            *column = columns.next(len(self.values, at), f32::from_le_bytes)?;
        }
        let mut channels: [Vec<f32>; 2] = Default::default();
        for (at, column) in channels.iter_mut().enumerate() {
            *column = columns.next(len(self.channels, at), f32::from_le_bytes)?;
        }
        let mut flags: [Vec<u16>; 13] = Default::default();
        for (at, column) in flags.iter_mut().enumerate() {
            *column = columns.next(len(self.flags, at), u16::from_le_bytes)?;
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
    fn next<T, const N: usize>(
        &mut self,
        n: usize,
        decode: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<T>> {
        if n == 0 {
            return Ok(Vec::new());
        }
        let (at, n_bytes) = (self.at, N * n);
        self.at += n_bytes as u64;
        self.spill.column(Extent { at, n_bytes }, decode)
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

/// Writes a column; returns how many bytes it has.
fn write<T: Copy, const N: usize>(
    file: &mut SpooledTempFile,
    values: &[T],
    encode: impl Fn(T) -> [u8; N],
) -> io::Result<usize> {
    let mut bytes = vec![0; N * values.len()];
    let (places, _) = bytes.as_chunks_mut::<N>();
    for (place, &value) in places.iter_mut().zip(values) {
        *place = encode(value);
    }
    file.write_all(&bytes)?;
    Ok(bytes.len())
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
        part.values[0] = (0..n).map(|hour| hour as f32 / 4.0).collect();
        part.values[12] = vec![f32::NAN; n];
        part.flags[5] = (0..n).map(|hour| hour as u16).collect();
        part
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
        }
        assert_eq!(spill.get_f32(series).unwrap(), [1.0, f32::INFINITY]);
        // What has no name cannot be left behind.
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
