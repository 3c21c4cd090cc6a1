//! Contributions of every feature to every prediction, checked for additivity.

use std::borrow::Cow;
use std::collections::BTreeSet;

use pm25_air::civil::format_utc;
use pm25_artifact::model::{Blend, Model, ModelKind, PartModel, Rows};
use pm25_artifact::prep::FeatureFact;
use pm25_artifact::shap::Method;
use pm25_file::{Fault, Result};
use pm25_learn::tree::{Ensemble, shap};
use pm25_learn::{Columns, Linear};
use pm25_table::Table;

/// How far base + Σ contributions may be from the prediction, relative to max(1, |prediction|).
const ADDITIVITY_MAX: f64 = 1e-9;

/// Rows and what explains them.
pub(crate) struct Explained<'a> {
    /// The features, in the order of `phi` and `values`; a blend has the newest PM2.5 as its last.
    pub(crate) inputs: Vec<FeatureFact>,
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
    let text = table.text("station").ok();
    let newest = table.f32("persistence_ug_m3").ok();
    let rows = Rows {
        station: text.map(|text| (&text.words[..], &text.codes[..n_rows])),
        time_s: table.time("time").ok().map(|times| &times[..n_rows]),
        persistence_ug_m3: newest.map(|values| &values[..n_rows]),
        features: values.iter().map(|column| &column[..]).collect(),
        n_rows,
    };
    let (method, base, phi) = contributions(model, &x, &rows)?;
    let predictions = model.predict(&rows);
    let additivity_error_max = additivity(base, &phi, &predictions)?;
    let reference = model.blend.as_ref().map(|_| model.reference(&rows));
    let (mut inputs, mut values) = (model.inputs().to_vec(), values);
    if let Some(reference) = reference {
        inputs.push(newest_known());
        values.push(reference.iter().map(|&r| r as f32).collect());
    }
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

/// What a blend uses besides its features: the newest PM2.5, where it is missing the climatology.
fn newest_known() -> FeatureFact {
    FeatureFact {
        column: "persistence_ug_m3".to_owned(),
        expression: "persistence".to_owned(),
        unit: "µg/m³".to_owned(),
    }
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

/// How it was explained, the base, and a column of contributions per feature.
type Contributions = (Method, f64, Vec<Vec<f64>>);

fn contributions(model: &Model, x: &Columns, rows: &Rows) -> Result<Contributions> {
    match (model.kind(), &model.trees, &model.blend) {
        (ModelKind::Linear, ..) => Ok(of_line(&model.linear, x)),
        (ModelKind::Forest | ModelKind::Boost, Some(trees), _) => Ok(of_trees(trees, x)),
        (ModelKind::Blend, _, Some(blend)) => Ok(of_blend(blend, x, &model.reference(rows))),
        (kind, ..) => Err(
            Fault::usage(format!("a {kind} model uses no features to explain"))
                .hint("explain a linear, forest or boost model, or a blend"),
        ),
    }
}

fn of_trees(trees: &Ensemble, x: &Columns) -> Contributions {
    let explained = shap(trees, x);
    (Method::PathDependent, explained.base, explained.phi)
}

/// A blend is a sum, so its contributions are the weighted sums of its parts'; the reference is a line of its own, from
/// its mean over the rows that were learned from.
fn of_blend(blend: &Blend, x: &Columns, reference: &[f64]) -> Contributions {
    let slope = blend.reference_slope();
    let mut base = slope * blend.reference_mean_ug_m3;
    let mut phi = vec![vec![0.0; x.n_rows()]; x.n_columns()];
    let mut method = Method::Linear;
    for part in &blend.parts {
        let (of_part, base_of_part, phi_of_part) = match &part.model {
            PartModel::Linear(line) => of_line(line, x),
            PartModel::Trees(trees) => of_trees(trees, x),
        };
        if of_part == Method::PathDependent {
            method = of_part;
        }
        base += part.weight * base_of_part;
        for (sums, values) in phi.iter_mut().zip(&phi_of_part) {
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum += part.weight * value;
            }
        }
    }
    let of_reference = |r: &f64| slope * (r - blend.reference_mean_ug_m3);
    phi.push(reference.iter().map(of_reference).collect());
    (method, base, phi)
}

fn of_line(line: &Linear, x: &Columns) -> Contributions {
    let of = |(column_idx, term): (usize, &pm25_learn::Term)| {
        x.column(column_idx)
            .iter()
            .map(|&value| term.contribution(value))
            .collect()
    };
    let phi = line.terms.iter().enumerate().map(of).collect();
    (Method::Linear, line.intercept, phi)
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
