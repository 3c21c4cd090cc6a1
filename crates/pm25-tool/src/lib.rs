//! How a pm25 command behaves: one `main`, exit statuses, console, progress, generated pages.
//!
//! It knows nothing of air, models or tables. A program is a struct that clap fills and a `run`:
//!
//! ```ignore
//! fn main() -> std::process::ExitCode {
//!     pm25_tool::main::<pm25_prep::Args>()
//! }
//! ```

mod complain;
mod console;
pub mod exit;
mod generate;
mod progress;
mod settings;
mod threads;
mod threshold;

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::{ArgMatches, Command};

pub use console::Console;
pub use progress::Progress;
pub use settings::{Common, Format};
pub use threads::Threads;
pub use threshold::{expect_each_once, threshold};

/// What a command that did its work has to say; becomes the exit status.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The work was done.
    Done,
    /// The work was done and found something: see [`exit`], 10 and up.
    Finding(u8),
}

/// A command with one job.
pub trait Tool: clap::CommandFactory + clap::FromArgMatches {
    /// The flags that every command has.
    fn common(&self) -> &Common;

    /// Does the job.
    fn run(self, console: &Console) -> anyhow::Result<Outcome>;
}

/// Runs a tool with the process's arguments.
pub fn main<T: Tool>() -> ExitCode {
    complain::install_panic_message();
    pm25_file::guard();
    let argv: Vec<OsString> = std::env::args_os().collect();
    let mut command = settings::with_environment(T::command());
    if let Some(page) = generate::wanted(&argv) {
        return generate::print(&mut command, &page);
    }
    let tool = match parse(command, &argv).and_then(|m| T::from_arg_matches(&m)) {
        Ok(tool) => tool,
        Err(e) => return complain::about_usage(&e, settings::json_wanted(&argv)),
    };
    let console = Console::new(tool.common());
    let run = catch_unwind(AssertUnwindSafe(|| tool.run(&console)));
    match run {
        Ok(Ok(Outcome::Done)) => ExitCode::from(exit::OK),
        Ok(Ok(Outcome::Finding(status))) => ExitCode::from(status),
        Ok(Err(e)) => complain::about(&e, &console),
        // The panic has been reported by the hook.
        Err(_) => ExitCode::from(exit::FAILED),
    }
}

fn parse(command: Command, argv: &[OsString]) -> Result<ArgMatches, clap::Error> {
    command.try_get_matches_from(argv)
}

/// A tool's command as `main` builds it, for tests that look over all flags.
pub fn command_of<T: Tool>() -> Command {
    settings::with_environment(T::command())
}
