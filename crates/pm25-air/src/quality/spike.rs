//! One hour, or three, far above what surrounds them.
//!
//! Not an episode: smoke, haze and fireworks rise and fall over hours. A spike must therefore be twice its
//! surroundings besides being far above them.
//!
//! ```text
//! isolated hour     40  42  180  45  41          180 - 42 and 180 - 45 are above 50, and 180 is above 2 x 45
//! cluster           40  220 260 210  45          the mean of the three is 100 above both 40 and 45
//! episode           40  130 230 320 260 180      neither
//! ```

use crate::Quantity;

/// NOAA's quality control of AirNow PM2.5 (`qc_site_pm25.f90`): an isolated hour is more than 50 µg/m³ above both
/// neighbours.
const ISOLATED_UG_M3: f32 = 50.0;
/// The same program: the mean of three hours is more than 100 µg/m³ above the hours before and after them.
const CLUSTER_UG_M3: f32 = 100.0;
/// PM10 jumps by twice as much; ours.
const PM10_TIMES: f32 = 2.0;
/// In severe haze 50 µg/m³ are an hour's ordinary change. NOAA's two conditions alone mark 395 hours of the nine
/// UCI Beijing stations, with this one 121; ours.
const ABOVE_TIMES: f32 = 2.0;

/// Hours far above both neighbours; both must be there. None for what is not a particle.
pub fn isolated(values: &[f32], quantity: Quantity) -> Vec<u32> {
    let Some(times) = scale(quantity) else {
        return Vec::new();
    };
    let stands_out = |w: &[f32]| far_above(w[1], w[0], w[2], times * ISOLATED_UG_M3);
    (1_u32..)
        .zip(values.windows(3))
        .filter(|(_, w)| stands_out(w))
        .map(|(hour_idx, _)| hour_idx)
        .collect()
}

/// Three hours whose mean is far above the hour before and the hour after; all five must be there.
pub fn cluster(values: &[f32], quantity: Quantity) -> Vec<u32> {
    let Some(times) = scale(quantity) else {
        return Vec::new();
    };
    let stands_out = |w: &[f32]| {
        let mean = (w[1] + w[2] + w[3]) / 3.0;
        far_above(mean, w[0], w[4], times * CLUSTER_UG_M3)
    };
    let mut hours: Vec<u32> = (1_u32..)
        .zip(values.windows(5))
        .filter(|(_, w)| stands_out(w))
        .flat_map(|(first, _)| first..first + 3)
        .collect();
    hours.sort_unstable();
    hours.dedup();
    hours
}

const fn scale(quantity: Quantity) -> Option<f32> {
    match quantity {
        Quantity::Pm25 => Some(1.0),
        Quantity::Pm10 => Some(PM10_TIMES),
        _ => None,
    }
}

/// False where anything is NaN.
fn far_above(value: f32, before: f32, after: f32, by: f32) -> bool {
    by < value - before
        && by < value - after
        && ABOVE_TIMES * before < value
        && ABOVE_TIMES * after < value
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAN: f32 = f32::NAN;

    #[test]
    fn an_isolated_hour_is_found_and_an_episode_left() {
        let spike = [40.0, 42.0, 180.0, 45.0, 41.0];
        assert_eq!(isolated(&spike, Quantity::Pm25), [2]);
        let episode = [40.0, 130.0, 230.0, 320.0, 260.0, 180.0, 90.0];
        assert!(isolated(&episode, Quantity::Pm25).is_empty());
        assert!(cluster(&episode, Quantity::Pm25).is_empty());
        // An hour's ordinary change within haze.
        assert!(isolated(&[500.0, 560.0, 505.0], Quantity::Pm25).is_empty());
        // Nobody knows how it went on.
        assert!(isolated(&[40.0, 180.0, NAN, 40.0], Quantity::Pm25).is_empty());
    }

    #[test]
    fn the_thresholds_are_exclusive() {
        assert!(isolated(&[10.0, 60.0, 10.0], Quantity::Pm25).is_empty());
        assert_eq!(isolated(&[10.0, 60.1, 10.0], Quantity::Pm25), [1]);
        assert!(isolated(&[10.0, 100.0, 10.0], Quantity::Pm10).is_empty());
        assert!(isolated(&[0.1, 90.0, 0.1], Quantity::O3).is_empty());
        assert!(isolated(&[60.0, 120.0, 20.0], Quantity::Pm25).is_empty());
    }

    #[test]
    fn three_hours_are_found_together() {
        let values = [41.0, 40.0, 220.0, 260.0, 210.0, 45.0, 44.0];
        assert_eq!(cluster(&values, Quantity::Pm25), [2, 3, 4]);
        assert!(isolated(&values, Quantity::Pm25).is_empty());
        let four = [40.0, 220.0, 260.0, 210.0, 230.0, 45.0];
        assert!(cluster(&four, Quantity::Pm25).is_empty());
    }
}
