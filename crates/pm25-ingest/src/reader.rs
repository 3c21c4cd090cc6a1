//! One record after the other into the tables of a file.
//!
//! Not where records come from: text or Parquet, every source is judged here, by the same rules.

use std::collections::BTreeMap;

use pm25_air::{Quantity, flag};
use pm25_file::{Fault, Result};

use crate::cells::{NAME_BYTES_MAX, SENTINEL, coded, decimal, value};
use crate::clock::{Days, NoStamp, Order, Parts, Stamp, parse, parse_halves, whole_number};
use crate::count::{Reason, Tally, shown};
use crate::cpcb;
use crate::head::decode;
use crate::layout::{Judged, Kind, Layout, Names, Source, TimeColumns};
use crate::number::word_decimal;
use crate::record::Cells;
use crate::rows::{Found, Line, Rows, TableRows};
use crate::shelf::Shelves;
use crate::source::Wishes;
use crate::zone::{Instant, Zone};

mod join;
mod offsets;
mod shelve;
mod twice;

use twice::Twice;

/// Lines of text that may stand above a further table in a file.
const TITLES_MAX: usize = 20;

/// Why a row was not taken.
enum Refused {
    Line(Reason),
    /// It is about something that is not held.
    OtherMatter,
    /// It may be the title of a further table.
    Title,
    /// It is the header of a further table.
    Header,
    File(Fault),
}

/// Text that may stand above a further table; data lines that look so are rejected in the end.
struct Title {
    line: u64,
    n_lines: u64,
    cells: Vec<String>,
}

impl Title {
    fn of(line: Line) -> Self {
        Self {
            line: line.number,
            n_lines: line.n_lines,
            cells: line
                .cells
                .iter()
                .map(|cell| decode(cell).trim().to_owned())
                .collect(),
        }
    }
}

/// The rows of one table while they are read; where each row is a reading, of one parameter in one unit.
struct Group {
    /// The parameter's cell and the unit's.
    key: Option<(Vec<u8>, Vec<u8>)>,
    quantity: Option<Quantity>,
    rows: Rows,
}

impl Group {
    /// The layout of its rows, in a file of that layout.
    fn layout(&self, of_file: &Layout) -> Layout {
        let mut layout = of_file.clone();
        if let (Some(long), Some(quantity), Some((parameter, unit))) =
            (of_file.extras.long, self.quantity, &self.key)
        {
            layout.mapped = vec![long.reading(quantity, parameter, unit)];
        }
        layout
    }
}

/// Takes the records of a file one by one.
pub(crate) struct Reader<'a> {
    file: &'a str,
    wishes: &'a Wishes,
    layout: Layout,
    groups: Vec<Group>,
    /// The group of the last row.
    group_idx: usize,
    names: Vec<String>,
    codes: BTreeMap<Vec<u8>, u32>,
    last_name: Vec<u8>,
    last_code: u32,
    /// The cell that names the last station, if it is short.
    last_word: Option<(u64, usize)>,
    offsets_min: Vec<Option<(i16, i16)>>,
    /// What tells the two hours apart that a clock shows twice.
    twice: Twice,
    titles: Vec<Title>,
    days: Days,
    has_data: bool,
    done: Vec<TableRows>,
}

impl<'a> Reader<'a> {
    /// For a file whose first table has this layout.
    pub(crate) fn new(file: &'a str, layout: Layout, wishes: &'a Wishes) -> Self {
        let mut reader = Self {
            file,
            wishes,
            layout,
            groups: Vec::new(),
            group_idx: 0,
            names: Vec::new(),
            codes: BTreeMap::new(),
            last_name: Vec::new(),
            last_code: u32::MAX,
            last_word: None,
            offsets_min: Vec::new(),
            twice: Twice::default(),
            titles: Vec::new(),
            days: Days::default(),
            has_data: false,
            done: Vec::new(),
        };
        reader.begin_table();
        reader
    }

    /// Takes a record or counts why not; a fault is one of the whole file.
    pub(crate) fn feed(&mut self, line: Line, tally: &mut Tally) -> Result<()> {
        match self.row(line, tally) {
            Ok(()) => tally.read += 1,
            Err(Refused::Line(reason)) => {
                tally.read += line.n_lines;
                let text = || shown(&line.cells.iter().collect::<Vec<_>>().join(&b','));
                tally.note_lines(reason, line.n_lines, line.number, text);
            }
            Err(Refused::OtherMatter) => {
                tally.read += 1;
                tally.out_of_scope += 1;
            }
            Err(Refused::Title) => self.titles.push(Title::of(line)),
            Err(Refused::Header) => self.next_table(line)?,
            Err(Refused::File(fault)) => return Err(fault),
        }
        if TITLES_MAX < self.titles.len() {
            // So much text is no title.
            self.reject_titles(tally);
        }
        Ok(())
    }

