//! Any other table with a time and named quantities, plain or described by a map.
//!
//! What such a table does not say is assumed and stated in the report: clock UTC, stamp = begin of the interval,
//! our own units. Day and month in an order that cannot be seen are not guessed.
//!
//! ```toml
//! time = "Date"                      # required; the other keys are optional
//! order = "day-first"                # or month-first, year-first
//! stamp = "end"                      # or begin
//! tz = "Europe/London"               # or +05:30
//! station = "Site"                   # a column; or give --station NAME
//! delimiter = ";"
//! sentinels = [-888]                 # beside -999 and -9999
//!
//! [columns]
//! pm25 = { column = "PM2.5 conc", unit = "ug/m3" }
//! no2 = { column = "NO2", unit = "ppb" }
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use pm25_air::Quantity;
use pm25_artifact::ingest::Unused;
use pm25_file::{Fault, Result, nearest};
use serde::Deserialize;

use crate::claim::Claim;
use crate::clock::{Order, parse, shows_year_first, whole_number};
use crate::count::shown;
use crate::head::{Head, HeadRow};
use crate::layout::{
    Extras, Kind, Layout, Mapped, Names, Source, Stamped, TimeColumns, remarks, split_unit,
};
use crate::source::{Fit, Wishes, stem};
use crate::units::Unit;
use crate::zone::Zone;

/// Headers of the time, the likeliest first.
const TIME: [&str; 12] = [
    "time",
    "timestamp",
    "datetime",
    "date_time",
    "time_stamp",
    "date time",
    "datetime_utc",
    "time_utc",
    "utc",
    "datetime_local",
    "local_time",
    "date",
];
const STATION: &str = "station";

/// Names of quantities in plain tables, in lower case and without unit; our own column names are known besides.
const NAMES: [(Quantity, &[&str]); 13] = [
    (Quantity::Pm25, &["pm25", "pm2.5", "pm2_5", "pm 2.5"]),
    (Quantity::Pm10, &["pm10"]),
    (Quantity::No2, &["no2", "nitrogen dioxide"]),
    (Quantity::So2, &["so2", "sulphur dioxide", "sulfur dioxide"]),
    (Quantity::O3, &["o3", "ozone"]),
    (Quantity::Co, &["co", "carbon monoxide"]),
    (Quantity::Temp, &["temp", "temperature"]),
    (Quantity::Dewpoint, &["dewpoint", "dew_point", "dewp"]),
    (Quantity::Rh, &["rh", "humidity", "relative_humidity"]),
    (Quantity::Pres, &["pres", "pressure"]),
    (Quantity::Rain, &["rain", "precipitation"]),
    (Quantity::WindSpeed, &["wind", "wind_speed", "ws"]),
    (Quantity::WindDir, &["wind_dir", "wind_direction", "wd"]),
];

/// A map as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMap {
    time: String,
    order: Option<String>,
    stamp: Option<String>,
    tz: Option<String>,
    station: Option<String>,
    delimiter: Option<String>,
    #[serde(default)]
    sentinels: Vec<f32>,
    columns: BTreeMap<String, WrittenColumn>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenColumn {
    column: String,
    unit: Option<String>,
}

/// What the columns of a table mean, as the user says.
#[derive(Clone, Debug)]
pub(crate) struct ColumnMap {
    pub(crate) delimiter: Option<u8>,
    time: String,
    order: Option<Order>,
    stamped: Option<Stamped>,
    zone: Option<Zone>,
    station: Option<String>,
    sentinels: Vec<f32>,
    columns: Vec<(Quantity, String, Claim)>,
}

impl ColumnMap {
    /// Reads a map; a fault of it is a fault of the call.
    pub(crate) fn parse(name: &str, text: &str) -> Result<Self> {
        let written: WrittenMap = toml::from_str(text).map_err(|e| {
            Fault::usage(format!("{name} is not a column map"))
                .because(e)
                .hint(MAP_HINT)
        })?;
        let refused = |what: String| Fault::usage(format!("{name}: {what}")).hint(MAP_HINT);
        let delimiter = match written.delimiter.as_deref().map(str::as_bytes) {
            None => None,
            Some(&[byte]) => Some(byte),
            Some(_) => return Err(refused("`delimiter` must be one byte".to_owned())),
        };
        let mut columns = Vec::new();
        for (short, column) in written.columns {
            let quantity =
                Quantity::of_short(&short).ok_or_else(|| unknown_quantity(name, &short))?;
            let claim = column
                .unit
                .map_or(Ok(Claim::None), |unit| claim(quantity, &unit));
            columns.push((quantity, column.column, claim.map_err(refused)?));
        }
        Ok(Self {
            delimiter,
            time: written.time,
            order: written
                .order
                .map(|word| order(&word))
                .transpose()
                .map_err(refused)?,
            stamped: written
                .stamp
                .map(|word| stamped(&word))
                .transpose()
                .map_err(refused)?,
            zone: written.tz.map(|text| Zone::parse(&text)).transpose()?,
            station: written.station,
            sentinels: written.sentinels,
            columns,
        })
    }
}

