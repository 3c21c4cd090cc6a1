//! Stations as the table of observations.
//!
//! Column by column, each station's own copy given up as soon as it is in the table, so that no more than one
//! column is there twice.

use std::collections::BTreeMap;

use pm25_air::Quantity;
use pm25_artifact::ingest::Place;
use pm25_artifact::prep::StationFact;
use pm25_file::Header;
use pm25_table::{Column, Table, Text};

use crate::stations::Grid;

/// The kind of table.
pub(crate) const FORMAT: &str = "pm25-observations";

/// The columns of all stations, one after the other.
pub(crate) fn table(mut stations: Vec<Grid>) -> Table {
    let n_hours: Vec<usize> = stations.iter().map(|station| station.n_hours).collect();
    let words = stations
        .iter()
        .map(|station| station.name.clone())
        .collect();
    let codes = repeated(0.., &n_hours);
    let offsets = repeated(
        stations.iter().map(|station| station.utc_offset_min),
        &n_hours,
    );
    let mut times = Vec::with_capacity(codes.len());
    for station in &stations {
        times.extend((0..station.n_hours).map(|hour_idx| station.time_s(hour_idx)));
    }
    let mut table = Table::new();
    table.push("station", Column::Text(Text { words, codes }));
    table.push("time", Column::Time(times));
    table.push("utc_offset_min", Column::I16(offsets));
    for quantity in Quantity::ALL {
        let take = |station: &mut Grid| std::mem::take(&mut station.values[quantity.index()]);
        let values = joined(stations.iter_mut().map(take), &n_hours, f32::NAN);
        table.push(quantity.column(), Column::F32(values));
    }
    for quantity in Quantity::ALL {
        let take = |station: &mut Grid| std::mem::take(&mut station.flags[quantity.index()]);
        let flags = joined(stations.iter_mut().map(take), &n_hours, 0);
        table.push(quantity.flags_column(), Column::U16(flags));
    }
    table
}

/// Each value as often as its station has hours.
fn repeated<T: Copy>(values: impl Iterator<Item = T>, n_hours: &[usize]) -> Vec<T> {
    let mut all = Vec::with_capacity(n_hours.iter().sum());
    for (value, &n) in values.zip(n_hours) {
        all.resize(all.len() + n, value);
    }
    all
}

/// One column of all stations; `absent` where a station has no such column.
fn joined<T: Copy>(columns: impl Iterator<Item = Vec<T>>, n_hours: &[usize], absent: T) -> Vec<T> {
    let mut all = Vec::with_capacity(n_hours.iter().sum());
    for (column, &n) in columns.zip(n_hours) {
        if column.is_empty() {
            all.resize(all.len() + n, absent);
        } else {
            all.extend_from_slice(&column);
        }
    }
    all
}

/// Adds what the table's readers must know: units, stations, places, and what the files say of themselves.
pub(crate) fn describe(
    mut header: Header,
    stations: &[Grid],
    places: &BTreeMap<String, Place>,
    remarks: &[String],
) -> Header {
    for quantity in Quantity::ALL {
        header = header.unit(quantity.column(), quantity.unit());
    }
    let facts: Vec<StationFact> = stations
        .iter()
        .map(|station| StationFact {
            name: station.name.clone(),
            utc_offset_min: station.utc_offset_min,
        })
        .collect();
    header = header.fact("stations", facts);
    if !places.is_empty() {
        header = header.fact("places", places);
    }
    if !remarks.is_empty() {
        header = header.fact("remarks", remarks);
    }
    header
}
