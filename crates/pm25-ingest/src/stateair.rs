//! Files of the monitors at US embassies: StateAir's yearly files with three lines of preamble, the same re-saved by a
//! spreadsheet, and AirNow's successor with a clock of twelve hours.
//!
//! Clocks show the city's local standard time. The column `Hour` contradicts the date's text on some days of 2015;
//! the text makes a whole series, so it is what counts. `NowCast Conc.` is a weighted mean of past hours and is never
//! taken for a measurement.

use pm25_air::Quantity;
use pm25_file::{Fault, Result};

use crate::clock::{Order, parse, shows_year_first, whole_number};
use crate::count::Reason;
use crate::head::{Head, HeadRow};
use crate::layout::{
    ClockFault, Judged, Layout, Long, Names, Scope, Source, Stamped, TimeColumns, Verdict,
};
use crate::source::{Fit, Wishes, need};
use crate::zone::Zone;

/// Cities with an embassy's monitor and their standard offsets, minutes east (IANA tzdata); only those whose clock
/// knew no summer time while the monitors stood there.
const CITIES: [(&str, i16); 36] = [
    ("Abidjan", 0),
    ("Accra", 0),
    ("Bamako", 0),
    ("Dakar", 0),
    ("Ouagadougou", 0),
    ("Algiers", 60),
    ("Abuja", 60),
    ("Lagos", 60),
    ("Kinshasa", 60),
    ("Kigali", 120),
    ("Addis Ababa", 180),
    ("Baghdad", 180),
    ("Doha", 180),
    ("Kampala", 180),
    ("Kuwait City", 180),
    ("Manama", 180),
    ("Nairobi", 180),
    ("Riyadh", 180),
    ("Abu Dhabi", 240),
    ("Dubai", 240),
    ("Islamabad", 300),
    ("Karachi", 300),
    ("Lahore", 300),
    ("Peshawar", 300),
    ("Tashkent", 300),
    ("Chennai", 330),
    ("Colombo", 330),
    ("Hyderabad", 330),
    ("Kolkata", 330),
    ("Mumbai", 330),
    ("New Delhi", 330),
    ("Kathmandu", 345),
    ("Dhaka", 360),
    ("Rangoon", 390),
    ("Bogota", -300),
    ("Lima", -300),
];
/// The same, east of them.
const EASTERN_CITIES: [(&str, i16); 9] = [
    ("Hanoi", 420),
    ("Ho Chi Minh City", 420),
    ("Jakarta", 420),
    ("Vientiane", 420),
    ("Beijing", 480),
    ("Chengdu", 480),
    ("Guangzhou", 480),
    ("Shanghai", 480),
    ("Shenyang", 480),
];

const DATES: [&str; 3] = ["Date (LST)", "Date (LT)", "Date (LST/LT)"];
const VALUES: [&str; 2] = ["Raw Conc.", "Value"];
const UNITS: [&str; 2] = ["Conc. Unit", "Unit"];
const QC: &str = "QC Name";

/// The header: site, parameter, the date on local time, and the verdict.
pub(crate) fn fit(head: &Head) -> Option<Fit> {
    let is_header = |row: &HeadRow| {
        ["Site", "Parameter", QC]
            .iter()
            .all(|name| row.position(name).is_some())
            && any(row, &DATES).is_some()
            && any(row, &VALUES).is_some()
    };
    let (header_idx, _) = head.candidates().find(|(_, row)| is_header(row))?;
    Some(Fit {
        source: Source::StateAir,
        header_idx,
        why: "the header has Site, Parameter, Date on local time and QC Name".to_owned(),
    })
}

fn any(row: &HeadRow, names: &[&str]) -> Option<usize> {
    names.iter().find_map(|name| row.position(name))
}

