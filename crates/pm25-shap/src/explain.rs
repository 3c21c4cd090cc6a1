//! Contributions of every feature to every prediction, checked for additivity.

use std::collections::BTreeSet;

use pm25_air::civil::format_utc;
use pm25_artifact::model::{Model, ModelKind, Rows};
use pm25_artifact::prep::FeatureFact;
use pm25_artifact::shap::{Method, Space};
use pm25_file::{Fault, Result};
use pm25_learn::tree::{Ensemble, shap, shap_against};
use pm25_learn::{Columns, Linear};
use pm25_table::{Table, Text};

use crate::{choose, parts};

/// How far base + Σ contributions may be from the prediction, relative to max(1, |prediction|).
const ADDITIVITY_MAX: f64 = 1e-9;

/// Rows and what explains them.
pub(crate) struct Explained {
    /// The features, in the order of `phi` and `values`; what a blend is told beside them comes last.
    pub(crate) inputs: Vec<FeatureFact>,
    pub(crate) method: Method,
    /// Numbers of the rows in the table, rising from 0.
    pub(crate) rows: Vec<usize>,
    /// What contributions add up to.
    pub(crate) space: Space,
    /// What is said when nothing is known, in the unit of the space.
    pub(crate) base: f64,
    /// One per row, µg/m³.
    pub(crate) predictions: Vec<f64>,
    /// What contributions add up to, one per row: in µg/m³ the predictions.
    pub(crate) scores: Vec<f64>,
    /// A column per feature, a value per row, in the unit of the space.
    pub(crate) phi: Vec<Vec<f64>>,
    /// The features' values, a column per feature.
    pub(crate) values: Vec<Vec<f32>>,
    pub(crate) additivity_error_max: f64,
    /// Which rows these are, for the pictures: how many, of how many stations, of when.
    pub(crate) rows_in_words: String,
}

/// Explains some rows of a table, against a background or by the training rows.
pub(crate) fn explain(
    model: &Model,
    table: &Table,
    rows: Vec<usize>,
    background: Option<&Table>,
) -> Result<Explained> {
    let space = space_of(model)?;
    let mut chosen = Chosen::gather(model, table, &rows)?;
    let against = background
        .map(|table| Chosen::gather(model, table, &choose::background(table)?))
        .transpose()?;
    let Contributions { method, base, phi } = contributions(model, &chosen, against.as_ref())?;
    let predictions = model.predict(&chosen.rows());
    let scores = match &model.trees {
        Some(trees) if space != Space::UgM3 => trees.scores(&columns(&chosen.values)),
        _ => predictions.clone(),
    };
    let additivity_error_max = additivity(base, &phi, &scores)?;
    let mut inputs = model.inputs().to_vec();
    if let Some(blend) = &model.blend {
        for beside in parts::beside(model, blend, &chosen.rows()) {
            inputs.push(beside.fact);
            chosen.values.push(beside.values);
        }
    }
    Ok(Explained {
        inputs,
        method,
        space,
        base,
        predictions,
        scores,
        phi,
        values: chosen.values,
        additivity_error_max,
        rows_in_words: in_words(table, &rows),
        rows,
    })
}

/// The space in which the model's contributions add up.
fn space_of(model: &Model) -> Result<Space> {
    if let Some(blend) = &model.blend {
        parts::expect_one_space(blend)?;
    }
    let of_trees = model.trees.as_ref().map(|trees| Space::of(trees.link));
    Ok(of_trees.unwrap_or(Space::UgM3))
}

/// Some rows of a table, everything of them that a model may ask for.
struct Chosen {
    station: Option<Text>,
    time_s: Option<Vec<i64>>,
    newest_ug_m3: Option<Vec<f32>>,
    /// A column per input of the model.
    values: Vec<Vec<f32>>,
    n_rows: usize,
}

