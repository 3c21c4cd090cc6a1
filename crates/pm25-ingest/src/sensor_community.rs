//! Sensor.Community (Luftdaten): one sensor's day, `;` between the cells; PM2.5 is `P2`.
//!
//! Stamps show UTC and are instants some two and a half minutes apart; hours are their means.

use pm25_air::Quantity;
use pm25_file::Result;

use crate::claim::Claim;
use crate::head::{Head, HeadRow};
use crate::layout::{Layout, Names, Source, Stamped, TimeColumns};
use crate::source::{Fit, Wishes, need};
use crate::units::Unit;
use crate::zone::Zone;

const OWN: [&str; 4] = ["sensor_id", "sensor_type", "location", "timestamp"];
/// What the columns hold (the archive's README: P1 is PM10, P2 is PM2.5; pressures are pascal).
const QUANTITIES: [(&str, Quantity, Unit); 5] = [
    ("P2", Quantity::Pm25, Unit::UgM3),
    ("P1", Quantity::Pm10, Unit::UgM3),
    ("temperature", Quantity::Temp, Unit::Celsius),
    ("humidity", Quantity::Rh, Unit::Percent),
    ("pressure", Quantity::Pres, Unit::Pa),
];

/// The header: the sensor's columns and a quantity.
pub(crate) fn fit(head: &Head) -> Option<Fit> {
    let is_header = |row: &HeadRow| {
        OWN.iter().all(|name| row.position(name).is_some())
            && QUANTITIES
                .iter()
                .any(|(name, ..)| row.position(name).is_some())
    };
    let (header_idx, _) = head.candidates().find(|(_, row)| is_header(row))?;
    Some(Fit {
        source: Source::SensorCommunity,
        header_idx,
        why: "the header has sensor_id, sensor_type, location, timestamp and P1, P2 or weather"
            .to_owned(),
    })
}

/// What the columns mean.
pub(crate) fn layout(file: &str, head: &Head, fit: Fit, wishes: &Wishes) -> Result<Layout> {
    let row = &head.rows[fit.header_idx];
    let time = TimeColumns::Stamp(need(file, row, "timestamp")?);
    let mut layout = Layout::new(
        fit,
        head,
        time,
        wishes.zone.clone().unwrap_or(Zone::Fixed(0)),
    );
    layout.stamped = wishes.stamped.unwrap_or(Stamped::Begin);
    layout.names = match &wishes.station {
        Some(_) => return Err(wishes.needless_station(file)),
        None => Names::Column(need(file, row, "sensor_id")?),
    };
    for (name, quantity, unit) in QUANTITIES {
        if let Some(at) = row.position(name) {
            layout.map(at, quantity, Claim::Documented(unit));
        }
    }
    layout.note_unused("not a quantity that is kept");
    Ok(layout)
}
