//! What a station measures: thirteen quantities, each with one column, one unit and one range of the possible.
//!
//! Not a rule book of plausibility: what is merely unusual is the business of quality flags.

use std::ops::RangeInclusive;

/// A measured quantity. The order is the order of the columns in an observation table.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quantity {
    /// Fine particles, µg/m³.
    Pm25,
    /// Particles up to 10 µm, µg/m³.
    Pm10,
    /// Nitrogen dioxide, µg/m³.
    No2,
    /// Sulphur dioxide, µg/m³.
    So2,
    /// Ozone, µg/m³.
    O3,
    /// Carbon monoxide, mg/m³ (a thousand times coarser than the others).
    Co,
    /// Air temperature, °C.
    Temp,
    /// Dew point, °C.
    Dewpoint,
    /// Relative humidity, %.
    Rh,
    /// Pressure at the station, hPa.
    Pres,
    /// Precipitation of the hour, mm.
    Rain,
    /// Wind speed, m/s.
    WindSpeed,
    /// The direction that the wind comes from, degrees clockwise from north.
    WindDir,
}

impl Quantity {
    /// All quantities, in column order.
    pub const ALL: [Self; 13] = [
        Self::Pm25,
        Self::Pm10,
        Self::No2,
        Self::So2,
        Self::O3,
        Self::Co,
        Self::Temp,
        Self::Dewpoint,
        Self::Rh,
        Self::Pres,
        Self::Rain,
        Self::WindSpeed,
        Self::WindDir,
    ];

    /// Position in [`Quantity::ALL`], and so in every array of quantities: 0 to 12.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The column of the values; its name ends in the unit.
    pub const fn column(self) -> &'static str {
        match self {
            Self::Pm25 => "pm25_ug_m3",
            Self::Pm10 => "pm10_ug_m3",
            Self::No2 => "no2_ug_m3",
            Self::So2 => "so2_ug_m3",
            Self::O3 => "o3_ug_m3",
            Self::Co => "co_mg_m3",
            Self::Temp => "temp_c",
            Self::Dewpoint => "dewpoint_c",
            Self::Rh => "rh_pct",
            Self::Pres => "pres_hpa",
            Self::Rain => "rain_mm",
            Self::WindSpeed => "wind_m_s",
            Self::WindDir => "wind_deg",
        }
    }

    /// The name in the feature language.
    pub const fn short(self) -> &'static str {
        match self {
            Self::Pm25 => "pm25",
            Self::Pm10 => "pm10",
            Self::No2 => "no2",
            Self::So2 => "so2",
            Self::O3 => "o3",
            Self::Co => "co",
            Self::Temp => "temp",
            Self::Dewpoint => "dewpoint",
            Self::Rh => "rh",
            Self::Pres => "pres",
            Self::Rain => "rain",
            Self::WindSpeed => "wind",
            Self::WindDir => "wind_dir",
        }
    }

    /// The quantity with that short name.
    pub fn of_short(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|q| q.short() == name)
    }

    /// The column of the quality flags.
    pub const fn flags_column(self) -> &'static str {
        match self {
            Self::Pm25 => "pm25_flags",
            Self::Pm10 => "pm10_flags",
            Self::No2 => "no2_flags",
            Self::So2 => "so2_flags",
            Self::O3 => "o3_flags",
            Self::Co => "co_flags",
            Self::Temp => "temp_flags",
            Self::Dewpoint => "dewpoint_flags",
            Self::Rh => "rh_flags",
            Self::Pres => "pres_flags",
            Self::Rain => "rain_flags",
            Self::WindSpeed => "wind_flags",
            Self::WindDir => "wind_dir_flags",
        }
    }

    /// The unit as people write it.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Pm25 | Self::Pm10 | Self::No2 | Self::So2 | Self::O3 => "µg/m³",
            Self::Co => "mg/m³",
            Self::Temp | Self::Dewpoint => "°C",
            Self::Rh => "%",
            Self::Pres => "hPa",
            Self::Rain => "mm",
            Self::WindSpeed => "m/s",
            Self::WindDir => "°",
        }
    }

    /// What an hourly mean can be at all, in the quantity's unit. A value outside is a fault of the record and
    /// not an extreme of the air, so it may remove a target; the bounds are therefore wide.
    ///
    /// * particles: the span of a beta attenuation monitor (BAM 1020), -15 µg/m³ of zero offset to 10 mg/m³;
    /// * NO2, SO2, O3: zero noise of 20 ppb below zero; above, 10 ppm of NO2 and SO2 (analyser ranges; SO2 near
    ///   volcanoes comes close) and 1 ppm of O3 (the record of Los Angeles 1955 is 0.68 ppm), at 20 °C;
    /// * CO: zero noise of 1 mg/m³ below zero, 100 ppm above, twice the end of the US index scale (50.4 ppm);
    /// * temperature, rain, wind: WMO records (-89.2 and 56.7 °C, 305 mm in an hour, 113 m/s), rounded outwards;
    /// * dew point: the record is 35 °C; pressure: Everest's summit to the highest ever reduced (1084.8 hPa);
    /// * humidity: capacitive sensors read up to 5 % above saturation in fog.
    pub const fn possible(self) -> RangeInclusive<f32> {
        match self {
            Self::Pm25 | Self::Pm10 => -15.0..=10_000.0,
            Self::No2 => -40.0..=19_000.0,
            Self::So2 => -55.0..=27_000.0,
            Self::O3 => -40.0..=2_000.0,
            Self::Co => -1.0..=117.0,
            Self::Temp => -90.0..=60.0,
            Self::Dewpoint => -100.0..=36.0,
            Self::Rh => 0.0..=105.0,
            Self::Pres => 300.0..=1_090.0,
            Self::Rain => 0.0..=310.0,
            Self::WindSpeed => 0.0..=114.0,
            Self::WindDir => 0.0..=360.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_index_is_the_position() {
        for (position, quantity) in Quantity::ALL.into_iter().enumerate() {
            assert_eq!(quantity.index(), position);
        }
    }

    #[test]
    fn no_two_quantities_share_a_name() {
        let names: BTreeSet<&str> = Quantity::ALL
            .into_iter()
            .flat_map(|q| [q.column(), q.flags_column(), q.short()])
            .collect();
        assert_eq!(names.len(), 3 * Quantity::ALL.len());
    }

    #[test]
    fn a_short_name_finds_its_quantity() {
        for quantity in Quantity::ALL {
            assert_eq!(Quantity::of_short(quantity.short()), Some(quantity));
        }
        assert_eq!(Quantity::of_short("pm25_ug_m3"), None);
    }
}
