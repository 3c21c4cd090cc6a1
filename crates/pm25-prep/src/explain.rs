//! `--explain`: what a feature set makes, before there is any data.

use std::fmt;

use pm25_air::task::question;
use pm25_air::{Feature, FeatureSet, Task};
use serde::Serialize;

/// A feature set in words.
#[derive(Serialize)]
pub(crate) struct Explanation {
    task: String,
    target: String,
    persistence: String,
    /// As the feature language writes it.
    feature_list: String,
    /// Hours before t that a row reaches back.
    history_h: u16,
    features: Vec<Explained>,
}

#[derive(Serialize)]
struct Explained {
    column: String,
    expression: String,
    unit: &'static str,
    /// The stamp of the newest input.
    newest_input: String,
    /// When that hour is over.
    known_at: String,
}

impl Explanation {
    pub(crate) fn of(tasks: &[Task], features: &FeatureSet) -> Self {
        let task = features.task();
        Self {
            task: question(tasks),
            target: match task {
                Task::DayMean => "mean PM2.5 of the hours stamped t+1h to t+24h".to_owned(),
                _ => {
                    let stamps: Vec<String> =
                        tasks.iter().map(|it| after(it.horizon_h())).collect();
                    match stamps.as_slice() {
                        [one] => format!("PM2.5 of the hour stamped {one}"),
                        several => format!(
                            "PM2.5 of the hours stamped {}, each a column",
                            several.join(", ")
                        ),
                    }
                }
            },
            persistence: match task {
                Task::DayMean => "mean PM2.5 of the hours stamped t-23h to t".to_owned(),
                _ => format!("PM2.5 of the hour stamped {}", before(task.newest_pm25_h())),
            },
            feature_list: features.to_string(),
            history_h: features.history_h(),
            features: features
                .features()
                .iter()
                .map(|feature| Explained::of(feature, task))
                .collect(),
        }
    }
}

impl Explained {
    fn of(feature: &Feature, task: Task) -> Self {
        let (newest_input, known_at) = match feature.newest_h(task) {
            // An hour stamped t is over one hour later.
            Some(0) => (of(feature, before(0)), after(1)),
            Some(newest_h) => (of(feature, before(newest_h)), before(newest_h - 1)),
            None if *feature == Feature::Station => {
                ("train stations".to_owned(), "always".to_owned())
            }
            None => ("calendar at t".to_owned(), "always".to_owned()),
        };
        Self {
            column: feature.column(),
            expression: feature.to_string(),
            unit: feature.unit(),
            newest_input,
            known_at,
        }
    }
}

/// Whose hour it is, where it is not the station's own.
fn of(feature: &Feature, hour: String) -> String {
    match feature {
        Feature::Others { .. } => format!("others' {hour}"),
        Feature::At { .. } => format!("its {hour}"),
        _ => hour,
    }
}

fn before(hours: u16) -> String {
    if hours == 0 {
        "t".to_owned()
    } else {
        format!("t-{hours}h")
    }
}

fn after(hours: u16) -> String {
    if hours == 0 {
        "t".to_owned()
    } else {
        format!("t+{hours}h")
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let n_features = self.features.len();
        writeln!(
            f,
            "{}: {n_features} features of the row t, which reach back {} h",
            self.task, self.history_h
        )?;
        writeln!(f, "target       {}", self.target)?;
        writeln!(f, "persistence  {}", self.persistence)?;
        writeln!(f)?;
        let width = |of: fn(&Explained) -> &str, least: usize| {
            let widths = self
                .features
                .iter()
                .map(|feature| of(feature).chars().count());
            widths.max().unwrap_or(0).max(least)
        };
        let columns = width(|feature| &feature.column, 26);
        let expressions = width(|feature| &feature.expression, 20);
        writeln!(
            f,
            "{:<columns$} {:<expressions$} {:<16} {:<15} known at",
            "column", "expression", "unit", "newest input"
        )?;
        for Explained {
            column,
            expression,
            unit,
            newest_input,
            known_at,
        } in &self.features
        {
            writeln!(
                f,
                "{column:<columns$} {expression:<expressions$} {unit:<16} {newest_input:<15} {known_at}"
            )?;
        }
        Ok(())
    }
}
