//! What is asked of a model: the PM2.5 of which hour, and from which hours.
//!
//! Not the features themselves; those are [`feature`](crate::feature).
//!
//! ```text
//!                 hours known when the answer is given         the answer
//! nowcast    ... pm25[t-2] pm25[t-1] | the rest up to t         pm25[t]
//! forecast   ... everything up to t                             pm25[t+h]
//! daymean    ... everything up to t                             mean of pm25[t+1] .. pm25[t+24]
//! ```

use crate::aqi::Level;
use crate::{Quantity, Station, flag};
use std::fmt;
use std::ops::Range;

/// The longest horizon accepted: a year of hours. Far beyond any skill, but a bound that sums cannot overflow.
pub const HORIZON_H_MAX: u16 = 8_784;

/// Hours of a day's mean.
pub const DAY_H: u16 = 24;

/// Hours that a day's mean needs at least: 75 %, as the US EPA and the EU ask for.
pub const DAY_H_LEAST: usize = 18;

/// What is asked, relative to a row's hour t.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// PM2.5 of the hour t itself, from everything else up to t and PM2.5 up to t-1.
    Nowcast,
    /// PM2.5 of the hour t+h, from everything up to t.
    Forecast {
        /// Hours ahead: 1 to [`HORIZON_H_MAX`].
        horizon_h: u16,
    },
    /// The mean PM2.5 of the 24 hours t+1 to t+24, at least [`DAY_H_LEAST`] of them measured, from everything up to t.
    /// This is what 24-hour limits and indices are about, and not the same as an hour 24 h ahead.
    DayMean,
}

impl Task {
    /// How far ahead of t the target's last hour is: 0 for a nowcast.
    pub const fn horizon_h(self) -> u16 {
        match self {
            Self::Nowcast => 0,
            Self::Forecast { horizon_h } => horizon_h,
            Self::DayMean => DAY_H,
        }
    }

    /// `nowcast`, `forecast` or `daymean`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nowcast => "nowcast",
            Self::Forecast { .. } => "forecast",
            Self::DayMean => "daymean",
        }
    }

    /// How many hours before t the newest PM2.5 is that may be known: 1 in a nowcast, 0 in a forecast.
    pub const fn newest_pm25_h(self) -> u16 {
        match self {
            Self::Nowcast => 1,
            Self::Forecast { .. } | Self::DayMean => 0,
        }
    }

    /// Hours before t of the oldest PM2.5 in the persistence.
    pub const fn persistence_oldest_h(self) -> u16 {
        match self {
            Self::Nowcast | Self::Forecast { .. } => self.newest_pm25_h(),
            Self::DayMean => DAY_H - 1,
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Nowcast => f.write_str("nowcast"),
            Self::Forecast { horizon_h } => write!(f, "forecast {horizon_h} h ahead"),
            Self::DayMean => f.write_str("mean of the next 24 h"),
        }
    }
}

/// What is asked, in words: one task, or forecasts that differ in their horizon.
pub fn question(tasks: &[Task]) -> String {
    match tasks {
        [task] => task.to_string(),
        several => {
            let several: Vec<String> = several
                .iter()
                .map(|it| it.horizon_h().to_string())
                .collect();
            format!("forecast {} h ahead", several.join(", "))
        }
    }
}

/// The target of each hour t in `hours`: PM2.5 of t+h, or the mean of t+1 to t+24, µg/m³; NaN where there is none. Never imputed: only a flag of
/// [`flag::REMOVES_TARGET`] takes a value away. Hours beyond the grid have no target.
pub fn target(station: &Station, task: Task, hours: Range<usize>) -> Vec<f32> {
    let horizon = usize::from(task.horizon_h());
    let of_hour = |hour_idx: usize| match task {
        Task::DayMean => day_mean(station, hour_idx.checked_add(horizon)),
        Task::Nowcast | Task::Forecast { .. } => measured(station, hour_idx.checked_add(horizon)),
    };
    hours.map(of_hour).collect()
}

/// The persistence of each hour t in `hours`: PM2.5 of t, in a nowcast of t-1, for the mean of the next 24 hours that of
/// the last 24 (t-23 to t, at least 18 of them), µg/m³; NaN where there is none. Never carried forward from an older
/// hour.
pub fn persistence(station: &Station, task: Task, hours: Range<usize>) -> Vec<f32> {
    let newest = usize::from(task.newest_pm25_h());
    let of_hour = |hour_idx: usize| match task {
        Task::DayMean => day_mean(station, Some(hour_idx)),
        Task::Nowcast | Task::Forecast { .. } => measured(station, hour_idx.checked_sub(newest)),
    };
    hours.map(of_hour).collect()
}

