//! Pictures beside `backtest.json`: skill and error, origin by origin.

use anyhow::Context;
use pm25_air::Task;
use pm25_artifact::backtest::{BacktestReport, BacktestScores};
use pm25_artifact::eval::Baselines;
use pm25_plot::{Categories, Labels, Series, Shape, categories, number};

use crate::plots::Picture;

/// A number of each baseline.
type OfEach = Baselines<Option<f64>>;

/// Skill over every baseline, and the errors behind it.
pub(super) fn pictures(report: &BacktestReport) -> anyhow::Result<Vec<Picture>> {
    let skill = each_origin(report, &|scores| {
        map(&scores.skill_over, |skill| skill.skill)
    });
    let rmse = each_origin(report, &|scores| {
        map(&scores.baselines, |metrics| metrics.rmse_ug_m3)
    });
    let ours = report
        .origins
        .iter()
        .map(|origin| origin.scores.metrics.rmse_ug_m3);
    let mut errors = vec![Series {
        name: "model".to_owned(),
        values: ours.collect(),
    }];
    errors.extend(series(&rmse, ""));
    Ok(vec![
        draw(
            report,
            "skill_by_origin.png",
            (
                "Skill over each baseline",
                "1 − RMSE / RMSE of the baseline",
            ),
            series(&skill, "over "),
        )?,
        draw(
            report,
            "rmse_by_origin.png",
            ("Error of models made anew at each origin", "RMSE (µg/m³)"),
            errors,
        )?,
    ])
}

fn each_origin(report: &BacktestReport, of: &dyn Fn(&BacktestScores) -> OfEach) -> Vec<OfEach> {
    let origins = report.origins.iter();
    origins.map(|origin| of(&origin.scores)).collect()
}

fn map<T>(each: &Baselines<T>, of: impl Fn(&T) -> Option<f64>) -> OfEach {
    Baselines {
        persistence: of(&each.persistence),
        persistence_24h: each.persistence_24h.as_ref().map(&of),
        climatology: of(&each.climatology),
        linear: of(&each.linear),
    }
}

/// A series a baseline; none for one that the task does not have.
fn series(numbers: &[OfEach], before: &str) -> Vec<Series> {
    let one = |name: &str, of: &dyn Fn(&OfEach) -> Option<f64>| Series {
        name: format!("{before}{name}"),
        values: numbers.iter().map(of).collect(),
    };
    let mut all = vec![
        one("persistence", &|each| each.persistence),
        one("persistence by a day", &|each| {
            each.persistence_24h.flatten()
        }),
        one("climatology", &|each| each.climatology),
        one("ridge", &|each| each.linear),
    ];
    all.retain(|series| series.values.iter().any(Option::is_some));
    all
}

fn draw(
    report: &BacktestReport,
    name: &'static str,
    (title, y): (&str, &str),
    series: Vec<Series>,
) -> anyhow::Result<Picture> {
    let day = |time: &String| time.get(..10).unwrap_or(time).to_owned();
    let ahead = match Task::from(report.task) {
        Task::Nowcast => "nowcast".to_owned(),
        Task::Forecast { horizon_h } => format!("{horizon_h} h ahead"),
        Task::DayMean => "mean of the next 24 h".to_owned(),
    };
    let rows = number(report.overall.metrics.rows as f64, 0);
    let chart = Categories {
        labels: Labels {
            title: title.to_owned(),
            subtitle: format!(
                "{ahead} · {rows} judged rows of {} origins",
                report.origins.len()
            ),
            x: "origin (UTC)".to_owned(),
            y: y.to_owned(),
        },
        names: report.origins.iter().map(|o| day(&o.origin)).collect(),
        series,
        shape: Shape::Lines,
        reach: 0.0,
    };
    let png = categories(&chart).with_context(|| format!("cannot draw {name}"))?;
    Ok(Picture { name, png })
}
