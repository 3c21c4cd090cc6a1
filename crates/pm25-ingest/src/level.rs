//! Per station: what is there, what is flagged, and what the flags do to the level of PM2.5.
//!
//! Not a correction; nothing is left out because of it.

use std::collections::BTreeMap;

use pm25_air::civil::format_at;
use pm25_air::quality::hundredths::Hundredths;
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
    let without = flag::ALL.iter().filter(|(bit, _)| seen & bit != 0);
    let readings = Readings {
        values,
        masks,
        decimals: values.iter().map(|&value| decimal(value)).collect(),
        counted: Hundredths::of(values),
    };
    Effect {
        all: readings.level(0),
        unflagged: readings.level(u16::MAX),
        without: without
            .map(|(bit, name)| ((*name).to_owned(), readings.level(*bit)))
            .collect(),
    }
}

/// As it was written; NaN stays.
fn decimal(value: f32) -> f64 {
    if value.is_nan() {
        return f64::NAN;
    }
    as_written(value)
}

/// The readings of a station, looked at in several ways.
struct Readings<'a> {
    /// NaN = missing.
    values: &'a [f32],
    /// Empty where nothing is flagged.
    masks: &'a [u16],
    decimals: Vec<f64>,
    /// All of them by value, if they can be counted.
    counted: Option<Hundredths>,
}

impl Readings<'_> {
    /// The level of the readings that carry none of the flags in `left_out`.
    fn level(&self, left_out: u16) -> Level {
        let masks = self.masks.iter().copied().chain(std::iter::repeat(0));
        let kept = self.decimals.iter().zip(masks);
        let kept = kept.filter(|(decimal, mask)| !decimal.is_nan() && mask & left_out == 0);
        let (mut n, mut sum) = (0_usize, 0.0);
        for (decimal, _) in kept.clone() {
            n += 1;
            sum += decimal;
        }
        let p98 = match self.counted(left_out) {
            Some(counted) => counted_quantile(&counted, HIGH_SHARE),
            None => {
                let mut kept: Vec<f64> = kept.map(|(decimal, _)| *decimal).collect();
                quantile(&mut kept, HIGH_SHARE)
            }
        };
        Level {
            hours: n as u64,
            mean: (0 < n).then(|| sum / n as f64),
            p98,
        }
    }

    /// The same readings by value.
    fn counted(&self, left_out: u16) -> Option<Hundredths> {
        let mut counted = self.counted.clone()?;
        let flagged = self.values.iter().zip(self.masks);
        for (&value, _) in flagged.filter(|(_, mask)| *mask & left_out != 0) {
            if !value.is_nan() {
                counted.forget(value);
            }
        }
        Some(counted)
    }
}

/// Where a quantile lies: the rank below it and how far it is above that.
fn position(n: usize, share: f64) -> Option<(usize, f64)> {
    let position = share * n.checked_sub(1)? as f64;
    let below = position.floor();
    Some((below as usize, position - below))
}

/// Linear between order statistics; reorders the values.
fn quantile(values: &mut [f64], share: f64) -> Option<f64> {
    let (below, above_it) = position(values.len(), share)?;
    let (_, &mut low, above) = values.select_nth_unstable_by(below, f64::total_cmp);
    let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    Some(low + above_it * (high - low))
}

/// The same of readings that were counted.
fn counted_quantile(counted: &Hundredths, share: f64) -> Option<f64> {
    let (below, above_it) = position(counted.n(), share)?;
    let low = as_written(counted.at_rank(below)?);
    let high = counted.at_rank(below + 1).map_or(low, as_written);
    Some(low + above_it * (high - low))
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

    #[test]
    fn counting_makes_the_quantile_that_selecting_makes() {
        for n in [0, 1, 2, 51, 5_000] {
            let values: Vec<f32> = (0..n)
                .map(|i| ((i * 7_919) % 6_007) as f32 / 100.0)
                .collect();
            let counted = Hundredths::of(&values).unwrap();
            let mut written: Vec<f64> = values.iter().map(|&value| as_written(value)).collect();
            let selected = quantile(&mut written, 0.98).map(f64::to_bits);
            assert_eq!(counted_quantile(&counted, 0.98).map(f64::to_bits), selected);
        }
    }

    #[test]
    fn levels_are_the_same_whether_counted_or_selected() {
        let values: Vec<f32> = (0..3_000)
            .map(|i| {
                if i % 13 == 0 {
                    f32::NAN
                } else {
                    ((i * 31) % 977) as f32 / 10.0
                }
            })
            .collect();
        let masks: Vec<u16> = (0..3_000)
            .map(|i| if i % 7 == 0 { flag::RANGE } else { 0 })
            .collect();
        let counted = effect(&values, &masks);
        let selected = Readings {
            values: &values,
            masks: &masks,
            decimals: values.iter().map(|&value| decimal(value)).collect(),
            counted: None,
        };
        assert_eq!(counted.all, selected.level(0));
        assert_eq!(counted.unflagged, selected.level(u16::MAX));
        assert_eq!(counted.without["range"], selected.level(flag::RANGE));
        assert_eq!(
            counted.unflagged.hours
                + values
                    .iter()
                    .zip(&masks)
                    .filter(|(v, m)| !v.is_nan() && **m != 0)
                    .count() as u64,
            counted.all.hours
        );
    }
}