/// The mean of the 24 hours up to and including one.
fn day_mean(station: &Station, last_idx: Option<usize>) -> f32 {
    let hours: [f32; DAY_H as usize] = std::array::from_fn(|back| {
        measured(station, last_idx.and_then(|idx| idx.checked_sub(back)))
    });
    Level::mean(&hours, DAY_H_LEAST).map_or(f32::NAN, |mean| mean.ug_m3() as f32)
}

fn measured(station: &Station, hour_idx: Option<usize>) -> f32 {
    let pm25 = hour_idx.and_then(|hour_idx| {
        let removed = station.flags(Quantity::Pm25).get(hour_idx)? & flag::REMOVES_TARGET != 0;
        let value = *station.values(Quantity::Pm25).get(hour_idx)?;
        (!removed).then_some(value)
    });
    pm25.unwrap_or(f32::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn station() -> Station {
        let mut station = Station::new("a", 0, 0);
        station.values = std::array::from_fn(|_| vec![1.0, 2.0, f32::NAN, 4.0, 5.0, 6.0]);
        station.flags = std::array::from_fn(|_| vec![0; 6]);
        station
    }

    fn bits(values: &[f32]) -> Vec<u32> {
        values.iter().map(|value| value.to_bits()).collect()
    }

    const NONE: f32 = f32::NAN;

    #[test]
    fn a_forecast_asks_for_a_later_hour() {
        let (station, task) = (station(), Task::Forecast { horizon_h: 2 });
        assert_eq!(
            bits(&target(&station, task, 0..6)),
            bits(&[NONE, 4.0, 5.0, 6.0, NONE, NONE])
        );
        assert_eq!(
            bits(&persistence(&station, task, 0..6)),
            bits(&[1.0, 2.0, NONE, 4.0, 5.0, 6.0])
        );
    }

    #[test]
    fn a_nowcast_asks_for_this_hour_and_knows_the_one_before() {
        let (station, task) = (station(), Task::Nowcast);
        assert_eq!(
            bits(&target(&station, task, 0..6)),
            bits(&[1.0, 2.0, NONE, 4.0, 5.0, 6.0])
        );
        assert_eq!(
            bits(&persistence(&station, task, 0..6)),
            bits(&[NONE, 1.0, 2.0, NONE, 4.0, 5.0])
        );
    }

    #[test]
    fn several_horizons_are_one_question() {
        let tasks = [1, 6, 24].map(|horizon_h| Task::Forecast { horizon_h });
        assert_eq!(question(&tasks), "forecast 1, 6, 24 h ahead");
        assert_eq!(question(&tasks[..1]), "forecast 1 h ahead");
        assert_eq!(question(&[Task::Nowcast]), "nowcast");
    }

    #[test]
    fn a_day_asks_for_the_mean_of_the_next_24_hours() {
        let mut station = Station::new("a", 0, 0);
        station.values = std::array::from_fn(|_| (0..60_u8).map(f32::from).collect());
        station.flags = std::array::from_fn(|_| vec![0; 60]);
        let of = |station: &Station, hour| target(station, Task::DayMean, hour..hour + 1)[0];
        assert_eq!(of(&station, 10), 22.5);
        // The last 6 of its 24 hours lie beyond the record: 18 are left, 17 are too few.
        assert_eq!(of(&station, 41), 50.5);
        assert!(of(&station, 42).is_nan());
        station.flags[0][11..17].fill(flag::IMPOSSIBLE);
        assert_eq!(of(&station, 10), 25.5);
        station.values[0][17] = NONE;
        assert!(of(&station, 10).is_nan());
        let known = |hour| persistence(&station, Task::DayMean, hour..hour + 1)[0];
        assert_eq!(known(59), 47.5);
        assert!(known(16).is_nan(), "the record begins too late");
    }

    #[test]
    fn only_three_flags_remove_a_target() {
        for (bit, name) in flag::ALL {
            let mut station = station();
            station.flags[0][3] = bit;
            let removed = target(&station, Task::Nowcast, 3..4)[0].is_nan();
            let also = persistence(&station, Task::Nowcast, 4..5)[0].is_nan();
            assert_eq!((removed, also), (bit <= 4, bit <= 4), "{name}");
        }
    }
}
