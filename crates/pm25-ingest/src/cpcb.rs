//! Files of India's Central Pollution Control Board: Kaggle station files, portal exports with a preamble, and the
//! bulk archive with one `Timestamp`.
//!
//! Columns are known by name; the unit in brackets is a claim that [`crate::units`] checks. All clocks show
//! Indian Standard Time, also where the preamble writes `Z`.

use std::path::Path;

use pm25_air::Quantity;
use pm25_artifact::ingest::Unused;
use pm25_file::{Fault, Result};

use crate::claim::Claim;
use crate::clock::{Order, parse, shows_year_first};
use crate::count::shown;
use crate::head::{Head, HeadRow};
use crate::layout::{
    Extras, Kind, Layout, Mapped, Names, Source, Stamped, TimeColumns, remarks, split_unit,
    unknown_column,
};
use crate::record::Cells;
use crate::source::{Fit, Wishes, stem};
use crate::zone::Zone;

/// Indian Standard Time, minutes east.
const INDIA_MIN: i16 = 330;

const FROM: &str = "From Date";
const TO: &str = "To Date";
const TIMESTAMP: &str = "Timestamp";

/// Columns that become quantities.
const QUANTITIES: [(&str, Quantity); 14] = [
    ("PM2.5", Quantity::Pm25),
    ("PM10", Quantity::Pm10),
    ("NO2", Quantity::No2),
    ("SO2", Quantity::So2),
    ("Ozone", Quantity::O3),
    ("O3", Quantity::O3),
    ("CO", Quantity::Co),
    (AMBIENT, Quantity::Temp),
    (TEMPERATURE, Quantity::Temp),
    ("RH", Quantity::Rh),
    ("BP", Quantity::Pres),
    ("RF", Quantity::Rain),
    ("WS", Quantity::WindSpeed),
    ("WD", Quantity::WindDir),
];

/// Ambient temperature, the outdoor one where a file has both.
const AMBIENT: &str = "AT";
const TEMPERATURE: &str = "Temp";

/// Columns that do not, as they occur in station files.
const UNUSED: [&str; 27] = [
    "NO",
    "NOx",
    "NH3",
    "Benzene",
    "Toluene",
    "Eth-Benzene",
    "MP-Xylene",
    "O Xylene",
    "Xylene",
    "P-Xylene",
    "SR",
    "VWS",
    "CH4",
    "NMHC",
    "THC",
    "CO2",
    "HCHO",
    "Hg",
    "SPM",
    "TOT-RF",
    "Gust",
    "Variance",
    "Power",
    "Rack Temp",
    "WD Var",
    "CS2",
    "H2S",
];

/// The header: both ends of the interval, or a timestamp beside quantities with their units.
pub(crate) fn fit(head: &Head) -> Option<Fit> {
    let (header_idx, row) = head
        .candidates()
        .find(|(_, row)| has_span(row) || has_timestamp(row))?;
    let why = if has_span(row) {
        "the header has `From Date` and `To Date`"
    } else {
        "the header has `Timestamp` and quantities with units in brackets"
    };
    Some(Fit {
        source: Source::Cpcb,
        header_idx,
        why: why.to_owned(),
    })
}

/// Each exactly once: a list of column names, such as the set's own table of stations, repeats them.
fn has_span(row: &HeadRow) -> bool {
    [FROM, TO].iter().all(|name| {
        row.cells
            .iter()
            .filter(|cell| cell.eq_ignore_ascii_case(name))
            .count()
            == 1
    })
}

fn has_timestamp(row: &HeadRow) -> bool {
    let with_unit = |cell: &String| {
        let (name, unit) = split_unit(cell);
        unit.is_some() && quantity(name).is_some()
    };
    row.position(TIMESTAMP).is_some() && row.cells.iter().any(with_unit)
}

/// What the columns mean.
pub(crate) fn layout(file: &str, head: &Head, fit: Fit, wishes: &Wishes) -> Result<Layout> {
    let row = &head.rows[fit.header_idx];
    let time = match (
        row.position(FROM),
        row.position(TO),
        row.position(TIMESTAMP),
    ) {
        (Some(from), Some(to), _) => TimeColumns::Span { from, to },
        (_, _, Some(at)) => TimeColumns::Stamp(at),
        _ => {
            return Err(Fault::bad_data(format!(
                "{file}:{}: there is no time column",
                row.line
            )));
        }
    };
    let first = head
        .first_value(fit.header_idx, time.first())
        .unwrap_or_default();
    let order = if shows_year_first(first.as_bytes()) {
        Order::Ymd
    } else {
        Order::Dmy
    };
    let step_s = step_s(head, fit.header_idx, time, order);
    refuse_long_means(file, step_s)?;
    let mut layout = Layout {
        source: Source::Cpcb,
        why: fit.why,
        header_line: row.line,
        header: row.cells.clone(),
        time,
        order,
        step_s,
        stamped: Stamped::Begin,
        zone: wishes.zone.clone().unwrap_or(Zone::Fixed(INDIA_MIN)),
        zone_is_known: true,
        names: Names::File(station(file, &head.rows[..fit.header_idx], wishes)?),
        mapped: Vec::new(),
        unused: Vec::new(),
        sentinels: Vec::new(),
        notes: Vec::new(),
        remarks: remarks(head, fit.header_idx),
        extras: Extras::default(),
    };
    apply_stamp(&mut layout, wishes);
    if order == Order::Dmy {
        layout.notes.push("dates are read day first".to_owned());
    }
    map_columns(file, &mut layout)?;
    layout.refuse_twins(file)
}

