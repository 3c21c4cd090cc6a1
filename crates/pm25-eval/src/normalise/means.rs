//! Means over months and weeks of local standard time.
//!
//! A month or week counts where at least 75 % of its hours have measured PM2.5, as windows do in features.

use std::collections::BTreeMap;

use pm25_air::civil::{DAY_S, HOUR_S, format_utc};

/// Share of the hours that must be there.
const PRESENT_MIN: f64 = 0.75;

/// A stretch of local time without gaps between it and the next.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stretch {
    /// Its first hour: seconds since 1970 of a clock that shows local standard time.
    pub(crate) local_s: i64,
    /// Hours that have a row.
    pub(crate) hours: u64,
    /// Mean of each series; NaN where too few hours have a row, or one of them has no value.
    pub(crate) means: [f64; 3],
}

impl Stretch {
    /// The day as YYYY-MM-DD.
    pub(crate) fn day(&self) -> String {
        format_utc(self.local_s).chars().take(10).collect()
    }

    /// The month as YYYY-MM.
    pub(crate) fn month(&self) -> String {
        format_utc(self.local_s).chars().take(7).collect()
    }
}

/// Rows as `(local second, three values)`, by time, to months from the first to the last.
pub(crate) fn months(rows: &[(i64, [f64; 3])]) -> Vec<Stretch> {
    let mut starts = Vec::new();
    if let (Some(first), Some(last)) = (rows.first(), rows.last()) {
        let mut start = month_start(first.0);
        while start <= last.0 {
            starts.push(start);
            // The longest month and a day more lies in the next one.
            start = month_start(start + 32 * DAY_S);
        }
        starts.push(start);
    }
    stretches(rows, &starts)
}

/// The same to weeks from Monday to Sunday.
pub(crate) fn weeks(rows: &[(i64, [f64; 3])]) -> Vec<Stretch> {
    /// 1970-01-05 was a Monday.
    const MONDAY_S: i64 = 4 * DAY_S;
    const WEEK_S: i64 = 7 * DAY_S;
    let week = |local_s: i64| (local_s - MONDAY_S).div_euclid(WEEK_S);
    let starts: Vec<i64> = match (rows.first(), rows.last()) {
        (Some(first), Some(last)) => (week(first.0)..=week(last.0) + 1)
            .map(|week| MONDAY_S + week * WEEK_S)
            .collect(),
        _ => Vec::new(),
    };
    stretches(rows, &starts)
}

/// First second of the month that holds a local second.
fn month_start(local_s: i64) -> i64 {
    let day: i64 = format_utc(local_s)[8..10]
        .parse()
        .expect("RFC 3339 has the day there");
    local_s.div_euclid(DAY_S) * DAY_S - (day - 1) * DAY_S
}

fn stretches(rows: &[(i64, [f64; 3])], starts: &[i64]) -> Vec<Stretch> {
    let mut sums: BTreeMap<usize, (u64, [f64; 3])> = BTreeMap::new();
    for (local_s, values) in rows {
        let idx = starts.partition_point(|start| start <= local_s) - 1;
        let (hours, sum) = sums.entry(idx).or_insert((0, [0.0; 3]));
        *hours += 1;
        for (sum, value) in sum.iter_mut().zip(values) {
            *sum += value;
        }
    }
    starts
        .windows(2)
        .enumerate()
        .map(|(idx, ends)| {
            let (hours, sum) = sums.get(&idx).copied().unwrap_or((0, [0.0; 3]));
            let all = ((ends[1] - ends[0]) / HOUR_S) as f64;
            let enough = PRESENT_MIN * all <= hours as f64;
            let mean = |sum: f64| if enough { sum / hours as f64 } else { f64::NAN };
            Stretch {
                local_s: ends[0],
                hours,
                means: sum.map(mean),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pm25_air::civil::parse_rfc3339;

    fn hours(from: &str, n: i64) -> Vec<(i64, [f64; 3])> {
        let from = parse_rfc3339(from).unwrap();
        (0..n)
            .map(|hour| (from + hour * HOUR_S, [hour as f64, 1.0, -1.0]))
            .collect()
    }

    #[test]
    fn months_have_their_lengths_and_leap_days() {
        let months = months(&hours("2015-12-31T23:00:00Z", 24 * 92));
        let named: Vec<(String, u64)> = months.iter().map(|m| (m.month(), m.hours)).collect();
        assert_eq!(
            named,
            [
                ("2015-12".to_owned(), 1),
                ("2016-01".to_owned(), 744),
                ("2016-02".to_owned(), 696),
                ("2016-03".to_owned(), 744),
                ("2016-04".to_owned(), 23)
            ]
        );
        assert!(months[0].means[0].is_nan() && months[4].means[0].is_nan());
        // Hours 1 to 744.
        assert_eq!(months[1].means, [372.5, 1.0, -1.0]);
    }

    #[test]
    fn weeks_begin_on_monday_and_empty_ones_are_there() {
        let mut rows = hours("2016-02-28T23:00:00Z", 1 + 7 * 24);
        rows.extend(hours("2016-03-14T00:00:00Z", 126));
        rows.extend(hours("2016-03-21T00:00:00Z", 125));
        let weeks = weeks(&rows);
        let named: Vec<(String, u64, bool)> = weeks
            .iter()
            .map(|week| (week.day(), week.hours, week.means[1].is_nan()))
            .collect();
        let week = |day: &str, hours, missing| (day.to_owned(), hours, missing);
        assert_eq!(
            named,
            [
                week("2016-02-22", 1, true),
                week("2016-02-29", 168, false),
                week("2016-03-07", 0, true),
                week("2016-03-14", 126, false),
                week("2016-03-21", 125, true)
            ]
        );
        assert_eq!(super::weeks(&[]), []);
        assert_eq!(super::months(&[]), []);
    }
}
