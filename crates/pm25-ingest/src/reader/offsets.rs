//! The offsets from UTC that a file states: in a column, beside UTC, or in its stamps.
//!
//! Not a zone; see [`crate::zone`].

use pm25_air::civil::{OFFSETS_MIN, format_offset};
use pm25_file::{Fault, Result};

use super::{Reader, Refused};
use crate::cells::decimal;
use crate::clock::parse_halves;
use crate::count::Reason;
use crate::layout::Offsets;
use crate::record::Cells;

impl Reader<'_> {
    /// The offset in a column of hours such as `-4` or `5.75`, or as local time beside UTC.
    pub(super) fn stated_offset(
        &mut self,
        cells: Cells,
        station: u32,
        stamp_s: i64,
    ) -> std::result::Result<(), Refused> {
        let extras = &self.layout.extras;
        let offset_min = if let Some(at) = extras.offset_at {
            decimal(cells[at].trim_ascii(), extras.decimal)
                .map(|hours| (60.0 * hours).round() as i64)
        } else if let Some([date, time]) = extras.local {
            let local = parse_halves(&cells[date], &cells[time]);
            local.ok().map(|local| (local.local_s - stamp_s) / 60)
        } else {
            return Ok(());
        };
        let known = offset_min.and_then(|min| i16::try_from(min).ok());
        match known.filter(|min| OFFSETS_MIN.contains(min)) {
            Some(offset_min) => {
                self.remember_offset(station, offset_min);
                Ok(())
            }
            None => Err(Refused::Line(Reason::Offset)),
        }
    }

    pub(super) fn remember_offset(&mut self, station: u32, offset_min: i16) {
        let station = station as usize;
        if self.offsets_min.len() <= station {
            self.offsets_min.resize(station + 1, None);
        }
        let known = self.offsets_min[station].get_or_insert((offset_min, offset_min));
        *known = (known.0.min(offset_min), known.1.max(offset_min));
    }

    /// Stamps with different offsets come from a clock with summer time, whose standard offset they do not tell.
    pub(super) fn note_offset(&mut self, offset_min: i16, station: u32, line: u64) -> Result<()> {
        let by_station = self.layout.extras.offsets == Offsets::ByStation;
        let of = if by_station { station } else { 0 };
        if self.layout.extras.offset_at.is_none() {
            self.remember_offset(of, offset_min);
        }
        if by_station || self.layout.zone_is_known {
            return Ok(());
        }
        match self.offsets_min.first() {
            Some(&Some((smallest, largest))) if smallest != largest => {
                let before = if smallest == offset_min {
                    largest
                } else {
                    smallest
                };
                Err(Fault::bad_data(format!(
                    "{}:{line}: the offset changes from {} to {}",
                    self.file,
                    format_offset(before),
                    format_offset(offset_min)
                ))
                .hint("give the station's zone, for example `--tz Europe/London`"))
            }
            _ => Ok(()),
        }
    }
}
