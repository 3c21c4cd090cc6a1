//! What went wrong with a stage, with its own words and its exit status.

use std::fmt;
use std::io;

use pm25_file::Fault;
use pm25_tool::exit;

use crate::pipeline::Stage;
use crate::quote::command_line;

/// A stage that failed.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Its name.
    pub(crate) stage: String,
    /// The exit status to pass on.
    pub(crate) status: u8,
    /// What to tell; its kind fits the status where there is such a kind.
    pub(crate) fault: Fault,
}

impl Failure {
    /// Its process ended with `code`, or by a signal (`None`), which `how` describes.
    pub(crate) fn of_status(stage: &Stage, code: Option<u8>, how: &str, said: Said) -> Self {
        let status = code.unwrap_or(exit::FAILED);
        let what = format!(
            "stage `{}` failed, {how}: {}",
            stage.name,
            command_line(&stage.argv)
        );
        let fault = fault_of(status, what);
        let fault = match said.worst() {
            Some(words) => fault.because(words),
            None => fault,
        };
        let hint = said
            .hint
            .unwrap_or_else(|| "mend that; then `pm25 run` goes on from here".to_owned());
        Self::new(stage, status, fault.hint(hint))
    }

    /// Its process could not be started.
    pub(crate) fn not_started(stage: &Stage, cause: io::Error) -> Self {
        let what = format!(
            "stage `{}` cannot be started: {}",
            stage.name,
            command_line(&stage.argv)
        );
        Self::new(stage, exit::FAILED, Fault::unforeseen(what).because(cause))
    }

    /// Something about its files.
    pub(crate) fn of_fault(stage: &Stage, fault: Fault) -> Self {
        Self::new(stage, exit::status_of(fault.kind()), fault)
    }

    fn new(stage: &Stage, status: u8, fault: Fault) -> Self {
        Self {
            stage: stage.name.clone(),
            status,
            fault,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cause = std::error::Error::source(&self.fault);
        write!(f, "{}", self.fault)?;
        cause.map_or(Ok(()), |cause| write!(f, ": {cause}"))
    }
}

fn fault_of(status: u8, what: String) -> Fault {
    match status {
        exit::USAGE => Fault::usage(what),
        exit::BAD_DATA => Fault::bad_data(what),
        exit::BAD_ARTIFACT => Fault::bad_artifact(what),
        exit::GATE_CLOSED => Fault::gate_closed(what),
        exit::CONFLICT => Fault::conflict(what),
        _ => Fault::unforeseen(what),
    }
}

/// What a stage said, as far as it helps when it fails.
#[derive(Debug, Default)]
pub(crate) struct Said {
    error: Option<String>,
    hint: Option<String>,
    last: Option<String>,
}

impl Said {
    /// Listens to one more line.
    pub(crate) fn hear(&mut self, line: &str) {
        if let Some(error) = line.strip_prefix("error: ") {
            self.error = Some(error.to_owned());
        } else if let Some(hint) = line.strip_prefix("hint: ") {
            self.hint = Some(hint.to_owned());
        } else if !line.trim().is_empty() {
            self.last = Some(line.to_owned());
        }
    }

    /// Its last error, or else its last words.
    fn worst(&self) -> Option<String> {
        self.error.clone().or_else(|| self.last.clone())
    }
}