/// What the columns mean.
pub(crate) fn layout(file: &str, head: &Head, fit: Fit, wishes: &Wishes) -> Result<Layout> {
    let row = &head.rows[fit.header_idx];
    let header_idx = fit.header_idx;
    let date = any(row, &DATES).unwrap_or_default();
    let site = need(file, row, "Site")?;
    let zone = match &wishes.zone {
        Some(zone) => zone.clone(),
        None => zone_of(file, head.first_value(header_idx, site).unwrap_or_default())?,
    };
    let mut layout = Layout::new(fit, head, TimeColumns::Stamp(date), zone);
    layout.names = match &wishes.station {
        Some(_) => return Err(wishes.needless_station(file)),
        None => Names::Column(site),
    };
    layout.step_s = Some(3_600);
    layout.stamped = wishes.stamped.unwrap_or(Stamped::Begin);
    layout.order = order(file, head, header_idx, date)?;
    layout.extras.long = Some(Long {
        parameter: need(file, row, "Parameter")?,
        value: any(row, &VALUES).unwrap_or_default(),
        unit: any(row, &UNITS),
        quantity,
    });
    layout.extras.verdict = Some(Verdict {
        at: need(file, row, QC)?,
        judge,
    });
    layout.extras.clock_fault = ClockFault::FalseSummerTime;
    if let Some(duration) = row.position("Duration") {
        layout.extras.scopes.push(Scope {
            at: duration,
            wanted: vec!["1 Hr".to_owned()],
            otherwise: Some(Reason::OtherMean),
        });
    }
    layout.note_unused("the date's text and the raw concentration are taken");
    layout
        .notes
        .push("hours of summer time that the city does not have are moved back".to_owned());
    Ok(layout)
}

/// The clock of the first row's city; a file holds one.
fn zone_of(file: &str, site: &str) -> Result<Zone> {
    let all = CITIES.iter().chain(&EASTERN_CITIES);
    let city = all.into_iter().find(|(city, _)| {
        site.get(..city.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(city))
    });
    match city {
        Some((_, offset_min)) => Ok(Zone::Fixed(*offset_min)),
        None => Err(Fault::bad_data(format!(
            "{file}: the clock of `{}` is not known",
            crate::count::shown(site.as_bytes())
        ))
        .hint("give its zone, for example `--tz Asia/Ulaanbaatar`")),
    }
}

/// The order of day and month: the one in which the text says what the columns Year, Month and Day say.
fn order(file: &str, head: &Head, header_idx: usize, date: usize) -> Result<Order> {
    let row = &head.rows[header_idx];
    let first = head.first_value(header_idx, date).unwrap_or_default();
    if first.is_empty() || shows_year_first(first.as_bytes()) {
        return Ok(Order::Ymd);
    }
    let parts = ["Year", "Month", "Day"].map(|name| row.position(name));
    let agrees = |order: Order, cells: &[String]| {
        let cell = |at: usize| cells.get(at).map(String::as_bytes);
        let stamp = parse(cell(date)?, order).ok()?;
        let [year, month, day] = parts.map(|at| whole_number(cell(at?)?));
        let date = crate::clock::Parts {
            year: year?,
            month: month?,
            day: day?,
            hour: 0,
            minute: 0,
            second: 0,
        };
        Some(date.local_s().ok()? == stamp.local_s - stamp.local_s.rem_euclid(86_400))
    };
    let rows = || {
        head.rows[header_idx + 1..]
            .iter()
            .filter(|row| row.cells.len() == head.rows[header_idx].cells.len())
    };
    let fits = |order: Order| {
        rows().count() != 0 && rows().all(|row| agrees(order, &row.cells) == Some(true))
    };
    [Order::Mdy, Order::Dmy]
        .into_iter()
        .find(|&order| fits(order))
        .ok_or_else(|| {
            Fault::bad_data(format!(
                "{file}: the date `{first}` and the columns Year, Month, Day contradict each other"
            ))
        })
}

fn quantity(parameter: &[u8]) -> Option<Quantity> {
    let is = |name: &str| {
        parameter.len() >= name.len()
            && parameter[..name.len()].eq_ignore_ascii_case(name.as_bytes())
    };
    if is("PM2.5") {
        Some(Quantity::Pm25)
    } else if is("PM10") {
        Some(Quantity::Pm10)
    } else if is("OZONE") {
        Some(Quantity::O3)
    } else {
        None
    }
}

fn judge(cell: &[u8]) -> Judged {
    if cell.eq_ignore_ascii_case(b"Missing") {
        Judged::Missing
    } else if cell.eq_ignore_ascii_case(b"Invalid") || cell.eq_ignore_ascii_case(b"Suspect") {
        Judged::Invalid
    } else {
        Judged::Good
    }
}
