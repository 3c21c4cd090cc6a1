//! `pm25-eval` through its front door.
#![expect(clippy::unwrap_used, reason = "a test stops where it stands")]

mod files;
mod leaks;
mod numbers;
mod online;
mod refusals;
mod world;
mod year;
