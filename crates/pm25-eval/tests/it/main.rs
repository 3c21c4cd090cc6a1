//! `pm25-eval` through its front door.
#![expect(clippy::unwrap_used, reason = "a test stops where it stands")]

mod backtest;
mod cost;
mod dependence;
mod files;
mod horizons;
mod leaks;
mod numbers;
mod online;
mod refusals;
mod rolling;
mod weather;
mod world;
mod year;
