//! Flags that every command has, and where a flag's value comes from: the flag, then `PM25_<FLAG>` in the
//! environment, then the default.

use std::ffi::OsString;

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Command, ValueEnum};

/// How results and errors are said.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON document; errors are JSON on standard error.
    Json,
}

/// Flags of every command.
#[derive(Clone, Debug, clap::Args)]
pub struct Common {
    /// Say nothing but warnings, errors and the result
    #[arg(short, long, global = true, help_heading = "Common options")]
    pub quiet: bool,
    /// Say more about what is being done; goes before --quiet
    #[arg(short, long, global = true, help_heading = "Common options")]
    pub verbose: bool,
    /// How to say the result and errors
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "text",
        help_heading = "Common options"
    )]
    pub format: Format,
    /// Print a manual page or shell completions and stop: man, bash, zsh or fish
    #[arg(
        long,
        global = true,
        value_name = "PAGE",
        help_heading = "Common options"
    )]
    pub generate: Option<String>,
}

/// Lets every long flag also be set by `PM25_<FLAG>`.
pub(crate) fn with_environment(command: Command) -> Command {
    command
        .mut_args(|arg| match arg.get_long() {
            None | Some("help" | "version" | "generate") => arg,
            Some(long) => {
                let name = format!("PM25_{}", long.to_uppercase().replace('-', "_"));
                let arg = arg.env(name).hide_env_values(true);
                match arg.get_action() {
                    // 1, yes, on and true are true; 0, no, off, false and nothing are false.
                    ArgAction::SetTrue => arg.value_parser(FalseyValueParser::new()),
                    _ => arg,
                }
            }
        })
        .mut_subcommands(with_environment)
}

/// Whether JSON was asked for, judged before the command line is understood.
pub(crate) fn json_wanted(argv: &[OsString]) -> bool {
    let mut words = argv.iter().filter_map(|word| word.to_str());
    let mut asked = std::env::var("PM25_FORMAT").ok();
    while let Some(word) = words.next() {
        if word == "--format" {
            asked = words.next().map(str::to_owned);
        } else if let Some(value) = word.strip_prefix("--format=") {
            asked = Some(value.to_owned());
        }
    }
    asked.as_deref() == Some("json")
}
