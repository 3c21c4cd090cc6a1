//! What the public is told of a window: the NowCast and the indices of [`aqi`](crate::aqi).

use super::series::Series;
use super::window::Windows;
use crate::aqi::{Averaging, Level, NOWCAST_HOURS, Reading, Scale, nowcast};

/// The NowCast of each window of 12 hours; NaN where its rule asks for more hours.
pub(super) fn nowcasts(series: &Series, windows: Windows) -> Vec<f32> {
    each(series, windows, |hours| {
        nowcast(&newest_first(hours)?).map(|value| value as f32)
    })
}

/// The index of each window, or the band's number where there is no index; NaN where the rule asks for more hours.
pub(super) fn indices(series: &Series, scale: Scale, windows: Windows) -> Vec<f32> {
    let number = |reading: Reading| match reading.index {
        Some(index) => index as f32,
        None => reading.band_idx as f32,
    };
    each(series, windows, |hours| {
        let reading = match (scale, scale.averaging()) {
            (Scale::Us, _) => {
                let level = Level::of_number(nowcast(&newest_first(hours)?)?)?;
                scale.of_day(level)
            }
            (_, Averaging::Day { .. }) => scale.of_hours(hours.try_into().ok()?),
            (_, Averaging::Hour) => scale.of_hour(Level::of_hour(*hours.last()?)?),
        };
        reading.map(number)
    })
}

fn newest_first(hours: &[f32]) -> Option<[f32; NOWCAST_HOURS]> {
    let mut newest_first: [f32; NOWCAST_HOURS] = hours.try_into().ok()?;
    newest_first.reverse();
    Some(newest_first)
}

fn each(series: &Series, windows: Windows, of: impl Fn(&[f32]) -> Option<f32>) -> Vec<f32> {
    let window = |row: usize| &series.visible[windows.first + row..][..windows.hours];
    (0..windows.n_rows)
        .map(|row| of(window(row)).unwrap_or(f32::NAN))
        .collect()
}
