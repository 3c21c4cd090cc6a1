//! The real program over small tables whose truth is known.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "it/world.rs"]
mod world;

#[path = "it/bytes.rs"]
mod bytes;
#[path = "it/errors.rs"]
mod errors;
#[path = "it/explain.rs"]
mod explain;
#[path = "it/horizons.rs"]
mod horizons;
#[path = "it/rows.rs"]
mod rows;
#[path = "it/split.rs"]
mod split;
