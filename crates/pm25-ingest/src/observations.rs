//! Stations as the table of observations.
//!
//! Not the writing: a group of stations at a time becomes a row group, on any thread.

use std::collections::BTreeMap;
use std::iter::repeat_n;
use std::ops::Range;

use pm25_air::Quantity;
use pm25_artifact::ingest::Place;
use pm25_artifact::prep::StationFact;
use pm25_file::Header;
use pm25_table::{Column, Table, Text};

use crate::stations::Grid;

/// The kind of table.
pub(crate) const FORMAT: &str = "pm25-observations";

/// Hours that make a row group worth its footer.
const GROUP_HOURS_MIN: usize = 1 << 16;

/// Stations that share a row group, one after the other: as many as make it worth while. Depends on their hours alone.
pub(crate) fn groups(n_hours: impl Iterator<Item = usize>) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    let mut hours = GROUP_HOURS_MIN;
    for (idx, n) in n_hours.enumerate() {
        match groups.last_mut().filter(|_| hours < GROUP_HOURS_MIN) {
            Some(last) => last.end = idx + 1,
            None => {
                groups.push(idx..idx + 1);
                hours = 0;
            }
        }
        hours += n;
    }
    groups
}

/// Some stations' rows.
#[derive(Default)]
pub(crate) struct Rows {
    stations: Text,
    times_s: Vec<i64>,
    utc_offsets_min: Vec<i16>,
    values: [Vec<f32>; 13],
    flags: [Vec<u16>; 13],
}

impl Rows {
    /// Appends a station.
    pub(crate) fn push(&mut self, station: Grid) {
        let n_hours = station.n_hours;
        let code = self.stations.words.len() as u32;
        self.stations.codes.extend(repeat_n(code, n_hours));
        self.times_s
            .extend((0..n_hours).map(|hour_idx| station.time_s(hour_idx)));
        self.utc_offsets_min
            .extend(repeat_n(station.utc_offset_min, n_hours));
        for (all, own) in self.values.iter_mut().zip(station.values) {
            append(all, own, f32::NAN, n_hours);
        }
        for (all, own) in self.flags.iter_mut().zip(station.flags) {
            append(all, own, 0, n_hours);
        }
        self.stations.words.push(station.name);
    }

    /// As a table.
    pub(crate) fn table(self) -> Table {
        let mut table = Table::new();
        table.push("station", Column::Text(self.stations));
        table.push("time", Column::Time(self.times_s));
        table.push("utc_offset_min", Column::I16(self.utc_offsets_min));
        for (quantity, values) in Quantity::ALL.into_iter().zip(self.values) {
            table.push(quantity.column(), Column::F32(values));
        }
        for (quantity, flags) in Quantity::ALL.into_iter().zip(self.flags) {
            table.push(quantity.flags_column(), Column::U16(flags));
        }
        table
    }
}

/// Appends a column, or `absent` for every hour where the station has no such column.
fn append<T: Copy>(all: &mut Vec<T>, own: Vec<T>, absent: T, n_hours: usize) {
    if own.is_empty() {
        all.extend(repeat_n(absent, n_hours));
    } else if all.is_empty() {
        *all = own;
    } else {
        all.extend(own);
    }
}

/// Adds what the table's readers must know: units, stations, places, and what the files say of themselves.
pub(crate) fn describe(
    mut header: Header,
    stations: &[StationFact],
    places: &BTreeMap<String, Place>,
    remarks: &[String],
) -> Header {
    for quantity in Quantity::ALL {
        header = header.unit(quantity.column(), quantity.unit());
    }
    header = header.fact("stations", stations);
    if !places.is_empty() {
        header = header.fact("places", places);
    }
    if !remarks.is_empty() {
        header = header.fact("remarks", remarks);
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_stations_share_a_group_and_every_station_is_in_one() {
        let long = GROUP_HOURS_MIN;
        let of = |hours: &[usize]| groups(hours.iter().copied());
        assert_eq!(of(&[]), Vec::<Range<usize>>::new());
        assert_eq!(of(&[5, 6]), std::slice::from_ref(&(0..2)));
        assert_eq!(
            of(&[long, 7, 7, long, long, 1, 1]),
            [0..1, 1..4, 4..5, 5..7]
        );
        assert_eq!(of(&[long - 1, 1, 0, 2]), [0..2, 2..4]);
    }

    #[test]
    fn what_a_station_lacks_is_missing_in_its_rows_alone() {
        let station = |name: &str, values: [Vec<f32>; 13]| Grid {
            name: name.to_owned(),
            start_s: 3_600,
            utc_offset_min: 60,
            n_hours: 2,
            values,
            flags: Default::default(),
            channels: Default::default(),
        };
        let mut rows = Rows::default();
        let mut measured: [Vec<f32>; 13] = Default::default();
        measured[1] = vec![4.0, 5.0];
        rows.push(station("A", Default::default()));
        rows.push(station("B", measured));
        rows.push(station("C", Default::default()));
        let table = rows.table();
        let column = table.f32(Quantity::ALL[1].column()).unwrap();
        let known: Vec<Option<f32>> = column.iter().map(|v| (!v.is_nan()).then_some(*v)).collect();
        assert_eq!(known, [None, None, Some(4.0), Some(5.0), None, None]);
        assert_eq!(table.text("station").unwrap().get(4), "C");
        assert_eq!(
            table.time("time").unwrap(),
            [3_600, 7_200, 3_600, 7_200, 3_600, 7_200]
        );
    }
}
