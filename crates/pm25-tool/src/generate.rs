//! `--generate man|bash|zsh|fish`: the manual page and completions, from the one definition of the flags.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Command;
use clap_complete::Shell;

use crate::exit;

/// What `--generate` asks for, if it is there. It is looked for before the command line is understood,
/// since it needs no other argument.
pub(crate) fn wanted(argv: &[OsString]) -> Option<String> {
    let mut words = argv.iter().skip(1).filter_map(|word| word.to_str());
    while let Some(word) = words.next() {
        match word.strip_prefix("--generate") {
            Some("") => return Some(words.next().unwrap_or_default().to_owned()),
            Some(value) if value.starts_with('=') => return Some(value[1..].to_owned()),
            _ if word == "--" => return None,
            _ => {}
        }
    }
    None
}

pub(crate) fn print(command: &mut Command, page: &str) -> ExitCode {
    let Some(bytes) = page_of(command, page) else {
        let _ = writeln!(
            io::stderr().lock(),
            "error: `{page}` cannot be generated\nhint: --generate man, bash, zsh or fish"
        );
        return ExitCode::from(exit::USAGE);
    };
    match io::stdout().lock().write_all(&bytes) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => ExitCode::from(exit::FAILED),
        _ => ExitCode::from(exit::OK),
    }
}

fn page_of(command: &mut Command, page: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    if page == "man" {
        clap_mangen::Man::new(command.clone())
            .render(&mut bytes)
            .ok()?;
        return Some(bytes);
    }
    let shell = match page {
        "bash" => Shell::Bash,
        "zsh" => Shell::Zsh,
        "fish" => Shell::Fish,
        _ => return None,
    };
    let name = command.get_name().to_owned();
    clap_complete::generate(shell, command, name, &mut bytes);
    Some(bytes)
}
