//! From what a model was wrong by on validation rows to the probability of an hour above a threshold.
//!
//! Errors grow with the level, so they are kept by predicted level: equal shares of the validation rows in order of
//! their prediction. It is not fitted on test rows, and it says nothing surer than 1 / (errors of a level + 1).

/// Levels at most.
const LEVELS_MAX: usize = 10;
/// Fewer errors say too little about a level.
const ERRORS_MIN: usize = 100;

/// Errors (target - prediction, µg/m³) by predicted level.
pub(crate) struct Errors {
    /// Ascending: where each level but the first begins, µg/m³.
    begins: Vec<f64>,
    /// Of each level, ascending.
    levels: Vec<Vec<f64>>,
}

impl Errors {
    /// From `(target, prediction)` pairs; none where they are too few.
    pub(crate) fn of(pairs: &[(f64, f64)]) -> Option<Self> {
        let n_levels = (pairs.len() / ERRORS_MIN).min(LEVELS_MAX);
        if n_levels == 0 {
            return None;
        }
        let mut order = pairs.to_vec();
        order.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.total_cmp(&b.0)));
        let cut = |level: usize| level * order.len() / n_levels;
        let errors = |level: usize| {
            let rows = &order[cut(level)..cut(level + 1)];
            let mut errors: Vec<f64> = rows.iter().map(|(target, said)| target - said).collect();
            errors.sort_unstable_by(f64::total_cmp);
            errors
        };
        Some(Self {
            begins: (1..n_levels).map(|level| order[cut(level)].1).collect(),
            levels: (0..n_levels).map(errors).collect(),
        })
    }

    /// Probability that the target is above a threshold where this was said: the share of the level's errors that
    /// would carry it there, with half an error of doubt on either side.
    pub(crate) fn probability_above(&self, said: f64, threshold: f64) -> f64 {
        let errors = &self.levels[self.begins.partition_point(|begin| *begin <= said)];
        let above = errors.len() - errors.partition_point(|error| *error <= threshold - said);
        (above as f64 + 0.5) / (errors.len() as f64 + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_level_has_its_own_errors() {
        // Low predictions miss by -5 to 4, high ones by -50 to 49.
        let pairs: Vec<(f64, f64)> = (0..200)
            .map(|i| {
                let (said, scale) = if i < 100 { (10.0, 0.1) } else { (100.0, 1.0) };
                (said + (f64::from(i % 100) - 50.0) * scale, said)
            })
            .collect();
        let errors = Errors::of(&pairs).unwrap();
        assert!((errors.probability_above(10.0, 9.95) - 0.5).abs() < 0.01);
        assert!((errors.probability_above(100.0, 129.5) - 20.0 / 101.0).abs() < 0.01);
        assert!((errors.probability_above(20.0, 129.5) - 0.5 / 101.0).abs() < 1e-12);
        assert!((errors.probability_above(300.0, 129.5) - 100.5 / 101.0).abs() < 1e-12);
        assert!(Errors::of(&pairs[..99]).is_none());
    }
}
