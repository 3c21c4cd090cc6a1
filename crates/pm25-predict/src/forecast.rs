//! The rows that were picked as a model wants them, and its answers as a table.

use pm25_air::aqi::{Averaging, Level, Reading, Scale};
use pm25_air::civil::HOUR_S;
use pm25_air::feature::{Scene, evaluate};
use pm25_air::task::persistence;
use pm25_air::{FeatureSet, Network, Station, Task};
use pm25_artifact::model::{Horizons, Model, Rows};
use pm25_table::{Column, Table, Text};

use crate::pick::{Pick, Reason};

/// A row per served station, in the network's order, and of each station one per horizon of the model, rising.
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
    horizons: &Horizons,
    features: &FeatureSet,
    network: &Network,
    picks: &[Pick],
) -> Table {
    let asked = Asked::new(horizons.shortest(), features, network, picks);
    let rows = asked.rows();
    let answers = horizons.members().iter();
    let answers: Vec<Answer> = answers.map(|model| Answer::of(model, &rows)).collect();
    let n_rows = asked.times_s.len();
    let pairs: Vec<(usize, &Answer)> = (0..n_rows)
        .flat_map(|row| answers.iter().map(move |answer| (row, answer)))
        .collect();
    let target_time = |&(row, answer): &(usize, &Answer)| {
        asked.times_s[row] + i64::from(answer.horizon_h) * HOUR_S
    };
    let stations = pairs.iter().map(|&(row, _)| asked.stations.get(row));
    let times_s = pairs.iter().map(|&(row, _)| asked.times_s[row]);
    let horizons_h = pairs.iter().map(|(_, answer)| answer.horizon_h);
    let known = pairs.iter().map(|&(row, _)| asked.known_ug_m3[row]);
    let said = pairs.iter().map(|&(row, answer)| answer.ug_m3[row]);
    let predictions: Vec<f64> = said.collect();
    let mut table = Table::new();
    table.push("station", Column::Text(Text::from_rows(stations)));
    table.push("time", Column::Time(times_s.collect()));
    table.push("horizon_h", Column::I16(horizons_h.collect()));
    table.push(
        "target_time",
        Column::Time(pairs.iter().map(target_time).collect()),
    );
    table.push("persistence_ug_m3", known.collect::<Vec<f32>>());
    if features.task() == Task::DayMean {
        judge(&mut table, &predictions);
    }
    table.push("prediction_ug_m3", predictions);
    if answers.iter().any(|answer| answer.ends.is_some()) {
        for (end_idx, name) in ["lower_90_ug_m3", "upper_90_ug_m3"].into_iter().enumerate() {
            let end = |&(row, answer): &(usize, &Answer)| match &answer.ends {
                Some(ends) => ends[row][end_idx],
                None => f64::NAN,
            };
            table.push(name, pairs.iter().map(end).collect::<Vec<f64>>());
        }
    }
    table
}

/// What one model says of all rows.
struct Answer {
    horizon_h: i16,
    ug_m3: Vec<f64>,
    /// Of its 90 % intervals, where it was calibrated for them.
    ends: Option<Vec<[f64; 2]>>,
}

impl Answer {
    fn of(model: &Model, rows: &Rows) -> Self {
        let ug_m3 = model.predict(rows);
        let intervals = model.intervals.as_ref().filter(|it| it.coverage == 0.9);
        Self {
            horizon_h: i16::try_from(model.task().horizon_h())
                .expect("a horizon is at most a year of hours"),
            ends: intervals.map(|intervals| intervals.around(&ug_m3)),
            ug_m3,
        }
    }
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
