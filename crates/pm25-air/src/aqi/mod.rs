//! Air quality indices for PM2.5: what five authorities call a concentration, and the NowCast.
//!
//! Not a judgement of an hour where the rule is for a day: see [`Averaging`].

mod level;
mod nowcast;
mod scale;

pub use level::Level;
pub use nowcast::{HOURS as NOWCAST_HOURS, nowcast};
pub use scale::{Averaging, Band, Reading, Scale};