fn map_columns(file: &str, layout: &mut Layout) -> Result<()> {
    let header = layout.header.clone();
    let has_ambient = header
        .iter()
        .any(|cell| split_unit(cell).0.eq_ignore_ascii_case(AMBIENT));
    for (at, column) in header.iter().enumerate() {
        if [FROM, TO, TIMESTAMP]
            .iter()
            .any(|name| name.eq_ignore_ascii_case(column))
        {
            continue;
        }
        match map_column(at, column, has_ambient) {
            Some(Use::Quantity(mapped)) => layout.mapped.push(mapped),
            Some(Use::Unused(unused)) => layout.unused.push(unused),
            None => return Err(unknown(file, layout.header_line, column)),
        }
    }
    Ok(())
}

fn apply_stamp(layout: &mut Layout, wishes: &Wishes) {
    match (layout.time, wishes.stamped) {
        (TimeColumns::Span { .. }, Some(Stamped::End)) => {
            layout
                .notes
                .push("`--stamp end` does not apply: the file states both ends".to_owned());
        }
        (_, Some(stamped)) => layout.stamped = stamped,
        (_, None) => {}
    }
}

/// Seconds from begin to end in most of the first rows; nothing where the file states no end.
fn step_s(head: &Head, header_idx: usize, time: TimeColumns, order: Order) -> Option<u32> {
    let TimeColumns::Span { from, to } = time else {
        return None;
    };
    let local_s =
        |row: &HeadRow, at: usize| Some(parse(row.cells.get(at)?.as_bytes(), order).ok()?.local_s);
    let length_s = |row: &HeadRow| Some(local_s(row, to)? - local_s(row, from)?);
    let mut lengths_s: Vec<i64> = head.rows[header_idx + 1..]
        .iter()
        .filter_map(length_s)
        .collect();
    lengths_s.sort_unstable();
    let median_s = lengths_s.get(lengths_s.len() / 2).copied().unwrap_or(3_600);
    u32::try_from(median_s)
        .ok()
        .filter(|&s| 0 < s)
        .or(Some(3_600))
}

/// The portal gives means of eight hours and of a day as well.
fn refuse_long_means(file: &str, step_s: Option<u32>) -> Result<()> {
    match step_s {
        Some(step_s) if 3_600 < step_s => Err(Fault::bad_data(format!(
            "{file}: its rows are means over {} hours; this is no hourly series",
            f64::from(step_s) / 3_600.0
        ))
        .hint("hourly or finer readings are needed; a mean of a day cannot be turned into hours")),
        _ => Ok(()),
    }
}

/// From the command line, the title above the header, the preamble, the site number of the archive, or the file's
/// name.
fn station(file: &str, preamble: &[HeadRow], wishes: &Wishes) -> Result<String> {
    if let Some(name) = &wishes.station {
        return Ok(name.clone());
    }
    let named_idx = preamble.iter().position(|row| {
        row.cells
            .first()
            .is_some_and(|cell| cell.eq_ignore_ascii_case("Station"))
    });
    let name = named_idx.and_then(|idx| preamble[idx].cells.get(1));
    if let (Some(idx), Some(name)) = (named_idx, name.filter(|name| !name.is_empty())) {
        // A sheet of several stations lists them all here; the title of each table is the one that counts.
        let below: Vec<&[String]> = preamble[idx + 1..]
            .iter()
            .map(|row| row.cells.as_slice())
            .collect();
        return Ok(title(&below).unwrap_or_else(|| name.clone()));
    }
    let stem = stem(Path::new(file)).ok_or_else(|| wishes.nameless(file))?;
    Ok(site(&stem).unwrap_or(stem))
}