const MAP_HINT: &str = "a map has `time = \"COLUMN\"` and a table `[columns]` with entries such as \
    `pm25 = { column = \"PM2.5\", unit = \"ug/m3\" }`";

fn unknown_quantity(name: &str, short: &str) -> Fault {
    let known = Quantity::ALL.map(Quantity::short);
    let fault = Fault::usage(format!(
        "{name}: there is no quantity `{}`",
        shown(short.as_bytes())
    ));
    match nearest(short, known) {
        Some(near) => fault.hint(format!("did you mean `{near}`?")),
        None => fault.hint(format!("there are {}", known.join(", "))),
    }
}

fn claim(quantity: Quantity, unit: &str) -> std::result::Result<Claim, String> {
    let known = Unit::parse(unit).filter(|known| known.conversion(quantity).is_some());
    known.map(Claim::Map).ok_or_else(|| {
        let shown = shown(unit.as_bytes());
        format!(
            "`{shown}` is no unit of {}; units are {}",
            quantity.short(),
            Unit::known()
        )
    })
}

fn order(word: &str) -> std::result::Result<Order, String> {
    match word {
        "year-first" => Ok(Order::Ymd),
        "day-first" => Ok(Order::Dmy),
        "month-first" => Ok(Order::Mdy),
        _ => Err("`order` is year-first, day-first or month-first".to_owned()),
    }
}

fn stamped(word: &str) -> std::result::Result<Stamped, String> {
    match word {
        "begin" => Ok(Stamped::Begin),
        "end" => Ok(Stamped::End),
        _ => Err("`stamp` is begin or end".to_owned()),
    }
}

/// The header: with a map, the first row that holds one of its columns; else a time and a quantity.
pub(crate) fn fit(head: &Head, map: Option<&ColumnMap>) -> Option<Fit> {
    let is_header = |row: &HeadRow| match map {
        Some(map) => {
            let mut wanted = map
                .columns
                .iter()
                .map(|(_, column, _)| column)
                .chain([&map.time]);
            wanted.any(|column| row.position(column).is_some())
        }
        None => {
            TIME.iter().any(|name| row.position(name).is_some())
                && row.cells.iter().any(|cell| named(cell).is_some())
        }
    };
    let (header_idx, _) = head.candidates().find(|(_, row)| is_header(row))?;
    let why = match map {
        Some(_) => "described by `--columns`",
        None => "no known network's header, but a time and named quantities",
    };
    Some(Fit {
        source: Source::Generic,
        header_idx,
        why: why.to_owned(),
    })
}

/// What the columns mean.
pub(crate) fn layout(file: &str, head: &Head, fit: Fit, wishes: &Wishes) -> Result<Layout> {
    let row = &head.rows[fit.header_idx];
    let map = wishes.map.as_ref();
    let time = match map {
        Some(map) => find(file, row, &map.time)?,
        None => time(head, fit.header_idx).ok_or_else(|| wishes.no_time(file, row.line))?,
    };
    let stamped = wishes.stamped.or(map.and_then(|map| map.stamped));
    let zone = wishes.zone.clone().or(map.and_then(|map| map.zone.clone()));
    let mut layout = Layout {
        source: Source::Generic,
        why: fit.why,
        header_line: row.line,
        header: row.cells.clone(),
        time: TimeColumns::Stamp(time),
        order: order_of(file, head, fit.header_idx, time, map)?,
        step_s: None,
        stamped: stamped.unwrap_or(Stamped::Begin),
        zone_is_known: zone.is_some(),
        zone: zone.unwrap_or(Zone::Fixed(0)),
        names: names(file, row, wishes)?,
        mapped: mapped(file, row, map)?,
        unused: Vec::new(),
        sentinels: map.map(|map| map.sentinels.clone()).unwrap_or_default(),
        notes: Vec::new(),
        remarks: remarks(head, fit.header_idx),
        extras: Extras::default(),
    };
    if stamped.is_none() {
        layout
            .notes
            .push("no stamp rule is stated: stamps taken as the begin of the interval".to_owned());
    }
    if let (Names::File(name), None) = (&layout.names, &wishes.station) {
        layout.notes.push(format!(
            "no column names the station: `{name}` taken from the file's name"
        ));
    }
    layout.unused = unused(row, &layout);
    if map.is_none() {
        refuse_misspelt_target(file, row, &layout)?;
    }
    layout.refuse_twins(file)
}

