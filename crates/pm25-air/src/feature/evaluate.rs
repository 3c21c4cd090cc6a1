//! The one evaluator: features of consecutive hours of one station, a column each.
//!
//! Batch, prediction and service all come through here. A row's bits depend on the hours that it may see alone, never
//! on which other rows were asked for or on how long the grid is, so a row computed alone equals the row of the batch.
//!
//! Not parallel: once a [`Scene`] is there, stations are independent, and whoever has many runs them side by side.

use super::index;
use super::others::{Chorus, Own, asked};
use super::series::{Needs, Series};
use super::window::{self, Windows};
use super::{Calendar, Feature, FeatureSet, Local, Signal, Wave};
use crate::civil::{Civil, DAY_S, HOUR_S};
use crate::{Network, Station, Task};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

/// Features of a network at some time: what its stations say together is gathered once, for all rows.
pub struct Scene<'a> {
    set: &'a FeatureSet,
    network: &'a Network,
    /// By the second of the hour at which a station's hours begin; one in nearly every network.
    choruses: BTreeMap<i64, Chorus>,
}

impl<'a> Scene<'a> {
    /// Rows will be asked for whose hours begin within `times_s` (seconds since 1970 UTC); of others, features that
    /// look at neighbours are missing. Takes a pass over the network for each expression that others are asked for, and
    /// 64 bytes for it and each hour; without such features it takes nothing.
    pub fn new(set: &'a FeatureSet, network: &'a Network, times_s: Range<i64>) -> Self {
        let mut choruses = BTreeMap::new();
        if !asked(set).is_empty() {
            for station in &network.stations {
                let phase_s = station.start_s.rem_euclid(HOUR_S);
                choruses.entry(phase_s).or_insert_with(|| {
                    let until_start_s = (phase_s - times_s.start).rem_euclid(HOUR_S);
                    let start_s = times_s.start + until_start_s;
                    Chorus::new(set, network, start_s..times_s.end)
                });
            }
        }
        Self {
            set,
            network,
            choruses,
        }
    }

    /// For every hour of the network's grids.
    pub fn whole(set: &'a FeatureSet, network: &'a Network) -> Self {
        let stations = || network.stations.iter();
        let start_s = stations().map(|station| station.start_s).min();
        let end_s = stations()
            .map(|station| station.time_s(station.n_hours()))
            .max();
        Self::new(set, network, start_s.unwrap_or(0)..end_s.unwrap_or(0))
    }

    /// What the features are.
    pub fn set(&self) -> &FeatureSet {
        self.set
    }

    /// Of which stations.
    pub fn network(&self) -> &Network {
        self.network
    }
}

/// The features of the rows t = `hours` (indices into the grid of the network's station `station_idx`), one column per
/// feature, NaN = missing.
///
/// Hours off the grid are missing; so an index past the newest hour is a row with a calendar and a history.
/// `station_code` is the station's position in the vocabulary, nothing when it is not in it.
pub fn evaluate(
    scene: &Scene,
    station_idx: usize,
    station_code: Option<u32>,
    hours: Range<usize>,
) -> Vec<Vec<f32>> {
    let set = scene.set;
    let station = &scene.network.stations[station_idx];
    let sources = Sources::new(set.task(), station, set.locals(), hours.clone());
    let rows = Rows {
        scene,
        chorus: scene.choruses.get(&station.start_s.rem_euclid(HOUR_S)),
        station_idx,
        start_s: station.time_s(hours.start),
        civil: civil(set, station, &hours),
        sources,
        station_code: station_code.map_or(f32::NAN, |code| code as f32),
    };
    set.features()
        .iter()
        .map(|feature| rows.column(feature))
        .collect()
}

/// Only what a station's own hours say: a column for each of `locals`.
pub(super) fn locals(
    task: Task,
    station: &Station,
    locals: &[Local],
    hours: Range<usize>,
) -> Vec<Vec<f32>> {
    let sources = Sources::new(task, station, locals.iter().copied(), hours);
    locals.iter().map(|&local| sources.column(local)).collect()
}

/// What the features of some rows are computed from.
struct Rows<'a> {
    scene: &'a Scene<'a>,
    chorus: Option<&'a Chorus>,
    station_idx: usize,
    /// Start of the first row's hour.
    start_s: i64,
    sources: Sources,
    /// One per row; empty when no feature asks.
    civil: Vec<Civil>,
    station_code: f32,
}

