//! The NowCast of the US EPA: a mean of the newest 12 hours that leans on the newest when the air changes.
//!
//! Not a forecast and not this project's nowcast task. Method of 2013 ("Reff"), as in the AirNow reporting document EPA-454/B-24-002.
//!
//! ```text
//! weight factor  w = max(min/max of the hours present, 1/2)
//! NowCast        = sum of w^i c_i / sum of w^i, over the hours present, i hours before the newest
//! ```

/// Hours that it looks at.
pub const HOURS: usize = 12;

/// The NowCast, µg/m³, not cut; `newest_first` are the last 12 hours, NaN = missing. Nothing unless two of the newest
/// three are there. Where nothing was above zero it is 0.
pub fn nowcast(newest_first: &[f32; HOURS]) -> Option<f64> {
    let present = |value: &&f32| !value.is_nan();
    if newest_first[..3].iter().filter(present).count() < 2 {
        return None;
    }
    let values = || {
        newest_first
            .iter()
            .filter(present)
            .map(|&value| f64::from(value))
    };
    let max = values().fold(f64::NEG_INFINITY, f64::max);
    let min = values().fold(f64::INFINITY, f64::min);
    if max <= 0.0 {
        return Some(0.0);
    }
    let factor = (1.0 - (max - min) / max).max(0.5);
    let (mut weight, mut sum, mut weights) = (1.0, 0.0, 0.0);
    for &value in newest_first {
        if !value.is_nan() {
            sum += weight * f64::from(value);
            weights += weight;
        }
        weight *= factor;
    }
    Some(sum / weights)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aqi::Level;

    const NO: f32 = f32::NAN;

    fn tenths(hours: [f32; HOURS]) -> Option<i64> {
        Level::of_number(nowcast(&hours)?).map(Level::tenths_cut)
    }

    #[test]
    fn published_examples() {
        let changing = [13., 16., 10., 21., 74., 64., 53., 82., 90., 75., 80., 50.];
        assert_eq!(tenths(changing), Some(174));
        let newest_missing = [NO, 20., 22., NO, 30., 31., 30., 29., 28., 27., 26., 25.];
        assert_eq!(tenths(newest_missing), Some(235));
        let two = [40., NO, 30., NO, NO, NO, NO, NO, NO, NO, NO, NO];
        assert_eq!(tenths(two), Some(364));
        let late = [NO, NO, 20., 20., 20., 20., 20., 20., 20., 20., 20., 20.];
        assert_eq!(tenths(late), None);
    }

    #[test]
    fn clean_air_has_no_factor() {
        assert_eq!(tenths([0.0; HOURS]), Some(0));
        assert_eq!(tenths([-2.0; HOURS]), Some(0));
        assert_eq!(tenths([9.1; HOURS]), Some(91));
    }
}
