//! AirNow's HourlyData files: no header, `|` between the cells, ISO-8859-1, one reading in a row.
//!
//! Stamps show UTC; which end of the hour they name is not documented, the begin is taken. The fifth cell is the
//! offset of the site's standard time in hours, with fractions in South Asia. Preliminary data.

use pm25_air::Quantity;
use pm25_file::Result;

use crate::clock::parse_halves;
use crate::head::{Head, HeadRow};
use crate::layout::{Layout, Long, Names, Offsets, Source, Stamped, TimeColumns};
use crate::number::parse_f32;
use crate::source::{Fit, Wishes};
use crate::zone::Zone;

/// What the cells are.
const CELLS: [&str; 9] = [
    "valid date",
    "valid time",
    "AQSID",
    "site name",
    "GMT offset",
    "parameter",
    "units",
    "value",
    "data source",
];
/// So many of the first rows must look like it.
const ROWS_MIN: usize = 1;

/// No header, but rows of nine cells that begin with a date of two-digit year and a time.
pub(crate) fn fit(head: &Head) -> Option<Fit> {
    if head.delimiter != b'|' {
        return None;
    }
    let n_rows = head.rows.len();
    let n_alike = head.rows.iter().filter(|row| looks_like(row)).count();
    let most = ROWS_MIN <= n_alike && n_rows <= 2 * n_alike;
    most.then(|| Fit {
        source: Source::AirNow,
        header_idx: 0,
        why: "rows of nine cells between `|`: date, time, AQSID, site, offset, parameter, unit, value, source".to_owned(),
    })
}

fn looks_like(row: &HeadRow) -> bool {
    row.cells.len() == CELLS.len()
        && parse_halves(row.cells[0].as_bytes(), row.cells[1].as_bytes()).is_ok()
        && parse_f32(row.cells[4].as_bytes()).is_some()
}

/// What the cells mean.
pub(crate) fn layout(file: &str, head: &Head, fit: Fit, wishes: &Wishes) -> Result<Layout> {
    let time = TimeColumns::Halves { date: 0, time: 1 };
    let mut layout = Layout::new(
        fit,
        head,
        time,
        wishes.zone.clone().unwrap_or(Zone::Fixed(0)),
    );
    layout.header = CELLS.map(str::to_owned).into();
    layout.header_line = 0;
    layout.remarks = Vec::new();
    layout.step_s = Some(3_600);
    layout.zone_is_known = wishes.zone.is_some();
    layout.stamped = wishes.stamped.unwrap_or(Stamped::Begin);
    layout.names = match &wishes.station {
        Some(_) => return Err(wishes.needless_station(file)),
        None => Names::Column(2),
    };
    layout.extras.offset_at = Some(4);
    layout.extras.offsets = Offsets::ByStation;
    layout.extras.long = Some(Long {
        parameter: 5,
        value: 7,
        unit: Some(6),
        quantity,
    });
    if wishes.stamped.is_none() {
        layout
            .notes
            .push("stamps taken as the begin of the hour; AirNow does not say".to_owned());
    }
    layout.note_unused("names of sites and agencies; stations are known by their AQSID");
    Ok(layout)
}

fn quantity(parameter: &[u8]) -> Option<Quantity> {
    Some(match parameter {
        b"PM2.5" => Quantity::Pm25,
        b"PM10" => Quantity::Pm10,
        b"OZONE" => Quantity::O3,
        b"CO" => Quantity::Co,
        b"NO2" => Quantity::No2,
        b"SO2" => Quantity::So2,
        b"TEMP" => Quantity::Temp,
        b"RHUM" => Quantity::Rh,
        b"BARPR" => Quantity::Pres,
        b"PRECIP" => Quantity::Rain,
        b"WS" => Quantity::WindSpeed,
        b"WD" => Quantity::WindDir,
        _ => return None,
    })
}
