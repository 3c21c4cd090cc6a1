//! From what trees say together to a prediction in units of the target.
//!
//! Not a loss: which link a loss goes with is the objective's to say, and which a transformed target goes with the
//! transform's.

/// What makes a prediction of a score, where a score is base + scale x (sum over trees).
///
/// All are continuous and never fall as the score rises, so what is promised of scores (monotone constraints, the order
/// of rows) holds for predictions too.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Link {
    /// The score is the prediction.
    #[default]
    Identity,
    /// The score is the prediction's logarithm.
    Log,
    /// The score is the mean of ln(1 + y); prediction = factor x e^score - 1, at least 0.
    Log1p {
        /// The mean of e^(ln(1 + y) - score) over the training rows, above 0: Duan's smearing estimate (1983, "Smearing
        /// estimate: a nonparametric retransformation method", JASA 78).
        factor: f64,
    },
    /// The score is the mean of the target's root; prediction = max(score, 0)² + spread.
    Sqrt {
        /// The mean of (√y - score)² over the training rows, not below 0: what smearing comes to for a square.
        spread: f64,
    },
}

/// Scores count at most this in an exponent, so that a prediction is finite whatever a model file says; e^600 is 1e260.
const EXPONENT_MAX: f64 = 600.0;
/// A bias correction beyond this is no estimate but an accident.
const CORRECTION_MAX: f64 = 1e12;

impl Link {
    /// The prediction, in units of the target; finite if the score is.
    #[must_use]
    pub fn prediction(self, score: f64) -> f64 {
        match self {
            Self::Identity => score,
            Self::Log => exp(score),
            Self::Log1p { factor } => (factor * exp(score) - 1.0).max(0.0),
            Self::Sqrt { spread } => {
                let root = score.clamp(0.0, exp(EXPONENT_MAX / 2.0));
                root * root + spread
            }
        }
    }

    /// Whether its numbers are such as [`Link::prediction`] relies on.
    pub(crate) fn is_sound(self) -> bool {
        match self {
            Self::Identity | Self::Log => true,
            Self::Log1p { factor } => 0.0 < factor && factor <= CORRECTION_MAX,
            Self::Sqrt { spread } => (0.0..=CORRECTION_MAX).contains(&spread),
        }
    }
}

fn exp(score: f64) -> f64 {
    libm::exp(score.min(EXPONENT_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Link; 4] = [
        Link::Identity,
        Link::Log,
        Link::Log1p { factor: 1.25 },
        Link::Sqrt { spread: 4.0 },
    ];

    #[test]
    fn predictions_are_what_the_formulas_say() {
        let says = ALL.map(|link| link.prediction(2.0));
        let e2 = libm::exp(2.0);
        assert_eq!(says, [2.0, e2, 1.25 * e2 - 1.0, 8.0]);
        let below = ALL.map(|link| link.prediction(-3.0));
        assert_eq!(below, [-3.0, libm::exp(-3.0), 0.0, 4.0]);
    }

    #[test]
    fn predictions_never_fall_and_are_finite() {
        let scores = [-1e300, -700.0, -1.0, 0.0, 1e-9, 1.0, 5.0, 700.0, 1e300];
        for link in ALL {
            let said = scores.map(|score| link.prediction(score));
            assert!(said.is_sorted(), "{link:?}: {said:?}");
            assert!(said.iter().all(|p| p.is_finite()), "{link:?}: {said:?}");
        }
    }

    #[test]
    fn unsound_corrections_are_known() {
        assert!(ALL.into_iter().all(Link::is_sound));
        for bad in [f64::NAN, f64::INFINITY, -1.0, 1e13] {
            assert!(!Link::Log1p { factor: bad }.is_sound());
            assert!(!Link::Sqrt { spread: bad }.is_sound());
        }
        assert!(!Link::Log1p { factor: 0.0 }.is_sound());
    }
}