    /// The tables, once all records were taken; `shelves` have the rows that were too many to hold.
    pub(crate) fn finish<'s>(
        mut self,
        shelves: Shelves<'s>,
        tally: &mut Tally,
    ) -> Result<Found<'s>> {
        self.reject_titles(tally);
        self.end_table();
        shelves.end(self.done, tally)
    }

    fn begin_table(&mut self) {
        if let Names::File(name) = &self.layout.names {
            self.names = vec![name.clone()];
        }
        if self.layout.extras.long.is_none() {
            let values = vec![Vec::new(); self.layout.mapped.len()];
            let rows = Rows {
                values,
                ..Rows::default()
            };
            self.groups.push(Group {
                key: None,
                quantity: None,
                rows,
            });
        }
    }

    /// Hands the table over; each group of a long one becomes a table.
    fn end_table(&mut self) {
        let names = std::mem::take(&mut self.names);
        let offsets_min = std::mem::take(&mut self.offsets_min);
        self.codes.clear();
        self.last_code = u32::MAX;
        self.last_word = None;
        self.twice = Twice::default();
        for group in std::mem::take(&mut self.groups) {
            let layout = group.layout(&self.layout);
            let rows = Rows {
                names: names.clone(),
                offsets_min: offsets_min.clone(),
                ..group.rows
            };
            self.done.push((layout, rows));
        }
    }

    /// A further header in a file of CPCB begins the table of another station, named by what stands above it.
    fn next_table(&mut self, line: Line) -> Result<()> {
        let cells: Vec<String> = Title::of(line).cells;
        let titles: Vec<Vec<String>> = self.titles.drain(..).map(|title| title.cells).collect();
        let layout = cpcb::next_layout((self.file, line.number), &cells, &titles, &self.layout)?;
        self.end_table();
        self.layout = layout;
        self.days = Days::default();
        self.begin_table();
        Ok(())
    }

    fn reject_titles(&mut self, tally: &mut Tally) {
        for title in self.titles.drain(..) {
            tally.read += title.n_lines;
            tally.note_lines(Reason::Time, title.n_lines, title.line, || {
                shown(title.cells.join(",").as_bytes())
            });
        }
    }

    fn row(&mut self, line: Line, tally: &mut Tally) -> std::result::Result<(), Refused> {
        self.refuse_other_lines(line)?;
        let (cells, line) = (line.cells, line.number);
        for scope in &self.layout.extras.scopes {
            let cell = &cells[scope.at];
            if !scope
                .wanted
                .iter()
                .any(|wanted| cell.trim_ascii().eq_ignore_ascii_case(wanted.as_bytes()))
            {
                let other = scope.otherwise.map_or(Refused::OtherMatter, Refused::Line);
                return Err(self.header_again(cells, other));
            }
        }
        let group_idx = self.group(cells)?;
        let stamp = self
            .stamp(cells)
            .map_err(|reason| self.header_again(cells, Refused::Line(reason)))?;
        let station = self.station(cells)?;
        self.group_idx = group_idx;
        let stamp_s = self.instant(stamp, station, line, tally)?;
        self.stated_offset(cells, station, stamp_s)?;
        if self
            .wishes
            .not_after_s
            .is_some_and(|last_s| last_s < stamp_s)
        {
            return Err(Refused::Line(Reason::Future));
        }
        if !self.titles.is_empty() {
            self.reject_titles(tally);
        }
        self.has_data = true;
        self.take(cells, (station, stamp_s, line), tally);
        Ok(())
    }

    /// Lines that are no rows of this table.
    fn refuse_other_lines(&self, line: Line) -> std::result::Result<(), Refused> {
        let cells = line.cells;
        let width = self.layout.header.len();
        if self.layout.source == Source::Cpcb {
            if cpcb::is_header(cells) && self.has_data {
                return Err(Refused::Header);
            }
            if self.has_data && cpcb::is_title(cells, self.layout.time) {
                return Err(Refused::Title);
            }
            // A sheet saved as CSV is as wide as its widest table.
            let rest_is_empty = || {
                cells
                    .iter()
                    .skip(width)
                    .all(|cell| cell.trim_ascii().is_empty())
            };
            if width < cells.len() && rest_is_empty() {
                return Ok(());
            }
        }
        if 1 < line.n_lines && self.breaks_matter(cells) {
            return Err(Refused::Line(Reason::LineBreak));
        }
        if cells.len() != width {
            return Err(Refused::Line(Reason::Ragged));
        }
        Ok(())
    }

    /// A line break in a cell that is not used may stand there; but a lost quote swallows whole rows, which then
    /// have as many delimiters as rows have.
    fn breaks_matter(&self, cells: Cells) -> bool {
        let used = self.layout.used();
        let n_delimiters = self.layout.header.len().saturating_sub(1);
        let swallows = |line: &[u8]| {
            let delimiters = |byte: &&u8| matches!(**byte, b',' | b';' | b'\t' | b'|');
            n_delimiters <= line.iter().filter(delimiters).count()
        };
        cells.iter().enumerate().any(|(at, cell)| {
            let mut lines = cell.split(|&byte| byte == b'\n');
            let first = lines.next();
            let mut rest = lines.peekable();
            first.is_some() && rest.peek().is_some() && (used.contains(&at) || rest.any(swallows))
        })
    }

    /// The group that a row belongs to.
    fn group(&mut self, cells: Cells) -> std::result::Result<usize, Refused> {
        let Some(long) = self.layout.extras.long else {
            return Ok(0);
        };
        let parameter = cells[long.parameter].trim_ascii();
        let unit = long.unit.map_or(&b""[..], |at| cells[at].trim_ascii());
        let is_it = |group: &Group| {
            group
                .key
                .as_ref()
                .is_some_and(|(p, u)| p == parameter && u == unit)
        };
        if self.groups.get(self.group_idx).is_some_and(is_it) {
            return Ok(self.group_idx);
        }
        if let Some(known) = self.groups.iter().position(is_it) {
            return Ok(known);
        }
        if parameter.eq_ignore_ascii_case(self.layout.header[long.parameter].as_bytes()) {
            return Err(Refused::Line(Reason::HeaderAgain));
        }
        let Some(quantity) = (long.quantity)(parameter) else {
            return Err(if parameter.is_empty() {
                Refused::Line(Reason::Parameter)
            } else {
                Refused::OtherMatter
            });
        };
        if GROUPS_MAX < self.groups.len() {
            return Err(Refused::Line(Reason::Parameter));
        }
        let rows = Rows {
            values: vec![Vec::new()],
            ..Rows::default()
        };
        let key = Some((parameter.to_vec(), unit.to_vec()));
        self.groups.push(Group {
            key,
            quantity: Some(quantity),
            rows,
        });
        Ok(self.groups.len() - 1)
    }

    fn take(&mut self, cells: Cells, (station, stamp_s, line): (u32, i64, u64), tally: &mut Tally) {
        let layout = &self.layout;
        let group = &mut self.groups[self.group_idx];
        if matches!(layout.zone, Zone::Named(..)) {
            self.twice.note((self.group_idx, station), stamp_s);
        }
        let rows = &mut group.rows;
        rows.station.push(station);
        rows.stamp_s.push(stamp_s);
        rows.line.push(u32::try_from(line).unwrap_or(u32::MAX));
        let judged = layout
            .extras
            .verdict
            .map(|verdict| (verdict.judge)(cells[verdict.at].trim_ascii()));
        let missing = judged == Some(Judged::Missing);
        let mut read = |at: usize, header: &str, kind: Kind| {
            if missing {
                return SENTINEL;
            }
            // Nearly every cell of a column of numbers is short and plain.
            if kind == Kind::Number
                && let Some((word, n_bytes)) = cells.word(at)
                && let Some(number) = word_decimal(word, n_bytes)
            {
                tally.cells_filled += 1;
                return coded(number, layout);
            }
            let cell = cells[at].trim_ascii();
            value(cell, (header, kind), layout, line, tally)
        };
        match layout.extras.long {
            Some(long) => {
                let number = read(long.value, &layout.header[long.value], Kind::Number);
                rows.values[0].push(number);
            }
            None => {
                for (column, values) in layout.mapped.iter().zip(&mut rows.values) {
                    values.push(read(column.at, &column.header, column.kind));
                }
            }
        }
        if let Some(channels) = layout.extras.channels {
            for (at, values) in channels.into_iter().zip(&mut rows.channels) {
                let number = decimal(cells[at].trim_ascii(), layout.extras.decimal);
                values.push(number.unwrap_or(f32::NAN));
            }
        }
        if judged == Some(Judged::Invalid) {
            rows.flag_last(flag::PROVIDER_INVALID);
        } else if !rows.flags.is_empty() {
            rows.flag_last(0);
        }
    }

    /// What is refused may be the header once more.
    fn header_again(&self, cells: Cells, other: Refused) -> Refused {
        let first = self.layout.time.first();
        let is_header = cells[first]
            .trim_ascii()
            .eq_ignore_ascii_case(self.layout.header[first].as_bytes());
        if is_header {
            Refused::Line(Reason::HeaderAgain)
        } else {
            other
        }
    }

    fn stamp(&mut self, cells: Cells) -> std::result::Result<Stamp, Reason> {
        let order = self.layout.order;
        match self.layout.time {
            TimeColumns::Stamp(at) => self.days.parse(&cells[at], order).map_err(reason),
            TimeColumns::Halves { date, time } => {
                parse_halves(&cells[date], &cells[time]).map_err(reason)
            }
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

    fn station(&mut self, cells: Cells) -> std::result::Result<u32, Refused> {
        let mut joined = Vec::new();
        let word = match &self.layout.names {
            Names::File(_) => return Ok(0),
            Names::Column(at) => name_word(cells, *at),
            Names::Joined(_) => None,
        };
        if word.is_some() && word == self.last_word {
            return Ok(self.last_code);
        }
        let raw = match &self.layout.names {
            Names::File(_) => return Ok(0),
            Names::Column(at) => cells[*at].trim_ascii(),
            Names::Joined(all) => {
                let parts: Vec<&[u8]> = all.iter().map(|&at| cells[at].trim_ascii()).collect();
                if parts.iter().any(|part| part.is_empty()) {
                    return Err(Refused::Line(Reason::Station));
                }
                joined = parts.join(&b'-');
                &joined
            }
        };
        if self.last_code != u32::MAX && raw == self.last_name {
            return Ok(self.last_code);
        }
        let code = match self.codes.get(raw) {
            Some(&code) => code,
            None => {
                let code =
                    new_station(raw, &mut self.names).ok_or(Refused::Line(Reason::Station))?;
                self.codes.insert(raw.to_vec(), code);
                code
            }
        };
        self.last_name.clear();
        self.last_name.extend_from_slice(raw);
        self.last_code = code;
        self.last_word = word;
        drop(joined);
        Ok(code)
    }

    fn instant(
        &mut self,
        stamp: Stamp,
        station: u32,
        line: u64,
        tally: &mut Tally,
    ) -> std::result::Result<i64, Refused> {
        if let Some(offset_min) = stamp.stated_offset_min {
            self.note_offset(offset_min, station, line)
                .map_err(Refused::File)?;
            return Ok(stamp.local_s - 60 * i64::from(offset_min));
        }
        match self.layout.zone.instant(stamp.local_s) {
            Instant::Once(time_s) => Ok(time_s),
            Instant::Never => Err(Refused::Line(Reason::NoSuchHour)),
            Instant::Twice { first_s, second_s } => {
                let of = (self.group_idx, station);
                let time_s = self.twice.instant(of, stamp.local_s, [first_s, second_s]);
                tally.note(Reason::ClockTwice, line, || {
                    let clock = match time_s == first_s {
                        true => "summer",
                        false => "standard",
                    };
                    format!("taken as {clock} time, as the lines before it go")
                });
                Ok(time_s)
            }
        }
    }
}

/// A short cell as a number, and its length.
fn name_word(cells: Cells, at: usize) -> Option<(u64, usize)> {
    let (word, n_bytes) = cells.word(at)?;
    let is_short = (1..=8).contains(&n_bytes);
    is_short.then(|| (word << (64 - 8 * n_bytes), n_bytes))
}

/// Parameters and units that one file may have; more is a table of something else.
const GROUPS_MAX: usize = 200;

fn new_station(raw: &[u8], names: &mut Vec<String>) -> Option<u32> {
    let name = decode(raw);
    if raw.is_empty() || NAME_BYTES_MAX < raw.len() || name.chars().any(char::is_control) {
        return None;
    }
    let code = u32::try_from(names.len()).ok()?;
    names.push(name);
    Some(code)
}

fn reason(no_stamp: NoStamp) -> Reason {
    match no_stamp {
        NoStamp::Unreadable => Reason::Time,
        NoStamp::Year => Reason::Year,
    }
}
