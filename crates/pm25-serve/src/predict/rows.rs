//! `POST /v1/predict` with `rows`: the model's own input columns, as a prepared table has them.

use std::borrow::Cow;

use axum::http::StatusCode;
use pm25_air::{Quantity, civil};

use super::batch::{Batch, Stations};
use crate::inputs::{Bound, Input};
use crate::json::Reader;
use crate::limits::Limits;
use crate::problem::{Problem, Result, shown};
use crate::served::Served;

/// Fields of a row beside the model's inputs.
const STATION: &str = "station";
const TIME: &str = "time";
const PERSISTENCE: &str = "persistence_ug_m3";
/// Longest station name that is accepted, in bytes: ten times any that we know.
const STATION_BYTES_MAX: usize = 256;
/// What to do about a value that no instrument can have measured.
pub(super) const NULL_IS_MISSING: &str = "write null for what was not measured";

/// Reads the list of rows that stands at the reader.
pub(super) fn read(served: &Served, limits: &Limits, reader: &mut Reader) -> Result<Batch> {
    let mut table = Table::new(served);
    // What is answered must stay as small for many horizons as for one.
    let rows_max = (limits.rows_max / served.horizons.members().len()).max(1);
    reader.array(|reader, row_idx| {
        if rows_max <= row_idx {
            return Err(too_many(rows_max, "rows"));
        }
        table.begin();
        reader.object(|reader, key| table.value(reader, key))?;
        table.end(reader)
    })?;
    if table.n_rows == 0 {
        return Err(reader.problem("there is no row in `rows`"));
    }
    Ok(table.finish())
}

/// The refusal of a request with more than `rows_max` items.
pub(super) fn too_many(rows_max: usize, what: &str) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("at most {rows_max} {what} are taken in one request"),
    )
    .hint("send several requests, or predict whole files with `pm25-predict`")
}

/// Reads a station's name.
pub(super) fn station_name<'a>(reader: &mut Reader<'a>) -> Result<Cow<'a, str>> {
    let name = reader.text()?;
    if name.is_empty() || STATION_BYTES_MAX < name.len() || name.chars().any(char::is_control) {
        return Err(reader.problem(format!(
            "a station's name has 1 to {STATION_BYTES_MAX} bytes and no control characters"
        )));
    }
    Ok(name)
}

/// Reads an instant; seconds since 1970 UTC.
pub(super) fn time_s(reader: &mut Reader) -> Result<i64> {
    let text = reader.text()?;
    let time_s = civil::parse_rfc3339(&text).map_err(|e| {
        reader
            .problem(format!(
                "{}: `{}` is no RFC 3339 time with its offset",
                reader.name(),
                shown(&text)
            ))
            .hint(shown(&e.hint()))
    })?;
    if !(civil::EARLIEST_S..=civil::LATEST_S).contains(&time_s) {
        return Err(reader.problem(format!("{} is outside the years 1 to 9998", reader.name())));
    }
    Ok(time_s)
}

/// Columns on their way.
///
/// ```text
/// begin           value, in any order            end
/// every column    the value replaces the NaN,    every column has been seen,
/// gets a NaN      seen[column] = this row        or the row is refused
/// ```
struct Table<'a> {
    served: &'a Served,
    columns: Vec<Vec<f32>>,
    /// The row in which a column was last seen, counted from 1.
    seen: Vec<usize>,
    n_seen: usize,
    guess: usize,
    stations: Stations,
    time_s: Vec<i64>,
    persistence_ug_m3: Vec<f32>,
    has: Companions,
    n_rows: usize,
}

/// What the present row has beside the inputs.
#[derive(Default)]
struct Companions {
    station: bool,
    time: bool,
    persistence: bool,
}

impl<'a> Table<'a> {
    fn new(served: &'a Served) -> Self {
        let n_columns = served.inputs.len();
        Self {
            served,
            columns: vec![Vec::new(); n_columns],
            seen: vec![0; n_columns],
            n_seen: 0,
            guess: 0,
            stations: Stations::default(),
            time_s: Vec::new(),
            persistence_ug_m3: Vec::new(),
            has: Companions::default(),
            n_rows: 0,
        }
    }

