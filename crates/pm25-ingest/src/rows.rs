//! The data lines of one file as columns of raw numbers: one pass, byte cells, no allocation per cell.
//!
//! Not on any grid yet, and in the file's own units. A missing value is NaN; a code for "no value" is infinity
//! until it becomes a flag, which no number that is read can be.
//!
//! ```text
//! line  station  stamp_s      values[0]  values[1]
//!   2      0     1448899200      12.0       NaN       empty cell, NA, None ...
//!   3      0     1448902800       inf       4.5       -999
//! ```

use std::collections::{BTreeMap, BTreeSet};

use csv::ByteRecord;
use pm25_air::civil::format_offset;
use pm25_file::{Fault, Result};

use crate::clock::{NoStamp, Order, Parts, Stamp, parse, whole_number};
use crate::count::{Reason, Tally, shown};
use crate::head::decode;
use crate::layout::{Kind, Layout, Mapped, Names, Source, TimeColumns};
use crate::number::parse_f32;
use crate::records::Records;
use crate::zone::Instant;

/// What providers write for "no value" in any column.
const SENTINELS: [f32; 2] = [-999.0, -9999.0];
/// What stands for such a code in a column of raw numbers.
pub(crate) const SENTINEL: f32 = f32::INFINITY;
/// Words for a missing value, in lower case.
const MISSING: [&[u8]; 6] = [b"na", b"n/a", b"nan", b"none", b"null", b"nil"];
/// Bytes of a station's name.
const NAME_BYTES_MAX: usize = 200;
/// The points of the compass, clockwise from north, 22.5 degrees apart.
const COMPASS: [&[u8]; 16] = [
    b"N", b"NNE", b"NE", b"ENE", b"E", b"ESE", b"SE", b"SSE", b"S", b"SSW", b"SW", b"WSW", b"W",
    b"WNW", b"NW", b"NNW",
];

/// Raw numbers of one file.
#[derive(Debug)]
pub(crate) struct Rows {
    /// The stations, in order of appearance.
    pub(crate) names: Vec<String>,
    /// Which of them a row belongs to.
    pub(crate) station: Vec<u32>,
    /// The instant of the stamp, seconds since 1970 UTC.
    pub(crate) stamp_s: Vec<i64>,
    /// The row's line in the file.
    pub(crate) line: Vec<u32>,
    /// For each mapped column, in the order of the layout.
    pub(crate) values: Vec<Vec<f32>>,
    /// The offset that the stamps state, minutes east.
    pub(crate) stated_offset_min: Option<i16>,
}

/// Reads all data lines after the header.
pub(crate) fn read(
    file: &str,
    records: &mut Records,
    layout: &Layout,
    tally: &mut Tally,
) -> Result<Rows> {
    let mut reader = Reader::new(file, layout);
    while records.advance()? {
        if records.line() <= layout.header_line {
            continue;
        }
        tally.read += records.n_lines();
        match reader.row(records, tally) {
            Ok(()) => {}
            Err(Refused::Line(reason)) => {
                let text = || {
                    shown(
                        records
                            .cells()
                            .iter()
                            .collect::<Vec<_>>()
                            .join(&b',')
                            .as_slice(),
                    )
                };
                tally.note_lines(reason, records.n_lines(), records.line(), text);
            }
            Err(Refused::File(fault)) => return Err(fault),
        }
    }
    Ok(reader.rows)
}

/// Why a row was not taken.
enum Refused {
    Line(Reason),
    File(Fault),
}

struct Reader<'a> {
    file: &'a str,
    layout: &'a Layout,
    rows: Rows,
    codes: BTreeMap<Vec<u8>, u32>,
    last_name: Vec<u8>,
    /// Clock readings seen once of those that a clock shows twice, by station.
    shown_once: BTreeSet<(u32, i64)>,
}

impl<'a> Reader<'a> {
    fn new(file: &'a str, layout: &'a Layout) -> Self {
        let names = match &layout.names {
            Names::File(name) => vec![name.clone()],
            Names::Column(_) => Vec::new(),
        };
        Self {
            file,
            layout,
            rows: Rows {
                names,
                station: Vec::new(),
                stamp_s: Vec::new(),
                line: Vec::new(),
                values: vec![Vec::new(); layout.mapped.len()],
                stated_offset_min: None,
            },
            codes: BTreeMap::new(),
            last_name: Vec::new(),
            shown_once: BTreeSet::new(),
        }
    }

