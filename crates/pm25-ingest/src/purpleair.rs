//! PurpleAir histories: one sensor's or several sensors' readings, in any order of rows, perhaps with both channels.
//!
//! Values are the sensor's own. `--correct epa` turns hourly means into what a reference monitor would show, see
//! [`crate::correction`]; without it nothing is corrected, and the report says so. Stamps are UTC and taken as the
//! begin of the averaging interval.

use std::path::Path;

use pm25_air::Quantity;
use pm25_file::{Fault, Result};

use crate::claim::Claim;
use crate::correction::Correction;
use crate::head::{Head, HeadRow};
use crate::layout::{Layout, Names, Source, Stamped, TimeColumns};
use crate::source::{Fit, Wishes, stem};
use crate::units::Unit;
use crate::zone::Zone;

const TIMES: [&str; 2] = ["time_stamp", "UTCDateTime"];
const SENSORS: [&str; 2] = ["sensor_index", "sensor_id"];
/// Columns of PM2.5 as one number, the one for the correction first: `cf_1` is what EPA's correction was made for.
const PM25: [&str; 6] = [
    "pm2.5_cf_1",
    "pm2_5_cf_1",
    "pm2.5_atm",
    "pm2_5_atm",
    "pm2.5_alt",
    "pm2.5",
];
/// Pairs of columns of PM2.5 by channel, in the same order.
const CHANNELS: [[&str; 2]; 4] = [
    ["pm2.5_cf_1_a", "pm2.5_cf_1_b"],
    ["pm2_5_cf_1", "pm2_5_cf_1_b"],
    ["pm2.5_atm_a", "pm2.5_atm_b"],
    ["pm2_5_atm", "pm2_5_atm_b"],
];
/// The rest that is read; temperatures are Fahrenheit, pressures millibar (PurpleAir's API documentation).
const OTHERS: [(&[&str], Quantity, Unit); 4] = [
    (
        &["pm10.0_cf_1", "pm10.0_atm", "pm10_0_cf_1", "pm10_0_atm"],
        Quantity::Pm10,
        Unit::UgM3,
    ),
    (
        &["humidity", "current_humidity"],
        Quantity::Rh,
        Unit::Percent,
    ),
    (
        &["temperature", "current_temp_f"],
        Quantity::Temp,
        Unit::Fahrenheit,
    ),
    (&["pressure"], Quantity::Pres, Unit::HPa),
];

/// The header: PurpleAir's name of the time beside one of its names of PM2.5.
pub(crate) fn fit(head: &Head) -> Option<Fit> {
    let is_header = |row: &HeadRow| {
        let pm25 = PM25[..5].iter().chain(CHANNELS.iter().flatten());
        any(row, &TIMES).is_some() && pm25.into_iter().any(|name| row.position(name).is_some())
    };
    let (header_idx, _) = head.candidates().find(|(_, row)| is_header(row))?;
    Some(Fit {
        source: Source::PurpleAir,
        header_idx,
        why: "the header has PurpleAir's time_stamp and one of its columns of PM2.5".to_owned(),
    })
}

fn any(row: &HeadRow, names: &[&str]) -> Option<usize> {
    names.iter().find_map(|name| row.position(name))
}

fn channels(row: &HeadRow) -> Option<[usize; 2]> {
    CHANNELS
        .iter()
        .find_map(|[a, b]| Some([row.position(a)?, row.position(b)?]))
}

/// What the columns mean.
pub(crate) fn layout(file: &str, head: &Head, fit: Fit, wishes: &Wishes) -> Result<Layout> {
    let row = &head.rows[fit.header_idx];
    let time = any(row, &TIMES).unwrap_or_default();
    let zone = wishes.zone.clone().unwrap_or(Zone::Fixed(0));
    let mut layout = Layout::new(fit, head, TimeColumns::Stamp(time), zone);
    layout.stamped = wishes.stamped.unwrap_or(Stamped::Begin);
    layout.names = match (any(row, &SENSORS), &wishes.station) {
        (Some(_), Some(_)) => return Err(wishes.needless_station(file)),
        (Some(at), None) => Names::Column(at),
        (None, Some(name)) => Names::File(name.clone()),
        (None, None) => Names::File(stem(Path::new(file)).ok_or_else(|| wishes.nameless(file))?),
    };
    layout.extras.channels = channels(row);
    let both = layout.extras.channels;
    let pm25 = any(row, &PM25).filter(|at| both.is_none_or(|[a, _]| a != *at));
    let Some(pm25) = pm25.or(both.map(|[a, _]| a)) else {
        return Err(Fault::bad_data(format!(
            "{file}:{}: there is no column of PM2.5",
            row.line
        )));
    };
    layout.map(pm25, Quantity::Pm25, Claim::Documented(Unit::UgM3));
    for (names, quantity, unit) in OTHERS {
        if let Some(at) = any(row, names) {
            layout.map(at, quantity, Claim::Documented(unit));
        }
    }
    refuse_wrong_correction(file, &layout, wishes)?;
    layout.notes.push(match (wishes.correction, both) {
        (Some(Correction::Epa), _) => {
            "hourly PM2.5 corrected as EPA does for the whole US".to_owned()
        }
        (None, Some(_)) => {
            "PM2.5 is the mean of both channels, not corrected: see `--correct epa`".to_owned()
        }
        (None, None) => "PM2.5 is the sensor's own, not corrected: see `--correct epa`".to_owned(),
    });
    layout.note_unused("not needed beside PM2.5, PM10, humidity, temperature and pressure");
    Ok(layout)
}

/// The correction was made for `cf_1` and needs the humidity.
fn refuse_wrong_correction(file: &str, layout: &Layout, wishes: &Wishes) -> Result<()> {
    let Some(Correction::Epa) = wishes.correction else {
        return Ok(());
    };
    let is_cf_1 = layout
        .mapped
        .iter()
        .any(|column| column.quantity == Quantity::Pm25 && column.header.contains("cf_1"));
    let has_rh = layout
        .mapped
        .iter()
        .any(|column| column.quantity == Quantity::Rh);
    if is_cf_1 && has_rh {
        return Ok(());
    }
    Err(Fault::bad_data(format!(
        "{file}: the correction needs the columns pm2.5_cf_1 and humidity"
    ))
    .hint("fetch them, or leave `--correct` out"))
}
