//! The European Environment Agency's Parquet files (AQ e-Reporting): one reading in a row, both ends of the interval.
//!
//! Stamps are naive. Hourly data are on UTC+1 all year round, as the agency's guide says; `--tz` overrules it.
//! Values are decimals; one with a validity below 1 is kept and flagged, as everywhere; -999 is no value.

use pm25_air::Quantity;
use pm25_file::{Fault, Result};
use pm25_table::{Batches, Column, Table};

use crate::count::{Reason, Tally};
use crate::head::{Head, HeadRow};
use crate::layout::{Judged, Layout, Long, Names, Scope, Source, Stamped, TimeColumns, Verdict};
use crate::reader::Reader;
use crate::record::Made;
use crate::rows::{Found, Line};
use crate::shelf::Shelves;
use crate::source::{Fit, Wishes};
use crate::zone::Zone;

/// Central European Time, minutes east.
const CENTRAL_EUROPE_MIN: i16 = 60;
/// The columns that are read.
const COLUMNS: [&str; 8] = [
    "Samplingpoint",
    "Pollutant",
    "Start",
    "End",
    "Value",
    "Unit",
    "AggType",
    "Validity",
];

/// Whether a Parquet table has the agency's columns.
pub(crate) fn fits<'a>(columns: impl Iterator<Item = &'a str>) -> bool {
    let columns: Vec<&str> = columns.collect();
    COLUMNS.iter().all(|wanted| columns.contains(wanted))
}

/// Reads all rows, a batch at a time.
pub(crate) fn read<'a>(
    file: &str,
    batches: Batches,
    wishes: &Wishes,
    mut shelves: Shelves<'a>,
    tally: &mut Tally,
) -> Result<(Layout, Found<'a>)> {
    let layout = layout(file, wishes)?;
    let mut reader = Reader::new(file, layout.clone(), wishes);
    let mut number = 0;
    let mut cells = Made::default();
    for batch in batches {
        let batch = Batch::of(&batch?)?;
        for row in 0..batch.n_rows {
            number += 1;
            batch.cells(row, &mut cells);
            reader.feed(
                Line {
                    cells: cells.cells(),
                    number,
                    n_lines: 1,
                },
                tally,
            )?;
        }
        shelves.relieve(&mut reader)?;
    }
    Ok((layout, reader.finish(shelves, tally)?))
}

fn layout(file: &str, wishes: &Wishes) -> Result<Layout> {
    if wishes.station.is_some() {
        return Err(wishes.needless_station(file));
    }
    let cells = COLUMNS.map(str::to_owned).to_vec();
    let head = Head {
        rows: vec![HeadRow { line: 0, cells }],
        delimiter: b',',
        is_utf8: true,
    };
    let fit = Fit {
        source: Source::Eea,
        header_idx: 0,
        why: "a Parquet table with Samplingpoint, Pollutant, Start, End, Value and Validity"
            .to_owned(),
    };
    let zone = wishes
        .zone
        .clone()
        .unwrap_or(Zone::Fixed(CENTRAL_EUROPE_MIN));
    let mut layout = Layout::new(fit, &head, TimeColumns::Span { from: 2, to: 3 }, zone);
    layout.step_s = Some(3_600);
    layout.stamped = Stamped::Begin;
    layout.names = Names::Column(0);
    layout.extras.long = Some(Long {
        parameter: 1,
        value: 4,
        unit: Some(5),
        quantity,
    });
    layout.extras.verdict = Some(Verdict { at: 7, judge });
    layout.extras.scopes.push(Scope {
        at: 6,
        wanted: vec!["hour".to_owned()],
        otherwise: Some(Reason::OtherMean),
    });
    if wishes.zone.is_none() {
        layout
            .notes
            .push("naive stamps taken as UTC+1, as the agency's guide says".to_owned());
    }
    Ok(layout)
}

/// The vocabulary of pollutants (dd.eionet.europa.eu/vocabulary/aq/pollutant).
fn quantity(parameter: &[u8]) -> Option<Quantity> {
    Some(match parameter {
        b"6001" => Quantity::Pm25,
        b"5" => Quantity::Pm10,
        b"8" => Quantity::No2,
        b"1" => Quantity::So2,
        b"7" => Quantity::O3,
        b"10" => Quantity::Co,
        _ => return None,
    })
}

/// The vocabulary of validity: 1 to 4 are valid in some way, below that it is not (dd.eionet.europa.eu).
fn judge(cell: &[u8]) -> Judged {
    if cell.first() == Some(&b'-') || cell == b"0" {
        Judged::Invalid
    } else {
        Judged::Good
    }
}

/// The columns of a batch as text, so that one reader judges every source.
struct Batch {
    n_rows: usize,
    columns: Vec<Vec<String>>,
}

impl Batch {
    fn of(table: &Table) -> Result<Self> {
        let mut columns = Vec::with_capacity(COLUMNS.len());
        for name in COLUMNS {
            let column = table.column(name).ok_or_else(|| {
                Fault::bad_data(format!("the Parquet table has no column `{name}`"))
            })?;
            columns.push(texts(column));
        }
        Ok(Self {
            n_rows: table.n_rows(),
            columns,
        })
    }

    fn cells(&self, row: usize, cells: &mut Made) {
        cells.clear();
        for column in &self.columns {
            cells.push(column[row].as_bytes());
        }
    }
}

/// Numbers as the shortest decimal that is the same; nothing where they are missing.
fn texts(column: &Column) -> Vec<String> {
    let number = |value: f64| {
        if value.is_nan() {
            String::new()
        } else {
            value.to_string()
        }
    };
    match column {
        Column::Text(text) => (0..text.codes.len())
            .map(|row| text.get(row).to_owned())
            .collect(),
        Column::Time(times) => {
            // The table holds a naive stamp as if it were UTC; without the offset it is naive again.
            let naive = |time_s: &i64| {
                pm25_air::civil::format_utc(*time_s)
                    .trim_end_matches("+00:00")
                    .trim_end_matches('Z')
                    .to_owned()
            };
            times.iter().map(naive).collect()
        }
        Column::F32(values) => values.iter().map(|&v| number(f64::from(v))).collect(),
        Column::F64(values) => values.iter().map(|&v| number(v)).collect(),
        Column::I16(values) => values.iter().map(ToString::to_string).collect(),
        Column::U16(values) => values.iter().map(ToString::to_string).collect(),
        Column::I32(values) => values.iter().map(ToString::to_string).collect(),
    }
}
