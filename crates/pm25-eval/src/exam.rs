//! The exam: the test rows as a judge wants them. It knows no answers.

use std::borrow::Cow;

use pm25_air::civil::{Civil, format_utc};
use pm25_air::task::question;
use pm25_artifact::model::{Model, Rows, predicted_hour};
use pm25_artifact::prep::{FeatureFact, Prepared, StationFact};
use pm25_file::{Fault, InputRef, Result};
use pm25_table::{Column, Table, Text};

/// Column with what was measured, unless another is named.
pub(crate) const TARGET: &str = "target_ug_m3";
const PERSISTENCE: &str = "persistence_ug_m3";
const STATION_CODE: &str = "station_code";
const UNKNOWN_UNIT: &str = "unknown";

/// Test rows, all with a target.
pub(crate) struct Exam<'a> {
    table: &'a Table,
    /// Which column the target was.
    pub(crate) target_column: String,
    /// What was measured, µg/m³, exactly as stored.
    pub(crate) target_ug_m3: Vec<f64>,
    /// Newest known PM2.5, µg/m³, NaN = missing; none in a table that lacks the column.
    pub(crate) persistence_ug_m3: Option<Cow<'a, [f32]>>,
    /// Stations, if the table has them.
    pub(crate) station: Option<&'a Text>,
    /// Stamps t, if the table has them.
    pub(crate) time_s: Option<&'a [i64]>,
    /// Civil time of each target's hour; none where a table does not say enough for every row.
    pub(crate) civil: Option<Vec<Civil>>,
}

impl<'a> Exam<'a> {
    /// Reads the rows, and refuses a table on which this model cannot be judged.
    pub(crate) fn of(table: &'a Table, target: &str, model: &Model) -> Result<Self> {
        let prepared = table.header().map(Prepared::of).transpose()?;
        if prepared.is_some() && target != TARGET {
            return Err(Fault::usage(format!(
                "{} was made by pm25-prep: its target is `{TARGET}`, not `{target}`",
                table.source().name
            ))
            .hint("--target is for tables that another program made"));
        }
        if let Some(prepared) = &prepared {
            expect_same_task(table.source(), prepared, model)?;
            expect_same_features(table.source(), prepared, model)?;
        }
        let station = text(table, "station");
        let time_s = match table.column("time") {
            Some(Column::Time(values)) => Some(values.as_slice()),
            _ => None,
        };
        let stations = prepared
            .as_ref()
            .map_or(model.stations(), |prepared| &prepared.stations);
        let persistence = table
            .column(PERSISTENCE)
            .map(|_| table.numbers(PERSISTENCE))
            .transpose()?;
        Ok(Self {
            table,
            target_column: target.to_owned(),
            target_ug_m3: targets(table, target)?,
            persistence_ug_m3: persistence,
            station,
            time_s,
            civil: station
                .zip(time_s)
                .and_then(|(text, time_s)| civil(model, stations, text, time_s)),
        })
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.target_ug_m3.len()
    }

    pub(crate) fn source(&self) -> &InputRef {
        self.table.source()
    }

    /// The columns of these features, in order; an error names every one that is missing.
    pub(crate) fn columns(&self, model: &Model) -> Result<Vec<Cow<'a, [f32]>>> {
        let missing: Vec<&FeatureFact> = model
            .inputs()
            .iter()
            .filter(|input| self.table.column(&input.column).is_none())
            .collect();
        if !missing.is_empty() {
            return Err(lacks(self.source(), &missing, model));
        }
        model
            .inputs()
            .iter()
            .map(|input| self.table.numbers(&input.column))
            .collect()
    }

    /// As a model wants them.
    pub(crate) fn rows<'b>(&'b self, columns: &'b [Cow<'b, [f32]>]) -> Rows<'b> {
        Rows {
            station: self
                .station
                .map(|text| (text.words.as_slice(), text.codes.as_slice())),
            time_s: self.time_s,
            persistence_ug_m3: self.persistence_ug_m3.as_deref(),
            features: columns.iter().map(|column| &column[..]).collect(),
            n_rows: self.n_rows(),
        }
    }

    /// Names a row for people: its station and time, or its number.
    pub(crate) fn place(&self, row_idx: usize) -> String {
        let time = self
            .time_s
            .map(|time_s| pm25_air::civil::format_utc(time_s[row_idx]));
        match (self.station, time) {
            (Some(text), Some(time)) => format!("{} at {time}", text.get(row_idx)),
            _ => format!("row {}", row_idx + 1),
        }
    }
}

