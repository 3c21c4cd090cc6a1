//! A prepared table as the learners see it.

use std::borrow::Cow;

use pm25_air::Task;
use pm25_air::civil::{HOUR_S, format_utc, parse_rfc3339};
use pm25_artifact::model::Rows;
use pm25_artifact::prep::{Asked, FeatureFact, Prepared, StationFact, TARGET, TaskFact};
use pm25_file::{Fault, Input, InputRef, Result};
use pm25_table::{Column, Table};
use pm25_tool::Console;

/// Columns of a prepared table that are not features.
const NOT_FEATURES: [&str; 4] = ["station", "time", TARGET, "persistence_ug_m3"];

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

/// A prepared file, which may have targets for several horizons.
pub struct Targets {
    table: Table,
    /// As it was typed.
    target: String,
    /// None in a table of another program.
    prepared: Option<Prepared>,
}

impl Targets {
    /// Reads a table of `pm25-prep`, or one of another program (with a warning) whose columns are numbers.
    ///
    /// # Errors
    /// Bad artifact: a broken seal. Usage: another target for a table of `pm25-prep`.
    pub fn read(input: &Input, target: &str, console: &Console) -> Result<Self> {
        let table = Table::read(input, "pm25-features")?;
        if table.header().is_some() && target != TARGET {
            return Err(Fault::usage(format!(
                "{input} was made by pm25-prep: its target is `{TARGET}`, not `{target}`"
            ))
            .hint("--target is for tables that another program made"));
        }
        let prepared = table.header().map(Prepared::of).transpose()?;
        if prepared.is_none() {
            console.warn(&format!(
                "{input} was not made by pm25-prep: no seal, and its features are taken on trust"
            ));
        }
        Ok(Self {
            table,
            target: target.to_owned(),
            prepared,
        })
    }

    /// Its name and hash.
    pub fn source(&self) -> &InputRef {
        self.table.source()
    }

    /// The horizons of a table of several, rising; none for one.
    pub fn horizons_h(&self) -> &[u16] {
        self.prepared
            .as_ref()
            .map_or(&[], |prepared| &prepared.horizons_h)
    }

    /// The rows of a table of several horizons that have a target at this one.
    ///
    /// # Errors
    /// Usage: a horizon that the table does not have, or a table of one.
    pub fn at(&self, horizon_h: u16) -> Result<Dataset> {
        let asked = self.asked(Some(horizon_h))?;
        let table = self.table.known_as(&asked.target, TARGET)?;
        Dataset::of(table, TARGET, asked.task, self.prepared.as_ref())
    }

    /// All rows of a table of one horizon, or those of one of several.
    ///
    /// # Errors
    /// Bad data: no target, or in a table of one horizon a row without one. Usage: see [`Prepared::asked`].
    pub fn into_dataset(self, horizon_h: Option<u16>) -> Result<Dataset> {
        let asked = self.asked(horizon_h)?;
        if !self.horizons_h().is_empty() {
            return self.at(asked.task.horizon_h());
        }
        Dataset::of(
            self.table,
            &asked.target,
            asked.task,
            self.prepared.as_ref(),
        )
    }

    fn asked(&self, horizon_h: Option<u16>) -> Result<Asked> {
        let name = &self.table.source().name;
        match (&self.prepared, horizon_h) {
            (Some(prepared), _) => prepared.asked(name, horizon_h),
            (None, None) => Ok(Asked {
                task: Task::Nowcast.into(),
                target: self.target.clone(),
            }),
            (None, Some(_)) => Err(Fault::usage(format!("{name} says nothing of horizons"))
                .hint("leave --horizon-h out: it is for tables of pm25-prep")),
        }
    }
}

impl Dataset {
    /// Reads a table that is to have one horizon: see [`Targets`].
    ///
    /// # Errors
    /// As [`Targets::read`] and [`Targets::into_dataset`].
    pub fn read(input: &Input, target: &str, console: &Console) -> Result<Self> {
        Targets::read(input, target, console)?.into_dataset(None)
    }

