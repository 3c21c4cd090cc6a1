//! The simulated air: two boxes of PM2.5, one over the region and one over the city, and what goes with them.
//!
//! Not chemistry. The region's box empties in days and makes the episodes that all stations share; the city's box
//! empties in hours and makes the daily cycle; each station has its own share of both and its own noise.
//!
//! ```text
//! emission ──▶ [ city, λ = wind / 35 km ] ──▶ station = site x (region + street x city) x noise
//!                        ▲
//! emission ──▶ [ region, λ = wind^1.5 / 200 + rain ]
//! ```

use crate::demo::random::{Memory, Random};
use crate::demo::weather::{Weather, humidity_pct, season};

/// An hour's length in seconds over a metre in km: m/s to km/h.
const KM_H_PER_M_S: f64 = 3.6;

/// What all stations share in an hour.
#[derive(Clone, Copy)]
pub(crate) struct CityAir {
    /// PM2.5 that came from outside, µg/m³.
    pub(crate) region_ug_m3: f64,
    /// PM2.5 that the city added, µg/m³.
    pub(crate) city_ug_m3: f64,
    /// Traffic, 1 on average.
    pub(crate) traffic: f64,
}

/// One station's hour, as a perfect instrument would see it.
#[derive(Clone, Copy)]
pub(crate) struct Reading {
    pub(crate) pm25_ug_m3: f64,
    pub(crate) pm10_ug_m3: f64,
    pub(crate) no2_ug_m3: f64,
    pub(crate) so2_ug_m3: f64,
    pub(crate) o3_ug_m3: f64,
    pub(crate) co_mg_m3: f64,
    pub(crate) temp_c: f64,
    pub(crate) dewpoint_c: f64,
    pub(crate) rh_pct: f64,
    pub(crate) pres_hpa: f64,
    pub(crate) rain_mm: f64,
    pub(crate) wind_m_s: f64,
    pub(crate) wind_deg: f64,
}

/// The shared air over the hours of `weather`.
pub(crate) fn city_air(weather: &[Weather], seed: u64) -> Vec<CityAir> {
    let mut random = Random::new(seed, 1);
    let mut burning = Memory::new(100.0, &mut random);
    let mut industry = Memory::new(20.0, &mut random);
    let (mut region_ug_m3, mut city_ug_m3) = (40.0, 20.0);
    let next = |weather: &Weather| {
        let traffic = traffic(weather);
        let winter = season(weather.calendar, 0.0);
        let harvest = season(weather.calendar, 0.86).max(0.0);
        let washed = 0.05 * weather.rain_mm.min(8.0);
        // Strong winds come with another air mass, so the region empties faster than in proportion.
        let region_per_h = 0.005 * weather.wind_m_s * libm::sqrt(weather.wind_m_s) + 0.004 + washed;
        let outside = 0.66
            * libm::exp(
                0.42 * winter + 0.45 * harvest * harvest + 0.35 * burning.next(&mut random),
            );
        region_ug_m3 = step(region_ug_m3, outside, region_per_h);
        let city_per_h = KM_H_PER_M_S * weather.wind_m_s / 35.0 + 0.03 + 2.0 * washed;
        let heating = 1.0 + 0.5 * winter.max(0.0);
        let emitted = 2_700.0
            * (0.45 + 0.55 * traffic)
            * heating
            * libm::exp(0.12 * industry.next(&mut random));
        city_ug_m3 = step(city_ug_m3, emitted / weather.mixing_m, city_per_h);
        CityAir {
            region_ug_m3,
            city_ug_m3,
            traffic,
        }
    };
    weather.iter().map(next).collect()
}

/// An hour of a well-mixed box: filled by `source` µg/m³ per hour, emptied at `rate` per hour (exact solution).
fn step(ug_m3: f64, source: f64, rate: f64) -> f64 {
    let kept = libm::exp(-rate);
    ug_m3 * kept + source / rate * (1.0 - kept)
}

/// Two rush hours, the later one longer; quieter on Sundays.
fn traffic(weather: &Weather) -> f64 {
    let bump = |peak: f64, width: f64| {
        let away_h = (weather.calendar.hour - peak) / width;
        libm::exp(-0.5 * away_h * away_h)
    };
    let weekday = match weather.calendar.dayofweek {
        6 => 0.78,
        5 => 0.92,
        _ => 1.05,
    };
    weekday * (0.45 + 0.95 * bump(9.0, 1.8) + 1.15 * bump(20.0, 2.6))
}