    fn begin(&mut self) {
        self.n_rows += 1;
        (self.n_seen, self.guess) = (0, 0);
        self.has = Companions::default();
        for column in &mut self.columns {
            column.push(f32::NAN);
        }
        self.persistence_ug_m3.push(f32::NAN);
    }

    fn value(&mut self, reader: &mut Reader, key: &str) -> Result<()> {
        match self.served.position(key, self.guess) {
            Some(idx) => self.input(reader, idx),
            None => self.companion(reader, key),
        }
    }

    fn input(&mut self, reader: &mut Reader, idx: usize) -> Result<()> {
        let input = &self.served.inputs[idx];
        let value = reader
            .number_or_null()
            .map_err(|problem| problem.unit(&input.unit))?;
        if let Some(bound) = input.bound {
            bound.check(value, &input.unit, |why| {
                reader
                    .problem(format!("{} {why}", reader.name()))
                    .hint(NULL_IS_MISSING)
            })?;
        }
        if self.seen[idx] == self.n_rows {
            return Err(reader.twice());
        }
        self.seen[idx] = self.n_rows;
        self.n_seen += 1;
        self.guess = idx + 1;
        self.columns[idx][self.n_rows - 1] = value;
        Ok(())
    }

    /// Station, time and persistence: what a row has beside the inputs.
    fn companion(&mut self, reader: &mut Reader, key: &str) -> Result<()> {
        match key {
            STATION => {
                let name = station_name(reader)?;
                once(&mut self.has.station, reader)?;
                self.stations.push(&name);
            }
            TIME => {
                let time_s = time_s(reader)?;
                once(&mut self.has.time, reader)?;
                self.time_s.push(time_s);
            }
            PERSISTENCE => {
                let value = persistence(reader)?;
                once(&mut self.has.persistence, reader)?;
                self.persistence_ug_m3[self.n_rows - 1] = value;
            }
            _ => {
                let inputs = self.served.inputs.iter().map(|input| input.column.as_str());
                return Err(reader.unknown(inputs.chain([STATION, TIME, PERSISTENCE])));
            }
        }
        Ok(())
    }

    fn end(&self, reader: &Reader) -> Result<()> {
        if let Some(input) = self.missing() {
            let problem = reader.missing(&input.column).unit(&input.unit);
            return Err(problem.hint(NULL_IS_MISSING));
        }
        for (field, n_rows) in [(STATION, self.stations.n_rows()), (TIME, self.time_s.len())] {
            if n_rows != 0 && n_rows != self.n_rows {
                return Err(reader
                    .missing(field)
                    .hint("give it in every row or in none"));
            }
        }
        Ok(())
    }

    fn missing(&self) -> Option<&Input> {
        if self.n_seen == self.seen.len() {
            return None;
        }
        let idx = self.seen.iter().position(|&row| row != self.n_rows)?;
        self.served.inputs.get(idx)
    }

    fn finish(self) -> Batch {
        Batch {
            stations: (self.stations.n_rows() == self.n_rows).then_some(self.stations),
            time_s: (self.time_s.len() == self.n_rows).then_some(self.time_s),
            persistence_ug_m3: Some(self.persistence_ug_m3),
            columns: self.columns,
            exceed_ug_m3: Vec::new(),
            n_rows: self.n_rows,
        }
    }
}

fn once(has: &mut bool, reader: &Reader) -> Result<()> {
    if std::mem::replace(has, true) {
        Err(reader.twice())
    } else {
        Ok(())
    }
}

fn persistence(reader: &mut Reader) -> Result<f32> {
    let quantity = Quantity::Pm25;
    let value = reader
        .number_or_null()
        .map_err(|problem| problem.unit(quantity.unit()))?;
    Bound::of(quantity).check(value, quantity.unit(), |why| {
        reader
            .problem(format!("{} {why}", reader.name()))
            .hint(NULL_IS_MISSING)
    })
}
