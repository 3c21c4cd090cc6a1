//! Intervals from out-of-fold errors, by level of the prediction or of the error that is expected.
//!
//! Errors of air forecasts grow with what is forecast: one width for all would be too wide on clean days and too narrow on
//! the days that matter. It does not learn; it counts.

use pm25_air::Task;
use pm25_artifact::model::online::{HEADS_PRIOR_H, Outcome, PRIOR_H, Stamp, WINDOW_H, Walk, lag_s};
use pm25_artifact::model::warning::THRESHOLDS_UG_M3;
use pm25_artifact::model::{
    IntervalLevel, Intervals, Measure, OnlineState, Said, WarningCosts, WarningLine,
};
use pm25_stats::alarms::{Aim, Alarms, best_line};
use pm25_stats::{conformal, online};

/// The share of truths that an interval is to hold.
pub(crate) const COVERAGE: f64 = 0.9;
/// Levels at most.
const N_LEVELS_MAX: usize = 20;
/// Rows of a level at least, so that its 5 % ends rest on 25 rows each.
const LEVEL_ROWS_MIN: usize = 500;

/// Errors that stand for those of a level.
const LEVEL_ERRORS_MAX: usize = 100;
/// Scores that stand for those of all calibration rows.
const PRIOR_SCORES_MAX: usize = 400;

/// One row as a level sees it.
struct Row {
    /// What decides its level.
    place: f64,
    /// From the centre to the truth, in units of the measure.
    off: f64,
    /// From the prediction to the truth, in units of the measure.
    error: f64,
}

impl Row {
    fn of(measure: Measure, said: &Said, target: f64) -> Self {
        let (place, unit) = measure.place(*said);
        Self {
            place,
            off: (target - said.centre_ug_m3) / unit,
            error: (target - said.prediction_ug_m3) / unit,
        }
    }
}

/// Levels at most. What is expected of a row has done the work of levels already, and levels of it follow the seasons of the
/// calibration: one is better on folds that it has not seen (interval score of nine Beijing stations at 6 h, two halves of a year
/// for each other: 153.9 for 157.5 µg/m³ with 20; LightGBM in its place).
fn n_levels_max(measure: Measure) -> usize {
    match measure {
        Measure::UgM3 => N_LEVELS_MAX,
        Measure::Spread | Measure::Heads => 1,
    }
}

/// Intervals for a model that said `said` where the truth was `target`, on rows that it had not seen.
pub(crate) fn calibrate(measure: Measure, said: &[Said], target: &[f64]) -> Intervals {
    let pairs = said.iter().zip(target);
    let mut rows: Vec<Row> = pairs
        .map(|(said, &target)| Row::of(measure, said, target))
        .collect();
    rows.sort_unstable_by(|a, b| {
        let by_place = a.place.total_cmp(&b.place).then(a.off.total_cmp(&b.off));
        by_place.then(a.error.total_cmp(&b.error))
    });
    let n_levels = (rows.len() / LEVEL_ROWS_MIN).clamp(1, n_levels_max(measure));
    let edge = |level_idx: usize| rows.len() * level_idx / n_levels;
    let mut levels = Vec::new();
    let mut from = 0;
    for level_idx in 1..=n_levels {
        let below_ug_m3 = rows.get(edge(level_idx)).map(|row| row.place);
        let until = below_ug_m3.map_or(rows.len(), |below| {
            rows.partition_point(|row| row.place < below)
        });
        // Many rows with one and the same prediction fill several levels.
        if from < until {
            levels.push(level(below_ug_m3, &rows[from..until]));
            from = until;
        }
    }
    Intervals {
        coverage: COVERAGE,
        rows: rows.len() as u64,
        measure,
        levels,
    }
}

fn level(below_ug_m3: Option<f64>, rows: &[Row]) -> IntervalLevel {
    let errors: Vec<f64> = rows.iter().map(|row| row.error).collect();
    let [lower, upper] = conformal::ends(rows.iter().map(|row| row.off).collect(), COVERAGE);
    IntervalLevel {
        below_ug_m3,
        lower,
        upper,
        errors: quantiles(&errors),
    }
}

/// Errors that stand for equal shares of all, rising: the middle one of each share.
fn quantiles(errors: &[f64]) -> Vec<f64> {
    let mut sorted = errors.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let n_kept = sorted.len().min(LEVEL_ERRORS_MAX);
    (0..n_kept)
        .map(|k| sorted[(2 * k + 1) * sorted.len() / (2 * n_kept)])
        .collect()
}

