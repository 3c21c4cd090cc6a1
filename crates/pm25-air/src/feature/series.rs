//! A signal of one station as features may see it: doubtful values hidden, hours off the grid missing.
//!
//! ```text
//! station grid              hour_idx  0   1   2   3   4   5          rows asked for: 1 .. 4, history 3 h
//! series       -2  -1   0   1   2   3
//!               ·   ·   x   x   x   x                                · = missing
//!  index        0   1   2   3   4   5                                the row r has its hour t at history + r
//! ```

use super::Signal;
use crate::{Quantity, Station, flag};
use std::ops::Range;

/// One signal over the history and the rows; `visible` and `filled` are as long as both, `present_before` is one
/// longer.
pub(super) struct Series {
    /// Hours before the first row.
    pub(super) history: usize,
    /// Values; NaN = missing.
    pub(super) visible: Vec<f32>,
    /// Values; 0 = missing. What sums run over.
    pub(super) filled: Vec<f64>,
    /// Hours present before each index.
    pub(super) present_before: Vec<u32>,
}

impl Series {
    /// The signal from `history` hours before the first of `hours` to the last of them.
    pub(super) fn new(
        station: &Station,
        signal: Signal,
        history: usize,
        hours: Range<usize>,
    ) -> Self {
        let visible = match signal {
            Signal::Measured(quantity) => measured(station, quantity, history, hours),
            Signal::WindU => wind(station, libm::sin, history, hours),
            Signal::WindV => wind(station, libm::cos, history, hours),
        };
        let filled = visible
            .iter()
            .map(|&value| {
                if value.is_nan() {
                    0.0
                } else {
                    f64::from(value)
                }
            })
            .collect();
        Self {
            history,
            present_before: count_present(&visible),
            filled,
            visible,
        }
    }
}

/// The quantity with hidden values and hours off the grid as NaN.
fn measured(
    station: &Station,
    quantity: Quantity,
    history: usize,
    hours: Range<usize>,
) -> Vec<f32> {
    let (values, flags) = (station.values(quantity), station.flags(quantity));
    let on_grid = hours.start.saturating_sub(history)..hours.end.min(values.len());
    let mut visible = vec![f32::NAN; history + hours.len()];
    if on_grid.is_empty() {
        return visible;
    }
    let first = history - (hours.start - on_grid.start);
    let seen = values[on_grid.clone()].iter().zip(&flags[on_grid]);
    for (slot, (&value, &mask)) in visible[first..].iter_mut().zip(seen) {
        // The slot keeps the one NaN that is written everywhere, whatever bits the source's NaN has.
        if mask & flag::HIDES_FEATURE == 0 && !value.is_nan() {
            *slot = value;
        }
    }
    visible
}

/// A component of the vector in which the air moves. The direction is where the wind comes from, hence the minus; calm
/// has no direction and is 0.
fn wind(
    station: &Station,
    component: fn(f64) -> f64,
    history: usize,
    hours: Range<usize>,
) -> Vec<f32> {
    let speeds = measured(station, Quantity::WindSpeed, history, hours.clone());
    let directions = measured(station, Quantity::WindDir, history, hours);
    let along = |(&speed, &degrees): (&f32, &f32)| {
        if speed == 0.0 {
            return 0.0;
        }
        if speed.is_nan() || degrees.is_nan() {
            return f32::NAN;
        }
        (-f64::from(speed) * component(f64::from(degrees).to_radians())) as f32
    };
    speeds.iter().zip(&directions).map(along).collect()
}

fn count_present(visible: &[f32]) -> Vec<u32> {
    let mut n_present = 0;
    let mut before = Vec::with_capacity(visible.len() + 1);
    before.push(0);
    for value in visible {
        n_present += u32::from(!value.is_nan());
        before.push(n_present);
    }
    before
}

#[cfg(test)]
mod tests {
    use super::*;

    fn station(speed: f32, degrees: f32) -> Station {
        let mut station = Station::new("a", 0, 0);
        station.values = std::array::from_fn(|_| vec![1.0, 2.0, 3.0]);
        station.flags = std::array::from_fn(|_| vec![0; 3]);
        station.values[Quantity::WindSpeed.index()] = vec![speed; 3];
        station.values[Quantity::WindDir.index()] = vec![degrees; 3];
        station
    }

    fn of(station: &Station, signal: Signal) -> f32 {
        Series::new(station, signal, 0, 1..2).visible[0]
    }

    #[test]
    fn wind_from_the_west_moves_air_to_the_east() {
        let west = station(2.0, 270.0);
        assert!((of(&west, Signal::WindU) - 2.0).abs() < 1e-6);
        assert!(of(&west, Signal::WindV).abs() < 1e-6);
        let north = station(2.0, 0.0);
        assert!((of(&north, Signal::WindV) + 2.0).abs() < 1e-6);
    }

    #[test]
    fn calm_is_zero_without_a_direction() {
        let calm = station(0.0, f32::NAN);
        assert_eq!(of(&calm, Signal::WindU).to_bits(), 0.0_f32.to_bits());
        assert!(of(&station(1.0, f32::NAN), Signal::WindU).is_nan());
        assert!(of(&station(f32::NAN, 90.0), Signal::WindU).is_nan());
    }

    #[test]
    fn hours_off_the_grid_are_missing() {
        let series = Series::new(
            &station(1.0, 1.0),
            Signal::Measured(Quantity::Pm10),
            2,
            1..5,
        );
        let seen: Vec<Option<f32>> = series
            .visible
            .iter()
            .map(|v| (!v.is_nan()).then_some(*v))
            .collect();
        assert_eq!(seen, [None, Some(1.0), Some(2.0), Some(3.0), None, None]);
        assert_eq!(series.present_before, [0, 0, 1, 2, 3, 3, 3]);
        let beyond = Series::new(
            &station(1.0, 1.0),
            Signal::Measured(Quantity::Pm10),
            2,
            9..11,
        );
        assert!(beyond.visible.iter().all(|value| value.is_nan()));
        assert_eq!(beyond.visible.len(), 4);
    }

    #[test]
    fn faulty_values_are_hidden_and_unusual_ones_are_not() {
        for (bit, name) in flag::ALL {
            let mut station = station(1.0, 1.0);
            station.flags[Quantity::Pm10.index()][1] = bit;
            let hidden = of(&station, Signal::Measured(Quantity::Pm10)).is_nan();
            let stays = [
                "spike",
                "cluster",
                "histogram_gap",
                "detection_limit",
                "pm_ratio",
                "negative",
                "neighbour",
            ];
            assert_eq!(hidden, !stays.contains(&name), "{name}");
        }
    }
}