    fn row(&mut self, records: &Records, tally: &mut Tally) -> std::result::Result<(), Refused> {
        let (cells, line) = (records.cells(), records.line());
        if 1 < records.n_lines() {
            return Err(Refused::Line(Reason::LineBreak));
        }
        if cells.len() != self.layout.header.len() {
            return Err(Refused::Line(Reason::Ragged));
        }
        let stamp = self
            .stamp(cells)
            .map_err(|reason| self.header_again(cells, line, reason))?;
        let station = self.station(cells)?;
        let stamp_s = self.instant(stamp, station, line, tally)?;
        self.rows.station.push(station);
        self.rows.stamp_s.push(stamp_s);
        self.rows.line.push(u32::try_from(line).unwrap_or(u32::MAX));
        for (column, values) in self.layout.mapped.iter().zip(&mut self.rows.values) {
            let cell = cells[column.at].trim_ascii();
            values.push(value(cell, column, &self.layout.sentinels, line, tally));
        }
        Ok(())
    }

    /// A row without a time may be the header once more. In a file of CPCB that begins the table of another
    /// station, whose rows must not go under this one's name.
    fn header_again(&self, cells: &ByteRecord, line: u64, reason: Reason) -> Refused {
        let first = self.layout.time.first();
        if !cells[first]
            .trim_ascii()
            .eq_ignore_ascii_case(self.layout.header[first].as_bytes())
        {
            return Refused::Line(reason);
        }
        if self.layout.source == Source::Cpcb {
            return Refused::File(
                Fault::bad_data(format!(
                    "{}:{line}: a second header: the file holds several tables",
                    self.file
                ))
                .hint("split it, one file per station"),
            );
        }
        Refused::Line(Reason::HeaderAgain)
    }

    fn stamp(&self, cells: &ByteRecord) -> std::result::Result<Stamp, Reason> {
        let order = self.layout.order;
        match self.layout.time {
            TimeColumns::Stamp(at) => parse(&cells[at], order).map_err(reason),
            TimeColumns::Span { from, to } => self.span(&cells[from], &cells[to], order),
            TimeColumns::Parts {
                year,
                month,
                day,
                hour,
            } => {
                let number = |at: usize| whole_number(&cells[at]).ok_or(Reason::Time);
                let parts = Parts {
                    year: number(year)?,
                    month: number(month)?,
                    day: number(day)?,
                    hour: number(hour)?,
                    minute: 0,
                    second: 0,
                };
                Ok(Stamp {
                    local_s: parts.local_s().map_err(reason)?,
                    stated_offset_min: None,
                })
            }
        }
    }

    fn span(&self, from: &[u8], to: &[u8], order: Order) -> std::result::Result<Stamp, Reason> {
        let begin = parse(from, order).map_err(reason)?;
        let end = parse(to, order).map_err(reason)?;
        let step_s = self.layout.step_s.map_or(3_600, i64::from);
        if end.local_s - begin.local_s == step_s {
            Ok(begin)
        } else {
            Err(Reason::Interval)
        }
    }

    fn station(&mut self, cells: &ByteRecord) -> std::result::Result<u32, Refused> {
        let Names::Column(at) = self.layout.names else {
            return Ok(0);
        };
        let raw = cells[at].trim_ascii();
        if let (Some(&last), true) = (self.rows.station.last(), raw == self.last_name) {
            return Ok(last);
        }
        let code = match self.codes.get(raw) {
            Some(&code) => code,
            None => self
                .new_station(raw)
                .ok_or(Refused::Line(Reason::Station))?,
        };
        self.last_name.clear();
        self.last_name.extend_from_slice(raw);
        Ok(code)
    }

    fn new_station(&mut self, raw: &[u8]) -> Option<u32> {
        let name = decode(raw);
        if raw.is_empty() || NAME_BYTES_MAX < raw.len() || name.chars().any(char::is_control) {
            return None;
        }
        let code = u32::try_from(self.rows.names.len()).ok()?;
        self.rows.names.push(name);
        self.codes.insert(raw.to_vec(), code);
        Some(code)
    }