/// Of a table with targets for several horizons the rows of the model's horizon, with its targets under [`TARGET`]; any
/// other table as it is. Whoever reads tables for a model passes them through here first.
///
/// # Errors
/// Usage: the table has no targets for the model's horizon.
pub(crate) fn asked_of<'t>(table: &'t Table, model: &Model) -> Result<Cow<'t, Table>> {
    let prepared = table.header().map(Prepared::of).transpose()?;
    let task = pm25_air::Task::from(model.task());
    match (prepared, task) {
        (Some(prepared), pm25_air::Task::Forecast { horizon_h })
            if !prepared.horizons_h.is_empty() =>
        {
            let asked = prepared.asked(&table.source().name, Some(horizon_h))?;
            Ok(Cow::Owned(table.known_as(&asked.target, TARGET)?))
        }
        _ => Ok(Cow::Borrowed(table)),
    }
}

/// What a reader of the scores should know about the table.
pub(crate) fn warnings(table: &Table, model: &Model) -> Vec<String> {
    let name = &table.source().name;
    let mut warnings = Vec::new();
    if table.header().is_none() {
        warnings.push(format!("{name} was not made by pm25-prep: it has no seal, and what its columns mean is taken on trust"));
    }
    if was_learned_from(table, model) {
        warnings.push(format!(
            "the model was made from {name}: these scores say nothing about hours it has not seen"
        ));
    } else if let Some((learned, judged)) = learned(model).zip(first(table)).filter(is_later) {
        warnings.push(format!(
            "the model has learned from rows up to {learned}, and {name} begins at {judged}: these scores say nothing about \
             hours it has not seen"
        ));
    }
    warnings
}

/// The last row that the model learned from, in UTC.
fn learned(model: &Model) -> Option<&str> {
    model.profile.as_ref()?.span.last.as_deref()
}

/// The first row of the table, in UTC.
fn first(table: &Table) -> Option<String> {
    match table.column("time") {
        Some(Column::Time(time_s)) => time_s.iter().min().map(|time_s| format_utc(*time_s)),
        _ => None,
    }
}

/// Whether the model knows a row of the exam's time. Both are written so that they sort as time does.
fn is_later((learned, judged): &(&str, String)) -> bool {
    judged.as_str() <= *learned
}

/// Whether the very bytes of this table are among what the model was made from.
pub(crate) fn was_learned_from(table: &Table, model: &Model) -> bool {
    model
        .header
        .inputs
        .iter()
        .any(|input| input.sha256 == table.source().sha256)
}

impl Exam<'_> {
    /// See [`was_learned_from`].
    pub(crate) fn was_learned_from(&self, model: &Model) -> bool {
        was_learned_from(self.table, model)
    }
}

fn targets(table: &Table, column: &str) -> Result<Vec<f64>> {
    let name = &table.source().name;
    let values = table.numbers(column)?;
    if values.is_empty() {
        return Err(
            Fault::bad_data(format!("{name} has no rows to judge a model on"))
                .hint("look at prep.json: the split may leave no test rows"),
        );
    }
    if let Some(at) = values.iter().position(|value| !value.is_finite()) {
        return Err(
            Fault::bad_data(format!("{name}: row {} has no `{column}`", at + 1))
                .hint("rows without a target are left out of a table, never filled: remove them"),
        );
    }
    Ok(values.iter().map(|value| f64::from(*value)).collect())
}

fn text<'a>(table: &'a Table, column: &str) -> Option<&'a Text> {
    match table.column(column) {
        Some(Column::Text(text)) => Some(text),
        _ => None,
    }
}

