//! Stations as the table of observations.
//!
//! Station by station, each given up as soon as it is written.

use std::collections::BTreeMap;

use pm25_air::Quantity;
use pm25_artifact::ingest::Place;
use pm25_artifact::prep::StationFact;
use pm25_file::{Header, Output, Result, Sha256};
use pm25_table::{Column, Table, TableWriter, Text};

use crate::stations::Grid;

/// The kind of table.
pub(crate) const FORMAT: &str = "pm25-observations";

/// Writes the stations one after the other; returns the hash of the file.
pub(crate) fn write(stations: Vec<Grid>, out: &Output, header: Header) -> Result<Sha256> {
    let mut writer = TableWriter::new();
    for station in stations {
        writer.push(&table(station))?;
    }
    writer.finish(out, FORMAT, header)
}

/// The rows of one station; takes its columns.
fn table(mut station: Grid) -> Table {
    let n_hours = station.n_hours;
    let times = (0..n_hours)
        .map(|hour_idx| station.time_s(hour_idx))
        .collect();
    let words = vec![std::mem::take(&mut station.name)];
    let mut table = Table::new();
    table.push(
        "station",
        Column::Text(Text {
            words,
            codes: vec![0; n_hours],
        }),
    );
    table.push("time", Column::Time(times));
    table.push(
        "utc_offset_min",
        Column::I16(vec![station.utc_offset_min; n_hours]),
    );
    for quantity in Quantity::ALL {
        let values = std::mem::take(&mut station.values[quantity.index()]);
        table.push(
            quantity.column(),
            Column::F32(or_all(values, f32::NAN, n_hours)),
        );
    }
    for quantity in Quantity::ALL {
        let flags = std::mem::take(&mut station.flags[quantity.index()]);
        table.push(
            quantity.flags_column(),
            Column::U16(or_all(flags, 0, n_hours)),
        );
    }
    table
}

/// A column, or `absent` for every hour where the station has no such column.
fn or_all<T: Copy>(column: Vec<T>, absent: T, n_hours: usize) -> Vec<T> {
    if column.is_empty() {
        vec![absent; n_hours]
    } else {
        column
    }
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
