//! Readings finer than an hour become hourly values, if at least three quarters of them are there.
//!
//! The hour is the local clock's. A mean for most quantities, a sum for rain, the direction of the mean vector for
//! wind direction. Not a repair: what is missing is not filled in.

use pm25_air::civil::HOUR_S;
use pm25_air::{Quantity, flag};

use crate::count::{Reason, Tally};
use crate::duplicate::Duplicates;
use crate::hourly::{Part, set_values};
use crate::layout::Layout;
use crate::number::as_written;
use crate::rows::{Rows, SENTINEL};

/// Of four expected readings three must be there: the 75 % that 40 CFR 50 App. N asks of a day.
const PRESENT_OF_FOUR: usize = 3;
/// A mean wind vector shorter than this has no direction.
const VECTOR_MIN: f64 = 1e-6;

/// How fine the readings are.
pub(crate) struct Finer {
    /// Readings that make a whole hour.
    expected: usize,
}

impl Finer {
    /// For readings `step_s` seconds apart, less than an hour.
    pub(crate) fn of(step_s: i64) -> Self {
        Self {
            expected: (HOUR_S / step_s.max(1)).max(1) as usize,
        }
    }

    fn suffices(&self, n_readings: usize) -> bool {
        PRESENT_OF_FOUR * self.expected <= 4 * n_readings
    }
}

/// The hours of one station.
pub(crate) fn part(
    rows: &mut Rows,
    layout: &Layout,
    station: &[u32],
    finer: &Finer,
    tally: &mut Tally,
) -> Part {
    let (part, tallies) = part_by_column(rows, layout, station, finer);
    for of_column in tallies {
        tally.append(of_column, 0);
    }
    part
}

/// The same with what is counted of whole rows, and then of each column.
pub(crate) fn part_by_column(
    rows: &mut Rows,
    layout: &Layout,
    station: &[u32],
    finer: &Finer,
) -> (Part, Vec<Tally>) {
    let mut tally = Tally::default();
    let first_s = station
        .iter()
        .map(|&row| rows.stamp_s[row as usize])
        .min()
        .unwrap_or(0);
    let offset_s = 60 * i64::from(Part::empty(rows, layout, station, first_s).utc_offset_min);
    // The local clock's full hour at or before the first reading.
    let start_s = first_s - (first_s + offset_s).rem_euclid(HOUR_S);
    let mut part = Part::empty(rows, layout, station, start_s);
    let (kept, duplicates) = without_duplicates(rows, layout, station, &mut tally);
    let rows = &*rows;
    let hour_of = |row: u32| ((rows.stamp_s[row as usize] - start_s) / HOUR_S) as usize;
    let n_hours = kept.last().map_or(0, |&row| hour_of(row) + 1);
    part.line = vec![0; n_hours];
    part.n_lines = vec![0; n_hours];
    for &row in kept.iter().chain(&duplicates.filling) {
        let hour_idx = hour_of(row);
        let line = &mut part.line[hour_idx];
        if *line == 0 {
            *line = rows.line[row as usize];
        }
        part.n_lines[hour_idx] = part.n_lines[hour_idx].saturating_add(1);
    }
    tally.averaged += (kept.len() + duplicates.filling.len()) as u64;
    let mut tallies = vec![tally];
    for (column_idx, column) in layout.mapped.iter().enumerate() {
        let mut tally = Tally::default();
        let mut values = vec![f32::NAN; n_hours];
        let readings = Readings {
            values: &rows.values[column_idx],
            ceilings: rows.ceilings.get(column_idx).map_or(&[][..], Vec::as_slice),
            quantity: column.quantity,
            column_idx,
            duplicates: &duplicates,
        };
        for hour in kept.chunk_by(|&a, &b| hour_of(a) == hour_of(b)) {
            values[hour_of(hour[0])] = of_hour(rows, &readings, hour, finer, &mut tally);
        }
        if column.quantity == Quantity::Pm25 {
            let hours_with_lines = part
                .line
                .iter()
                .zip(&values)
                .filter(|(line, _)| **line != 0);
            part.pm25_incomplete =
                hours_with_lines.filter(|(_, value)| value.is_nan()).count() as u64;
        }
        set_values(&mut part, column.quantity, values);
        tallies.push(tally);
    }
    if !rows.channels[0].is_empty() {
        part.channels = [0, 1].map(|channel: usize| {
            let mut means = vec![f32::NAN; n_hours];
            for hour in kept.chunk_by(|&a, &b| hour_of(a) == hour_of(b)) {
                means[hour_of(hour[0])] = mean_of(&rows.channels[channel], hour, finer);
            }
            means
        });
    }
    for &(row, quantity) in &duplicates.conflicts {
        part.flag(quantity, hour_of(row), flag::CONFLICT);
    }
    (part, tallies)
}

