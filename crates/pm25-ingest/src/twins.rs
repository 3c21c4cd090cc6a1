//! Stations that are one: two sources of the same monitor, an hour apart; and stations that are ahead of all others.
//!
//! Not a repair: which of two stamps is right cannot be seen in the data. `--stamp` and `--tz` settle it.
//!
//! ```text
//! sampled hours     09 10 11       44 45 46     ...     of every station: the hour, the one before, the one after
//! pair of stations  enough of them shared: these decide; else all hours that the two share
//! ```

use pm25_air::civil::{HOUR_S, format_utc};
use pm25_file::Result;
use rayon::prelude::*;

use crate::quality::{Pm25Series, sampling};
use crate::spill::Spill;
use crate::survey::Survey;

/// So many hours must have a value at both.
const COMPARED_MIN: usize = 48;
/// After so many comparisons two stations that agree in few hours are given up.
const FIRST_LOOK: usize = 24;
/// Equal in so many hours is one monitor.
const SAME_SHARE: f64 = 0.9;
/// Equal in so many hours is weather and coarse numbers.
const CHANCE_SHARE: f64 = 0.5;
/// More stations are not compared with each other: the work grows with their square.
const STATIONS_MAX: usize = 1_500;
/// A station that goes on for so long after all others has wrong years.
const AHEAD_S: i64 = 366 * 24 * HOUR_S;

/// A sampled hour: the value before, in and after it.
type Sample = [f32; 3];

/// Pairs of stations whose PM2.5 is equal when one is moved by an hour.
pub(crate) fn lagged(survey: &Survey, spill: &Spill) -> Result<Vec<String>> {
    let stations = &survey.network.stations;
    if STATIONS_MAX < stations.len() {
        return Ok(Vec::new());
    }
    let sampling = sampling(stations);
    let sketch = |station: &Pm25Series| -> Result<Vec<Sample>> {
        let values = station.values(spill)?;
        let record = station.record(&values);
        let around = |hour: i64| [-1, 0, 1].map(|by| record.at(hour + by));
        Ok(sampling.hours().map(around).collect())
    };
    let sketches: Result<Vec<Vec<Sample>>> = stations.par_iter().map(sketch).collect();
    let sketches = sketches?;
    let of_station = |first: usize| -> Result<Vec<String>> {
        let mut doubts = Vec::new();
        let mut own = None;
        for second in first + 1..stations.len() {
            let pair = [&stations[first], &stations[second]];
            let lag = match sketched_lag(pair, [&sketches[first], &sketches[second]]) {
                Some(lag) => lag,
                None => lag_of_all_hours(pair, &mut own, spill)?,
            };
            let names = |early: usize, late: usize| [early, late].map(|at| &survey.facts[at].name);
            let [early, late] = match lag {
                Lag::None => continue,
                Lag::SecondIsLater => names(first, second),
                Lag::SecondIsEarlier => names(second, first),
            };
            doubts.push(format!(
                "PM2.5 of {early} equals that of {late} one hour later: one monitor with two clocks? see `--stamp` and `--tz`"
            ));
        }
        Ok(doubts)
    };
    let doubts: Result<Vec<Vec<String>>> = (0..stations.len())
        .into_par_iter()
        .map(of_station)
        .collect();
    Ok(doubts?.concat())
}

/// By how much one station of a pair repeats the other.
enum Lag {
    None,
    SecondIsLater,
    SecondIsEarlier,
}

/// The lag that samples show; nothing if too few of them are shared.
fn sketched_lag([a, b]: [&Pm25Series; 2], sketches: [&[Sample]; 2]) -> Option<Lag> {
    if (b.start_s - a.start_s) % HOUR_S != 0 {
        return Some(Lag::None);
    }
    lag(|lag_h| {
        let theirs = (1 + lag_h) as usize;
        let pairs = sketches[0].iter().zip(sketches[1]);
        equal_share(pairs.map(|(a, b)| (a[1], b[theirs])))
    })
}

/// The lag that all shared hours show; `own` holds the first station's values from its first comparison on.
fn lag_of_all_hours(
    [a, b]: [&Pm25Series; 2],
    own: &mut Option<Vec<f32>>,
    spill: &Spill,
) -> Result<Lag> {
    // Hour h of a is hour h + shift of b.
    let shift = (a.start_s - b.start_s) / HOUR_S;
    let from = 0.max(-shift);
    let end = (a.n_hours as i64).min(b.n_hours as i64 - shift);
    if end - from < COMPARED_MIN as i64 {
        return Ok(Lag::None);
    }
    let values_a = match own.take() {
        Some(values) => values,
        None => a.values(spill)?,
    };
    let values_b = b.values(spill)?;
    let shared = lag(|lag_h| {
        let theirs = |hour: i64| values_b.get(usize::try_from(hour + shift + lag_h).ok()?);
        equal_share((from..end).map(|hour| {
            let theirs = theirs(hour).copied().unwrap_or(f32::NAN);
            (values_a[hour as usize], theirs)
        }))
    });
    *own = Some(values_a);
    Ok(shared.unwrap_or(Lag::None))
}

/// The lag by the share of equal hours at a lag of so many hours.
fn lag(share: impl Fn(i64) -> Option<f64>) -> Option<Lag> {
    if CHANCE_SHARE < share(0)? {
        return Some(Lag::None);
    }
    let is_same = |lag_h| share(lag_h).is_some_and(|share| SAME_SHARE <= share);
    Some(if is_same(1) {
        Lag::SecondIsLater
    } else if is_same(-1) {
        Lag::SecondIsEarlier
    } else {
        Lag::None
    })
}

/// The share of equal pairs among those that both stations have; none if they are too few.
fn equal_share(pairs: impl Iterator<Item = (f32, f32)>) -> Option<f64> {
    let (mut n, mut n_equal) = (0_usize, 0_usize);
    for (x, y) in pairs.filter(|(x, y)| !x.is_nan() && !y.is_nan()) {
        n += 1;
        n_equal += usize::from(x == y);
        if n == FIRST_LOOK && 2 * n_equal < FIRST_LOOK {
            return Some(n_equal as f64 / n as f64);
        }
    }
    (COMPARED_MIN <= n).then(|| n_equal as f64 / n as f64)
}

/// A station that ends long after all others: nobody here knows today's date, but a slip of the year shows.
pub(crate) fn far_ahead(survey: &Survey) -> Option<String> {
    let last_s = |idx: &usize| survey.spans_s[*idx].1 - HOUR_S;
    let all = 0..survey.spans_s.len();
    let ahead = all.clone().max_by_key(last_s)?;
    let others_s = all
        .filter(|idx| *idx != ahead)
        .map(|idx| last_s(&idx))
        .max()?;
    (AHEAD_S < last_s(&ahead) - others_s).then(|| {
        format!(
            "{} goes on until {}, more than a year after all others; `--not-after` rejects wrong years",
            survey.facts[ahead].name,
            format_utc(last_s(&ahead))
        )
    })
}
