//! Conformal intervals that learn from what has come true.
//!
//! ```text
//! hour        t-1   t    t+1   t+2   …  t+h
//! predicted    ●────┼──── issued at t+1 ───▶ ●     its truth is known at t+h+1 and not before
//! ```
//!
//! A base interval says where truths usually lie. A truth's place in it (0 at its lower end, 1000 at its upper) is
//! a score, comparable between calm and rough predictions. Kept are the scores of the last hours whose truths are known,
//! and, so that a few odd weeks do not rule, those of a long calibration as if they were so many hours more; the
//! ends are where half of the rest of the promise lies outside of these at each side (weighted conformal prediction:
//! Barber, Candès, Ramdas and Tibshirani 2023, with equal weights inside a window). An hour counts once, whatever number of
//! stations it has: they share the weather.
//!
//! Not a model: whoever feeds it sees to it that no truth comes before it can be known.

use std::collections::BTreeMap;

/// A score of this is at the upper end of the base interval.
pub const UPPER: i32 = 1000;
/// No truth is counted farther away than a thousand widths: it would say no more.
const SCORE_MAX: f64 = 1e6;
/// The weight of an hour; shared without rest by up to 16 rows, and with next to none by more.
const HOUR: u64 = 720_720;

/// What is remembered, and for how long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OnlineRules {
    /// The promised share of truths inside, above 0 and below 1.
    pub coverage: f64,
    /// How long an hour is remembered, in the unit of [`Memory::learn`].
    pub window: i64,
    /// Hours that the calibration weighs as much as.
    pub prior_h: u32,
}

/// Scores of the hours that are remembered, on top of those of the calibration.
#[derive(Clone, Debug, PartialEq)]
pub struct Memory {
    rules: OnlineRules,
    hours: BTreeMap<i64, Vec<i32>>,
    /// Weight by score; whole numbers, so that what is forgotten leaves no trace.
    weights: BTreeMap<i32, u64>,
}

impl Memory {
    /// Begins with the scores of a calibration, in any order; they share the weight of `rules.prior_h` hours.
    ///
    /// # Panics
    /// If the promised share is not above 0 and below 1, or there is neither a score nor a place for one.
    pub fn new(rules: OnlineRules, prior: &[i32]) -> Self {
        assert!(0.0 < rules.coverage && rules.coverage < 1.0, "a share");
        assert!(0 < rules.window && 0 < rules.prior_h && !prior.is_empty());
        let mut memory = Self {
            rules,
            hours: BTreeMap::new(),
            weights: BTreeMap::new(),
        };
        let weight = u64::from(rules.prior_h) * HOUR / prior.len() as u64;
        for score in prior {
            *memory.weights.entry(*score).or_default() += weight;
        }
        memory
    }

    /// The truths of the predictions of one hour have become known. Hours may come in any order, each once; one that has
    /// come before, and one without scores, changes nothing.
    pub fn learn(&mut self, hour: i64, mut scores: Vec<i32>) {
        if scores.is_empty() || self.hours.contains_key(&hour) {
            return;
        }
        scores.sort_unstable();
        for score in &scores {
            *self.weights.entry(*score).or_default() += HOUR / scores.len() as u64;
        }
        self.hours.insert(hour, scores);
    }

    /// Forgets what lies a window or more before `hour`.
    pub fn forget(&mut self, hour: i64) {
        let kept = self.hours.split_off(&(hour - self.rules.window + 1));
        for scores in std::mem::replace(&mut self.hours, kept).values() {
            for score in scores {
                let weight = self.weights.entry(*score).or_default();
                *weight -= HOUR / scores.len() as u64;
                if *weight == 0 {
                    self.weights.remove(score);
                }
            }
        }
    }

    /// Where the ends lie, as scores.
    pub fn ends(&self) -> [i32; 2] {
        let total: u64 = self.weights.values().sum();
        // Weights are whole and below 2^53, so exact; the half decides ties that a rounding would.
        let outside = (1.0 - self.rules.coverage) / 2.0 * total as f64 - 0.5;
        [
            first_beyond(self.weights.iter(), outside),
            first_beyond(self.weights.iter().rev(), outside),
        ]
    }

    /// Hours that are remembered with their scores, both rising.
    pub fn hours(&self) -> impl Iterator<Item = (i64, &[i32])> {
        self.hours.iter().map(|(hour, scores)| (*hour, &scores[..]))
    }
}

/// The first score with which `outside` has been passed.
fn first_beyond<'a>(weights: impl Iterator<Item = (&'a i32, &'a u64)>, outside: f64) -> i32 {
    let mut passed = 0;
    let mut last = 0;
    for (score, weight) in weights {
        passed += weight;
        last = *score;
        if outside < passed as f64 {
            break;
        }
    }
    last
}

