//! `--stations FILE`: where stations are and which groups they belong to.
//!
//! Not a list of which stations to read; a station that it lacks is read all the same, and one that no file has is
//! only noted.

use std::collections::BTreeMap;

use pm25_artifact::ingest::Place;
use pm25_file::{Fault, Input, InputRef, Result};

use crate::head::decode;
use crate::records::plain_csv;

/// The column that names the station.
const STATION: &str = "station";

/// What the file says, by station.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    pub(crate) by_name: BTreeMap<String, Place>,
    pub(crate) input: Option<InputRef>,
}

impl Places {
    /// Reads a CSV with a column `station`, perhaps `lat` and `lon`, and any further ones.
    pub(crate) fn read(input: &Input) -> Result<Self> {
        let bytes = input.bytes()?;
        Ok(Self {
            by_name: parse(&input.name(), &bytes)?,
            input: Some(input.reference(&bytes)),
        })
    }
}

fn parse(name: &str, bytes: &[u8]) -> Result<BTreeMap<String, Place>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut rows = plain_csv(b',').from_reader(bytes).into_byte_records();
    let mut next_row = move || -> Option<Vec<String>> {
        // Bytes in memory cannot fail to be read, and any text is CSV.
        let record = rows.next()?.ok()?;
        Some(
            record
                .iter()
                .map(|cell| decode(cell).trim().to_owned())
                .collect(),
        )
    };
    let header: Vec<String> = next_row()
        .unwrap_or_default()
        .iter()
        .map(|cell| cell.to_lowercase())
        .collect();
    let station = header
        .iter()
        .position(|column| column == STATION)
        .ok_or_else(|| {
            Fault::usage(format!("{name} has no column `{STATION}`")).hint(
                "write a CSV with the columns station, lat, lon, region and any further groups",
            )
        })?;
    let mut places = BTreeMap::new();
    while let Some(cells) = next_row() {
        if cells.len() != header.len() {
            return Err(Fault::usage(format!(
                "{name}: a row has {} cells, the header {}",
                cells.len(),
                header.len()
            )));
        }
        let place = place(name, &header, &cells)?;
        if places.insert(cells[station].clone(), place).is_some() {
            return Err(Fault::usage(format!(
                "{name}: station `{}` occurs twice",
                cells[station]
            )));
        }
    }
    Ok(places)
}

fn place(name: &str, header: &[String], cells: &[String]) -> Result<Place> {
    let mut place = Place::default();
    for (column, cell) in header
        .iter()
        .zip(cells)
        .filter(|(_, cell)| !cell.is_empty())
    {
        match column.as_str() {
            STATION => {}
            "lat" => place.lat = Some(degrees(name, cell, 90.0)?),
            "lon" => place.lon = Some(degrees(name, cell, 180.0)?),
            _ => {
                place.groups.insert(column.clone(), cell.clone());
            }
        }
    }
    Ok(place)
}

fn degrees(name: &str, cell: &str, limit: f64) -> Result<f64> {
    let degrees = cell
        .parse()
        .ok()
        .filter(|degrees: &f64| degrees.abs() <= limit);
    degrees.ok_or_else(|| {
        Fault::usage(format!(
            "{name}: `{cell}` is no degree between -{limit} and {limit}"
        ))
        .hint("write decimal degrees, for example 39.98")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_with_their_groups() {
        let text = b"\xef\xbb\xbfstation,Lat,lon,region,kind\nDongsi,39.929,116.417,centre,urban\nDingling,,,north,\n";
        let places = parse("s.csv", text).unwrap();
        assert_eq!(places["Dongsi"].lat, Some(39.929));
        assert_eq!(places["Dongsi"].groups["kind"], "urban");
        assert_eq!(places["Dingling"].lon, None);
        assert_eq!(places["Dingling"].groups.len(), 1);
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for text in [
            "name,lat\nA,1\n",
            "station,lat\nA,91\n",
            "station,lat\nA,north\n",
            "station\nA\nA\n",
            "station\nA,1\n",
            "",
        ] {
            assert!(parse("s.csv", text.as_bytes()).is_err(), "{text}");
        }
    }
}
