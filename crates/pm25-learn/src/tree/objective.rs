//! What boosting makes small: the loss of a prediction, and what a row wants because of it.
//!
//! Not regularisation, and not where the loss is evaluated: everything here is a function of a target and a score.
//! A score is the base plus the sum over trees; with the log link it is the logarithm of the prediction.

use super::link::Link;
use super::sums::{BLOCK, Lanes};

/// A loss, by XGBoost's names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Objective {
    /// `reg:squarederror`: squared error, for the mean.
    Squared,
    /// `reg:absoluteerror`: absolute error, for the median.
    Absolute,
    /// `huber`: squared error up to `slope`, absolute beyond it (Huber 1964), for a mean that outliers do not move.
    Huber {
        /// Residuals beyond it, in units of the target, pull no harder.
        slope: f64,
    },
    /// `reg:quantileerror`: pinball loss (Koenker and Bassett 1978), for the value that a share `alpha` stays below.
    Quantile {
        /// Share of targets below the prediction, 0 < alpha < 1.
        alpha: f64,
    },
    /// `count:poisson`: Poisson's likelihood with log link, for positive targets with variance like the mean.
    Poisson,
    /// `reg:gamma`: the gamma likelihood with log link, for positive targets with a spread like the mean.
    Gamma,
}

/// A log-link tree changes a score by at most this, as XGBoost's `max_delta_step` for Poisson: where a leaf has only
/// zeros, a Newton step has no end.
pub(crate) const LOG_STEP_MAX: f64 = 0.7;

/// What one row wants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Want {
    /// Change of the score: the negative derivative of the loss.
    pub(crate) gradient: f64,
    /// Second derivative of the loss, or the 1 that stands for it.
    pub(crate) hessian: f64,
    pub(crate) loss: f64,
}

impl Objective {
    /// How scores become predictions.
    #[must_use]
    pub fn link(self) -> Link {
        match self {
            Self::Poisson | Self::Gamma => Link::Log,
            _ => Link::Identity,
        }
    }

    /// Whether second derivatives differ from row to row.
    pub(crate) fn is_curved(self) -> bool {
        self.link() == Link::Log
    }

    /// The smallest target that the loss is defined for.
    pub(crate) fn allows(self, y: f32) -> bool {
        match self {
            Self::Poisson => 0.0 <= y,
            Self::Gamma => 0.0 < y,
            _ => true,
        }
    }

    /// What a row with this target and score wants.
    pub(crate) fn want(self, y: f64, score: f64) -> Want {
        let residual = y - score;
        let want = |gradient, hessian, loss| Want {
            gradient,
            hessian,
            loss,
        };
        match self {
            Self::Squared => want(residual, 1.0, residual * residual),
            Self::Absolute => want(sign(residual), 1.0, residual.abs()),
            Self::Huber { slope } => {
                let kept = residual.clamp(-slope, slope);
                want(kept, 1.0, kept * (residual - 0.5 * kept))
            }
            Self::Quantile { alpha } => {
                let pull = if residual < 0.0 { alpha - 1.0 } else { alpha };
                let gradient = if residual == 0.0 { 0.0 } else { pull };
                want(gradient, 1.0, pull * residual)
            }
            Self::Poisson => {
                let mean = libm::exp(score);
                want(y - mean, mean, mean - y * score)
            }
            Self::Gamma => {
                let ratio = y * libm::exp(-score);
                want(ratio - 1.0, ratio, ratio + score)
            }
        }
    }

    /// A bound of the gradient where residuals are at most `residual_max`; none where it has to be measured.
    pub(crate) fn gradient_max(self, residual_max: f64) -> Option<f64> {
        match self {
            Self::Squared => Some(residual_max),
            Self::Absolute => Some(1.0),
            Self::Quantile { alpha } => Some(alpha.max(1.0 - alpha)),
            Self::Huber { .. } | Self::Poisson | Self::Gamma => None,
        }
    }

