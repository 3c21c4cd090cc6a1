//! `pm25-eval`: judges a model on test rows, beside its baselines on the same rows.
//!
//! It does not decide whether a model is good enough (the registry's policy does), and it never leaves out a row: a
//! model must answer every one.
//!
//! ```text
//!  model.json ─┐                    ┌ predictions.parquet
//!  test.parquet┤ exam → answers → report → eval.json (names and hashes of the rest)
//!  other model ┘                    └ pictures
//! ```

mod answers;
mod exam;
mod files;
mod judge;
mod plots;
mod report;
mod say;
mod slices;
mod worst;

use std::path::PathBuf;

use clap::Parser;
use pm25_artifact::model::Model;
use pm25_file::{Input, Program, program};
use pm25_table::Table;
use pm25_tool::{Common, Console, Outcome, Threads, Tool};

use answers::Answers;
use exam::Exam;
use files::Folder;

const PROGRAM: Program = program!();

/// Judge a model on test rows, beside its baselines on the same rows
///
/// Writes eval.json (metrics, baselines, skill, slices, worst rows), predictions.parquet and pictures. Every test row
/// counts: a model that leaves one without an answer is refused.
#[derive(Clone, Debug, Parser)]
#[command(name = "pm25-eval", version)]
pub struct Args {
    /// Model to judge (model.json)
    #[arg(long, value_name = "FILE")]
    model: Input,
    /// Test rows (test.parquet)
    #[arg(long, value_name = "FILE")]
    test: Input,
    /// Another model to hold it against, on the same rows
    #[arg(long, value_name = "FILE")]
    against: Option<Input>,
    /// Folder for eval.json, predictions.parquet and pictures
    #[arg(long, value_name = "DIR")]
    out_dir: PathBuf,
    /// Column with what was measured
    #[arg(long, value_name = "NAME", default_value = exam::TARGET)]
    target: String,
    /// Draw no pictures
    #[arg(long)]
    no_plots: bool,
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
        let (model, model_ref) = Model::read(&self.model)?;
        let other = self.against.as_ref().map(Model::read).transpose()?;
        let table = Table::read(&self.test, "pm25-features")?;
        let exam = Exam::of(&table, &self.target, &model)?;
        for warning in exam::warnings(&table, &model) {
            console.warn(&warning);
        }
        let answers = self.threads.install(|| Answers::of(&model, &exam))??;
        let rival = other.as_ref().map(|(other, reference)| {
            let answers = self
                .threads
                .install(|| answers::of_rival(other, &model, &exam))??;
            anyhow::Ok(report::Rival {
                model: other,
                reference,
                answers,
            })
        });
        let rival = rival.transpose()?;
        let mut report = report::report(&exam, &answers, (&model, &model_ref), rival.as_ref())?;
        let folder = Folder {
            path: &self.out_dir,
        };
        folder.predictions(&exam, &answers, &mut report)?;
        if !self.no_plots {
            folder.pictures(plots::pictures(&exam, &answers, &report)?, &mut report)?;
        }
        folder.report(&mut report)?;
        console.say(&say::Said(&report))?;
        Ok(Outcome::Done)
    }
}
