//! `pm25-eval backtest`: a rolling origin with retraining. How good is a way of making models, month after month?
//!
//! Not the judging of one model file. At each origin everything that is fitted (bins, statistics, station numbers,
//! climatology, ridge, model, and what chooses among them) is fitted on what was answered before it, and judged on the
//! rows until the next. What is fitted to nothing, the features, is computed once.
//!
//! ```text
//! observations ── record ──┬─ turn ─┐
//!                origins ──┼─ turn ─┼─ report ── backtest.json, predictions.parquet, pictures
//!                          └─ turn ─┘   side by side
//! ```

mod files;
mod origins;
mod pictures;
mod record;
mod report;
mod say;
mod turn;
mod workers;

use std::path::PathBuf;

use anyhow::Result;
use pm25_air::civil::format_utc;
use pm25_air::{Feature, FeatureSet};
use pm25_file::{Fault, Header, Input};
use pm25_fit::{LearnArgs, Params};
use pm25_rows::{Observations, TaskArgs};
use pm25_tool::{Console, Outcome, Threads};

use crate::PROGRAM;
use origins::{Every, Instant, Origin, origins};
use record::Record;
use turn::{Recipe, Turn};

/// Days before an origin that tell when to stop, unless it is said: a season, as long as the judged months need it.
const VALID_DAYS: u16 = 90;

/// Make a model anew at each of many origins and judge it on the rows until the next
///
/// At an origin nothing is known of the hours from it on: a row teaches only if its target's hour lies before it.
/// Features are computed once, origins run side by side. Writes backtest.json (scores over all rows and for each
/// origin, beside persistence, persistence by a day, climatology and ridge, all fitted where the model was),
/// predictions.parquet with the origin of each row, and pictures. It makes no model file: train the next one with
/// pm25-train.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct BacktestArgs {
    /// Tables of hourly observations, from pm25-ingest
    #[arg(value_name = "OBSERVATIONS", required = true)]
    observations: Vec<Input>,
    #[command(flatten)]
    asked: TaskArgs,
    #[command(flatten)]
    learn: LearnArgs,
    /// The first origin (RFC 3339 with offset)
    #[arg(long, value_name = "T")]
    from: Instant,
    /// Judged rows are issued before this time
    #[arg(long, value_name = "T")]
    until: Instant,
    /// From one origin to the next: `month`, or a number of days
    #[arg(long, value_name = "month|DAYS", default_value = "month")]
    every: Every,
    /// Learn from this many days only, the newest before each origin [default: all before it]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..))]
    train_window: Option<u16>,
    /// Days before each origin that do not teach a kind asked for by name: they tell a booster when to stop [default: 90
    /// where they are needed, else 0]
    #[arg(long, value_name = "DAYS")]
    valid_days: Option<u16>,
    /// Folder for backtest.json, predictions.parquet and pictures
    #[arg(long, value_name = "DIR")]
    out_dir: PathBuf,
    /// Draw no pictures
    #[arg(long)]
    no_plots: bool,
    #[command(flatten)]
    threads: Threads,
}

/// Runs every origin and writes what came of them.
pub(crate) fn run(args: &BacktestArgs, console: &Console) -> Result<Outcome> {
    let params = args.learn.params(&[])?;
    let origins = origins(args.from, args.until, args.every)?;
    let recipe = args.recipe(&params)?;
    let observations = pm25_rows::read(&args.observations, &|text| console.warn(text))?;
    let record = args
        .threads
        .install(|| record_of(&recipe, &observations, &origins))??;
    let (origins, empty): (Vec<Origin>, Vec<Origin>) = origins
        .into_iter()
        .partition(|&origin| 0 < record.n_rows(&recipe.cut(origin).judged));
    if origins.is_empty() {
        return Err(Fault::bad_data(format!(
            "no hour from {} on and before {} has a target",
            format_utc(args.from.at_s),
            format_utc(args.until.at_s)
        ))
        .hint("move --from and --until into the time of the observations")
        .into());
    }
    let progress = console.progress("origins", origins.len() as u64);
    let hushed = console.hushed();
    let turns = workers::side_by_side(origins.len(), args.threads.count(), &|at| {
        let turn = recipe.turn(&record, origins[at], &hushed)?;
        progress.advance(1);
        Ok(turn)
    })?;
    drop((record, progress));
    let empty = empty.iter().map(|origin| format_utc(origin.at_s));
    let header = args.header(&recipe, &observations);
    finish(args, (turns, empty.collect()), header, console)
}

