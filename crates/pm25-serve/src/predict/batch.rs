//! Rows as the model wants them: columns.

use std::collections::BTreeMap;

use pm25_artifact::model::{Model, Rows, Said};

use crate::problem::{Problem, Result};
use crate::served::Served;

/// Rows of one request, by column.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Which station each row is about; none when no row says.
    pub(super) stations: Option<Stations>,
    /// Stamp t of each row, seconds since 1970 UTC; none when no row says.
    pub(super) time_s: Option<Vec<i64>>,
    /// Newest known PM2.5 of each row, µg/m³; NaN = missing.
    pub(super) persistence_ug_m3: Option<Vec<f32>>,
    /// Input columns in the model's order.
    pub(super) columns: Vec<Vec<f32>>,
    /// Thresholds whose probability is wanted, µg/m³.
    pub(super) exceed_ug_m3: Vec<f64>,
    /// How many rows.
    pub(super) n_rows: usize,
}

/// Station names and an index into them for each row.
#[derive(Debug, Default)]
pub(super) struct Stations {
    words: Vec<String>,
    codes: Vec<u32>,
    known: BTreeMap<String, u32>,
}

impl Stations {
    /// Adds a row.
    pub(super) fn push(&mut self, name: &str) {
        let code = match self.known.get(name) {
            Some(&code) => code,
            // There are no more names than rows, and rows are limited.
            None => {
                let code = self.words.len() as u32;
                self.words.push(name.to_owned());
                self.known.insert(name.to_owned(), code);
                code
            }
        };
        self.codes.push(code);
    }

    /// The station of a row.
    pub(super) fn get(&self, row_idx: usize) -> &str {
        let code = self.codes.get(row_idx).map(|&code| code as usize);
        code.and_then(|code| self.words.get(code))
            .map_or("", String::as_str)
    }

    /// How many rows have one.
    pub(super) fn n_rows(&self) -> usize {
        self.codes.len()
    }
}

impl Batch {
    /// What the model says, µg/m³: row by row, for each of its horizons.
    ///
    /// # Errors
    /// 500 when that is no finite number: JSON could not say it, and nobody should act on it.
    pub(super) fn predict(&self, served: &Served) -> Result<Vec<f64>> {
        let rows = self.rows();
        let members = served.horizons.members().iter();
        let answers: Vec<Vec<f64>> = members.map(|model| model.predict(&rows)).collect();
        let of_row = |row_idx: usize| answers.iter().map(move |answer| answer[row_idx]);
        let predictions: Vec<f64> = (0..self.n_rows).flat_map(of_row).collect();
        let are_numbers = predictions.iter().all(|value| value.is_finite());
        if are_numbers {
            Ok(predictions)
        } else {
            Err(Problem::ours(
                "the model predicted what is no finite number",
            ))
        }
    }

    /// Each prediction with how far off its model expects it to be, in the predictions' order.
    pub(super) fn said(&self, served: &Served, predictions: &[f64]) -> Vec<Said> {
        let (members, rows) = (served.horizons.members(), self.rows());
        let of_member = |(idx, model): (usize, &Model)| {
            let own = predictions.iter().skip(idx).step_by(members.len());
            model.said(&rows, &own.copied().collect::<Vec<_>>())
        };
        let said: Vec<Vec<Said>> = members.iter().enumerate().map(of_member).collect();
        let of_row = |row: usize| said.iter().map(move |own| own[row]);
        (0..self.n_rows).flat_map(of_row).collect()
    }

    /// Lower and upper end of the 90 % interval of each prediction, µg/m³; none of a model that was not calibrated for it.
    pub(super) fn ends(&self, served: &Served, said: &[Said]) -> Vec<Option<[f64; 2]>> {
        let members = served.horizons.members();
        let of_one = |(at, &said): (usize, &Said)| {
            let (row, member) = (at / members.len(), at % members.len());
            let intervals = members[member].intervals.as_ref();
            let intervals = intervals.filter(|intervals| intervals.coverage == 0.9)?;
            let Some(memory) = &served.memories[member] else {
                return Some(intervals.around_one(said));
            };
            let times_s = self.time_s.as_ref();
            let time_s = times_s.and_then(|times| times.get(row).copied());
            Some(memory.around(intervals, (time_s, said)))
        };
        said.iter().enumerate().map(of_one).collect()
    }

    /// For each row whether the model looks at other stations and knows nothing of them.
    pub(super) fn is_alone(&self, served: &Served) -> Vec<bool> {
        served.model().is_alone(&self.rows())
    }

    fn rows(&self) -> Rows<'_> {
        Rows {
            station: self
                .stations
                .as_ref()
                .map(|s| (s.words.as_slice(), s.codes.as_slice())),
            time_s: self.time_s.as_deref(),
            persistence_ug_m3: self.persistence_ug_m3.as_deref(),
            features: self.columns.iter().map(Vec::as_slice).collect(),
            n_rows: self.n_rows,
        }
    }
}
