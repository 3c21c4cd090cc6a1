//! Keeps model versions: immutable objects, gates, stages, history.
//!
//! The store and its rules are in `pm25_artifact::registry`; here a command line becomes a call, and what
//! came of it becomes a sentence or a JSON document. It does not train, judge or serve.

mod card;
mod change;
mod exchange;
mod list;
mod log;
mod show;
mod verify;

use clap::{Parser, Subcommand};
use pm25_artifact::registry::{Name, Registry};
use pm25_file::Program;
use pm25_tool::{Common, Console, Outcome, Tool};

const PROGRAM: Program = pm25_file::program!();

/// Keep model versions: immutable objects, gates, stages, history
///
/// A version is a model with the evaluation and the preparation report that speak for it. It rises from
/// staging to production when the policy is met, and a rollback brings the former one back. Nothing that was
/// written is ever changed; `verify` finds out if somebody did.
#[derive(Debug, Parser)]
#[command(version, subcommand_required = true, arg_required_else_help = true)]
pub struct Args {
    /// The registry's folder; the first registration makes it
    #[arg(long, global = true, value_name = "DIR", default_value = "registry")]
    registry: std::path::PathBuf,
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Register(change::Register),
    Promote(change::Promote),
    Rollback(change::Rollback),
    Archive(change::Archive),
    List(list::List),
    Show(show::Show),
    Card(card::Card),
    Log(log::Log),
    Verify(verify::Verify),
    Export(exchange::Export),
    Import(exchange::Import),
}

impl Tool for Args {
    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, console: &Console) -> anyhow::Result<Outcome> {
        let registry = Registry::at(self.registry);
        match self.command {
            Command::Register(args) => change::register(&registry, &args, console),
            Command::Promote(args) => change::promote(&registry, &args, console),
            Command::Rollback(args) => change::rollback(&registry, &args, console),
            Command::Archive(args) => change::archive(&registry, &args, console),
            Command::List(args) => list::run(&registry, &args, console),
            Command::Show(args) => show::run(&registry, &args, console),
            Command::Card(args) => card::run(&registry, &args, console),
            Command::Log(args) => log::run(&registry, &args, console),
            Command::Verify(args) => verify::run(&registry, &args, console),
            Command::Export(args) => exchange::export(&registry, &args, console),
            Command::Import(args) => exchange::import(&args, console),
        }?;
        Ok(Outcome::Done)
    }
}

/// Which model, for the commands that are about one.
#[derive(Clone, Debug, clap::Args)]
struct Which {
    /// Name of the model: a-z 0-9 . _ -
    #[arg(long, default_value = "pm25")]
    name: String,
}

impl Which {
    /// Checked here and not by clap, whose message would repeat a hostile name as it is.
    fn name(&self) -> pm25_file::Result<Name> {
        self.name.parse()
    }
}
