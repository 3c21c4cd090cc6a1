//! The pictures beside `eval.json`. What they look like is `pm25-plot`'s; what they say is decided here.

use anyhow::Context;
use pm25_air::Task;
use pm25_artifact::eval::{CoverageReport, EvalReport, Exceedance, Slice};
use pm25_plot::{
    Calibration, Categories, Density, Histogram, Labels, Mark, PlotError, Residuals, Series, Shape,
    calibration, categories, density, histogram, number, residuals,
};

use crate::answers::Answers;
use crate::exam::Exam;

/// A picture to be written.
pub(crate) struct Picture {
    pub(crate) name: &'static str,
    pub(crate) png: Vec<u8>,
}

/// Every picture there can be.
pub(crate) const NAMES: [&str; 8] = [
    "predicted_vs_actual.png",
    "residual_histogram.png",
    "residuals_vs_predicted.png",
    "error_by_hour.png",
    "error_by_month.png",
    "error_by_station.png",
    "reliability.png",
    "coverage_by_month.png",
];

const PREDICTED: &str = "predicted PM2.5 (µg/m³)";
const RESIDUAL: &str = "predicted − actual PM2.5 (µg/m³)";

/// Draws all that the table says enough for.
pub(crate) fn pictures(
    exam: &Exam<'_>,
    answers: &Answers,
    report: &EvalReport,
) -> anyhow::Result<Vec<Picture>> {
    let subtitle = subtitle(report);
    let words = |title: &str, x: &str, y: &str| Labels {
        title: title.to_owned(),
        subtitle: subtitle.clone(),
        x: x.to_owned(),
        y: y.to_owned(),
    };
    let pairs: Vec<(f64, f64)> = exam
        .target_ug_m3
        .iter()
        .copied()
        .zip(answers.model.iter().copied())
        .collect();
    let errors: Vec<(f64, f64)> = pairs
        .iter()
        .map(|(actual, predicted)| (*predicted, predicted - actual))
        .collect();
    let residual_values: Vec<f64> = errors.iter().map(|(_, error)| *error).collect();
    let mut drawn = vec![
        (
            "predicted_vs_actual.png",
            density(&Density {
                labels: words(
                    "Predicted against actual PM2.5",
                    "actual PM2.5 (µg/m³)",
                    PREDICTED,
                ),
                pairs: &pairs,
            }),
        ),
        (
            "residual_histogram.png",
            histogram(&Histogram {
                labels: words("Residuals", RESIDUAL, "test rows"),
                values: &residual_values,
                marks: marks(report),
            }),
        ),
        (
            "residuals_vs_predicted.png",
            residuals(&Residuals {
                labels: words("Residuals against predictions", PREDICTED, RESIDUAL),
                pairs: &errors,
            }),
        ),
    ];
    for part in parts(report).iter().filter(|part| !part.slices.is_empty()) {
        let labels = words(
            &format!("Error by {}", part.title),
            part.title,
            "error (µg/m³)",
        );
        drawn.push((part.file, categories(&by(part, labels))));
    }
    drawn.extend(promises(report, &words));
    drawn.extend(covered(report, &words));
    let named = drawn.into_iter().map(|(name, png)| {
        Ok(Picture {
            name,
            png: png.with_context(|| format!("cannot draw {name}"))?,
        })
    });
    named.collect()
}

/// A picture of its own name.
type Drawn = (&'static str, Result<Vec<u8>, PlotError>);

/// What was promised against what came, if anything was promised.
fn promises(report: &EvalReport, words: &dyn Fn(&str, &str, &str) -> Labels) -> Option<Drawn> {
    let curves = reliability(report);
    let labels = words(
        "Promised and observed probability of an hour above a threshold",
        "mean of the probabilities that were given",
        "share of hours above the threshold",
    );
    (!curves.is_empty()).then(|| {
        (
            "reliability.png",
            calibration(&Calibration { labels, curves }),
        )
    })
}

/// Share of targets inside their intervals, month by month, beside what was promised.
fn covered(report: &EvalReport, words: &dyn Fn(&str, &str, &str) -> Labels) -> Option<Drawn> {
    let labels = words(
        "Targets inside their intervals",
        "month of the target",
        "share of hours",
    );
    let coverage = report
        .coverage
        .as_ref()
        .filter(|known| !known.month.is_empty())?;
    let chart = months_chart(coverage, labels);
    Some(("coverage_by_month.png", categories(&chart)))
}

fn months_chart(coverage: &CoverageReport, labels: Labels) -> Categories {
    let series = |name: &str, values: Vec<Option<f64>>| Series {
        name: name.to_owned(),
        values,
    };
    // A line from March to October over months that nobody judged would be a claim: they keep their places, empty.
    let months: Vec<String> = (1..=12).map(|month| month.to_string()).collect();
    let kept = |month: &String| {
        let part = coverage.month.iter().find(|part| part.name == *month);
        part.and_then(|part| part.coverage.covered)
    };
    Categories {
        labels,
        series: vec![
            series("inside", months.iter().map(kept).collect()),
            series("promised", vec![Some(coverage.promised); months.len()]),
        ],
        names: months,
        shape: Shape::Lines,
        reach: 1.0,
    }
}

/// A curve for each threshold that was passed.
fn reliability(report: &EvalReport) -> Vec<(String, Vec<(f64, f64)>)> {
    let passed = report.exceedance.iter().filter(|one| 0 < one.events);
    let curve = |one: &Exceedance| {
        let bins = &one.probability.as_ref()?.reliability;
        let points = bins.iter().map(|bin| (bin.promised, bin.kept)).collect();
        Some((format!("above {} µg/m³", one.threshold_ug_m3), points))
    };
    passed.filter_map(curve).take(6).collect()
}

/// One kind of slice as a picture.
struct Part<'a> {
    file: &'static str,
    title: &'static str,
    slices: &'a [Slice],
    shape: Shape,
}

