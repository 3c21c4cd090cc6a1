//! A prepared table as the learners see it.

use std::borrow::Cow;

use pm25_air::Task;
use pm25_artifact::model::Rows;
use pm25_artifact::prep::{FeatureFact, Prepared, StationFact, TaskFact};
use pm25_file::{Fault, Input, InputRef, Result};
use pm25_table::{Column, Table};
use pm25_tool::Console;

/// The target of a table of `pm25-prep`.
const TARGET: &str = "target_ug_m3";

/// Columns of a prepared table that are not features.
const NOT_FEATURES: [&str; 4] = ["station", "time", "target_ug_m3", "persistence_ug_m3"];

/// One prepared table.
pub struct Dataset {
    table: Table,
    target: Vec<f32>,
    /// What is asked.
    pub task: TaskFact,
    /// Feature columns, in order.
    pub features: Vec<FeatureFact>,
    /// Stations with rows, as the header names them; none in a table of another program.
    pub stations: Vec<StationFact>,
}

impl Dataset {
    /// Reads a table of `pm25-prep`, or one of another program (with a warning) whose columns are numbers.
    ///
    /// # Errors
    /// Bad artifact: a broken seal. Bad data: no target, or a row without one. Usage: another target for a table of
    /// `pm25-prep`.
    pub fn read(input: &Input, target: &str, console: &Console) -> Result<Self> {
        let table = Table::read(input, "pm25-features")?;
        if table.header().is_some() && target != TARGET {
            return Err(Fault::usage(format!(
                "{input} was made by pm25-prep: its target is `{TARGET}`, not `{target}`"
            ))
            .hint("--target is for tables that another program made"));
        }
        let numbers = table.numbers(target)?.into_owned();
        if let Some(at) = numbers.iter().position(|v| !v.is_finite()) {
            return Err(
                Fault::bad_data(format!("{input}: row {} has no target", at + 1))
                    .hint("rows without a target are left out, never filled: remove them"),
            );
        }
        let (task, features, stations) = match table.header() {
            Some(header) => {
                let prepared = Prepared::of(header)?;
                (prepared.task, prepared.features, prepared.stations)
            }
            None => {
                console.warn(&format!(
                    "{input} was not made by pm25-prep: no seal, and its features are taken on trust"
                ));
                (
                    Task::Nowcast.into(),
                    foreign_features(&table, target),
                    Vec::new(),
                )
            }
        };
        Ok(Self {
            table,
            target: numbers,
            task,
            features,
            stations,
        })
    }

    /// How many, all with a target.
    pub fn n_rows(&self) -> usize {
        self.target.len()
    }

    /// What was measured, µg/m³.
    pub fn target(&self) -> &[f32] {
        &self.target
    }

    /// Its name and hash.
    pub fn source(&self) -> &InputRef {
        self.table.source()
    }

    /// Rows and features there must be to learn anything.
    ///
    /// # Errors
    /// Bad data.
    pub fn expect_learnable(&self) -> Result<()> {
        let what = match (self.n_rows(), self.features.len()) {
            (0, _) => "rows",
            (_, 0) => "feature columns",
            _ => return Ok(()),
        };
        Err(Fault::bad_data(format!(
            "{} has no {what} to learn from",
            self.source().name
        ))
        .hint("look at prep.json: the split may leave no train rows"))
    }

    /// Both tables must ask the same and have the same features.
    ///
    /// # Errors
    /// Bad data: other hours, a missing column, no rows.
    pub fn expect_same_shape(&self, valid: &Self) -> Result<()> {
        let (a, b) = (&self.source().name, &valid.source().name);
        if self.task != valid.task {
            return Err(
                Fault::bad_data(format!("{a} and {b} ask for different hours"))
                    .hint("take both tables from one run of pm25-prep"),
            );
        }
        let missing: Vec<&str> = self
            .features
            .iter()
            .map(|feature| feature.column.as_str())
            .filter(|column| valid.table.column(column).is_none())
            .collect();
        if !missing.is_empty() {
            return Err(Fault::bad_data(format!(
                "{b} lacks columns of {a}: {}",
                missing.join(", ")
            ))
            .hint("take both tables from one run of pm25-prep"));
        }
        if valid.n_rows() == 0 {
            return Err(Fault::bad_data(format!("{b} has no rows to choose on"))
                .hint("give pm25-prep a longer time between --train-until and --valid-until"));
        }
        Ok(())
    }

    /// The named feature columns, in order.
    pub(crate) fn columns(&self, features: &[FeatureFact]) -> Result<Vec<Cow<'_, [f32]>>> {
        features
            .iter()
            .map(|feature| self.table.numbers(&feature.column))
            .collect()
    }

    /// As a model wants them.
    pub(crate) fn rows<'a>(&'a self, columns: &'a [Cow<'a, [f32]>]) -> Rows<'a> {
        let text = self.table.text("station").ok();
        Rows {
            station: text.map(|text| (text.words.as_slice(), text.codes.as_slice())),
            time_s: self.table.time("time").ok(),
            persistence_ug_m3: self.table.f32("persistence_ug_m3").ok(),
            features: columns.iter().map(|column| &column[..]).collect(),
            n_rows: self.n_rows(),
        }
    }
}

fn foreign_features(table: &Table, target: &str) -> Vec<FeatureFact> {
    table
        .names()
        .filter(|name| *name != target && !NOT_FEATURES.contains(name))
        .filter(|name| !matches!(table.column(name), Some(Column::Text(_) | Column::Time(_))))
        .map(|name| FeatureFact {
            column: name.to_owned(),
            expression: name.to_owned(),
            unit: "unknown".to_owned(),
        })
        .collect()
}
