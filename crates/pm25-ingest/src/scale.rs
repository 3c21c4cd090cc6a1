//! A station whose numbers are a thousand times those of its neighbours has slipped a unit.
//!
//! Not a correction: the values stay, flagged, and the suspected factor is said. A column that fits no unit at all is
//! found before, in [`crate::claim`]; here every number may be plausible by itself.

use pm25_air::{Quantity, flag};

use crate::stations::Merged;

/// So many other stations must measure the quantity: of two, neither is the odd one.
const OTHERS_MIN: usize = 2;
/// So many values must be there.
const VALUES_MIN: usize = 24;
/// The slip that happens: milli for micro.
const FACTOR: f64 = 1_000.0;
/// How far from the factor the ratio of medians may be. Stations of one region differ by less than that.
const TOLERANCE: f64 = 5.0;

/// Flags the columns that are off by a factor of a thousand, and says which.
pub(crate) fn flag_slips(stations: &mut [Merged]) -> Vec<String> {
    let mut doubts = Vec::new();
    for quantity in Quantity::ALL {
        if Quantity::Co.index() < quantity.index() {
            break;
        }
        let medians: Vec<Option<f64>> = stations
            .iter()
            .map(|merged| median_of(merged.station.values(quantity)))
            .collect();
        for (idx, merged) in stations.iter_mut().enumerate() {
            let others: Vec<f64> = medians
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != idx)
                .filter_map(|(_, m)| *m)
                .collect();
            let (Some(own), Some(typical)) = (medians[idx], typical(&others)) else {
                continue;
            };
            let Some(factor) = slip(own / typical) else {
                continue;
            };
            for hour_idx in 0..merged.station.n_hours {
                if !merged.station.values(quantity)[hour_idx].is_nan() {
                    merged.station.flag(quantity, hour_idx, flag::UNIT);
                }
            }
            doubts.push(format!(
                "`{}` of {}: its median is {} times that of {} other stations, a slip of units? suspected factor {factor}; flagged",
                quantity.column(),
                merged.station.name,
                round_two(own / typical),
                others.len()
            ));
        }
    }
    doubts
}

fn slip(ratio: f64) -> Option<&'static str> {
    let near = |factor: f64| (factor / TOLERANCE..=factor * TOLERANCE).contains(&ratio);
    if near(FACTOR) {
        Some("1000")
    } else if near(1.0 / FACTOR) {
        Some("0.001")
    } else {
        None
    }
}

/// Two significant digits, for people.
fn round_two(ratio: f64) -> String {
    if 10.0 <= ratio {
        format!("{ratio:.0}")
    } else {
        format!("{ratio:.5}")
    }
}

/// The median of stations that agree among themselves within the tolerance; else nobody is typical.
fn typical(medians: &[f64]) -> Option<f64> {
    if medians.len() < OTHERS_MIN {
        return None;
    }
    let mut sorted = medians.to_vec();
    sorted.sort_by(f64::total_cmp);
    Some(sorted[sorted.len() / 2]).filter(|median| 0.0 < *median)
}

fn median_of(values: &[f32]) -> Option<f64> {
    let mut positive: Vec<f32> = values
        .iter()
        .copied()
        .filter(|value| 0.0 < *value)
        .collect();
    if positive.len() < VALUES_MIN {
        return None;
    }
    let middle = positive.len() / 2;
    let (_, median, _) = positive.select_nth_unstable_by(middle, f32::total_cmp);
    Some(f64::from(*median))
}
