//! Rows to be compared or profiled: a table of any kind, or requests; columns are sampled by name.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use pm25_air::civil::format_utc;
use pm25_artifact::drift::{RowSpan, Side, SideKind};
use pm25_artifact::model::{Model, Rows as ModelRows};
use pm25_file::{Fault, Input, InputRef, Result};
use pm25_stats::Sample;
use pm25_table::{Column, Table};
use pm25_tool::Console;

use crate::role::{self, PREDICTION, TIME};
use crate::sniff;

/// The precision in which two columns are compared: a value of one must be findable among those of the other.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Precision {
    /// f32, as prepared tables and models have it.
    Single,
    /// f64.
    Double,
}

/// Columns by name.
pub(crate) enum Columns {
    Table(Box<Table>),
    /// NaN = missing; all equally long.
    Requests(BTreeMap<String, Vec<f64>>),
}

/// Rows with a name and, mostly, times.
pub(crate) struct Rows {
    pub(crate) columns: Columns,
    pub(crate) source: InputRef,
    pub(crate) n_rows: usize,
    /// Lines of a request file that are no request.
    pub(crate) rejected_lines: u64,
    /// Stamp t of each row, seconds since 1970 UTC.
    pub(crate) time_s: Option<Vec<i64>>,
    /// A model's answer for each row; stands in the place of the column of that name.
    predictions: Option<Vec<f64>>,
    /// Which rows count, and the days of the year that these are of; all where there is none.
    chosen: Option<Chosen>,
}

struct Chosen {
    keep: Vec<bool>,
    days_of_year: Vec<[u16; 2]>,
}

impl Rows {
    /// Reads a table; says so if nobody sealed it.
    pub(crate) fn read_table(input: &Input, console: &Console) -> Result<Self> {
        let table = sniff::table(input)?;
        if table.header().is_none() {
            console.warn(&format!(
                "{input} was made by another program: it has no seal to check"
            ));
        }
        let time_s = table.time(TIME).ok().map(<[i64]>::to_vec);
        let (source, n_rows) = (table.source().clone(), table.n_rows());
        Ok(Self {
            time_s,
            ..Self::new(Columns::Table(Box::new(table)), source, n_rows)
        })
    }

    pub(crate) fn new(columns: Columns, source: InputRef, n_rows: usize) -> Self {
        Self {
            columns,
            source,
            n_rows,
            rejected_lines: 0,
            time_s: None,
            predictions: None,
            chosen: None,
        }
    }

