//! `log`: what happened to a model, entry by entry.

use std::fmt;

use pm25_artifact::registry::{Action, Head, Name, Objects, Passed, Reason, Registry, Stage};
use pm25_file::Sha256;
use pm25_tool::Console;
use serde::Serialize;

use crate::Which;

/// Tell what happened to a model, oldest first
///
/// Times are for people and no evidence; the order is that of the numbers.
#[derive(Debug, clap::Args)]
pub(crate) struct Log {
    #[command(flatten)]
    which: Which,
}

#[derive(Serialize)]
struct Told {
    name: Name,
    head: Head,
    entries: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    number: u32,
    sha256: Sha256,
    action: Action,
    version: u32,
    stage: Stage,
    objects: Objects,
    gate: Option<Passed>,
    reason: Option<Reason>,
    at: Option<String>,
}

pub(crate) fn run(registry: &Registry, args: &Log, console: &Console) -> anyhow::Result<()> {
    let name = args.which.name()?;
    let history = registry.history(&name)?;
    let mut times = registry.times(&name);
    let head = history.head();
    let entries = history
        .entries
        .into_iter()
        .zip(history.hashes)
        .map(|(entry, sha256)| Line {
            number: entry.number,
            sha256,
            action: entry.action,
            version: entry.version,
            stage: entry.stage,
            objects: entry.objects,
            gate: entry.gate,
            reason: entry.reason,
            at: times.remove(&entry.number),
        });
    console.say(&Told {
        entries: entries.collect(),
        name,
        head,
    })
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.entries {
            let Line {
                number,
                action,
                version,
                stage,
                ..
            } = line;
            let at = line.at.as_deref().unwrap_or("-");
            write!(
                f,
                "{number:>4}  {at:<20}  {action:<8}  version {version} → {stage}"
            )?;
            if let Some(gate) = &line.gate {
                write!(f, "  [{} gate", gate.task)?;
                for check in &gate.checks {
                    write!(f, ", {} {} ({})", check.rule, check.limit, check.value)?;
                }
                write!(f, "]")?;
            }
            match &line.reason {
                Some(reason) => writeln!(f, "  “{reason}”")?,
                None => writeln!(f)?,
            }
        }
        writeln!(f, "head {}", self.head)
    }
}