/// A table whose PM2.5 is misspelt must not pass for one without PM2.5.
fn refuse_misspelt_target(file: &str, row: &HeadRow, layout: &Layout) -> Result<()> {
    let has_target = layout
        .mapped
        .iter()
        .any(|column| column.quantity == Quantity::Pm25);
    let near = |cell: &&String| {
        named(cell).is_none() && nearest(split_unit(cell).0, NAMES[0].1.iter().copied()).is_some()
    };
    match row.cells.iter().find(near) {
        Some(cell) if !has_target => Err(Fault::bad_data(format!(
            "{file}:{}: the column `{}` is unknown; the nearest known one is `pm2.5`",
            row.line,
            shown(cell.as_bytes())
        ))
        .hint("rename it, or say what the columns mean with `--columns map.toml`")),
        _ => Ok(()),
    }
}

/// What is nearest to a time in a row that has a quantity but no time: the column and the name it may be
/// meant to be.
pub(crate) fn misspelt_time(head: &Head) -> Option<(String, &'static str)> {
    head.candidates()
        .filter(|(_, row)| row.cells.iter().any(|cell| named(cell).is_some()))
        .flat_map(|(_, row)| &row.cells)
        .filter(|cell| named(cell).is_none())
        .find_map(|cell| Some((shown(cell.as_bytes()), nearest(cell, TIME)?)))
}

/// The first of the columns with such a name that holds date and time together, else the first at all.
fn time(head: &Head, header_idx: usize) -> Option<usize> {
    let row = &head.rows[header_idx];
    let named = || TIME.iter().filter_map(|name| row.position(name));
    let is_whole = |at: &usize| {
        let first = head.first_value(header_idx, *at).unwrap_or_default();
        [Order::Ymd, Order::Dmy, Order::Mdy]
            .iter()
            .any(|&order| parse(first.as_bytes(), order).is_ok())
    };
    named().find(is_whole).or_else(|| named().next())
}

/// The quantity of a plain header, and the unit that it states.
fn named(column: &str) -> Option<(Quantity, Claim)> {
    if let Some(own) = Quantity::ALL
        .into_iter()
        .find(|quantity| quantity.column().eq_ignore_ascii_case(column))
    {
        return Some((own, Claim::Header(own.unit().to_owned())));
    }
    let (name, unit) = split_unit(column);
    let name = name.to_ascii_lowercase();
    let (quantity, _) = NAMES
        .iter()
        .find(|(_, names)| names.contains(&name.as_str()))?;
    Some((
        *quantity,
        unit.map_or(Claim::None, |unit| Claim::Header(unit.to_owned())),
    ))
}

fn mapped(file: &str, row: &HeadRow, map: Option<&ColumnMap>) -> Result<Vec<Mapped>> {
    let column = |at: usize, quantity, claim| Mapped {
        at,
        header: row.cells[at].clone(),
        quantity,
        kind: Kind::Number,
        claim,
    };
    let Some(map) = map else {
        let known = row
            .cells
            .iter()
            .enumerate()
            .filter_map(|(at, cell)| Some((at, named(cell)?)));
        return Ok(known
            .map(|(at, (quantity, claim))| column(at, quantity, claim))
            .collect());
    };
    let said = map.columns.iter();
    said.map(|(quantity, name, claim)| Ok(column(find(file, row, name)?, *quantity, claim.clone())))
        .collect()
}

