//! Folds in the order of time: each is judged on hours that come after everything it learned from.
//!
//! Not a shuffle. Air changes slowly, so neighbouring hours are nearly copies: a fold that learned from the hour
//! before and the hour after would only have to look the answer up.
//!
//! ```text
//!               history + horizon
//! fold 1  ── train ────┤······├── judged ──┤
//! fold 2  ── train ───────────────┤······├── judged ──┤
//! fold 3  ── train ──────────────────────────┤······├── judged ──┤
//!         first hour                ▲ the judged part: the last year, or half of a shorter record
//! ```
//!
//! The gap is the embargo: the target's hour of a training row lies before the oldest hour that any judged row
//! looks back to.

use pm25_air::civil::{HOUR_S, format_utc};
use pm25_air::{FeatureSet, Task};
use pm25_artifact::prep::FeatureFact;
use pm25_artifact::train::FoldFact;
use pm25_file::{Fault, Result};

/// The judged part is a year, since seasons differ, where the record has two.
const JUDGED_MAX_S: i64 = 365 * 24 * HOUR_S;

/// Numbers of rows, rising.
#[derive(Clone, Debug, PartialEq)]
pub struct Fold {
    /// Rows to learn from.
    pub train: Vec<u32>,
    /// Rows to be judged on.
    pub judged: Vec<u32>,
    /// As it is written down.
    pub fact: FoldFact,
}

/// What features of a table that another program made are taken to look back to: a week.
const FOREIGN_HISTORY_H: u16 = 7 * 24;

/// Hours between the last training row and the first judged row of a fold: the horizon and what the features look
/// back to.
pub fn embargo_h(task: Task, features: &[FeatureFact]) -> u16 {
    let expressions: Vec<&str> = features.iter().map(|f| f.expression.as_str()).collect();
    let history_h = FeatureSet::parse(task, &expressions.join(","))
        .map_or(FOREIGN_HISTORY_H, |set| set.history_h());
    task.horizon_h() + history_h
}

/// Cuts the record into `n_folds` folds; `time_s` is the stamp of each row, in any order.
///
/// # Errors
/// Bad data: a fold without rows on one of its sides.
pub fn folds(time_s: &[i64], n_folds: usize, embargo_h: u16) -> Result<Vec<Fold>> {
    let first_s = time_s.iter().min().copied().unwrap_or_default();
    let end_s = time_s.iter().max().map_or(first_s, |&last_s| last_s + 1);
    let judged_s = JUDGED_MAX_S.min((end_s - first_s) / 2);
    let edge = |k: usize| {
        let from_start_s = end_s - judged_s + judged_s * k as i64 / n_folds as i64;
        // Folds begin at whole hours; the last one ends after the last row.
        if k < n_folds {
            from_start_s - from_start_s.rem_euclid(HOUR_S)
        } else {
            end_s
        }
    };
    (0..n_folds)
        .map(|k| fold(time_s, (edge(k), edge(k + 1)), embargo_h))
        .collect()
}

fn fold(time_s: &[i64], (from_s, until_s): (i64, i64), embargo_h: u16) -> Result<Fold> {
    let embargo_s = i64::from(embargo_h) * HOUR_S;
    let numbers = |wanted: &dyn Fn(i64) -> bool| -> Vec<u32> {
        let rows = time_s.iter().enumerate();
        rows.filter(|&(_, &t)| wanted(t))
            .map(|(row, _)| row as u32)
            .collect()
    };
    let train = numbers(&|t| t + embargo_s < from_s);
    let judged = numbers(&|t| from_s <= t && t < until_s);
    if train.is_empty() || judged.is_empty() {
        let what = if train.is_empty() {
            "to learn from"
        } else {
            "to be judged on"
        };
        return Err(Fault::bad_data(format!(
            "the fold from {} to {} has no rows {what}",
            format_utc(from_s),
            format_utc(until_s)
        ))
        .hint("give a longer record, or fewer --folds"));
    }
    Ok(Fold {
        fact: FoldFact {
            train_before: format_utc(from_s - embargo_s),
            judged_from: format_utc(from_s),
            judged_until: format_utc(until_s),
            train_rows: train.len() as u64,
            judged_rows: judged.len() as u64,
        },
        train,
        judged,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hours(n: i64) -> Vec<i64> {
        (0..n).map(|h| h * HOUR_S).collect()
    }

    #[test]
    fn three_years_are_judged_on_the_last_and_one_on_its_half() {
        let first_judged = |n_h: i64| {
            let folds = folds(&hours(n_h), 4, 24).unwrap();
            i64::from(folds[0].judged[0])
        };
        let year_h = 365 * 24;
        assert_eq!(first_judged(3 * year_h), 2 * year_h - 1);
        assert_eq!(first_judged(year_h), year_h / 2 - 1);
    }

    #[test]
    fn the_embargo_is_horizon_and_history() {
        let fact = |expression: &str| FeatureFact {
            column: expression.into(),
            expression: expression.into(),
            unit: "1".into(),
        };
        let task = Task::Forecast { horizon_h: 24 };
        assert_eq!(embargo_h(task, &[fact("hour"), fact("mean(pm25,24)")]), 47);
        let unreadable = embargo_h(task, &[fact("what is that")]);
        assert_eq!(unreadable, 24 + FOREIGN_HISTORY_H);
    }

    #[test]
    fn a_record_that_is_too_short_is_refused_by_its_fold() {
        let fault = folds(&hours(40), 4, 24).unwrap_err();
        assert!(
            fault.to_string().contains("no rows to learn from"),
            "{fault}"
        );
        assert!(fault.hint_text().unwrap().contains("fewer --folds"));
        assert!(folds(&[], 4, 24).is_err());
    }

    proptest! {
        /// Rows of several stations with holes: no target's hour of a training row reaches what a judged row sees.
        #[test]
        fn no_fold_sees_the_future(
            keep in proptest::collection::vec(any::<bool>(), 3000..4000),
            n_folds in 1_usize..6,
            horizon_h in 0_u16..30,
            history_h in 0_u16..100,
        ) {
            let time_s: Vec<i64> = keep
                .iter()
                .enumerate()
                .filter(|(_, keep)| **keep)
                .map(|(at, _)| (at as i64 % 1500) * HOUR_S + (at as i64 % 2) * 1800)
                .collect();
            let folds = folds(&time_s, n_folds, horizon_h + history_h).unwrap();
            let mut judged: Vec<u32> = folds.iter().flat_map(|fold| fold.judged.clone()).collect();
            let n_judged = judged.len();
            judged.sort_unstable();
            judged.dedup();
            prop_assert_eq!(judged.len(), n_judged, "no row is judged twice");
            let at = |row: &u32| time_s[*row as usize];
            for fold in &folds {
                let answered_s = fold.train.iter().map(at).max().unwrap() + i64::from(horizon_h) * HOUR_S;
                let oldest_s = fold.judged.iter().map(at).min().unwrap() - i64::from(history_h) * HOUR_S;
                prop_assert!(answered_s < oldest_s);
            }
            let last_s = time_s.iter().max().unwrap();
            prop_assert!(folds[n_folds - 1].judged.iter().any(|row| at(row) == *last_s));
        }
    }
}
