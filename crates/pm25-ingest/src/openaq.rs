//! OpenAQ: exports of its versions 1 and 2, and the archive of version 3; one reading in a row.
//!
//! Its stamps name the end of the interval (docs.openaq.org, "Dates and datetimes"), and carry the station's own
//! offset, which moves by an hour in summer; the smaller of a station's offsets is its standard time.

use pm25_air::Quantity;
use pm25_file::Result;

use crate::clock::{Order, shows_year_first};
use crate::head::{Head, HeadRow};
use crate::layout::{Layout, Long, Names, Offsets, Source, Stamped, TimeColumns};
use crate::source::{Fit, Wishes, need};
use crate::zone::Zone;

/// Columns of the time, the best first: where both are there, the local one tells the offset besides.
const TIMES: [&str; 7] = [
    "local",
    "date.local",
    "datetimeLocal",
    "datetime",
    "date",
    "utc",
    "date.utc",
];
const UNITS: [&str; 2] = ["unit", "units"];

/// The header: location, parameter, value and a time.
pub(crate) fn fit(head: &Head) -> Option<Fit> {
    let is_header = |row: &HeadRow| {
        ["location", "parameter", "value"]
            .iter()
            .all(|name| row.position(name).is_some())
            && any(row, &TIMES).is_some()
    };
    let (header_idx, row) = head.candidates().find(|(_, row)| is_header(row))?;
    let version = if row.position("location_id").is_some() {
        "the archive"
    } else {
        "an export"
    };
    Some(Fit {
        source: Source::OpenAq,
        header_idx,
        why: format!(
            "the header has location, parameter, value and a time, as {version} of OpenAQ"
        ),
    })
}

fn any(row: &HeadRow, names: &[&str]) -> Option<usize> {
    names.iter().find_map(|name| row.position(name))
}

/// What the columns mean.
pub(crate) fn layout(file: &str, head: &Head, fit: Fit, wishes: &Wishes) -> Result<Layout> {
    let row = &head.rows[fit.header_idx];
    let time = any(row, &TIMES).unwrap_or_default();
    let first = head.first_value(fit.header_idx, time).unwrap_or_default();
    let states_zone = first.contains(['Z', 'z', '+']) || first.matches('-').count() == 3;
    let zone = wishes.zone.clone().unwrap_or(Zone::Fixed(0));
    let order = if first.is_empty() || shows_year_first(first.as_bytes()) {
        Order::Ymd
    } else {
        Order::Dmy
    };
    let mut layout = Layout::new(fit, head, TimeColumns::Stamp(time), zone);
    layout.order = order;
    layout.zone_is_known = wishes.zone.is_some();
    layout.stamped = wishes.stamped.unwrap_or(Stamped::End);
    layout.names = match &wishes.station {
        Some(_) => return Err(wishes.needless_station(file)),
        None => Names::Column(need(file, row, "location")?),
    };
    layout.extras.offsets = Offsets::ByStation;
    layout.extras.long = Some(Long {
        parameter: need(file, row, "parameter")?,
        value: need(file, row, "value")?,
        unit: any(row, &UNITS),
        quantity,
    });
    if !states_zone && wishes.zone.is_none() {
        layout
            .notes
            .push("the stamps state no zone: taken as UTC".to_owned());
        layout.zone_is_known = true;
    }
    if wishes.stamped.is_none() {
        layout
            .notes
            .push("stamps taken as the end of the interval, as OpenAQ documents".to_owned());
    }
    layout.note_unused("not needed beside location, time, parameter, value and unit");
    Ok(layout)
}

fn quantity(parameter: &[u8]) -> Option<Quantity> {
    const NAMES: [(&[u8], Quantity); 13] = [
        (b"pm25", Quantity::Pm25),
        (b"pm2.5", Quantity::Pm25),
        (b"pm10", Quantity::Pm10),
        (b"no2", Quantity::No2),
        (b"so2", Quantity::So2),
        (b"o3", Quantity::O3),
        (b"co", Quantity::Co),
        (b"temperature", Quantity::Temp),
        (b"relativehumidity", Quantity::Rh),
        (b"humidity", Quantity::Rh),
        (b"pressure", Quantity::Pres),
        (b"wind_speed", Quantity::WindSpeed),
        (b"wind_direction", Quantity::WindDir),
    ];
    let known = NAMES
        .iter()
        .find(|(name, _)| parameter.eq_ignore_ascii_case(name));
    known.map(|(_, quantity)| *quantity)
}
