//! `pm25-rows`: from observation tables to prepared rows.
//!
//! Reads and joins observations, decides which hours are rows of which part of time, and gathers their targets and
//! features. Not a model, and not the feature language: what a feature is, `pm25-air` knows.
//!
//! ```text
//! observation tables ── observations ── plan ┬─ assemble ── table of a part
//!                                            └─ digest ──── what that table may depend on
//! ```

mod asked;
mod assemble;
mod digest;
mod observations;
mod of_model;
mod plan;
mod statistic;

pub use asked::{TaskArgs, features_among};
pub use assemble::{code, facts, stations, table};
pub use digest::rows_before;
pub use observations::{ObservationFile, Observations, Record, read};
pub use of_model::of_model;
pub use plan::{Plan, StationPlan, TABLES, name};
pub use statistic::statistic;