/// Lines for the thresholds that were passed, from what was said of rows and what came: of the model, of the ridge, and of
/// persistence, NaN where it says nothing.
pub(crate) fn warning_lines(
    target: &[f64],
    [said, linear, persistence]: [&[f64]; 3],
) -> Vec<WarningLine> {
    let pairs = |said: &[f64]| -> Vec<(f64, f64)> {
        let rows = target.iter().copied().zip(said.iter().copied());
        rows.filter(|(_, said)| said.is_finite()).collect()
    };
    let [said, linear, persistence] = [said, linear, persistence].map(pairs);
    let line = |&threshold_ug_m3: &f64| {
        let line = |pairs: &[(f64, f64)]| best_line(pairs, threshold_ug_m3, Aim::Csi);
        let line_ug_m3 = line(&said)?;
        let alarms = Alarms::count(&said, threshold_ug_m3, line_ug_m3);
        Some(WarningLine {
            threshold_ug_m3,
            line_ug_m3,
            linear_line_ug_m3: line(&linear)?,
            persistence_line_ug_m3: line(&persistence).unwrap_or(threshold_ug_m3),
            csi: alarms.csi()?,
            events: alarms.hits + alarms.misses,
            rows: said.len() as u64,
            costs: WarningCosts::of([&said, &linear, &persistence], threshold_ug_m3),
        })
    };
    THRESHOLDS_UG_M3.iter().filter_map(line).collect()
}

/// Quantiles that were learned know the seasons better than the error of a point does, so that weeks need to move them less.
fn prior_h(measure: Measure) -> u32 {
    match measure {
        Measure::Heads => HEADS_PRIOR_H,
        Measure::UgM3 | Measure::Spread => PRIOR_H,
    }
}