impl Chosen {
    fn gather(model: &Model, table: &Table, rows: &[usize]) -> Result<Self> {
        let station = table.text("station").ok().map(|text| Text {
            words: text.words.clone(),
            codes: rows.iter().map(|&row| text.codes[row]).collect(),
        });
        let newest = table.f32("persistence_ug_m3").ok();
        let time_s = table.time("time").ok();
        Ok(Self {
            station,
            time_s: time_s.map(|all| rows.iter().map(|&row| all[row]).collect()),
            newest_ug_m3: newest.map(|all| rows.iter().map(|&row| all[row]).collect()),
            values: gather(model, table, rows)?,
            n_rows: rows.len(),
        })
    }

    fn rows(&self) -> Rows<'_> {
        let station = self.station.as_ref();
        Rows {
            station: station.map(|text| (&text.words[..], &text.codes[..])),
            time_s: self.time_s.as_deref(),
            persistence_ug_m3: self.newest_ug_m3.as_deref(),
            features: self.values.iter().map(|column| &column[..]).collect(),
            n_rows: self.n_rows,
        }
    }
}

/// The model's columns at some rows.
fn gather(model: &Model, table: &Table, rows: &[usize]) -> Result<Vec<Vec<f32>>> {
    let column = |input: &FeatureFact| {
        let values = table.numbers(&input.column)?;
        Ok(rows.iter().map(|&row| values[row]).collect())
    };
    model.inputs().iter().map(column).collect()
}

/// Gathered columns as the learners see them.
pub(crate) fn columns(values: &[Vec<f32>]) -> Columns<'_> {
    let n_rows = values.first().map_or(0, Vec::len);
    Columns::new(values.iter().map(Vec::as_slice).collect(), n_rows)
}

/// Rows of one station in one season say little about others: so the pictures name both.
fn in_words(table: &Table, rows: &[usize]) -> String {
    let mut words = format!("{} rows", rows.len());
    if let Ok(text) = table.text("station") {
        let codes: BTreeSet<u32> = rows.iter().map(|&row| text.codes[row]).collect();
        words += &match codes.first() {
            Some(&only) if codes.len() == 1 => format!(" of {}", text.words[only as usize]),
            _ => format!(" of {} stations", codes.len()),
        };
    }
    let all = table.time("time").unwrap_or_default();
    let times = || rows.iter().filter_map(|&row| all.get(row).copied());
    if let (Some(first), Some(last)) = (times().min(), times().max()) {
        let day = |time_s| format_utc(time_s).get(..10).unwrap_or_default().to_owned();
        words += &format!(" · {} to {} UTC", day(first), day(last));
    }
    words
}

/// Which row of the table this is, for its picture: its station and hour, as far as the table knows them.
pub(crate) fn row_in_words(table: &Table, row: usize) -> String {
    let station = table.text("station").ok();
    let station = station.map(|text| text.get(row).to_owned());
    let times = table.time("time").unwrap_or_default();
    let hour = times.get(row).map(|&time_s| {
        let time = format_utc(time_s).replace('T', " ");
        format!("{} UTC", time.get(..16).unwrap_or_default())
    });
    let known: Vec<String> = station.into_iter().chain(hour).collect();
    if known.is_empty() {
        return format!("row {} of the table", row + 1);
    }
    known.join(", ")
}

/// The row for the waterfall: the one asked for, else the one with the highest prediction.
pub(crate) fn waterfall_row(explained: &Explained, asked: Option<u32>) -> Result<usize> {
    let n_rows = explained.predictions.len();
    match asked {
        Some(row) if (row as usize) <= n_rows => Ok(row as usize - 1),
        Some(row) => Err(Fault::usage(format!(
            "there is no row {row} among the {n_rows} explained"
        ))
        .hint("--rows N or --sample N explains more of them")),
        None => {
            let highest = explained
                .predictions
                .iter()
                .enumerate()
                .max_by(|a, b| a.1.total_cmp(b.1));
            Ok(highest.map_or(0, |(row_idx, _)| row_idx))
        }
    }
}

pub(crate) struct Contributions {
    pub(crate) method: Method,
    /// In the unit of the space.
    pub(crate) base: f64,
    /// A column a feature, a value a row.
    pub(crate) phi: Vec<Vec<f64>>,
}

