//! The other stations: what they say together, without the station that is asked about.
//!
//! Not a list of names: a model that learned from a mean of others serves a network with other stations too.
//!
//! ```text
//! hour              t-2   t-1    t
//! a                  10    12   11
//! b                   ·    30   31
//! c                  20    21    ·
//! all of them        30    63   42     sums and numbers present, kept once for each expression
//! others of a      20/1  51/2  31/1     minus what a itself says
//! ```
//!
//! The sums are integers (see [`exact`](super::exact)), so taking a station out leaves no trace of it, and the order of stations
//! does not matter. Of the largest and the smallest values the two best are kept, for one may be the station's own.
//! Time and memory grow with the hours, not with pairs of stations.

use super::evaluate::locals;
use super::exact::{deviation, mean, steps};
use super::{Feature, FeatureSet, Local, OthersStat};
use crate::civil::HOUR_S;
use crate::{Network, Station};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Stations that are computed before they are added up: enough for any number of threads, few enough for the memory.
const STATIONS_AT_ONCE: usize = 16;

/// What every station of a network says, by expression, for rows that begin at the same minute of the hour.
pub(super) struct Chorus {
    /// Start of the first hour.
    start_s: i64,
    voices: BTreeMap<Local, Vec<Together>>,
}

/// One expression at one hour, over all stations that have a value.
#[derive(Copy, Clone)]
struct Together {
    n_present: u32,
    /// Of the steps of the values.
    sum: i64,
    squares: i128,
    min: Best,
    max: Best,
}

/// The best two values; the station of the best.
#[derive(Copy, Clone)]
struct Best {
    station_idx: u32,
    value: f32,
    second: f32,
}

impl Chorus {
    /// The expressions that `set` asks others for, at the hours of the grid that begins at `times_s.start`.
    pub(super) fn new(set: &FeatureSet, network: &Network, times_s: Range<i64>) -> Self {
        let n_hours = (times_s.end - times_s.start)
            .max(0)
            .unsigned_abs()
            .div_ceil(HOUR_S.unsigned_abs());
        let n_hours = usize::try_from(n_hours).expect("hours of a network that is in memory fit");
        let mut chorus = Self {
            start_s: times_s.start,
            voices: BTreeMap::new(),
        };
        let asked: Vec<Local> = asked(set).into_iter().collect();
        for &local in &asked {
            chorus.voices.insert(local, vec![Together::NONE; n_hours]);
        }
        if asked.is_empty() {
            return chorus;
        }
        let reach = asked
            .iter()
            .map(|local| usize::from(local.oldest_h(set.task())));
        let reach = reach.max().unwrap_or(0);
        for (chunk_idx, chunk) in network.stations.chunks(STATIONS_AT_ONCE).enumerate() {
            let said = |station: &Station| {
                let (hours, first) = overlap(station, reach, times_s.start, n_hours);
                (first, locals(set.task(), station, &asked, hours))
            };
            let said: Vec<(usize, Vec<Vec<f32>>)> = chunk.par_iter().map(said).collect();
            for (at, (first, columns)) in said.iter().enumerate() {
                let station_idx = chunk_idx * STATIONS_AT_ONCE + at;
                chorus.join(station_idx, *first, asked.iter().zip(columns));
            }
        }
        chorus
    }

    /// What one station says, from the hour `first` on.
    fn join<'c>(
        &mut self,
        station_idx: usize,
        first: usize,
        said: impl Iterator<Item = (&'c Local, &'c Vec<f32>)>,
    ) {
        for (local, column) in said {
            let voice = self
                .voices
                .get_mut(local)
                .map_or(&mut [][..], Vec::as_mut_slice);
            for (together, &value) in voice.iter_mut().skip(first).zip(column) {
                if is_heard(value) {
                    together.join(station_idx as u32, value);
                }
            }
        }
    }

    /// The others of a station at some of its hours, given what it says there itself; hours that were not asked for
    /// when the chorus was made are missing.
    pub(super) fn without(&self, own: &Own, stat: OthersStat, of: Local) -> Vec<f32> {
        let voice = self.voices.get(&of).map_or(&[][..], Vec::as_slice);
        let hour = |(row, &value): (usize, &f32)| {
            let idx = (own.start_s - self.start_s) / HOUR_S + row as i64;
            let together = usize::try_from(idx).ok().and_then(|idx| voice.get(idx));
            together.map_or(f32::NAN, |together| {
                together.without(own.station_idx as u32, value, stat)
            })
        };
        own.values.iter().enumerate().map(hour).collect()
    }
}

/// What a station says itself at consecutive hours.
pub(super) struct Own<'v> {
    pub(super) station_idx: usize,
    /// Start of the first hour.
    pub(super) start_s: i64,
    /// The same expression that others are asked for.
    pub(super) values: &'v [f32],
}

