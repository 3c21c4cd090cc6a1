//! `pm25-eval probe`: looks for the answer in the question, in tables that `pm25-prep` made.
//!
//! Published scores of PM2.5 are mostly leaks; each probe looks for one kind. They see tables and observations, no
//! model: a model cannot be more honest than what it is given. A clean probe is no proof.
//!
//! | probe | looks at | leak |
//! |---|---|---|
//! | `embargo` | times of the three tables | a table holds targets of another's time |
//! | `shuffled_target` | features; targets that were dealt out anew among all hours | a model foretells dealt-out test targets: rows are in two tables |
//! | `future_feature` | each column beside PM2.5 of earlier and later hours | it goes with later hours more than with known ones, or knows of the target what all others do not |
//! | `neighbour_mean` | each column beside the target and the other stations' targets | it is made of them, the target among them |
//! | `rebuilt_features` | observations | a column is not what its expression says, from what was known at t |
//! | `target_imputed` | observations | a target was not measured, or not that |
//! | `test_trimmed` | observations | a measured hour of the test is not in the table |
//! | `random_split` | the three tables, cut by time and at random | none: the gap is a property of air, and reported |

mod algebra;
mod cut;
mod future;
mod neighbours;
mod rebuilt;
mod shuffled;
mod tables;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use anyhow::Result;
use pm25_artifact::probe::{Probe, ProbeReport, ProbeVerdict};
use pm25_file::{Header, Input, Output, write_document};
use pm25_tool::{Console, Outcome, Threads, exit};
use serde::{Serialize, Serializer};

use crate::PROGRAM;
use tables::Tables;

/// Look for leaks in prepared tables
///
/// Each probe says what it looked at and what follows. Exits with 14 if one found a leak.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ProbeArgs {
    /// Folder with train.parquet, valid.parquet and test.parquet
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Observations that the tables were made from (observations.parquet); three probes need them
    #[arg(long, value_name = "FILE", num_args = 1..)]
    observations: Vec<Input>,
    /// Of tables with several horizons the one to look at
    #[arg(long, value_name = "H")]
    horizon_h: Option<u16>,
    /// Write the report here, too; - for standard output
    #[arg(long, value_name = "FILE")]
    out: Option<Output>,
    #[command(flatten)]
    threads: Threads,
}

/// Runs every probe.
pub(crate) fn run(args: &ProbeArgs, console: &Console) -> Result<Outcome> {
    let tables = Tables::read(&args.folder, args.horizon_h)?;
    let observations = match args.observations.as_slice() {
        [] => None,
        files => Some(pm25_rows::read(files, &|text| console.warn(text))?),
    };
    let probes = args.threads.install(|| -> pm25_file::Result<Vec<Probe>> {
        let mut probes = vec![
            cut::embargo(&tables),
            shuffled::shuffled_target(&tables),
            future::future_feature(&tables),
            neighbours::neighbour_mean(&tables),
        ];
        probes.extend(rebuilt::probes(&tables, observations.as_ref())?);
        probes.push(cut::random_split(&tables));
        acquit(&mut probes);
        Ok(probes)
    })??;
    let mut report = ProbeReport {
        pm25: header(&tables, observations.as_ref()),
        task: tables.prepared.task,
        leaks: probes
            .iter()
            .filter(|probe| probe.verdict == ProbeVerdict::Leak)
            .count() as u64,
        probes,
    };
    if let Some(out) = &args.out {
        write_document(out, &mut report)?;
    }
    if args.out.as_ref().is_none_or(|out| !out.is_stdout()) {
        console.say(&Said(&report))?;
    }
    Ok(match report.leaks {
        0 => Outcome::Done,
        _ => Outcome::Finding(exit::LEAK_FOUND),
    })
}

/// Proof goes before suspicion: where every feature value was made again from what was known at t, a column that goes
/// with later hours does so because the air does. Smooth or simulated air is foretold that well.
fn acquit(probes: &mut [Probe]) {
    let is_proved = probes
        .iter()
        .any(|probe| probe.name == "rebuilt_features" && probe.verdict == ProbeVerdict::Clean);
    let suspicion = probes
        .iter_mut()
        .find(|probe| probe.name == "future_feature" && probe.verdict == ProbeVerdict::Leak);
    if let Some(suspicion) = suspicion.filter(|_| is_proved) {
        suspicion.verdict = ProbeVerdict::Reported;
        suspicion.finding =
            "columns go with later hours, but each value is what was known at t: this air is foretold well"
                .to_owned();
    }
}

fn header(tables: &Tables, observations: Option<&pm25_rows::Observations>) -> Header {
    let mut header = Header::new(&PROGRAM);
    for part in tables.parts() {
        header = header.input(part.source.clone());
    }
    for file in observations.iter().flat_map(|known| &known.files) {
        header = header.input(file.source.clone());
    }
    header
}

/// A probe that ran.
fn probe(name: &str, input: &str, verdict: ProbeVerdict, finding: impl Into<String>) -> Probe {
    Probe {
        name: name.to_owned(),
        input: input.to_owned(),
        verdict,
        finding: finding.into(),
        numbers: BTreeMap::new(),
        blamed: Vec::new(),
    }
}

/// Leak if something is to blame.
fn judged(blamed: &[String]) -> ProbeVerdict {
    if blamed.is_empty() {
        ProbeVerdict::Clean
    } else {
        ProbeVerdict::Leak
    }
}

struct Said<'a>(&'a ProbeReport);

impl Serialize for Said<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for probe in &self.0.probes {
            let verdict = match probe.verdict {
                ProbeVerdict::Clean => "clean",
                ProbeVerdict::Leak => "LEAK",
                ProbeVerdict::Reported => "reported",
                ProbeVerdict::NotRun => "not run",
            };
            writeln!(f, "{:<18}{verdict:<10}{}", probe.name, probe.finding)?;
            if !probe.blamed.is_empty() {
                writeln!(f, "{:<28}{}", "", probe.blamed.join(", "))?;
            }
        }
        let not_run = |probe: &&Probe| probe.verdict == ProbeVerdict::NotRun;
        let n_idle = self.0.probes.iter().filter(not_run).count();
        match self.0.leaks {
            0 if 0 < n_idle => write!(
                f,
                "no leak found, and {n_idle} probes did not run: only they are exact, give --observations"
            ),
            0 => write!(f, "no leak found"),
            1 => write!(f, "1 probe found a leak"),
            n => write!(f, "{n} probes found leaks"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suspicion_falls_only_before_proof() {
        let judge = |rebuilt| {
            let mut probes = [
                probe("future_feature", "", ProbeVerdict::Leak, ""),
                probe("neighbour_mean", "", ProbeVerdict::Leak, ""),
                probe("rebuilt_features", "", rebuilt, ""),
            ];
            acquit(&mut probes);
            probes.map(|probe| probe.verdict)
        };
        use ProbeVerdict::{Clean, Leak, NotRun, Reported};
        assert_eq!(judge(Clean), [Reported, Leak, Clean]);
        assert_eq!(judge(NotRun), [Leak, Leak, NotRun]);
        assert_eq!(judge(Leak), [Leak, Leak, Leak]);
    }
}
