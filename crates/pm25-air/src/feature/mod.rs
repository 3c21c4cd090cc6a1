//! The feature language: what a column of a model's input means, and the one evaluator that computes it.
//!
//! Not a table and not a model: a set of features is text that travels inside both, and the same evaluator serves a
//! batch of years, one new hour and a request.
//!
//! ```text
//! expression             column                             newest input (nowcast)  hours used by the row t
//! pm10                   pm10_ug_m3                         t                       t
//! lag(pm25,1)            pm25_ug_m3__lag_1h                 t-1                     t-1
//! mean(pm10,24)          pm10_ug_m3__mean_24h               t                       t-23 .. t
//! mean(pm25,24)          pm25_ug_m3__mean_24h               t   (t-1)               t-23 .. t   (t-24 .. t-1)
//! quantile(pm25,24,90)   pm25_ug_m3__quantile_90_24h        t   (t-1)               the same
//! ewm(pm25,6)            pm25_ug_m3__ewm_6h                 t   (t-1)               t-35 .. t   (t-36 .. t-1)
//! change(temp,3)         temp_c__change_3h                  t                       t, t-3
//! since(wind,3,72)       wind_m_s__since_3_72h              t                       t-71 .. t
//! ventilation(24)        ventilation_m_c_s__24h             t                       t-23 .. t
//! nowcast(pm25)          pm25_ug_m3__nowcast                t   (t-1)               t-11 .. t   (t-12 .. t-1)
//! aqi(china)             aqi_china                          t   (t-1)               t-23 .. t   (t-24 .. t-1)
//! others_mean(pm25)      pm25_ug_m3__others_mean            t   (refused)           t, of the other stations
//! hour                   hour                               -                       the calendar
//! sin(hour)              hour__sin                          -                       the calendar
//! trend                  trend_d                            -                       the calendar
//! station                station_code                       -                       the vocabulary
//! ```
//!
//! What looks at others never sees the row's own station, and in a nowcast their PM2.5 is known as late as its own.

mod error;
mod evaluate;
mod exact;
mod expr;
mod index;
mod local;
mod nearest;
#[cfg(test)]
mod oracle;
mod others;
mod parse;
mod series;
mod set;
mod sets;
mod signal;
#[cfg(test)]
mod tests;
mod window;

pub use error::FeatureError;
pub use evaluate::{Scene, evaluate};
pub use expr::{Calendar, Feature, OthersStat, Wave};
pub use local::{
    EWM_HALF_LIVES, HALF_LIFE_H_MAX, HOURS_MAX, Local, THRESHOLD_MAX, Threshold, WindowStat,
};
pub use set::FeatureSet;
pub use signal::Signal;
