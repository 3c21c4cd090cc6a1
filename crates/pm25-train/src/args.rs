//! What is typed.

use clap::{Parser, Subcommand};
use pm25_file::{Fault, Input, Output, Result};
use pm25_fit::{LearnArgs, Ways};
use pm25_tool::{Common, Threads};

use crate::tune;

/// Fit a PM2.5 model and choose the best on rows that it has not seen
///
/// Reads the train and valid tables of `pm25-prep` and writes one model file. `--model best` fits every kind on
/// folds in the order of time within both tables, keeps the one with the smallest error on hours that came after
/// what it had learned from, and fits that one again on all rows (in a nowcast never persistence, which needs the
/// PM2.5 of an hour ago). Tables with several horizons make one file with a model for each. A kind that is asked for by name learns from the train table alone.
#[derive(Clone, Debug, Parser)]
#[command(name = "pm25-train", version, subcommand_negates_reqs = true)]
pub struct Args {
    #[command(flatten)]
    pub(crate) fit: FitArgs,
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) job: Option<Job>,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Job {
    Tune(tune::TuneArgs),
}

/// What the user typed; every field is still a claim.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct FitArgs {
    /// Table to learn from (train.parquet)
    #[arg(long, value_name = "FILE", required = true)]
    train: Option<Input>,
    /// Table to choose on (valid.parquet)
    #[arg(long, value_name = "FILE", required = true)]
    valid: Option<Input>,
    #[command(flatten)]
    pub(crate) learn: LearnArgs,
    /// Take the best settings of a tuning; --set goes before them
    #[arg(long, value_name = "tune.json")]
    pub(crate) set_from: Option<Input>,
    /// Target column, for tables that another program made
    #[arg(long, value_name = "COLUMN", default_value = "target_ug_m3")]
    pub(crate) target: String,
    /// Of tables with several horizons only this one, as a plain model file [default: all, one model for each in one
    /// file]
    #[arg(long, value_name = "H")]
    pub(crate) horizon_h: Option<u16>,
    /// Of tables with several horizons: a model of each by itself, blends whose boosters learn from all of them with
    /// hours ahead as one more column, or for each horizon whichever is best on the folds
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    pub(crate) horizons: Ways,
    /// About how many rows at most teach what learns from all horizons; each horizon gives as many, and one at least [default:
    /// 1000000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) together_rows: Option<u32>,
    /// Where the model goes
    #[arg(long, value_name = "FILE", required = true)]
    out: Option<Output>,
    /// Where the report goes
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<Output>,
    #[command(flatten)]
    pub(crate) threads: Threads,
}

impl FitArgs {
    pub(crate) fn train(&self) -> Result<&Input> {
        needed("--train", self.train.as_ref())
    }

    pub(crate) fn valid(&self) -> Result<&Input> {
        needed("--valid", self.valid.as_ref())
    }

    pub(crate) fn out(&self) -> Result<&Output> {
        needed("--out", self.out.as_ref())
    }
}

/// The command line asks for it where no subcommand is given.
fn needed<'a, T>(flag: &str, value: Option<&'a T>) -> Result<&'a T> {
    value.ok_or_else(|| Fault::usage(format!("{flag} is missing")).hint("see pm25-train --help"))
}