fn parts(report: &EvalReport) -> [Part<'_>; 3] {
    let slices = &report.slices;
    [
        Part {
            file: "error_by_hour.png",
            title: "local standard hour of the target",
            slices: &slices.hour,
            shape: Shape::Lines,
        },
        Part {
            file: "error_by_month.png",
            title: "month of the target",
            slices: &slices.month,
            shape: Shape::Bars,
        },
        Part {
            file: "error_by_station.png",
            title: "station",
            slices: &slices.station,
            shape: Shape::Bars,
        },
    ]
}

fn by(part: &Part<'_>, labels: Labels) -> Categories {
    let series = |name: &str, pick: fn(&Slice) -> Option<f64>| Series {
        name: name.to_owned(),
        values: part.slices.iter().map(pick).collect(),
    };
    let mut all = vec![
        series("RMSE", |s| s.metrics.rmse_ug_m3),
        series("MAE", |s| s.metrics.mae_ug_m3),
    ];
    if part.slices.iter().any(|slice| 0 < slice.persistence.rows) {
        all.push(series("RMSE of persistence", |s| s.persistence.rmse_ug_m3));
    }
    Categories {
        labels,
        names: part.slices.iter().map(|slice| slice.name.clone()).collect(),
        series: all,
        shape: part.shape,
        reach: 0.0,
    }
}

fn marks(report: &EvalReport) -> Vec<Mark> {
    let (Some(bias), Some(rmse)) = (report.metrics.bias_ug_m3, report.metrics.rmse_ug_m3) else {
        return Vec::new();
    };
    vec![
        Mark {
            text: format!("bias {} µg/m³", number(bias, 2)),
            at: vec![bias],
        },
        Mark {
            text: format!("± RMSE {} µg/m³", number(rmse, 2)),
            at: vec![-rmse, rmse],
        },
    ]
}

/// Which model, which rows, when.
fn subtitle(report: &EvalReport) -> String {
    let task = match Task::from(report.model.task) {
        Task::Nowcast => "nowcast".to_owned(),
        Task::Forecast { horizon_h } => format!("{horizon_h} h ahead"),
        Task::DayMean => "mean of the next 24 h".to_owned(),
    };
    let mut text = format!(
        "{}, {task} · {} test rows",
        report.model.kind,
        number(report.metrics.rows as f64, 0)
    );
    match report.slices.station.as_slice() {
        [] => {}
        [only] => text += &format!(" of {}", only.name),
        stations => text += &format!(" of {} stations", stations.len()),
    }
    if let Some(span) = &report.span {
        let day = |time: &str| time.get(..10).unwrap_or(time).to_owned();
        text += &format!(" · {} to {} UTC", day(&span.first), day(&span.last));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use pm25_artifact::eval::{CoverageFact, CoverageSlice};

    #[test]
    fn a_month_without_rows_keeps_its_place_and_no_line_crosses_it() {
        let part = CoverageFact::from(pm25_stats::promise::coverage(&[(1.0, [0.0, 2.0])], 0.1));
        let month = |name: &str| CoverageSlice {
            name: name.to_owned(),
            coverage: part,
        };
        let coverage = CoverageReport {
            promised: 0.9,
            overall: part,
            fixed: None,
            month: vec![month("3"), month("10")],
            hour: Vec::new(),
            station: Vec::new(),
            predicted_level: Vec::new(),
        };
        let labels = Labels {
            title: String::new(),
            subtitle: String::new(),
            x: String::new(),
            y: String::new(),
        };
        let chart = months_chart(&coverage, labels);
        assert_eq!((chart.names.len(), chart.reach), (12, 1.0));
        let inside = &chart.series[0].values;
        assert_eq!(
            (inside[2], inside[3], inside[9]),
            (Some(1.0), None, Some(1.0))
        );
        assert!(
            chart.series[1]
                .values
                .iter()
                .all(|value| *value == Some(0.9))
        );
    }
}