    /// Names of the columns that can be compared, sorted.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        let numeric: Vec<&str> = match &self.columns {
            Columns::Table(table) => {
                let is_number = |name: &&str| {
                    !matches!(
                        table.column(name),
                        None | Some(Column::Text(_) | Column::Time(_))
                    )
                };
                table.names().filter(is_number).collect()
            }
            Columns::Requests(columns) => columns.keys().map(String::as_str).collect(),
        };
        let predicted = self.predictions.as_ref().map(|_| PREDICTION);
        let compared = |name: &&str| role::role(name).is_some();
        numeric
            .into_iter()
            .chain(predicted)
            .filter(compared)
            .map(str::to_owned)
            .collect()
    }

    /// The precision of a column's values. Requests are decimals: they take that of the other side.
    pub(crate) fn precision(&self, name: &str) -> Precision {
        match &self.columns {
            _ if self.predicted(name).is_some() => Precision::Double,
            Columns::Table(table) if matches!(table.column(name), Some(Column::F32(_))) => {
                Precision::Single
            }
            _ => Precision::Double,
        }
    }

    /// The chosen rows of a column, sorted.
    ///
    /// # Errors
    /// When there is no such column of numbers.
    pub(crate) fn sample(&self, name: &str, precision: Precision) -> Result<Sample> {
        let values = match (self.predicted(name), &self.columns) {
            (Some(values), _) => Cow::Borrowed(values),
            (None, Columns::Requests(columns)) => {
                Cow::Borrowed(columns.get(name).map_or(&[][..], Vec::as_slice))
            }
            (None, Columns::Table(table)) => match table.column(name) {
                Some(Column::F64(values)) => Cow::Borrowed(values.as_slice()),
                _ => return Ok(Sample::of_f32(&self.kept(&table.numbers(name)?))),
            },
        };
        let values = self.kept(&values);
        Ok(match precision {
            Precision::Double => Sample::of_f64(&values),
            Precision::Single => {
                Sample::of_f32(&values.iter().map(|&v| v as f32).collect::<Vec<_>>())
            }
        })
    }

    /// Lets a model answer for every row.
    ///
    /// # Errors
    /// When an input of the model is not there.
    pub(crate) fn predict(&mut self, model: &Model) -> Result<()> {
        let inputs = model.inputs().iter();
        let columns = inputs
            .map(|input| self.numbers(&input.column))
            .collect::<Result<Vec<_>>>()?;
        let table = match &self.columns {
            Columns::Table(table) => Some(table.as_ref()),
            Columns::Requests(_) => None,
        };
        let station = table.and_then(|table| table.text("station").ok());
        let persistence = table.and_then(|table| table.numbers("persistence_ug_m3").ok());
        let predictions = model.predict(&ModelRows {
            station: station.map(|text| (text.words.as_slice(), text.codes.as_slice())),
            time_s: self.time_s.as_deref(),
            persistence_ug_m3: persistence.as_deref(),
            features: columns.iter().map(|column| &column[..]).collect(),
            n_rows: self.n_rows,
        });
        self.predictions = Some(predictions);
        Ok(())
    }

    /// Keeps these rows, one answer each; `days_of_year` are the first and last of each run of days.
    pub(crate) fn choose(&mut self, keep: Vec<bool>, days_of_year: Vec<[u16; 2]>) {
        self.chosen = Some(Chosen { keep, days_of_year });
    }

    /// Which rows, for reports.
    pub(crate) fn span(&self) -> RowSpan {
        let times = self.kept(self.time_s.as_deref().unwrap_or_default());
        RowSpan {
            rows: self.n_kept() as u64,
            first: times.iter().min().map(|&s| format_utc(s)),
            last: times.iter().max().map(|&s| format_utc(s)),
        }
    }

    /// The whole side, for reports.
    pub(crate) fn side(&self) -> Side {
        Side {
            kind: match self.columns {
                Columns::Table(_) => SideKind::Table,
                Columns::Requests(_) => SideKind::Requests,
            },
            rows: self.span(),
            rejected_lines: self.rejected_lines,
            days_of_year: self
                .chosen
                .as_ref()
                .map(|chosen| chosen.days_of_year.clone()),
        }
    }

    /// How many rows count.
    pub(crate) fn n_kept(&self) -> usize {
        match &self.chosen {
            Some(chosen) => chosen.keep.iter().filter(|keep| **keep).count(),
            None => self.n_rows,
        }
    }

    fn predicted(&self, name: &str) -> Option<&[f64]> {
        self.predictions.as_deref().filter(|_| name == PREDICTION)
    }

    /// A column as a model wants it.
    fn numbers(&self, name: &str) -> Result<Cow<'_, [f32]>> {
        match &self.columns {
            Columns::Table(table) => table.numbers(name),
            Columns::Requests(columns) => match columns.get(name) {
                Some(values) => Ok(values.iter().map(|&v| v as f32).collect()),
                None => Err(Fault::bad_data(format!(
                    "no request in {} has the input `{name}`",
                    self.source.name
                ))
                .hint("leave --model out to compare the inputs alone")),
            },
        }
    }

    fn kept<'a, T: Copy>(&self, values: &'a [T]) -> Cow<'a, [T]> {
        match &self.chosen {
            None => Cow::Borrowed(values),
            Some(chosen) => {
                let pairs = values.iter().zip(&chosen.keep);
                pairs
                    .filter(|(_, keep)| **keep)
                    .map(|(value, _)| *value)
                    .collect()
            }
        }
    }
}
