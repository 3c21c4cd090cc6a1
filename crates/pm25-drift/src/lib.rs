//! `pm25-drift`: how far rows of now have moved from the rows that a model learned from.
//!
//! It does not say whether a model is still good (that takes targets, and `pm25-eval`), and it never judges by a
//! p-value: with many autocorrelated hours everything is significant.
//!
//! ```text
//! profile   table ─────────────────────────► profile.json
//! check     profile.json | model.json | table ─┐
//!           table | requests.jsonl ────────────┴► drift.json, metrics, exit status 11
//! ```

mod check;
mod compare;
mod limits;
mod profile;
mod prometheus;
mod reference;
mod requests;
mod role;
mod rows;
mod say;
mod season;
mod sniff;
mod words;

use clap::{Parser, Subcommand};
use pm25_file::Program;
use pm25_tool::{Common, Console, Outcome, Tool};

const PROGRAM: Program = pm25_file::program!();

/// Say how far columns have moved from what a model learned from
///
/// `profile` keeps what a table's columns were like in a small file; `check` compares other rows with it, with the
/// profile inside a model, or with a whole table. Drift is judged by its size, never by a p-value.
#[derive(Debug, Parser)]
#[command(
    name = "pm25-drift",
    version,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Args {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Profile(profile::Profile),
    Check(check::Check),
}

impl Tool for Args {
    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, console: &Console) -> anyhow::Result<Outcome> {
        match self.command {
            Command::Profile(args) => profile::run(&args, console),
            Command::Check(args) => check::run(&args, console),
        }
    }
}