    /// The share below the order statistic that a leaf takes of its residuals, if it takes one.
    pub(crate) fn order_share(self) -> Option<f64> {
        match self {
            Self::Absolute | Self::Huber { .. } => Some(0.5),
            Self::Quantile { alpha } => Some(alpha),
            Self::Squared | Self::Poisson | Self::Gamma => None,
        }
    }

    /// The error that a history tells: the root of the mean squared error, or the mean loss.
    pub(crate) fn error(self, loss: f64, weight: f64) -> f64 {
        let mean = if weight == 0.0 { 0.0 } else { loss / weight };
        match self {
            Self::Squared => mean.sqrt(),
            _ => mean,
        }
    }

    /// The error of scores, every row counting once.
    pub(crate) fn error_of(self, y: &[f32], scores: &[f64]) -> f64 {
        let blocks = y.chunks(BLOCK).zip(scores.chunks(BLOCK));
        let sums: Vec<f64> = blocks
            .map(|(y, scores)| {
                let rows = y.iter().zip(scores);
                let losses: Vec<f64> = rows
                    .map(|(&y, &score)| self.want(f64::from(y), score).loss)
                    .collect();
                let mut lanes = Lanes::default();
                lanes.add(&losses, |loss| loss);
                lanes.sum()
            })
            .collect();
        self.error(super::sums::in_order(&sums), y.len() as f64)
    }

    /// The score of no tree: the best constant. `weights` may be empty, and every row then counts once.
    pub(crate) fn base(self, y: &[f32], weights: &[f32]) -> f64 {
        if let Some(share) = self.order_share() {
            let mut pairs: Vec<(f64, f64)> = y.iter().map(|&y| (f64::from(y), 1.0)).collect();
            for (pair, &weight) in pairs.iter_mut().zip(weights) {
                pair.1 = f64::from(weight);
            }
            return self.centre(&mut pairs, share);
        }
        let mean = if weights.is_empty() {
            super::sums::mean_of(y)
        } else {
            let products = y.iter().zip(weights);
            let products: Vec<f64> = products
                .map(|(&y, &weight)| f64::from(y) * f64::from(weight))
                .collect();
            let weights: Vec<f64> = weights.iter().map(|&weight| f64::from(weight)).collect();
            let total = super::sums::sum_of(&weights, |weight| weight);
            super::sums::sum_of(&products, |product| product) / total.max(f64::MIN_POSITIVE)
        };
        match self.link() {
            // Nothing but zeros has no logarithm; e^-30 is as good as nothing.
            Link::Log => libm::log(mean.max(libm::exp(-30.0))),
            _ => mean,
        }
    }

    /// The constant that serves these residuals with their weights best: an order statistic, for Huber's loss
    /// followed by one step of the mean of what is clipped around it (Friedman 2001, algorithm 4).
    pub(crate) fn centre(self, pairs: &mut [(f64, f64)], share: f64) -> f64 {
        let middle = order_statistic(pairs, share);
        let Self::Huber { slope } = self else {
            return middle;
        };
        // Summed in rising order, so that the order of rows does not matter.
        pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let (mut sum, mut total) = (0.0, 0.0);
        for (residual, weight) in pairs {
            sum += *weight * (*residual - middle).clamp(-slope, slope);
            total += *weight;
        }
        middle + if total == 0.0 { 0.0 } else { sum / total }
    }
}

fn sign(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { x.signum() }
}

