//! `pm25-train` through its front door.
#![expect(clippy::unwrap_used, reason = "a test stops where it stands")]

mod choice;
mod front;
mod horizons;
mod losses;
mod order;
mod together;
mod tune;
mod world;
