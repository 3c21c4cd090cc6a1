//! Conformal intervals that learn from what has come true.
//!
//! ```text
//! hour        t-1   t    t+1   t+2   …  t+h
//! predicted    ●────┼──── issued at t+1 ───▶ ●     its truth is known at t+h+1 and not before
//! ```
//!
//! Two levers, both only from errors whose truth is known. Errors of the last hours of the same level replace those
//! of the calibration one by one (a window), and the promised share itself is steered: after a miss it is
//! raised by `step` x coverage, after a hit lowered by `step` x (1 - coverage), so that in the long run the misses are as many as
//! were promised whatever the air does (Gibbs and Candès 2021, equation 2). Not a model: it knows
//! no time, and whoever feeds it sees to it that no truth comes before it can be known.

use std::collections::VecDeque;

use crate::conformal::ends;

/// How the window and the steering work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OnlineRules {
    /// The promised share of truths inside, above 0 and below 1.
    pub coverage: f64,
    /// Errors that are remembered.
    pub window: usize,
    /// How far one truth steers, 0 (not at all) to 1.
    pub step: f64,
}

/// What is remembered of one level of predictions; plain data that a file can hold.
#[derive(Clone, Debug, PartialEq)]
pub struct OnlineConformal {
    rules: OnlineRules,
    /// Signed errors (truth less prediction), oldest first.
    errors: VecDeque<f64>,
    /// The share aimed at now, so that the promised one is kept.
    aim: f64,
}

/// The least and the largest share that is ever aimed at: ends need errors on either side of them.
const AIM: [f64; 2] = [0.5, 0.995];

impl OnlineConformal {
    /// Begins with errors of calibration rows, oldest first; of more than the window holds the newest stay.
    ///
    /// # Panics
    /// If the promised share is not above 0 and below 1, or the window is empty.
    pub fn new(rules: OnlineRules, errors: &[f64]) -> Self {
        assert!(0.0 < rules.coverage && rules.coverage < 1.0, "a share");
        assert!(0 < rules.window, "something is remembered");
        let newest = errors.len().saturating_sub(rules.window);
        Self {
            rules,
            errors: errors[newest..].iter().copied().collect(),
            aim: rules.coverage,
        }
    }

    /// Lower and upper end around a prediction.
    pub fn around(&self, prediction: f64) -> [f64; 2] {
        let errors: Vec<f64> = self.errors.iter().copied().collect();
        ends(errors, self.aim).map(|end| prediction + end)
    }

    /// A truth has become known: what was predicted, between which ends, and what came.
    #[must_use]
    pub fn after(mut self, prediction: f64, interval: [f64; 2], truth: f64) -> Self {
        let hit = interval[0] <= truth && truth <= interval[1];
        let OnlineRules {
            coverage,
            window,
            step,
        } = self.rules;
        let moved = if hit {
            -step * (1.0 - coverage)
        } else {
            step * coverage
        };
        self.aim = (self.aim + moved).clamp(AIM[0], AIM[1]);
        self.errors.push_back(truth - prediction);
        while window < self.errors.len() {
            self.errors.pop_front();
        }
        self
    }

    /// The share aimed at now.
    pub fn aim(&self) -> f64 {
        self.aim
    }

    /// The errors remembered, oldest first.
    pub fn errors(&self) -> impl Iterator<Item = f64> + '_ {
        self.errors.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: OnlineRules = OnlineRules {
        coverage: 0.9,
        window: 400,
        step: 0.02,
    };

    /// A number from -1 to 1 that looks like chance.
    fn noise(i: usize) -> f64 {
        f64::from((i as u32).wrapping_mul(2_654_435_761)) / f64::from(u32::MAX) * 2.0 - 1.0
    }

    /// The share of truths inside while `spread` says how far errors reach.
    fn held(mut online: OnlineConformal, spread: impl Fn(usize) -> f64) -> f64 {
        let n = 4000;
        let mut n_inside = 0;
        for i in 0..n {
            let (prediction, truth) = (50.0, 50.0 + spread(i) * noise(i));
            let ends = online.around(prediction);
            n_inside += usize::from(ends[0] <= truth && truth <= ends[1]);
            online = online.after(prediction, ends, truth);
        }
        n_inside as f64 / f64::from(n as u32)
    }

    fn calibrated() -> OnlineConformal {
        let errors: Vec<f64> = (0..1000).map(|i| 10.0 * noise(i + 77)).collect();
        OnlineConformal::new(RULES, &errors)
    }

    #[test]
    fn steady_air_is_held_as_promised() {
        let share = held(calibrated(), |_| 10.0);
        assert!((0.885..0.915).contains(&share), "{share}");
    }

    #[test]
    fn air_that_grows_rougher_is_followed() {
        let rougher = |i| 10.0 + i as f64 / 40.0;
        let share = held(calibrated(), rougher);
        assert!((0.88..0.92).contains(&share), "{share}");
        // Without memory or steering the promise is broken: that is what the levers are for.
        let fixed = calibrated().around(0.0);
        let n_inside = (0..4000)
            .filter(|&i| (fixed[0]..=fixed[1]).contains(&(rougher(i) * noise(i))))
            .count();
        assert!(n_inside < 2000, "{n_inside}");
    }

    #[test]
    fn a_miss_widens_a_hit_narrows_and_neither_without_bound() {
        let mut online = calibrated();
        let wide = |online: &OnlineConformal| {
            let [lower, upper] = online.around(0.0);
            upper - lower
        };
        let before = wide(&online);
        let missed = online.clone().after(0.0, [-1.0, 1.0], 9.9);
        assert!(before <= wide(&missed) && 0.9 < missed.aim());
        for _ in 0..10_000 {
            online = online.after(0.0, [-1.0, 1.0], 5.0);
        }
        assert_eq!((online.aim(), online.errors().count()), (AIM[1], 400));
        for _ in 0..100_000 {
            online = online.after(0.0, [-1.0, 1.0], 0.0);
        }
        assert_eq!(online.aim(), AIM[0]);
    }

    #[test]
    fn more_errors_than_it_remembers_are_the_newest() {
        let errors: Vec<f64> = (0..1000).map(f64::from).collect();
        let online = OnlineConformal::new(RULES, &errors);
        assert_eq!(online.errors().next(), Some(600.0));
    }
}
