//! What is searched, and where a trial stands in it.
//!
//! | learner | setting | from | to | scale |
//! |---|---|---|---|---|
//! | linear | `alpha` | 0.001 | 1,000,000 | log |
//! | forest | `max_depth` | 6 | 24 | even |
//! | | `max_features` | 0.1 | 1 | even |
//! | | `min_samples_leaf` | 1 | 100 | log |
//! | boost | `learning_rate` | 0.01 | 0.2 | log |
//! | | `max_depth` | 3 | 12 | even |
//! | | `max_leaves` | 7 | 255 | log |
//! | | `min_child_weight` | 1 | 1000 | log |
//! | | `subsample` | 0.5 | 1 | even |
//! | | `colsample_bytree` | 0.2 | 1 | even |
//! | | `reg_lambda` | 0.1 | 100 | log |
//!
//! Log where a factor matters rather than a difference. Chance has no state: a value is a hash of seed, trial and
//! name, so that trial 17 is the same in a search of 20 and of 200, and however often the search was interrupted.

use std::collections::BTreeMap;

use pm25_artifact::model::ModelKind;
use pm25_artifact::tune::Searched;
use pm25_file::Sha256;

const LINEAR: [Dim; 1] = [log("alpha", 1e-3, 1e6)];
const FOREST: [Dim; 3] = [
    even("max_depth", 6.0, 24.0).whole(),
    even("max_features", 0.1, 1.0),
    log("min_samples_leaf", 1.0, 100.0).whole(),
];
const BOOST: [Dim; 7] = [
    log("learning_rate", 0.01, 0.2),
    even("max_depth", 3.0, 12.0).whole(),
    log("max_leaves", 7.0, 255.0).whole(),
    log("min_child_weight", 1.0, 1000.0),
    even("subsample", 0.5, 1.0),
    even("colsample_bytree", 0.2, 1.0),
    log("reg_lambda", 0.1, 100.0),
];

/// One searched setting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dim {
    pub(super) name: &'static str,
    low: f64,
    high: f64,
    log: bool,
    whole: bool,
}

const fn even(name: &'static str, low: f64, high: f64) -> Dim {
    Dim {
        name,
        low,
        high,
        log: false,
        whole: false,
    }
}

const fn log(name: &'static str, low: f64, high: f64) -> Dim {
    Dim {
        log: true,
        ..even(name, low, high)
    }
}

impl Dim {
    const fn whole(self) -> Self {
        Self {
            whole: true,
            ..self
        }
    }

    /// The value at a fraction of the way from the lowest to the highest.
    fn at(&self, fraction: f64) -> f64 {
        // A whole number has the room from half below to half above.
        let room = if self.whole { 0.5 } else { 0.0 };
        let (low, high) = (self.low - room, self.high + room);
        let value = if self.log {
            low * libm::pow(high / low, fraction)
        } else {
            low + (high - low) * fraction
        };
        if self.whole {
            value.round().clamp(self.low, self.high)
        } else {
            three_digits(value).clamp(self.low, self.high)
        }
    }
}

impl From<&Dim> for Searched {
    fn from(dim: &Dim) -> Self {
        Self {
            name: dim.name.to_owned(),
            low: dim.low,
            high: dim.high,
            log: dim.log,
            whole: dim.whole,
        }
    }
}

/// What is searched for a learner, less what was set by hand.
pub(super) fn dims(kind: ModelKind, is_set: &dyn Fn(&str) -> bool) -> Vec<Dim> {
    let all: &[Dim] = match kind {
        ModelKind::Linear => &LINEAR,
        ModelKind::Forest => &FOREST,
        ModelKind::Boost => &BOOST,
        _ => &[],
    };
    let free = all.iter().filter(|dim| !is_set(dim.name));
    free.copied().collect()
}

/// Where a trial stands. Trial 0 stands nowhere: it has the defaults.
pub(super) fn draw(dims: &[Dim], seed: u64, trial: u64) -> BTreeMap<String, f64> {
    if trial == 0 {
        return BTreeMap::new();
    }
    dims.iter()
        .map(|dim| (dim.name.to_owned(), dim.at(fraction(seed, trial, dim.name))))
        .collect()
}

/// 52 bits of a hash as a number from 0 to below 1.
fn fraction(seed: u64, trial: u64, name: &str) -> f64 {
    let hash = Sha256::of(format!("{seed} {trial} {name}").as_bytes()).to_string();
    let bits = u64::from_str_radix(&hash[..13], 16).expect("a hash is written in hex digits");
    bits as f64 / (1_u64 << 52) as f64
}

/// Three digits are as many as a setting's worth can tell apart, and people read them.
fn three_digits(value: f64) -> f64 {
    format!("{value:.2e}")
        .parse()
        .expect("a number reads as it was written")
}

#[cfg(test)]
mod tests {
    use super::*;
    use pm25_learn::RidgeParams;
    use pm25_learn::tree::{BoostParams, ForestParams};

    const KINDS: [ModelKind; 3] = [ModelKind::Linear, ModelKind::Forest, ModelKind::Boost];

    fn all(kind: ModelKind) -> Vec<Dim> {
        dims(kind, &|_| false)
    }

    #[test]
    fn the_learners_accept_every_corner() {
        for fraction in [0.0, 0.5, 1.0 - f64::EPSILON] {
            let pairs = |kind| -> Vec<(String, String)> {
                let dims = all(kind);
                let said = dims
                    .iter()
                    .map(|dim| (dim.name.to_owned(), dim.at(fraction).to_string()));
                said.collect()
            };
            BoostParams::from_pairs(&pairs(ModelKind::Boost)).unwrap();
            ForestParams::from_pairs(&pairs(ModelKind::Forest)).unwrap();
            RidgeParams::new(LINEAR[0].at(fraction)).unwrap();
        }
    }

    #[test]
    fn a_trial_does_not_depend_on_others_and_not_on_what_is_fixed() {
        let free = draw(&all(ModelKind::Boost), 7, 3);
        let fixed = dims(ModelKind::Boost, &|name| name == "max_depth");
        let mut expected = free.clone();
        expected.remove("max_depth").unwrap();
        assert_eq!(draw(&fixed, 7, 3), expected);
        assert_ne!(draw(&all(ModelKind::Boost), 8, 3), free);
        assert_ne!(draw(&all(ModelKind::Boost), 7, 4), free);
        assert!(draw(&all(ModelKind::Boost), 7, 0).is_empty());
    }

    #[test]
    fn one_setting_tells_nothing_of_another() {
        let [rate, lambda] = [BOOST[0], BOOST[6]];
        let is_low =
            |dim: Dim, trial| draw(&[dim], 1, trial)[dim.name] < (dim.low * dim.high).sqrt();
        let n_both = (1..2000)
            .filter(|&trial| is_low(rate, trial) && is_low(lambda, trial))
            .count();
        assert!((430..570).contains(&n_both), "{n_both} of 500");
    }

    #[test]
    fn the_scale_is_filled_evenly() {
        for kind in KINDS {
            for dim in all(kind) {
                let middle = if dim.log {
                    (dim.low * dim.high).sqrt()
                } else {
                    (dim.low + dim.high) / 2.0
                };
                let values: Vec<f64> = (1..2000)
                    .map(|trial| draw(&[dim], 1, trial)[dim.name])
                    .collect();
                assert!(values.iter().all(|v| dim.low <= *v && *v <= dim.high));
                let below = values.iter().filter(|v| **v < middle).count();
                // Whole numbers have half a step below the lowest, which weighs in a log scale.
                assert!((840..1200).contains(&below), "{}: {below}", dim.name);
            }
        }
    }
}
