//! The plainest evaluator: one hour at a time, in floating point, from the definitions. Against it the real one is held.

use super::tests::ASKED;
use super::*;
use crate::aqi::{Level, Scale};
use crate::civil::{Civil, HOUR_S};
use crate::{Network, Quantity, Station, Task, flag};

pub(super) fn feature(feature: &Feature, task: Task, network: &Network, t: usize) -> f64 {
    let station = &network.stations[ASKED];
    let civil = Civil::of(station.time_s(t), station.utc_offset_min);
    let reading = |hand| match hand {
        Calendar::Hour => f64::from(civil.hour),
        Calendar::DayOfWeek => f64::from(civil.dayofweek),
        Calendar::Month => f64::from(civil.month),
        Calendar::DayOfYear => f64::from(civil.dayofyear),
    };
    match *feature {
        Feature::Own(local) => self::local(local, task, station, t as i64),
        Feature::At { ref station, of } => {
            let asked = &network.stations[ASKED];
            let others = network
                .stations
                .iter()
                .filter(|other| other.name != asked.name);
            let other = others.into_iter().find(|other| other.name == *station);
            other.map_or(f64::NAN, |other| {
                let newest = (asked.time_s(t) - other.start_s).div_euclid(HOUR_S);
                self::local(of, task, other, newest)
            })
        }
        Feature::Others { stat, of } => {
            let said = network.stations.iter().enumerate();
            let said = said.filter(|(idx, _)| *idx != ASKED).map(|(_, other)| {
                let newest = (station.time_s(t) - other.start_s).div_euclid(HOUR_S);
                f64::from(self::local(of, task, other, newest) as f32)
            });
            let said: Vec<f64> = said.filter(|value| value.abs() <= 4_194_304.0).collect();
            others(stat, &said)
        }
        Feature::Calendar(hand) => reading(hand),
        Feature::Cycle { wave, of } => {
            let turns = match of {
                Calendar::Hour => reading(of) / 24.0,
                Calendar::DayOfWeek => reading(of) / 7.0,
                Calendar::Month => (reading(of) - 1.0) / 12.0,
                Calendar::DayOfYear => (reading(of) - 1.0) / 365.25,
            };
            let angle = std::f64::consts::TAU * turns;
            match wave {
                Wave::Sin => libm::sin(angle),
                Wave::Cos => libm::cos(angle),
            }
        }
        Feature::Trend => station.time_s(t) as f64 / 86_400.0,
        Feature::Station => 2.0,
    }
}

fn others(stat: OthersStat, said: &[f64]) -> f64 {
    match stat {
        _ if said.is_empty() => f64::NAN,
        OthersStat::Std if said.len() == 1 => f64::NAN,
        OthersStat::Mean => mean(said),
        OthersStat::Min => said.iter().copied().fold(f64::INFINITY, f64::min),
        OthersStat::Max => said.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        OthersStat::Std => std(said),
    }
}

fn local(local: Local, task: Task, station: &Station, t: i64) -> f64 {
    let past = Past { task, station, t };
    match local {
        Local::Value { signal, lag_h } => past.at(signal, lag_h),
        Local::Change { signal, hours } => past.at(signal, 0) - past.at(signal, hours),
        Local::Window {
            stat,
            signal,
            hours,
        } => match past.window(signal, hours).as_slice() {
            [] => f64::NAN,
            seen => reduce(stat, seen),
        },
        Local::Quantile { signal, hours, pct } => {
            quantile(values(&past.window(signal, hours)), f64::from(pct) / 100.0)
        }
        Local::Ewm {
            signal,
            half_life_h,
        } => past.weighted(signal, half_life_h),
        Local::Since {
            signal,
            at_least,
            hours,
        } => match past.window(signal, hours).as_slice() {
            [] => f64::NAN,
            seen => {
                let strong = |(_, value): &&(u16, f64)| at_least.value() <= *value;
                let last = seen.iter().rev().find(strong);
                f64::from(last.map_or(hours, |(hour, _)| hours - 1 - hour))
            }
        },
        Local::NowCast => past.nowcast().unwrap_or(f64::NAN),
        Local::Aqi { scale } => past.index(scale).unwrap_or(f64::NAN),
        Local::Ventilation { hours } => {
            let wind = values(&past.window(Signal::Measured(Quantity::WindSpeed), hours));
            let temp = values(&past.window(Signal::Measured(Quantity::Temp), hours));
            if wind.is_empty() || temp.is_empty() {
                return f64::NAN;
            }
            mean(&wind) * (quantile(temp.clone(), 1.0) - quantile(temp, 0.0))
        }
    }
}

/// A station as it is known at the hour t.
struct Past<'a> {
    task: Task,
    station: &'a Station,
    t: i64,
}

