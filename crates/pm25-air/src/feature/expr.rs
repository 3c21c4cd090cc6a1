//! One feature: what it is, how it is written, what its column and unit are, and which hours it uses.
//!
//! Not its computation, which is [`evaluate`](super::evaluate()).

use crate::{Quantity, Task};
use std::fmt;

/// The longest lag, window or change: a leap year of hours.
pub const HOURS_MAX: u16 = 8_784;

/// An hourly series that lags, windows and changes can be taken of.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signal {
    /// A measured quantity.
    Measured(Quantity),
    /// The wind's component towards the east, m/s: -speed x sin(direction); calm is 0.
    WindU,
    /// The wind's component towards the north, m/s: -speed x cos(direction); calm is 0.
    WindV,
}

impl Signal {
    /// Every signal, in column order.
    pub fn all() -> impl Iterator<Item = Self> {
        Quantity::ALL
            .into_iter()
            .map(Self::Measured)
            .chain([Self::WindU, Self::WindV])
    }

    /// The name in the language.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Measured(quantity) => quantity.short(),
            Self::WindU => "wind_u",
            Self::WindV => "wind_v",
        }
    }

    /// The stem of its columns; it ends in the unit.
    pub const fn column(self) -> &'static str {
        match self {
            Self::Measured(quantity) => quantity.column(),
            Self::WindU => "wind_u_m_s",
            Self::WindV => "wind_v_m_s",
        }
    }

    /// The unit as people write it.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Measured(quantity) => quantity.unit(),
            Self::WindU | Self::WindV => Quantity::WindSpeed.unit(),
        }
    }

    /// Hours before t of the newest value that may be known.
    pub const fn newest_h(self, task: Task) -> u16 {
        match self {
            Self::Measured(Quantity::Pm25) => task.newest_pm25_h(),
            _ => 0,
        }
    }
}

/// What a window is reduced to. A window with less than 75 % of its hours is missing.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum WindowStat {
    /// Arithmetic mean.
    Mean,
    /// Smallest value.
    Min,
    /// Largest value.
    Max,
    /// Standard deviation of the hours present (divided by their number).
    Std,
}

impl WindowStat {
    /// Every reduction.
    pub const ALL: [Self; 4] = [Self::Mean, Self::Min, Self::Max, Self::Std];

    /// The name in the language and in the column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Min => "min",
            Self::Max => "max",
            Self::Std => "std",
        }
    }
}

/// A clock hand of the local standard calendar at the row's hour t.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Calendar {
    /// Hour of the day, 0 to 23.
    Hour,
    /// Day of the week, Monday 0 to Sunday 6.
    DayOfWeek,
    /// Month, 1 to 12.
    Month,
    /// Day of the year, 1 to 366.
    DayOfYear,
}

impl Calendar {
    /// Every hand.
    pub const ALL: [Self; 4] = [Self::Hour, Self::DayOfWeek, Self::Month, Self::DayOfYear];

    /// The name in the language, and the column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::DayOfWeek => "dayofweek",
            Self::Month => "month",
            Self::DayOfYear => "dayofyear",
        }
    }

    /// The unit as people write it.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Hour => "h",
            Self::DayOfWeek => "day, Monday = 0",
            Self::Month => "month",
            Self::DayOfYear => "day",
        }
    }

    /// First value and length of one turn: the first value lies at angle 0.
    pub const fn turn(self) -> (f64, f64) {
        match self {
            Self::Hour => (0.0, 24.0),
            Self::DayOfWeek => (0.0, 7.0),
            Self::Month => (1.0, 12.0),
            Self::DayOfYear => (1.0, 365.25),
        }
    }
}

/// Which coordinate of a clock hand.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Wave {
    /// Sine of the angle.
    Sin,
    /// Cosine of the angle.
    Cos,
}

impl Wave {
    /// The name in the language and in the column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sin => "sin",
            Self::Cos => "cos",
        }
    }
}

