//! The door of `pm25-shap`.

use std::process::ExitCode;

fn main() -> ExitCode {
    pm25_tool::main::<pm25_shap::Args>()
}
