//! `pm25-train`: fits PM2.5 models and chooses the best on rows that they have not seen.
//!
//! It never sees a test row. Every model file also carries the climatology and the ridge, so that a judge
//! has its baselines at hand.
//!
//! ```text
//! train, valid ── data ── sample ┬─ fit ── choose                      a kind by name: learns from train
//!                                ├─ folds ── oof ── decide ── refit    best, blend: learn from train and valid
//!                                └─ folds ── tune                      settings
//! ```

mod args;
mod calibrate;
mod choose;
mod data;
mod decide;
mod fit;
mod folds;
mod learner;
mod oof;
mod params;
mod roles;
mod sample;
mod say;
mod tune;
mod weights;

use pm25_artifact::model::{Model, ModelKind};
use pm25_artifact::train::{FoldFact, LearnedFrom, TrainReport};
use pm25_file::{Fault, Header, Program, Result, Sha256, program, write_document};
use pm25_tool::{Common, Console, Outcome, Tool};

pub use args::Args;
use args::{FitArgs, Job};
use choose::Wanted;
use data::Dataset;
use decide::Request;
use fit::Facts;
use folds::Fold;
use params::Params;
use sample::Sample;

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
    args.expect_parts()?;
    let of_file = match &args.set_from {
        Some(input) => tune::best_settings(input)?,
        None => Vec::new(),
    };
    let mut params = Params::parse(&args.settings, &of_file, args.model)?;
    args.roles
        .expect_used(args.model, params.boost.objective())?;
    args.expect_sign(&params)?;
    let train = Dataset::read(args.train()?, &args.target, console)?;
    let valid = Dataset::read(args.valid()?, &args.target, console)?;
    train.expect_learnable()?;
    train.expect_same_shape(&valid)?;
    let columns: Vec<&str> = train.features.iter().map(|f| f.column.as_str()).collect();
    params.roles = args.roles.of(&columns)?;
    if args.model.wants(ModelKind::Boost) {
        params.expect_targets(&train)?;
        params.expect_targets(&valid)?;
    }
    let made = args.threads.install(|| {
        let rows = (Sample::of(&train, &train)?, Sample::of(&valid, &train)?);
        make(args, rows, (&Facts::of(&train), &params), console)
    })??;
    let header = Header::new(&PROGRAM)
        .input(train.source().clone())
        .input(valid.source().clone())
        .param("model", args.model.word())
        .param("learned_from", made.learned_from)
        .unit("target", "µg/m³")
        .unit("prediction", "µg/m³");
    let header = match made.folds.len() {
        0 => header,
        n_folds => header.param("folds", n_folds),
    };
    let header = match args
        .parts
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
    {
        parts if parts.is_empty() => header,
        parts => header.param("parts", parts),
    };
    let header = args.roles.put(params.put(header, args.model));
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

/// A model and what led to it.
struct Made {
    model: Model,
    learned_from: LearnedFrom,
    candidates: Vec<pm25_artifact::train::Candidate>,
    folds: Vec<FoldFact>,
    parts: Vec<pm25_artifact::train::PartFact>,
}

fn make(
    args: &FitArgs,
    rows: (Sample, Sample),
    (facts, params): (&Facts, &Params),
    console: &Console,
) -> Result<Made> {
    let (train, valid) = rows;
    let folded = match args.model {
        Wanted::Best | Wanted::Kind(ModelKind::Blend) => {
            let all = train.clone().and(&valid);
            let folds = folds_of(&all, args, facts);
            match (folds, args.model) {
                (Ok(folds), _) => Some((all, folds)),
                (Err(fault), Wanted::Kind(_)) => return Err(fault),
                (Err(fault), Wanted::Best) => {
                    console.note(&format!("chosen on the valid rows, for {fault}"));
                    None
                }
            }
        }
        Wanted::Kind(_) => None,
    };
    let Some((all, folds)) = folded else {
        return on_valid(args.model, (&train, &valid), (facts, params), console);
    };
    drop((train, valid));
    let request = Request {
        wanted: args.model,
        parts: &args.parts,
        facts,
        params,
    };
    let decision = decide::decide(&all, &folds, &request, console)?;
    let model = decide::refit(&all, &decision, &request, console)?;
    Ok(Made {
        model: fit::profiled(model, &all),
        learned_from: LearnedFrom::TrainAndValid,
        candidates: decision.candidates,
        folds: folds.into_iter().map(|fold| fold.fact).collect(),
        parts: decision.parts,
    })
}

/// Folds over all rows before the test.
fn folds_of(all: &Sample, args: &FitArgs, facts: &Facts) -> Result<Vec<Fold>> {
    let time_s = all.time_s().ok_or_else(|| {
        Fault::bad_data("folds need a column `time` in both tables")
            .hint("make the tables with pm25-prep, or ask for a kind by name: --model boost")
    })?;
    let embargo_h = folds::embargo_h(facts.task.into(), &facts.inputs);
    folds::folds(time_s, usize::from(args.folds), embargo_h)
}

/// Learns from the train rows and compares on the valid rows.
fn on_valid(
    wanted: Wanted,
    (train, valid): (&Sample, &Sample),
    (facts, params): (&Facts, &Params),
    console: &Console,
) -> Result<Made> {
    let mut fitted = fit::fit((train, valid), facts, wanted, params, console)?;
    let candidates = choose::candidates(&mut fitted, valid)?;
    let kind = choose::choose(wanted, facts.task, &candidates)?;
    Ok(Made {
        model: fitted.into_model(kind, train),
        learned_from: LearnedFrom::Train,
        candidates,
        folds: Vec::new(),
        parts: Vec::new(),
    })
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

/// An unknown word among known ones, with the nearest as the hint.
fn unknown(what: &str, word: &str, known: &[&str]) -> Fault {
    let fault = Fault::usage(format!("there is no {what} `{word}`"));
    match pm25_file::nearest(word, known.iter().copied()) {
        Some(near) => fault.hint(format!(
            "did you mean `{near}`? Known: {}",
            known.join(", ")
        )),
        None => fault.hint(format!("known: {}", known.join(", "))),
    }
}