/// What is remembered of out-of-fold rows after the last of them; none of rows that no interval can hold.
pub(crate) fn remembered(
    (intervals, task): (&Intervals, Task),
    outcomes: Vec<Outcome>,
) -> Option<OnlineState> {
    let score = |outcome: &Outcome| {
        let base = intervals.base(outcome.said);
        online::score(outcome.truth_ug_m3, base)
    };
    let mut scores: Vec<i32> = outcomes.iter().filter_map(score).collect();
    scores.sort_unstable();
    let n_kept = scores.len().min(PRIOR_SCORES_MAX);
    let prior: Vec<i32> = (0..n_kept)
        .map(|k| scores[(2 * k + 1) * scores.len() / (2 * n_kept)])
        .collect();
    let (first, last) = outcomes.iter().fold((i64::MAX, i64::MIN), |(a, b), o| {
        (a.min(o.issued_s), b.max(o.issued_s))
    });
    if prior.is_empty() {
        return None;
    }
    let begin = OnlineState {
        known_until: Stamp(first),
        issued_until: Stamp(first - 1),
        window_h: WINDOW_H,
        prior_h: prior_h(intervals.measure),
        prior,
        hours: Vec::new(),
    };
    let mut walk = Walk::from(&begin, (intervals, task), outcomes);
    // The model learns from all these rows: what it says before their last truth is no forecast.
    let known_until_s = last + lag_s(task);
    walk.reach(known_until_s);
    Some(OnlineState {
        issued_until: Stamp(known_until_s),
        ..walk.state()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(prediction_ug_m3: f64) -> Said {
        Said::plain(prediction_ug_m3)
    }

    #[test]
    fn the_last_thirty_days_of_a_calibration_are_remembered() {
        const HOUR_S: i64 = 3600;
        let task = Task::Forecast { horizon_h: 24 };
        let outcomes: Vec<Outcome> = (0..2000)
            .flat_map(|hour| {
                let outcome = |noise: i64| Outcome {
                    issued_s: hour * HOUR_S,
                    said: plain(50.0),
                    truth_ug_m3: (noise % 101) as f64,
                };
                [outcome(hour * 7919), outcome(hour * 104_729)]
            })
            .collect();
        let pairs: Vec<(Said, f64)> = outcomes.iter().map(|o| (o.said, o.truth_ug_m3)).collect();
        let (said, target): (Vec<Said>, Vec<f64>) = pairs.into_iter().unzip();
        let intervals = calibrate(Measure::UgM3, &said, &target);
        let state = remembered((&intervals, task), outcomes).unwrap();
        assert_eq!(state.hours.len(), 720);
        assert_eq!(state.hours[719].issued, Stamp(1999 * HOUR_S));
        // A forecast that a complete model can have made is issued after the last truth that it was taught.
        assert_eq!(state.issued_until, Stamp(2023 * HOUR_S));
        assert_eq!(state.known_until, state.issued_until);
        let row = [(2024 * HOUR_S, plain(50.0))];
        let (ends, _) = state.follow((&intervals, task), Vec::new(), &row);
        let fixed = intervals.around_one(plain(50.0));
        assert!(
            (ends[0][0] - fixed[0]).abs() < 2.0 && (ends[0][1] - fixed[1]).abs() < 2.0,
            "{ends:?}"
        );
        assert_eq!(remembered((&intervals, task), Vec::new()), None);
    }

    #[test]
    fn each_level_has_its_own_width() {
        let n = 20_000;
        let said: Vec<f64> = (0..n).map(|i| f64::from(i) / 100.0).collect();
        // Errors fill -said / 2 to said / 2 evenly.
        let target: Vec<f64> = said
            .iter()
            .enumerate()
            .map(|(i, said)| said + said * ((i * 7919 % 1000) as f64 / 1000.0 - 0.5))
            .collect();
        let said: Vec<Said> = said.into_iter().map(plain).collect();
        let intervals = calibrate(Measure::UgM3, &said, &target);
        assert_eq!((intervals.levels.len(), intervals.rows), (20, 20_000));
        let inside = intervals
            .around(&said)
            .iter()
            .zip(&target)
            .filter(|(ends, y)| ends[0] <= **y && **y <= ends[1])
            .count();
        assert!(
            (0.895..0.91).contains(&(inside as f64 / f64::from(n))),
            "{inside}"
        );
        let widths: Vec<f64> = intervals.levels.iter().map(|l| l.upper - l.lower).collect();
        assert!(widths.is_sorted(), "{widths:?}");
    }

    #[test]
    fn ends_between_heads_hold_their_share_and_errors_are_those_of_the_prediction() {
        // Truths fill 30 to 70 evenly; heads say 40 to 60, the prediction 45.
        let target: Vec<f64> = (0..10_000)
            .map(|i| 30.0 + f64::from(i * 7919 % 10_000) / 250.0)
            .collect();
        let said = vec![Said::of_ends(45.0, [40.0, 60.0]); target.len()];
        let intervals = calibrate(Measure::Heads, &said, &target);
        let [lower, upper] = intervals.around_one(said[0]);
        assert!(
            (lower - 32.0).abs() < 0.1 && (upper - 68.0).abs() < 0.1,
            "{lower} {upper}"
        );
        assert_eq!(
            intervals.levels.len(),
            1,
            "what is expected of a row is its level"
        );
        let above = intervals.exceedance(said[0], 50.0).unwrap();
        assert!((above - 0.5).abs() < 0.01, "{above}");
    }

    #[test]
    fn one_prediction_for_all_is_one_level() {
        let target: Vec<f64> = (0..5000).map(f64::from).collect();
        let intervals = calibrate(Measure::UgM3, &[plain(7.0); 5000], &target);
        assert_eq!(intervals.levels.len(), 1);
        assert_eq!(intervals.levels[0].below_ug_m3, None);
    }

    #[test]
    fn lines_are_those_of_the_largest_csi_for_thresholds_that_were_passed() {
        // The model says half of what comes, the ridge all of it, persistence nothing at all.
        let target: Vec<f64> = (0..200).map(f64::from).collect();
        let said: Vec<f64> = target.iter().map(|y| y / 2.0).collect();
        let lines = warning_lines(&target, [&said, &target, &[f64::NAN; 200]]);
        let thresholds: Vec<f64> = lines.iter().map(|line| line.threshold_ug_m3).collect();
        assert_eq!(thresholds, [35.0, 75.0, 115.0, 150.0]);
        let last = &lines[3];
        assert_eq!((last.line_ug_m3, last.linear_line_ug_m3), (75.25, 150.5));
        assert_eq!((last.csi, last.events, last.rows), (1.0, 49, 200));
        assert_eq!(last.persistence_line_ug_m3, 150.0);
        // Whatever a warning costs, the half of the truth that separates is the line.
        let costs = last.costs.as_ref().unwrap();
        assert_eq!(
            (&costs.model[..], &costs.linear[..]),
            (&[[1.0, 75.25]][..], &[[1.0, 150.5]][..])
        );
        assert!(costs.persistence.is_empty());
    }
}
