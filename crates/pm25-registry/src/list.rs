//! `list`: every version of every model, and where it stands.

use std::collections::BTreeMap;
use std::fmt;

use pm25_artifact::eval::EvalReport;
use pm25_artifact::registry::{Judged, Name, Objects, Registry, Stage, Version};
use pm25_artifact::{model::ModelKind, prep::TaskFact};
use pm25_tool::Console;
use serde::Serialize;

use crate::show::{Figure, task_words};

/// List the versions, with their stages and how good they are
///
/// Times are for people and no evidence.
#[derive(Debug, clap::Args)]
pub(crate) struct List {
    /// Only this model [default: all]
    #[arg(long)]
    name: Option<String>,
}

#[derive(Serialize)]
struct Listed {
    versions: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    name: Name,
    version: u32,
    stage: Stage,
    /// Number of the entry that put it there, and when.
    since: u32,
    at: Option<String>,
    kind: ModelKind,
    task: TaskFact,
    rmse_ug_m3: Option<f64>,
    skill_over_persistence: Option<f64>,
    skill_over_climatology: Option<f64>,
    objects: Objects,
}

pub(crate) fn run(registry: &Registry, args: &List, console: &Console) -> anyhow::Result<()> {
    let names = match &args.name {
        Some(name) => vec![name.parse()?],
        None => registry.names()?,
    };
    let mut versions = Vec::new();
    for name in names {
        let history = registry.history(&name)?;
        let times = registry.times(&name);
        for version in history.state.versions() {
            versions.extend(rows(registry, &name, version, &times)?);
        }
    }
    console.say(&Listed { versions })
}

/// One, or one for each horizon of a model of several.
fn rows(
    registry: &Registry,
    name: &Name,
    version: &Version,
    times: &BTreeMap<u32, String>,
) -> pm25_file::Result<Vec<Row>> {
    let reports = Judged::of(registry, &version.objects)?.reports;
    let row = |report: EvalReport| Row {
        name: name.clone(),
        version: version.number,
        stage: version.stage,
        since: version.since,
        at: times.get(&version.since).cloned(),
        kind: report.model.kind,
        task: report.model.task,
        rmse_ug_m3: report.metrics.rmse_ug_m3,
        skill_over_persistence: report.skill_over.persistence.skill,
        skill_over_climatology: report.skill_over.climatology.skill,
        objects: version.objects,
    };
    Ok(reports.into_iter().map(row).collect())
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.versions.is_empty() {
            return write!(f, "no versions yet");
        }
        let width = self
            .versions
            .iter()
            .map(|row| row.name.as_str().len())
            .max()
            .unwrap_or(0)
            .max(4);
        writeln!(
            f,
            "{:<width$}  version  stage       model        task          rmse µg/m³  skill: persist.  climat.  since",
            "name"
        )?;
        for row in &self.versions {
            let Row {
                name,
                version,
                stage,
                ..
            } = row;
            writeln!(
                f,
                "{:<width$}  {version:>7}  {stage:<10}  {:<11}  {:<12}  {:>10}  {:>15}  {:>7}  {}",
                name.as_str(),
                row.kind.word(),
                task_words(row.task),
                Figure(row.rmse_ug_m3),
                Figure(row.skill_over_persistence),
                Figure(row.skill_over_climatology),
                row.at.as_deref().unwrap_or("-"),
            )?;
        }
        Ok(())
    }
}
