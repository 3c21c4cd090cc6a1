//! Conformal intervals: from errors on rows that a model has not seen to ends that hold a promised share of truths.
//!
//! No distribution is assumed. If errors to come and errors seen could change places, the interval between the order
//! statistics below holds at least the promised share on average (Vovk, Gammerman and Shafer 2005). Air is not
//! exchangeable: ends must be looked after by what has come true.

/// Lower and upper end for signed errors (truth less prediction) in any order: the smallest and largest errors that leave
/// half of `1 - coverage` outside at each side, counted for n + 1 errors, so that few errors give wide ends. Both 0
/// without errors.
///
/// # Panics
/// If `coverage` is not above 0 and below 1.
pub fn ends(mut errors: Vec<f64>, coverage: f64) -> [f64; 2] {
    assert!(0.0 < coverage && coverage < 1.0, "a share of truths");
    errors.sort_unstable_by(f64::total_cmp);
    let Some(last) = errors.len().checked_sub(1) else {
        return [0.0, 0.0];
    };
    // (1 - 0.9) / 2 x 100 is a rounding below 5, and means 5.
    let outside = (1.0 - coverage) / 2.0 * (errors.len() + 1) as f64 + 1e-9;
    let n_below = (outside.floor() as usize).saturating_sub(1).min(last);
    [errors[n_below], errors[last - n_below]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_leave_half_of_the_rest_at_each_side() {
        // 99 errors: (99 + 1) x 0.05 = the 5th smallest and the 5th largest.
        let errors: Vec<f64> = (1..=99).rev().map(f64::from).collect();
        assert_eq!(ends(errors, 0.9), [5.0, 95.0]);
    }

    #[test]
    fn few_errors_give_the_widest_ends_and_none_gives_none() {
        assert_eq!(ends(vec![3.0, -1.0, 2.0], 0.9), [-1.0, 3.0]);
        assert_eq!(ends(vec![4.0], 0.9), [4.0, 4.0]);
        assert_eq!(ends(Vec::new(), 0.9), [0.0, 0.0]);
    }

    #[test]
    fn exchangeable_truths_are_held_as_promised() {
        // A fixed order that looks like chance: every 37th error is held out in turn.
        let errors: Vec<f64> = (0..3700).map(|i| f64::from(i * 7919 % 3701)).collect();
        let mut held = 0;
        for fold in 0..37 {
            let (seen, new): (Vec<_>, Vec<_>) =
                errors.iter().enumerate().partition(|(i, _)| i % 37 != fold);
            let [lower, upper] = ends(seen.into_iter().map(|(_, e)| *e).collect(), 0.9);
            held += new
                .iter()
                .filter(|(_, e)| (lower..=upper).contains(*e))
                .count();
        }
        assert!((3310..=3370).contains(&held), "{held}");
    }
}
