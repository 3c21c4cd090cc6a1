//! The feature language: what a column of a model's input means, and the one evaluator that computes it.
//!
//! Not a table and not a model: a set of features is text that travels inside both, and the same evaluator serves a
//! batch of years, one new hour and a request.
//!
//! ```text
//! expression            column                  newest input (nowcast)    hours used by the row t
//! pm10                  pm10_ug_m3              t                         t
//! lag(pm25,1)           pm25_ug_m3__lag_1h      t-1                       t-1
//! mean(pm10,24)         pm10_ug_m3__mean_24h    t                         t-23 .. t
//! mean(pm25,24)         pm25_ug_m3__mean_24h    t   (t-1)                 t-23 .. t   (t-24 .. t-1)
//! change(temp,3)        temp_c__change_3h       t                         t, t-3
//! hour                  hour                    -                         the calendar
//! sin(hour)             hour__sin               -                         the calendar
//! station               station_code            -                         the vocabulary
//! ```

mod error;
mod evaluate;
mod expr;
mod nearest;
mod parse;
mod series;
mod set;
mod sets;
#[cfg(test)]
mod tests;
mod window;

pub use error::FeatureError;
pub use evaluate::evaluate;
pub use expr::{Calendar, Feature, HOURS_MAX, Signal, Wave, WindowStat};
pub use set::FeatureSet;
