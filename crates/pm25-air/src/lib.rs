//! Air as numbers: pollutants and their units, quality flags, civil time, the feature language with its one
//! evaluator, tasks and splits.
//!
//! Knows nothing of Parquet, JSON, models, and never asks what time it is now.

pub mod aqi;
pub mod civil;
pub mod feature;
pub mod flag;
pub mod merge;
pub mod quality;
pub mod quantity;
pub mod split;
pub mod station;
pub mod task;

pub use feature::{Feature, FeatureError, FeatureSet};
pub use merge::{MergeError, merge};
pub use quantity::Quantity;
pub use split::{Cut, Part};
pub use station::{Network, Station};
pub use task::Task;