fn find(file: &str, row: &HeadRow, name: &str) -> Result<usize> {
    row.position(name).ok_or_else(|| {
        let shown_name = shown(name.as_bytes());
        let fault = Fault::bad_data(format!(
            "{file}:{}: there is no column `{shown_name}`",
            row.line
        ));
        match nearest(name, row.cells.iter().map(String::as_str)) {
            Some(near) => fault.hint(format!("the nearest it has is `{near}`")),
            None => fault.hint(format!("it has {}", shown(row.cells.join(", ").as_bytes()))),
        }
    })
}

fn order_of(
    file: &str,
    head: &Head,
    header_idx: usize,
    time: usize,
    map: Option<&ColumnMap>,
) -> Result<Order> {
    if let Some(order) = map.and_then(|map| map.order) {
        return Ok(order);
    }
    let first = head.first_value(header_idx, time).unwrap_or_default();
    if is_date_without_marks(first.as_bytes()) {
        let what = format!(
            "{file}: `{first}` is a date and an hour without marks, or seconds since 1970 of some time after 2031"
        );
        return Err(Fault::bad_data(what).hint("write the time as `2020-01-31 05:00`"));
    }
    if first.is_empty()
        || shows_year_first(first.as_bytes())
        || parse(first.as_bytes(), Order::Ymd).is_ok()
    {
        return Ok(Order::Ymd);
    }
    let said = shown(first.as_bytes());
    if !first.contains(['-', '/', '.']) {
        let what = format!("{file}: `{said}` is no date and time");
        return Err(Fault::bad_data(what)
            .hint("say with `--columns map.toml` which column holds date and time together"));
    }
    let what = format!("{file}: cannot tell day from month in `{said}`");
    Err(Fault::bad_data(what).hint(
        "say it in a map: `order = \"day-first\"` or `\"month-first\"`; see `pm25-ingest --help`",
    ))
}

/// Whether ten digits can be year, month, day and hour, as 2020013105 can: hours would follow one another by seconds.
fn is_date_without_marks(text: &[u8]) -> bool {
    let number = |from: usize, to: usize| text.get(from..to).and_then(whole_number);
    let [year, month, day, hour] = [(0, 4), (4, 6), (6, 8), (8, 10)].map(|(a, b)| number(a, b));
    let within = |number: Option<i64>, range: std::ops::RangeInclusive<i64>| {
        number.is_some_and(|number| range.contains(&number))
    };
    text.len() == 10
        && text.iter().all(u8::is_ascii_digit)
        && within(year, 1970..=2099)
        && within(month, 1..=12)
        && within(day, 1..=31)
        && within(hour, 0..=24)
}

fn names(file: &str, row: &HeadRow, wishes: &Wishes) -> Result<Names> {
    let column = match wishes.map.as_ref().map(|map| map.station.as_deref()) {
        Some(Some(name)) => Some(find(file, row, name)?),
        _ => row.position(STATION),
    };
    match (column, &wishes.station) {
        (Some(_), Some(_)) => Err(wishes.needless_station(file)),
        (Some(at), None) => Ok(Names::Column(at)),
        (None, Some(name)) => Ok(Names::File(name.clone())),
        (None, None) => stem(Path::new(file))
            .map(Names::File)
            .ok_or_else(|| wishes.nameless(file)),
    }
}

