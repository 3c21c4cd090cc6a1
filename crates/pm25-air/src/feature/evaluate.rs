//! The one evaluator: features of consecutive hours of one station, a column each.
//!
//! Batch, prediction and service all come through here. A row's bits depend on its own hours alone, never on which
//! other rows were asked for or on how long the grid is, so a row computed alone equals the row of the batch.
//!
//! Not parallel: stations are independent, and whoever has many runs them side by side.

use super::series::Series;
use super::window::{Windows, reduce};
use super::{Calendar, Feature, FeatureSet, Signal, Wave};
use crate::Station;
use crate::civil::Civil;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

/// The features of the rows t = `hours` (indices into the station's grid), one column per feature, NaN = missing.
///
/// Hours off the grid are missing; so an index past the newest hour is a row with a calendar and a history.
/// `station_code` is the station's position in the vocabulary, nothing when it is not in it.
pub fn evaluate(
    set: &FeatureSet,
    station: &Station,
    station_code: Option<u32>,
    hours: Range<usize>,
) -> Vec<Vec<f32>> {
    let rows = Rows {
        n_rows: hours.len(),
        signals: signals(set, station, &hours),
        civil: civil(set, station, hours),
        station_code: station_code.map_or(f32::NAN, |code| code as f32),
    };
    set.features()
        .iter()
        .map(|feature| rows.column(*feature, set))
        .collect()
}

/// What the features of some rows are computed from.
struct Rows {
    n_rows: usize,
    signals: BTreeMap<Signal, Series>,
    /// One per row; empty when no feature asks.
    civil: Vec<Civil>,
    station_code: f32,
}

impl Rows {
    fn column(&self, feature: Feature, set: &FeatureSet) -> Vec<f32> {
        match feature {
            Feature::Value { signal, lag_h } => self.lagged(signal, lag_h).to_vec(),
            Feature::Change { signal, hours } => {
                change(self.lagged(signal, 0), self.lagged(signal, hours))
            }
            Feature::Window {
                stat,
                signal,
                hours,
            } => {
                let series = &self.signals[&signal];
                let windows = Windows {
                    first: series.history - usize::from(feature.oldest_h(set.task())),
                    hours: usize::from(hours),
                };
                reduce(series, stat, windows, self.n_rows)
            }
            Feature::Calendar(hand) => self
                .civil
                .iter()
                .map(|civil| f32::from(reading(hand, civil)))
                .collect(),
            Feature::Cycle { wave, of } => {
                let table = cycle(wave, of);
                self.civil
                    .iter()
                    .map(|civil| table[usize::from(reading(of, civil))])
                    .collect()
            }
            Feature::Station => vec![self.station_code; self.n_rows],
        }
    }

    /// The signal `lag_h` hours before each row.
    fn lagged(&self, signal: Signal, lag_h: u16) -> &[f32] {
        let series = &self.signals[&signal];
        &series.visible[series.history - usize::from(lag_h)..][..self.n_rows]
    }
}

/// The signals that the features ask for, each as far back as its oldest input.
fn signals(set: &FeatureSet, station: &Station, hours: &Range<usize>) -> BTreeMap<Signal, Series> {
    let mut history_h: BTreeMap<Signal, u16> = BTreeMap::new();
    for feature in set.features() {
        if let Some(signal) = feature.signal() {
            let oldest_h = history_h.entry(signal).or_default();
            *oldest_h = feature.oldest_h(set.task()).max(*oldest_h);
        }
    }
    let series = |(signal, history_h)| {
        let history = usize::from(history_h);
        (signal, Series::new(station, signal, history, hours.clone()))
    };
    history_h.into_iter().map(series).collect()
}

fn civil(set: &FeatureSet, station: &Station, hours: Range<usize>) -> Vec<Civil> {
    let asked = |feature: &Feature| matches!(feature, Feature::Calendar(_) | Feature::Cycle { .. });
    if !set.features().iter().any(asked) {
        return Vec::new();
    }
    Civil::consecutive(
        station.time_s(hours.start),
        station.utc_offset_min,
        hours.len(),
    )
}

/// Value now minus value then; a difference too large for f32 counts as missing.
fn change(now: &[f32], then: &[f32]) -> Vec<f32> {
    let difference = |(now, then): (&f32, &f32)| {
        let change = now - then;
        if change.is_finite() { change } else { f32::NAN }
    };
    now.iter().zip(then).map(difference).collect()
}

fn reading(hand: Calendar, civil: &Civil) -> u16 {
    match hand {
        Calendar::Hour => u16::from(civil.hour),
        Calendar::DayOfWeek => u16::from(civil.dayofweek),
        Calendar::Month => u16::from(civil.month),
        Calendar::DayOfYear => civil.dayofyear,
    }
}

/// Sine or cosine of each reading of a hand, by the reading.
fn cycle(wave: Wave, hand: Calendar) -> &'static [f32] {
    static TABLES: LazyLock<[[Vec<f32>; 4]; 2]> = LazyLock::new(|| {
        [libm::sin as fn(f64) -> f64, libm::cos]
            .map(|wave| Calendar::ALL.map(|hand| cycle_table(wave, hand)))
    });
    let wave_idx = match wave {
        Wave::Sin => 0,
        Wave::Cos => 1,
    };
    &TABLES[wave_idx][hand as usize]
}

fn cycle_table(wave: fn(f64) -> f64, hand: Calendar) -> Vec<f32> {
    /// No hand reads more than the last day of a leap year.
    const READINGS: u16 = 367;
    let (first, turn) = hand.turn();
    let angle = |reading: u16| std::f64::consts::TAU * (f64::from(reading) - first) / turn;
    (0..READINGS)
        .map(|reading| wave(angle(reading)) as f32)
        .collect()
}
