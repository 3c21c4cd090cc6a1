//! `pm25-train tune`: which settings of a learner are best on hours that come after what it learned from.
//!
//! It fits no model for use: `tune.json` goes into `pm25-train --set-from`. It never sees a test row.

mod search;
mod space;
mod trials;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use pm25_air::Task;
use pm25_artifact::model::ModelKind;
use pm25_artifact::prep::TaskFact;
use pm25_artifact::tune::{BestTrial, DefaultsBeside, Rung, TuneReport};
use pm25_file::{Fault, Header, Input, InputRef, Output, Result, read_document, write_document};
use pm25_fit::{
    Dataset, Facts, Fold, Learner, Params, Sample, Stop, Targets, Wanted, embargo_h, folds, learn,
};
use pm25_table::Table;
use pm25_tool::{Console, Outcome, Threads};
use serde::Serialize;

use crate::warn_of_few;
use search::{Judged, Runner};
use space::Dim;
use trials::Trials;

/// Search for good settings on folds in the order of time
///
/// Every trial is a draw from the learner's space (trial 0 has the defaults), judged by the root of the mean squared
/// error on hours that come after those it learned from. All trials start on the oldest fold, the better
/// part goes on to more. Each finished fit is kept, so a search that was killed goes on where it was, with the
/// same result; more --trials later go on likewise.
#[derive(Clone, Debug, clap::Args)]
#[command(after_long_help = SPACE)]
pub(crate) struct TuneArgs {
    /// Table to learn from (train.parquet)
    #[arg(long, value_name = "FILE")]
    train: Input,
    /// More rows before the test (valid.parquet)
    #[arg(long, value_name = "FILE")]
    valid: Option<Input>,
    /// Which learner: boost, forest or linear
    #[arg(long, value_name = "KIND", default_value = "boost")]
    model: Tunable,
    /// How many settings are tried
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    trials: u64,
    /// Folds in the order of time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=50))]
    folds: u8,
    /// One in so many trials goes on to the next round; 1: all, on all folds
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=100))]
    halving: u64,
    /// Where chance starts
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// A setting that is not searched, for example n_estimators=2000; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE")]
    settings: Vec<String>,
    /// Target column, for tables that another program made
    #[arg(long, value_name = "COLUMN", default_value = "target_ug_m3")]
    target: String,
    /// Which horizon of tables of several is tuned for
    #[arg(long, value_name = "H")]
    horizon_h: Option<u16>,
    /// Folder for tune.json, trials.parquet and the finished fits
    #[arg(long, value_name = "DIR")]
    out_dir: PathBuf,
    #[command(flatten)]
    threads: Threads,
}

const SPACE: &str = "\
Searched, unless --set fixes it (log: every factor is as likely as any other):
  linear  alpha 0.001 to 1e6 (log)
  forest  max_depth 6 to 24, max_features 0.1 to 1, min_samples_leaf 1 to 100 (log)
  boost   learning_rate 0.01 to 0.2 (log), max_depth 3 to 12, max_leaves 7 to 255 (log),
          min_child_weight 1 to 1000 (log), subsample 0.5 to 1, colsample_bytree 0.2 to 1,
          reg_lambda 0.1 to 100 (log); the number of trees is what the folds stop at";

/// A kind that has settings to search.
#[derive(Clone, Copy, Debug)]
struct Tunable {
    kind: ModelKind,
    learner: Learner,
}

impl FromStr for Tunable {
    type Err = String;

    fn from_str(word: &str) -> std::result::Result<Self, String> {
        let (kind, learner) = match word {
            "linear" => (ModelKind::Linear, Learner::Linear),
            "forest" => (ModelKind::Forest, Learner::Forest),
            "boost" => (ModelKind::Boost, Learner::Boost),
            _ => return Err(format!("`{word}` is none of boost, forest, linear")),
        };
        Ok(Self { kind, learner })
    }
}