/// One feature of the row t.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Feature {
    /// The value of the hour t - `lag_h`: `pm10`, `lag(pm25,1)`.
    Value {
        /// Of what.
        signal: Signal,
        /// Hours before t, 0 to [`HOURS_MAX`].
        lag_h: u16,
    },
    /// A reduction of the `hours` newest hours that may be known: `mean(pm25,24)`.
    Window {
        /// To what.
        stat: WindowStat,
        /// Of what.
        signal: Signal,
        /// Length, 2 to [`HOURS_MAX`].
        hours: u16,
    },
    /// The value at t minus the value `hours` before: `change(temp,3)`.
    Change {
        /// Of what.
        signal: Signal,
        /// Hours back, 1 to [`HOURS_MAX`].
        hours: u16,
    },
    /// A clock hand as a number: `hour`.
    Calendar(Calendar),
    /// A clock hand on a circle, so that 23 h lies beside 0 h: `sin(hour)`.
    Cycle {
        /// Which coordinate.
        wave: Wave,
        /// Of which hand.
        of: Calendar,
    },
    /// The station's position in the vocabulary; missing for a station that is not in it.
    Station,
}

impl Feature {
    /// The column's name, `[a-z0-9_]+`; different features have different columns.
    pub fn column(self) -> String {
        match self {
            Self::Value { signal, lag_h: 0 } => signal.column().to_owned(),
            Self::Value { signal, lag_h } => format!("{}__lag_{lag_h}h", signal.column()),
            Self::Window {
                stat,
                signal,
                hours,
            } => format!("{}__{}_{hours}h", signal.column(), stat.name()),
            Self::Change { signal, hours } => format!("{}__change_{hours}h", signal.column()),
            Self::Calendar(hand) => hand.name().to_owned(),
            Self::Cycle { wave, of } => format!("{}__{}", of.name(), wave.name()),
            Self::Station => "station_code".to_owned(),
        }
    }

    /// The unit as people write it; 1 for a pure number.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Value { signal, .. }
            | Self::Window { signal, .. }
            | Self::Change { signal, .. } => signal.unit(),
            Self::Calendar(hand) => hand.unit(),
            Self::Cycle { .. } => "1",
            Self::Station => "code",
        }
    }

    /// The signal that it is made of; nothing for what needs no measurement.
    pub const fn signal(self) -> Option<Signal> {
        match self {
            Self::Value { signal, .. }
            | Self::Window { signal, .. }
            | Self::Change { signal, .. } => Some(signal),
            Self::Calendar(_) | Self::Cycle { .. } | Self::Station => None,
        }
    }

    /// Hours before t of the newest value that it uses; nothing for what needs no measurement.
    pub const fn newest_h(self, task: Task) -> Option<u16> {
        match self {
            Self::Value { lag_h, .. } => Some(lag_h),
            Self::Window { signal, .. } => Some(signal.newest_h(task)),
            Self::Change { .. } => Some(0),
            Self::Calendar(_) | Self::Cycle { .. } | Self::Station => None,
        }
    }

    /// Hours before t of the oldest value that it uses, 0 for what needs no measurement.
    pub const fn oldest_h(self, task: Task) -> u16 {
        match self {
            Self::Value { lag_h, .. } => lag_h,
            Self::Window { signal, hours, .. } => signal.newest_h(task) + hours - 1,
            Self::Change { hours, .. } => hours,
            Self::Calendar(_) | Self::Cycle { .. } | Self::Station => 0,
        }
    }
}

/// The canonical expression: the parser reads it back as the same feature.
impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Value { signal, lag_h: 0 } => f.write_str(signal.name()),
            Self::Value { signal, lag_h } => write!(f, "lag({},{lag_h})", signal.name()),
            Self::Window {
                stat,
                signal,
                hours,
            } => write!(f, "{}({},{hours})", stat.name(), signal.name()),
            Self::Change { signal, hours } => write!(f, "change({},{hours})", signal.name()),
            Self::Calendar(hand) => f.write_str(hand.name()),
            Self::Cycle { wave, of } => write!(f, "{}({})", wave.name(), of.name()),
            Self::Station => f.write_str("station"),
        }
    }
}
