//! `pm25-train`: fits PM2.5 models and chooses the best on rows that they have not seen.
//!
//! It never sees a test row. Every model file also carries the climatology and the ridge, so that a judge
//! has its baselines at hand.
//!
//! ```text
//! train, valid ──┬─ pm25-fit ── model.json, train.json    a model: fitted, compared, chosen
//!                └─ tune ────── tune.json                 settings for --set-from
//! ```

mod args;
mod say;
mod tune;

use pm25_artifact::model::Model;
use pm25_artifact::train::TrainReport;
use pm25_file::{Header, Program, Sha256, program, write_document};
use pm25_fit::{Dataset, Facts, Order, Sample, make};
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
    let of_file = match &args.set_from {
        Some(input) => tune::best_settings(input)?,
        None => Vec::new(),
    };
    let params = args.learn.params(&of_file)?;
    let train = Dataset::read(args.train()?, &args.target, console)?;
    let valid = Dataset::read(args.valid()?, &args.target, console)?;
    train.expect_learnable()?;
    train.expect_same_shape(&valid)?;
    let columns: Vec<&str> = train.features.iter().map(|f| f.column.as_str()).collect();
    let params = args.learn.fitted_to(params, &columns, &[&train, &valid])?;
    let order = Order {
        wanted: args.learn.model,
        n_folds: usize::from(args.learn.folds),
        parts: &args.learn.parts,
        facts: &Facts::of(&train),
        params: &params,
    };
    let made = args.threads.install(|| {
        let rows = (Sample::of(&train, &train)?, Sample::of(&valid, &train)?);
        make(&order, rows, console)
    })??;
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
    let header = args.learn.put(&params, header);
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
    };
    publish(args, model, report, console)
}

fn publish(
    args: &FitArgs,
    model: Model,
    mut report: TrainReport,
    console: &Console,
) -> anyhow::Result<Outcome> {
    report.model = model.write(args.out()?)?;
    if let Some(to) = &args.report {
        write_document(to, &mut report)?;
    }
    let to_stdout = |output: &pm25_file::Output| output.is_stdout();
    if !to_stdout(args.out()?) && !args.report.as_ref().is_some_and(to_stdout) {
        console.say(&say::Said(&report))?;
    }
    Ok(Outcome::Done)
}
