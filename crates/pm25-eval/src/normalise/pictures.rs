//! The pictures beside `normalise.json`. What they look like is `pm25-plot`'s; what they say is decided here.

use std::collections::BTreeSet;

use pm25_artifact::normalise::{ChangePoint, Month, NormaliseReport, SlopeFact, StationTrend};
use pm25_plot::{Course, Labels, PlotError, Series, course, number};

/// A picture of its own name for each station.
pub(crate) fn pictures(report: &NormaliseReport) -> Vec<(String, Result<Vec<u8>, PlotError>)> {
    let mut taken = BTreeSet::new();
    let stations = report.stations.iter();
    stations
        .map(|station| {
            let plain = plain(&station.station);
            let mut name = format!("normalise_{plain}.png");
            // Stations whose names differ in what a file's name cannot hold.
            while !taken.insert(name.clone()) {
                name = name.replace(".png", "_.png");
            }
            (name, course(&chart(report, station)))
        })
        .collect()
}

fn plain(station: &str) -> String {
    let small = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '_'
        }
    };
    station.chars().map(small).collect()
}

fn chart(report: &NormaliseReport, station: &StationTrend) -> Course {
    let series = |name: String, value: fn(&Month) -> Option<f64>| Series {
        name,
        values: station.months.iter().map(value).collect(),
    };
    let observed = trend("measured", station.observed_trend);
    let normalised = trend("in average weather", station.normalised_trend);
    let steps = station.change_points.as_deref().unwrap_or_default();
    Course {
        labels: Labels {
            title: format!(
                "{}: PM2.5 with and without the weather's part",
                station.station
            ),
            subtitle: subtitle(report, station),
            x: "month (local standard time)".to_owned(),
            y: "monthly mean PM2.5 (µg/m³)".to_owned(),
        },
        names: station
            .months
            .iter()
            .map(|month| month.month.clone())
            .collect(),
        series: vec![
            series(observed, |month| month.observed_ug_m3),
            series(normalised, |month| month.normalised_ug_m3),
        ],
        marks_are: "change of level, season aside (µg/m³)".to_owned(),
        marks: steps
            .iter()
            .map(|step| mark(step, &station.months))
            .collect(),
    }
}

fn subtitle(report: &NormaliseReport, station: &StationTrend) -> String {
    let param = |name: &str| {
        report
            .pm25
            .params
            .get(name)
            .map_or_else(String::new, ToString::to_string)
    };
    let r2 = station
        .metrics
        .r2
        .map_or_else(|| "-".to_owned(), |r2| number(r2, 2));
    let from = match param("within_days").as_str() {
        "null" | "" => "the whole record".to_owned(),
        days => format!("±{days} days"),
    };
    format!(
        "Mean of {} predictions, weather drawn from {from} · {}, R² {r2} on these hours · 95 % intervals",
        param("draws"),
        report.model.kind
    )
}

/// A series with its slope, as a legend says it.
fn trend(what: &str, slope: Option<SlopeFact>) -> String {
    let Some(slope) = slope else {
        return what.to_owned();
    };
    let rise = signed(slope.ug_m3_per_year);
    match slope.interval {
        None => format!("{what}: {rise} µg/m³ a year"),
        Some([low, high]) => {
            format!(
                "{what}: {rise} ({} to {}) µg/m³ a year",
                signed(low),
                signed(high)
            )
        }
    }
}

fn signed(value: f64) -> String {
    let sign = if value < 0.0 { "" } else { "+" };
    format!("{sign}{}", number(value, 1))
}

/// Where a step's first day lies between the middles of months, and how large it is.
fn mark(step: &ChangePoint, months: &[Month]) -> (f64, String) {
    const DAYS: f64 = 30.4;
    let (month, day) = step.week_of.split_at(7);
    let idx = months.iter().position(|of| of.month == month);
    let day: f64 = day.trim_start_matches('-').parse().unwrap_or(1.0);
    let at = idx.map_or(f64::NAN, |idx| idx as f64 - 0.5 + (day - 1.0) / DAYS);
    (at, signed(step.change_ug_m3))
}
