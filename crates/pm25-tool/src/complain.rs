//! Errors, said once: `error:` what and where, the causes, then `hint:` what to type next.

use std::io::{self, Write};
use std::process::ExitCode;

use pm25_file::Fault;
use serde::Serialize;

use crate::{Console, Format, exit};

/// The JSON form of an error. Fields may be added, never renamed.
#[derive(Serialize)]
struct Complaint {
    error: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    causes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    status: u8,
}

/// Says an error of `run` and gives its status. Whoever reads our output may stop reading: a broken pipe
/// is no error.
pub(crate) fn about(error: &anyhow::Error, console: &Console) -> ExitCode {
    if broken_pipe(error) {
        return ExitCode::from(exit::OK);
    }
    let fault = error.chain().find_map(|e| e.downcast_ref::<Fault>());
    let mut said = error.chain().map(ToString::to_string);
    let what = said.next().unwrap_or_default();
    let hint = fault.and_then(Fault::hint_text);
    let complaint = Complaint {
        causes: each_once(&what, said),
        error: what,
        hint: hint.or_else(|| full_disk(error)).map(str::to_owned),
        status: fault.map_or(exit::FAILED, |fault| exit::status_of(fault.kind())),
    };
    say(&complaint, console.format() == Format::Json, console);
    ExitCode::from(complaint.status)
}

/// Causes that say something new: what a library wraps, it often repeats at its end.
fn each_once(what: &str, causes: impl Iterator<Item = String>) -> Vec<String> {
    let mut said: Vec<String> = vec![what.to_owned()];
    for cause in causes {
        if !said.iter().any(|earlier| earlier.ends_with(&cause)) {
            said.push(cause);
        }
    }
    said.split_off(1)
}

/// What to do where there is no room.
fn full_disk(error: &anyhow::Error) -> Option<&'static str> {
    let is_full = |e: &io::Error| {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        matches!(e.kind(), StorageFull | QuotaExceeded | FileTooLarge)
    };
    let kinds = error.chain().filter_map(|e| e.downcast_ref::<io::Error>());
    // A library may have made text of it.
    let says_so = |e: &(dyn std::error::Error + 'static)| e.to_string().contains("No space left");
    (kinds.into_iter().any(is_full) || error.chain().any(says_so)).then_some(
        "make room on that disk, or write to a folder on another one (`--out` and the like); nothing was left half-written",
    )
}

fn say(complaint: &Complaint, json: bool, console: &Console) {
    let text = if json {
        serde_json::to_string(complaint).unwrap_or_else(|_| complaint.error.clone())
    } else {
        let mut text = format!("{} {}", console.red("error:"), complaint.error);
        for cause in &complaint.causes {
            text += &format!("\n  cause: {cause}");
        }
        if let Some(hint) = &complaint.hint {
            text += &format!("\n{} {hint}", console.bold("hint:"));
        }
        text
    };
    console.line(&text);
}

/// Says what is wrong with a command line; help and version are answers, not errors.
pub(crate) fn about_usage(error: &clap::Error, json: bool) -> ExitCode {
    if !error.use_stderr() {
        return match error.print().and_then(|()| io::stdout().flush()) {
            Err(e) if e.kind() != io::ErrorKind::BrokenPipe => ExitCode::from(exit::FAILED),
            _ => ExitCode::from(exit::OK),
        };
    }
    if json {
        let rendered = error.render().to_string();
        let message = rendered.trim().trim_start_matches("error: ");
        let complaint = Complaint {
            error: message.to_owned(),
            causes: Vec::new(),
            hint: Some("see --help".to_owned()),
            status: exit::USAGE,
        };
        let text = serde_json::to_string(&complaint).unwrap_or_default();
        // Nobody is left to tell if standard error is gone.
        let _ = writeln!(io::stderr().lock(), "{text}");
    } else {
        let _ = error.print();
    }
    ExitCode::from(exit::USAGE)
}

fn broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|e| e.downcast_ref::<io::Error>())
        .any(|e| e.kind() == io::ErrorKind::BrokenPipe)
}

/// A panic is a bug of ours: say so in one line, and end with the status for it. What a library does over a damaged file is
/// told by whoever awaited it.
pub(crate) fn install_panic_message() {
    std::panic::set_hook(Box::new(|info| {
        if pm25_file::is_panic_awaited() {
            return;
        }
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let what = info.payload_as_str().unwrap_or("no message");
        let what = what.replace('\n', " ");
        let _ = writeln!(
            io::stderr().lock(),
            "error: a bug in this program ({what}; {place})\nhint: please report it with the command that you typed"
        );
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_said_once_with_what_to_do() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let text = full().to_string();
        let fault = Fault::unforeseen("o.parquet: cannot be written").because(full());
        let error = anyhow::Error::from(fault).context(format!("no table: {text}"));
        let said = error.chain().map(ToString::to_string).skip(1);
        let causes = each_once(&error.to_string(), said);
        assert_eq!(causes, ["o.parquet: cannot be written"]);
        assert!(full_disk(&error).is_some_and(|hint| hint.contains("--out")));
        let as_text = anyhow::anyhow!("External: No space left on device (os error 28)");
        assert!(full_disk(&as_text).is_some());
        assert!(full_disk(&anyhow::Error::from(Fault::usage("x"))).is_none());
    }
}
