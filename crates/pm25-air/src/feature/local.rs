//! What one station's own hours say at the row's hour t.
//!
//! Not a calendar and not the other stations; those are [`Feature`](super::Feature)'s.

use super::Signal;
use crate::aqi::{Averaging, NOWCAST_HOURS, Scale};
use crate::{Quantity, Task};
use std::fmt;

/// The longest lag, window or change: a leap year of hours.
pub const HOURS_MAX: u16 = 8_784;

/// The longest half-life of an exponentially weighted mean, so that its window is not longer than [`HOURS_MAX`].
pub const HALF_LIFE_H_MAX: u16 = HOURS_MAX / EWM_HALF_LIVES;

/// Half-lives that an exponentially weighted mean looks back: what lies before has less than 1/64 of the weight.
pub const EWM_HALF_LIVES: u16 = 6;

/// The largest threshold, in the signal's unit; above it lies nothing that is measured.
pub const THRESHOLD_MAX: u16 = 30_000;

/// What a window is reduced to. A window with less than 75 % of its hours is missing.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WindowStat {
    /// Arithmetic mean.
    Mean,
    /// Smallest value.
    Min,
    /// Largest value.
    Max,
    /// Standard deviation of the hours present (divided by their number).
    Std,
    /// Sum of the hours present: `sum(rain,24)`.
    Sum,
    /// Rise per hour of the straight line of least squares through the hours present.
    Slope,
}

impl WindowStat {
    /// Every reduction.
    pub const ALL: [Self; 6] = [
        Self::Mean,
        Self::Min,
        Self::Max,
        Self::Std,
        Self::Sum,
        Self::Slope,
    ];

    /// The name in the language and in the column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Min => "min",
            Self::Max => "max",
            Self::Std => "std",
            Self::Sum => "sum",
            Self::Slope => "slope",
        }
    }
}

/// A threshold in hundredths of the signal's unit, so that it can be compared and written exactly.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Threshold {
    hundredths: u32,
}

impl Threshold {
    /// Reads a number of 0 to [`THRESHOLD_MAX`] with at most two decimals: `3`, `0.1`, `2.25`.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let fits = !whole.is_empty() && matches!(decimals.len(), 1 | 2);
        if !fits || !digits(whole) || !digits(decimals) {
            return None;
        }
        let whole: u32 = whole.parse().ok()?;
        let decimals: u32 = format!("{decimals:0<2}").parse().ok()?;
        let hundredths = whole.checked_mul(100)?.checked_add(decimals)?;
        (hundredths <= 100 * u32::from(THRESHOLD_MAX)).then_some(Self { hundredths })
    }

    /// In the signal's unit.
    pub fn value(self) -> f64 {
        f64::from(self.hundredths) / 100.0
    }
}

/// As short as it can be written: `3`, `0.1`.
impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let (whole, rest) = (self.hundredths / 100, self.hundredths % 100);
        match (rest / 10, rest % 10) {
            (0, 0) => write!(f, "{whole}"),
            (tenths, 0) => write!(f, "{whole}.{tenths}"),
            _ => write!(f, "{whole}.{rest:02}"),
        }
    }
}

/// One number from one station's hours up to t.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Local {
    /// The value of the hour t - `lag_h`: `pm10`, `lag(pm25,1)`; the same hour yesterday is `lag(pm25,24)`.
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
    /// A quantile of the `hours` newest hours that may be known, linear between neighbours (type 7 of Hyndman and
    /// Fan 1996): `quantile(pm25,24,90)`.
    Quantile {
        /// Of what.
        signal: Signal,
        /// Length, 2 to [`HOURS_MAX`].
        hours: u16,
        /// 1 to 99 %.
        pct: u8,
    },
    /// The mean with weights that halve every `half_life_h` hours, over the newest [`EWM_HALF_LIVES`] half-lives;
    /// missing where less than 75 % of the weight is present: `ewm(pm25,6)`.
    Ewm {
        /// Of what.
        signal: Signal,
        /// Hours after which a weight is half, 1 to [`HALF_LIFE_H_MAX`].
        half_life_h: u16,
    },
    /// The value at t minus the value `hours` before: `change(temp,3)`.
    Change {
        /// Of what.
        signal: Signal,
        /// Hours back, 1 to [`HOURS_MAX`].
        hours: u16,
    },
    /// Hours since the signal was last at or above a threshold, 0 if it is now, `hours` if not within the `hours`
    /// newest: `since(wind,3,72)` are the hours of stagnation, `since(rain,0.1,168)` those without rain.
    Since {
        /// Of what.
        signal: Signal,
        /// What ends the count.
        at_least: Threshold,
        /// How far back it is looked for, 2 to [`HOURS_MAX`].
        hours: u16,
    },
    /// A stand-in for the air's ventilation where nobody measures the mixing height: mean wind times the range of
    /// temperature, which is large when the sun stirs the air: `ventilation(24)`.
    Ventilation {
        /// Over the newest hours, 2 to [`HOURS_MAX`].
        hours: u16,
    },
    /// The US EPA's NowCast of the newest 12 hours that may be known: `nowcast(pm25)`.
    NowCast,
    /// A scale's index of the newest 24 hours of PM2.5 that may be known, the US one of their NowCast as EPA publishes
    /// it every hour; where the scale has no numbers, which of its bands, from 0 (Europe: of the newest hour):
    /// `aqi(us)`.
    Aqi {
        /// Whose.
        scale: Scale,
    },
}

