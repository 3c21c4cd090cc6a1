//! A signal of one station as features may see it: doubtful values hidden, hours off the grid missing.
//!
//! ```text
//! station grid              hour_idx  0   1   2   3   4   5          rows asked for: 1 .. 4, history 3 h
//! series       -2  -1   0   1   2   3
//!               ·   ·   x   x   x   x                                · = missing
//!  index        0   1   2   3   4   5                                the row r has its hour t at history + r
//! ```

use super::exact::{VALUE_MAX, steps};
use super::{Local, Signal, WindowStat};
use crate::{Quantity, Station, flag};
use std::ops::Range;

/// One signal over the history and the rows.
pub(super) struct Series {
    /// Hours before the first row.
    pub(super) history: usize,
    /// Values; NaN = missing.
    pub(super) visible: Vec<f32>,
    /// What windows are summed from.
    pub(super) before: Before,
}

/// Sums over the hours before each index, so that a window's is the difference of two; one longer than the series.
/// All are integers, so where the series begins does not show in a difference. Those that no feature needs are empty.
#[derive(Default)]
pub(super) struct Before {
    /// Hours present.
    pub(super) present: Vec<u32>,
    /// Steps of the values, modulo 2^64: the difference over a window fits.
    pub(super) sum: Vec<i64>,
    /// Squares of the steps.
    pub(super) squares: Vec<i128>,
    /// Index, its square (both modulo 2^64), and index times steps, of the hours present.
    pub(super) moments: Vec<(i64, i64, i128)>,
}

/// Which sums are needed, and how far back the series goes.
#[derive(Copy, Clone, Default)]
pub(super) struct Needs {
    pub(super) history_h: u16,
    squares: bool,
    moments: bool,
}

impl Needs {
    /// What has to be there for one more feature whose oldest input lies `oldest_h` before t.
    pub(super) fn add(&mut self, local: Local, oldest_h: u16) {
        self.history_h = self.history_h.max(oldest_h);
        if let Local::Window { stat, .. } = local {
            self.squares |= stat == WindowStat::Std;
            self.moments |= stat == WindowStat::Slope;
        }
    }
}

impl Series {
    /// The signal from its history before the first of `hours` to the last of them.
    pub(super) fn new(
        station: &Station,
        signal: Signal,
        needs: Needs,
        hours: Range<usize>,
    ) -> Self {
        let history = usize::from(needs.history_h);
        let visible = match signal {
            Signal::Measured(quantity) => measured(station, quantity, history, hours),
            Signal::WindU => wind(station, libm::sin, history, hours),
            Signal::WindV => wind(station, libm::cos, history, hours),
        };
        Self {
            history,
            before: Before::new(&visible, needs),
            visible,
        }
    }
}

impl Before {
    fn new(visible: &[f32], needs: Needs) -> Self {
        let present = running(visible, 0_u32, |n_present, _, _| n_present + 1);
        let sum = running(visible, 0_i64, |sum, _, steps| sum.wrapping_add(steps));
        let mut before = Self {
            present,
            sum,
            ..Self::default()
        };
        if needs.squares {
            before.squares = running(visible, 0, |squares, _, steps| {
                squares + i128::from(steps) * i128::from(steps)
            });
        }
        if needs.moments {
            before.moments = running(
                visible,
                (0, 0, 0),
                |(first, second, product), idx, steps| {
                    let idx = idx as i64;
                    (
                        first.wrapping_add(idx),
                        second.wrapping_add(idx.wrapping_mul(idx)),
                        product + i128::from(idx) * i128::from(steps),
                    )
                },
            );
        }
        before
    }
}

/// What has been gathered before each index, and at the end.
fn running<T: Copy>(visible: &[f32], start: T, add: impl Fn(T, usize, i64) -> T) -> Vec<T> {
    let mut gathered = start;
    let mut before = Vec::with_capacity(visible.len() + 1);
    before.push(gathered);
    for (idx, &value) in visible.iter().enumerate() {
        if !value.is_nan() {
            gathered = add(gathered, idx, steps(value));
        }
        before.push(gathered);
    }
    before
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
        // The slot keeps the one NaN that is written everywhere, whatever bits the source's NaN has; and adding 0
        // leaves no negative zero, of which nobody could say whether it is smaller than the other.
        if mask & flag::HIDES_FEATURE == 0 && value.abs() <= VALUE_MAX {
            *slot = value + 0.0;
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

    fn two_hours() -> Needs {
        Needs {
            history_h: 2,
            ..Needs::default()
        }
    }

    fn of(station: &Station, signal: Signal) -> f32 {
        Series::new(station, signal, Needs::default(), 1..2).visible[0]
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
            two_hours(),
            1..5,
        );
        let seen: Vec<Option<f32>> = series
            .visible
            .iter()
            .map(|v| (!v.is_nan()).then_some(*v))
            .collect();
        assert_eq!(seen, [None, Some(1.0), Some(2.0), Some(3.0), None, None]);
        assert_eq!(series.before.present, [0, 0, 1, 2, 3, 3, 3]);
        let beyond = Series::new(
            &station(1.0, 1.0),
            Signal::Measured(Quantity::Pm10),
            two_hours(),
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
                "flatline",
                "ceiling",
                "unit",
            ];
            assert_eq!(hidden, !stays.contains(&name), "{name}");
        }
    }

    #[test]
    fn what_nothing_can_measure_is_missing_and_zero_has_one_sign() {
        let mut station = station(1.0, 1.0);
        let mut pm10 = |value| {
            station.values[Quantity::Pm10.index()][1] = value;
            of(&station, Signal::Measured(Quantity::Pm10))
        };
        assert!(pm10(2.0 * VALUE_MAX).is_nan() && pm10(f32::MIN).is_nan());
        assert_eq!(pm10(-VALUE_MAX), -VALUE_MAX);
        assert_eq!(pm10(-0.0).to_bits(), 0.0_f32.to_bits());
    }
}
