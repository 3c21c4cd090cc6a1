//! Units: how they are written and how they become ours. CO is mg/m³ everywhere inside.
//!
//! Not a judgement whether a stated unit can be true; see [`crate::claim`].

use pm25_air::Quantity;

use crate::number::as_written;

/// A unit that some station file uses for one of our quantities.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unit {
    /// µg/m³
    UgM3,
    /// mg/m³
    MgM3,
    /// Parts per billion by volume.
    Ppb,
    /// Parts per million by volume.
    Ppm,
    /// °C
    Celsius,
    /// °F
    Fahrenheit,
    /// K
    Kelvin,
    /// %
    Percent,
    /// 0 to 1
    Fraction,
    /// hPa, which is the millibar
    HPa,
    /// Millimetres of mercury
    MmHg,
    /// Inches of mercury
    InHg,
    /// kPa
    KPa,
    /// Pa
    Pa,
    /// mm
    Mm,
    /// Inches
    Inch,
    /// m/s
    MS,
    /// km/h
    KmH,
    /// Knots
    Knot,
    /// Miles per hour
    Mph,
    /// Degrees of the compass
    Degree,
}

/// `ours = (theirs - zero) x times / over`; kept in two factors so that a decimal stays one (300 / 1000 = 0.3).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Conversion {
    zero: f64,
    times: f64,
    over: f64,
}

/// Molar volume of an ideal gas at 25 °C and 1 atm, L/mol: R T / p with R = 8.314462618 J/(mol K) (CODATA 2018),
/// T = 298.15 K, p = 101325 Pa. Concentrations at 20 °C (as in the EU) would be 1.7 % higher.
const MOLAR_VOLUME_L: f64 = 24.465_4;
/// Molar masses, g/mol, from the IUPAC standard atomic weights (N 14.007, O 15.999, S 32.06, C 12.011).
const MOLAR_MASS_NO2: f64 = 46.005;
const MOLAR_MASS_SO2: f64 = 64.058;
const MOLAR_MASS_O3: f64 = 47.997;
const MOLAR_MASS_CO: f64 = 28.010;
/// hPa in a conventional millimetre of mercury, 133.322 387 415 Pa (NIST SP 811, B.8).
const HPA_PER_MMHG: f64 = 1.333_223_874_15;
/// hPa in a conventional inch of mercury, 3386.389 Pa (NIST SP 811, B.8).
const HPA_PER_INHG: f64 = 33.863_89;
/// Metres in a nautical mile and in a mile, seconds in an hour (NIST SP 811, B.8; all exact).
const M_PER_NAUTICAL_MILE: f64 = 1_852.0;
const M_PER_MILE: f64 = 1_609.344;
const S_PER_HOUR: f64 = 3_600.0;

impl Unit {
    /// Every unit, for messages.
    const ALL: [Self; 21] = [
        Self::UgM3,
        Self::MgM3,
        Self::Ppb,
        Self::Ppm,
        Self::Celsius,
        Self::Fahrenheit,
        Self::Kelvin,
        Self::Percent,
        Self::Fraction,
        Self::HPa,
        Self::MmHg,
        Self::InHg,
        Self::KPa,
        Self::Pa,
        Self::Mm,
        Self::Inch,
        Self::MS,
        Self::KmH,
        Self::Knot,
        Self::Mph,
        Self::Degree,
    ];

    /// Our own unit of a quantity.
    pub(crate) const fn own(quantity: Quantity) -> Self {
        match quantity {
            Quantity::Pm25 | Quantity::Pm10 | Quantity::No2 | Quantity::So2 | Quantity::O3 => {
                Self::UgM3
            }
            Quantity::Co => Self::MgM3,
            Quantity::Temp | Quantity::Dewpoint => Self::Celsius,
            Quantity::Rh => Self::Percent,
            Quantity::Pres => Self::HPa,
            Quantity::Rain => Self::Mm,
            Quantity::WindSpeed => Self::MS,
            Quantity::WindDir => Self::Degree,
        }
    }

