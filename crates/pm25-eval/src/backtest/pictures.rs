//! Pictures beside `backtest.json`: skill and error, origin by origin.

use anyhow::Context;
use pm25_air::Task;
use pm25_air::civil::{format_at, format_offset, parse_rfc3339};
use pm25_artifact::backtest::{BacktestReport, BacktestScores};
use pm25_artifact::eval::Baselines;
use pm25_plot::{Categories, Labels, Series, Shape, categories, number};

use crate::plots::Picture;

/// A number of each baseline.
type OfEach = Baselines<Option<f64>>;

/// Skill over every baseline, and the errors behind it; days are those of the clock that the first origin was given in,
/// `offset_min` minutes ahead of UTC.
pub(super) fn pictures(report: &BacktestReport, offset_min: i16) -> anyhow::Result<Vec<Picture>> {
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
            (report, offset_min),
            "skill_by_origin.png",
            (
                "Skill over each baseline",
                "1 − RMSE / RMSE of the baseline",
            ),
            series(&skill, "over "),
        )?,
        draw(
            (report, offset_min),
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
    // A day ahead both say the same: one line, with both names.
    let has_day = numbers
        .iter()
        .any(|each| each.persistence_24h.flatten().is_some());
    if let [newest, by_a_day, ..] = &mut all[..]
        && has_day
        && newest.values == by_a_day.values
    {
        newest.name += ", also by a day";
        all.remove(1);
    }
    all
}

/// The day on which an origin's first hour begins by a clock so many minutes ahead of UTC.
fn day(origin: &str, offset_min: i16) -> String {
    let Ok(time_s) = parse_rfc3339(origin) else {
        return origin.to_owned();
    };
    let local = format_at(time_s, offset_min);
    local.get(..10).unwrap_or(&local).to_owned()
}

/// The clock of the days.
fn clock(offset_min: i16) -> String {
    match offset_min {
        0 => "origin (UTC)".to_owned(),
        _ => format!("origin (UTC{})", format_offset(offset_min)),
    }
}

fn draw(
    (report, offset_min): (&BacktestReport, i16),
    name: &'static str,
    (title, y): (&str, &str),
    series: Vec<Series>,
) -> anyhow::Result<Picture> {
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
            x: clock(offset_min),
            y: y.to_owned(),
        },
        names: report
            .origins
            .iter()
            .map(|o| day(&o.origin, offset_min))
            .collect(),
        series,
        shape: Shape::Lines,
        reach: 0.0,
    };
    let png = categories(&chart).with_context(|| format!("cannot draw {name}"))?;
    Ok(Picture { name, png })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_named_by_the_day_of_its_own_clock() {
        assert_eq!(day("2016-02-29T16:00:00Z", 480), "2016-03-01");
        assert_eq!(day("2016-02-29T16:00:00Z", 0), "2016-02-29");
        assert_eq!(day("2016-03-01T08:00:00Z", -480), "2016-03-01");
        assert_eq!(clock(480), "origin (UTC+08:00)");
        assert_eq!(clock(0), "origin (UTC)");
    }

    #[test]
    fn what_is_the_same_line_is_drawn_once_with_both_names() {
        let each = |persistence_24h: f64| Baselines {
            persistence: Some(0.5),
            persistence_24h: Some(Some(persistence_24h)),
            climatology: Some(0.1),
            linear: Some(0.2),
        };
        let names = |by_a_day| -> Vec<String> {
            let all = series(&[each(0.5), each(by_a_day)], "over ");
            all.into_iter().map(|series| series.name).collect()
        };
        let once = [
            "over persistence, also by a day",
            "over climatology",
            "over ridge",
        ];
        assert_eq!(names(0.5), once);
        assert_eq!(names(0.4).len(), 4);
        // Nothing but the baselines of persistence is ever one line.
        let none = Baselines {
            persistence: Some(0.1),
            persistence_24h: None,
            climatology: Some(0.1),
            linear: Some(0.1),
        };
        assert_eq!(series(&[none], "").len(), 3);
    }
}