    fn instant(
        &mut self,
        stamp: Stamp,
        station: u32,
        line: u64,
        tally: &mut Tally,
    ) -> std::result::Result<i64, Refused> {
        if let Some(offset_min) = stamp.stated_offset_min {
            self.note_offset(offset_min, line).map_err(Refused::File)?;
            return Ok(stamp.local_s - 60 * i64::from(offset_min));
        }
        match self.layout.zone.instant(stamp.local_s) {
            Instant::Once(time_s) => Ok(time_s),
            Instant::Never => Err(Refused::Line(Reason::NoSuchHour)),
            Instant::Twice { first_s, second_s } => {
                tally.note(Reason::ClockTwice, line, || {
                    "taken as summer time first, then as standard time".to_owned()
                });
                let is_first = self.shown_once.insert((station, stamp.local_s));
                Ok(if is_first { first_s } else { second_s })
            }
        }
    }

    /// Stamps with different offsets come from a clock with summer time, whose standard offset they do not tell.
    fn note_offset(&mut self, offset_min: i16, line: u64) -> Result<()> {
        let known = *self.rows.stated_offset_min.get_or_insert(offset_min);
        if known == offset_min || self.layout.zone_is_known {
            return Ok(());
        }
        Err(Fault::bad_data(format!(
            "{}:{line}: the offset changes from {} to {}",
            self.file,
            format_offset(known),
            format_offset(offset_min)
        ))
        .hint("give the station's zone, for example `--tz Europe/London`"))
    }
}

fn reason(no_stamp: NoStamp) -> Reason {
    match no_stamp {
        NoStamp::Unreadable => Reason::Time,
        NoStamp::Year => Reason::Year,
    }
}

fn value(cell: &[u8], column: &Mapped, sentinels: &[f32], line: u64, tally: &mut Tally) -> f32 {
    if cell.is_empty() {
        return f32::NAN;
    }
    let read = match column.kind {
        Kind::Number => parse_f32(cell),
        Kind::Compass => degrees(cell),
    };
    if let Some(number) = read {
        tally.cells_filled += 1;
        let is_sentinel = SENTINELS.contains(&number) || sentinels.contains(&number);
        return if is_sentinel { SENTINEL } else { number };
    }
    if MISSING.iter().any(|word| cell.eq_ignore_ascii_case(word)) {
        return f32::NAN;
    }
    tally.cells_filled += 1;
    tally.note(Reason::CellUnreadable, line, || {
        format!("{}: {}", shown(column.header.as_bytes()), shown(cell))
    });
    f32::NAN
}

