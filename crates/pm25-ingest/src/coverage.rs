//! How much of each local day and month has a value of PM2.5.
//!
//! Not a completeness rule: nothing is refused for being thin.

use jiff::civil::{Date, date};
use pm25_air::civil::{DAY_S, HOUR_S};
use pm25_air::{Quantity, flag};
use pm25_artifact::ingest::Coverage;

use crate::stations::Grid;

/// The days of a station's record, by its local standard clock.
#[derive(Debug)]
pub(crate) struct Days {
    /// The day of the first hour.
    pub(crate) first: Date,
    /// Hours with PM2.5 of each day, 0 to 24.
    pub(crate) present: Vec<u8>,
    /// Hours of each day whose PM2.5 is too doubtful for a feature.
    pub(crate) doubtful: Vec<u8>,
    /// Hours of each day that the record has, 1 to 24.
    hours: Vec<u8>,
}

impl Days {
    /// Of a station.
    pub(crate) fn of(station: &Grid) -> Self {
        let pm25 = station.values(Quantity::Pm25);
        let start_s = station.start_s + 60 * i64::from(station.utc_offset_min);
        let first_hour = (start_s.rem_euclid(DAY_S) / HOUR_S) as usize;
        let n_days = (first_hour + station.n_hours).div_ceil(24);
        let mut present = vec![0; n_days];
        let (mut doubtful, mut hours) = (present.clone(), present.clone());
        let flags = station.flags(Quantity::Pm25);
        for hour_idx in 0..station.n_hours {
            let day = (first_hour + hour_idx) / 24;
            hours[day] += 1;
            let is_there = pm25.get(hour_idx).is_some_and(|value| !value.is_nan());
            present[day] += u8::from(is_there);
            let mask = flags.get(hour_idx).copied().unwrap_or(0);
            doubtful[day] += u8::from(is_there && mask & flag::HIDES_FEATURE != 0);
        }
        Self {
            first: date_of(start_s.div_euclid(DAY_S)),
            present,
            doubtful,
            hours,
        }
    }

    /// Every day with its hours with PM2.5.
    pub(crate) fn dated(&self) -> impl Iterator<Item = (Date, u8)> {
        dates(self.first).zip(self.present.iter().copied())
    }

    /// The same by months.
    pub(crate) fn months(&self) -> Coverage {
        let mut sums: Vec<((i16, i8), u32, u32)> = Vec::new();
        for ((date, present), hours) in self.dated().zip(&self.hours) {
            let month = (date.year(), date.month());
            match sums.last_mut() {
                Some(sum) if sum.0 == month => {
                    sum.1 += u32::from(present);
                    sum.2 += u32::from(*hours);
                }
                _ => sums.push((month, u32::from(present), u32::from(*hours))),
            }
        }
        let share = |present: u32, hours: u32| {
            (1_000.0 * f64::from(present) / f64::from(hours.max(1))).round() / 1_000.0
        };
        Coverage {
            from: format!("{:04}-{:02}", self.first.year(), self.first.month()),
            present_share: sums
                .into_iter()
                .map(|(_, present, hours)| share(present, hours))
                .collect(),
        }
    }
}

/// The date so many days after 1970-01-01. Grids lie between 1970 and 2099.
fn date_of(day: i64) -> Date {
    let epoch = date(1970, 1, 1);
    epoch
        .checked_add(jiff::Span::new().days(day.clamp(-10_000, 60_000)))
        .unwrap_or(epoch)
}

fn dates(first: Date) -> impl Iterator<Item = Date> {
    std::iter::successors(Some(first), |day| day.tomorrow().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn station(pm25: Vec<f32>) -> Grid {
        let n_hours = pm25.len();
        let mut values: [Vec<f32>; 13] = Default::default();
        values[0] = pm25;
        Grid {
            name: "A".to_owned(),
            start_s: 0,
            utc_offset_min: 480,
            n_hours,
            values,
            flags: Default::default(),
            channels: Default::default(),
        }
    }

    #[test]
    fn days_are_local() {
        let mut pm25 = vec![1.0; 30];
        pm25[16] = f32::NAN;
        // From 08:00 in Beijing: 16 hours of the first day, 14 of the second, whose first is missing.
        let days = Days::of(&station(pm25));
        let seen: Vec<(String, u8)> = days.dated().map(|(day, n)| (day.to_string(), n)).collect();
        let expected = [("1970-01-01", 16), ("1970-01-02", 13)];
        assert_eq!(seen, expected.map(|(day, n)| (day.to_owned(), n)));
        let months = days.months();
        assert_eq!(months.from, "1970-01");
        assert_eq!(months.present_share, [0.967]);
    }

    #[test]
    fn months_follow_each_other() {
        let mut pm25 = vec![1.0; 24 * 61];
        pm25[16 + 24 * 30..].fill(f32::NAN);
        let days = Days::of(&station(pm25));
        assert_eq!(days.months().present_share, [1.0, 0.0, 0.0]);
        assert_eq!(Days::of(&station(Vec::new())).present.len(), 1);
    }
}
