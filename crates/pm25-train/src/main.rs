//! The door of `pm25-train`.

use std::process::ExitCode;

fn main() -> ExitCode {
    pm25_tool::main::<pm25_train::Args>()
}
