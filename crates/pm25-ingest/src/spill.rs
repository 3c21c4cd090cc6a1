//! What is read and not yet written, kept beside the output instead of in memory.
//!
//! Not an artifact: the file has no name, is in no order and is gone with the process. A small run stays in memory.
//!
//! ```text
//! files, in any order ── Part ── Spill::put ──┐                        4 + 4 c bytes for each hour, c quantities
//! stations, by name   ── Part ── Stored::get ─┘
//! ```

use std::io::{Read, Seek, SeekFrom, Write};
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

    /// Stores bytes.
    pub(crate) fn put(&self, bytes: &[u8]) -> Result<Extent> {
        let mut file = self.file();
        let put = file.seek(SeekFrom::End(0)).and_then(|at| {
            file.write_all(bytes)?;
            Ok(at)
        });
        let at = put.map_err(|e| {
            Fault::unforeseen("what does not fit in memory cannot be stored beside the output")
                .because(e)
                .hint(
                    "is the disk full? the output's folder needs some 30 bytes for each hour read",
                )
        })?;
        let n_bytes = bytes.len();
        Ok(Extent { at, n_bytes })
    }

    /// The bytes stored there.
    pub(crate) fn get(&self, extent: Extent) -> Result<Vec<u8>> {
        let mut bytes = vec![0; extent.n_bytes];
        let mut file = self.file();
        let got = file
            .seek(SeekFrom::Start(extent.at))
            .and_then(|_| file.read_exact(&mut bytes));
        got.map_err(|e| {
            Fault::unforeseen("what was stored beside the output cannot be read").because(e)
        })?;
        Ok(bytes)
    }

    /// Stores one column.
    pub(crate) fn put_f32(&self, values: &[f32]) -> Result<Extent> {
        let mut bytes = Vec::with_capacity(4 * values.len());
        push(&mut bytes, values, f32::to_le_bytes);
        self.put(&bytes)
    }

    /// A column stored there.
    pub(crate) fn get_f32(&self, extent: Extent) -> Result<Vec<f32>> {
        let bytes = self.get(extent)?;
        Ok(column(&bytes, f32::from_le_bytes))
    }

    /// Stores a part, which is given up.
    pub(crate) fn put_part(&self, part: Part) -> Result<Stored> {
        let mut bytes = Vec::with_capacity(28 * part.line.len());
        push(&mut bytes, &part.line, u32::to_le_bytes);
        push(&mut bytes, &part.n_lines, u16::to_le_bytes);
        for values in part.values.iter().chain(&part.channels) {
            push(&mut bytes, values, f32::to_le_bytes);
        }
        for flags in &part.flags {
            push(&mut bytes, flags, u16::to_le_bytes);
        }
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
            extent: self.put(&bytes)?,
            station: part.station,
        })
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
        let bytes = spill.get(self.extent)?;
        let mut rest = bytes.as_slice();
        let mut take = |n_bytes: usize| {
            let (taken, others) = rest.split_at(n_bytes);
            rest = others;
            taken
        };
        let n = self.n_hours;
        let has = |columns: u16, at: usize| columns >> at & 1 == 1;
        let line = column(take(4 * n), u32::from_le_bytes);
        let n_lines = if self.has_n_lines { n } else { 0 };
        let n_lines = column(take(2 * n_lines), u16::from_le_bytes);
        let mut f32s =
            |is_there: bool| column(take(if is_there { 4 * n } else { 0 }), f32::from_le_bytes);
        let values = std::array::from_fn(|at| f32s(has(self.values, at)));
        let channels = std::array::from_fn(|at| f32s(has(self.channels, at)));
        let flags = std::array::from_fn(|at| {
            let n = if has(self.flags, at) { n } else { 0 };
            column(take(2 * n), u16::from_le_bytes)
        });
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

/// Which columns are not empty, one bit each.
fn measured<T>(columns: &[Vec<T>]) -> u16 {
    let present = columns
        .iter()
        .enumerate()
        .filter(|(_, column)| !column.is_empty());
    present.fold(0, |bits, (at, _)| bits | 1 << at)
}

fn push<T: Copy, const N: usize>(bytes: &mut Vec<u8>, values: &[T], encode: fn(T) -> [u8; N]) {
    bytes.extend(values.iter().flat_map(|&value| encode(value)));
}

fn column<T, const N: usize>(bytes: &[u8], decode: fn([u8; N]) -> T) -> Vec<T> {
    let (chunks, _) = bytes.as_chunks::<N>();
    chunks.iter().map(|&chunk| decode(chunk)).collect()
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
