//! PM2.5 above PM10, of which it is a part.
//!
//! Not a reason to remove either: two instruments with errors of their own disagree most in clean and humid air,
//! and nobody knows which of them is wrong. In the UCI Beijing set a quarter of the hours have both exactly equal.

/// Above this multiple of PM10. Between 1.0 and 1.1 lie the errors of two sound instruments: Wu et al. (2018,
/// doi 10.1007/s00376-018-8067-9) count PM10 < PM2.5 among the four faults of China's network; PM2.5 > PM10 holds
/// in 5.2 % of the hours of Beijing, > 1.1 PM10 in 4.1 %. "PM2.5 / PM10 at least 1 removes both", as seen
/// elsewhere, would lose 29 % of them.
const TIMES: f64 = 1.1;

/// The hours with PM2.5 above 1.1 times PM10. Negative PM10 says nothing.
pub fn hours(pm25: &[f32], pm10: &[f32]) -> Vec<u32> {
    let above =
        |fine: f32, coarse: f32| 0.0 <= coarse && TIMES * f64::from(coarse) < f64::from(fine);
    (0_u32..)
        .zip(pm25.iter().zip(pm10))
        .filter(|(_, (fine, coarse))| above(**fine, **coarse))
        .map(|(hour_idx, _)| hour_idx)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_not_larger_than_the_whole() {
        let pm25 = [50.0, 55.0, 56.0, 985.0, f32::NAN, 5.0, 5.0];
        let pm10 = [50.0, 50.0, 50.0, 26.0, 50.0, f32::NAN, -1.0];
        assert_eq!(hours(&pm25, &pm10), [2, 3]);
        assert!(hours(&pm25, &[]).is_empty());
    }
}
