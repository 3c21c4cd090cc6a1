//! What a station's series say over the years: trend, steps, months.
//!
//! What the model left unexplained (measured minus predicted) is noise here, and counts: the normalised series alone is as
//! smooth as the model, and any of its wiggles would look sure.

use pm25_artifact::eval::Metrics;
use pm25_artifact::normalise::{ChangePoint, Month, SlopeFact, StationTrend};
use pm25_file::Result;
use pm25_stats::{StepPlan, TrendPlan, seasonal_trend, steps};
use rayon::prelude::*;

use super::means::{self, Stretch};
use super::resample::Normalised;
use crate::judge::judge;
use crate::together::Together;

/// Months of a year.
const MONTHS: usize = 12;
/// Months of a record below which a season cannot be told from a step.
const MONTHS_MIN: usize = 24;
/// Weeks that a level must last: a quarter, longer than an episode, a holiday or a heating season's first weeks.
const LEVEL_WEEKS_MIN: usize = 13;
/// As in evaluations.
const REPLICATES: usize = 1000;
const LEVEL: f64 = 0.95;
/// Of the three series of a stretch.
const OBSERVED: usize = 0;
const PREDICTED: usize = 1;
const NORMALISED: usize = 2;

/// Everything that is known hour by hour.
pub(crate) struct Series<'a> {
    pub(crate) rows: &'a Together,
    pub(crate) predicted_ug_m3: &'a [f64],
    pub(crate) normalised: &'a Normalised,
}

impl Series<'_> {
    /// One report per station that has rows.
    pub(crate) fn stations(&self, seed: u64) -> Result<Vec<StationTrend>> {
        let all: Vec<usize> = (0..self.rows.stations.len())
            .filter(|station| !self.rows.rows_of(*station).is_empty())
            .collect();
        all.into_par_iter()
            .map(|station| self.station(station, seed))
            .collect()
    }

    fn station(&self, station: usize, seed: u64) -> Result<StationTrend> {
        let range = self.rows.rows_of(station);
        let place = &self.rows.stations[station];
        let normalised = &self.normalised.mean_ug_m3;
        let hours: Vec<(i64, [f64; 3])> = range
            .clone()
            .filter(|row| !normalised[*row].is_nan())
            .map(|row| {
                let observed = f64::from(self.rows.target_ug_m3[row]);
                let local_s = self.rows.time_s[row] + 60 * i64::from(place.utc_offset_min);
                (
                    local_s,
                    [observed, self.predicted_ug_m3[row], normalised[row]],
                )
            })
            .collect();
        let months = means::months(&hours);
        let targets: Vec<f64> = self
            .rows
            .target_ug_m3
            .iter()
            .map(|v| f64::from(*v))
            .collect();
        let rows: Vec<u32> = range.clone().map(|row| row as u32).collect();
        let scores = judge(&targets, self.predicted_ug_m3, &rows)?;
        Ok(StationTrend {
            station: place.name.clone(),
            rows: range.len() as u64,
            donors: self.normalised.donors[station] as u64,
            rows_without_donor: (range.len() - hours.len()) as u64,
            metrics: Metrics::from(&scores),
            observed_trend: slope(&months, |of| [of[OBSERVED], of[OBSERVED]], seed),
            normalised_trend: slope(&months, |of| [of[NORMALISED], weatherless(of)], seed),
            change_points: (MONTHS_MIN <= months.len()).then(|| change_points(&hours)),
            months: months.iter().map(month).collect(),
        })
    }
}

/// What was measured with the weather's part, as the model sees it, replaced by that of average weather.
fn weatherless(means: &[f64; 3]) -> f64 {
    means[NORMALISED] + means[OBSERVED] - means[PREDICTED]
}

/// Slope of the first of two series, drawn around the second.
fn slope(
    months: &[Stretch],
    series: impl Fn(&[f64; 3]) -> [f64; 2],
    seed: u64,
) -> Option<SlopeFact> {
    let [values, around]: [Vec<f64>; 2] = [0, 1].map(|which| {
        months
            .iter()
            .map(|month| series(&month.means)[which])
            .collect()
    });
    let plan = TrendPlan {
        period: MONTHS,
        replicates: REPLICATES,
        level: LEVEL,
        seed,
    };
    let found = seasonal_trend(&values, &around, &plan)?;
    Some(SlopeFact {
        ug_m3_per_year: found.slope,
        interval: found.interval,
        pairs: found.pairs,
    })
}