/// The nearest line above a header that holds one text and no more, and is none of the portal's own words.
fn title(above: &[&[String]]) -> Option<String> {
    const OWN_WORDS: [&str; 6] = [
        "remarks",
        "prescribed",
        "exceeding",
        "central pollution",
        "continuous",
        "time:",
    ];
    let alone = |cells: &&[String]| {
        let mut filled = cells.iter().filter(|cell| !cell.is_empty());
        let first = filled.next()?;
        let lower = first.to_lowercase();
        let is_own = OWN_WORDS.iter().any(|word| lower.starts_with(word));
        (filled.next().is_none() && !is_own && lower.contains(char::is_alphabetic))
            .then(|| first.clone())
    };
    above.iter().rev().find_map(alone)
}

/// Whether a record is the header of a table with both ends of the interval.
pub(crate) fn is_header(cells: Cells) -> bool {
    let once = |name: &str| {
        cells
            .iter()
            .filter(|cell| cell.trim_ascii().eq_ignore_ascii_case(name.as_bytes()))
            .count()
            == 1
    };
    once(FROM) && once(TO)
}

/// Whether a record may stand above the header of a further table: no date begins where dates stand.
pub(crate) fn is_title(cells: Cells, time: TimeColumns) -> bool {
    let dates = match time {
        TimeColumns::Span { from, to } => [from, to],
        other => [other.first(); 2],
    };
    let begins_with_digit = |cell: &[u8]| cell.trim_ascii().first().is_some_and(u8::is_ascii_digit);
    let mut cells = cells.iter().enumerate();
    !cells.any(|(at, cell)| dates.contains(&at) && begins_with_digit(cell))
}

/// The layout of a further table: its own columns, the clock of the first.
pub(crate) fn next_layout(
    (file, line): (&str, u64),
    header: &[String],
    above: &[Vec<String>],
    first: &Layout,
) -> Result<Layout> {
    let above: Vec<&[String]> = above.iter().map(Vec::as_slice).collect();
    let Some(name) = title(&above) else {
        return Err(Fault::bad_data(format!(
            "{file}:{line}: a second header, and no station's name above it"
        ))
        .hint("split the file, one for each station"));
    };
    let filled = header
        .iter()
        .rposition(|cell| !cell.is_empty())
        .map_or(0, |last| last + 1);
    let header = header[..filled].to_vec();
    let position = |name: &str| {
        header
            .iter()
            .position(|cell| cell.eq_ignore_ascii_case(name))
    };
    let (Some(from), Some(to)) = (position(FROM), position(TO)) else {
        return Err(Fault::bad_data(format!(
            "{file}:{line}: there is no time column"
        )));
    };
    let mut layout = Layout {
        header_line: line,
        header,
        time: TimeColumns::Span { from, to },
        names: Names::File(name),
        mapped: Vec::new(),
        unused: Vec::new(),
        ..first.clone()
    };
    map_columns(file, &mut layout)?;
    layout.refuse_twins(file)
}

/// `site_5129` of `Raw_data_1Hr_2023_site_5129_...`: the same in every year.
fn site(stem: &str) -> Option<String> {
    let (_, tail) = stem.split_once("site_")?;
    let number: String = tail.chars().take_while(char::is_ascii_digit).collect();
    (!number.is_empty()).then(|| format!("site_{number}"))
}

enum Use {
    Quantity(Mapped),
    Unused(Unused),
}

fn map_column(at: usize, column: &str, has_ambient: bool) -> Option<Use> {
    let (name, unit) = split_unit(column);
    let unused = |why: &str| {
        Some(Use::Unused(Unused {
            column: column.to_owned(),
            why: why.to_owned(),
        }))
    };
    if name.is_empty() {
        return unused("it has no header");
    }
    if name.eq_ignore_ascii_case(TEMPERATURE) && has_ambient {
        return unused("the file also has AT, the ambient temperature");
    }
    if let Some(quantity) = quantity(name) {
        return Some(Use::Quantity(Mapped {
            at,
            header: column.to_owned(),
            quantity,
            kind: Kind::Number,
            claim: unit.map_or(Claim::None, |unit| Claim::Header(unit.to_owned())),
        }));
    }
    let is_known = UNUSED.iter().any(|known| known.eq_ignore_ascii_case(name));
    is_known
        .then(|| unused("not among the quantities that are kept"))
        .flatten()
}

fn quantity(name: &str) -> Option<Quantity> {
    QUANTITIES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, quantity)| *quantity)
}

