//! The climatology: mean PM2.5 of a station's month and local standard hour over the train rows.
//!
//! Month and hour are those of the hour that is predicted. Where a station has no train row for a cell,
//! the mean of its month stands in; then its own mean; for a station never seen, the mean of all rows.

use pm25_air::Task;
use pm25_air::civil::Civil;

use super::{Model, Rows};

/// Months of a year.
pub const N_MONTHS: usize = 12;
/// Hours of a day.
pub const N_HOURS: usize = 24;
const S_PER_H: i64 = 3600;

/// Means in µg/m³; NaN where there is none.
#[derive(Clone, Debug, PartialEq)]
pub struct Climatology {
    /// Mean of all train targets.
    pub overall: f64,
    /// One per station of the model.
    pub station: Vec<f64>,
    /// Stations x 12.
    pub month: Vec<f64>,
    /// Stations x 12 x 24.
    pub hour: Vec<f64>,
}

/// Sum and count on the way to a mean.
#[derive(Clone, Copy, Default)]
struct Sum {
    total: f64,
    n: f64,
}

impl Sum {
    fn add(&mut self, value: f64) {
        self.total += value;
        self.n += 1.0;
    }

    fn mean(self) -> f64 {
        self.total / self.n
    }
}

impl Climatology {
    /// From train rows: (station position, civil time of the predicted hour, target in µg/m³), in row order.
    pub fn fit(
        n_stations: usize,
        rows: impl Iterator<Item = (Option<usize>, Option<Civil>, f32)>,
    ) -> Self {
        let mut overall = Sum::default();
        let mut station = vec![Sum::default(); n_stations];
        let mut month = vec![Sum::default(); n_stations * N_MONTHS];
        let mut hour = vec![Sum::default(); n_stations * N_MONTHS * N_HOURS];
        for (at, civil, target) in rows {
            let target = f64::from(target);
            overall.add(target);
            let Some(at) = at else { continue };
            station[at].add(target);
            let Some(civil) = civil else { continue };
            month[month_at(at, civil)].add(target);
            hour[hour_at(at, civil)].add(target);
        }
        let means = |sums: Vec<Sum>| sums.into_iter().map(Sum::mean).collect();
        Self {
            overall: overall.mean(),
            station: means(station),
            month: means(month),
            hour: means(hour),
        }
    }

    /// The most special mean that is there.
    pub fn usual(&self, station: Option<usize>, civil: Option<Civil>) -> f64 {
        let Some(at) = station else {
            return self.overall;
        };
        let cells = civil.map(|civil| {
            [
                self.hour[hour_at(at, civil)],
                self.month[month_at(at, civil)],
            ]
        });
        cells
            .into_iter()
            .flatten()
            .chain([self.station[at]])
            .find(|mean| !mean.is_nan())
            .unwrap_or(self.overall)
    }

    pub(super) fn predict(&self, model: &Model, rows: &Rows) -> Vec<f64> {
        let places = model.places(rows);
        (0..rows.n_rows)
            .map(|row_idx| {
                let at = places[row_idx];
                let civil = at.zip(rows.time_s).map(|(at, time_s)| {
                    predicted_hour(
                        model.task.into(),
                        time_s[row_idx],
                        model.stations[at].utc_offset_min,
                    )
                });
                self.usual(at, civil)
            })
            .collect()
    }
}

/// Civil time of the hour that a row stamped `time_s` asks for.
pub fn predicted_hour(task: Task, time_s: i64, utc_offset_min: i16) -> Civil {
    Civil::of(
        time_s + S_PER_H * i64::from(task.horizon_h()),
        utc_offset_min,
    )
}

fn month_at(station: usize, civil: Civil) -> usize {
    station * N_MONTHS + usize::from(civil.month) - 1
}

fn hour_at(station: usize, civil: Civil) -> usize {
    month_at(station, civil) * N_HOURS + usize::from(civil.hour)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_special_mean_wins_and_strangers_get_the_overall_one() {
        let at = |hour: i64| Civil::of(hour * S_PER_H, 0);
        let rows = [
            (Some(0), Some(at(5)), 10.0),
            (Some(0), Some(at(5 + 24)), 20.0),
            (Some(0), Some(at(6)), 60.0),
            (Some(1), Some(at(5)), 100.0),
        ];
        let usual = Climatology::fit(3, rows.into_iter());
        assert_eq!(usual.usual(Some(0), Some(at(5 + 48))), 15.0);
        assert_eq!(usual.usual(Some(0), Some(at(7))), 30.0);
        assert_eq!(usual.usual(Some(0), Some(at(24 * 200))), 30.0);
        assert_eq!(usual.usual(Some(1), None), 100.0);
        assert_eq!(usual.usual(Some(2), Some(at(5))), 47.5);
        assert_eq!(usual.usual(None, Some(at(5))), 47.5);
    }
}