impl Rows<'_> {
    fn column(&self, feature: &Feature) -> Vec<f32> {
        match *feature {
            Feature::Own(local) => self.sources.column(local),
            Feature::At { ref station, of } => self.at(station, of),
            Feature::Others { stat, of } => {
                let own = Own {
                    station_idx: self.station_idx,
                    start_s: self.start_s,
                    values: &self.sources.column(of),
                };
                match self.chorus {
                    Some(chorus) => chorus.without(&own, stat, of),
                    None => vec![f32::NAN; self.sources.n_rows],
                }
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
            Feature::Trend => self.days(),
            Feature::Station => vec![self.station_code; self.sources.n_rows],
        }
    }

    /// Days since 1970 of each row: within 3 min where the numbers of this century are as far apart as f32 has them.
    fn days(&self) -> Vec<f32> {
        let start_s = |row: usize| self.start_s + row as i64 * HOUR_S;
        (0..self.sources.n_rows)
            .map(|row| (start_s(row) as f64 / DAY_S as f64) as f32)
            .collect()
    }

    /// What another station says; nothing for the own one, and for one that is not there.
    fn at(&self, name: &str, of: Local) -> Vec<f32> {
        let n_rows = self.sources.n_rows;
        let stations = &self.scene.network.stations;
        let found = stations.binary_search_by(|station| station.name.as_str().cmp(name));
        let Some(other) = found.ok().filter(|&idx| idx != self.station_idx) else {
            return vec![f32::NAN; n_rows];
        };
        // Its newest hour that begins no later than the row's; the first rows may lie before its first hour.
        let first = (self.start_s - stations[other].start_s).div_euclid(HOUR_S);
        let n_before = usize::try_from(-first).unwrap_or(0).min(n_rows);
        let from = usize::try_from(first).unwrap_or(0);
        let task = self.scene.set.task();
        let hours = from..from + n_rows - n_before;
        let mut column = vec![f32::NAN; n_before];
        column.extend(locals(task, &stations[other], &[of], hours).concat());
        column
    }
}

/// One station's signals, as far back as some rows look.
struct Sources {
    task: Task,
    n_rows: usize,
    signals: BTreeMap<Signal, Series>,
}

impl Sources {
    fn new(
        task: Task,
        station: &Station,
        locals: impl Iterator<Item = Local>,
        hours: Range<usize>,
    ) -> Self {
        let mut needs: BTreeMap<Signal, Needs> = BTreeMap::new();
        for local in locals {
            for signal in local.signals() {
                let needs = needs.entry(signal).or_default();
                needs.add(local, local.oldest_h(task));
            }
        }
        let series = |(signal, needs)| (signal, Series::new(station, signal, needs, hours.clone()));
        Self {
            task,
            n_rows: hours.len(),
            signals: needs.into_iter().map(series).collect(),
        }
    }

    fn column(&self, local: Local) -> Vec<f32> {
        let [signal, other] = local.signals();
        let series = &self.signals[&signal];
        let windows = self.windows(local, series);
        match local {
            Local::Value { lag_h, .. } => self.lagged(series, lag_h).to_vec(),
            Local::Change { hours, .. } => {
                difference(self.lagged(series, 0), self.lagged(series, hours))
            }
            Local::Window { stat, .. } => window::reduce(series, stat, windows),
            Local::Quantile { pct, .. } => window::quantiles(series, pct, windows),
            Local::Ewm { half_life_h, .. } => window::weighted(series, half_life_h, windows),
            Local::Since { at_least, .. } => window::since(series, at_least.value(), windows),
            Local::NowCast => index::nowcasts(series, windows),
            Local::Aqi { scale } => index::indices(series, scale, windows),
            Local::Ventilation { .. } => {
                let temp = &self.signals[&other];
                window::ventilation(series, temp, windows, self.windows(local, temp))
            }
        }
    }

    fn windows(&self, local: Local, series: &Series) -> Windows {
        Windows {
            first: series.history - usize::from(local.oldest_h(self.task)),
            hours: usize::from(local.window_h()),
            n_rows: self.n_rows,
        }
    }

    /// The series `lag_h` hours before each row.
    fn lagged<'s>(&self, series: &'s Series, lag_h: u16) -> &'s [f32] {
        &series.visible[series.history - usize::from(lag_h)..][..self.n_rows]
    }
}

fn civil(set: &FeatureSet, station: &Station, hours: &Range<usize>) -> Vec<Civil> {
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

/// Value now minus value then.
fn difference(now: &[f32], then: &[f32]) -> Vec<f32> {
    now.iter().zip(then).map(|(now, then)| now - then).collect()
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
