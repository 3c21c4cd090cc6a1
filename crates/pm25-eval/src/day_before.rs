//! Persistence by a day: PM2.5 of the newest known hour with the same hour of the day as the target.
//!
//! It is looked up in the test table alone, so that it needs no other file: a known hour's PM2.5 is the persistence of
//! one row and the target of another. The first day of a table is therefore missing. The persistence of a day's mean is the
//! mean of the day before already.
//!
//! ```text
//! hours    … u          … t    t+1 …      t+h        u = t + h - 24 k, the newest such u that is known at t
//!            │ persistence of row u                  (nowcast: of row u + 1)
//!            └ target of row u - h
//! ```

use std::collections::BTreeMap;

use pm25_air::Task;

use crate::exam::Exam;

const HOUR_S: i64 = 3600;

/// µg/m³ per row, NaN = not in the table; none in a table without stations and times.
pub(crate) fn day_before(exam: &Exam<'_>, task: Task) -> Option<Vec<f64>> {
    let (station, time_s) = (exam.station?, exam.time_s?);
    let horizon_h = i64::from(task.horizon_h());
    let newest_h = newest_known_h(task)?;
    let mut known: BTreeMap<(u32, i64), f64> = BTreeMap::new();
    for (row, (code, t)) in station.codes.iter().zip(time_s).enumerate() {
        let newest = exam.persistence_ug_m3.as_ref().map(|values| values[row]);
        if let Some(value) = newest.filter(|value| value.is_finite()) {
            known.insert((*code, t - newest_h * HOUR_S), f64::from(value));
        }
        known.insert((*code, t + horizon_h * HOUR_S), exam.target_ug_m3[row]);
    }
    let back_s = back_h(task)? * HOUR_S;
    let rows = station.codes.iter().zip(time_s);
    Some(
        rows.map(|(code, t)| known.get(&(*code, t + back_s)).copied().unwrap_or(f64::NAN))
            .collect(),
    )
}

/// Hours from t to the hour of that PM2.5, 0 or below; none where the task asks for no single hour.
pub(crate) fn back_h(task: Task) -> Option<i64> {
    Some(i64::from(task.horizon_h()) - 24 * days_back(task)?)
}

/// The least whole days k for which the hour t + h - 24 k is known at t; none where a table does not tell single hours.
fn days_back(task: Task) -> Option<i64> {
    Some((i64::from(task.horizon_h()) + newest_known_h(task)? + 23) / 24)
}

/// Hours before t of the newest PM2.5 that is known; none where a table does not tell single hours.
fn newest_known_h(task: Task) -> Option<i64> {
    match task {
        Task::Nowcast => Some(1),
        Task::Forecast { .. } => Some(0),
        Task::DayMean => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_hour_is_used_before_it_is_known_and_none_is_older_than_need_be() {
        let days = |horizon_h| days_back(Task::Forecast { horizon_h });
        let wanted = [1, 1, 1, 2, 2, 3, 3].map(Some);
        assert_eq!([1, 23, 24, 25, 48, 49, 72].map(days), wanted);
        assert_eq!(days_back(Task::Nowcast), Some(1));
        assert_eq!(days_back(Task::DayMean), None);
    }
}
