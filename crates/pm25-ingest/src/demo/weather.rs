//! The simulated city's weather, hour by hour.
//!
//! Not a forecast model: smooth cycles, pressure waves of five days with wind behind them, a wet season, and noise
//! that remembers. Invented numbers of the size that an inland city of the northern subtropics has.
//!
//! ```text
//! pressure  ╭─╮     ╭─╮       an oscillation with noise, about five days long
//! wind      ─╯ ╰───╯ ╰──      strong while pressure rises, weak while it falls: dirty air goes with the front
//! ```

use std::f64::consts::TAU;

use crate::demo::random::{Memory, Random};

/// Hours before the files begin, for the simulation to forget how it began.
pub(crate) const SPIN_UP_H: usize = 60 * 24;

/// Where an hour lies in the day, the week and the year.
#[derive(Clone, Copy)]
pub(crate) struct Calendar {
    /// Local hour, 0 to 23.
    pub(crate) hour: f64,
    /// Monday 0 to Sunday 6.
    pub(crate) dayofweek: u8,
    /// Share of the year gone, 0 to 1.
    pub(crate) year_share: f64,
}

/// One hour of weather.
#[derive(Clone, Copy)]
pub(crate) struct Weather {
    pub(crate) calendar: Calendar,
    pub(crate) temp_c: f64,
    pub(crate) dewpoint_c: f64,
    pub(crate) pres_hpa: f64,
    pub(crate) rain_mm: f64,
    pub(crate) wind_m_s: f64,
    pub(crate) wind_deg: f64,
    /// Height of the layer that mixes with the ground, m.
    pub(crate) mixing_m: f64,
    /// Sunshine, 0 at night to 1 at a clear noon of midsummer.
    pub(crate) sun: f64,
}

/// 1 at the given share of the year, -1 half a year away.
pub(crate) fn season(calendar: Calendar, peak_share: f64) -> f64 {
    libm::cos(TAU * (calendar.year_share - peak_share))
}

/// 1 at the given hour, -1 twelve hours away.
fn daily(calendar: Calendar, peak_hour: f64) -> f64 {
    libm::cos(TAU * (calendar.hour - peak_hour) / 24.0)
}

/// Relative humidity, %, from temperature and dew point (Magnus formula, coefficients of Sonntag 1990).
pub(crate) fn humidity_pct(temp_c: f64, dewpoint_c: f64) -> f64 {
    let exponent = |t_c: f64| 17.62 * t_c / (243.12 + t_c);
    100.0 * libm::exp(exponent(dewpoint_c) - exponent(temp_c))
}

/// Weather for the hours of `calendar`, of which the first [`SPIN_UP_H`] are to be forgotten.
pub(crate) fn weather(calendar: &[Calendar], seed: u64) -> Vec<Weather> {
    let mut sky = Sky::new(seed);
    calendar
        .iter()
        .map(|&calendar| sky.next(calendar))
        .collect()
}

struct Sky {
    random: Random,
    /// The pressure wave now and an hour ago, in standard deviations.
    wave: (f64, f64),
    warmth: Memory,
    moisture: Memory,
    gusts: Memory,
    turning: Memory,
    is_raining: bool,
}

