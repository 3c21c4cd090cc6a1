//! The door of `pm25-serve`.

use std::process::ExitCode;

fn main() -> ExitCode {
    pm25_tool::main::<pm25_serve::Args>()
}
