//! Contributions of every feature to every prediction, checked for additivity.

use std::borrow::Cow;
use std::collections::BTreeSet;

use pm25_air::civil::format_utc;
use pm25_artifact::model::{Model, ModelKind, Rows};
use pm25_artifact::prep::FeatureFact;
use pm25_artifact::shap::Method;
use pm25_file::{Fault, Result};
use pm25_learn::tree::shap;
use pm25_learn::{Columns, Linear};
use pm25_table::Table;

/// How far base + Σ contributions may be from the prediction, relative to max(1, |prediction|).
const ADDITIVITY_MAX: f64 = 1e-9;

/// Rows and what explains them.
pub(crate) struct Explained<'a> {
    /// The features, in the order of `phi` and `values`.
    pub(crate) inputs: &'a [FeatureFact],
    pub(crate) method: Method,
    /// Prediction when nothing is known, µg/m³.
    pub(crate) base: f64,
    /// One per row, µg/m³.
    pub(crate) predictions: Vec<f64>,
    /// A column per feature, a value per row, µg/m³.
    pub(crate) phi: Vec<Vec<f64>>,
    /// The features' values, a column per feature.
    pub(crate) values: Vec<Cow<'a, [f32]>>,
    pub(crate) additivity_error_max: f64,
    /// Which rows these are, for the pictures: how many, of how many stations, of when.
    pub(crate) rows_in_words: String,
}

/// Explains the first rows of a table.
pub(crate) fn explain<'a>(
    model: &'a Model,
    table: &'a Table,
    rows_max: u32,
) -> Result<Explained<'a>> {
    let n_rows = table.n_rows().min(rows_max as usize);
    if n_rows == 0 {
        return Err(Fault::bad_data(format!(
            "{} has no rows to explain",
            table.source().name
        )));
    }
    let values = model
        .inputs()
        .iter()
        .map(|input| {
            table
                .numbers(&input.column)
                .map(|column| head(column, n_rows))
        })
        .collect::<Result<Vec<_>>>()?;
    let x = Columns::new(values.iter().map(|column| &column[..]).collect(), n_rows);
    let (method, base, phi) = contributions(model, &x)?;
    let predictions = model.predict(&Rows {
        station: None,
        time_s: None,
        persistence_ug_m3: None,
        features: values.iter().map(|column| &column[..]).collect(),
        n_rows,
    });
    let additivity_error_max = additivity(base, &phi, &predictions)?;
    let inputs = model.inputs();
    Ok(Explained {
        inputs,
        method,
        base,
        predictions,
        phi,
        values,
        additivity_error_max,
        rows_in_words: in_words(table, n_rows),
    })
}

/// Rows of one station in one season say little about others: so the pictures name both.
fn in_words(table: &Table, n_rows: usize) -> String {
    let mut words = format!("{n_rows} rows");
    if let Ok(text) = table.text("station") {
        let codes: BTreeSet<u32> = text.codes[..n_rows].iter().copied().collect();
        words += &match codes.first() {
            Some(&only) if codes.len() == 1 => format!(" of {}", text.words[only as usize]),
            _ => format!(" of {} stations", codes.len()),
        };
    }
    let times = table.time("time").map_or(&[][..], |times| &times[..n_rows]);
    if let (Some(&first), Some(&last)) = (times.iter().min(), times.iter().max()) {
        let day = |time_s| format_utc(time_s).get(..10).unwrap_or_default().to_owned();
        words += &format!(" · {} to {} UTC", day(first), day(last));
    }
    words
}

/// The row for the waterfall: the one asked for, else the one with the highest prediction.
pub(crate) fn waterfall_row(explained: &Explained, asked: Option<u32>) -> Result<usize> {
    let n_rows = explained.predictions.len();
    match asked {
        Some(row) if (row as usize) <= n_rows => Ok(row as usize - 1),
        Some(row) => Err(Fault::usage(format!(
            "there is no row {row} among the {n_rows} explained"
        ))
        .hint("--rows N explains more of them")),
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

fn head(column: Cow<'_, [f32]>, n_rows: usize) -> Cow<'_, [f32]> {
    match column {
        Cow::Borrowed(values) => Cow::Borrowed(&values[..n_rows]),
        Cow::Owned(mut values) => {
            values.truncate(n_rows);
            Cow::Owned(values)
        }
    }
}

fn contributions(model: &Model, x: &Columns) -> Result<(Method, f64, Vec<Vec<f64>>)> {
    match (model.kind(), &model.trees) {
        (ModelKind::Linear, _) => Ok((
            Method::Linear,
            model.linear.intercept,
            of_line(&model.linear, x),
        )),
        (ModelKind::Forest | ModelKind::Boost, Some(trees)) => {
            let explained = shap(trees, x);
            Ok((Method::PathDependent, explained.base, explained.phi))
        }
        (kind, _) => Err(
            Fault::usage(format!("a {kind} model uses no features to explain"))
                .hint("explain a linear, forest or boost model"),
        ),
    }
}

fn of_line(line: &Linear, x: &Columns) -> Vec<Vec<f64>> {
    let of = |(column_idx, term): (usize, &pm25_learn::Term)| {
        x.column(column_idx)
            .iter()
            .map(|&value| term.contribution(value))
            .collect()
    };
    line.terms.iter().enumerate().map(of).collect()
}

fn additivity(base: f64, phi: &[Vec<f64>], predictions: &[f64]) -> Result<f64> {
    let mut worst = 0.0_f64;
    for (row_idx, prediction) in predictions.iter().enumerate() {
        let sum = phi.iter().fold(base, |sum, column| sum + column[row_idx]);
        let error = (sum - prediction).abs() / prediction.abs().max(1.0);
        if error.is_nan() || ADDITIVITY_MAX < error {
            return Err(Fault::unforeseen(format!(
                "row {}: contributions add up to {sum}, but the prediction is {prediction}",
                row_idx + 1
            )));
        }
        worst = worst.max(error);
    }
    Ok(worst)
}