impl Local {
    /// The column's name, `[a-z0-9_]+`; different ones have different columns.
    pub fn column(self) -> String {
        let stem = self.signals()[0].column();
        match self {
            Self::Value { lag_h: 0, .. } => stem.to_owned(),
            Self::Value { lag_h, .. } => format!("{stem}__lag_{lag_h}h"),
            Self::Window { stat, hours, .. } => format!("{stem}__{}_{hours}h", stat.name()),
            Self::Quantile { hours, pct, .. } => format!("{stem}__quantile_{pct}_{hours}h"),
            Self::Ewm { half_life_h, .. } => format!("{stem}__ewm_{half_life_h}h"),
            Self::Change { hours, .. } => format!("{stem}__change_{hours}h"),
            Self::Since {
                at_least, hours, ..
            } => {
                let at_least = at_least.to_string().replace('.', "p");
                format!("{stem}__since_{at_least}_{hours}h")
            }
            Self::Ventilation { hours } => format!("ventilation_m_c_s__{hours}h"),
            Self::NowCast => format!("{stem}__nowcast"),
            Self::Aqi { scale } => format!("aqi_{}", scale.name()),
        }
    }

    /// The unit as people write it.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Window {
                stat: WindowStat::Slope,
                signal,
                ..
            } => signal.unit_per_hour(),
            Self::Value { signal, .. }
            | Self::Window { signal, .. }
            | Self::Quantile { signal, .. }
            | Self::Ewm { signal, .. }
            | Self::Change { signal, .. } => signal.unit(),
            Self::Since { .. } => "h",
            Self::Ventilation { .. } => "m °C/s",
            Self::NowCast => Quantity::Pm25.unit(),
            Self::Aqi { .. } => "index",
        }
    }

    /// The signals that it is made of, the first of which names it; the others are repeated where there is but one.
    pub const fn signals(self) -> [Signal; 2] {
        match self {
            Self::Value { signal, .. }
            | Self::Window { signal, .. }
            | Self::Quantile { signal, .. }
            | Self::Ewm { signal, .. }
            | Self::Change { signal, .. }
            | Self::Since { signal, .. } => [signal, signal],
            Self::Ventilation { .. } => [
                Signal::Measured(Quantity::WindSpeed),
                Signal::Measured(Quantity::Temp),
            ],
            Self::NowCast | Self::Aqi { .. } => [Signal::Measured(Quantity::Pm25); 2],
        }
    }

    /// Hours before t of the newest value that it uses.
    pub const fn newest_h(self, task: Task) -> u16 {
        match self {
            Self::Value { lag_h, .. } => lag_h,
            Self::Change { .. } => 0,
            _ => self.signals()[0].newest_h(task),
        }
    }

    /// Hours before t of the oldest value that it uses.
    pub const fn oldest_h(self, task: Task) -> u16 {
        match self {
            Self::Value { lag_h, .. } => lag_h,
            Self::Change { hours, .. } => hours,
            _ => self.newest_h(task) + self.window_h() - 1,
        }
    }

    /// How many hours its window has; 1 for what has none.
    pub(super) const fn window_h(self) -> u16 {
        match self {
            Self::Value { .. } | Self::Change { .. } => 1,
            Self::Window { hours, .. }
            | Self::Quantile { hours, .. }
            | Self::Since { hours, .. }
            | Self::Ventilation { hours } => hours,
            Self::Ewm { half_life_h, .. } => EWM_HALF_LIVES * half_life_h,
            Self::NowCast | Self::Aqi { scale: Scale::Us } => NOWCAST_HOURS as u16,
            Self::Aqi { scale } => match scale.averaging() {
                Averaging::Day { .. } => 24,
                Averaging::Hour => 1,
            },
        }
    }
}

/// The canonical expression: the parser reads it back as the same.
impl fmt::Display for Local {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let name = self.signals()[0].name();
        match self {
            Self::Value { lag_h: 0, .. } => f.write_str(name),
            Self::Value { lag_h, .. } => write!(f, "lag({name},{lag_h})"),
            Self::Window { stat, hours, .. } => write!(f, "{}({name},{hours})", stat.name()),
            Self::Quantile { hours, pct, .. } => write!(f, "quantile({name},{hours},{pct})"),
            Self::Ewm { half_life_h, .. } => write!(f, "ewm({name},{half_life_h})"),
            Self::Change { hours, .. } => write!(f, "change({name},{hours})"),
            Self::Since {
                at_least, hours, ..
            } => write!(f, "since({name},{at_least},{hours})"),
            Self::Ventilation { hours } => write!(f, "ventilation({hours})"),
            Self::NowCast => write!(f, "nowcast({name})"),
            Self::Aqi { scale } => write!(f, "aqi({})", scale.name()),
        }
    }
}