impl TuneArgs {
    fn params(&self, drawn: &BTreeMap<String, f64>) -> Result<Params> {
        let drawn: Vec<String> = drawn
            .iter()
            .map(|(name, value)| format!("{}.{name}={value}", self.model.kind))
            .collect();
        Params::parse(&self.settings, &drawn, Wanted::Kind(self.model.kind))
    }

    /// What decides a trial's result; how many trials there are does not.
    fn header(&self, sources: &[InputRef], embargo_h: u16) -> Header {
        let header = Header::new(&crate::PROGRAM)
            .param("model", self.model.kind)
            .param("folds", self.folds)
            .param("embargo_h", embargo_h)
            .param("seed", self.seed)
            .param("target", &self.target)
            .param("set", &self.settings)
            .unit("rmse_ug_m3", "µg/m³");
        // The same tables hold other targets for another horizon.
        let header = match self.horizon_h {
            Some(horizon_h) => header.param("horizon_h", horizon_h),
            None => header,
        };
        sources.iter().cloned().fold(header, Header::input)
    }
}

/// Searches and writes what was found.
pub(crate) fn run(args: &TuneArgs, console: &Console) -> anyhow::Result<Outcome> {
    let dims = space::dims(args.model.kind, &|name| is_set(&args.settings, name));
    let params = args.params(&BTreeMap::new())?;
    if dims.is_empty() {
        return Err(Fault::usage("nothing is left to search")
            .hint("leave one of the searched settings free of --set")
            .into());
    }
    let expect_targets = |table: &Dataset| match args.model.learner {
        Learner::Boost => params.expect_targets(&table.source().name, table.target()),
        _ => Ok(()),
    };
    let read = |input| Targets::read(input, &args.target, console)?.into_dataset(args.horizon_h);
    let train = read(&args.train)?;
    train.expect_learnable()?;
    train.expect_to_teach()?;
    warn_of_few(&train, console);
    expect_targets(&train)?;
    let mut sample = Sample::of(&train, &train)?;
    let mut sources = vec![train.source().clone()];
    if let Some(valid) = &args.valid {
        let valid = read(valid)?;
        train.expect_same_shape(&valid)?;
        train.expect_before(&valid)?;
        expect_targets(&valid)?;
        sample = sample.and(&Sample::of(&valid, &train)?);
        sources.push(valid.source().clone());
    }
    let facts = Facts::of(&train);
    drop(train);
    let time_s = sample.time_s().ok_or_else(|| {
        Fault::bad_data("folds need a column `time`").hint("make the table with pm25-prep")
    })?;
    let embargo_h = embargo_h(facts.task.into(), &facts.inputs);
    let folds = folds(time_s, usize::from(args.folds), embargo_h)?;
    let header = args.header(&sources, embargo_h);
    let rungs = search::rungs(args.trials, folds.len(), args.halving);
    let runners = args
        .threads
        .install(|| race(args, (&sample, &folds), (&dims, &rungs), &header, console))??;
    let report = report(args, &facts, (&folds, &dims, rungs), &runners, header)?;
    publish(args, report, &runners, console)
}

fn race(
    args: &TuneArgs,
    rows: (&Sample, &[Fold]),
    (dims, rungs): (&[Dim], &[Rung]),
    header: &Header,
    console: &Console,
) -> Result<Vec<Runner>> {
    let trials = Trials::at(&args.out_dir, header, console);
    trials.clear_litter();
    let progress = console.progress("fits", search::n_fits(rungs));
    let fit_one = |trial: u64, rows: (&Sample, &Sample)| {
        let drawn = space::draw(dims, args.seed, trial);
        let params = args.params(&drawn)?;
        let (squares_ug2_m6, trees) = judge(args.model.learner, rows, &params)?;
        Ok(Judged {
            settings: drawn,
            squares_ug2_m6,
            trees,
        })
    };
    search::search(rows, rungs, &trials, &fit_one, &progress)
}