impl Sky {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed, 0);
        Self {
            wave: (0.0, 0.0),
            warmth: Memory::new(90.0, &mut random),
            moisture: Memory::new(60.0, &mut random),
            gusts: Memory::new(9.0, &mut random),
            turning: Memory::new(30.0, &mut random),
            is_raining: false,
            random,
        }
    }

    fn next(&mut self, calendar: Calendar) -> Weather {
        let (high, rising) = self.next_wave();
        let summer = season(calendar, 0.48);
        let wet_season = season(calendar, 0.60);
        let clear = (0.75 + 0.2 * high - 0.35 * wet_season.max(0.0)).clamp(0.15, 1.0);
        let elevation = libm::sin(TAU * (calendar.hour - 6.0) / 24.0);
        let sun = elevation.max(0.0) * (0.8 + 0.2 * summer) * clear;
        let swing_c = 3.0 + 3.5 * clear;
        let temp_c = 24.5 + 8.5 * summer + swing_c * daily(calendar, 15.0) - 1.2 * rising
            + 1.8 * self.warmth.next(&mut self.random);
        let moist_c =
            12.5 + 8.5 * wet_season - 1.5 * high + 2.4 * self.moisture.next(&mut self.random);
        let rain_mm = self.rain_mm(high, wet_season);
        let wind_m_s = self.wind_m_s(calendar, rising);
        Weather {
            calendar,
            temp_c,
            dewpoint_c: moist_c.min(temp_c - if rain_mm > 0.0 { 0.4 } else { 1.0 }),
            pres_hpa: 985.0 - 8.0 * summer
                + 4.0 * high
                + 1.1 * libm::cos(2.0 * TAU * (calendar.hour - 10.0) / 24.0),
            rain_mm,
            wind_m_s,
            wind_deg: self.wind_deg(wet_season, rising),
            mixing_m: mixing_m(calendar, sun, wind_m_s, high),
            sun,
        }
    }

    /// A damped oscillation kept going by noise: how high the pressure is, and how fast it rises; both of variance 1.
    fn next_wave(&mut self) -> (f64, f64) {
        const PERIOD_H: f64 = 125.0;
        const DAMPING_H: f64 = 110.0;
        // Standard deviations of such a second-order autoregression with unit noise (Box and Jenkins, 3.2).
        const SPREAD: f64 = 103.6;
        const RISE_SPREAD: f64 = 5.29;
        let shrink = libm::exp(-1.0 / DAMPING_H);
        let (now, before) = self.wave;
        let next = 2.0 * shrink * libm::cos(TAU / PERIOD_H) * now - shrink * shrink * before
            + self.random.normal();
        self.wave = (next, now);
        (next / SPREAD, (next - now) / RISE_SPREAD)
    }

    fn rain_mm(&mut self, high: f64, wet_season: f64) -> f64 {
        let chance_to_begin = 0.004 * libm::exp(1.7 * wet_season - 0.9 * high);
        let chance_to_go_on = 0.72;
        let chance = if self.is_raining {
            chance_to_go_on
        } else {
            chance_to_begin
        };
        self.is_raining = self.random.uniform() < chance;
        let amount_mm = self.random.exponential(1.6 + 0.9 * wet_season);
        if self.is_raining { amount_mm } else { 0.0 }
    }

    fn wind_m_s(&mut self, calendar: Calendar, rising: f64) -> f64 {
        let spring = season(calendar, 0.36);
        let gusts = self.gusts.next(&mut self.random);
        libm::exp(
            0.52 + 0.16 * spring + 0.28 * daily(calendar, 14.0) + 0.50 * rising + 0.30 * gusts,
        )
        .min(14.0)
    }

    fn wind_deg(&mut self, wet_season: f64, rising: f64) -> f64 {
        // North-west in the dry season and behind fronts, east in the wet one.
        let usual_deg = 300.0 - 95.0 * (wet_season - 0.5 * rising).clamp(0.0, 1.5);
        (usual_deg + 55.0 * self.turning.next(&mut self.random)).rem_euclid(360.0)
    }
}

fn mixing_m(calendar: Calendar, sun: f64, wind_m_s: f64, high: f64) -> f64 {
    // The layer grows through the morning and collapses after sunset; wind keeps it mixed, high pressure lids it.
    let grown = (libm::sin(TAU * (calendar.hour - 8.5) / 24.0).max(0.0)) * (0.35 + 0.65 * sun);
    (170.0 + 75.0 * wind_m_s + 1_350.0 * grown) * libm::exp(-0.16 * high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn humidity_of_known_dew_points() {
        assert!((humidity_pct(20.0, 20.0) - 100.0).abs() < 1e-9);
        // 20 °C with a dew point of 9.3 °C is 50 % (psychrometric tables).
        assert!((humidity_pct(20.0, 9.3) - 50.0).abs() < 0.3);
    }

    #[test]
    fn the_pressure_wave_has_the_spread_that_it_is_divided_by() {
        let mut sky = Sky::new(3);
        let waves: Vec<(f64, f64)> = (0..300_000).map(|_| sky.next_wave()).collect();
        let spread = |values: &dyn Fn(&(f64, f64)) -> f64| {
            (waves
                .iter()
                .map(|wave| values(wave) * values(wave))
                .sum::<f64>()
                / waves.len() as f64)
                .sqrt()
        };
        let (high, rising) = (spread(&|wave| wave.0), spread(&|wave| wave.1));
        assert!(
            (high - 1.0).abs() < 0.1 && (rising - 1.0).abs() < 0.1,
            "{high} {rising}"
        );
    }
}
