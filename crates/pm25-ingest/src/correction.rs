//! What a reference monitor would have shown where a low-cost sensor stood.
//!
//! Not applied unless asked for: values are raw everywhere else.

use clap::ValueEnum;

/// A correction of hourly PM2.5.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Correction {
    /// EPA's for PurpleAir in the whole US (2021, for wildfire smoke extended 2022)
    Epa,
}

/// µg/m³ from the mean of both channels' `cf_1` (µg/m³) and the relative humidity (%), both of one hour: EPA's
/// US-wide correction (Barkjohn et al. 2021, doi 10.5194/amt-14-4617-2021), with the pieces that AirNow's Fire and
/// Smoke Map has used above 30 µg/m³ since 2022. What comes out below zero, as for clean and humid air, is zero there too.
pub(crate) fn epa_pm25_ug_m3(cf_1: f64, rh: f64) -> f64 {
    let dry = -0.0862 * rh + 5.75;
    let low = 0.524 * cf_1 + dry;
    let middle = 0.786 * cf_1 + dry;
    let high = 2.966 + 0.69 * cf_1 + 8.84e-4 * cf_1 * cf_1;
    let corrected = if cf_1 < 30.0 {
        low
    } else if cf_1 < 50.0 {
        let share = cf_1 / 20.0 - 1.5;
        share * middle + (1.0 - share) * low
    } else if cf_1 < 210.0 {
        middle
    } else if cf_1 < 260.0 {
        let share = cf_1 / 50.0 - 4.2;
        share * high + (1.0 - share) * middle
    } else {
        high
    };
    corrected.max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_join_without_a_step() {
        for edge in [30.0, 50.0, 210.0, 260.0] {
            for rh in [0.0, 45.0, 100.0] {
                let step = epa_pm25_ug_m3(edge, rh) - epa_pm25_ug_m3(edge - 1e-9, rh);
                assert!(step.abs() < 1e-6, "{edge} {rh} {step}");
            }
        }
    }

    #[test]
    fn values_by_hand() {
        // 0.524 x 20 - 0.0862 x 50 + 5.75 = 11.92; 0.786 x 100 - 4.31 + 5.75 = 80.04; 2.966 + 207 + 79.56 = 289.526.
        for (cf_1, rh, truth) in [
            (20.0, 50.0, 11.92),
            (100.0, 50.0, 80.04),
            (300.0, 50.0, 289.526),
            // 0.524 - 8.62 + 5.75 is below zero.
            (1.0, 100.0, 0.0),
        ] {
            assert!((epa_pm25_ug_m3(cf_1, rh) - truth).abs() < 1e-9);
        }
    }
}
