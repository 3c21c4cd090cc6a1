//! Which hour of each station is asked about, or why none is.
//!
//! ```text
//! hour            ...  04   05   06   07   08        network's newest: 08
//! station a, pm25       x    x    x    x    x        forecast from 08
//! station b, pm25       x    x    x    ·    ·        forecast from 06, 2 h behind the network
//! station c, pm25       x    ·    ·    ·    ·        not served: 4 h behind is stale
//! ```
//!
//! An hour counts for a forecast if it has a PM2.5 that no flag takes away. It counts for a nowcast if any measured
//! input of the model has a value that is not hidden: PM2.5 of the hour before, everything else of the hour itself.

use std::collections::BTreeSet;
use std::ops::Range;

use pm25_air::civil::HOUR_S;
use pm25_air::feature::{Feature, Local, Scene, Signal, evaluate};
use pm25_air::task::persistence;
use pm25_air::{FeatureSet, Network, Station, Task};
use rayon::prelude::*;
use serde::Serialize;

/// Hours that a station may be behind the network's newest. Providers publish an hour late and some two; what is older
/// is an outage, and a forecast from it would be one for a time that is over.
pub(crate) const STALE_H: i64 = 3;

/// Which hour is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum When {
    /// Each station's newest that counts.
    Newest,
    /// The hour with this stamp, seconds since 1970 UTC.
    At(i64),
}

/// What becomes of a station.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Pick {
    /// The position of the hour t in the station's grid.
    Hour(usize),
    /// Nothing, because of this; with the stamp of the newest hour that counts, if there is one.
    Nothing(Reason, Option<i64>),
}

/// Why a station is not served.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reason {
    /// No hour of its record counts.
    NoData,
    /// The hour that was asked for does not count.
    NoDataAtThatHour,
    /// Its newest hour is too far behind the network's.
    Stale,
    /// The model looks at other stations and nothing is known of any.
    Alone,
}

impl Reason {
    /// As a person would say it.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::NoData => "no usable hour",
            Self::NoDataAtThatHour => "no data at that hour",
            Self::Stale => "stale",
            Self::Alone => "the model looks at other stations and none is known",
        }
    }
}

/// One pick per station, in the network's order.
pub(crate) fn hours(network: &Network, features: &FeatureSet, when: When) -> Vec<Pick> {
    let now = newest_values(features);
    // None of these values looks at others, so no time is prepared for that.
    let now = now.as_ref().map(|now| Scene::new(now, network, 0..0));
    let asked = Asked {
        network,
        task: features.task(),
        now: now.as_ref(),
    };
    match when {
        When::At(time_s) => asked.each(|station_idx| asked.at(station_idx, time_s)),
        When::Newest => asked.newest(),
    }
}

/// Which hours of a network count.
struct Asked<'a> {
    network: &'a Network,
    task: Task,
    /// The newest value of each measured input; nothing for a model that needs no measurement.
    now: Option<&'a Scene<'a>>,
}

impl Asked<'_> {
    /// Something of every station, side by side.
    fn each<T: Send>(&self, of: impl Fn(usize) -> T + Send + Sync) -> Vec<T> {
        let stations = 0..self.network.stations.len();
        stations.into_par_iter().map(of).collect()
    }

    fn newest(&self) -> Vec<Pick> {
        let newest = self.each(|station_idx| self.newest_hour(station_idx));
        let with_times = || self.network.stations.iter().zip(&newest);
        let time_s = |(station, hour_idx): (&Station, &Option<usize>)| {
            hour_idx.map(|idx| station.time_s(idx))
        };
        let network_s = with_times().filter_map(time_s).max();
        let pick = |(station, hour_idx): (&Station, &Option<usize>)| {
            let Some(hour_idx) = *hour_idx else {
                return Pick::Nothing(Reason::NoData, None);
            };
            let behind_s = network_s.unwrap_or_default() - station.time_s(hour_idx);
            if STALE_H * HOUR_S < behind_s {
                return Pick::Nothing(Reason::Stale, Some(station.time_s(hour_idx)));
            }
            Pick::Hour(hour_idx)
        };
        with_times().map(pick).collect()
    }

    fn newest_hour(&self, station_idx: usize) -> Option<usize> {
        let station = &self.network.stations[station_idx];
        match self.task {
            // A day's mean too starts from the newest hour, not from the newest day that has enough of them.
            Task::Forecast { .. } | Task::DayMean => {
                let hour_ahead = Task::Forecast { horizon_h: 1 };
                let known = persistence(station, hour_ahead, 0..station.n_hours());
                known.iter().rposition(|value| !value.is_nan())
            }
            Task::Nowcast => self
                .with_input(station_idx, 0..station.n_hours())
                .iter()
                .rposition(|&any| any),
        }
    }

    fn at(&self, station_idx: usize, time_s: i64) -> Pick {
        let hour_idx = self.network.stations[station_idx].hour_idx(time_s);
        let served = hour_idx.filter(|&idx| self.with_input(station_idx, idx..idx + 1) == [true]);
        served.map_or(Pick::Nothing(Reason::NoDataAtThatHour, None), Pick::Hour)
    }

    /// Per hour: whether any measured input has a value as new as it may be. A model that needs no measurement is
    /// content with every hour.
    fn with_input(&self, station_idx: usize, hours: Range<usize>) -> Vec<bool> {
        let Some(now) = self.now else {
            return vec![true; hours.len()];
        };
        let columns = evaluate(now, station_idx, None, hours.clone());
        let any = |row: usize| columns.iter().any(|column| !column[row].is_nan());
        (0..hours.len()).map(any).collect()
    }
}