fn change_points(hours: &[(i64, [f64; 3])]) -> Vec<ChangePoint> {
    let weeks: Vec<Stretch> = means::weeks(hours)
        .into_iter()
        .filter(|week| week.means[OBSERVED].is_finite())
        .collect();
    let values: Vec<f64> = weeks.iter().map(|week| weatherless(&week.means)).collect();
    let season: Vec<usize> = weeks.iter().map(month_of).collect();
    let plan = StepPlan {
        season: &season,
        length_min: LEVEL_WEEKS_MIN,
    };
    let found = steps(&values, &plan).into_iter();
    found
        .map(|step| ChangePoint {
            week_of: weeks[step.at].day(),
            before_ug_m3: step.before,
            after_ug_m3: step.after,
            change_ug_m3: step.after - step.before,
            std_error_ug_m3: step.std_error,
        })
        .collect()
}

/// Month of a week's Thursday, from 0: the month that most of its days are in.
fn month_of(week: &Stretch) -> usize {
    let thursday_s = week.local_s + 3 * pm25_air::civil::DAY_S;
    usize::from(pm25_air::civil::Civil::of(thursday_s, 0).month) - 1
}

fn month(month: &Stretch) -> Month {
    let mean = |series: usize| Some(month.means[series]).filter(|mean| mean.is_finite());
    Month {
        month: month.month(),
        hours: month.hours,
        observed_ug_m3: mean(OBSERVED),
        predicted_ug_m3: mean(PREDICTED),
        normalised_ug_m3: mean(NORMALISED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pm25_air::civil::{DAY_S, HOUR_S, parse_rfc3339};
    use pm25_stats::chance::Chance;

    /// A Monday.
    const START: &str = "2014-01-06T00:00:00Z";
    const DAYS: i64 = 900;
    const STEP_DAY: i64 = 70 * 7;

    /// A model that says 50 always, and air that falls by 20 nevertheless.
    fn unforeseen() -> Vec<(i64, [f64; 3])> {
        let (start_s, chance) = (parse_rfc3339(START).unwrap(), Chance::new(2));
        (0..DAYS * 24)
            .map(|hour| {
                let local_s = start_s + hour * HOUR_S;
                let of_day = chance.below((hour / 24) as usize, 31) as f64 - 15.0;
                let fallen = if STEP_DAY * DAY_S <= hour * HOUR_S {
                    20.0
                } else {
                    0.0
                };
                (local_s, [50.0 + of_day - fallen, 50.0, 50.0])
            })
            .collect()
    }

    #[test]
    fn what_the_model_leaves_unexplained_counts() {
        let hours = unforeseen();
        let found = change_points(&hours);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].week_of, "2015-05-11");
        assert!((found[0].change_ug_m3 + 20.0).abs() < 3.0, "{found:?}");
        let months = means::months(&hours);
        let slope = slope(&months, |of| [of[NORMALISED], weatherless(of)], 1).unwrap();
        let [low, high] = slope.interval.unwrap();
        assert!(
            slope.ug_m3_per_year == 0.0 && low < -1.0 && 1.0 < high,
            "{slope:?}"
        );
    }

    #[test]
    fn a_year_and_a_half_has_no_steps_and_a_week_belongs_to_its_thursday() {
        let week = |day: &str| Stretch {
            local_s: parse_rfc3339(day).unwrap(),
            hours: 168,
            means: [0.0; 3],
        };
        assert_eq!(month_of(&week("2015-12-28T00:00:00Z")), 11);
        assert_eq!(month_of(&week("2015-06-29T00:00:00Z")), 6);
        let short: Vec<_> = unforeseen().into_iter().take(24 * 100).collect();
        assert!(change_points(&short).is_empty());
    }
}
