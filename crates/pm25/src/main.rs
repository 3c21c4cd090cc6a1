//! The door; stages come in through the side entrance.
fn main() -> std::process::ExitCode {
    pm25::if_child().unwrap_or_else(pm25_tool::main::<pm25::Args>)
}
