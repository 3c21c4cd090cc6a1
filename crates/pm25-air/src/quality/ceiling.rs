//! A pile of readings at an instrument's full scale.
//!
//! Not a large reading: a single 985 may be smog. An instrument at its stop writes the same number again and again,
//! and nothing just below it.

use crate::quality::runs::{HighLevels, Level};

/// Where the scales of common instruments and displays end, µg/m³. 985 is a beta attenuation monitor's span of
/// 1 mg/m³ less its offset of 15 (1985 and 9985 with wider ranges); 999, 999.99 and 1000 end three-digit displays,
/// 999.9 and 1999.9 the SDS011's for PM2.5 and PM10 (its data sheet), 10000 the wide range.
/// Station files of CPCB have 985 292 times (KA009), 999.99 and 1000. Ascending.
const FULL_SCALES: [f32; 10] = [
    985.0, 995.0, 999.0, 999.9, 999.99, 1_000.0, 1_985.0, 1_999.9, 9_985.0, 10_000.0,
];
/// So many hours make a pile, if some of them follow one another: an instrument at its stop stays there. AirMonitor's quality
/// control of the USFS's monitors likewise wants such a value twice in a row (`utils-QC.R`); the number is ours.
const HELD_HOURS_MIN: u32 = 5;
/// So many make one wherever they stand: a day; ours. Fewer single hours are spikes.
const HOURS_MIN: u32 = 24;
/// The pile must outnumber all readings in this share of the scale below it; ours.
const BELOW_SHARE: f32 = 0.1;

/// The full scales that raw readings pile up at, ascending, whatever the step between them.
pub fn full_scales(readings: &[f32]) -> Vec<f32> {
    let is_full = |value: &f32| FULL_SCALES[0] <= *value && FULL_SCALES.contains(value);
    if !readings.iter().any(is_full) {
        return Vec::new();
    }
    let mut scales = FullScales::default();
    scales.push(readings);
    scales.end()
}

/// The same of readings that come in pieces.
#[derive(Clone, Debug)]
pub struct FullScales(HighLevels);

impl Default for FullScales {
    fn default() -> Self {
        // What lies lower is looked at by no pile.
        Self(HighLevels::from((1.0 - BELOW_SHARE) * FULL_SCALES[0]))
    }
}

impl FullScales {
    /// Further readings.
    pub fn push(&mut self, readings: &[f32]) {
        self.0.push(readings);
    }

    /// As [`full_scales`] of all of them.
    pub fn end(self) -> Vec<f32> {
        piles(&self.0.end())
    }
}

/// The hours at a full scale that readings pile up at. `levels` are those of `values`.
pub fn hours(values: &[f32], levels: &[Level]) -> Vec<u32> {
    let piles = piles(levels);
    if piles.is_empty() {
        return Vec::new();
    }
    let at_pile = (0_u32..)
        .zip(values)
        .filter(|(_, value)| piles.contains(value));
    at_pile.map(|(hour_idx, _)| hour_idx).collect()
}

fn piles(levels: &[Level]) -> Vec<f32> {
    let piles = levels
        .iter()
        .filter(|level| FULL_SCALES.contains(&level.value) && is_pile(level, levels));
    piles.map(|level| level.value).collect()
}

fn is_pile(pile: &Level, levels: &[Level]) -> bool {
    let from = (1.0 - BELOW_SHARE) * pile.value;
    let below = levels
        .iter()
        .filter(|level| from <= level.value && level.value < pile.value);
    let is_held = pile.runs < pile.hours && HELD_HOURS_MIN <= pile.hours;
    (is_held || HOURS_MIN <= pile.hours) && below.map(|level| level.hours).sum::<u32>() < pile.hours
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quality::runs::Stretches;

    fn found(values: &[f32]) -> Vec<u32> {
        hours(values, &Stretches::of(values).levels)
    }

    #[test]
    fn a_pile_at_full_scale_is_found_in_every_hour() {
        let mut values: Vec<f32> = (0..400).map(|hour| 20.0 + (hour % 90) as f32).collect();
        for hour in [30, 31, 32, 90, 200, 201] {
            values[hour] = 985.0;
        }
        assert_eq!(found(&values), [30, 31, 32, 90, 200, 201]);
    }

    #[test]
    fn two_scales_may_stand_above_each_other_and_codes_above_both() {
        let mut readings = vec![5.0, f32::NAN];
        readings.extend([985.0; 6]);
        readings.extend([999.99; 7]);
        readings.push(f32::INFINITY);
        assert_eq!(full_scales(&readings), [985.0, 999.99]);
        assert!(full_scales(&readings[..6]).is_empty());
    }

    #[test]
    fn smog_that_passes_through_is_left() {
        let mut values: Vec<f32> = (0..400).map(|hour| 850.0 + (hour % 160) as f32).collect();
        values[3] = 985.0;
        assert!(found(&values).is_empty());
        assert!(found(&[999.0, 20.0, 30.0, 40.0]).is_empty());
        assert!(found(&[500.0; 30]).is_empty());
    }

    #[test]
    fn single_hours_are_no_pile_until_they_are_many() {
        let at_stop = |n: usize, step: usize| -> Vec<u32> {
            let mut values: Vec<f32> = (0..400).map(|hour| 20.0 + (hour % 90) as f32).collect();
            (0..n).for_each(|at| values[10 + step * at] = 985.0);
            found(&values)
        };
        assert!(at_stop(6, 15).is_empty() && at_stop(23, 15).is_empty());
        assert_eq!(at_stop(24, 15).len(), 24);
        assert_eq!(at_stop(5, 1), [10, 11, 12, 13, 14]);
        assert!(at_stop(4, 1).is_empty());
    }

    #[test]
    fn pieces_make_the_piles_of_the_whole() {
        let mut readings: Vec<f32> = (0..300).map(|hour| 900.0 + (hour % 120) as f32).collect();
        for hour in [30, 31, 32, 33, 34, 35, 90, 91, 92, 200, 201, 202] {
            readings[hour] = 985.0;
        }
        readings[32] = f32::NAN;
        let whole = full_scales(&readings);
        for at in [1, 31, 32, 33, 91, 150] {
            let mut scales = FullScales::default();
            readings.chunks(at).for_each(|piece| scales.push(piece));
            assert_eq!(scales.end(), whole, "{at}");
        }
        readings.retain(|value| value.is_nan() || !(886.0..985.0).contains(value));
        assert_eq!(full_scales(&readings), [985.0]);
    }
}