fn finish(
    args: &BacktestArgs,
    (turns, without_rows): (Vec<Turn>, Vec<String>),
    header: Header,
    console: &Console,
) -> Result<Outcome> {
    let all = report::Joined::of(&turns);
    let task = args.asked.task()?;
    let mut report = args
        .threads
        .install(|| report::report(&turns, &all, task, header))??;
    report.without_rows = without_rows;
    let folder = files::Folder {
        path: &args.out_dir,
    };
    folder.predictions(&turns, &all, &mut report)?;
    if !args.no_plots {
        folder.pictures(
            pictures::pictures(&report, args.from.offset_min)?,
            &mut report,
        )?;
    }
    folder.report(&mut report)?;
    console.say(&say::Said(&report))?;
    Ok(Outcome::Done)
}

impl BacktestArgs {
    fn recipe<'a>(&'a self, params: &'a Params) -> Result<Recipe<'a>> {
        // What can be refused without data is refused before any is read.
        self.asked.set()?;
        let needed = if self.learn.needs_valid(params) {
            VALID_DAYS
        } else {
            0
        };
        Ok(Recipe {
            task: self.asked.task()?,
            features: self.asked.features.as_deref(),
            learn: &self.learn,
            params,
            valid_days: self.valid_days.unwrap_or(needed),
            train_window_days: self.train_window,
        })
    }

    /// What decides the result, and nothing else.
    fn header(&self, recipe: &Recipe, observations: &Observations) -> Header {
        let header = Header::new(&PROGRAM)
            .param("task", recipe.task.word())
            .param("horizon_h", recipe.task.horizon_h())
            .param("features", recipe.features)
            .param("from", format_utc(self.from.at_s))
            .param("until", format_utc(self.until.at_s))
            .param("every", self.every.to_string())
            .param("train_window_days", recipe.train_window_days)
            .param("valid_days", recipe.valid_days)
            .param("folds", self.learn.folds)
            .unit("r2", "1")
            .unit("skill", "1")
            .unit("rmse_ug_m3", "µg/m³");
        let header = self.learn.put(recipe.params, header);
        let files = observations.files.iter().map(|file| file.source.clone());
        files.fold(header, Header::input)
    }
}

/// The rows with the features that any origin's model will look at.
fn record_of(
    recipe: &Recipe,
    observations: &Observations,
    origins: &[Origin],
) -> pm25_file::Result<Record> {
    let network = &observations.network;
    let until_s = origins.iter().map(|origin| origin.until_s).max();
    let until_s = until_s.unwrap_or_default();
    let bare = FeatureSet::parse(recipe.task, "hour")
        .map_err(|e| Fault::unforeseen("the hour is a feature of every task").because(e))?;
    let rows = Record::of(network, &bare, until_s);
    let mut features: Vec<Feature> = Vec::new();
    for &origin in origins {
        let stations = rows.stations_in(&recipe.cut(origin).train);
        for feature in recipe.features(&stations)?.features() {
            if !features.contains(feature) {
                features.push(feature.clone());
            }
        }
    }
    let all = FeatureSet::new(recipe.task, features)
        .map_err(|e| Fault::usage(format!("--features: {e}")).hint(e.hint()))?;
    Ok(Record::of(network, &all, until_s))
}
