//! The pictures beside `shap.json`: summary, importance, dependence of the top three, one row as a waterfall.

use anyhow::Context;
use pm25_artifact::prep::{StationFact, TaskFact};
use pm25_artifact::shap::{Importance, ShapReport, Space};
use pm25_plot::{
    Bars, Beeswarm, Dependence, Labels, Swarm, Waterfall, bars, beeswarm, dependence, waterfall,
};

use crate::explain::Explained;

/// How many features the summary, the importance and the waterfall show; the rest adds little.
const N_SHOWN: usize = 12;
/// How many features have a dependence picture.
const N_DEPENDENCE: usize = 3;
/// The column of the stations' places among those that the model learned from.
const STATION_CODE: &str = "station_code";

/// What contributions are contributions to, as an axis has it.
fn quantity(space: Space) -> &'static str {
    match space {
        Space::UgM3 => "predicted PM2.5 (µg/m³)",
        Space::Log => "ln of predicted PM2.5 in µg/m³",
        Space::Log1p => "predicted ln of 1 + PM2.5 in µg/m³",
        Space::Sqrt => "predicted root of PM2.5 in µg/m³",
    }
}

fn effect(space: Space) -> String {
    format!("adds to {}", quantity(space))
}

/// A picture to be written.
pub(crate) struct Picture {
    pub(crate) name: String,
    pub(crate) png: Vec<u8>,
}

/// The row that has a picture of its own.
pub(crate) struct Row<'a> {
    /// Among those that are explained.
    pub(crate) idx: usize,
    /// What codes of stations stand for.
    pub(crate) stations: &'a [StationFact],
    /// Its station and hour.
    pub(crate) in_words: String,
}

/// A feature of the report with its rows.
struct Shown<'a> {
    importance: &'a Importance,
    phi: &'a [f64],
    values: &'a [f32],
}

/// Draws everything.
pub(crate) fn draw(
    report: &ShapReport,
    explained: &Explained,
    row: &Row,
) -> anyhow::Result<Vec<Picture>> {
    let shown = shown(report, explained);
    let top = &shown[..shown.len().min(N_SHOWN)];
    let mut drawn = vec![
        (
            "summary.png".to_owned(),
            beeswarm(&summary(report, explained, top)),
        ),
        (
            "importance.png".to_owned(),
            bars(&importance(report, explained, top)),
        ),
        (
            "waterfall.png".to_owned(),
            waterfall(&one_row(report, explained, &shown, row)),
        ),
    ];
    for feature in top.iter().take(N_DEPENDENCE) {
        let column = &feature.importance.column;
        let pairs: Vec<(f64, f64)> = feature
            .values
            .iter()
            .zip(feature.phi)
            .filter(|(value, _)| !value.is_nan())
            .map(|(&value, &phi)| (f64::from(value), phi))
            .collect();
        let chart = Dependence {
            labels: labels(
                report,
                explained,
                &format!("What {column} adds"),
                &with_unit(feature.importance),
                &effect(report.space),
            ),
            pairs: &pairs,
        };
        drawn.push((format!("dependence_{column}.png"), dependence(&chart)));
    }
    drawn
        .into_iter()
        .map(|(name, png)| {
            let png = png.with_context(|| format!("cannot draw {name}"))?;
            Ok(Picture { name, png })
        })
        .collect()
}

fn shown<'a>(report: &'a ShapReport, explained: &'a Explained) -> Vec<Shown<'a>> {
    let column = |importance: &Importance| {
        explained
            .inputs
            .iter()
            .position(|input| input.column == importance.column)
            .expect("the report is about these features")
    };
    report
        .features
        .iter()
        .map(|importance| Shown {
            importance,
            phi: &explained.phi[column(importance)],
            values: &explained.values[column(importance)],
        })
        .collect()
}

fn summary<'a>(report: &ShapReport, explained: &Explained, top: &[Shown<'a>]) -> Beeswarm<'a> {
    let swarm = |feature: &Shown<'a>| Swarm {
        name: feature.importance.column.clone(),
        effects: feature.phi,
        values: feature.values,
    };
    Beeswarm {
        labels: labels(
            report,
            explained,
            "What each feature adds",
            &effect(report.space),
            "",
        ),
        swarms: top.iter().map(swarm).collect(),
    }
}

fn importance(report: &ShapReport, explained: &Explained, top: &[Shown]) -> Bars {
    let bar = |feature: &Shown| {
        (
            feature.importance.column.clone(),
            feature.importance.mean_abs_ug_m3,
        )
    };
    Bars {
        labels: labels(
            report,
            explained,
            "Importance",
            &format!("mean |contribution| ({})", report.space.unit()),
            "",
        ),
        bars: top.iter().map(bar).collect(),
    }
}

