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
use crate::count::shown;
use crate::head::Head;
use crate::zone::Zone;

/// The networks whose files are understood.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Source {
    /// The two UCI sets of Beijing.
    UciBeijing,
    /// India's CPCB: Kaggle station files, portal exports, the bulk archive.
    Cpcb,
    /// Any table with a time and named quantities.
    Generic,
}

impl Source {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::UciBeijing, Self::Cpcb, Self::Generic];

    /// The name on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::UciBeijing => "uci-beijing",
            Self::Cpcb => "cpcb",
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
}

impl TimeColumns {
    /// The first of its columns.
    pub(crate) const fn first(self) -> usize {
        match self {
            Self::Parts { year: column, .. }
            | Self::Span { from: column, .. }
            | Self::Stamp(column) => column,
        }
    }
}

/// Where the station's name stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Names {
    /// In a column.
    Column(usize),
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
}

impl Layout {
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
