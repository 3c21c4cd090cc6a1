//! Several prepared tables as one: the rows of all, by station and time, with the columns that a model wants.
//!
//! It does not judge: rows may be those that the model learned from, and who normalises wants them to be.

use std::borrow::Cow;
use std::collections::BTreeMap;

use pm25_air::civil::format_utc;
use pm25_artifact::model::{Model, Rows};
use pm25_artifact::prep::Prepared;
use pm25_file::{Fault, Input, InputRef, Result};
use pm25_table::Table;

use crate::exam::{self, Exam, TARGET};

/// Rows of tables, sorted by station and time.
pub(crate) struct Together {
    /// The tables, in the order given.
    pub(crate) sources: Vec<InputRef>,
    /// Stations, sorted.
    pub(crate) stations: Vec<Place>,
    /// Station of each row.
    pub(crate) station: Vec<u32>,
    /// Stamp t of each row, seconds since 1970 UTC.
    pub(crate) time_s: Vec<i64>,
    /// Measured PM2.5, µg/m³.
    pub(crate) target_ug_m3: Vec<f32>,
    /// Newest known PM2.5, NaN = missing; none if a table lacks the column.
    pub(crate) persistence_ug_m3: Option<Vec<f32>>,
    /// The model's feature columns, in its order; NaN = missing.
    pub(crate) columns: Vec<Vec<f32>>,
}

/// A station.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place {
    /// Its name.
    pub(crate) name: String,
    /// Minutes that its standard time is ahead of UTC.
    pub(crate) utc_offset_min: i16,
}

/// A table, of several horizons the rows of the model's.
fn asked(input: &Input, model: &Model) -> Result<Table> {
    let table = Table::read(input, "pm25-features")?;
    let known = match exam::asked_of(&table, model)? {
        Cow::Owned(known) => Some(known),
        Cow::Borrowed(_) => None,
    };
    Ok(known.unwrap_or(table))
}

impl Together {
    /// Reads the tables, and refuses what the model does not go with, rows without station and time, and rows that come
    /// twice.
    pub(crate) fn read(inputs: &[Input], model: &Model) -> Result<Self> {
        let tables: Vec<Table> = inputs
            .iter()
            .map(|input| asked(input, model))
            .collect::<Result<_>>()?;
        let exams: Vec<Exam<'_>> = tables
            .iter()
            .map(|table| Exam::of(table, TARGET, model))
            .collect::<Result<_>>()?;
        let stations = places(&tables, model)?;
        let mut order = Vec::new();
        for (exam_idx, exam) in exams.iter().enumerate() {
            let (Some(text), Some(time_s)) = (exam.station, exam.time_s) else {
                return Err(unplaced(exam.source()));
            };
            for (row, (code, time_s)) in text.codes.iter().zip(time_s).enumerate() {
                let station = stations
                    .binary_search_by(|place| place.name.as_str().cmp(&text.words[*code as usize]))
                    .map_err(|_| unplaced(exam.source()))?;
                order.push((station as u32, *time_s, exam_idx, row));
            }
        }
        order.sort_unstable();
        if let Some(twice) = order
            .windows(2)
            .find(|two| (two[0].0, two[0].1) == (two[1].0, two[1].1))
        {
            let what = format!(
                "{} at {} is in the rows twice",
                stations[twice[0].0 as usize].name,
                format_utc(twice[0].1)
            );
            return Err(
                Fault::bad_data(what).hint("give each table once, all from one pm25-prep run")
            );
        }
        let pick = |column: &dyn Fn(usize) -> Vec<f32>| -> Vec<f32> {
            let columns: Vec<Vec<f32>> = (0..exams.len()).map(column).collect();
            order
                .iter()
                .map(|(_, _, exam, row)| columns[*exam][*row])
                .collect()
        };
        let asked: Vec<_> = exams
            .iter()
            .map(|exam| exam.columns(model))
            .collect::<Result<_>>()?;
        let has_newest = exams.iter().all(|exam| exam.persistence_ug_m3.is_some());
        let newest = |exam: usize| {
            exams[exam]
                .persistence_ug_m3
                .as_deref()
                .unwrap_or_default()
                .to_vec()
        };
        Ok(Self {
            sources: exams.iter().map(|exam| exam.source().clone()).collect(),
            station: order.iter().map(|row| row.0).collect(),
            time_s: order.iter().map(|row| row.1).collect(),
            target_ug_m3: pick(&|exam| {
                exams[exam].target_ug_m3.iter().map(|v| *v as f32).collect()
            }),
            persistence_ug_m3: has_newest.then(|| pick(&newest)),
            columns: (0..model.inputs().len())
                .map(|column| pick(&|exam| asked[exam][column].to_vec()))
                .collect(),
            stations,
        })
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.time_s.len()
    }

    /// Rows of a station: they follow one another.
    pub(crate) fn rows_of(&self, station: usize) -> std::ops::Range<usize> {
        let station = station as u32;
        let first = self.station.partition_point(|code| *code < station);
        first..self.station.partition_point(|code| *code <= station)
    }

    /// What the model says to the rows as they are.
    pub(crate) fn predictions(&self, model: &Model) -> Vec<f64> {
        let words: Vec<String> = self
            .stations
            .iter()
            .map(|place| place.name.clone())
            .collect();
        model.predict(&Rows {
            station: Some((&words, &self.station)),
            time_s: Some(&self.time_s),
            persistence_ug_m3: self.persistence_ug_m3.as_deref(),
            features: self.columns.iter().map(Vec::as_slice).collect(),
            n_rows: self.n_rows(),
        })
    }
}

/// The stations of all tables with their standard time.
fn places(tables: &[Table], model: &Model) -> Result<Vec<Place>> {
    let mut known: BTreeMap<String, i16> = BTreeMap::new();
    for table in tables {
        let prepared = table.header().map(Prepared::of).transpose()?;
        let facts = prepared
            .as_ref()
            .map_or(model.stations(), |prepared| prepared.stations.as_slice());
        for fact in facts {
            known.insert(fact.name.clone(), fact.utc_offset_min);
        }
    }
    let place = |(name, utc_offset_min)| Place {
        name,
        utc_offset_min,
    };
    Ok(known.into_iter().map(place).collect())
}

fn unplaced(source: &InputRef) -> Fault {
    Fault::bad_data(format!(
        "{} does not say of every row of which station and hour it is",
        source.name
    ))
    .hint("give tables that pm25-prep made")
}
