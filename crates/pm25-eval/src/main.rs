//! The door of `pm25-eval`.

use std::process::ExitCode;

fn main() -> ExitCode {
    pm25_tool::main::<pm25_eval::Args>()
}
