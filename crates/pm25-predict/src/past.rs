//! What the model said of hours whose truths are known by now, made again from the observations.
//!
//! No file of old forecasts is needed: a forecast is a function of what was known when it was issued, and so is this.
//! It is not an evaluation; it only tells intervals how the last weeks went.

use std::ops::Range;

use pm25_air::civil::HOUR_S;
use pm25_air::feature::{Scene, evaluate};
use pm25_air::task::{persistence, target};
use pm25_air::{FeatureSet, Network, Station};
use pm25_artifact::model::online::Outcome;
use pm25_artifact::model::{Model, Rows};

use crate::forecast::code;

/// How forecasts went that were issued after `issued_s.start` up to and including `issued_s.end`, seconds UTC.
pub(crate) fn outcomes(
    model: &Model,
    features: &FeatureSet,
    network: &Network,
    issued_s: Range<i64>,
) -> Vec<Outcome> {
    if issued_s.is_empty() {
        return Vec::new();
    }
    let scene = Scene::new(features, network, issued_s.start..issued_s.end + HOUR_S);
    (0..network.stations.len())
        .flat_map(|station_idx| of_station(model, &scene, station_idx, &issued_s))
        .collect()
}

fn of_station(
    model: &Model,
    scene: &Scene,
    station_idx: usize,
    issued_s: &Range<i64>,
) -> Vec<Outcome> {
    let station = &scene.network().stations[station_idx];
    let hours = hours(station, issued_s);
    let task = scene.set().task();
    let truths = target(station, task, hours.clone());
    let known = persistence(station, task, hours.clone());
    let times: Vec<i64> = hours
        .clone()
        .map(|hour_idx| station.time_s(hour_idx))
        .collect();
    let columns = evaluate(scene, station_idx, code(model, station), hours.clone());
    let (names, codes) = ([station.name.clone()], vec![0; hours.len()]);
    let rows = Rows {
        station: Some((&names, &codes)),
        time_s: Some(&times),
        persistence_ug_m3: Some(&known),
        features: columns.iter().map(Vec::as_slice).collect(),
        n_rows: hours.len(),
    };
    let said = model.said(&rows, &model.predict(&rows));
    let rows = times.into_iter().zip(said).zip(truths);
    let measured = rows.filter(|(_, truth)| !truth.is_nan());
    measured
        .map(|((issued_s, said), truth)| Outcome {
            issued_s,
            said,
            truth_ug_m3: f64::from(truth),
        })
        .collect()
}

/// The station's hours after the first instant, up to and including the second.
fn hours(station: &Station, issued_s: &Range<i64>) -> Range<usize> {
    let hours: Vec<i64> = (0..station.n_hours())
        .map(|idx| station.time_s(idx))
        .collect();
    let from = hours.partition_point(|time_s| *time_s <= issued_s.start);
    from..hours
        .partition_point(|time_s| *time_s <= issued_s.end)
        .max(from)
}
