//! Targets that are learned as their logarithm or root, and the way back without bias.
//!
//! Not a loss: a booster with squared error is fitted to the transformed targets, and [`Transform::link`] then measures
//! on the training rows what the mean loses on the way back.

use std::fmt;
use std::str::FromStr;

use super::link::Link;
use super::sums::sum_of;

/// What is learned in place of a target y.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Transform {
    /// y itself.
    #[default]
    None,
    /// ln(1 + y), for y not below 0.
    Log1p,
    /// √y, for y not below 0.
    Sqrt,
}

impl Transform {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::None, Self::Log1p, Self::Sqrt];

    /// As it is typed and written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Log1p => "log1p",
            Self::Sqrt => "sqrt",
        }
    }

    /// Whether it is defined for this target.
    #[must_use]
    pub fn allows(self, y: f32) -> bool {
        self == Self::None || 0.0 <= y
    }

    /// What is learned in place of `y`; NaN where the transform is not defined.
    #[must_use]
    pub fn of(self, y: f32) -> f32 {
        self.exact(y) as f32
    }

    fn exact(self, y: f32) -> f64 {
        let y = f64::from(y);
        match self {
            Self::None => y,
            Self::Log1p => libm::log1p(y),
            Self::Sqrt => y.sqrt(),
        }
    }

    /// The way back from scores, such that the mean is kept: Duan's smearing estimate from the targets `y` of the
    /// training rows and the scores that were fitted to them.
    #[must_use]
    pub fn link(self, y: &[f32], scores: &[f64]) -> Link {
        let residual = |(&y, score): (&f32, &f64)| self.exact(y) - score;
        let residuals: Vec<f64> = y.iter().zip(scores).map(residual).collect();
        let n_rows = residuals.len().max(1) as f64;
        match self {
            Self::None => Link::Identity,
            Self::Log1p => Link::Log1p {
                factor: sum_of(&residuals, libm::exp) / n_rows,
            },
            Self::Sqrt => Link::Sqrt {
                spread: sum_of(&residuals, |residual| residual * residual) / n_rows,
            },
        }
    }
}

impl fmt::Display for Transform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Transform {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL
            .into_iter()
            .find(|transform| transform.word() == word);
        found.ok_or_else(|| format!("`transform` is one of none, log1p, sqrt, not `{word}`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_is_the_target_where_the_fit_is_exact() {
        for transform in Transform::ALL {
            let y = [0.0, 0.5, 3.0, 80.0, 999.0_f32];
            let scores: Vec<f64> = y.iter().map(|&y| transform.exact(y)).collect();
            let link = transform.link(&y, &scores);
            for (&y, &score) in y.iter().zip(&scores) {
                let back = link.prediction(score);
                assert!((back - f64::from(y)).abs() <= 1e-12 * (1.0 + f64::from(y)));
            }
            assert_eq!(transform.word().parse(), Ok(transform));
        }
        assert!("log".parse::<Transform>().unwrap_err().contains("log1p"));
    }

    /// The best constant in the transformed space is too small a mean; the correction makes it the mean.
    #[test]
    fn the_way_back_keeps_the_mean() {
        let y: Vec<f32> = (0..1000).map(|i| (i * i % 997) as f32).collect();
        let mean = y.iter().map(|&y| f64::from(y)).sum::<f64>() / y.len() as f64;
        for transform in [Transform::Log1p, Transform::Sqrt] {
            let centre = y.iter().map(|&y| transform.exact(y)).sum::<f64>() / y.len() as f64;
            let link = transform.link(&y, &vec![centre; y.len()]);
            assert!(
                (link.prediction(centre) - mean).abs() < 1e-9 * mean,
                "{link:?}"
            );
            let naive = match transform {
                Transform::Log1p => libm::expm1(centre),
                _ => centre * centre,
            };
            assert!(naive < 0.95 * mean, "{transform}: {naive} of {mean}");
        }
    }

    #[test]
    fn targets_below_zero_are_told() {
        assert!(Transform::None.allows(-1.0));
        assert!(!Transform::Log1p.allows(-0.5) && !Transform::Sqrt.allows(-0.5));
        assert!(Transform::Log1p.allows(0.0) && Transform::Sqrt.allows(0.0));
    }
}
