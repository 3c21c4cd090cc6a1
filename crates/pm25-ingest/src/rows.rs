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
//!
//! A file may hold several tables: one below the other, each with its own header (CPCB's sheets), or one in the
//! other, where each row is a reading of some parameter. They leave here as tables of their own:
//!
//! ```text
//! station  time   parameter  value             station  time   pm25        station  time   o3
//!    A     10:00    pm25       5        ->        A     10:00    5            A     10:00  40
//!    A     10:00    o3        40                  A     11:00    7
//!    A     11:00    pm25       7
//! ```

use pm25_file::Result;

use crate::count::Tally;
use crate::layout::Layout;
use crate::reader::Reader;
use crate::record::Cells;
use crate::records::Records;
use crate::shelf::{Shelf, Shelves};
use crate::source::Wishes;

pub(crate) use crate::cells::SENTINEL;

/// Raw numbers of one table.
#[derive(Clone, Debug, Default)]
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
    /// What the provider's own verdict flags in all values of a row; empty if it flags nothing.
    pub(crate) flags: Vec<u16>,
    /// PM2.5 of an instrument's two channels; empty where it has none.
    pub(crate) channels: [Vec<f32>; 2],
    /// For each mapped column: full scales that readings pile up at, in the unit of the values; left out of means.
    pub(crate) ceilings: Vec<Vec<f32>>,
    /// The smallest and the largest offset that a station's stamps state, minutes east; by station.
    pub(crate) offsets_min: Vec<Option<(i16, i16)>>,
}

impl Rows {
    /// The standard offset that a station's stamps state: in summer clocks are ahead of it.
    pub(crate) fn stated_offset_min(&self, station: u32) -> Option<i16> {
        let (smallest, _) = (*self.offsets_min.get(station as usize)?)?;
        Some(smallest)
    }

    /// Appends rows whose stations are numbered otherwise and whose lines come `n_lines` later.
    pub(crate) fn append(&mut self, later: Self, codes: &[u32], n_lines: u64) {
        let (before, all) = (self.station.len(), self.station.len() + later.station.len());
        self.station
            .extend(later.station.iter().map(|&code| codes[code as usize]));
        self.stamp_s.extend(later.stamp_s);
        let line = |line: u32| u32::try_from(u64::from(line) + n_lines).unwrap_or(u32::MAX);
        self.line.extend(later.line.into_iter().map(line));
        let columns = self.values.iter_mut().chain(&mut self.channels);
        for (column, more) in columns.zip(later.values.into_iter().chain(later.channels)) {
            column.extend(more);
        }
        if !self.flags.is_empty() || !later.flags.is_empty() {
            self.flags.resize(before, 0);
            self.flags.extend(later.flags);
            self.flags.resize(all, 0);
        }
    }

    /// Bytes that they take.
    pub(crate) fn n_bytes(&self) -> usize {
        let of_row = size_of::<u32>() + size_of::<i64>() + size_of::<u32>();
        let columns = self.values.iter().chain(&self.channels);
        let numbers: usize = columns.map(|column| column.len() * size_of::<f32>()).sum();
        self.station.len() * of_row + numbers + self.flags.len() * size_of::<u16>()
    }

    /// Drops the first rows.
    pub(crate) fn forget(&mut self, n: usize) {
        self.station.drain(..n);
        self.stamp_s.drain(..n);
        self.line.drain(..n);
        for column in self.values.iter_mut().chain(&mut self.channels) {
            column.drain(..n.min(column.len()));
        }
        self.flags.drain(..n.min(self.flags.len()));
    }

    /// Flags all values of the last row.
    pub(crate) fn flag_last(&mut self, bit: u16) {
        self.flags.resize(self.station.len(), 0);
        if let Some(last) = self.flags.last_mut() {
            *last |= bit;
        }
    }

    /// What the provider flags in a row.
    pub(crate) fn flag_of(&self, row: u32) -> u16 {
        self.flags.get(row as usize).copied().unwrap_or(0)
    }
}

/// A record and where it stands.
#[derive(Clone, Copy)]
pub(crate) struct Line<'a> {
    pub(crate) cells: Cells<'a>,
    /// From 1.
    pub(crate) number: u64,
    /// Over how many lines it runs.
    pub(crate) n_lines: u64,
}

/// A table and what its columns mean.
pub(crate) type TableRows = (Layout, Rows);

/// The tables of a file.
pub(crate) struct Found<'a> {
    pub(crate) tables: Vec<TableRows>,
    /// The rows of each table, if they were too many to hold; then the tables themselves have none. Else empty.
    pub(crate) shelves: Vec<Shelf<'a>>,
}

/// Records between two looks at how much is held.
const LOOK_EVERY: usize = 1 << 10;

/// Reads all data lines after the header.
pub(crate) fn read<'a>(
    (file, wishes): (&str, &Wishes),
    records: &mut Records,
    layout: Layout,
    mut shelves: Shelves<'a>,
    tally: &mut Tally,
) -> Result<Found<'a>> {
    let header_line = layout.header_line;
    let look_every = shelves.rows_held().clamp(1, LOOK_EVERY);
    let mut reader = Reader::new(file, layout, wishes);
    let mut n_unseen = 0;
    while records.advance()? {
        if records.line() <= header_line {
            continue;
        }
        let line = Line {
            cells: records.cells(),
            number: records.line(),
            n_lines: records.n_lines(),
        };
        reader.feed(line, tally)?;
        n_unseen += 1;
        if n_unseen == look_every {
            shelves.relieve(&mut reader)?;
            n_unseen = 0;
        }
    }
    reader.finish(shelves, tally)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::Sizes;
    use crate::count::Reason;
    use crate::head::{HEAD_BYTES, Head};
    use crate::raw::Raw;
    use crate::source::{Recognised, Wishes, layout, recognise};
    use crate::spill::Spill;
    use crate::unpack::Encoding;
    use crate::zone::Zone;
    use pm25_file::{Input, Output};

    fn read_text(text: &str, wishes: &Wishes) -> Result<(Rows, Tally)> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let input = Input::Path(file.path().to_owned());
        let raw = Raw::open(&input, None, Encoding::Seen, HEAD_BYTES).unwrap();
        let Recognised::Table(head, fit) = recognise("f.csv", &raw.head, wishes).unwrap() else {
            panic!("not recognised");
        };
        let Head { delimiter, .. } = head;
        let layout = layout("f.csv", &head, fit, wishes)?;
        let mut tally = Tally::default();
        let mut records = Records::new(raw, delimiter, "f.csv");
        let spill = Spill::beside(&Output::Stdout);
        let shelves = Shelves::new(&spill, Sizes::USUAL);
        let file = ("f.csv", wishes);
        let mut found = read(file, &mut records, layout, shelves, &mut tally)?;
        assert_eq!(found.tables.len(), 1);
        Ok((found.tables.remove(0).1, tally))
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
}
