//! What must be known of all stations before one can be judged: their medians, their PM2.5 side by side, their clocks.
//!
//! Not a judgement. Stations of several files are laid together one for each thread and let go again; of one that is
//! in a single file all is known since that file was read.

use pm25_air::civil::HOUR_S;
use pm25_artifact::prep::StationFact;
use pm25_file::Result;
use rayon::prelude::*;

use crate::file::ReadFile;
use crate::quality::{Network, Pm25Series};
use crate::spill::Spill;
use crate::stations::{Rejected, Station};

/// All stations at a glance, in the order of the table.
pub(crate) struct Survey {
    pub(crate) network: Network,
    /// For the table's header.
    pub(crate) facts: Vec<StationFact>,
    /// Start of each station's first hour and end of its last, seconds since 1970 UTC.
    pub(crate) spans_s: Vec<(i64, i64)>,
}

impl Survey {
    /// Hours of a station.
    pub(crate) fn n_hours(&self, station_idx: usize) -> usize {
        let (start_s, end_s) = self.spans_s[station_idx];
        ((end_s - start_s) / HOUR_S) as usize
    }
}

/// Lays every station of several files together once. Lines that a later file repeats or contradicts are counted in that file's tally.
pub(crate) fn survey(
    stations: &[Station],
    files: &mut [ReadFile],
    spill: &Spill,
) -> Result<Survey> {
    let names: Vec<String> = files.iter().map(|file| file.name.clone()).collect();
    type Seen = (Pm25Series, StationFact, (i64, i64), Rejected);
    // All of them first: which fault is reported must not depend on which thread was faster.
    let seen: Vec<Result<Seen>> = stations
        .par_iter()
        .map(|station| {
            if let Some((series, part)) = station.only_part() {
                let fact = StationFact {
                    name: station.name.clone(),
                    utc_offset_min: part.utc_offset_min(),
                };
                return Ok((series, fact, part.span_s(), Rejected::default()));
            }
            let (merged, rejections) = station.merged(&names, spill)?;
            let grid = merged.station;
            let fact = StationFact {
                name: grid.name.clone(),
                utc_offset_min: grid.utc_offset_min,
            };
            let span_s = (grid.start_s, grid.time_s(grid.n_hours));
            let rejected = Rejected::of(rejections);
            Ok((Pm25Series::of(&grid, spill)?, fact, span_s, rejected))
        })
        .collect();
    let mut series = Vec::with_capacity(seen.len());
    let mut facts = Vec::with_capacity(seen.len());
    let mut spans_s = Vec::with_capacity(seen.len());
    for seen in seen {
        let (of_station, fact, span_s, rejected) = seen?;
        rejected.note(files);
        series.push(of_station);
        facts.push(fact);
        spans_s.push(span_s);
    }
    Ok(Survey {
        network: Network::new(series, spill)?,
        facts,
        spans_s,
    })
}
