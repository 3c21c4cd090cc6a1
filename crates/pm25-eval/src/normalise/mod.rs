//! `pm25-eval normalise`: PM2.5 as it would have been in average weather, hour by hour, and how it changed over the years.
//!
//! A model that knows weather and time is asked about each hour again and again, each time with the weather of another
//! hour of the record, and its answers are averaged (Grange et al. 2018; deweather: Carslaw and Taylor 2009). Like theirs
//! it says nothing of causes, and it is as good as the model.
//!
//! ```text
//!  hour t    [ trend station │ day hour weekday  temp wind rain ... ]  → predicted
//!            [   the same    │ those of hour a                      ] ┐
//!            [   the same    │ those of hour b                      ] ├→ mean: normalised, spread: what weather does
//!            [   the same    │ ...                                  ] ┘
//! ```
//!
//! Where the calendar is kept, weather is drawn from the days around an hour (Vu et al. 2019): a January with July's dew
//! point never was, and what a model says to it is not to be trusted (nine Beijing stations: months of 200 µg/m³ out of
//! winters of 100).

mod donors;
mod files;
mod means;
mod pictures;
mod resample;
mod role;
mod say;
mod station;

use std::path::PathBuf;

use anyhow::Result;
use pm25_air::civil::format_utc;
use pm25_artifact::eval::{ModelRef, Span};
use pm25_artifact::model::Model;
use pm25_artifact::normalise::NormaliseReport;
use pm25_file::{Fault, Header, Input, InputRef};
use pm25_tool::{Console, Outcome, Threads};

use crate::PROGRAM;
use crate::together::Together;
use donors::Reach;
use files::Folder;
use resample::{Plan, resample};
use role::{Role, roles};

/// Draws for one hour: Grange et al. 2018 and Vu et al. 2019 take 1000 and say that a few hundred suffice; 300 is
/// rmweather's default.
const DRAWS: &str = "300";
const SEED: &str = "1";
/// A year has no day farther than this from another.
const DAYS_MAX: u16 = 183;
/// How far weather is drawn from where the calendar is kept: two weeks to each side (Vu et al. 2019).
const DAYS_NEAR: u16 = 14;
/// Half a season: weather from farther away is that of another.
const DAYS_FAR: u16 = 45;

/// Take the weather out of measured PM2.5: normalised series, trends and change points
///
/// Needs a nowcast model whose features are weather, `trend`, calendar and station, and nothing measured of the air.
/// Writes normalise.json, normalise.parquet and a picture for each station.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct NormaliseArgs {
    /// Model to ask (model.json)
    #[arg(long, value_name = "FILE")]
    model: Input,
    /// Prepared tables with the hours to normalise, and to draw weather from: train.parquet, or all three
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    data: Vec<Input>,
    /// Folder for normalise.json, normalise.parquet and pictures
    #[arg(long, value_name = "DIR")]
    out_dir: PathBuf,
    /// How often each hour is given other weather
    #[arg(long, value_name = "N", default_value = DRAWS, value_parser = clap::value_parser!(u32).range(2..=10_000))]
    draws: u32,
    /// Another seed draws other hours
    #[arg(long, value_name = "N", default_value = SEED)]
    seed: u64,
    /// Which columns are those of the drawn hour: all but trend and station, as in rmweather, or weather alone, so that
    /// the season and the day of the emissions stay
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = Resampled::AllButTrend)]
    resample: Resampled,
    /// Draw only from hours, of any year, at most so many days of the year away [default: 14 for
    /// weather alone, else from the whole record]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=i64::from(DAYS_MAX)))]
    within_days: Option<u16>,
    /// Draw only from the same hour of the day
    #[arg(long)]
    same_hour: bool,
    /// Draw no pictures
    #[arg(long)]
    no_plots: bool,
    #[command(flatten)]
    threads: Threads,
}

/// Which columns are replaced.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
enum Resampled {
    /// Weather
    Weather,
    /// Weather, hour, weekday, month and day of the year
    AllButTrend,
}

impl Resampled {
    fn word(self) -> &'static str {
        match self {
            Self::Weather => "weather",
            Self::AllButTrend => "all-but-trend",
        }
    }

    fn takes(self, role: Role) -> bool {
        match role {
            Role::Weather => true,
            Role::Calendar => self == Self::AllButTrend,
            Role::Trend | Role::Place => false,
        }
    }
}

impl NormaliseArgs {
    fn reach(&self) -> Reach {
        match (self.days(), self.same_hour) {
            (None, false) => Reach::Whole,
            (Some(days), false) => Reach::Days(usize::from(days)),
            (days, true) => Reach::DaysAtHour(usize::from(days.unwrap_or(DAYS_MAX))),
        }
    }