    fn of(table: Table, target: &str, task: TaskFact, prepared: Option<&Prepared>) -> Result<Self> {
        let numbers = table.numbers(target)?.into_owned();
        if let Some(at) = numbers.iter().position(|v| !v.is_finite()) {
            let name = &table.source().name;
            return Err(
                Fault::bad_data(format!("{name}: row {} has no target", at + 1))
                    .hint("rows without a target are left out, never filled: remove them"),
            );
        }
        let (features, stations) = match prepared {
            Some(prepared) => (prepared.features.clone(), prepared.stations.clone()),
            None => (foreign_features(&table, target), Vec::new()),
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

    /// A table to learn from must be a train table: those that `pm25-prep` made to choose or to judge say so.
    ///
    /// # Errors
    /// Bad data: a valid or test table.
    pub fn expect_to_teach(&self) -> Result<()> {
        if self.instant("valid_until").is_none() {
            return Ok(());
        }
        Err(Fault::bad_data(format!(
            "{} is a valid or test table of pm25-prep: nothing may be learned from it",
            self.source().name
        ))
        .hint("--train train.parquet --valid valid.parquet"))
    }

    /// The rows of `valid` must come after these and be answered before the test begins.
    ///
    /// # Errors
    /// Bad data: the same table, a train or test table, one of another split, or hours that are not later.
    pub fn expect_before(&self, valid: &Self) -> Result<()> {
        match self.why_not_before(valid) {
            None => Ok(()),
            Some(what) => Err(Fault::bad_data(what)
                .hint("take train.parquet and valid.parquet of one run of pm25-prep")),
        }
    }

    fn why_not_before(&self, valid: &Self) -> Option<String> {
        let (a, b) = (&self.source().name, &valid.source().name);
        if self.source().sha256 == valid.source().sha256 {
            return Some(format!(
                "{a} is given to learn from and to choose on: every model looks best on what it has learned"
            ));
        }
        let (t1, t2_s) = (valid.instant("train_until"), valid.instant("valid_until"));
        if t1.is_some() && t2_s.is_none() {
            return Some(format!("{b} is a train table of pm25-prep"));
        }
        let split = self.instant("train_until").zip(t1);
        if split.is_some_and(|(ours, theirs)| ours != theirs) {
            return Some(format!("{a} and {b} are of different splits"));
        }
        let (learned, chosen) = self.span().zip(valid.span())?;
        if chosen.start() <= learned.end() {
            return Some(format!(
                "{b} begins at {}, but {a} goes on to {}: a model would be chosen on hours that it has learned from",
                format_utc(*chosen.start()),
                format_utc(*learned.end())
            ));
        }
        let horizon_s = i64::from(Task::from(valid.task).horizon_h()) * HOUR_S;
        let t2_s = t2_s.filter(|&t2_s| t2_s <= chosen.end() + horizon_s)?;
        Some(format!(
            "{b} has rows answered after {}: it is the test table, on which nothing is chosen",
            format_utc(t2_s)
        ))
    }

    /// An instant among the header's parameters.
    fn instant(&self, name: &str) -> Option<i64> {
        let value = self.table.header()?.params.get(name)?;
        parse_rfc3339(value.as_str()?).ok()
    }

    /// First and last stamp t; none in a table without times or rows.
    fn span(&self) -> Option<std::ops::RangeInclusive<i64>> {
        let time_s = self.table.time("time").ok()?;
        Some(*time_s.iter().min()?..=*time_s.iter().max()?)
    }

    /// The named feature columns, in order.
    pub(crate) fn columns(&self, features: &[FeatureFact]) -> Result<Vec<Cow<'_, [f32]>>> {
        features
            .iter()
            .map(|feature| self.table.numbers(&feature.column))
            .collect()
    }

    /// Takes the feature columns out of the table, in order.
    pub(crate) fn take_columns(&mut self) -> Result<Vec<Vec<f32>>> {
        let columns = self.features.iter();
        columns
            .map(|feature| self.table.take_numbers(&feature.column))
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