/// Fits on the train rows; the sum of squared errors on the judged ones, and how many trees were best there.
fn judge(
    learner: Learner,
    (train, judged): (&Sample, &Sample),
    params: &Params,
) -> Result<(f64, Option<u64>)> {
    let (x, x_judged) = (train.matrix(), judged.matrix());
    let stop = Stop::On(&x_judged, &judged.target);
    let fit = learn(learner, (&x, &train.target), &stop, params, &|_| {})?;
    let said = fit.model.predict(&x_judged);
    let squares = said.iter().zip(&judged.target).fold(0.0, |sum, (p, &y)| {
        let error = p - f64::from(y);
        sum + error * error
    });
    let n_trees = match (&fit.model, fit.stop_loss.is_empty()) {
        (pm25_artifact::model::Learned::Trees(trees), false) => Some(trees.trees.len() as u64),
        _ => None,
    };
    Ok((squares, n_trees))
}

fn report(
    args: &TuneArgs,
    facts: &Facts,
    (folds, dims, rungs): (&[Fold], &[Dim], Vec<Rung>),
    runners: &[Runner],
    header: Header,
) -> Result<TuneReport> {
    let params = args.params(&BTreeMap::new())?;
    let none = || Fault::unforeseen("no trial was run");
    let best = runners.first().ok_or_else(none)?;
    let defaults = runners
        .iter()
        .find(|runner| runner.trial == 0)
        .ok_or_else(none)?;
    let kind = args.model.kind;
    let mut settings: BTreeMap<String, f64> = space::draw(dims, args.seed, best.trial)
        .into_iter()
        .map(|(name, value)| (format!("{kind}.{name}"), value))
        .collect();
    let trees: Option<u64> = best.fits.iter().map(|fit| fit.trees).sum();
    if let Some(trees) = trees {
        let mean = trees as f64 / best.fits.len() as f64;
        let n_trees = params.refit_n_trees(args.model.learner, mean);
        settings.insert("boost.n_estimators".to_owned(), n_trees as f64);
        settings.insert("boost.early_stopping_rounds".to_owned(), 0.0);
    }
    Ok(TuneReport {
        pm25: header
            .param("trials", args.trials)
            .param("halving", args.halving),
        kind,
        task: facts.task,
        folds: folds.iter().map(|fold| fold.fact.clone()).collect(),
        space: dims.iter().map(Into::into).collect(),
        rungs,
        best: BestTrial {
            trial: best.trial,
            rmse_ug_m3: best.rmse_ug_m3(),
            rows: best.rows(),
            settings,
        },
        defaults: DefaultsBeside {
            folds: defaults.fits.len() as u64,
            rmse_ug_m3: defaults.rmse_ug_m3(),
            best_rmse_ug_m3: best.rmse_of_first_ug_m3(defaults.fits.len()),
        },
    })
}

/// A row for each fit: which trial and fold, its settings (missing: the default) and what came of it.
fn table(runners: &[Runner], dims: &[Dim]) -> Table {
    let mut fits: Vec<_> = runners.iter().flat_map(|runner| &runner.fits).collect();
    fits.sort_by_key(|fit| (fit.trial, fit.fold));
    let mut table = Table::new();
    let whole = |of: &dyn Fn(&pm25_artifact::tune::TrialFile) -> u64| -> Vec<i32> {
        let small = |n| i32::try_from(n).unwrap_or(i32::MAX);
        fits.iter().map(|fit| small(of(fit))).collect()
    };
    table.push("trial", pm25_table::Column::I32(whole(&|fit| fit.trial)));
    table.push("fold", pm25_table::Column::I32(whole(&|fit| fit.fold)));
    for dim in dims {
        let of = |fit: &&pm25_artifact::tune::TrialFile| fit.settings.get(dim.name).copied();
        let column: Vec<f64> = fits.iter().map(|fit| of(fit).unwrap_or(f64::NAN)).collect();
        table.push(dim.name, column);
    }
    table.push("rows", pm25_table::Column::I32(whole(&|fit| fit.rows)));
    let rmse = fits
        .iter()
        .map(|fit| (fit.squares_ug2_m6 / fit.rows as f64).sqrt());
    table.push("rmse_ug_m3", rmse.collect::<Vec<f64>>());
    let trees = fits
        .iter()
        .map(|fit| fit.trees.map_or(f64::NAN, |n| n as f64));
    table.push("trees", trees.collect::<Vec<f64>>());
    table
}