    /// None for the whole record.
    fn days(&self) -> Option<u16> {
        match self.resample {
            Resampled::Weather => self.within_days.or(Some(DAYS_NEAR)),
            Resampled::AllButTrend => self.within_days,
        }
    }

    /// What the model is asked where seasons are mixed.
    fn warning(&self) -> Option<String> {
        let days = self.days().filter(|days| DAYS_FAR < *days)?;
        (self.resample == Resampled::Weather).then(|| {
            format!(
                "winter is asked about summer's weather: hours up to {days} days away are drawn and the calendar is kept; \
                 what the model says to weather that never was is a guess"
            )
        })
    }
}

/// Normalises.
pub(crate) fn run(args: &NormaliseArgs, console: &Console) -> Result<Outcome> {
    let (model, model_ref) = Model::read(&args.model)?;
    let roles = roles(&model)?;
    let rows = Together::read(&args.data, &model)?;
    for warning in [unlearned(&rows, &model), args.warning()]
        .into_iter()
        .flatten()
    {
        console.warn(&warning);
    }
    let is_drawn: Vec<bool> = roles
        .iter()
        .map(|role| args.resample.takes(*role))
        .collect();
    let plan = Plan {
        draws: args.draws as usize,
        seed: args.seed,
        reach: args.reach(),
    };
    let progress = console.progress("hours", rows.n_rows() as u64);
    let (predicted, normalised) = args.threads.install(|| {
        let normalised = resample(&model, &rows, &is_drawn, &plan, &progress);
        (rows.predictions(&model), normalised)
    })?;
    drop(progress);
    let series = station::Series {
        rows: &rows,
        predicted_ug_m3: &predicted,
        normalised: &normalised,
    };
    if normalised.mean_ug_m3.iter().all(|mean| mean.is_nan()) {
        return Err(
            Fault::bad_data("no hour has all of the weather, so there is none to draw")
                .hint("train without the column that is missing most; prep.json counts them")
                .into(),
        );
    }
    let names = |drawn: bool| -> Vec<String> {
        let inputs = model.inputs().iter().zip(&is_drawn);
        let chosen = inputs.filter(|(_, is_drawn)| **is_drawn == drawn);
        chosen.map(|(input, _)| input.column.clone()).collect()
    };
    let stations = args.threads.install(|| series.stations(args.seed))??;
    let mut report = NormaliseReport {
        pm25: header(args, &model_ref, &rows),
        model: ModelRef {
            sha256: model_ref.sha256,
            kind: model.kind(),
            task: model.task(),
        },
        resampled: names(true),
        kept: names(false),
        span: span(&rows),
        stations,
    };
    let folder = Folder {
        path: &args.out_dir,
    };
    folder.series(&series, &mut report)?;
    if !args.no_plots {
        folder.pictures(&mut report)?;
    }
    folder.report(&mut report)?;
    console.say(&say::Said(&report))?;
    Ok(Outcome::Done)
}

/// Trees say after their last row, and before their first, what they said there.
fn unlearned(rows: &Together, model: &Model) -> Option<String> {
    let learned = &model.profile.as_ref()?.span;
    let (first, last) = (learned.first.as_ref()?, learned.last.as_ref()?);
    let outside = rows
        .time_s
        .iter()
        .map(|time_s| format_utc(*time_s))
        .filter(|time| time < first || last < time)
        .count();
    (0 < outside).then(|| {
        format!(
            "{outside} of {} hours lie outside the time that the model learned from ({first} to {last}): it knows no \
             trend there",
            rows.n_rows()
        )
    })
}

fn header(args: &NormaliseArgs, model: &InputRef, rows: &Together) -> Header {
    let mut header = Header::new(&PROGRAM)
        .input(model.clone())
        .param("draws", args.draws)
        .param("seed", args.seed)
        .param("resample", args.resample.word())
        .param("within_days", args.days())
        .param("same_hour", args.same_hour);
    for source in &rows.sources {
        header = header.input(source.clone());
    }
    for name in [
        "observed_ug_m3",
        "predicted_ug_m3",
        "normalised_ug_m3",
        "before_ug_m3",
        "after_ug_m3",
        "change_ug_m3",
        "std_error_ug_m3",
    ] {
        header = header.unit(name, "µg/m³");
    }
    header.unit("ug_m3_per_year", "µg/m³/a")
}

fn span(rows: &Together) -> Span {
    let end = |time_s: Option<&i64>| time_s.map_or_else(String::new, |time_s| format_utc(*time_s));
    Span {
        first: end(rows.time_s.iter().min()),
        last: end(rows.time_s.iter().max()),
    }
}
