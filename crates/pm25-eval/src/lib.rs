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
mod backtest;
mod bounds;
mod covered;
mod day_before;
mod dependence;
mod each;
mod errors;
mod exam;
mod exceed;
mod files;
mod judge;
mod judging;
mod normalise;
mod opening;
mod parts;
mod plots;
mod probe;
mod report;
mod rival;
mod say;
mod slices;
mod together;
mod worst;

use clap::{Parser, Subcommand};
use pm25_file::{Program, program};
use pm25_tool::{Common, Console, Outcome, Tool};

const PROGRAM: Program = program!();

/// Judge a model on test rows, beside its baselines on the same rows
///
/// Writes eval.json (metrics, baselines, skill, intervals, warnings, slices, worst rows), predictions.parquet and
/// pictures. Every test row counts: a model that leaves one without an answer is refused. Each look at test rows is
/// written into runs.jsonl, and a look by a second model is warned of.
#[derive(Clone, Debug, Parser)]
#[command(name = "pm25-eval", version, subcommand_negates_reqs = true)]
pub struct Args {
    #[command(flatten)]
    judge: judging::JudgeArgs,
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    job: Option<Job>,
}

#[derive(Clone, Debug, Subcommand)]
enum Job {
    Backtest(Box<backtest::BacktestArgs>),
    Probe(probe::ProbeArgs),
    Normalise(normalise::NormaliseArgs),
    Dependence(dependence::DependenceArgs),
}

impl Tool for Args {
    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, console: &Console) -> anyhow::Result<Outcome> {
        if self.job.is_some() {
            self.judge.expect_unused()?;
        }
        match self.job {
            Some(Job::Backtest(args)) => backtest::run(&args, console),
            Some(Job::Probe(args)) => probe::run(&args, console),
            Some(Job::Normalise(args)) => normalise::run(&args, console),
            Some(Job::Dependence(args)) => dependence::run(&args, console),
            None => judging::run(&self.judge, console),
        }
    }
}
