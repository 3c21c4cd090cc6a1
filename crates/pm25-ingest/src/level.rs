//! Per station: what is there, what is flagged, and what the flags do to the level of PM2.5.
//!
//! Not a correction; nothing is left out because of it.

use std::collections::BTreeMap;

use pm25_air::civil::format_at;
use pm25_air::{Quantity, flag};
use pm25_artifact::ingest::{Effect, Level, StationSummary};

use crate::coverage::Days;
use crate::number::as_written;
use crate::quality::StationQuality;
use crate::stations::Merged;

/// The percentile that regulators watch (98th: 40 CFR 50 App. N), as a share.
const HIGH_SHARE: f64 = 0.98;

/// Sums up a station.
pub(crate) fn summary(merged: &Merged, quality: &StationQuality, days: &Days) -> StationSummary {
    let station = &merged.station;
    let hours = station.n_hours;
    let pm25 = station.values(Quantity::Pm25);
    let present = pm25.iter().filter(|value| !value.is_nan()).count();
    let local = |hour_idx: usize| format_at(station.time_s(hour_idx), station.utc_offset_min);
    StationSummary {
        name: station.name.clone(),
        utc_offset_min: station.utc_offset_min,
        first: local(0),
        last: local(hours.saturating_sub(1)),
        hours: hours as u64,
        pm25_present: present as u64,
        pm25_present_share: present as f64 / hours.max(1) as f64,
        pm25_incomplete: merged.pm25_incomplete,
        pm25_coverage: days.months(),
        rules: quality.rules.clone(),
        flags: flag_counts(merged),
        pm25_ug_m3: effect(pm25, station.flags(Quantity::Pm25)),
        files: merged.files.clone(),
    }
}

fn flag_counts(merged: &Merged) -> BTreeMap<String, BTreeMap<String, u64>> {
    let mut counts = BTreeMap::new();
    for quantity in Quantity::ALL {
        let of_quantity = count_flags(merged.station.flags(quantity));
        if !of_quantity.is_empty() {
            counts.insert(quantity.column().to_owned(), of_quantity);
        }
    }
    counts
}

fn count_flags(masks: &[u16]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for &mask in masks.iter().filter(|mask| **mask != 0) {
        for (_, name) in flag::ALL.iter().filter(|(bit, _)| mask & bit != 0) {
            *counts.entry((*name).to_owned()).or_default() += 1;
        }
    }
    counts
}

fn effect(values: &[f32], masks: &[u16]) -> Effect {
    let seen = masks.iter().fold(0, |seen, mask| seen | mask);
    let masks = masks.iter().copied().chain(std::iter::repeat(0));
    let present: Vec<(f64, u16)> = values
        .iter()
        .zip(masks)
        .filter(|(value, _)| !value.is_nan())
        .map(|(value, mask)| (as_written(*value), mask))
        .collect();
    let without = flag::ALL.iter().filter(|(bit, _)| seen & bit != 0);
    Effect {
        all: level(&present, 0),
        unflagged: level(&present, u16::MAX),
        without: without
            .map(|(bit, name)| ((*name).to_owned(), level(&present, *bit)))
            .collect(),
    }
}

/// The level of the values that carry none of the flags in `left_out`.
fn level(present: &[(f64, u16)], left_out: u16) -> Level {
    let kept = present.iter().filter(|(_, mask)| mask & left_out == 0);
    let mut kept: Vec<f64> = kept.map(|(value, _)| *value).collect();
    let n = kept.len();
    let sum: f64 = kept.iter().sum();
    Level {
        hours: n as u64,
        mean: (0 < n).then(|| sum / n as f64),
        p98: quantile(&mut kept, HIGH_SHARE),
    }
}

/// Linear between order statistics; reorders the values.
fn quantile(values: &mut [f64], share: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let position = share * last as f64;
    let below = position.floor() as usize;
    let (_, &mut low, above) = values.select_nth_unstable_by(below, f64::total_cmp);
    let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    Some(low + (position - below as f64) * (high - low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_lies_between_order_statistics() {
        let mut values: Vec<f64> = (0..=100).rev().map(f64::from).collect();
        assert_eq!(quantile(&mut values, 0.98), Some(98.0));
        assert_eq!(quantile(&mut [1.0, 2.0], 0.98), Some(1.98));
        assert_eq!(quantile(&mut [7.0], 0.98), Some(7.0));
        assert_eq!(quantile(&mut [], 0.98), None);
    }

    #[test]
    fn each_flag_shows_what_it_does() {
        let values = [10.0, 20.0, 985.0, f32::NAN];
        let masks = [0, flag::NEGATIVE, flag::RANGE, flag::SENTINEL];
        let effect = effect(&values, &masks);
        assert_eq!((effect.all.hours, effect.unflagged.hours), (3, 1));
        assert_eq!(effect.without["range"].mean, Some(15.0));
        assert_eq!(effect.without["sentinel"], effect.all);
        assert_eq!(effect.unflagged.mean, Some(10.0));
    }
}