/// The rows in the order of time, the first of those with the same stamp; and what the later ones say.
fn without_duplicates(
    rows: &mut Rows,
    layout: &Layout,
    station: &[u32],
    tally: &mut Tally,
) -> (Vec<u32>, Duplicates) {
    let mut sorted = station.to_vec();
    sorted.sort_by_key(|&row| rows.stamp_s[row as usize]);
    let mut kept: Vec<u32> = Vec::with_capacity(sorted.len());
    let mut duplicates = Duplicates::default();
    for row in sorted {
        match kept.last() {
            Some(&first) if rows.stamp_s[first as usize] == rows.stamp_s[row as usize] => {
                duplicates.lay_over(rows, layout, (first, row), tally);
            }
            _ => kept.push(row),
        }
    }
    (kept, duplicates)
}

/// One quantity's readings.
struct Readings<'a> {
    values: &'a [f32],
    ceilings: &'a [f32],
    quantity: Quantity,
    column_idx: usize,
    duplicates: &'a Duplicates,
}

/// One quantity of one hour: NaN if too few readings are there, the code for "no value" if codes are the reason.
fn of_hour(
    rows: &Rows,
    readings: &Readings,
    hour: &[u32],
    finer: &Finer,
    tally: &mut Tally,
) -> f32 {
    let quantity = readings.quantity;
    let mut values = Vec::with_capacity(hour.len());
    let mut saw_sentinel = false;
    for &row in hour {
        let value = readings.values[row as usize];
        let row = readings.duplicates.origin(readings.column_idx, row);
        if value == SENTINEL {
            saw_sentinel = true;
            continue;
        }
        if value.is_nan() {
            continue;
        }
        let left_out = if !quantity.possible().contains(&value) {
            Reason::CellImpossible
        } else if readings.ceilings.contains(&value) {
            Reason::CellCeiling
        } else if rows.flag_of(row) != 0 {
            Reason::CellInvalid
        } else {
            values.push(as_written(value));
            continue;
        };
        let text = || format!("{} {}", quantity.column(), as_written(value));
        tally.note(left_out, u64::from(rows.line[row as usize]), text);
    }
    if finer.suffices(values.len()) {
        return hourly_value(quantity, &values);
    }
    if saw_sentinel { SENTINEL } else { f32::NAN }
}

/// The mean of what is there of a channel; NaN if that is too little.
fn mean_of(values: &[f32], hour: &[u32], finer: &Finer) -> f32 {
    let there = hour
        .iter()
        .map(|&row| values[row as usize])
        .filter(|value| value.is_finite());
    let there: Vec<f64> = there.map(as_written).collect();
    if !finer.suffices(there.len()) {
        return f32::NAN;
    }
    (there.iter().sum::<f64>() / there.len() as f64) as f32
}

fn hourly_value(quantity: Quantity, readings: &[f64]) -> f32 {
    let sum: f64 = readings.iter().sum();
    match quantity {
        Quantity::Rain => sum as f32,
        Quantity::WindDir => mean_direction(readings),
        _ => (sum / readings.len() as f64) as f32,
    }
}

/// Degrees of the mean of unit vectors; NaN if they cancel out.
fn mean_direction(degrees: &[f64]) -> f32 {
    let radians = || degrees.iter().map(|degree| degree.to_radians());
    let east: f64 = radians().map(libm::sin).sum();
    let north: f64 = radians().map(libm::cos).sum();
    if libm::hypot(east, north) < VECTOR_MIN * degrees.len() as f64 {
        return f32::NAN;
    }
    libm::atan2(east, north).to_degrees().rem_euclid(360.0) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_are_averaged_around_north() {
        let mean = mean_direction(&[350.0, 10.0]);
        assert!(!(0.001..359.999).contains(&mean), "{mean}");
        assert!((mean_direction(&[80.0, 100.0]) - 90.0).abs() < 1e-4);
        assert!(mean_direction(&[0.0, 180.0]).is_nan());
    }

    #[test]
    fn three_quarters_suffice() {
        let quarter_hours = Finer::of(900);
        assert!(quarter_hours.suffices(3) && !quarter_hours.suffices(2));
        let ten_minutes = Finer::of(600);
        assert!(ten_minutes.suffices(5) && !ten_minutes.suffices(4));
        let minutes = Finer::of(60);
        assert!(minutes.suffices(45) && !minutes.suffices(44));
        let sds011 = Finer::of(147);
        assert!(sds011.suffices(18) && !sds011.suffices(17));
    }

    #[test]
    fn rain_adds_up_and_the_rest_is_averaged() {
        assert_eq!(hourly_value(Quantity::Rain, &[0.2, 0.0, 0.4]), 0.6);
        assert_eq!(hourly_value(Quantity::Pm25, &[10.0, 20.0, 60.0]), 30.0);
    }
}