/// Civil time of each target's hour; none if the offset of one station is unknown.
fn civil(
    model: &Model,
    stations: &[StationFact],
    text: &Text,
    time_s: &[i64],
) -> Option<Vec<Civil>> {
    let offset = |word: &String| {
        stations
            .iter()
            .find(|station| station.name == *word)
            .map(|s| s.utc_offset_min)
    };
    let offsets: Vec<i16> = text.words.iter().map(offset).collect::<Option<_>>()?;
    let rows = text.codes.iter().zip(time_s);
    Some(
        rows.map(|(code, time_s)| {
            predicted_hour(model.task().into(), *time_s, offsets[*code as usize])
        })
        .collect(),
    )
}

fn expect_same_task(source: &InputRef, prepared: &Prepared, model: &Model) -> Result<()> {
    let asked = prepared.tasks().into_iter().map(pm25_air::Task::from);
    let asked: Vec<pm25_air::Task> = asked.collect();
    let known = pm25_air::Task::from(model.task());
    if asked.contains(&known) {
        return Ok(());
    }
    Err(Fault::bad_data(format!(
        "{} asks for a {}, but the model makes a {known}",
        source.name,
        question(&asked)
    ))
    .hint(format!(
        "prepare the test rows with `pm25-prep --task {}`",
        flags(known)
    )))
}

/// A column of the same name must also mean the same.
fn expect_same_features(source: &InputRef, prepared: &Prepared, model: &Model) -> Result<()> {
    for input in model.inputs() {
        let found = prepared
            .features
            .iter()
            .find(|feature| feature.column == input.column);
        let differs = |a: &str, b: &str| a != b && a != UNKNOWN_UNIT && b != UNKNOWN_UNIT;
        if let Some(found) = found.filter(|found| differs(&found.unit, &input.unit)) {
            let what = format!(
                "{}: `{}` is in {}, but the model knows it in {}",
                source.name, input.column, found.unit, input.unit
            );
            return Err(Fault::bad_data(what)
                .hint("prepare the test rows with the pm25-prep that prepared the train rows"));
        }
    }
    let names = model.stations().iter().map(|station| &station.name);
    let coded = model
        .inputs()
        .iter()
        .any(|input| input.column == STATION_CODE);
    if coded && !prepared.vocabulary.iter().eq(names) {
        let what = format!(
            "{}: `{STATION_CODE}` numbers other stations than the model's",
            source.name
        );
        return Err(Fault::bad_data(what)
            .hint("take the test rows from the pm25-prep run that made the train rows"));
    }
    Ok(())
}

fn lacks(source: &InputRef, missing: &[&FeatureFact], model: &Model) -> Fault {
    let names: Vec<String> = missing
        .iter()
        .map(|input| format!("`{}`", input.column))
        .collect();
    let word = if names.len() == 1 {
        "a column"
    } else {
        "columns"
    };
    let wanted: Vec<&str> = model
        .inputs()
        .iter()
        .map(|input| input.expression.as_str())
        .collect();
    let task = flags(model.task().into());
    Fault::bad_data(format!(
        "{} lacks {word} that the model needs: {}",
        source.name,
        names.join(", ")
    ))
    .hint(format!(
        "prepare it with `pm25-prep --task {task} --features '{}'`",
        wanted.join(",")
    ))
}

fn flags(task: pm25_air::Task) -> String {
    match task {
        pm25_air::Task::Nowcast => "nowcast".to_owned(),
        pm25_air::Task::Forecast { horizon_h } => format!("forecast --horizon-h {horizon_h}"),
        pm25_air::Task::DayMean => "daymean".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exam_must_begin_after_the_last_lesson() {
        let mut table = Table::new();
        table.push("time", Column::Time(vec![1_456_790_400, 1_456_786_800]));
        let begins = first(&table);
        assert_eq!(begins.as_deref(), Some("2016-02-29T23:00:00Z"));
        for (learned, known) in [
            ("2016-02-29T22:00:00Z", false),
            ("2016-02-29T23:00:00Z", true),
            ("2016-11-29T15:00:00Z", true),
        ] {
            let both = (learned, begins.clone().unwrap());
            assert_eq!(is_later(&both), known, "{learned}");
        }
        assert_eq!(first(&Table::new()), None);
    }
}