/// The newest value that may be known of each of the station's signals that the features are made of. What only other
/// stations measured makes no hour of this one count.
fn newest_values(features: &FeatureSet) -> Option<FeatureSet> {
    let task = features.task();
    let signals: BTreeSet<Signal> = features
        .features()
        .iter()
        .flat_map(|feature| feature.own_signals())
        .collect();
    let value = |signal: Signal| {
        Feature::Own(Local::Value {
            signal,
            lag_h: signal.newest_h(task),
        })
    };
    FeatureSet::new(task, signals.into_iter().map(value).collect()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pm25_air::{Quantity, flag};

    const NONE: f32 = f32::NAN;
    const FORECAST: Task = Task::Forecast { horizon_h: 24 };

    /// Stations with one PM2.5 per hour and a PM10 of twice that, from hour 0 on.
    fn network(rows: &[(&str, &[f32])]) -> Network {
        let station = |(name, pm25): &(&str, &[f32])| {
            let mut station = Station::new(name, 0, 480);
            station.values = std::array::from_fn(|_| vec![NONE; pm25.len()]);
            station.flags = std::array::from_fn(|_| vec![0; pm25.len()]);
            station.values[Quantity::Pm25.index()] = pm25.to_vec();
            station.values[Quantity::Pm10.index()] = pm25.iter().map(|v| 2.0 * v).collect();
            station
        };
        Network {
            stations: rows.iter().map(station).collect(),
        }
    }

    fn picks(network: &Network, task: Task, when: When) -> Vec<Pick> {
        hours(
            network,
            &FeatureSet::parse(task, "pm10,mean(pm10,24),hour").unwrap(),
            when,
        )
    }

    #[test]
    fn three_hours_behind_is_late_and_four_is_stale() {
        let x = 1.0;
        let network = network(&[
            ("a", &[x, x, x, x, x]),
            ("b", &[x, x, NONE, NONE, NONE]),
            ("c", &[x, NONE, NONE, NONE, NONE]),
            ("d", &[NONE, NONE]),
        ]);
        let expected = [
            Pick::Hour(4),
            Pick::Hour(1),
            Pick::Nothing(Reason::Stale, Some(0)),
            Pick::Nothing(Reason::NoData, None),
        ];
        assert_eq!(picks(&network, FORECAST, When::Newest), expected);
        assert_eq!(picks(&network, Task::Nowcast, When::Newest), expected);
    }

    #[test]
    fn a_forecast_waits_for_pm25_and_a_nowcast_for_any_input() {
        let mut network = network(&[("a", &[1.0, 2.0, 3.0, 4.0])]);
        network.stations[0].values[Quantity::Pm25.index()][3] = NONE;
        network.stations[0].values[Quantity::Pm10.index()][2] = NONE;
        assert_eq!(picks(&network, FORECAST, When::Newest), [Pick::Hour(2)]);
        assert_eq!(
            picks(&network, Task::Nowcast, When::Newest),
            [Pick::Hour(3)]
        );
        network.stations[0].flags[Quantity::Pm25.index()][2] = flag::SPIKE;
        assert_eq!(
            picks(&network, FORECAST, When::Newest),
            [Pick::Hour(2)],
            "a suspicion takes nothing away"
        );
        network.stations[0].flags[Quantity::Pm25.index()][2] = flag::IMPOSSIBLE;
        assert_eq!(picks(&network, FORECAST, When::Newest), [Pick::Hour(1)]);
        network.stations[0].flags[Quantity::Pm10.index()][3] = flag::RANGE;
        assert_eq!(
            picks(&network, Task::Nowcast, When::Newest),
            [Pick::Hour(1)],
            "a hidden input is none"
        );
    }

    #[test]
    fn a_window_over_older_hours_makes_no_hour_new() {
        let mut pm25 = vec![1.0; 24];
        pm25.extend([NONE; 3]);
        let network = network(&[("a", &pm25)]);
        assert_eq!(
            picks(&network, Task::Nowcast, When::Newest),
            [Pick::Hour(23)]
        );
    }

    #[test]
    fn at_a_given_hour_there_is_data_or_not() {
        let network = network(&[("a", &[1.0, NONE, 3.0]), ("b", &[1.0])]);
        let at = |hour: i64| picks(&network, FORECAST, When::At(hour * HOUR_S));
        let nothing = Pick::Nothing(Reason::NoDataAtThatHour, None);
        assert_eq!(at(0), [Pick::Hour(0), Pick::Hour(0)]);
        assert_eq!(at(1), [nothing, nothing]);
        assert_eq!(at(2), [Pick::Hour(2), nothing]);
        assert_eq!(
            picks(&network, FORECAST, When::At(1800)),
            [nothing, nothing],
            "between two hours"
        );
    }

    #[test]
    fn a_model_that_needs_no_measurement_takes_the_last_hour() {
        let network = network(&[("a", &[NONE, NONE])]);
        let features = FeatureSet::parse(Task::Nowcast, "hour").unwrap();
        assert_eq!(hours(&network, &features, When::Newest), [Pick::Hour(1)]);
    }
}
