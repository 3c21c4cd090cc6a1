//! The named sets.
//!
//! `full` was chosen on the years before the test year of the nine Beijing stations, for a ridge: groups of columns
//! were added and taken away while rolling the validation year. What helped: changes of gases over 1 h (short
//! horizons), the day's extremes of temperature, dew point and pressure (24 h). What hurt: `month` as a number, a
//! staircase over two training years that a line follows too far; the day of the year on its circle stays.

use crate::Task;

/// The original's six inputs: particles and two gases of this hour, and the calendar.
pub(super) const CLASSIC: &str = "pm10,o3,co,hour,dayofweek,month";

/// What a PM2.5 of this hour is worth in a forecast: the value, and what it did since.
const PM25_NOW: &str = "pm25,change(pm25,1),change(pm25,3),change(pm25,6),change(pm25,24)";

/// The station's own past; allowed in both tasks, for windows end at the newest hour that is known.
const PM25_PAST: &str = "\
    lag(pm25,1),lag(pm25,2),lag(pm25,3),lag(pm25,6),lag(pm25,12),lag(pm25,24),lag(pm25,48),lag(pm25,72),\
    lag(pm25,168),\
    mean(pm25,3),mean(pm25,6),mean(pm25,12),mean(pm25,24),mean(pm25,48),mean(pm25,72),\
    min(pm25,24),max(pm25,24),std(pm25,24),std(pm25,72)";

const OTHER_POLLUTANTS: &str = "\
    pm10,change(pm10,1),change(pm10,3),change(pm10,6),change(pm10,24),mean(pm10,24),\
    no2,change(no2,1),change(no2,3),change(no2,6),change(no2,24),mean(no2,24),\
    so2,change(so2,1),change(so2,3),change(so2,6),change(so2,24),mean(so2,24),\
    o3,change(o3,1),change(o3,3),change(o3,6),change(o3,24),mean(o3,24),\
    co,change(co,1),change(co,3),change(co,6),change(co,24),mean(co,24)";

/// Dew point and humidity say the same; networks report one or the other.
const WEATHER: &str = "\
    temp,change(temp,1),change(temp,3),change(temp,24),mean(temp,24),min(temp,24),max(temp,24),\
    dewpoint,change(dewpoint,1),change(dewpoint,3),change(dewpoint,24),mean(dewpoint,24),min(dewpoint,24),\
    max(dewpoint,24),\
    rh,change(rh,24),mean(rh,24),\
    pres,change(pres,1),change(pres,3),change(pres,24),mean(pres,24),min(pres,24),max(pres,24),\
    rain,mean(rain,24),wind,mean(wind,24),wind_u,mean(wind_u,24),wind_v,mean(wind_v,24)";

const CALENDAR: &str =
    "sin(hour),cos(hour),sin(dayofweek),cos(dayofweek),sin(dayofyear),cos(dayofyear),hour,station";

/// What a model can make use of; longer, and other, for each task.
pub(super) fn full(task: Task) -> String {
    let shared = [PM25_PAST, OTHER_POLLUTANTS, WEATHER, CALENDAR].join(",");
    match task {
        Task::Nowcast => shared,
        Task::Forecast { .. } => format!("{PM25_NOW},{shared}"),
    }
}