/// A station's readings over the hours.
pub(crate) fn station_air(
    weather: &[Weather],
    city: &[CityAir],
    seed: u64,
    station: u64,
) -> Vec<Reading> {
    let mut site = Site::new(seed, station);
    weather
        .iter()
        .zip(city)
        .map(|(weather, city)| site.reading(weather, city))
        .collect()
}

struct Site {
    random: Random,
    /// How much dirtier than the city's mean.
    level: f64,
    /// How close to traffic, 1 on average.
    street: f64,
    plume: Memory,
    dust: Memory,
    sulphur: Memory,
    cloud: Memory,
    smoke: Memory,
}

impl Site {
    fn new(seed: u64, station: u64) -> Self {
        let mut random = Random::new(seed, 100 + station);
        Self {
            level: libm::exp(0.13 * random.normal()),
            street: libm::exp(0.28 * random.normal()),
            plume: Memory::new(7.0, &mut random),
            dust: Memory::new(18.0, &mut random),
            sulphur: Memory::new(10.0, &mut random),
            cloud: Memory::new(12.0, &mut random),
            smoke: Memory::new(16.0, &mut random),
            random,
        }
    }

    fn reading(&mut self, weather: &Weather, city: &CityAir) -> Reading {
        let random = &mut self.random;
        let plume = libm::exp(0.17 * self.plume.next(random));
        let fine = self.level * (city.region_ug_m3 + self.street * city.city_ug_m3) * plume;
        let pm25_ug_m3 = fine * (1.0 + 0.035 * random.normal()) + 1.2 * random.normal();
        let dry = 1.0 / (1.0 + 1.5 * weather.rain_mm)
            * (1.25 - humidity_pct(weather.temp_c, weather.dewpoint_c) / 120.0);
        let coarse = (14.0 + 3.2 * weather.wind_m_s * weather.wind_m_s + 0.32 * fine)
            * dry.max(0.05)
            * libm::exp(0.38 * self.dust.next(random));
        let pm10_ug_m3 = (fine + coarse) * (1.0 + 0.05 * random.normal());
        let exhaust = self.street * city.city_ug_m3 * (0.35 + 0.65 * city.traffic);
        let no2_ug_m3 =
            (7.0 + 0.62 * exhaust * (1.0 - 0.45 * weather.sun)) * (1.0 + 0.08 * random.normal());
        let made = 92.0
            * weather.sun
            * libm::exp(0.014 * (weather.temp_c - 25.0) + 0.16 * self.cloud.next(random));
        let o3_ug_m3 =
            26.0 + made + 4.0 * weather.wind_m_s - 0.58 * no2_ug_m3 + 3.0 * random.normal();
        let so2_ug_m3 = (5.0 + 0.075 * fine) * libm::exp(0.42 * self.sulphur.next(random));
        let smoke = libm::exp(0.20 * self.smoke.next(random));
        let co_mg_m3 =
            (0.22 + 0.0062 * fine * smoke + 0.0075 * exhaust) * (1.0 + 0.04 * random.normal());
        let temp_c = weather.temp_c + 0.35 * random.normal();
        let dewpoint_c = (weather.dewpoint_c + 0.3 * random.normal()).min(temp_c - 0.1);
        Reading {
            pm25_ug_m3,
            pm10_ug_m3,
            no2_ug_m3: no2_ug_m3.max(0.4),
            so2_ug_m3,
            o3_ug_m3: o3_ug_m3.max(1.0),
            co_mg_m3: co_mg_m3.max(0.05),
            temp_c,
            dewpoint_c,
            rh_pct: humidity_pct(temp_c, dewpoint_c),
            pres_hpa: weather.pres_hpa + 0.2 * random.normal(),
            rain_mm: weather.rain_mm * (0.6 + 0.8 * random.uniform()),
            wind_m_s: (weather.wind_m_s * (1.0 + 0.12 * random.normal())).max(0.1),
            wind_deg: (weather.wind_deg + 9.0 * random.normal()).rem_euclid(360.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_settles_where_source_and_loss_balance() {
        let mut ug_m3 = 0.0;
        for _ in 0..1_000 {
            ug_m3 = step(ug_m3, 3.0, 0.1);
        }
        assert!((ug_m3 - 30.0).abs() < 1e-9);
    }
}
