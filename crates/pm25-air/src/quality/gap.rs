//! Above a wide empty gap in the station's own distribution, reached and left in one leap.
//!
//! Not a spike: the fault may last for days. Not an episode either: smoke that has no equal in the record is still
//! reached through the hours before it.

use crate::quality::runs::Level;

/// NOAA's quality control of AirNow PM2.5 (`qc_site_pm25.f90`): an empty stretch of the histogram of more than
/// 50 µg/m³ where the largest value is at most 200, else of more than 100. There all above it is dropped.
const LOW_MAX_UG_M3: f32 = 200.0;
const LOW_GAP_UG_M3: f32 = 50.0;
const GAP_UG_M3: f32 = 100.0;
/// The episode above the gap must begin and end with a leap of this factor; ours. Without it the seven largest
/// values of the UCI Beijing stations would be marked, all of them nights of fireworks or haze.
const LEAP_TIMES: f32 = 3.0;

/// The hours above the lowest wide gap, where they come and go in a leap. `levels` are those of the same values.
pub fn hours(values: &[f32], levels: &[Level]) -> Vec<u32> {
    let Some(above) = first_above_gap(levels) else {
        return Vec::new();
    };
    let mut hours = Vec::new();
    let mut before = f32::NAN;
    let mut episode: Vec<u32> = Vec::new();
    for (hour_idx, &value) in (0_u32..).zip(values).filter(|(_, value)| !value.is_nan()) {
        if above <= value {
            episode.push(hour_idx);
            continue;
        }
        take_if_it_leaps(values, (before, value), &mut episode, &mut hours);
        before = value;
    }
    take_if_it_leaps(values, (before, f32::NAN), &mut episode, &mut hours);
    hours
}

/// The first value above the lowest wide gap.
fn first_above_gap(levels: &[Level]) -> Option<f32> {
    let largest = levels.last()?.value;
    let wide = if largest <= LOW_MAX_UG_M3 {
        LOW_GAP_UG_M3
    } else {
        GAP_UG_M3
    };
    let gap = levels
        .windows(2)
        .find(|pair| wide < pair[1].value - pair[0].value)?;
    Some(gap[1].value)
}

fn take_if_it_leaps(
    values: &[f32],
    (before, after): (f32, f32),
    episode: &mut Vec<u32>,
    hours: &mut Vec<u32>,
) {
    if let (Some(&first), Some(&last)) = (episode.first(), episode.last()) {
        // At the record's ends there is no neighbour to compare with, and NaN is no small step.
        let is_step = |from: f32, to: f32| to <= LEAP_TIMES * from;
        let rises = is_step(before, values[first as usize]);
        let falls = is_step(after, values[last as usize]);
        if !rises && !falls {
            hours.extend_from_slice(episode);
        }
    }
    episode.clear();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quality::runs::Stretches;

    fn found(values: &[f32]) -> Vec<u32> {
        hours(values, &Stretches::of(values).levels)
    }

    #[test]
    fn a_leap_to_where_nothing_else_is_is_found() {
        let mut values: Vec<f32> = (0..200).map(|hour| 20.0 + (hour % 30) as f32).collect();
        values[100..104].copy_from_slice(&[640.0, 655.0, 640.0, 640.0]);
        assert_eq!(found(&values), [100, 101, 102, 103]);
    }

    #[test]
    fn smoke_that_rises_and_falls_is_left() {
        let mut values: Vec<f32> = (0..200).map(|hour| 20.0 + (hour % 30) as f32).collect();
        let smoke = [
            45.0, 110.0, 290.0, 700.0, 1_847.0, 900.0, 450.0, 210.0, 120.0,
        ];
        values[100..109].copy_from_slice(&smoke);
        assert!(found(&values).is_empty());
    }

    #[test]
    fn a_small_record_has_the_smaller_gap() {
        let mut values: Vec<f32> = (0..100).map(|hour| 5.0 + (hour % 7) as f32).collect();
        values[50] = 70.0;
        assert_eq!(found(&values), [50]);
        values[50] = 55.0;
        assert!(found(&values).is_empty());
        assert!(found(&[]).is_empty() && found(&[f32::NAN, 3.0]).is_empty());
    }
}