fn one_row(report: &ShapReport, explained: &Explained, shown: &[Shown], row: &Row) -> Waterfall {
    let row_idx = row.idx;
    let mut order: Vec<&Shown> = shown.iter().collect();
    order.sort_by(|a, b| b.phi[row_idx].abs().total_cmp(&a.phi[row_idx].abs()));
    let (large, small) = order.split_at(order.len().min(N_SHOWN));
    let mut steps: Vec<(String, f64)> = large
        .iter()
        .map(|feature| {
            (
                named_value(
                    &feature.importance.column,
                    feature.values[row_idx],
                    row.stations,
                ),
                feature.phi[row_idx],
            )
        })
        .collect();
    if !small.is_empty() {
        let rest = small.iter().map(|feature| feature.phi[row_idx]).sum();
        steps.push((format!("{} others", small.len()), rest));
    }
    let x = match report.space {
        Space::UgM3 => "PM2.5 (µg/m³)",
        other => quantity(other),
    };
    Waterfall {
        labels: Labels {
            title: format!("Row {} explained", row_idx + 1),
            subtitle: format!(
                "{} · SHAP values of {}",
                model_in_words(report),
                row.in_words
            ),
            x: x.to_owned(),
            y: String::new(),
        },
        base: ("base".to_owned(), explained.base),
        steps,
        end: "prediction".to_owned(),
    }
}

/// A feature's value as its step is called; a station by its name.
fn named_value(column: &str, value: f32, stations: &[StationFact]) -> String {
    if value.is_nan() {
        return format!("{column} = missing");
    }
    let is_code = column == STATION_CODE && 0.0 <= value;
    if let Some(station) = stations.get(value as usize).filter(|_| is_code) {
        return format!("station = {}", station.name);
    }
    let digits = format!("{:.4}", f64::from(value));
    let digits = digits.trim_end_matches('0').trim_end_matches('.');
    format!("{column} = {digits}")
}

fn with_unit(importance: &Importance) -> String {
    match importance.unit.as_str() {
        "1" | "" | "unknown" => importance.column.clone(),
        // Months are counted in months.
        unit if unit == importance.column => unit.to_owned(),
        unit => format!("{} ({unit})", importance.column),
    }
}

fn model_in_words(report: &ShapReport) -> String {
    let task = match report.task {
        TaskFact::Nowcast => "nowcast".to_owned(),
        TaskFact::Forecast { horizon_h } => format!("{horizon_h} h ahead"),
        TaskFact::DayMean => "mean of the next 24 h".to_owned(),
    };
    format!("{}, {task}", report.kind)
}

fn labels(report: &ShapReport, explained: &Explained, title: &str, x: &str, y: &str) -> Labels {
    Labels {
        title: title.to_owned(),
        subtitle: format!(
            "{} · SHAP values of {}",
            model_in_words(report),
            explained.rows_in_words
        ),
        x: x.to_owned(),
        y: y.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_station_is_called_by_its_name() {
        let fact = |name: &str| StationFact {
            name: name.to_owned(),
            utc_offset_min: 480,
        };
        let stations = ["Dongsi", "Gucheng"].map(fact);
        let said = |column: &str, value: f32| named_value(column, value, &stations);
        assert_eq!(said(STATION_CODE, 1.0), "station = Gucheng");
        assert_eq!(said(STATION_CODE, 2.0), "station_code = 2");
        assert_eq!(said(STATION_CODE, -1.0), "station_code = -1");
        assert_eq!(said("pm10_ug_m3", 1.25), "pm10_ug_m3 = 1.25");
        assert_eq!(said("pm10_ug_m3", 100.0), "pm10_ug_m3 = 100");
        assert_eq!(said("hour", f32::NAN), "hour = missing");
    }

    #[test]
    fn a_unit_is_named_once() {
        let of = |column: &str, unit: &str| {
            with_unit(&Importance {
                column: column.to_owned(),
                unit: unit.to_owned(),
                mean_abs_ug_m3: 0.0,
                mean_ug_m3: 0.0,
                min_ug_m3: 0.0,
                max_ug_m3: 0.0,
            })
        };
        assert_eq!(of("month", "month"), "month");
        assert_eq!(of("co_mg_m3", "mg/m³"), "co_mg_m3 (mg/m³)");
        assert_eq!(of("station_code", "1"), "station_code");
    }
}
