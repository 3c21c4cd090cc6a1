//! The hash of the observations that a part may depend on.
//!
//! Not the hash of a file: that would change with every hour that is added at the end, and a train table must not.
//! So the train table names the rows stamped before T1, valid those before T2, test all of them.
//!
//! ```text
//! for each station with such rows, by name:
//!   length of the name (u32), the name, offset (i16, minutes), number of hours (u64), their times (i64, seconds)
//!   for each quantity in column order: values (f32; missing is one NaN), then flags (u16)
//! ```
//!
//! Everything little-endian.

use std::io::{self, Read};

use pm25_air::civil::format_utc;
use pm25_air::{Network, Quantity, Station};
use pm25_file::{Fault, InputRef, Result, Sha256};

use crate::observations::{ObservationFile, Record};

/// The rows of a file as an input: those stamped before `until_s`, or all.
///
/// # Errors
/// Unforeseen: none that data can cause.
pub fn rows_before(
    file: &ObservationFile,
    network: &Network,
    until_s: Option<i64>,
) -> Result<InputRef> {
    let chunks = file
        .records
        .iter()
        .filter_map(|record| bytes(record, network, until_s));
    let mut reader = Chunks {
        chunks,
        current: Vec::new(),
        at: 0,
    };
    let sha256 = Sha256::of_reader(&mut reader)
        .map_err(|e| Fault::unforeseen("cannot hash the observations").because(e))?;
    let which = match until_s {
        Some(until_s) => format!("time < {}", format_utc(until_s)),
        None => "all rows".to_owned(),
    };
    Ok(InputRef {
        name: format!("{}[{which}]", file.source.name),
        sha256,
    })
}

/// One station's rows; nothing when it has none.
fn bytes(record: &Record, network: &Network, until_s: Option<i64>) -> Option<Vec<u8>> {
    let found = network
        .stations
        .binary_search_by(|station| station.name.cmp(&record.station));
    let station = &network.stations[found.ok()?];
    let first = station.hour_idx(record.start_s)?;
    let hours: Vec<usize> = (first..first + record.n_hours)
        .take_while(|&hour_idx| until_s.is_none_or(|until_s| station.time_s(hour_idx) < until_s))
        .collect();
    let last = *hours.last()?;
    Some(encode(station, first..last + 1))
}

fn encode(station: &Station, hours: std::ops::Range<usize>) -> Vec<u8> {
    /// Time, and value and flags of every quantity.
    const BYTES_PER_HOUR: usize = 8 + 13 * (4 + 2);
    let mut bytes = Vec::with_capacity(64 + hours.len() * BYTES_PER_HOUR);
    bytes.extend((station.name.len() as u32).to_le_bytes());
    bytes.extend(station.name.as_bytes());
    bytes.extend(station.utc_offset_min.to_le_bytes());
    bytes.extend((hours.len() as u64).to_le_bytes());
    bytes.extend(
        hours
            .clone()
            .flat_map(|hour_idx| station.time_s(hour_idx).to_le_bytes()),
    );
    for quantity in Quantity::ALL {
        let values = &station.values(quantity)[hours.clone()];
        let one_nan = |value: f32| if value.is_nan() { f32::NAN } else { value };
        bytes.extend(
            values
                .iter()
                .flat_map(|&value| one_nan(value).to_le_bytes()),
        );
        bytes.extend(
            station.flags(quantity)[hours.clone()]
                .iter()
                .flat_map(|mask| mask.to_le_bytes()),
        );
    }
    bytes
}

/// Byte strings one after the other, as a reader: only one station is in memory at a time.
struct Chunks<I> {
    chunks: I,
    current: Vec<u8>,
    at: usize,
}

impl<I: Iterator<Item = Vec<u8>>> Read for Chunks<I> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.current.len() {
            let Some(next) = self.chunks.next() else {
                return Ok(0);
            };
            (self.current, self.at) = (next, 0);
        }
        let n_bytes = (&self.current[self.at..]).read(buffer)?;
        self.at += n_bytes;
        Ok(n_bytes)
    }
}
