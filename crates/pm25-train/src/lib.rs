//! `pm25-train`: fits PM2.5 models on the train rows and chooses the best on the validation rows.
//!
//! It never sees a test row. Every model file also carries the climatology and the ridge, so that a judge
//! has its baselines at hand.

mod choose;
mod data;
mod fit;
mod params;

use std::fmt;

use clap::Parser;
use pm25_artifact::model::Model;
use pm25_artifact::train::TrainReport;
use pm25_file::{Fault, Header, Input, Output, Program, Sha256, program, write_document};
use pm25_tool::{Common, Console, Outcome, Threads, Tool};
use serde::Serialize;

use choose::Wanted;
use data::Dataset;
use params::Params;

const PROGRAM: Program = program!();

/// Fit a PM2.5 model and choose the best on validation rows
///
/// Reads the train and valid tables of `pm25-prep` and writes one model file. `--model best` fits every
/// kind and keeps the one with the smallest error on the validation rows (in a nowcast not
/// persistence, which needs the PM2.5 of an hour ago).
#[derive(Clone, Debug, Parser)]
#[command(name = "pm25-train", version)]
pub struct Args {
    /// Table to learn from (train.parquet)
    #[arg(long, value_name = "FILE")]
    train: Input,
    /// Table to choose on (valid.parquet)
    #[arg(long, value_name = "FILE")]
    valid: Input,
    /// persistence, climatology, linear, forest, boost, or best of them on the validation rows
    #[arg(long, value_name = "KIND", default_value = "best")]
    model: Wanted,
    /// A setting of the learners, for example n_estimators=500 or forest.max_depth=12; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE", long_help = params::help())]
    settings: Vec<String>,
    /// Target column, for tables that another program made
    #[arg(long, value_name = "COLUMN", default_value = "target_ug_m3")]
    target: String,
    /// Where the model goes
    #[arg(long, value_name = "FILE")]
    out: Output,
    /// Where the report goes
    #[arg(long, value_name = "FILE")]
    report: Option<Output>,
    #[command(flatten)]
    threads: Threads,
    #[command(flatten)]
    common: Common,
}

impl Tool for Args {
    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, console: &Console) -> anyhow::Result<Outcome> {
        let params = Params::parse(&self.settings, self.model)?;
        let train = Dataset::read(&self.train, &self.target, console)?;
        let valid = Dataset::read(&self.valid, &self.target, console)?;
        train.expect_learnable()?;
        train.expect_same_shape(&valid)?;
        let (fitted, candidates) = self.threads.install(|| {
            let mut fitted = fit::fit(&train, &valid, self.model, &params, console)?;
            let candidates = choose::candidates(&mut fitted, &valid)?;
            Ok::<_, Fault>((fitted, candidates))
        })??;
        let kind = choose::choose(self.model, train.task, &candidates)?;
        let header = header(&train, &valid, self.model, &params);
        let model = self
            .threads
            .install(|| fitted.into_model(kind, &train, header.clone()))??;
        let report = TrainReport {
            pm25: header,
            model: Sha256::ZERO,
            task: model.task,
            kind,
            n_features: model.inputs.len() as u64,
            train_rows: train.n_rows() as u64,
            valid_rows: valid.n_rows() as u64,
            candidates,
        };
        self.publish(model, report, console)
    }
}

impl Args {
    fn publish(
        &self,
        model: Model,
        mut report: TrainReport,
        console: &Console,
    ) -> anyhow::Result<Outcome> {
        report.model = model.write(&self.out)?;
        if let Some(to) = &self.report {
            write_document(to, &mut report)?;
        }
        let to_stdout = |output: &Output| output.is_stdout();
        if !to_stdout(&self.out) && !self.report.as_ref().is_some_and(to_stdout) {
            console.say(&Said(&report))?;
        }
        Ok(Outcome::Done)
    }
}

fn header(train: &Dataset, valid: &Dataset, wanted: Wanted, params: &Params) -> Header {
    let header = Header::new(&PROGRAM)
        .input(train.source().clone())
        .input(valid.source().clone())
        .param("model", wanted.word())
        .unit("target", "µg/m³")
        .unit("prediction", "µg/m³");
    params.put(header, wanted)
}

/// The report as it is said on standard output.
#[derive(Serialize)]
#[serde(transparent)]
struct Said<'a>(&'a TrainReport);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TrainReport {
            kind,
            train_rows,
            valid_rows,
            n_features,
            ..
        } = self.0;
        writeln!(
            f,
            "{kind}: learned from {train_rows} rows of {n_features} features, chosen on {valid_rows} rows"
        )?;
        for candidate in &self.0.candidates {
            writeln!(
                f,
                "  {:<12} valid RMSE {:>8.3}  MAE {:>8.3} µg/m³{}",
                candidate.kind.word(),
                candidate.valid_rmse_ug_m3,
                candidate.valid_mae_ug_m3,
                if candidate.kind == *kind {
                    "  <- chosen"
                } else {
                    ""
                }
            )?;
        }
        Ok(())
    }
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
