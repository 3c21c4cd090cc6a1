//! `POST /predict`: the original's request of six fields.

use axum::http::StatusCode;
use serde::Serialize;

use super::UNIT;
use super::batch::Batch;
use crate::inputs::Input;
use crate::json::{Reader, fill};
use crate::limits::Limits;
use crate::problem::{Problem, Result};
use crate::served::{CLASSIC, Served};

/// The original's answer, and which model gave it.
#[derive(Serialize)]
pub(super) struct Answer<'a> {
    #[serde(rename = "PM25_prediction")]
    prediction: f64,
    model_used: &'static str,
    model_sha256: &'a str,
    unit: &'static str,
}

/// Reads the six fields.
pub(super) fn read(served: &Served, limits: &Limits, body: &[u8]) -> Result<Batch> {
    let places = served.classic.as_ref().ok_or_else(|| not_classic(served))?;
    let mut values = [None; CLASSIC.len()];
    let mut reader = Reader::new(body, limits.json_depth_max)?;
    reader.object(|reader, key| {
        let Some(idx) = CLASSIC.iter().position(|(field, _)| *field == key) else {
            return Err(reader.unknown(CLASSIC.map(|(field, _)| field)));
        };
        let value = value(reader, &served.inputs[places[idx]])?;
        fill(&mut values[idx], reader, value)
    })?;
    let mut columns = vec![Vec::new(); CLASSIC.len()];
    for ((value, (field, _)), &place) in values.into_iter().zip(CLASSIC).zip(places) {
        columns[place] = vec![value.ok_or_else(|| missing(&reader, field, &served.inputs[place]))?];
    }
    Ok(Batch {
        columns,
        exceed_ug_m3: Vec::new(),
        n_rows: 1,
        ..Batch::default()
    })
}

/// What is answered to one row.
pub(super) fn answer(served: &Served, predictions: &[f64]) -> Result<Vec<u8>> {
    let [prediction] = predictions else {
        return Err(Problem::ours("one row has not one prediction"));
    };
    let answer = Answer {
        prediction: *prediction,
        model_used: served.kind(),
        model_sha256: &served.sha256,
        unit: UNIT,
    };
    serde_json::to_vec(&answer).map_err(|_| Problem::ours("an answer could not be encoded"))
}

fn value(reader: &mut Reader, input: &Input) -> Result<f32> {
    let value = reader
        .number()
        .map_err(|problem| problem.unit(&input.unit))?;
    match input.bound {
        Some(bound) => bound.check(value, &input.unit, |why| {
            reader.problem(format!("{} {why}", reader.name()))
        }),
        None => Ok(value),
    }
}

fn missing(reader: &Reader, field: &str, input: &Input) -> Problem {
    let problem = reader.missing(field).unit(&input.unit);
    match input.bound {
        Some(bound) => {
            let (min, max) = bound.range();
            problem.range(min, max)
        }
        None => problem,
    }
}

fn not_classic(served: &Served) -> Problem {
    let fields = CLASSIC.map(|(field, _)| field).join(", ");
    let detail = format!(
        "/predict is for nowcast models that look at {fields} and nothing else; `{}` is a {} model for a {} with {} inputs",
        served.origin.name,
        served.kind(),
        served.question(),
        served.inputs.len()
    );
    Problem::new(StatusCode::CONFLICT, detail)
        .hint("use POST /v1/predict; GET /v1/model lists the inputs")
}
