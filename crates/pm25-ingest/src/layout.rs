//! What the columns of one raw file mean. Made by a source from the head of the file, obeyed by
//! [`crate::rows`].
//!
//! Not the values; a layout is made before the first of them is read.

use std::fmt;

use pm25_air::Quantity;
use pm25_artifact::ingest::Unused;
use pm25_file::{Fault, Result, nearest};

use crate::claim::Claim;
use crate::clock::Order;
use crate::count::{Reason, shown};
use crate::head::{Head, decode};
use crate::source::Fit;
use crate::zone::Zone;

/// The networks whose files are understood.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Source {
    /// The two UCI sets of Beijing.
    UciBeijing,
    /// India's CPCB: Kaggle station files, portal exports, the bulk archive.
    Cpcb,
    /// US embassies: StateAir, its Excel re-saves, and AirNow's successor of it.
    StateAir,
    /// OpenAQ: exports of versions 1 and 2, the archive of version 3.
    OpenAq,
    /// AirNow's hourly files.
    AirNow,
    /// PurpleAir histories.
    PurpleAir,
    /// US EPA's AQS, hourly_88101 and its like.
    Aqs,
    /// The European Environment Agency's Parquet files.
    Eea,
    /// Sensor.Community's days.
    SensorCommunity,
    /// A table of observations that this program wrote.
    Observations,
    /// Any table with a time and named quantities.
    Generic,
}

impl Source {
    /// All of them.
    pub(crate) const ALL: [Self; 11] = [
        Self::UciBeijing,
        Self::Cpcb,
        Self::StateAir,
        Self::OpenAq,
        Self::AirNow,
        Self::PurpleAir,
        Self::Aqs,
        Self::Eea,
        Self::SensorCommunity,
        Self::Observations,
        Self::Generic,
    ];

    /// The name on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::UciBeijing => "uci-beijing",
            Self::Cpcb => "cpcb",
            Self::StateAir => "stateair",
            Self::OpenAq => "openaq",
            Self::AirNow => "airnow",
            Self::PurpleAir => "purpleair",
            Self::Aqs => "aqs",
            Self::Eea => "eea",
            Self::SensorCommunity => "sensor-community",
            Self::Observations => "observations",
            Self::Generic => "generic",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which end of its interval a stamp names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stamped {
    /// The begin.
    Begin,
    /// The end.
    End,
}

impl Stamped {
    /// For the report.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Begin => "begin",
            Self::End => "end",
        }
    }
}

/// Where the time of a row stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum TimeColumns {
    /// In four columns.
    Parts {
        /// Column of the year.
        year: usize,
        /// Column of the month.
        month: usize,
        /// Column of the day.
        day: usize,
        /// Column of the hour, 0 to 23.
        hour: usize,
    },
    /// Both ends of the interval.
    Span {
        /// Column of the begin.
        from: usize,
        /// Column of the end.
        to: usize,
    },
    /// One stamp.
    Stamp(usize),
    /// Month, day and two digits of the year in one column, hour and minute in another.
    Halves {
        /// Column of the date.
        date: usize,
        /// Column of the time of day.
        time: usize,
    },
}

impl TimeColumns {
    /// The first of its columns.
    pub(crate) const fn first(self) -> usize {
        match self {
            Self::Parts { year: column, .. }
            | Self::Span { from: column, .. }
            | Self::Halves { date: column, .. }
            | Self::Stamp(column) => column,
        }
    }
}

/// Where the station's name stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Names {
    /// In a column.
    Column(usize),
    /// In several, joined by `-`.
    Joined(Vec<usize>),
    /// It is the same for the whole file.
    File(String),
}

/// How a cell is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// A decimal.
    Number,
    /// A point of the compass such as `NNW`.
    Compass,
}

/// A column that becomes a quantity.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mapped {
    pub(crate) at: usize,
    pub(crate) header: String,
    pub(crate) quantity: Quantity,
    pub(crate) kind: Kind,
    pub(crate) claim: Claim,
}

