//! The rows that were picked as a model wants them, and its answers as a table.

use pm25_air::aqi::{Averaging, Level, Reading, Scale};
use pm25_air::civil::HOUR_S;
use pm25_air::feature::{Scene, evaluate};
use pm25_air::task::persistence;
use pm25_air::{FeatureSet, Network, Station, Task};
use pm25_artifact::model::{Model, Rows};
use pm25_table::{Column, Table, Text};

use crate::pick::Pick;

/// A row per served station, in the network's order.
///
/// | column | |
/// |---|---|
/// | `station` | its name |
/// | `time` | t, the last complete hour (nowcast: the hour itself) |
/// | `horizon_h` | hours from t to the predicted hour; 0 for a nowcast |
/// | `target_time` | the predicted hour |
/// | `persistence_ug_m3` | the newest PM2.5 that may be known at t; null if missing |
/// | `prediction_ug_m3` | the model's answer |
/// | `lower_90_ug_m3`, `upper_90_ug_m3` | its 90 % interval, where the model was calibrated for one |
///
/// The mean of the next 24 hours is what 24-hour scales judge, so there each has its columns too: `aqi_us` (the index;
/// not for the WHO, which has none) and `band_us`. `target_time` is then the last of the hours.
///
/// With it come the stations of which the model wants to know the others and knows none.
pub(crate) fn table(
    model: &Model,
    features: &FeatureSet,
    network: &Network,
    picks: &[Pick],
) -> (Table, Vec<String>) {
    let served: Vec<(&Station, usize)> = served(network, picks).collect();
    let times: Vec<i64> = served
        .iter()
        .map(|(station, hour_idx)| station.time_s(*hour_idx))
        .collect();
    let known: Vec<f32> = served
        .iter()
        .flat_map(|(station, hour_idx)| {
            persistence(station, features.task(), *hour_idx..hour_idx + 1)
        })
        .collect();
    let columns = columns(model, &scene(features, network, &times), picks);
    let text = Text::from_rows(served.iter().map(|(station, _)| station.name.as_str()));
    let rows = Rows {
        station: Some((text.words.as_slice(), text.codes.as_slice())),
        time_s: Some(&times),
        persistence_ug_m3: Some(&known),
        features: columns.iter().map(Vec::as_slice).collect(),
        n_rows: served.len(),
    };
    let predictions = model.predict(&rows);
    let alone = served
        .iter()
        .zip(model.is_alone(&rows))
        .filter(|(_, is_alone)| *is_alone)
        .map(|((station, _), _)| station.name.clone())
        .collect();
    let horizon_h =
        i16::try_from(features.task().horizon_h()).expect("a horizon is at most a year of hours");
    let target_times = times
        .iter()
        .map(|t| t + i64::from(horizon_h) * HOUR_S)
        .collect();
    let mut table = Table::new();
    table.push("station", Column::Text(text));
    table.push("time", Column::Time(times));
    table.push("horizon_h", Column::I16(vec![horizon_h; served.len()]));
    table.push("target_time", Column::Time(target_times));
    table.push("persistence_ug_m3", known);
    if features.task() == Task::DayMean {
        judge(&mut table, &predictions);
    }
    let intervals = model.intervals.as_ref().filter(|it| it.coverage == 0.9);
    let ends = intervals.map(|intervals| intervals.around(&predictions));
    table.push("prediction_ug_m3", predictions);
    if let Some(ends) = ends {
        table.push(
            "lower_90_ug_m3",
            ends.iter().map(|end| end[0]).collect::<Vec<f64>>(),
        );
        table.push(
            "upper_90_ug_m3",
            ends.iter().map(|end| end[1]).collect::<Vec<f64>>(),
        );
    }
    (table, alone)
}

/// What each 24-hour scale calls the predicted means.
fn judge(table: &mut Table, means_ug_m3: &[f64]) {
    for scale in Scale::ALL {
        let reading = |&mean: &f64| scale.of_day(Level::of_number(mean)?);
        let readings: Vec<Option<Reading>> = means_ug_m3.iter().map(reading).collect();
        if !matches!(scale.averaging(), Averaging::Day { .. }) {
            continue;
        }
        let index = |reading: &Option<Reading>| {
            let index = reading.and_then(|reading| reading.index);
            index.map_or(f32::NAN, |index| index as f32)
        };
        if scale != Scale::Who {
            let indices: Vec<f32> = readings.iter().map(index).collect();
            table.push(&format!("aqi_{}", scale.name()), indices);
        }
        let names = readings
            .iter()
            .map(|reading| reading.map_or("", |reading| reading.band.name));
        let names = Column::Text(Text::from_rows(names));
        table.push(&format!("band_{}", scale.name()), names);
    }
}

/// Stations with the hour that was picked.
pub(crate) fn served<'a>(
    network: &'a Network,
    picks: &'a [Pick],
) -> impl Iterator<Item = (&'a Station, usize)> {
    network
        .stations
        .iter()
        .zip(picks)
        .filter_map(|(station, pick)| match pick {
            Pick::Hour(hour_idx) => Some((station, *hour_idx)),
            Pick::Nothing(..) => None,
        })
}

/// The position of a station among those that the model learned from.
pub(crate) fn code(model: &Model, station: &Station) -> Option<u32> {
    let at = model
        .stations()
        .binary_search_by(|known| known.name.as_str().cmp(&station.name))
        .ok()?;
    u32::try_from(at).ok()
}

/// What the features of the picked hours are computed from.
fn scene<'a>(features: &'a FeatureSet, network: &'a Network, times_s: &[i64]) -> Scene<'a> {
    let first_s = times_s.iter().min().copied().unwrap_or(0);
    let last_s = times_s.iter().max().copied().unwrap_or(0);
    Scene::new(features, network, first_s..last_s + HOUR_S)
}

/// One column per feature, one row per served station.
fn columns(model: &Model, scene: &Scene, picks: &[Pick]) -> Vec<Vec<f32>> {
    let mut columns = vec![Vec::new(); scene.set().features().len()];
    for (station_idx, pick) in picks.iter().enumerate() {
        let Pick::Hour(hour_idx) = *pick else {
            continue;
        };
        let code = code(model, &scene.network().stations[station_idx]);
        let row = evaluate(scene, station_idx, code, hour_idx..hour_idx + 1);
        for (column, value) in columns.iter_mut().zip(row) {
            column.extend(value);
        }
    }
    columns
}
