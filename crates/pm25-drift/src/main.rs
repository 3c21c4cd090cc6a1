//! The door of `pm25-drift`.

use std::process::ExitCode;

fn main() -> ExitCode {
    pm25_tool::main::<pm25_drift::Args>()
}