/// Degrees clockwise from north of a point of the compass, or of a number.
fn degrees(cell: &[u8]) -> Option<f32> {
    let point = COMPASS
        .iter()
        .position(|name| cell.eq_ignore_ascii_case(name));
    point
        .map(|point| 22.5 * point as f32)
        .or_else(|| parse_f32(cell))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::{HEAD_BYTES, Head};
    use crate::raw::Raw;
    use crate::source::{Recognised, Wishes, layout, recognise};
    use crate::zone::Zone;
    use pm25_file::Input;

    fn read_text(text: &str, wishes: &Wishes) -> Result<(Rows, Tally)> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let raw = Raw::open(&Input::Path(file.path().to_owned()), HEAD_BYTES).unwrap();
        let Recognised::Table(head, fit) = recognise("f.csv", &raw.head, wishes).unwrap() else {
            panic!("not recognised");
        };
        let Head { delimiter, .. } = head;
        let layout = layout("f.csv", &head, fit, wishes)?;
        let mut tally = Tally::default();
        let mut records = Records::new(raw, delimiter, "f.csv");
        let rows = read("f.csv", &mut records, &layout, &mut tally)?;
        Ok((rows, tally))
    }

    fn rejected(tally: &Tally) -> Vec<(String, u64)> {
        tally.rows().rejected.into_iter().collect()
    }

    #[test]
    fn cells_of_the_uci_set() {
        let header =
            "\"No\",\"year\",\"month\",\"day\",\"hour\",\"PM2.5\",\"CO\",\"wd\",\"station\"\n";
        let text = format!(
            "{header}1,2013,3,1,0,4,300,\"NNW\",\"A\"\n2,2013,3,1,1,NA,-999,NA,\"A\"\n3,2013,3,1,2,P,1e3,X,\"B\"\n"
        );
        let (rows, tally) = read_text(&text, &Wishes::default()).unwrap();
        assert_eq!(rows.names, ["A", "B"]);
        assert_eq!(rows.station, [0, 0, 1]);
        assert_eq!(rows.line, [2, 3, 4]);
        // Midnight in Beijing is 16:00 UTC of the day before.
        assert_eq!(
            rows.stamp_s[0],
            pm25_air::civil::parse_rfc3339("2013-02-28T16:00:00Z").unwrap()
        );
        assert_eq!(rows.values[0][0], 4.0);
        assert!(rows.values[0][1].is_nan() && rows.values[0][2].is_nan());
        assert_eq!(rows.values[1], [300.0, SENTINEL, 1_000.0]);
        assert_eq!(rows.values[2][0], 337.5);
        assert_eq!(tally.count(Reason::CellUnreadable), 2);
        assert_eq!((tally.read, tally.cells_filled), (3, 7));
    }

    #[test]
    fn lines_that_are_no_rows_are_counted_by_reason() {
        let text = "time,station,pm25\n2020-01-01 00:00,A,1\n2020-01-01 01:00,A\n2020-01-01 02:00,A,3,4\n\
            yesterday,A,5\n2020-02-30 00:00,A,6\n1066-10-14 09:00,A,7\n2020-01-01 03:00,,8\n\
            2020-01-01 04:00,\"A\nB\",9\ntime,station,pm25\n2020-01-01 05:00,A,10\n";
        let (rows, tally) = read_text(text, &Wishes::default()).unwrap();
        assert_eq!(rows.line, [2, 12]);
        let expected = [
            ("header repeated", 1),
            ("line break inside quotes", 2),
            ("ragged row", 2),
            ("unreadable time", 2),
            ("unusable station name", 1),
            ("year outside 1970 to 2099", 1),
        ];
        assert_eq!(
            rejected(&tally),
            expected.map(|(reason, n)| (reason.to_owned(), n))
        );
        assert_eq!((tally.read, tally.rows().kept), (11, 2));
    }

    #[test]
    fn a_partial_interval_is_rejected() {
        let text = "From Date,To Date,PM2.5\n24-05-2021 16:00,24-05-2021 17:00,5\n24-05-2021 17:00,24-05-2021 18:00,None\n\
            24-05-2021 18:00,24-05-2021 18:30,None\n";
        let (rows, tally) = read_text(text, &Wishes::default()).unwrap();
        assert_eq!(rows.line, [2, 3]);
        assert_eq!(
            rejected(&tally),
            [("partial or overlong interval".to_owned(), 1)]
        );
    }

    #[test]
    fn a_second_table_in_a_file_of_cpcb_is_refused() {
        let text = "From Date,To Date,PM2.5\n2021-05-24 16:00,2021-05-24 17:00,5\nFrom Date,To Date,PM2.5\n";
        let fault = read_text(text, &Wishes::default()).unwrap_err();
        assert!(
            fault.to_string().starts_with("f.csv:3: a second header"),
            "{fault}"
        );
    }

    #[test]
    fn clock_hours_that_occur_twice_are_taken_in_order() {
        let text = "time,pm25\n2018-10-28 00:00,1\n2018-10-28 01:00,2\n2018-10-28 01:00,3\n2018-10-28 02:00,4\n\
            2018-03-25 01:00,5\n";
        let wishes = Wishes {
            zone: Some(Zone::parse("Europe/London").unwrap()),
            ..Wishes::default()
        };
        let (rows, tally) = read_text(text, &wishes).unwrap();
        let steps: Vec<i64> = rows
            .stamp_s
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .collect();
        assert_eq!(steps, [3_600, 3_600, 3_600]);
        assert_eq!(
            rejected(&tally),
            [("clock hour skipped by summer time".to_owned(), 1)]
        );
        assert_eq!(tally.count(Reason::ClockTwice), 2);
    }

    #[test]
    fn an_offset_that_changes_needs_a_zone() {
        let text = "time,pm25\n2018-10-28T01:00:00+01:00,1\n2018-10-28T01:00:00+00:00,2\n";
        let fault = read_text(text, &Wishes::default()).unwrap_err();
        assert_eq!(
            fault.to_string(),
            "f.csv:3: the offset changes from +01:00 to +00:00"
        );
        let wishes = Wishes {
            zone: Some(Zone::parse("Europe/London").unwrap()),
            ..Wishes::default()
        };
        assert_eq!(read_text(text, &wishes).unwrap().0.stamp_s.len(), 2);
    }

    #[test]
    fn sixteen_points_of_the_compass() {
        for (point, name) in COMPASS.iter().enumerate() {
            assert_eq!(degrees(name), Some(22.5 * point as f32));
        }
        assert_eq!(degrees(b"270"), Some(270.0));
        assert_eq!(degrees(b"cv"), None);
    }
}
