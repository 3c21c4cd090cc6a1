//! What is asked of the rows, on a command line: the task, its horizon, the features.

use pm25_air::task::{DAY_H, HORIZON_H_MAX};
use pm25_air::{FeatureSet, Task};
use pm25_file::{Fault, Result};

/// The horizon of a forecast when none is given, hours.
const HORIZON_H_DEFAULT: u16 = 24;

/// Flattened into the arguments of programs that prepare rows; every field is still a claim.
#[derive(Clone, Debug, clap::Args)]
pub struct TaskArgs {
    /// What is asked: PM2.5 of the hour itself, or of a later one
    #[arg(long, value_enum)]
    task: TaskWord,
    /// How many hours ahead a forecast looks [default: 24; a nowcast has none]
    #[arg(long, value_name = "H")]
    horizon_h: Option<String>,
    /// Which features: `classic`, `full`, or a list such as
    /// `pm10,lag(pm25,1),mean(pm25,24),others_mean(change(pm25,1)),sin(hour)`; up to 12 h ahead, `full` has columns of
    /// its own for each of up to 16 stations [default: classic for a nowcast, full for a forecast]
    #[arg(long, value_name = "SET")]
    pub features: Option<String>,
}

/// A task without its horizon.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum TaskWord {
    /// PM2.5 of the hour t, from everything else up to t and PM2.5 up to t-1 h
    Nowcast,
    /// PM2.5 of the hour t + horizon, from everything up to t
    Forecast,
    /// The mean PM2.5 of the hours t+1 to t+24 (at least 18 of them), from everything up to t
    Daymean,
}

impl TaskArgs {
    /// What is asked.
    ///
    /// # Errors
    /// Usage: a horizon that the task does not have, or one out of range.
    pub fn task(&self) -> Result<Task> {
        let horizon_h = self.horizon_h.as_deref().map(horizon_h).transpose()?;
        match (self.task, horizon_h) {
            (TaskWord::Nowcast, None | Some(0)) => Ok(Task::Nowcast),
            (TaskWord::Nowcast, Some(_)) => Err(Fault::usage("a nowcast looks no hours ahead")
                .hint("leave out --horizon-h, or use --task forecast")),
            (TaskWord::Daymean, None | Some(DAY_H)) => Ok(Task::DayMean),
            (TaskWord::Daymean, Some(_)) => Err(Fault::usage(
                "a day's mean is of the next 24 hours and has no other horizon",
            )
            .hint("leave out --horizon-h")),
            (TaskWord::Forecast, Some(0)) => {
                Err(Fault::usage("a forecast looks at least one hour ahead")
                    .hint("for PM2.5 of the hour itself use --task nowcast"))
            }
            (TaskWord::Forecast, horizon_h) => Ok(Task::Forecast {
                horizon_h: horizon_h.unwrap_or(HORIZON_H_DEFAULT),
            }),
        }
    }

    /// The features where no station is known yet: a named set may get more, see [`features_among`].
    ///
    /// # Errors
    /// Usage: see [`Self::task`], and expressions that cannot be read or that know the answer.
    pub fn set(&self) -> Result<FeatureSet> {
        features_among(self.task()?, self.features.as_deref(), &[])
    }
}

/// The features of a task where the stations with train rows are known; `text` as it was typed, none for the task's
/// default.
///
/// # Errors
/// Usage: expressions that cannot be read, that know the answer, or two of one name.
pub fn features_among(task: Task, text: Option<&str>, stations: &[String]) -> Result<FeatureSet> {
    let default = match task {
        Task::Nowcast => "classic",
        Task::Forecast { .. } | Task::DayMean => "full",
    };
    FeatureSet::parse_among(task, text.unwrap_or(default), stations)
        .map_err(|e| Fault::usage(format!("--features: {e}")).hint(e.hint()))
}

fn horizon_h(text: &str) -> Result<u16> {
    if text.contains(',') {
        return Err(
            Fault::usage(format!("--horizon-h {text}: one horizon at a time"))
                .hint("call the program once for each horizon, each with its own --out-dir"),
        );
    }
    let horizon_h = text
        .parse()
        .ok()
        .filter(|&horizon_h: &u16| horizon_h <= HORIZON_H_MAX);
    horizon_h.ok_or_else(|| {
        Fault::usage(format!(
            "--horizon-h {text}: not a number of hours up to {HORIZON_H_MAX}"
        ))
        .hint("write whole hours, such as --horizon-h 24")
    })
}
