//! The one look: colours, sizes and the ramp for counts. Nothing here draws.
//!
//! Lines and marks use the Okabe-Ito colours and counts use ColorBrewer's YlGnBu without its palest steps: both are
//! told apart with any colour vision and in grey.

/// Red, green, blue.
pub(crate) type Rgb = (u8, u8, u8);

pub(crate) const PAPER: Rgb = (255, 255, 255);
pub(crate) const INK: Rgb = (34, 34, 34);
pub(crate) const SOFT_INK: Rgb = (95, 95, 95);
pub(crate) const GRID: Rgb = (228, 228, 228);
pub(crate) const AXIS: Rgb = (140, 140, 140);

/// Blue: what a chart is about.
pub(crate) const BLUE: Rgb = (0, 114, 178);
/// Vermilion: what it is held against, or stands out.
pub(crate) const VERMILION: Rgb = (213, 94, 0);

/// Colours of series, in the order they are handed out; dash patterns differ too, so colour is never the only sign.
pub(crate) const SERIES: [Rgb; 6] = [
    BLUE,
    VERMILION,
    (0, 158, 115),
    (204, 121, 167),
    (86, 180, 233),
    (230, 159, 0),
];

/// Sizes in pixels of the finished picture, which is meant to be shown at half of them.
pub(crate) const TITLE_SIZE: f64 = 36.0;
pub(crate) const SUBTITLE_SIZE: f64 = 25.0;
pub(crate) const LABEL_SIZE: f64 = 27.0;
pub(crate) const TICK_SIZE: f64 = 24.0;
/// Empty border around everything.
pub(crate) const MARGIN: f64 = 36.0;
/// Between neighbouring things.
pub(crate) const GAP: f64 = 14.0;
pub(crate) const LINE_WIDTH: f64 = 4.0;
pub(crate) const HAIR_WIDTH: f64 = 1.0;

const RAMP: [Rgb; 7] = [
    (199, 233, 180),
    (127, 205, 187),
    (65, 182, 196),
    (29, 145, 192),
    (34, 94, 168),
    (37, 52, 148),
    (8, 29, 88),
];

/// From pale green (0) to navy (1).
pub(crate) fn ramp(share: f64) -> Rgb {
    along(&RAMP, share)
}

/// From blue (0) over grey to vermilion (1): low to high values of a feature.
pub(crate) fn low_high(share: f64) -> Rgb {
    along(&[(0, 90, 170), (150, 150, 160), (213, 94, 0)], share)
}

fn along(stops: &[Rgb], share: f64) -> Rgb {
    let position = share.clamp(0.0, 1.0) * (stops.len() - 1) as f64;
    let idx = (position.floor() as usize).min(stops.len() - 2);
    let part = position - idx as f64;
    let mix = |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * part).round() as u8;
    let (a, b) = (stops[idx], stops[idx + 1]);
    (mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ramp_darkens_all_the_way() {
        let light =
            |c: Rgb| 0.2126 * f64::from(c.0) + 0.7152 * f64::from(c.1) + 0.0722 * f64::from(c.2);
        let lights: Vec<f64> = (0..=100)
            .map(|i| light(ramp(f64::from(i) / 100.0)))
            .collect();
        assert!(lights.windows(2).all(|w| w[1] <= w[0]));
        assert_eq!((ramp(-1.0), ramp(2.0)), (RAMP[0], RAMP[6]));
    }
}
