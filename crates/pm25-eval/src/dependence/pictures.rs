//! The pictures beside `dependence.json`. What they look like is `pm25-plot`'s; what they say is decided here.

use pm25_air::Task;
use pm25_artifact::dependence::{Curve, DependenceReport, Surface};
use pm25_plot::{Labels, PlotError, curve, surface};

/// A picture of its own name for each curve and surface; `rugs` are where the rows of each curve's column lie.
pub(crate) fn pictures(
    report: &DependenceReport,
    rugs: &[Vec<f64>],
) -> Vec<(String, Result<Vec<u8>, PlotError>)> {
    let curves = report.curves.iter().zip(rugs).map(|(one, rug)| {
        let name = format!("dependence_{}.png", one.column);
        (name, curve(&of_one(report, one, rug)))
    });
    let surfaces = report.surfaces.iter().map(|two| {
        let name = format!("dependence_{}_and_{}.png", two.columns[0], two.columns[1]);
        (name, surface(&of_two(report, two)))
    });
    curves.chain(surfaces).collect()
}

fn of_one(report: &DependenceReport, of: &Curve, rug: &[f64]) -> pm25_plot::Curve {
    pm25_plot::Curve {
        labels: Labels {
            title: format!("What the model says as {} changes", of.column),
            subtitle: subtitle(report),
            x: with_unit(&of.column, &of.unit),
            y: "predicted PM2.5 (µg/m³)".to_owned(),
        },
        line_is: "mean of the rows".to_owned(),
        band_is: "10th to 90th percentile of single rows, moved to the mean's level; ticks: tenths of the rows".to_owned(),
        points: of
            .points
            .iter()
            .map(|point| (point.value, point.mean_ug_m3, point.ice_10_90_ug_m3))
            .collect(),
        rug: rug.to_vec(),
    }
}

fn of_two(report: &DependenceReport, of: &Surface) -> pm25_plot::Surface {
    let [x, y] = [0, 1].map(|which| with_unit(&of.columns[which], &of.units[which]));
    pm25_plot::Surface {
        labels: Labels {
            title: format!(
                "What the model says as {} and {} change",
                of.columns[0], of.columns[1]
            ),
            subtitle: format!(
                "{} · combinations that never were are guesses",
                subtitle(report)
            ),
            x,
            y,
        },
        scale: ["mean PM2.5".to_owned(), "µg/m³".to_owned()],
        x: of.values[0].clone(),
        y: of.values[1].clone(),
        values: of.mean_ug_m3.clone(),
    }
}

fn subtitle(report: &DependenceReport) -> String {
    let task = Task::from(report.model.task);
    format!(
        "Partial dependence of the model ({}, {task}) over {} rows",
        report.model.kind, report.rows
    )
}

fn with_unit(column: &str, unit: &str) -> String {
    match unit {
        "1" | "" | "unknown" => column.to_owned(),
        unit => format!("{column} ({unit})"),
    }
}