fn unknown(file: &str, line: u64, column: &str) -> Fault {
    let known = QUANTITIES
        .iter()
        .map(|(name, _)| *name)
        .chain(UNUSED)
        .chain([FROM, TO, TIMESTAMP]);
    let fault = unknown_column((file, line), split_unit(column).0, Source::Cpcb, known);
    fault.because(format!("the header is `{}`", shown(column.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KAGGLE: &str = "From Date,To Date,PM2.5 (ug/m3),NO (ug/m3),CO (mg/m3),Ozone (),BP (mmHg),Temp (degree C),AT ()\n\
        2020-12-28 11:00:00,2020-12-28 12:00:00,105.0,2.83,0.65,,740,20,19\n";
    const PORTAL: &str = "CENTRAL POLLUTION CONTROL BOARD,,,,,\n\"Date: Monday, May 24 2021\",,,,,\n\
        Station,\"BWSSB Kadabesanahalli, Bengaluru - CPCB\",,,,\nFrom,01-04-2020T00:00:00Z 00:00,,,,\n,,,,,\n\
        Prescribed Standards, ,0-60,0-100,0-400,0-80\nExceeding Standards, ,NA,NA,NA,NA\n\
        From Date,To Date,PM2.5,PM10,NH3,SO2\n01-04-2020 00:00,01-04-2020 01:00,9.46,None,None,6.91\n";
    const ARCHIVE: &str = "Timestamp,PM2.5 (\u{b5}g/m\u{b3}),NO2 (\u{3bc}g/m\u{b3}),BP (mmHg)\n2023-01-01 00:00:00,5,6,740\n";

    fn layout_of(file: &str, text: &str, wishes: &Wishes) -> Result<Layout> {
        let head = Head::parse(text.as_bytes(), b',');
        layout(file, &head, fit(&head).unwrap(), wishes)
    }

    fn quantities(layout: &Layout) -> Vec<&'static str> {
        layout
            .mapped
            .iter()
            .map(|column| column.quantity.short())
            .collect()
    }

    #[test]
    fn a_kaggle_file_is_named_by_its_file() {
        let layout = layout_of("in/AS002.csv.gz", KAGGLE, &Wishes::default()).unwrap();
        assert_eq!(layout.names, Names::File("AS002".to_owned()));
        assert_eq!((layout.order, layout.step_s), (Order::Ymd, Some(3_600)));
        assert_eq!(quantities(&layout), ["pm25", "co", "o3", "pres", "temp"]);
        assert_eq!(layout.mapped[4].header, "AT ()");
        assert_eq!(layout.unused.len(), 2);
    }

    #[test]
    fn a_portal_export_is_named_by_its_preamble() {
        let layout = layout_of("BWSSB.csv", PORTAL, &Wishes::default()).unwrap();
        assert_eq!(
            layout.names,
            Names::File("BWSSB Kadabesanahalli, Bengaluru - CPCB".to_owned())
        );
        assert_eq!((layout.header_line, layout.order), (8, Order::Dmy));
        assert_eq!(layout.mapped[0].claim, Claim::None);
    }

    #[test]
    fn an_archive_file_is_named_by_its_site() {
        let file = "Raw_data_1Hr_2023_site_5129_Shadipur_Delhi_CPCB_1Hr.csv";
        let layout = layout_of(file, ARCHIVE, &Wishes::default()).unwrap();
        assert_eq!(layout.names, Names::File("site_5129".to_owned()));
        assert_eq!((layout.time, layout.step_s), (TimeColumns::Stamp(0), None));
        assert_eq!(quantities(&layout), ["pm25", "no2", "pres"]);
    }

    #[test]
    fn a_table_of_stations_and_a_plain_table_are_not_recognised() {
        let stations = "file_name,state,,AP04,CG04\nAP001,Andhra,,From Date,From Date\nAP002,Andhra,,To Date,To Date\n";
        assert!(fit(&Head::parse(stations.as_bytes(), b',')).is_none());
        assert!(fit(&Head::parse(b"Timestamp,station,PM2.5\n", b',')).is_none());
    }

    #[test]
    fn an_unknown_column_is_named_with_its_nearest() {
        let fault = layout_of(
            "a.csv",
            &KAGGLE.replace("Ozone ()", "Ozon (ug/m3)"),
            &Wishes::default(),
        )
        .unwrap_err();
        assert_eq!(
            fault.to_string(),
            "a.csv:1: cpcb files have no column `Ozon`"
        );
        assert!(fault.hint_text().unwrap().contains("`Ozone`"));
    }

    #[test]
    fn means_of_a_day_are_no_hours() {
        let text = KAGGLE.replace("2020-12-28 12:00:00", "2020-12-29 11:00:00");
        let fault = layout_of("a.csv", &text, &Wishes::default()).unwrap_err();
        assert_eq!(
            fault.to_string(),
            "a.csv: its rows are means over 24 hours; this is no hourly series"
        );
    }

    #[test]
    fn quarter_hours_are_recognised_by_their_ends() {
        let text = KAGGLE.replace("12:00:00", "11:15:00");
        assert_eq!(
            layout_of("a.csv", &text, &Wishes::default())
                .unwrap()
                .step_s,
            Some(900)
        );
    }
}
