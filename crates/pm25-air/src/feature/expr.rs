//! One feature: what it is, how it is written, what its column and unit are, and which hours it uses.
//!
//! Not its computation, which is [`evaluate`](super::evaluate()).

use super::{Local, Signal};
use crate::Task;
use std::fmt;

/// What the other stations' values are reduced to. The station of the row is never among them.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OthersStat {
    /// Arithmetic mean of those that have a value.
    Mean,
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// Standard deviation (divided by their number); missing where fewer than two have a value.
    Std,
}

impl OthersStat {
    /// Every reduction.
    pub const ALL: [Self; 4] = [Self::Mean, Self::Min, Self::Max, Self::Std];

    /// The name in the language and in the column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mean => "others_mean",
            Self::Min => "others_min",
            Self::Max => "others_max",
            Self::Std => "others_std",
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Feature {
    /// What the station's own hours say: `pm10`, `lag(pm25,1)`, `mean(pm25,24)`.
    Own(Local),
    /// What the other stations' hours say: `others_mean(pm25)`, `others_max(change(pm25,1))`. The same hour t counts,
    /// or, of a station whose hours begin at other minutes, its newest that begins no later than t.
    Others {
        /// What becomes of their values.
        stat: OthersStat,
        /// What each of them says.
        of: Local,
    },
    /// What one other station's hours say, at the same hour as for [`Feature::Others`]: `at("Dongsi",pm25)`. Missing for
    /// that station's own rows.
    At {
        /// Its name.
        station: String,
        /// What it says.
        of: Local,
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
    /// Days since 1970-01-01T00:00Z at the start of the hour t, with their fraction: the years tell themselves apart by
    /// it, and trees say after their last train row what they said there: `trend`.
    Trend,
    /// The station's position in the vocabulary; missing for a station that is not in it.
    Station,
}

impl Feature {
    /// The column's name, `[a-z0-9_]+`; different features have different columns, but for stations whose names differ
    /// in capitals alone.
    pub fn column(&self) -> String {
        match self {
            Self::Own(local) => local.column(),
            Self::Others { stat, of } => format!("{}__{}", of.column(), stat.name()),
            Self::At { station, of } => format!("{}__at_{}", of.column(), plain(station)),
            Self::Calendar(hand) => hand.name().to_owned(),
            Self::Cycle { wave, of } => format!("{}__{}", of.name(), wave.name()),
            Self::Trend => "trend_d".to_owned(),
            Self::Station => "station_code".to_owned(),
        }
    }

    /// The unit as people write it; 1 for a pure number.
    pub const fn unit(&self) -> &'static str {
        match self {
            Self::Own(of) | Self::Others { of, .. } | Self::At { of, .. } => of.unit(),
            Self::Calendar(hand) => hand.unit(),
            Self::Cycle { .. } => "1",
            Self::Trend => "day",
            Self::Station => "code",
        }
    }

    /// What is computed of one station's hours, own or others'; nothing for what needs no measurement.
    pub const fn local(&self) -> Option<Local> {
        match self {
            Self::Own(of) | Self::Others { of, .. } | Self::At { of, .. } => Some(*of),
            Self::Calendar(_) | Self::Cycle { .. } | Self::Trend | Self::Station => None,
        }
    }

    /// The signals of the row's own station that it is made of.
    pub fn own_signals(&self) -> impl Iterator<Item = Signal> + use<> {
        let own = match self {
            Self::Own(local) => Some(local.signals()),
            _ => None,
        };
        own.into_iter().flatten()
    }

    /// Hours before t of the newest value that it uses; nothing for what needs no measurement.
    pub fn newest_h(&self, task: Task) -> Option<u16> {
        self.local().map(|local| local.newest_h(task))
    }

    /// Hours before t of the oldest value that it uses, 0 for what needs no measurement.
    pub fn oldest_h(&self, task: Task) -> u16 {
        self.local().map_or(0, |local| local.oldest_h(task))
    }
}

/// The canonical expression: the parser reads it back as the same feature.
impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Own(local) => local.fmt(f),
            Self::Others { stat, of } => write!(f, "{}({of})", stat.name()),
            Self::At { station, of } => write!(f, "at(\"{}\",{of})", station.replace('"', "\"\"")),
            Self::Calendar(hand) => f.write_str(hand.name()),
            Self::Cycle { wave, of } => write!(f, "{}({})", wave.name(), of.name()),
            Self::Trend => f.write_str("trend"),
            Self::Station => f.write_str("station"),
        }
    }
}

/// A station's name as a part of a column: letters and digits in small, and what is lost thereby as a checksum (FNV-1a),
/// unless it is only the capitals.
fn plain(station: &str) -> String {
    let small = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '_'
        }
    };
    let plain: String = station.chars().map(small).collect();
    if plain == station.to_ascii_lowercase() {
        return plain;
    }
    let checksum = station.bytes().fold(0x811c_9dc5_u32, |sum, byte| {
        (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    format!("{plain}_{checksum:08x}")
}
