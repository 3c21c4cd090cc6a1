//! The same value for longer than this station's own readings ever repeat by chance.
//!
//! Not a count of repeats. A display of whole µg/m³ repeats itself often at low levels, one of hundredths never:
//! how long is too long is asked of the station, level by level.
//!
//! ```text
//! chance of a repeat at a level   p = hours that repeat / all hours
//! runs of n hours by chance       R p^(n-1) of R runs
//! too long                        n with R p^(n-1) below one in a hundred, and half as long again
//! ```
//!
//! The rule finds what nobody had planted: ozone of all UCI Beijing stations in March 2013, the same number for 11 to
//! 47 hours. In the same set 7 % of the hours of PM2.5 repeat the hour before and 0.25 % lie in runs of six and more;
//! to remove those is to remove clean nights.

use std::collections::BTreeMap;

use crate::quality::runs::{LONG_H, Run, Stretches, each, hours_of, ordered, unordered};

/// NOAA's quality control of AirNow PM2.5 drops a day of more than six valid hours that vary by less than 0.1
/// (`qc_site_pm25.f90`).
const HOURS_MIN: f64 = LONG_H as f64;
/// Chance runs of a whole record that may be taken for a fault; ours.
const FALSE_ALARMS: f64 = 0.01;
/// Calm nights repeat more than the average hour of their level; ours.
const STRETCH: f64 = 1.5;
/// Below this the chance is not known well enough from a record of some years; ours.
const CHANCE_MIN: f64 = 0.05;
/// A level has a chance of its own from so many runs on; before, that of its half octave counts.
const RUNS_OF_ITS_OWN: u32 = 20;
/// Clean air stays below the detection limit for long: PM2.5 for 41 h in the UCI Beijing set (Dongsi, October 2014),
/// SO2 for 245 h in summer (Dingling, July 2016). After two weeks the instrument is what stands still; ours.
const CENSORED_H_MAX: u32 = 336;

/// The hours of runs that are too long; `limit` is the detection limit, if there is one. `stretches` are those of
/// `values`.
pub fn hours(values: &[f32], stretches: &Stretches, limit: Option<f32>) -> Vec<u32> {
    if stretches.long.is_empty() {
        return Vec::new();
    }
    let limit = limit.unwrap_or(f32::NEG_INFINITY);
    let above = stretches.long.iter().filter(|run| limit < run.value);
    let chances = Chances::of(values, above.map(|run| run.value));
    let is_too_long = |run: &&Run| {
        if run.value <= limit {
            return CENSORED_H_MAX < run.hours;
        }
        let longest = longest_by_chance(chances.of_value(run.value), stretches.n_runs);
        longest <= f64::from(run.hours)
    };
    let too_long = stretches.long.iter().filter(is_too_long);
    too_long.flat_map(|run| hours_of(run, values)).collect()
}

/// From how many hours on a run is too long.
fn longest_by_chance(chance: f64, n_runs: usize) -> f64 {
    let alarms = libm::log(n_runs as f64 / FALSE_ALARMS);
    let hours = 1.0 + STRETCH * alarms / -libm::log(chance.max(CHANCE_MIN));
    hours.ceil().max(HOURS_MIN)
}

/// Hours and how many of them repeat the one before.
#[derive(Clone, Copy, Default)]
struct Repeats {
    runs: u32,
    repeats: u32,
}

impl Repeats {
    fn add(&mut self, hours: u32) {
        self.runs += 1;
        self.repeats += hours - 1;
    }

    /// With one run and one repeat more than seen, so that it is neither 0 nor 1.
    fn chance(self) -> f64 {
        f64::from(self.repeats + 1) / f64::from(self.runs + self.repeats + 2)
    }
}

/// How often the readings of a series repeat themselves.
struct Chances {
    /// By half octave.
    classes: Vec<Repeats>,
    /// Of the values that are asked for, by their order.
    values: BTreeMap<u32, Repeats>,
}

impl Chances {
    /// Of the half octaves of a series, and of some of its values.
    fn of(series: &[f32], asked: impl Iterator<Item = f32>) -> Self {
        let mut chances = Self {
            classes: vec![Repeats::default(); CLASSES],
            values: asked
                .map(|value| (ordered(value), Repeats::default()))
                .collect(),
        };
        if chances.values.is_empty() {
            return chances;
        }
        let mut is_asked = vec![false; CLASSES];
        for &value in chances.values.keys() {
            is_asked[class(unordered(value))] = true;
        }
        each(series, |run| {
            let class = class(run.value);
            chances.classes[class].add(run.hours);
            if is_asked[class]
                && let Some(repeats) = chances.values.get_mut(&ordered(run.value))
            {
                repeats.add(run.hours);
            }
        });
        chances
    }

    /// The larger of the chance at exactly this value, if enough runs tell it, and that of its half octave.
    fn of_value(&self, value: f32) -> f64 {
        let own = self.values.get(&ordered(value));
        let own = own.filter(|repeats| RUNS_OF_ITS_OWN <= repeats.runs);
        let own = own.map_or(0.0, |repeats| repeats.chance());
        self.classes[class(value)].chance().max(own)
    }
}

/// Sign, exponent and the first bit behind it: two classes from each power of two to the next.
const fn class(value: f32) -> usize {
    (value.to_bits() >> 22) as usize
}

/// How many classes there are.
const CLASSES: usize = 1 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    /// A walk with steps of `resolution`, the same on every machine.
    fn air(n: usize, resolution: f32) -> Vec<f32> {
        let mut state = 7_u32;
        let mut level = 60.0_f32;
        let mut step = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as f32 / 65_536.0 - 0.5
        };
        (0..n)
            .map(|_| {
                level = (level + 6.0 * step()).clamp(2.0, 300.0);
                (level / resolution).round() * resolution
            })
            .collect()
    }

    fn found(values: &[f32], limit: Option<f32>) -> Vec<u32> {
        hours(values, &Stretches::of(values), limit)
    }

    #[test]
    fn a_sensor_stuck_for_1180_hours_is_found_whole() {
        let mut values = air(20_000, 0.01);
        values[5_000..6_180].fill(43.23);
        values[5_400..5_405].fill(f32::NAN);
        let stuck: Vec<u32> = (5_000..6_180)
            .filter(|h| !(5_400..5_405).contains(h))
            .collect();
        assert_eq!(found(&values, None), stuck);
    }

    #[test]
    fn a_coarse_display_is_not_stuck() {
        // Steps of ten: runs of seven hours and more are frequent.
        let values = air(20_000, 10.0);
        let longest = Stretches::of(&values)
            .long
            .iter()
            .map(|run| run.hours)
            .max();
        assert!(Some(9) <= longest);
        assert!(found(&values, None).is_empty());
    }

    #[test]
    fn what_is_chance_on_a_coarse_display_is_a_fault_on_a_fine_one() {
        let mut fine = air(20_000, 0.1);
        fine[700..712].fill(51.3);
        assert_eq!(found(&fine, None), (700..712).collect::<Vec<u32>>());
        let mut coarse = air(20_000, 10.0);
        coarse[700..712].fill(50.0);
        assert!(found(&coarse, None).is_empty());
    }

    #[test]
    fn censored_nights_are_left_and_censored_weeks_are_not() {
        let mut values = air(20_000, 1.0);
        values[100..141].fill(3.0);
        assert_eq!(found(&values, None).len(), 41);
        assert!(found(&values, Some(3.0)).is_empty());
        values[1_000..1_400].fill(3.0);
        assert_eq!(found(&values, Some(3.0)).len(), 400);
    }
}
