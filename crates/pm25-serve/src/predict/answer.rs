//! The answer of `POST /v1/predict`.

use std::collections::BTreeMap;

use pm25_air::Task;
use pm25_air::aqi::{Level, Scale};
use pm25_air::civil::{HOUR_S, format_utc};
use pm25_artifact::model::{Model, Said};
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
    /// What was asked of thresholds, in that order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    above: Vec<Above>,
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
    /// The scale's bands from the cleanest on, where the model knows its errors.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    bands: Vec<BandChance>,
}

/// How likely a band is; those of a scale are together 1.
#[derive(Serialize)]
struct BandChance {
    band: &'static str,
    probability: f64,
}

/// How likely it is that the truth is above a threshold.
#[derive(Serialize)]
struct Above {
    threshold_ug_m3: f64,
    probability: f64,
    /// Whether to warn, where the model has a line for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<bool>,
}

/// Writes the answer.
pub(super) fn write(served: &Served, batch: &Batch, predictions: &[f64]) -> Result<Vec<u8>> {
    let alone = batch.is_alone(served);
    let members = served.horizons.members();
    let said = batch.said(served, predictions);
    let ends = batch.ends(served, &said);
    let one = |(at, &said): (usize, &Said)| {
        let row_idx = at / members.len();
        Prediction {
            warning: alone[row_idx].then_some(ALONE),
            lower_90_ug_m3: ends[at].map(|ends| ends[0]),
            upper_90_ug_m3: ends[at].map(|ends| ends[1]),
            ..prediction(&members[at % members.len()], batch, row_idx, said)
        }
    };
    let answer = Answer {
        predictions: said.iter().enumerate().map(one).collect(),
        model_used: served.kind(),
        model_sha256: &served.sha256,
        unit: UNIT,
    };
    serde_json::to_vec(&answer).map_err(|_| Problem::ours("an answer could not be encoded"))
}

fn prediction<'a>(model: &Model, batch: &'a Batch, row_idx: usize, said: Said) -> Prediction<'a> {
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
        prediction_ug_m3: said.prediction_ug_m3,
        lower_90_ug_m3: None,
        upper_90_ug_m3: None,
        above: above(model, &batch.exceed_ug_m3, said),
        warning: None,
        scales: match task {
            Task::DayMean => scales(model, said),
            Task::Nowcast | Task::Forecast { .. } => BTreeMap::new(),
        },
    }
}

fn above(model: &Model, thresholds_ug_m3: &[f64], said: Said) -> Vec<Above> {
    let of_one = |&threshold_ug_m3: &f64| {
        Some(Above {
            threshold_ug_m3,
            probability: model.chance_above(said, threshold_ug_m3)?,
            warning: model.warns(said, threshold_ug_m3),
        })
    };
    thresholds_ug_m3.iter().filter_map(of_one).collect()
}

fn scales(model: &Model, said: Said) -> BTreeMap<&'static str, Judged> {
    let judged = |scale: Scale| {
        let reading = scale.of_day(Level::of_number(said.prediction_ug_m3)?)?;
        let chances = model.band_chances(said, scale).unwrap_or_default();
        let bands = scale.bands().iter().zip(chances);
        let judged = Judged {
            band: reading.band.name,
            index: reading.index,
            bands: bands
                .map(|(band, probability)| BandChance {
                    band: band.name,
                    probability,
                })
                .collect(),
        };
        Some((scale.name(), judged))
    };
    Scale::ALL.into_iter().filter_map(judged).collect()
}
