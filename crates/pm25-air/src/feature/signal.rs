//! The hourly series of one station that features are made of.

use crate::{Quantity, Task};

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
        self.quantity().unit()
    }

    /// The unit of its rise in an hour, as people write it.
    pub const fn unit_per_hour(self) -> &'static str {
        match self.quantity() {
            Quantity::Pm25 | Quantity::Pm10 | Quantity::No2 | Quantity::So2 | Quantity::O3 => {
                "µg/m³/h"
            }
            Quantity::Co => "mg/m³/h",
            Quantity::Temp | Quantity::Dewpoint => "°C/h",
            Quantity::Rh => "%/h",
            Quantity::Pres => "hPa/h",
            Quantity::Rain => "mm/h",
            Quantity::WindSpeed => "m/s/h",
            Quantity::WindDir => "°/h",
        }
    }

    /// Whether it is an angle, whose means and differences have no meaning.
    pub const fn is_angle(self) -> bool {
        matches!(self, Self::Measured(Quantity::WindDir))
    }

    /// Hours before t of the newest value that may be known.
    pub const fn newest_h(self, task: Task) -> u16 {
        match self {
            Self::Measured(Quantity::Pm25) => task.newest_pm25_h(),
            _ => 0,
        }
    }

    /// What it is measured in.
    const fn quantity(self) -> Quantity {
        match self {
            Self::Measured(quantity) => quantity,
            Self::WindU | Self::WindV => Quantity::WindSpeed,
        }
    }
}
