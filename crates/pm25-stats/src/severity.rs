//! How much drift matters: bands by effect size, never by p-value (which only says how much data there was).
//!
//! It does not decide what to do about it, nor whether there are rows enough to say anything.
//!
//! The bands are the usual ones of the stability index, 0.1 and 0.25 (Siddiqi, "Credit Risk Scorecards", 2006). The other
//! two measures get the limits that describe the same change: for a normal column shifted by s standard deviations the
//! index tends to s², the Wasserstein distance to s, and the KS statistic to 2 Phi(s / 2) - 1. Hence s = 0.316 and 0.5.

/// How much a column has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Below both limits.
    None,
    /// At or above the first limit.
    Moderate,
    /// At or above the second limit.
    Significant,
}

/// Two limits of one measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bands {
    /// From here the change is moderate.
    pub moderate: f64,
    /// From here it is significant.
    pub significant: f64,
}

/// Limits of the population stability index.
pub const PSI: Bands = Bands {
    moderate: 0.1,
    significant: 0.25,
};
/// Limits of the KS statistic: 2 Phi(s / 2) - 1 for s = 0.316 and 0.5.
pub const KS: Bands = Bands {
    moderate: 0.126,
    significant: 0.197,
};
/// Limits of the Wasserstein distance over the reference's standard deviation.
pub const WASSERSTEIN_STDS: Bands = Bands {
    moderate: 0.316,
    significant: 0.5,
};

impl Bands {
    /// The band of a distance; an unknown distance is no drift (the caller knows why it is unknown).
    #[must_use]
    pub fn severity(&self, distance: Option<f64>) -> Severity {
        match distance {
            Some(d) if self.significant <= d => Severity::Significant,
            Some(d) if self.moderate <= d => Severity::Moderate,
            _ => Severity::None,
        }
    }
}

impl Severity {
    /// The word for it, as flags and reports write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Moderate => "moderate",
            Self::Significant => "significant",
        }
    }
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bins, Sample, ks, psi, wasserstein};
    use statrs::distribution::{ContinuousCDF, Normal};

    #[test]
    fn limits_belong_to_the_band_above() {
        assert_eq!(PSI.severity(Some(0.0999)), Severity::None);
        assert_eq!(PSI.severity(Some(0.1)), Severity::Moderate);
        assert_eq!(PSI.severity(Some(0.25)), Severity::Significant);
        assert_eq!(PSI.severity(None), Severity::None);
        assert!(Severity::None < Severity::Moderate && Severity::Moderate < Severity::Significant);
        assert_eq!(Severity::Significant.to_string(), "significant");
    }

    /// A normal column shifted by s: all three measures cross their limits at about the same s.
    #[test]
    fn the_three_measures_speak_of_the_same_shift() {
        let normal = Normal::new(0.0, 1.0).unwrap();
        let column = |shift: f64| -> Sample {
            Sample::of_f64(
                &(0..20_000)
                    .map(|i| shift + normal.inverse_cdf((f64::from(i) + 0.5) / 20_000.0))
                    .collect::<Vec<_>>(),
            )
        };
        let reference = column(0.0);
        let bins = Bins::of(&reference);
        for (shift, expected) in [
            (0.25, Severity::None),
            (0.4, Severity::Moderate),
            (0.55, Severity::Significant),
        ] {
            let current = column(shift);
            let moved = wasserstein::in_stds(
                wasserstein::wasserstein(&reference, &current),
                reference.std(),
            );
            assert_eq!(
                PSI.severity(psi::psi(&bins.counts(&reference), &bins.counts(&current))),
                expected,
                "PSI at {shift}"
            );
            assert_eq!(
                KS.severity(ks::ks(&reference, &current).map(|k| k.statistic)),
                expected,
                "KS at {shift}"
            );
            assert_eq!(
                WASSERSTEIN_STDS.severity(moved),
                expected,
                "Wasserstein at {shift}"
            );
        }
    }
}
