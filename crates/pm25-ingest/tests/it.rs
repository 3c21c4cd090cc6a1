//! The program through its front door.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "it/bench.rs"]
mod bench;
#[path = "it/demo.rs"]
mod demo;
#[path = "it/faces.rs"]
mod faces;
#[path = "it/fetch.rs"]
mod fetch;
#[path = "it/formats.rs"]
mod formats;
#[path = "it/hours.rs"]
mod hours;
#[path = "it/html.rs"]
mod html;
#[path = "it/quality.rs"]
mod quality;
#[path = "it/real.rs"]
mod real;
#[path = "it/refusals.rs"]
mod refusals;
#[path = "it/scale.rs"]
mod scale;
#[path = "it/sources.rs"]
mod sources;
#[path = "it/trace.rs"]
mod trace;
