//! Numbers about numbers: how far predictions are from targets, and how far one distribution is from another.
//!
//! It is not a place for learners, files, column names or pollutants: everything here takes plain `f64` values in
//! whatever unit the caller has, touches nothing outside, and gives the same bits on every machine (sums run in a
//! fixed order, transcendental functions come from `libm`).
//!
//! | question | file |
//! |---|---|
//! | how good are these predictions, and is that report believable? | [`mod@scores`], [`invariants`] |
//! | what does a column look like, sorted once? | [`sample`] |
//! | how far apart are two samples? | [`ks`], [`psi`], [`wasserstein`] |
//! | the same against a reference that is no longer at hand | [`profile`] |
//! | within which ends does the truth lie? | [`conformal`], [`mod@online`] |
//! | is that far enough to matter? | [`severity`] |
//! | how far would a score move with other weeks of weather? | [`blocks`] |
//! | is one prediction better than another beyond luck? | [`paired`] |
//! | what are warnings of a threshold worth, and when should one warn? | [`alarms`], [`cheap`] |
//! | do intervals and quantiles keep what they promise? | [`promise`] |
//! | how much does a series rise in a year, and where did it step? | [`mod@trend`], [`mod@steps`] |
//! | openair's statistics | [`mod@mod_stats`] |

pub mod alarms;
pub mod blocks;
pub mod chance;
pub mod cheap;
pub mod conformal;
pub mod invariants;
mod kolmogorov;
pub mod ks;
pub mod mod_stats;
pub mod online;
pub mod paired;
pub mod profile;
pub mod promise;
pub mod psi;
pub mod sample;
pub mod scores;
pub mod severity;
pub mod steps;
mod student;
pub mod trend;
pub mod wasserstein;

pub use alarms::Alarms;
pub use blocks::{BlockPlan, HourlySums};
pub use invariants::{Violation, check};
pub use ks::Ks;
pub use mod_stats::{ModStats, mod_stats};
pub use paired::{DieboldMariano, diebold_mariano};
pub use profile::{BadProfile, Profile, ProfileParts};
pub use psi::Bins;
pub use sample::Sample;
pub use scores::{Scores, scores, skill};
pub use severity::Severity;
pub use steps::{Step, StepPlan, steps};
pub use trend::{SeasonalTrend, TrendPlan, seasonal_trend};