fn unused(row: &HeadRow, layout: &Layout) -> Vec<Unused> {
    let is_used = |at: usize| {
        layout.time.first() == at
            || layout.names == Names::Column(at)
            || layout.mapped.iter().any(|column| column.at == at)
    };
    let columns = row.cells.iter().enumerate().filter(|(at, _)| !is_used(*at));
    columns
        .map(|(_, column)| Unused {
            column: column.clone(),
            why: "not a quantity by that name".to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout_of(text: &str, wishes: &Wishes) -> Result<Layout> {
        let head = Head::parse(
            text.as_bytes(),
            wishes
                .map
                .as_ref()
                .and_then(|map| map.delimiter)
                .unwrap_or(b','),
        );
        layout(
            "in/f.csv",
            &head,
            fit(&head, wishes.map.as_ref()).unwrap(),
            wishes,
        )
    }

    fn with_map(map: &str) -> Wishes {
        Wishes {
            map: Some(ColumnMap::parse("map.toml", map).unwrap()),
            ..Wishes::default()
        }
    }

    #[test]
    fn a_plain_table_is_understood_and_its_assumptions_are_stated() {
        let text = "# simulated, not measured\nTimestamp,PM2.5,PM10 (mg/m3),co_mg_m3,Colour\n2020-01-01 00:00,5,6,1,red\n";
        let layout = layout_of(text, &Wishes::default()).unwrap();
        assert_eq!(layout.header_line, 2);
        assert_eq!(layout.names, Names::File("f".to_owned()));
        let claims: Vec<&Claim> = layout.mapped.iter().map(|column| &column.claim).collect();
        assert_eq!(
            claims,
            [
                &Claim::None,
                &Claim::Header("mg/m3".into()),
                &Claim::Header("mg/m³".into())
            ]
        );
        assert_eq!(layout.unused[0].column, "Colour");
        assert_eq!(layout.remarks, ["simulated, not measured"]);
        assert_eq!(layout.notes.len(), 2, "{:?}", layout.notes);
        assert!(!layout.zone_is_known);
    }

    #[test]
    fn a_map_says_what_a_table_does_not() {
        let wishes = with_map(
            "time = 'Date'\norder = 'day-first'\nstamp = 'end'\ntz = '+05:30'\nstation = 'Site'\ndelimiter = ';'\n\
             sentinels = [-888]\n[columns]\npm25 = { column = 'Fine', unit = 'ug/m3' }\nno2 = { column = 'NO2', unit = 'ppb' }\n",
        );
        let layout = layout_of("Date;Site;Fine;NO2\n01/04/2020 01:00;A;5;6\n", &wishes).unwrap();
        assert_eq!((layout.order, layout.stamped), (Order::Dmy, Stamped::End));
        assert_eq!(layout.names, Names::Column(1));
        assert_eq!(layout.zone.text(), "UTC+05:30");
        let columns: Vec<_> = layout
            .mapped
            .iter()
            .map(|column| (column.at, column.claim.clone()))
            .collect();
        assert_eq!(
            columns,
            [(3, Claim::Map(Unit::Ppb)), (2, Claim::Map(Unit::UgM3))]
        );
    }

    #[test]
    fn day_and_month_are_not_guessed() {
        let fault = layout_of("time,pm25\n01/04/2020 01:00,5\n", &Wishes::default()).unwrap_err();
        assert_eq!(
            fault.to_string(),
            "in/f.csv: cannot tell day from month in `01/04/2020 01:00`"
        );
    }

    #[test]
    fn ten_digits_that_can_be_a_date_are_not_taken_for_seconds() {
        let of = |time: &str| layout_of(&format!("time,pm25\n{time},5\n"), &Wishes::default());
        let fault = of("2020013105").unwrap_err();
        assert!(fault.to_string().contains("without marks"), "{fault}");
        for seconds in ["1580446800", "2020013199", "1999999999"] {
            assert!(of(seconds).is_ok(), "{seconds}");
        }
    }

    #[test]
    fn a_map_with_a_fault_is_refused_with_what_to_write() {
        let columns = "[columns]\npm25 = { column = 'x' }\n";
        for (map, what) in [
            ("time = 'a'\n".to_owned(), "is not a column map"),
            (
                format!("time = 'a'\ncolour = 1\n{columns}"),
                "is not a column map",
            ),
            (
                "time = 'a'\n[columns]\npm2 = { column = 'x' }\n".to_owned(),
                "no quantity `pm2`",
            ),
            (format!("time = 'a'\norder = 'us'\n{columns}"), "`order` is"),
            (
                "time = 'a'\n[columns]\npm25 = { column = 'x', unit = 'ppb' }\n".to_owned(),
                "no unit of pm25",
            ),
            (
                format!("time = 'a'\ndelimiter = ';;'\n{columns}"),
                "one byte",
            ),
        ] {
            let fault = ColumnMap::parse("map.toml", &map).unwrap_err();
            assert!(fault.to_string().contains(what), "{fault}");
            assert!(fault.hint_text().is_some());
        }
    }

    #[test]
    fn a_column_of_the_map_that_is_not_there_is_named_with_its_nearest() {
        let wishes = with_map("time = 'Date'\n[columns]\npm25 = { column = 'PM25' }\n");
        let fault = layout_of("Date,PM2.5\n2020-01-01 00:00,5\n", &wishes).unwrap_err();
        assert_eq!(fault.to_string(), "in/f.csv:1: there is no column `PM25`");
        assert_eq!(fault.hint_text(), Some("the nearest it has is `PM2.5`"));
    }
}