impl Together {
    const NONE: Self = Self {
        n_present: 0,
        sum: 0,
        squares: 0,
        min: Best::NONE,
        max: Best::NONE,
    };

    fn join(&mut self, station_idx: u32, value: f32) {
        let steps = steps(value);
        self.n_present += 1;
        self.sum = self.sum.wrapping_add(steps);
        self.squares = self
            .squares
            .wrapping_add(i128::from(steps) * i128::from(steps));
        self.max
            .offer(station_idx, value, |value, other| other < value);
        self.min
            .offer(station_idx, value, |value, other| value < other);
    }

    fn without(&self, station_idx: u32, value: f32, stat: OthersStat) -> f32 {
        let mut rest = *self;
        if is_heard(value) {
            let steps = steps(value);
            rest.n_present -= 1;
            rest.sum = rest.sum.wrapping_sub(steps);
            rest.squares = rest
                .squares
                .wrapping_sub(i128::from(steps) * i128::from(steps));
        }
        match stat {
            _ if rest.n_present == 0 => f32::NAN,
            OthersStat::Mean => mean(rest.sum, rest.n_present) as f32,
            OthersStat::Std if rest.n_present == 1 => f32::NAN,
            OthersStat::Std => deviation(rest.sum, rest.squares, rest.n_present) as f32,
            OthersStat::Min => rest.min.without(station_idx),
            OthersStat::Max => rest.max.without(station_idx),
        }
    }
}

impl Best {
    const NONE: Self = Self {
        station_idx: u32::MAX,
        value: f32::NAN,
        second: f32::NAN,
    };

    fn offer(&mut self, station_idx: u32, value: f32, beats: impl Fn(f32, f32) -> bool) {
        if self.value.is_nan() || beats(value, self.value) {
            *self = Self {
                station_idx,
                value,
                second: self.value,
            };
        } else if self.second.is_nan() || beats(value, self.second) {
            self.second = value;
        }
    }

    fn without(&self, station_idx: u32) -> f32 {
        if self.station_idx == station_idx {
            self.second
        } else {
            self.value
        }
    }
}

/// The expressions that a set asks other stations for.
pub(super) fn asked(set: &FeatureSet) -> BTreeSet<Local> {
    let of_others = |feature: &Feature| match feature {
        Feature::Others { of, .. } => Some(*of),
        _ => None,
    };
    set.features().iter().filter_map(of_others).collect()
}

/// Whether a value counts: it is there, and of a size that sums can hold. Four million, in any unit, is more than any
/// measured quantity can change or add up to in a year of hours, and their squares fit for 100,000 stations.
fn is_heard(value: f32) -> bool {
    const HEARD_MAX: f32 = 4_194_304.0;
    value.abs() <= HEARD_MAX
}

/// The station's hours that stand for hours of a grid (its newest that begins no later than each), and which hour of
/// the grid the first of them stands for. `reach` hours after its last one may still see it.
fn overlap(station: &Station, reach: usize, start_s: i64, n_hours: usize) -> (Range<usize>, usize) {
    // Of a station whose hours begin 30 minutes after the grid's, the hour before is the newest one that is over.
    let shift = (start_s - station.start_s).div_euclid(HOUR_S);
    let first = usize::try_from(-shift).unwrap_or(0);
    let from = usize::try_from(shift).unwrap_or(0);
    let n_left = n_hours.saturating_sub(first);
    let until = (station.n_hours() + reach).min(from.saturating_add(n_left));
    (from.min(until)..until, first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_stand_for_hours_that_begin_no_earlier() {
        let station = |start_s| Station {
            values: std::array::from_fn(|_| vec![0.0; 5]),
            ..Station::new("a", start_s, 0)
        };
        assert_eq!(overlap(&station(0), 0, 0, 5), (0..5, 0));
        assert_eq!(overlap(&station(0), 0, 7_200, 5), (2..5, 0));
        assert_eq!(overlap(&station(7_200), 0, 0, 5), (0..3, 2));
        // It begins at 1:30: at 2:00 its first hour is the newest, though 1:30 to 2:30 ends within the row's hour.
        assert_eq!(overlap(&station(5_400), 0, 0, 5), (0..3, 2));
        assert_eq!(overlap(&station(0), 0, 1_800, 2), (0..2, 0));
        assert_eq!(overlap(&station(36_000), 0, 0, 5), (0..0, 10));
        assert_eq!(overlap(&station(0), 0, 36_000, 5), (5..5, 0));
        assert_eq!(overlap(&station(0), 2, 7_200, 9), (2..7, 0));
    }
}
