//! The rows that were picked as a model wants them, and its answers as a table.

use pm25_air::aqi::{Averaging, Level, Reading, Scale};
use pm25_air::civil::HOUR_S;
use pm25_air::feature::{Scene, evaluate};
use pm25_air::task::persistence;
use pm25_air::{FeatureSet, Network, Station, Task};
use pm25_artifact::model::{Model, Rows};
use pm25_table::{Column, Table, Text};

use crate::pick::{Pick, Reason};

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
pub(crate) fn table(
    model: &Model,
    features: &FeatureSet,
    network: &Network,
    picks: &[Pick],
) -> Table {
    let asked = Asked::new(model, features, network, picks);
    let predictions = model.predict(&asked.rows());
    let horizon_h =
        i16::try_from(features.task().horizon_h()).expect("a horizon is at most a year of hours");
    let target_times = asked
        .times_s
        .iter()
        .map(|t| t + i64::from(horizon_h) * HOUR_S)
        .collect();
    let mut table = Table::new();
    table.push("station", Column::Text(asked.stations));
    table.push("time", Column::Time(asked.times_s));
    table.push("horizon_h", Column::I16(vec![horizon_h; predictions.len()]));
    table.push("target_time", Column::Time(target_times));
    table.push("persistence_ug_m3", asked.known_ug_m3);
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
    table
}

/// The picks without the stations that the model cannot be asked about, because it looks at others and nothing is known
/// of any.
pub(crate) fn without_the_alone(
    model: &Model,
    features: &FeatureSet,
    network: &Network,
    picks: Vec<Pick>,
) -> Vec<Pick> {
    if !model.looks_at_others() {
        return picks;
    }
    let asked = Asked::new(model, features, network, &picks);
    let mut alone = asked.times_s.iter().zip(model.is_alone(&asked.rows()));
    let judge = |pick| match pick {
        Pick::Hour(_) => match alone.next() {
            Some((&time_s, true)) => Pick::Nothing(Reason::Alone, Some(time_s)),
            _ => pick,
        },
        Pick::Nothing(..) => pick,
    };
    picks.iter().copied().map(judge).collect()
}

/// What the model is asked, by column, one row per served station.
struct Asked {
    stations: Text,
    times_s: Vec<i64>,
    known_ug_m3: Vec<f32>,
    features: Vec<Vec<f32>>,
}

impl Asked {
    fn new(model: &Model, features: &FeatureSet, network: &Network, picks: &[Pick]) -> Self {
        let served: Vec<(&Station, usize)> = served(network, picks).collect();
        let time_s = |(station, hour_idx): &(&Station, usize)| station.time_s(*hour_idx);
        let times_s: Vec<i64> = served.iter().map(time_s).collect();
        let known = |(station, hour_idx): &(&Station, usize)| {
            persistence(station, features.task(), *hour_idx..hour_idx + 1)
        };
        Self {
            stations: Text::from_rows(served.iter().map(|(station, _)| station.name.as_str())),
            known_ug_m3: served.iter().flat_map(known).collect(),
            features: columns(model, &scene(features, network, &times_s), picks),
            times_s,
        }
    }

    fn rows(&self) -> Rows<'_> {
        Rows {
            station: Some((
                self.stations.words.as_slice(),
                self.stations.codes.as_slice(),
            )),
            time_s: Some(&self.times_s),
            persistence_ug_m3: Some(&self.known_ug_m3),
            features: self.features.iter().map(Vec::as_slice).collect(),
            n_rows: self.times_s.len(),
        }
    }
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
