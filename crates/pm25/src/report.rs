//! What a run did, said at its end and kept as one line of `artifacts/runs.jsonl`.
//!
//! That file is the one place where a clock is written down. Nothing reads it to decide anything.

use std::fmt;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pm25_file::{Fault, Result, append_line};
use pm25_tool::exit;
use serde::Serialize;

use crate::failure::Failure;
use crate::pipeline::{HISTORY, Pipeline};
use crate::plan::Choice;
use crate::survey::Reason;

/// What became of a stage.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// Not started, since something before it failed or nothing new was to begin.
    #[default]
    NotRun,
    /// Looked at and left alone.
    Fresh,
    /// It ran and made its outputs.
    Ran,
    /// It ran and failed, or could not be started.
    Failed,
}

impl Outcome {
    /// Whether stages after it may go on.
    pub(crate) fn is_success(self) -> bool {
        matches!(self, Self::Fresh | Self::Ran)
    }
}

/// One stage of a run.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Ran {
    pub(crate) outcome: Outcome,
    /// Wall time of its process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seconds: Option<f64>,
    /// Why it ran.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) reasons: Vec<Reason>,
}

/// A whole run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The exit status of the run.
    pub(crate) status: u8,
    /// The stage that failed first.
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<String>,
    stages: Vec<Row>,
    /// Where to look now; empty when something failed.
    look: Vec<Look>,
    #[serde(skip)]
    pub(crate) failure: Option<Failure>,
}

#[derive(Debug, Serialize)]
struct Row {
    stage: String,
    #[serde(flatten)]
    ran: Ran,
}

#[derive(Debug, Serialize)]
struct Look {
    label: String,
    path: String,
}

impl Report {
    /// `ran` has an entry for each stage of the pipeline; those left out are not told.
    pub(crate) fn new(
        pipeline: &Pipeline,
        choices: &[Choice],
        ran: Vec<Ran>,
        failure: Option<Failure>,
    ) -> Self {
        let is_told = |idx: &usize| choices[*idx] != Choice::Leave;
        let order = pipeline.graph.order().iter().copied().filter(is_told);
        let stages = order.map(|idx| Row {
            stage: pipeline.stages[idx].name.clone(),
            ran: ran[idx].clone(),
        });
        let look = pipeline.look.iter();
        let look =
            look.filter(|(_, place)| failure.is_none() && place.under(&pipeline.root).exists());
        Self {
            status: failure.as_ref().map_or(exit::OK, |failure| failure.status),
            failed: failure.as_ref().map(|failure| failure.stage.clone()),
            stages: stages.collect(),
            look: look
                .map(|(label, place)| Look {
                    label: label.clone(),
                    path: place.to_string(),
                })
                .collect(),
            failure,
        }
    }

    fn count(&self, outcome: Outcome) -> usize {
        self.with(outcome).count()
    }

    /// The names of the stages that ended like this.
    fn with(&self, outcome: Outcome) -> impl Iterator<Item = &str> {
        let rows = self.stages.iter();
        rows.filter(move |row| row.ran.outcome == outcome)
            .map(|row| row.stage.as_str())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ran, {} fresh",
            self.count(Outcome::Ran),
            self.count(Outcome::Fresh)
        )?;
        let failed: Vec<&str> = self.with(Outcome::Failed).collect();
        if !failed.is_empty() {
            let not_run = self.count(Outcome::NotRun);
            return write!(f, ", {} failed, {not_run} not run", failed.join(", "));
        }
        let width = self
            .look
            .iter()
            .map(|look| look.label.chars().count())
            .max()
            .unwrap_or(0);
        for Look { label, path } in &self.look {
            write!(f, "\n{label:width$}  {path}")?;
        }
        Ok(())
    }
}

/// One line of the history.
#[derive(Serialize)]
struct Line<'a> {
    /// Seconds since 1970, UTC.
    started_s: u64,
    seconds: f64,
    #[serde(flatten)]
    report: &'a Report,
}

/// Adds a run to the history. A torn last line, as a crash leaves it, stays alone on its line.
pub(crate) fn remember(root: &Path, report: &Report, started: SystemTime) -> Result<()> {
    let since = |time: SystemTime, start| time.duration_since(start).unwrap_or(Duration::ZERO);
    let line = Line {
        started_s: since(started, UNIX_EPOCH).as_secs(),
        seconds: since(SystemTime::now(), started).as_secs_f64(),
        report,
    };
    let path = root.join(HISTORY);
    serde_json::to_string(&line)
        .map_err(io::Error::from)
        .and_then(|text| append_line(&path, &text))
        .map_err(|e| Fault::unforeseen(format!("{}: cannot be written", path.display())).because(e))
}