/// A truth's place in a base interval, see [`UPPER`]; none in one without width.
pub fn score(truth: f64, [lower, upper]: [f64; 2]) -> Option<i32> {
    let width = upper - lower;
    let score = (truth - lower) / width * f64::from(UPPER);
    (0.0 < width && score.is_finite()).then(|| score.round().clamp(-SCORE_MAX, SCORE_MAX) as i32)
}

/// The base interval with its ends moved to these scores.
pub fn moved([lower, upper]: [f64; 2], ends: [i32; 2]) -> [f64; 2] {
    let width = upper - lower;
    ends.map(|end| lower + width * (f64::from(end) / f64::from(UPPER)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RULES: OnlineRules = OnlineRules {
        coverage: 0.9,
        window: 100,
        prior_h: 30,
    };

    /// As a calibration leaves it: a twentieth outside at each side.
    fn calibrated() -> Memory {
        let prior: Vec<i32> = (0..1000).map(|i| i * 1111 / 999 - 55).collect();
        Memory::new(RULES, &prior)
    }

    /// A number from -1 to 1 that looks like chance.
    fn noise(i: i64) -> f64 {
        f64::from((i as u32).wrapping_mul(2_654_435_761)) / f64::from(u32::MAX) * 2.0 - 1.0
    }

    /// The share of truths inside while `spread` says how far errors reach; the base interval is -9 to 9.
    fn held(spread: impl Fn(i64) -> f64) -> f64 {
        let (mut memory, mut n_inside) = (calibrated(), 0);
        for hour in 0..4000 {
            memory.forget(hour);
            let truth = spread(hour) * noise(hour);
            let [lower, upper] = moved([-9.0, 9.0], memory.ends());
            n_inside += u32::from(lower <= truth && truth <= upper);
            memory.learn(hour, score(truth, [-9.0, 9.0]).into_iter().collect());
        }
        f64::from(n_inside) / 4000.0
    }

    #[test]
    fn a_calibration_alone_leaves_the_base_interval_as_it_is() {
        let [lower, upper] = calibrated().ends();
        assert!(
            lower.abs() <= 2 && (upper - UPPER).abs() <= 2,
            "{lower} {upper}"
        );
    }

    #[test]
    fn steady_air_is_held_as_promised_and_rougher_air_is_followed() {
        let steady = held(|_| 10.0);
        assert!((0.88..0.92).contains(&steady), "{steady}");
        let rougher = held(|hour| 10.0 + hour as f64 / 100.0);
        assert!((0.83..0.92).contains(&rougher), "{rougher}");
    }

    #[test]
    fn an_hour_counts_once_whatever_number_of_stations_it_has() {
        let (mut one, mut many) = (calibrated(), calibrated());
        for hour in 0..60 {
            let score = (hour as i32 - 30) * 100;
            one.learn(hour, vec![score]);
            many.learn(hour, vec![score; 9]);
        }
        assert_eq!(one.ends(), many.ends());
    }

    #[test]
    fn a_score_is_a_place_and_a_place_a_score() {
        assert_eq!(score(15.0, [10.0, 30.0]), Some(250));
        assert_eq!(moved([10.0, 30.0], [250, 1500]), [15.0, 40.0]);
        assert_eq!(score(-1e300, [10.0, 30.0]), Some(-1_000_000));
        assert_eq!(score(1.0, [2.0, 2.0]), None);
        assert_eq!(score(f64::NAN, [1.0, 2.0]), None);
    }

    proptest! {
        /// Counted anew from the hours that are within the window, in any order.
        #[test]
        fn what_is_forgotten_leaves_no_trace(
            scores in proptest::collection::vec(proptest::collection::vec(-3000..4000_i32, 0..5), 1..200),
        ) {
            let mut memory = calibrated();
            for (hour, scores) in scores.iter().enumerate() {
                memory.learn(hour as i64, scores.clone());
                memory.forget(hour as i64);
            }
            let mut anew = calibrated();
            let newest = scores.len() as i64 - 1;
            for (hour, scores) in scores.iter().enumerate().rev() {
                if newest - RULES.window < hour as i64 {
                    anew.learn(hour as i64, scores.clone());
                }
            }
            prop_assert_eq!(memory.ends(), anew.ends());
            prop_assert_eq!(memory, anew);
        }

        #[test]
        fn ends_are_those_of_a_slow_count(scores in proptest::collection::vec(-3000..4000_i32, 1..90)) {
            let mut memory = Memory::new(OnlineRules { prior_h: 10, ..RULES }, &[0, 1000]);
            for (hour, score) in scores.iter().enumerate() {
                memory.learn(hour as i64, vec![*score]);
            }
            let mut all: Vec<i32> = scores.clone();
            all.extend([0; 5]);
            all.extend([1000; 5]);
            all.sort_unstable();
            let outside = (all.len() as f64 * 0.05 - 1e-9).ceil() as usize - 1;
            prop_assert_eq!(memory.ends(), [all[outside], all[all.len() - 1 - outside]]);
        }
    }
}
