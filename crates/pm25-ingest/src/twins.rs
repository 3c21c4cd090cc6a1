//! Stations that are one: two sources of the same monitor, an hour apart; and stations that are ahead of all others.
//!
//! Not a repair: which of two stamps is right cannot be seen in the data. `--stamp` and `--tz` settle it.

use pm25_air::Quantity;
use pm25_air::civil::{HOUR_S, format_utc};

use crate::stations::{Grid, Merged};

/// Hours that are compared, spread evenly over those that two stations share.
const SAMPLES: usize = 400;
/// So many of them must have a value at both.
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

/// Pairs of stations whose PM2.5 is equal when one is moved by an hour.
pub(crate) fn lagged(stations: &[Merged]) -> Vec<String> {
    let mut doubts = Vec::new();
    if STATIONS_MAX < stations.len() {
        return doubts;
    }
    for (idx, first) in stations.iter().enumerate() {
        for second in &stations[idx + 1..] {
            let (a, b) = (&first.station, &second.station);
            if CHANCE_SHARE < equal_share(a, b, 0) {
                continue;
            }
            let lag_h = [1, -1]
                .into_iter()
                .find(|&lag_h| SAME_SHARE <= equal_share(a, b, lag_h));
            if let Some(lag_h) = lag_h {
                let (early, late) = if 0 < lag_h { (a, b) } else { (b, a) };
                doubts.push(format!(
                    "PM2.5 of {} equals that of {} one hour later: one monitor with two clocks? see `--stamp` and `--tz`",
                    early.name, late.name
                ));
            }
        }
    }
    doubts
}

/// The share of sampled hours at which `b`, `lag_h` hours later, equals `a`; none if too few are shared.
fn equal_share(a: &Grid, b: &Grid, lag_h: i64) -> f64 {
    let (pm_a, pm_b) = (a.values(Quantity::Pm25), b.values(Quantity::Pm25));
    if (b.start_s - a.start_s) % HOUR_S != 0 || pm_a.is_empty() || pm_b.is_empty() {
        return 0.0;
    }
    // Hour h of a is hour h + shift of b.
    let shift = (a.start_s - b.start_s) / HOUR_S + lag_h;
    let first = 0.max(-shift);
    let last = (pm_a.len() as i64).min(pm_b.len() as i64 - shift);
    if last - first < COMPARED_MIN as i64 {
        return 0.0;
    }
    let step = ((last - first) as usize / SAMPLES).max(1);
    let (mut n, mut n_equal) = (0_usize, 0_usize);
    for hour in (first..last).step_by(step) {
        let (x, y) = (pm_a[hour as usize], pm_b[(hour + shift) as usize]);
        if x.is_nan() || y.is_nan() {
            continue;
        }
        n += 1;
        n_equal += usize::from(x == y);
        if n == FIRST_LOOK && 2 * n_equal < FIRST_LOOK {
            return n_equal as f64 / n as f64;
        }
    }
    if n < COMPARED_MIN {
        0.0
    } else {
        n_equal as f64 / n as f64
    }
}

/// A station that ends long after all others: nobody here knows today's date, but a slip of the year shows.
pub(crate) fn far_ahead(stations: &[Merged]) -> Option<String> {
    let last_s = |merged: &Merged| {
        merged
            .station
            .time_s(merged.station.n_hours.saturating_sub(1))
    };
    let ahead = stations.iter().max_by_key(|merged| last_s(merged))?;
    let others = stations
        .iter()
        .filter(|merged| !std::ptr::eq(*merged, ahead));
    let others_s = others.map(last_s).max()?;
    (AHEAD_S < last_s(ahead) - others_s).then(|| {
        format!(
            "{} goes on until {}, more than a year after all others; `--not-after` rejects wrong years",
            ahead.station.name,
            format_utc(last_s(ahead))
        )
    })
}