/// What the columns of a file mean.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) source: Source,
    pub(crate) why: String,
    /// The line of the header.
    pub(crate) header_line: u64,
    pub(crate) header: Vec<String>,
    pub(crate) time: TimeColumns,
    pub(crate) order: Order,
    /// Seconds from row to row, where the format fixes them; else the rows tell.
    pub(crate) step_s: Option<u32>,
    pub(crate) stamped: Stamped,
    pub(crate) zone: Zone,
    /// Whether the zone was given or belongs to the source; else a stated offset is the station's own.
    pub(crate) zone_is_known: bool,
    pub(crate) names: Names,
    pub(crate) mapped: Vec<Mapped>,
    pub(crate) unused: Vec<Unused>,
    /// Numbers that mean "no value" in this file, beside those of every source.
    pub(crate) sentinels: Vec<f32>,
    pub(crate) notes: Vec<String>,
    /// What the file says above its header after a `#`.
    pub(crate) remarks: Vec<String>,
    /// What most tables do not have.
    pub(crate) extras: Extras,
}

/// What most tables do not have.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extras {
    /// One reading in a row.
    pub(crate) long: Option<Long>,
    /// Rows that are about something else.
    pub(crate) scopes: Vec<Scope>,
    /// The provider's own verdict on a row.
    pub(crate) verdict: Option<Verdict>,
    /// A column with the hours by which the station is ahead of UTC.
    pub(crate) offset_at: Option<usize>,
    /// Columns of the date and the time by the station's standard time, beside the time in UTC.
    pub(crate) local: Option<[usize; 2]>,
    pub(crate) offsets: Offsets,
    pub(crate) decimal: Decimal,
    pub(crate) clock_fault: ClockFault,
    /// PM2.5 of an instrument's two channels.
    pub(crate) channels: Option<[usize; 2]>,
}

/// Where a table with one reading in a row has what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Long {
    pub(crate) parameter: usize,
    pub(crate) value: usize,
    pub(crate) unit: Option<usize>,
    /// The quantity of a parameter; nothing for those that are not held.
    pub(crate) quantity: fn(&[u8]) -> Option<Quantity>,
}

impl Long {
    /// The column that one parameter's readings become.
    pub(crate) fn reading(&self, quantity: Quantity, parameter: &[u8], unit: &[u8]) -> Mapped {
        let (name, stated) = (decode(parameter), decode(unit));
        let header = match stated.as_str() {
            "" => name,
            unit => format!("{name} ({unit})"),
        };
        let claim = if stated.is_empty() {
            Claim::None
        } else {
            Claim::Header(stated)
        };
        Mapped {
            at: self.value,
            header,
            quantity,
            kind: Kind::Number,
            claim,
        }
    }
}

/// A condition on a row.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    pub(crate) at: usize,
    /// What must stand there, ignoring case.
    pub(crate) wanted: Vec<String>,
    /// Why a row is rejected that says something else; without a reason it is only about something else.
    pub(crate) otherwise: Option<Reason>,
}

/// Where the provider's own verdict stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verdict {
    pub(crate) at: usize,
    pub(crate) judge: fn(&[u8]) -> Judged,
}

/// The provider's own verdict.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Judged {
    /// Nothing is said against the value.
    Good,
    /// There is no value, whatever stands in its place.
    Missing,
    /// The value is not to be used.
    Invalid,
}

/// What offsets that the stamps state may do.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Offsets {
    /// Be the same throughout.
    #[default]
    Same,
    /// Differ by station, and by an hour in summer; the smaller one is standard time.
    ByStation,
}

/// What separates the whole from the fraction.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Decimal {
    #[default]
    Point,
    Comma,
}

/// What the provider's software did to the clock.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum ClockFault {
    #[default]
    None,
    /// Summer time of another country: 02:00 is written as a second 03:00, once a year.
    FalseSummerTime,
}

impl Layout {
    /// A layout of a source with its time and its clock; nothing is mapped yet.
    pub(crate) fn new(fit: Fit, head: &Head, time: TimeColumns, zone: Zone) -> Self {
        let row = &head.rows[fit.header_idx];
        Self {
            source: fit.source,
            why: fit.why,
            header_line: row.line,
            header: row.cells.clone(),
            time,
            order: Order::Ymd,
            step_s: None,
            stamped: Stamped::Begin,
            zone,
            zone_is_known: true,
            names: Names::File(String::new()),
            mapped: Vec::new(),
            unused: Vec::new(),
            sentinels: Vec::new(),
            notes: Vec::new(),
            remarks: remarks(head, fit.header_idx),
            extras: Extras::default(),
        }
    }