    /// As people write it.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::UgM3 => "µg/m³",
            Self::MgM3 => "mg/m³",
            Self::Ppb => "ppb",
            Self::Ppm => "ppm",
            Self::Celsius => "°C",
            Self::Fahrenheit => "°F",
            Self::Kelvin => "K",
            Self::Percent => "%",
            Self::Fraction => "fraction",
            Self::HPa => "hPa",
            Self::MmHg => "mmHg",
            Self::InHg => "inHg",
            Self::KPa => "kPa",
            Self::Pa => "Pa",
            Self::Mm => "mm",
            Self::Inch => "in",
            Self::MS => "m/s",
            Self::KmH => "km/h",
            Self::Knot => "kn",
            Self::Mph => "mph",
            Self::Degree => "°",
        }
    }

    /// Reads a unit as stations write it: either micro sign, superscripts or none, any case, spaces ignored.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let plain: String = text.chars().filter_map(plain).collect();
        Some(match plain.as_str() {
            "ug/m3"
            | "ug/nm3"
            | "ugm-3"
            | "ug/m3lc"
            | "ug/m3(lc)"
            | "microgram/m3"
            | "micrograms/m3"
            | "micrograms/cubicmeter"
            | "micrograms/cubicmeter(lc)"
            | "micrograms/cubicmeter(25c)" => Self::UgM3,
            "mg/m3" | "mg/nm3" | "mgm-3" => Self::MgM3,
            "ppb" | "ppbv" => Self::Ppb,
            "ppm" | "ppmv" => Self::Ppm,
            "c" | "°c" | "degc" | "degreec" | "degreesc" | "celsius" => Self::Celsius,
            "f" | "°f" | "degf" | "degreef" | "degreesf" | "fahrenheit" => Self::Fahrenheit,
            "k" | "kelvin" => Self::Kelvin,
            "%" | "percent" | "pct" => Self::Percent,
            "fraction" => Self::Fraction,
            "hpa" | "mbar" | "millibars" | "mb" | "millibar" => Self::HPa,
            "mmhg" | "torr" => Self::MmHg,
            "inhg" => Self::InHg,
            "kpa" => Self::KPa,
            "pa" => Self::Pa,
            "mm" => Self::Mm,
            "in" | "inch" | "inches" => Self::Inch,
            "m/s" | "ms-1" | "mps" => Self::MS,
            "km/h" | "kmh" | "kph" | "kmph" | "km/hr" => Self::KmH,
            "kn" | "kt" | "knot" | "knots" => Self::Knot,
            "mph" => Self::Mph,
            "deg" | "degree" | "degrees" | "°" => Self::Degree,
            _ => return None,
        })
    }

    /// The units that a map may name, for messages.
    pub(crate) fn known() -> String {
        Self::ALL.map(Self::text).join(", ")
    }

    /// How this unit becomes ours; nothing if it measures something else (pressure in mg/m³).
    pub(crate) fn conversion(self, quantity: Quantity) -> Option<Conversion> {
        use Quantity::{Dewpoint, Pm10, Pm25, Pres, Rain, Rh, Temp, WindDir, WindSpeed};
        Some(match (quantity, self) {
            (Pm25 | Pm10, Self::UgM3) => Conversion::NONE,
            (Pm25 | Pm10, Self::MgM3) => Conversion::times(1_000.0),
            (Quantity::No2 | Quantity::So2 | Quantity::O3 | Quantity::Co, _) => {
                self.gas(quantity)?
            }
            // A bare "degree" on a thermometer is a degree Celsius.
            (Temp | Dewpoint, Self::Celsius | Self::Degree) => Conversion::NONE,
            (Temp | Dewpoint, Self::Kelvin) => Conversion {
                zero: 273.15,
                ..Conversion::NONE
            },
            (Temp | Dewpoint, Self::Fahrenheit) => Conversion {
                zero: 32.0,
                times: 5.0,
                over: 9.0,
            },
            (Rh, Self::Percent) => Conversion::NONE,
            (Rh, Self::Fraction) => Conversion::times(100.0),
            (Pres, Self::HPa) => Conversion::NONE,
            (Pres, Self::MmHg) => Conversion::times(HPA_PER_MMHG),
            (Pres, Self::InHg) => Conversion::times(HPA_PER_INHG),
            (Pres, Self::KPa) => Conversion::times(10.0),
            (Pres, Self::Pa) => Conversion::over(100.0),
            (Rain, Self::Mm) => Conversion::NONE,
            (Rain, Self::Inch) => Conversion::times(25.4),
            (WindSpeed, Self::MS) => Conversion::NONE,
            (WindSpeed, Self::KmH) => Conversion::over(3.6),
            (WindSpeed, Self::Knot) => Conversion {
                zero: 0.0,
                times: M_PER_NAUTICAL_MILE,
                over: S_PER_HOUR,
            },
            (WindSpeed, Self::Mph) => Conversion {
                zero: 0.0,
                times: M_PER_MILE,
                over: S_PER_HOUR,
            },
            (WindDir, Self::Degree) => Conversion::NONE,
            _ => return None,
        })
    }

    fn gas(self, quantity: Quantity) -> Option<Conversion> {
        let (molar_mass_g, own_per_ug) = match quantity {
            Quantity::No2 => (MOLAR_MASS_NO2, 1.0),
            Quantity::So2 => (MOLAR_MASS_SO2, 1.0),
            Quantity::O3 => (MOLAR_MASS_O3, 1.0),
            Quantity::Co => (MOLAR_MASS_CO, 1_000.0),
            _ => return None,
        };
        let ug_per_theirs = match self {
            Self::UgM3 => (1.0, 1.0),
            Self::MgM3 => (1_000.0, 1.0),
            Self::Ppb => (molar_mass_g, MOLAR_VOLUME_L),
            Self::Ppm => (1_000.0 * molar_mass_g, MOLAR_VOLUME_L),
            _ => return None,
        };
        if self == Self::own(quantity) {
            return Some(Conversion::NONE);
        }
        Some(Conversion {
            zero: 0.0,
            times: ug_per_theirs.0,
            over: ug_per_theirs.1 * own_per_ug,
        })
    }
}