fn publish(
    args: &TuneArgs,
    mut report: TuneReport,
    runners: &[Runner],
    console: &Console,
) -> anyhow::Result<Outcome> {
    let to = |name: &str| Output::Path(args.out_dir.join(name));
    let dims = space::dims(args.model.kind, &|name| is_set(&args.settings, name));
    let sha256 = table(runners, &dims).write(
        &to("trials.parquet"),
        "pm25-tune-trials",
        report.pm25.clone(),
    )?;
    report.pm25 = report.pm25.file(InputRef {
        name: "trials.parquet".to_owned(),
        sha256,
    });
    write_document(&to("tune.json"), &mut report)?;
    console.say(&Said(&report))?;
    Ok(Outcome::Done)
}

/// Whether one of the words after `--set` sets this.
fn is_set(settings: &[String], name: &str) -> bool {
    let name_of = |text: &String| -> Option<String> {
        let (full, _) = text.split_once('=')?;
        let last = full.trim().rsplit('.').next()?;
        Some(last.to_owned())
    };
    settings
        .iter()
        .any(|text| name_of(text).as_deref() == Some(name))
}

/// What a search found, for `--set-from`.
pub(crate) struct Found {
    file: InputRef,
    task: TaskFact,
    /// As `--set` would say it.
    pub(crate) settings: Vec<String>,
}

impl Found {
    /// Settings are for the question that they were searched with: at another horizon other ones are good.
    pub(crate) fn expect_task(&self, table: &Dataset) -> Result<()> {
        let [searched, asked] = [self.task, table.task].map(Task::from);
        if searched == asked {
            return Ok(());
        }
        Err(Fault::bad_data(format!(
            "{} was searched for a {searched}, and {} asks for a {asked}",
            self.file.name,
            table.source().name
        ))
        .hint("search again: pm25-train tune with these tables"))
    }
}

/// Reads `tune.json`.
pub(crate) fn found(input: &Input) -> Result<Found> {
    let (report, file) = read_document::<TuneReport>(input)?;
    let task = report.task;
    let fixed = report.pm25.params.get("set").cloned().unwrap_or_default();
    let fixed: Vec<String> = serde_json::from_value(fixed).unwrap_or_default();
    let best = report.best.settings;
    let said = best.iter().map(|(name, value)| format!("{name}={value}"));
    // The number of trees is the folds', whatever the most was that they might have had.
    let fixed = fixed.into_iter().filter(|text| {
        !best.keys().any(|name| {
            is_set(
                std::slice::from_ref(text),
                name.rsplit('.').next().unwrap_or(name),
            )
        })
    });
    Ok(Found {
        file,
        task,
        settings: fixed.chain(said).collect(),
    })
}

#[derive(Serialize)]
#[serde(transparent)]
struct Said<'a>(&'a TuneReport);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TuneReport {
            kind,
            best,
            rungs,
            defaults,
            ..
        } = self.0;
        let n_trials = rungs.first().map_or(0, |rung| rung.trials);
        writeln!(
            f,
            "{kind}: trial {} of {n_trials} is best, RMSE {:.3} µg/m³ on {} rows out of fold",
            best.trial, best.rmse_ug_m3, best.rows
        )?;
        writeln!(
            f,
            "  on the oldest {} of {} folds {:.3}, the defaults there {:.3}",
            defaults.folds,
            self.0.folds.len(),
            defaults.best_rmse_ug_m3,
            defaults.rmse_ug_m3
        )?;
        for (name, value) in &best.settings {
            writeln!(f, "  {name}={value}")?;
        }
        Ok(())
    }
}
