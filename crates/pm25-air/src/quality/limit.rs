//! Readings at the detection limit: censored, not wrong.
//!
//! Not a fault. Below its limit an instrument writes the limit, so readings pile up there. They are told from a
//! stuck sensor by coming and going, and from an ordinary small value by their number.
//!
//! ```text
//! value    2    3    4    5    6          Dongsi, hours of PM2.5
//! hours    0  892  283  340  402          3 is a limit: a pile with next to nothing below
//! ```

use crate::quality::runs::Level;

/// The limit lies in the lower half of the distribution.
const BELOW_MEDIAN_TIMES: f64 = 0.5;
/// Of all hours this share is at the limit, at least; UCI Beijing has 1.2 to 3.6 %. Ours, as the next three.
const SHARE_MIN: f64 = 0.005;
/// At least so many hours, in so many runs: a stuck sensor makes one run.
const HOURS_MIN: u32 = 20;
const RUNS_MIN: u32 = 10;
/// The limit has this many times the hours of the next value and of any up to half as much again.
const PILE_TIMES: f64 = 1.5;
const NEARBY_TIMES: f32 = 1.5;
/// Below the limit there is at most this share of all hours.
const BELOW_SHARE_MAX: f64 = 0.05;

/// The detection limit that a station's readings show, in the quantity's unit; the highest if there are several
/// (instruments change).
pub fn detection_limit(levels: &[Level]) -> Option<f32> {
    let total: f64 = levels.iter().map(|level| f64::from(level.hours)).sum();
    let highest = BELOW_MEDIAN_TIMES * median(levels, total);
    let mut below = 0.0;
    let mut limit = None;
    for (position, level) in levels.iter().enumerate() {
        if BELOW_SHARE_MAX * total < below || highest < f64::from(level.value) {
            break;
        }
        if 0.0 < level.value && is_pile(level, &levels[position + 1..], total) {
            limit = Some(level.value);
        }
        below += f64::from(level.hours);
    }
    limit
}

/// The hours at or below the limit, zero and noise around it included.
pub fn hours(values: &[f32], limit: f32) -> Vec<u32> {
    (0_u32..)
        .zip(values)
        .filter(|(_, value)| **value <= limit)
        .map(|(hour_idx, _)| hour_idx)
        .collect()
}

fn is_pile(level: &Level, above: &[Level], total: f64) -> bool {
    let hours = f64::from(level.hours);
    if level.hours < HOURS_MIN || level.runs < RUNS_MIN || hours < SHARE_MIN * total {
        return false;
    }
    let most = above
        .iter()
        .enumerate()
        .take_while(|(next, other)| *next == 0 || other.value <= NEARBY_TIMES * level.value)
        .map(|(_, other)| other.hours)
        .max()
        .unwrap_or(0);
    PILE_TIMES * f64::from(most) <= hours
}

fn median(levels: &[Level], total: f64) -> f64 {
    let mut seen = 0.0;
    for level in levels {
        seen += f64::from(level.hours);
        if total <= 2.0 * seen {
            return f64::from(level.value);
        }
    }
    0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quality::runs::Stretches;

    /// Counts of values in separate runs, spread so that no two are neighbours.
    fn series(counts: &[(f32, usize)]) -> Vec<f32> {
        let mut left = counts.to_vec();
        let mut values = Vec::new();
        while left.iter().any(|(_, n)| 0 < *n) {
            for (value, n) in left.iter_mut().filter(|(_, n)| 0 < *n) {
                values.push(*value);
                *n -= 1;
            }
            let n = values.len();
            values.extend((n..n + 4).map(|high| 1_000.0 + high as f32));
        }
        values
    }

    fn limit(values: &[f32]) -> Option<f32> {
        detection_limit(&Stretches::of(values).levels)
    }

    #[test]
    fn readings_pile_up_at_a_limit() {
        let dongsi = series(&[(2.0, 1), (3.0, 892), (4.0, 283), (5.0, 340), (6.0, 402)]);
        assert_eq!(limit(&dongsi), Some(3.0));
        assert_eq!(hours(&[2.0, 3.0, 3.5, f32::NAN, -1.0], 3.0), [0, 1, 4]);
    }

    #[test]
    fn a_small_value_that_is_merely_frequent_is_no_limit() {
        assert_eq!(limit(&series(&[(3.0, 300), (4.0, 283), (5.0, 340)])), None);
        assert_eq!(
            limit(&series(&[(1.0, 600), (2.0, 500), (3.0, 892), (4.0, 283)])),
            None
        );
        assert_eq!(limit(&[]), None);
    }

    #[test]
    fn a_stuck_sensor_makes_no_limit() {
        let mut values = series(&[(4.0, 20), (5.0, 60), (6.0, 60)]);
        values.extend([3.0; 1_180]);
        assert_eq!(limit(&values), None);
    }

    #[test]
    fn of_two_instruments_the_higher_limit_counts() {
        let ozone = series(&[(1.0, 95), (2.0, 900), (3.0, 400), (4.0, 390), (40.0, 2_000)]);
        assert_eq!(limit(&ozone), Some(2.0));
    }
}
