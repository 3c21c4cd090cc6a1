//! The documents of pm25: the model file, the reports of each program and the registry's store.
//!
//! Types that are written down live here; the types that compute live in `pm25-learn`, `pm25-air` and
//! `pm25-stats`. This crate knows nothing of Parquet, command lines or HTTP.

pub mod backtest;
pub mod card;
pub mod dependence;
pub mod drift;
pub mod eval;
pub mod eval_horizons;
pub mod ingest;
pub mod interchange;
pub mod model;
pub mod normalise;
pub mod prep;
pub mod probe;
pub mod registry;
pub mod shap;
pub mod state;
pub mod train;
pub mod tune;
