//! The rows that were picked as a model wants them, and its answers as a table.

use pm25_air::aqi::{Averaging, Level, Reading, Scale};
use pm25_air::civil::{HOUR_S, format_utc};
use pm25_air::feature::{Scene, evaluate};
use pm25_air::task::persistence;
use pm25_air::{FeatureSet, Network, Station, Task};
use pm25_artifact::model::online::lag_s;
use pm25_artifact::model::{Model, OnlineState, Rows, Said};
use pm25_file::{Fault, InputRef, Result};
use pm25_table::{Column, Table, Text};

use crate::past;
use crate::pick::{Pick, Reason};
use crate::remember::Begin;

/// What is asked of a model.
pub(crate) struct Asked<'a> {
    pub(crate) model: &'a Model,
    pub(crate) features: &'a FeatureSet,
    /// Thresholds, µg/m³.
    pub(crate) exceed: &'a [f64],
}

/// What comes of it.
pub(crate) struct Answer {
    pub(crate) table: Table,
    /// The file that intervals began with.
    pub(crate) begun_from: Option<InputRef>,
    /// What intervals remember after it.
    pub(crate) state: Option<OnlineState>,
}

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
/// There, too, `probability_us_1` ... are the probabilities of the scale's bands from the cleanest on, together 1, where the
/// model knows its errors.
///
/// With thresholds: `probability_above_150`, and `warning_above_150` (1 or 0) where the model has a line for it.
///
/// # Errors
/// Usage: a threshold, and a model that does not know its errors; an hour before the one that the state knows.
pub(crate) fn answer(
    asked: &Asked,
    network: &Network,
    picks: &[Pick],
    begin: Option<&Begin>,
) -> Result<Answer> {
    let Asked {
        model, features, ..
    } = *asked;
    let inputs = Inputs::new(model, features, network, picks);
    let rows = inputs.rows();
    let predictions = model.predict(&rows);
    let said = model.said(&rows, &predictions);
    let (ends, state) = ends(asked, network, begin, &stamped(&inputs.times_s, &said))?;
    let mut table = places(inputs.stations, inputs.times_s, features.task());
    table.push("persistence_ug_m3", inputs.known_ug_m3);
    if features.task() == Task::DayMean {
        judge(&mut table, &predictions);
        bands(&mut table, model, &said);
    }
    table.push("prediction_ug_m3", predictions);
    if let Some(ends) = ends {
        for (end, column) in ["lower_90_ug_m3", "upper_90_ug_m3"].into_iter().enumerate() {
            let values: Vec<f64> = ends.iter().map(|both| both[end]).collect();
            table.push(column, values);
        }
    }
    for threshold in asked.exceed {
        exceed(&mut table, model, &said, *threshold)?;
    }
    Ok(Answer {
        table,
        begun_from: begin.and_then(|begin| begin.file.clone()),
        state,
    })
}

/// Where and when.
fn places(text: Text, times: Vec<i64>, task: Task) -> Table {
    let horizon_h = i16::try_from(task.horizon_h()).expect("a horizon is at most a year of hours");
    let later = |t: &i64| t + i64::from(horizon_h) * HOUR_S;
    let target_times = times.iter().map(later).collect();
    let horizons = vec![horizon_h; times.len()];
    let mut table = Table::new();
    table.push("station", Column::Text(text));
    table.push("time", Column::Time(times));
    table.push("horizon_h", Column::I16(horizons));
    table.push("target_time", Column::Time(target_times));
    table
}

fn stamped(times_s: &[i64], said: &[Said]) -> Vec<(i64, Said)> {
    times_s.iter().copied().zip(said.iter().copied()).collect()
}

/// Ends of each row, and what is remembered after them.
type Ends = (Option<Vec<[f64; 2]>>, Option<OnlineState>);

/// Ends of the 90 % intervals, and what is remembered after them. Truths of the last weeks are taken from the
/// observations, as far as they are known at each row's t.
fn ends(
    asked: &Asked,
    network: &Network,
    begin: Option<&Begin>,
    rows: &[(i64, Said)],
) -> Result<Ends> {
    let Some(intervals) = asked.model.intervals.as_ref() else {
        return Ok((None, None));
    };
    let Some(begin) = begin else {
        let ends = rows.iter().map(|(_, said)| intervals.around_one(*said));
        return Ok((Some(ends.collect()), None));
    };
    let last = rows.iter().map(|row| row.0).max().unwrap_or(i64::MIN);
    let known_s = begin.state.known_until.0;
    if begin.file.is_some() && last < known_s {
        let what = format!(
            "the state knows what came true until {}, the forecast is to know {}",
            format_utc(known_s),
            format_utc(last)
        );
        return Err(Fault::usage(what)
            .hint("leave --state out, or name a file that does not exist yet: it begins with the model's own"));
    }
    let task = asked.features.task();
    let newest = last.saturating_sub(lag_s(task));
    let oldest = newest.saturating_sub(i64::from(begin.state.window_h) * HOUR_S);
    let issued = oldest.max(begin.state.issued_until.0)..newest;
    // Rows before the model's own state have fixed intervals, whatever came true.
    let outcomes = if last < known_s {
        Vec::new()
    } else {
        past::outcomes(asked.model, asked.features, network, issued)
    };
    let (ends, state) = begin.state.follow((intervals, task), outcomes, rows);
    Ok((Some(ends), Some(state)))
}

/// The probability of an hour above a threshold, and whether to warn.
fn exceed(table: &mut Table, model: &Model, said: &[Said], threshold: f64) -> Result<()> {
    let chances = said.iter().map(|&said| model.chance_above(said, threshold));
    let chances: Option<Vec<f64>> = chances.collect();
    let chances = chances.ok_or_else(|| {
        Fault::usage("--exceed: the model does not know its errors")
            .hint("train one that is calibrated on folds: pm25-train --model best")
    })?;
    let level = threshold.to_string().replace('.', "_");
    table.push(&format!("probability_above_{level}"), chances);
    let warns = said.iter().map(|&said| model.warns(said, threshold));
    if let Some(warns) = warns.collect::<Option<Vec<bool>>>() {
        let warns = warns.into_iter().map(i16::from).collect();
        table.push(&format!("warning_above_{level}"), Column::I16(warns));
    }
    Ok(())
}

/// The probability of each band of each 24-hour scale.
fn bands(table: &mut Table, model: &Model, said: &[Said]) {
    for scale in Scale::ALL {
        let chances = said.iter().map(|&said| model.band_chances(said, scale));
        let Some(chances) = chances.collect::<Option<Vec<_>>>() else {
            continue;
        };
        for band in 0..scale.bands().len() {
            let column = format!("probability_{}_{}", scale.name(), band + 1);
            let values: Vec<f64> = chances.iter().map(|chances| chances[band]).collect();
            table.push(&column, values);
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
    let inputs = Inputs::new(model, features, network, &picks);
    let mut alone = inputs.times_s.iter().zip(model.is_alone(&inputs.rows()));
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
struct Inputs {
    stations: Text,
    times_s: Vec<i64>,
    known_ug_m3: Vec<f32>,
    features: Vec<Vec<f32>>,
}

impl Inputs {
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