impl Past<'_> {
    fn at(&self, signal: Signal, lag_h: u16) -> f64 {
        value(signal, self.station, self.t - i64::from(lag_h)).unwrap_or(f64::NAN)
    }

    /// The newest PM2.5 that may be known, the newest first.
    fn newest<const N: usize>(&self) -> [f32; N] {
        std::array::from_fn(|lag_h| self.at(PM25, lag_h as u16 + self.newest_h(PM25)) as f32)
    }

    fn nowcast(&self) -> Option<f64> {
        crate::aqi::nowcast(&self.newest()).map(|value| f64::from(value as f32))
    }

    fn index(&self, scale: Scale) -> Option<f64> {
        let reading = match scale {
            Scale::Us => {
                let value = crate::aqi::nowcast(&self.newest())?;
                scale.of_day(Level::of_number(value)?)
            }
            Scale::Europe => scale.of_hour(Level::of_hour(self.newest::<1>()[0])?),
            _ => scale.of_hours(&self.newest()),
        }?;
        Some(reading.index.map_or(reading.band_idx as f64, f64::from))
    }

    fn newest_h(&self, signal: Signal) -> u16 {
        u16::from(signal == PM25 && self.task == Task::Nowcast)
    }

    /// Hours of the window, counted from its oldest, and their values; nothing when it is not complete.
    fn window(&self, signal: Signal, hours: u16) -> Vec<(u16, f64)> {
        let value = |hour| self.at(signal, self.newest_h(signal) + hours - 1 - hour);
        let seen = (0..hours).map(|hour| (hour, value(hour)));
        let seen: Vec<(u16, f64)> = seen.filter(|(_, value)| !value.is_nan()).collect();
        if 0.75 * f64::from(hours) <= seen.len() as f64 {
            seen
        } else {
            Vec::new()
        }
    }

    fn weighted(&self, signal: Signal, half_life_h: u16) -> f64 {
        let weight = |lag_h: u16| 0.5_f64.powf(f64::from(lag_h) / f64::from(half_life_h));
        let all: f64 = (0..6 * half_life_h).map(weight).sum();
        let (mut sum, mut present) = (0.0, 0.0);
        for lag_h in 0..6 * half_life_h {
            let value = self.at(signal, lag_h + self.newest_h(signal));
            if !value.is_nan() {
                sum += weight(lag_h) * value;
                present += weight(lag_h);
            }
        }
        if present < 0.75 * all {
            f64::NAN
        } else {
            sum / present
        }
    }
}

fn values(seen: &[(u16, f64)]) -> Vec<f64> {
    seen.iter().map(|&(_, value)| value).collect()
}

fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let Some(last) = values.len().checked_sub(1) else {
        return f64::NAN;
    };
    let place = share * last as f64;
    let (low, high) = (
        values[place.floor() as usize],
        values[place.ceil() as usize],
    );
    low + (place - place.floor()) * (high - low)
}

const PM25: Signal = Signal::Measured(Quantity::Pm25);

/// The signal of an hour, unless it is off the grid, missing, doubtful or no measurement at all.
fn value(signal: Signal, station: &Station, hour_idx: i64) -> Option<f64> {
    let hour_idx = usize::try_from(hour_idx).ok()?;
    let seen = |q: Quantity| {
        let doubtful = station.flags(q).get(hour_idx)? & flag::HIDES_FEATURE != 0;
        let value = f64::from(station.values(q)[hour_idx]);
        (!doubtful && value.abs() <= 1_048_576.0).then_some(value)
    };
    let wind = |component: fn(f64) -> f64| {
        let speed = seen(Quantity::WindSpeed)?;
        if speed == 0.0 {
            return Some(0.0);
        }
        let from = seen(Quantity::WindDir)?;
        Some(f64::from((-speed * component(from.to_radians())) as f32))
    };
    match signal {
        Signal::Measured(q) => seen(q),
        Signal::WindU => wind(libm::sin),
        Signal::WindV => wind(libm::cos),
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn std(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares: f64 = values
        .iter()
        .map(|value| (value - mean) * (value - mean))
        .sum();
    (squares / values.len() as f64).sqrt()
}

fn reduce(stat: WindowStat, seen: &[(u16, f64)]) -> f64 {
    let values: Vec<f64> = seen.iter().map(|&(_, value)| value).collect();
    match stat {
        WindowStat::Mean => mean(&values),
        WindowStat::Sum => values.iter().sum(),
        WindowStat::Std => std(&values),
        WindowStat::Min => values.into_iter().fold(f64::INFINITY, f64::min),
        WindowStat::Max => values.into_iter().fold(f64::NEG_INFINITY, f64::max),
        WindowStat::Slope => {
            let hours: Vec<f64> = seen.iter().map(|&(hour, _)| f64::from(hour)).collect();
            let (hour_0, value_0) = (mean(&hours), mean(&values));
            let pairs = || hours.iter().map(|hour| hour - hour_0).zip(&values);
            let product: f64 = pairs().map(|(hour, value)| hour * (value - value_0)).sum();
            product / pairs().map(|(hour, _)| hour * hour).sum::<f64>()
        }
    }
}
