//! Intervals from out-of-fold errors, by level of the prediction.
//!
//! Errors of air forecasts grow with what is forecast: one width for all would be too wide on clean days and too narrow on
//! the days that matter. It does not learn; it counts.

use pm25_artifact::model::{IntervalLevel, Intervals};
use pm25_stats::conformal;

/// The share of truths that an interval is to hold.
const COVERAGE: f64 = 0.9;
/// Levels at most.
const N_LEVELS_MAX: usize = 20;
/// Rows of a level at least, so that its 5 % ends rest on 25 rows each.
const LEVEL_ROWS_MIN: usize = 500;

/// Intervals for a model that said `said` where the truth was `target`, on rows that it had not seen.
pub(crate) fn calibrate(said: &[f64], target: &[f64]) -> Intervals {
    let mut rows: Vec<(f64, f64)> = said
        .iter()
        .zip(target)
        .map(|(&said, &target)| (said, target - said))
        .collect();
    rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let n_levels = (rows.len() / LEVEL_ROWS_MIN).clamp(1, N_LEVELS_MAX);
    let edge = |level_idx: usize| rows.len() * level_idx / n_levels;
    let mut levels = Vec::new();
    let mut from = 0;
    for level_idx in 1..=n_levels {
        let below_ug_m3 = rows.get(edge(level_idx)).map(|row| row.0);
        let until = below_ug_m3.map_or(rows.len(), |below| {
            rows.partition_point(|row| row.0 < below)
        });
        // Many rows with one and the same prediction fill several levels.
        if from < until {
            let errors: Vec<f64> = rows[from..until].iter().map(|row| row.1).collect();
            let [lower_ug_m3, upper_ug_m3] = conformal::ends(errors, COVERAGE);
            levels.push(IntervalLevel {
                below_ug_m3,
                lower_ug_m3,
                upper_ug_m3,
            });
            from = until;
        }
    }
    Intervals {
        coverage: COVERAGE,
        rows: rows.len() as u64,
        levels,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let intervals = calibrate(&said, &target);
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
        let widths: Vec<f64> = intervals
            .levels
            .iter()
            .map(|l| l.upper_ug_m3 - l.lower_ug_m3)
            .collect();
        assert!(widths.is_sorted(), "{widths:?}");
    }

    #[test]
    fn one_prediction_for_all_is_one_level() {
        let target: Vec<f64> = (0..5000).map(f64::from).collect();
        let intervals = calibrate(&vec![7.0; 5000], &target);
        assert_eq!(intervals.levels.len(), 1);
        assert_eq!(intervals.levels[0].below_ug_m3, None);
    }
}
