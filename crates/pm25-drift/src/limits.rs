//! What it takes to call a difference drift.

use pm25_artifact::drift::{BandsFile, Limits};
use pm25_stats::severity::{Bands, KS, PSI, WASSERSTEIN_STDS};

/// Rows, or values, that each side must have for a verdict. Against a long reference, 200 independent rows of an
/// unchanged column give a stability index of 0.05 on average and a KS statistic below 0.096 in 95 of 100 cases: both
/// stay below the first limits (0.1 and 0.126). Hours are not independent, so take more where there are more.
pub(crate) const ROWS_MIN: u64 = 200;

/// As a report writes them down.
pub(crate) fn limits() -> Limits {
    Limits {
        rows_min: ROWS_MIN,
        psi: file(PSI),
        ks: file(KS),
        wasserstein_stds: file(WASSERSTEIN_STDS),
    }
}

fn file(bands: Bands) -> BandsFile {
    BandsFile {
        moderate: bands.moderate,
        significant: bands.significant,
    }
}
