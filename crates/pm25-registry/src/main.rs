//! The door.

fn main() -> std::process::ExitCode {
    pm25_tool::main::<pm25_registry::Args>()
}
