//! The answer of `POST /v1/predict`.

use std::collections::BTreeMap;

use pm25_air::Task;
use pm25_air::aqi::{Level, Scale};
use pm25_air::civil::{HOUR_S, format_utc};
use pm25_artifact::model::Model;
use serde::Serialize;

use super::UNIT;
use super::batch::Batch;
use crate::problem::{Problem, Result};
use crate::served::Served;

const ALONE: &str = "nothing is known of other stations, and the model looks at them: the answer may be far off; \
                     fill in the inputs that begin with others_";

/// One prediction per row, in the rows' order; of a model of several horizons one for each, rising.
#[derive(Serialize)]
struct Answer<'a> {
    predictions: Vec<Prediction<'a>>,
    model_used: &'static str,
    model_sha256: &'a str,
    unit: &'static str,
}

#[derive(Serialize)]
struct Prediction<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    station: Option<&'a str>,
    /// Stamp t of the row: its last complete hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    /// Hours from t to the hour that is predicted.
    horizon_h: u16,
    /// The hour that is predicted.
    #[serde(skip_serializing_if = "Option::is_none")]
    predicted_hour: Option<String>,
    prediction_ug_m3: f64,
    /// Its 90 % interval, where the model was calibrated for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    lower_90_ug_m3: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upper_90_ug_m3: Option<f64>,
    /// Why nobody should rely on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<&'static str>,
    /// What 24-hour scales call it, by scale; only for the mean of 24 hours.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    scales: BTreeMap<&'static str, Judged>,
}

#[derive(Serialize)]
struct Judged {
    band: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u32>,
}

/// Writes the answer.
pub(super) fn write(served: &Served, batch: &Batch, predictions: &[f64]) -> Result<Vec<u8>> {
    let alone = batch.is_alone(served);
    let members = served.horizons.members();
    let ends = batch.ends(served, predictions);
    let answer = Answer {
        predictions: predictions
            .iter()
            .zip(ends)
            .zip((0..batch.n_rows).flat_map(|row_idx| members.iter().map(move |it| (row_idx, it))))
            .map(|((&value, ends), (row_idx, model))| Prediction {
                warning: alone[row_idx].then_some(ALONE),
                lower_90_ug_m3: ends.map(|ends| ends[0]),
                upper_90_ug_m3: ends.map(|ends| ends[1]),
                ..prediction(model, batch, row_idx, value)
            })
            .collect(),
        model_used: served.kind(),
        model_sha256: &served.sha256,
        unit: UNIT,
    };
    serde_json::to_vec(&answer).map_err(|_| Problem::ours("an answer could not be encoded"))
}

fn prediction<'a>(model: &Model, batch: &'a Batch, row_idx: usize, value: f64) -> Prediction<'a> {
    let task = Task::from(model.task());
    let horizon_h = task.horizon_h();
    let time_s = batch
        .time_s
        .as_ref()
        .and_then(|times| times.get(row_idx).copied());
    Prediction {
        station: batch
            .stations
            .as_ref()
            .map(|stations| stations.get(row_idx)),
        time: time_s.map(format_utc),
        horizon_h,
        predicted_hour: time_s.map(|time_s| format_utc(time_s + i64::from(horizon_h) * HOUR_S)),
        prediction_ug_m3: value,
        lower_90_ug_m3: None,
        upper_90_ug_m3: None,
        warning: None,
        scales: match task {
            Task::DayMean => scales(value),
            Task::Nowcast | Task::Forecast { .. } => BTreeMap::new(),
        },
    }
}

fn scales(mean_ug_m3: f64) -> BTreeMap<&'static str, Judged> {
    let judged = |scale: Scale| {
        let reading = scale.of_day(Level::of_number(mean_ug_m3)?)?;
        let judged = Judged {
            band: reading.band.name,
            index: reading.index,
        };
        Some((scale.name(), judged))
    };
    Scale::ALL.into_iter().filter_map(judged).collect()
}