    /// Maps a column.
    pub(crate) fn map(&mut self, at: usize, quantity: Quantity, claim: Claim) {
        let header = self.header[at].clone();
        let kind = Kind::Number;
        self.mapped.push(Mapped {
            at,
            header,
            quantity,
            kind,
            claim,
        });
    }

    /// Lists the columns that nothing reads.
    pub(crate) fn note_unused(&mut self, why: &str) {
        let used = self.used();
        let others = self
            .header
            .iter()
            .enumerate()
            .filter(|(at, _)| !used.contains(at));
        self.unused = others
            .map(|(_, column)| Unused {
                column: column.clone(),
                why: why.to_owned(),
            })
            .collect();
    }

    /// Whether stamps are mended by what stands before and after them; see [`crate::summer`].
    pub(crate) fn repairs_clock(&self) -> bool {
        self.extras.clock_fault == ClockFault::FalseSummerTime
    }

    /// The columns that are read.
    pub(crate) fn used(&self) -> Vec<usize> {
        let mut used: Vec<usize> = self.mapped.iter().map(|column| column.at).collect();
        match self.time {
            TimeColumns::Parts {
                year,
                month,
                day,
                hour,
            } => used.extend([year, month, day, hour]),
            TimeColumns::Span { from, to } => used.extend([from, to]),
            TimeColumns::Stamp(at) => used.push(at),
            TimeColumns::Halves { date, time } => used.extend([date, time]),
        }
        match &self.names {
            Names::Column(at) => used.push(*at),
            Names::Joined(all) => used.extend(all),
            Names::File(_) => {}
        }
        let extras = &self.extras;
        if let Some(long) = extras.long {
            used.extend([long.parameter, long.value].into_iter().chain(long.unit));
        }
        used.extend(extras.scopes.iter().map(|scope| scope.at));
        used.extend(extras.verdict.map(|verdict| verdict.at));
        used.extend(extras.offset_at);
        used.extend(extras.channels.into_iter().chain(extras.local).flatten());
        used
    }

    /// Refuses two columns for one quantity: choosing one in silence would be a guess.
    pub(crate) fn refuse_twins(self, file: &str) -> Result<Self> {
        for (position, column) in self.mapped.iter().enumerate() {
            let earlier = &self.mapped[..position];
            if let Some(twin) = earlier.iter().find(|twin| twin.quantity == column.quantity) {
                return Err(Fault::bad_data(format!(
                    "{file}:{}: columns `{}` and `{}` are both {}",
                    self.header_line,
                    shown(twin.header.as_bytes()),
                    shown(column.header.as_bytes()),
                    column.quantity.short()
                ))
                .hint("remove one of them, or say with `--columns map.toml` which one to use"));
            }
        }
        Ok(self)
    }
}

/// A header of a known source that is not among its columns.
pub(crate) fn unknown_column<'a>(
    (file, line): (&str, u64),
    column: &str,
    source: Source,
    known: impl IntoIterator<Item = &'a str>,
) -> Fault {
    let fault = Fault::bad_data(format!(
        "{file}:{line}: {source} files have no column `{}`",
        shown(column.as_bytes())
    ));
    match nearest(column, known) {
        Some(near) => fault.hint(format!(
            "did you mean `{near}`? rename it, or describe the file with `--columns map.toml`"
        )),
        None => fault.hint("remove the column, or describe the file with `--columns map.toml`"),
    }
}

/// `CO (mg/m3)` is `CO` and `mg/m3`; without brackets there is no unit.
pub(crate) fn split_unit(column: &str) -> (&str, Option<&str>) {
    match column
        .strip_suffix(')')
        .and_then(|open| open.rsplit_once('('))
    {
        Some((name, unit)) => (name.trim(), Some(unit.trim())),
        None => (column.trim(), None),
    }
}

/// What the lines above the header say after a `#`.
pub(crate) fn remarks(head: &Head, header_idx: usize) -> Vec<String> {
    let separator = format!("{} ", char::from(head.delimiter));
    let above = head.rows[..header_idx]
        .iter()
        .map(|row| row.cells.join(&separator));
    above
        .filter(|text| text.starts_with('#'))
        .map(|text| text.trim_matches(['#', ' ', ',']).to_owned())
        .collect()
}
