//! What is typed.

use clap::{Parser, Subcommand};
use pm25_file::{Fault, Input, Output, Result};
use pm25_tool::{Common, Threads};

use crate::choose::Wanted;
use crate::learner::{Learner, Part, Share};
use crate::roles::RoleArgs;
use crate::{params, tune};

/// Fit a PM2.5 model and choose the best on rows that it has not seen
///
/// Reads the train and valid tables of `pm25-prep` and writes one model file. `--model best` fits every kind on
/// folds in the order of time within both tables, keeps the one with the smallest error on hours that came after
/// what it had learned from, and fits that one again on all rows (in a nowcast never persistence, which needs the
/// PM2.5 of an hour ago). A kind that is asked for by name learns from the train table alone.
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
    /// persistence, climatology, linear, forest, boost, blend of several, or best of them all
    #[arg(long, value_name = "KIND", default_value = "best")]
    pub(crate) model: Wanted,
    /// Folds in the order of time that best and blend are chosen on
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(2..=50))]
    pub(crate) folds: u8,
    /// What a blend is made of: linear, forest, boost, patient, each perhaps with -half or -change [default: what
    /// suits the task]
    #[arg(long, value_name = "PART,...", value_delimiter = ',')]
    pub(crate) parts: Vec<Part>,
    /// A setting of the learners, for example n_estimators=500 or forest.max_depth=12; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE", long_help = params::help())]
    pub(crate) settings: Vec<String>,
    #[command(flatten)]
    pub(crate) roles: RoleArgs,
    /// Take the best settings of a tuning; --set goes before them
    #[arg(long, value_name = "tune.json")]
    pub(crate) set_from: Option<Input>,
    /// Target column, for tables that another program made
    #[arg(long, value_name = "COLUMN", default_value = "target_ug_m3")]
    pub(crate) target: String,
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

    /// A booster of positive targets cannot learn a change, which is as often negative.
    pub(crate) fn expect_sign(&self, params: &params::Params) -> Result<()> {
        let is_change = |part: &&Part| part.learner == Learner::Boost && part.share != Share::Value;
        match self.parts.iter().find(is_change) {
            Some(part) if params.boost_needs_sign() => Err(Fault::usage(format!(
                "the part `{part}` learns differences, some below zero, where the booster's objective or transform \
                 allows none"
            ))
            .hint("--parts linear,boost, or patient-half and patient-change")),
            _ => Ok(()),
        }
    }

    /// Parts are those of a blend, at most as many as sets of them can be tried.
    pub(crate) fn expect_parts(&self) -> Result<()> {
        use pm25_artifact::model::ModelKind::Blend;
        if !self.parts.is_empty() && self.model != Wanted::Kind(Blend) {
            return Err(
                Fault::usage("--parts changes nothing without --model blend")
                    .hint("pm25-train --model blend --parts linear,boost,boost-change ..."),
            );
        }
        if crate::weights::N_PARTS_MAX <= self.parts.len() {
            let most = crate::weights::N_PARTS_MAX - 1;
            return Err(
                Fault::usage(format!("{} parts are too many", self.parts.len()))
                    .hint(format!("a blend has at most {most}")),
            );
        }
        let mut sorted = self.parts.clone();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(
                Fault::usage(format!("the part `{}` is there twice", pair[0]))
                    .hint("name every part once"),
            );
        }
        Ok(())
    }
}

/// The command line asks for it where no subcommand is given.
fn needed<'a, T>(flag: &str, value: Option<&'a T>) -> Result<&'a T> {
    value.ok_or_else(|| Fault::usage(format!("{flag} is missing")).hint("see pm25-train --help"))
}
