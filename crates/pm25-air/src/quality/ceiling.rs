//! A pile of readings at an instrument's full scale.
//!
//! Not a large reading: a single 985 may be smog. An instrument at its stop writes the same number again and again,
//! and nothing just below it.

use crate::quality::runs::{Level, Run, hours_of};

/// Where the scales of common instruments and displays end, µg/m³. 985 is a beta attenuation monitor's span of
/// 1 mg/m³ less its offset of 15; 999, 999.99 and 1000 end three-digit displays, 9985 and 10000 the wide range.
/// Station files of CPCB have 985 292 times (KA009), 999.99 and 1000.
const FULL_SCALES: [f32; 8] = [
    985.0, 995.0, 999.0, 999.9, 999.99, 1_000.0, 9_985.0, 10_000.0,
];
/// So many hours make a pile; ours.
const HOURS_MIN: u32 = 5;
/// The pile must outnumber all readings in this share of the scale below it; ours.
const BELOW_SHARE: f32 = 0.1;

/// The hours at a full scale that readings pile up at. `levels` are those of `runs`.
pub fn hours(values: &[f32], runs: &[Run], levels: &[Level]) -> Vec<u32> {
    let piles: Vec<f32> = levels
        .iter()
        .filter(|level| FULL_SCALES.contains(&level.value) && is_pile(level, levels))
        .map(|level| level.value)
        .collect();
    if piles.is_empty() {
        return Vec::new();
    }
    runs.iter()
        .filter(|run| piles.contains(&run.value))
        .flat_map(|run| hours_of(run, values))
        .collect()
}

fn is_pile(pile: &Level, levels: &[Level]) -> bool {
    let from = (1.0 - BELOW_SHARE) * pile.value;
    let below = levels
        .iter()
        .filter(|level| from <= level.value && level.value < pile.value);
    HOURS_MIN <= pile.hours && below.map(|level| level.hours).sum::<u32>() < pile.hours
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quality::runs::{levels, runs};

    fn found(values: &[f32]) -> Vec<u32> {
        let runs = runs(values);
        hours(values, &runs, &levels(&runs))
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
    fn smog_that_passes_through_is_left() {
        let mut values: Vec<f32> = (0..400).map(|hour| 850.0 + (hour % 160) as f32).collect();
        values[3] = 985.0;
        assert!(found(&values).is_empty());
        assert!(found(&[999.0, 20.0, 30.0, 40.0]).is_empty());
        assert!(found(&[500.0; 30]).is_empty());
    }
}
