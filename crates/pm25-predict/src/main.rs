//! The door of `pm25-predict`.

use std::process::ExitCode;

fn main() -> ExitCode {
    pm25_tool::main::<pm25_predict::Args>()
}
