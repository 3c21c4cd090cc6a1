//! `pm25-train`: fits PM2.5 models and chooses the best on rows that they have not seen.
//!
//! It never sees a test row. Every model file also carries the climatology and the ridge, so that a judge
//! has its baselines at hand.
//!
//! ```text
//! train, valid ──┬─ pm25-fit ── model.json, train.json    a model: fitted, compared, chosen; for each of several
//!                │                                        horizons on its own
//!                └─ tune ────── tune.json                 settings for --set-from
//! ```

mod args;
mod say;
mod several;
mod together;
mod tune;

use pm25_artifact::model::Model;
use pm25_artifact::train::TrainReport;
use pm25_file::{Header, Output, Program, Result, Sha256, program, write_document};
use pm25_fit::{Dataset, Facts, Made, Order, Params, Sample, Targets, make};
use pm25_tool::{Common, Console, Outcome, Tool};

pub use args::Args;
use args::{FitArgs, Job};

const PROGRAM: Program = program!();

impl Tool for Args {
    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, console: &Console) -> anyhow::Result<Outcome> {
        match &self.job {
            Some(Job::Tune(args)) => tune::run(args, console),
            None => train(&self.fit, console),
        }
    }
}

fn train(args: &FitArgs, console: &Console) -> anyhow::Result<Outcome> {
    let found = args.set_from.as_ref().map(tune::found).transpose()?;
    let of_file = found.as_ref().map_or(&[][..], |found| &found.settings);
    let params = args.learn.params(of_file)?;
    let train = Targets::read(args.train()?, &args.target, console)?;
    let valid = Targets::read(args.valid()?, &args.target, console)?;
    let asked = Asked {
        args,
        params,
        found,
    };
    if args.horizon_h.is_none() && !train.horizons_h().is_empty() {
        if together::is_asked(args)? {
            return together::train(&asked, (&train, &valid), console);
        }
        return several::train(&asked, (&train, &valid), console);
    }
    together::expect_not_asked(args)?;
    let mut tables = (
        train.into_dataset(args.horizon_h)?,
        valid.into_dataset(args.horizon_h)?,
    );
    let (model, mut report) = fit(&asked, (&mut tables.0, &tables.1), console)?;
    report.model = model.write(args.out()?)?;
    if let Some(to) = &args.report {
        write_document(to, &mut report)?;
    }
    if says(args)? {
        console.say(&say::Said(&report))?;
    }
    Ok(Outcome::Done)
}

/// What is asked of every horizon's tables alike.
struct Asked<'a> {
    args: &'a FitArgs,
    params: Params,
    found: Option<tune::Found>,
}

/// One model, and what led to it; its file is still to be written. The train table has no features afterwards.
fn fit(
    asked: &Asked,
    (train, valid): (&mut Dataset, &Dataset),
    console: &Console,
) -> anyhow::Result<(Model, TrainReport)> {
    let args = asked.args;
    let params = checked(asked, (train, valid), console)?;
    let order = Order {
        wanted: args.learn.model,
        n_folds: usize::from(args.learn.folds),
        parts: &args.learn.parts,
        stations: args.learn.stations,
        facts: &Facts::of(train),
        params: &params,
    };
    let made = args.threads.install(|| {
        let valid = Sample::of(valid, train)?;
        let rows = (Sample::out_of(train)?, valid);
        make(&order, rows, console)
    })??;
    Ok(report(asked, (train, valid), &params, made))
}

/// The settings for these tables, which must be fit to learn from and to choose on.
fn checked(
    asked: &Asked,
    (train, valid): (&Dataset, &Dataset),
    console: &Console,
) -> anyhow::Result<Params> {
    let args = asked.args;
    train.expect_learnable()?;
    train.expect_same_shape(valid)?;
    train.expect_to_teach()?;
    train.expect_before(valid)?;
    if let Some(found) = &asked.found {
        found.expect_task(train)?;
    }
    warn_of_few(train, console);
    let columns: Vec<&str> = train.features.iter().map(|f| f.column.as_str()).collect();
    let params = args.learn.fitted_to(asked.params.clone(), &columns)?;
    for table in [train, valid] {
        let name = &table.source().name;
        args.learn.expect_targets(&params, name, table.target())?;
    }
    Ok(params)
}

/// The model with this program's header, and its report.
fn report(
    asked: &Asked,
    (train, valid): (&Dataset, &Dataset),
    params: &Params,
    made: Made,
) -> (Model, TrainReport) {
    let header = Header::new(&PROGRAM)
        .input(train.source().clone())
        .input(valid.source().clone())
        .param("learned_from", made.learned_from)
        .unit("target", "µg/m³")
        .unit("prediction", "µg/m³");
    let header = match made.folds.len() {
        0 => header,
        n_folds => header.param("folds", n_folds),
    };
    let header = asked.args.learn.put(params, header);
    let header = match &made.stations {
        Some(choice) => header.param("stations_because", say::in_words(choice)),
        None => header,
    };
    let model = Model {
        header: header.clone(),
        ..made.model
    };
    let report = TrainReport {
        pm25: header,
        model: Sha256::ZERO,
        task: model.task,
        kind: model.kind,
        n_features: model.inputs.len() as u64,
        train_rows: train.n_rows() as u64,
        valid_rows: valid.n_rows() as u64,
        learned_from: made.learned_from,
        candidates: made.candidates,
        folds: made.folds,
        parts: made.parts,
        stations: made.stations,
        intervals: made.intervals,
        without_folds: made.without_folds,
    };
    (model, report)
}

/// Rows for each feature below which a fit is mostly chance: with as many unknowns as rows a line goes through all of
/// them, whatever they say.
const ROWS_A_FEATURE_MIN: usize = 2;

/// Says so where there is next to nothing to learn from.
fn warn_of_few(train: &Dataset, console: &Console) {
    let (n_rows, n_features) = (train.n_rows(), train.features.len());
    if n_rows < ROWS_A_FEATURE_MIN * n_features {
        console.warn(&format!(
            "{} has {n_rows} rows for {n_features} features: what is learned from fewer than {} is mostly chance",
            train.source().name,
            ROWS_A_FEATURE_MIN * n_features
        ));
    }
}

/// Whether standard output is free for the summary.
fn says(args: &FitArgs) -> Result<bool> {
    let to_stdout = |output: &Output| output.is_stdout();
    Ok(!to_stdout(args.out()?) && !args.report.as_ref().is_some_and(to_stdout))
}
