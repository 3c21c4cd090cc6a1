//! What each network's instruments report: the thresholds that no single number fits.
//!
//! Not a rule. A threshold of one country deletes the air of another: 175 µg/m³ as an upper limit would mark 11 %
//! of Beijing's hours.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::Quantity;

/// Whose thresholds hold.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Profile {
    /// China's national network.
    Cn,
    /// India's CPCB.
    In,
    /// The United States: AQS and AirNow, smoke included.
    Us,
    /// Europe: the EEA's stations.
    Eu,
    /// No network: nothing is out of range that is possible at all.
    None,
}

/// Noise around zero of a continuous instrument reaches this; what the US AQS is said to accept.
const PM_FLOOR_UG_M3: f32 = -10.0;
/// Displays of Chinese and Indian stations end at 999.99, so nothing above 1000 is theirs; European hours of PM2.5
/// stay below except beside eruptions and fires. CPCB publishes no numeric protocol: the bound is ours.
const PM_CEILING_UG_M3: f32 = 1_000.0;
/// Half the span of a beta attenuation monitor set to smoke (10 mg/m³), well above the 1,847 µg/m³ measured in the
/// Camp Fire of 2018; ours.
const SMOKE_CEILING_UG_M3: f32 = 5_000.0;
/// Coarse dust goes further than fine particles; ours.
const DUST_CEILING_UG_M3: f32 = 5_000.0;

impl Profile {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Cn, Self::In, Self::Us, Self::Eu, Self::None];

    /// As people type it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cn => "cn",
            Self::In => "in",
            Self::Us => "us",
            Self::Eu => "eu",
            Self::None => "none",
        }
    }

    /// What the network's instruments report, in the quantity's unit; nothing where no limit is known.
    ///
    /// Gases: the range that 40 CFR 53 Table B-1 asks of a reference analyser (0.5 ppm of SO2, O3 and NO2, 50 ppm
    /// of CO), at 20 °C, and as much noise below zero as [`Quantity::possible`] allows half of.
    pub fn range(self, quantity: Quantity) -> Option<RangeInclusive<f32>> {
        if self == Self::None {
            return None;
        }
        Some(match quantity {
            Quantity::Pm25 if self == Self::Us => PM_FLOOR_UG_M3..=SMOKE_CEILING_UG_M3,
            Quantity::Pm25 => PM_FLOOR_UG_M3..=PM_CEILING_UG_M3,
            Quantity::Pm10 => PM_FLOOR_UG_M3..=DUST_CEILING_UG_M3,
            Quantity::No2 => -20.0..=956.0,
            Quantity::So2 => -27.0..=1_332.0,
            Quantity::O3 => -20.0..=998.0,
            Quantity::Co => -0.5..=58.2,
            _ => return None,
        })
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|profile| profile.name() == text)
            .ok_or_else(|| "a profile is one of cn, in, us, eu, none".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_reads_its_own_name() {
        for profile in Profile::ALL {
            assert_eq!(profile.name().parse(), Ok(profile));
        }
        assert!("CN".parse::<Profile>().is_err());
    }

    #[test]
    fn what_is_in_range_is_possible() {
        for profile in Profile::ALL {
            for quantity in Quantity::ALL {
                if let Some(range) = profile.range(quantity) {
                    let possible = quantity.possible();
                    assert!(possible.start() <= range.start() && range.end() <= possible.end());
                }
            }
        }
    }
}
