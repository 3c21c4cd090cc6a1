//! A PM2.5 concentration as an exact fraction, so that truncation and rounding do what the rules say.
//!
//! Not an f64: the mean of 24 hours of 9.1 µg/m³ is 9.099999999999996 there, which the US rule truncates to 9.0 and calls
//! "Good". Here hours are whole picograms and means are fractions of them.

/// Picograms in a microgram.
const PG: i64 = 1_000_000;

/// The largest hour that is taken, µg/m³: a hundred times the worst ever measured.
const UG_MAX: f64 = 1_000_000.0;

/// A concentration: `pg / n` picograms in a cubic metre.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Level {
    pg: i64,
    n: i64,
}

impl Level {
    /// One hour's value, µg/m³, taken as the shortest decimal that reads back as it (4.2, not 4.199999809); nothing for
    /// a missing one (NaN) or what no air has.
    pub fn of_hour(ug_m3: f32) -> Option<Self> {
        if ug_m3.is_nan() || UG_MAX < f64::from(ug_m3).abs() {
            return None;
        }
        let pg = f64::from(ug_m3) * PG as f64;
        // An f32 has seven digits: below 10 µg/m³ they all lie before the sixth decimal; above, the nearest multiple
        // of the last digit's place is the decimal that was written.
        let place = decimal_place(ug_m3);
        let pg = (pg / place as f64).round_ties_even() as i64 * place;
        Some(Self { pg, n: 1 })
    }

    /// The mean of the hours present (NaN = missing); nothing if they are fewer than `hours_least`.
    pub fn mean(hours_ug_m3: &[f32], hours_least: usize) -> Option<Self> {
        let hours: Vec<Self> = hours_ug_m3
            .iter()
            .filter_map(|&hour| Self::of_hour(hour))
            .collect();
        let n = hours.len();
        (hours_least.max(1) <= n).then(|| Self {
            pg: hours.iter().map(|hour| hour.pg).sum(),
            n: n as i64,
        })
    }

    /// A number that is no measurement, such as a prediction or a weighted mean, µg/m³, to the picogram; nothing if it
    /// is no concentration.
    pub fn of_number(ug_m3: f64) -> Option<Self> {
        let pg = (ug_m3.abs() <= UG_MAX).then(|| (ug_m3 * PG as f64).round_ties_even() as i64)?;
        Some(Self { pg, n: 1 })
    }

    /// In µg/m³.
    pub fn ug_m3(self) -> f64 {
        self.pg as f64 / (self.n * PG) as f64
    }

    /// Whole tenths of µg/m³; what is less is cut off. Nothing is below 0.
    pub fn tenths_cut(self) -> i64 {
        (10 * self.pg.max(0)) / (self.n * PG)
    }

    /// Whole µg/m³, halves up. Nothing is below 0.
    pub fn whole_half_up(self) -> i64 {
        let unit = self.n * PG;
        (2 * self.pg.max(0) + unit) / (2 * unit)
    }

    /// Whole µg/m³, halves to the even neighbour (GB/T 8170). Nothing is below 0.
    pub fn whole_half_even(self) -> i64 {
        let unit = self.n * PG;
        let (whole, rest) = (self.pg.max(0) / unit, self.pg.max(0) % unit);
        let up = unit < 2 * rest || (2 * rest == unit && whole % 2 == 1);
        whole + i64::from(up)
    }

    /// Whether it is more than `tenths` of µg/m³.
    pub fn is_above_tenths(self, tenths: i64) -> bool {
        tenths * self.n * PG < 10 * self.pg
    }
}

/// The place of the last decimal digit that an f32 of this size is sure of, in picograms: 1 below 10 µg/m³.
fn decimal_place(ug_m3: f32) -> i64 {
    let mut place = 1;
    let mut bound = 10.0;
    while bound <= ug_m3.abs() {
        bound *= 10.0;
        place *= 10;
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_day_of_nine_point_one_is_nine_point_one() {
        for hour in [4.2_f32, 9.1, 35.5, 55.4, 125.4, 225.5] {
            let day = Level::mean(&[hour; 24], 18).unwrap();
            assert_eq!(
                day.tenths_cut(),
                (f64::from(hour) * 10.0).round() as i64,
                "{hour}"
            );
        }
    }

    #[test]
    fn a_mean_needs_its_hours() {
        let mut day = [12.0_f32; 24];
        day[..6].fill(f32::NAN);
        assert_eq!(Level::mean(&day, 18).map(Level::ug_m3), Some(12.0));
        assert_eq!(Level::mean(&day, 19), None);
        assert_eq!(Level::mean(&[], 0), None);
    }

    #[test]
    fn rounding_is_each_rules_own() {
        let level = |ug_m3| Level::of_number(ug_m3).unwrap();
        assert_eq!(level(9.05).tenths_cut(), 90);
        assert_eq!([34.5, 35.5].map(|c| level(c).whole_half_even()), [34, 36]);
        assert_eq!([34.5, 35.49].map(|c| level(c).whole_half_up()), [35, 35]);
        assert_eq!(level(-3.0).tenths_cut(), 0);
        assert_eq!(Level::of_hour(f32::NAN), None);
        assert_eq!(Level::of_number(f64::INFINITY), None);
    }

    proptest! {
        /// Every decimal that an instrument prints comes back as itself.
        #[test]
        fn a_printed_reading_is_exact(tenths in -50_i64..99_999) {
            let hour = (tenths as f64 / 10.0) as f32;
            prop_assert_eq!(Level::of_hour(hour), Some(Level { pg: tenths * PG / 10, n: 1 }));
        }

        #[test]
        fn the_shortest_decimal_is_taken(hundredths in 0_i64..99_999) {
            let hour = (hundredths as f64 / 100.0) as f32;
            let shortest: f64 = hour.to_string().parse().unwrap();
            prop_assert_eq!(Level::of_hour(hour), Level::of_number(shortest));
        }
    }
}
