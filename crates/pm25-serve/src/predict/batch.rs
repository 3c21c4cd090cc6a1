//! Rows as the model wants them: columns.

use std::collections::BTreeMap;

use pm25_artifact::model::online::Ageing;
use pm25_artifact::model::{Model, Rows};

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

    /// Lower and upper end of the 90 % interval of each prediction, µg/m³; none of a model that was not calibrated for it.
    pub(super) fn ends(&self, served: &Served, predictions: &[f64]) -> Vec<Option<[f64; 2]>> {
        let members = served.horizons.members();
        let of_member = |idx: usize| {
            let own = predictions.iter().skip(idx).step_by(members.len());
            self.ends_of(
                &members[idx],
                served.memories[idx].as_ref(),
                &own.copied().collect::<Vec<_>>(),
            )
        };
        let ends: Vec<Option<Vec<[f64; 2]>>> = (0..members.len()).map(of_member).collect();
        let of_row = |row: usize| ends.iter().map(move |ends| ends.as_ref().map(|it| it[row]));
        (0..self.n_rows).flat_map(of_row).collect()
    }

    fn ends_of(
        &self,
        model: &Model,
        memory: Option<&Ageing>,
        predictions: &[f64],
    ) -> Option<Vec<[f64; 2]>> {
        let intervals = model.intervals.as_ref();
        let intervals = intervals.filter(|intervals| intervals.coverage == 0.9)?;
        let said = model.said(&self.rows(), predictions);
        let Some(memory) = memory else {
            return Some(intervals.around(&said));
        };
        let times_s = self.time_s.as_ref();
        let time_s = |row: usize| times_s.and_then(|times| times.get(row).copied());
        let rows = said.into_iter().enumerate();
        let ends = rows.map(|(row, said)| memory.around(intervals, (time_s(row), said)));
        Some(ends.collect())
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
