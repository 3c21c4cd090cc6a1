//! The readings of one station on a shelf, for a search.
//!
//! Not its hours.

use pm25_air::civil::HOUR_S;
use pm25_file::Result;

use super::{LINES, STAMPS, Shelf, VALUES};
use crate::hourly::lag_of;
use crate::layout::{Layout, Stamped};

impl Shelf<'_> {
    /// Gives each line of a station that is about the hour from `start_s` on, with a column's number as it was read.
    pub(crate) fn of_hour(
        &self,
        (file, layout): (&str, &Layout),
        (station, column): (usize, usize),
        start_s: i64,
        mut give: impl FnMut(u32, f32),
    ) -> Result<()> {
        let lag_s = match layout.stamped {
            Stamped::Begin => 0,
            Stamped::End => lag_of(layout, self.known_step_s(file, layout)?),
        };
        let hour = start_s..start_s + HOUR_S;
        for segment in self.stations.get(station).into_iter().flatten() {
            let stamps_s: Vec<i64> = self.piece(segment, STAMPS)?;
            let is_there = |stamp_s: &i64| hour.contains(&(stamp_s - lag_s));
            if !stamps_s.iter().any(is_there) {
                continue;
            }
            let lines: Vec<u32> = self.piece(segment, LINES)?;
            let values: Vec<f32> = self.piece(segment, VALUES + column)?;
            let rows = stamps_s.iter().zip(lines.into_iter().zip(values));
            for (_, (line, value)) in rows.filter(|(stamp_s, _)| is_there(stamp_s)) {
                give(line, value);
            }
        }
        Ok(())
    }
}