fn contributions(
    model: &Model,
    chosen: &Chosen,
    against: Option<&Chosen>,
) -> Result<Contributions> {
    let x = columns(&chosen.values);
    let background = against.map(|against| columns(&against.values));
    let background = background.as_ref();
    match (model.kind(), &model.trees, &model.blend) {
        (ModelKind::Linear, ..) => Ok(of_line(&model.linear, &x, background)),
        (ModelKind::Forest | ModelKind::Boost, Some(trees), _) => {
            Ok(of_trees(trees, &x, background))
        }
        (ModelKind::Blend, _, Some(blend)) => {
            let reference = model.reference(&chosen.rows());
            let start = against.map_or(blend.reference_mean_ug_m3, |against| {
                mean(&model.reference(&against.rows()))
            });
            let question = model.question(&chosen.rows());
            let against = against.map(|against| model.question(&against.rows()));
            let against = (against.as_ref(), start);
            Ok(parts::of_blend(blend, (&question, &reference), against))
        }
        (kind, ..) => Err(
            Fault::usage(format!("a {kind} model uses no features to explain"))
                .hint("explain a linear, forest or boost model, or a blend"),
        ),
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

pub(crate) fn of_trees(
    trees: &Ensemble,
    x: &Columns,
    background: Option<&Columns>,
) -> Contributions {
    let (method, shap) = match background {
        Some(background) => (Method::Interventional, shap_against(trees, x, background)),
        None => (Method::PathDependent, shap(trees, x)),
    };
    Contributions {
        method,
        base: shap.base,
        phi: shap.phi,
    }
}

/// A line's terms add up whatever the other features are: against a background each only loses its mean there.
pub(crate) fn of_line(line: &Linear, x: &Columns, background: Option<&Columns>) -> Contributions {
    let terms = || line.terms.iter().enumerate();
    let of = |rows: &Columns, (column_idx, term): (usize, &pm25_learn::Term)| -> Vec<f64> {
        let values = rows.column(column_idx).iter();
        values.map(|&value| term.contribution(value)).collect()
    };
    let mean = |term| {
        background.map_or(0.0, |rows| {
            of(rows, term).iter().sum::<f64>() / rows.n_rows() as f64
        })
    };
    let means: Vec<f64> = terms().map(mean).collect();
    let less_mean = |(term, mean): ((usize, &pm25_learn::Term), &f64)| {
        of(x, term).into_iter().map(|phi| phi - mean).collect()
    };
    Contributions {
        method: background.map_or(Method::Linear, |_| Method::Interventional),
        base: line.intercept + means.iter().sum::<f64>(),
        phi: terms().zip(&means).map(less_mean).collect(),
    }
}

fn additivity(base: f64, phi: &[Vec<f64>], scores: &[f64]) -> Result<f64> {
    let mut worst = 0.0_f64;
    for (row_idx, score) in scores.iter().enumerate() {
        let sum = phi.iter().fold(base, |sum, column| sum + column[row_idx]);
        let error = (sum - score).abs() / score.abs().max(1.0);
        if error.is_nan() || ADDITIVITY_MAX < error {
            return Err(Fault::unforeseen(format!(
                "row {}: contributions add up to {sum}, but the prediction is {score}",
                row_idx + 1
            )));
        }
        worst = worst.max(error);
    }
    Ok(worst)
}

#[cfg(test)]
mod tests {
    use pm25_table::Column;

    use super::*;

    #[test]
    fn a_row_is_named_by_its_station_and_hour() {
        let mut table = Table::new();
        assert_eq!(row_in_words(&table, 4), "row 5 of the table");
        table.push("time", Column::Time(vec![0, 3600]));
        assert_eq!(row_in_words(&table, 1), "1970-01-01 01:00 UTC");
        let stations = Text {
            words: vec!["A".to_owned(), "B".to_owned()],
            codes: vec![1, 0],
        };
        table.push("station", Column::Text(stations));
        assert_eq!(row_in_words(&table, 1), "A, 1970-01-01 01:00 UTC");
    }
}