/// The smallest value that at least a share of all weight does not exceed; 0 of nothing.
pub(crate) fn order_statistic(pairs: &mut [(f64, f64)], share: f64) -> f64 {
    if pairs.is_empty() {
        return 0.0;
    }
    if pairs.iter().all(|&(_, weight)| weight == 1.0) {
        let place = (share * pairs.len() as f64).ceil() as usize;
        let place = place.clamp(1, pairs.len()) - 1;
        return pairs
            .select_nth_unstable_by(place, |a, b| a.0.total_cmp(&b.0))
            .1
            .0;
    }
    pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let total = pairs.iter().fold(0.0, |total, pair| total + pair.1);
    let mut below = 0.0;
    for &(value, weight) in &*pairs {
        below += weight;
        if 0.0 < weight && share * total <= below {
            return value;
        }
    }
    pairs[pairs.len() - 1].0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [Objective; 6] = [
        Objective::Squared,
        Objective::Absolute,
        Objective::Huber { slope: 2.0 },
        Objective::Quantile { alpha: 0.9 },
        Objective::Poisson,
        Objective::Gamma,
    ];

    #[test]
    fn gradients_are_the_slopes_of_losses() {
        let loss = |objective: Objective, y, score| {
            let factor = if objective == Objective::Squared {
                0.5
            } else {
                1.0
            };
            factor * objective.want(y, score).loss
        };
        for objective in ALL {
            for (y, score) in [(3.0, 1.0), (0.5, 2.0), (7.0, 1.9), (1.0, 1.5), (2.0, -3.0)] {
                let width = 1e-5;
                let [low, at, high] = [-width, 0.0, width].map(|d| loss(objective, y, score + d));
                let want = objective.want(y, score);
                assert!((want.gradient + (high - low) / (2.0 * width)).abs() < 1e-4);
                if objective.is_curved() || objective == Objective::Squared {
                    let curvature = (high - 2.0 * at + low) / (width * width);
                    assert!((want.hessian - curvature).abs() < 1e-3 * want.hessian.max(1.0));
                }
            }
        }
    }

    #[test]
    fn the_base_is_the_best_constant() {
        let y = [1.0, 2.0, 2.5, 4.0, 9.0, 30.0, 31.0_f32];
        for weights in [vec![], vec![1.0, 0.0, 2.0, 0.5, 3.0, 1.5, 0.25_f32]] {
            for objective in ALL {
                let loss = |score: f64| -> f64 {
                    let rows = y.iter().enumerate();
                    rows.map(|(row, &y)| {
                        let weight = weights.get(row).copied().unwrap_or(1.0);
                        f64::from(weight) * objective.want(f64::from(y), score).loss
                    })
                    .sum()
                };
                let base = objective.base(&y, &weights);
                // Huber's is one step towards the best.
                let slack = if matches!(objective, Objective::Huber { .. }) {
                    1.02
                } else {
                    1.0 + 1e-9
                };
                for other in (-100..4000).map(|hundredth| f64::from(hundredth) / 100.0) {
                    let (here, there) = (loss(base), loss(other));
                    assert!(
                        here <= there + (slack - 1.0) * there.abs(),
                        "{objective:?} {base} {other}"
                    );
                }
            }
        }
    }

    #[test]
    fn nothing_is_answered_too() {
        for objective in ALL {
            assert!(objective.base(&[], &[]).is_finite());
            assert!(objective.base(&[0.0, 0.0], &[]).is_finite());
            assert_eq!(objective.error(0.0, 0.0), 0.0);
        }
    }

    proptest! {
        #[test]
        fn an_order_statistic_has_its_share_below(
            pairs in proptest::collection::vec((-50..50_i32, 0..4_u8), 1..60),
            share in 0.01..0.99_f64,
            same in any::<bool>(),
        ) {
            let mut pairs: Vec<(f64, f64)> = pairs
                .iter()
                .map(|&(x, weight)| (f64::from(x), if same { 1.0 } else { f64::from(weight) }))
                .collect();
            let total: f64 = pairs.iter().map(|pair| pair.1).sum();
            let value = order_statistic(&mut pairs, share);
            let up_to: f64 = pairs.iter().filter(|pair| pair.0 <= value).map(|pair| pair.1).sum();
            let below: f64 = pairs.iter().filter(|pair| pair.0 < value).map(|pair| pair.1).sum();
            prop_assert!(total == 0.0 || (share * total <= up_to && below < share * total + 1e-9));
        }
    }
}