/// A letter of a unit in its plainest form; nothing for what carries no meaning.
fn plain(letter: char) -> Option<char> {
    Some(match letter {
        // The micro sign and the Greek letter look alike; files use both.
        '\u{b5}' | '\u{3bc}' => 'u',
        '³' => '3',
        '\u{2103}' => 'c',
        ' ' | '_' | '^' | '*' | '.' | '\u{a0}' => return None,
        other => other.to_ascii_lowercase(),
    })
}

impl Conversion {
    pub(crate) const NONE: Self = Self {
        zero: 0.0,
        times: 1.0,
        over: 1.0,
    };

    const fn times(times: f64) -> Self {
        Self {
            zero: 0.0,
            times,
            over: 1.0,
        }
    }

    const fn over(over: f64) -> Self {
        Self {
            zero: 0.0,
            times: 1.0,
            over,
        }
    }

    /// Converts one number; what is not finite stays what it is.
    pub(crate) fn apply(self, theirs: f32) -> f32 {
        if self == Self::NONE || !theirs.is_finite() {
            return theirs;
        }
        // Infinity would pass for a code; what is too large for an `f32` stays impossible.
        (self.exact(as_written(theirs)) as f32).clamp(f32::MIN, f32::MAX)
    }

    /// Converts a column in place.
    pub(crate) fn apply_all(self, theirs: &mut [f32]) {
        if self != Self::NONE {
            theirs
                .iter_mut()
                .for_each(|value| *value = self.apply(*value));
        }
    }

    /// Converts a decimal.
    pub(crate) fn exact(self, theirs: f64) -> f64 {
        (theirs - self.zero) * self.times / self.over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn convert(quantity: Quantity, unit: &str, value: f32) -> f32 {
        Unit::parse(unit)
            .unwrap()
            .conversion(quantity)
            .unwrap()
            .apply(value)
    }

    #[test]
    fn factors_agree_with_published_ones() {
        for (quantity, unit, theirs, ours, tolerance) in [
            // WHO Air quality guidelines 2005 at 25 °C: 1 ppb of NO2 is 1.88, of O3 1.96, of SO2 2.62 µg/m³.
            (Quantity::No2, "ppb", 1.0, 1.88, 0.005),
            (Quantity::O3, "ppb", 1.0, 1.96, 0.005),
            (Quantity::So2, "ppb", 1.0, 2.62, 0.005),
            (Quantity::Co, "ppm", 1.0, 1.145, 0.001),
            (Quantity::Co, "ppb", 1_000.0, 1.145, 0.001),
            (Quantity::Co, "ug/m3", 300.0, 0.3, 0.0),
            (Quantity::Pm25, "mg/m3", 0.035, 35.0, 0.0),
            (Quantity::Temp, "°F", 77.0, 25.0, 0.0),
            (Quantity::Temp, "K", 273.15, 0.0, 0.0),
            (Quantity::Temp, "degree", 21.5, 21.5, 0.0),
            (Quantity::Pres, "mmHg", 760.0, 1_013.25, 0.001),
            (Quantity::Pres, "inHg", 29.92, 1_013.2, 0.05),
            (Quantity::Pres, "kPa", 101.3, 1_013.0, 0.0),
            (Quantity::WindSpeed, "km/h", 36.0, 10.0, 0.0),
            (Quantity::WindSpeed, "knots", 10.0, 5.144_4, 0.000_1),
            (Quantity::WindSpeed, "mph", 10.0, 4.470_4, 0.0),
            (Quantity::Rain, "inch", 1.0, 25.4, 0.0),
            (Quantity::Rh, "fraction", 0.45, 45.0, 0.0),
        ] {
            let converted = convert(quantity, unit, theirs);
            assert!(
                (converted - ours).abs() <= tolerance,
                "{unit}: {converted}, not {ours}"
            );
        }
    }

    #[test]
    fn a_number_that_is_too_large_stays_a_number() {
        assert_eq!(convert(Quantity::Pm25, "mg/m3", 3e38), f32::MAX);
        assert_eq!(convert(Quantity::Pm25, "mg/m3", -3e38), f32::MIN);
        assert!(convert(Quantity::Pm25, "mg/m3", f32::NAN).is_nan());
    }

    #[test]
    fn spellings_met_in_headers() {
        for text in [
            "ug/m3",
            "UG/M3",
            "µg/m³",
            "\u{3bc}g/m\u{b3}",
            "\u{b5}g/m3",
            "ug/m3 LC",
        ] {
            assert_eq!(Unit::parse(text), Some(Unit::UgM3), "{text}");
        }
        assert_eq!(Unit::parse("mg/Nm3"), Some(Unit::MgM3));
        assert_eq!(Unit::parse("degree C"), Some(Unit::Celsius));
        assert_eq!(Unit::parse("W/mt2"), None);
        assert_eq!(Unit::parse("µg/mgł"), None);
    }

    #[test]
    fn every_unit_reads_itself() {
        for unit in Unit::ALL {
            assert_eq!(Unit::parse(unit.text()), Some(unit));
        }
    }
}
