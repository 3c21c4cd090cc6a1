//! `show`: one version, and where its files are.

use std::fmt;
use std::path::PathBuf;

use pm25_artifact::eval::{EvalReport, Metrics};
use pm25_artifact::registry::{Head, History, Judged, Name, Registry, Stage, Version};
use pm25_artifact::{model::ModelKind, prep::TaskFact};
use pm25_file::{Fault, Sha256};
use pm25_tool::Console;
use serde::Serialize;

use crate::Which;

/// Show one version: where it stands, how good it is, and where its files are
///
/// The files' hashes are checked before they are shown.
#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    #[command(flatten)]
    pointed: Pointed,
}

/// One version of one model.
#[derive(Debug, clap::Args)]
pub(crate) struct Pointed {
    #[command(flatten)]
    which: Which,
    /// The version that came to this stage last [default: production]
    #[arg(long, value_enum, conflicts_with = "version")]
    stage: Option<At>,
    /// This version
    #[arg(long, value_name = "V")]
    version: Option<u32>,
}

impl Pointed {
    pub(crate) fn name(&self) -> pm25_file::Result<Name> {
        self.which.name()
    }
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum At {
    None,
    Staging,
    Production,
    Superseded,
    Archived,
}

impl From<At> for Stage {
    fn from(at: At) -> Self {
        match at {
            At::None => Self::None,
            At::Staging => Self::Staging,
            At::Production => Self::Production,
            At::Superseded => Self::Superseded,
            At::Archived => Self::Archived,
        }
    }
}

#[derive(Serialize)]
struct Shown {
    name: Name,
    version: u32,
    stage: Stage,
    /// Number of the entry that put it there.
    since: u32,
    kind: ModelKind,
    task: TaskFact,
    metrics: Metrics,
    skill_over_persistence: Option<f64>,
    skill_over_climatology: Option<f64>,
    /// Of several horizons those after the shortest, which stands above.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    longer: Vec<Longer>,
    objects: Places,
    head: Head,
}

/// A further horizon.
#[derive(Serialize)]
struct Longer {
    kind: ModelKind,
    task: TaskFact,
    metrics: Metrics,
    skill_over_persistence: Option<f64>,
    skill_over_climatology: Option<f64>,
}

#[derive(Serialize)]
struct Places {
    model: Place,
    eval: Place,
    prep: Place,
}

#[derive(Serialize)]
struct Place {
    sha256: Sha256,
    path: PathBuf,
}

pub(crate) fn run(registry: &Registry, args: &Show, console: &Console) -> anyhow::Result<()> {
    let name = args.pointed.name()?;
    let history = registry.history(&name)?;
    let version = wanted(&history, &args.pointed)?;
    let place = |sha256| {
        registry.check_object(sha256)?;
        Ok::<_, Fault>(Place {
            sha256,
            path: registry.object_path(sha256),
        })
    };
    let objects = version.objects;
    let objects = Places {
        model: place(objects.model)?,
        eval: place(objects.eval)?,
        prep: place(objects.prep)?,
    };
    let mut reports = Judged::of(registry, &version.objects)?.reports.into_iter();
    let EvalReport {
        model,
        metrics,
        skill_over,
        ..
    } = reports.next().expect("an evaluation has a report");
    console.say(&Shown {
        longer: reports.map(longer).collect(),
        version: version.number,
        stage: version.stage,
        since: version.since,
        kind: model.kind,
        task: model.task,
        metrics,
        skill_over_persistence: skill_over.persistence.skill,
        skill_over_climatology: skill_over.climatology.skill,
        objects,
        head: history.head(),
        name,
    })
}

fn longer(report: EvalReport) -> Longer {
    Longer {
        kind: report.model.kind,
        task: report.model.task,
        metrics: report.metrics,
        skill_over_persistence: report.skill_over.persistence.skill,
        skill_over_climatology: report.skill_over.climatology.skill,
    }
}

pub(crate) fn wanted<'a>(history: &'a History, args: &Pointed) -> pm25_file::Result<&'a Version> {
    let name = &history.name;
    let (found, what) = match args.version {
        Some(number) => (
            history.state.version(number),
            format!("`{name}` has no version {number}"),
        ),
        None => {
            let stage = args.stage.map_or(Stage::Production, Stage::from);
            (
                history.state.newest_in(stage),
                format!("no version of `{name}` is in stage {stage}"),
            )
        }
    };
    found.ok_or_else(|| {
        Fault::bad_artifact(what).hint(format!(
            "`pm25-registry list --name {name}` shows its versions"
        ))
    })
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            version,
            stage,
            since,
            kind,
            ..
        } = self;
        writeln!(f, "{name} version {version}, {stage} since entry {since}")?;
        writeln!(f, "model    {kind}, {}", task_words(self.task))?;
        writeln!(f, "rows     {}", self.metrics.rows)?;
        writeln!(f, "rmse     {} µg/m³", Figure(self.metrics.rmse_ug_m3))?;
        writeln!(f, "mae      {} µg/m³", Figure(self.metrics.mae_ug_m3))?;
        writeln!(f, "r2       {}", Figure(self.metrics.r2))?;
        let (persistence, climatology) = (self.skill_over_persistence, self.skill_over_climatology);
        writeln!(
            f,
            "skill    {} over persistence, {} over climatology",
            Figure(persistence),
            Figure(climatology)
        )?;
        for one in &self.longer {
            writeln!(
                f,
                "{:<8} {}, rmse {} µg/m³, skill {} over persistence, {} over climatology",
                format!("{} h", one.task.horizon_h()),
                one.kind,
                Figure(one.metrics.rmse_ug_m3),
                Figure(one.skill_over_persistence),
                Figure(one.skill_over_climatology)
            )?;
        }
        for (what, place) in [
            ("model", &self.objects.model),
            ("eval", &self.objects.eval),
            ("prep", &self.objects.prep),
        ] {
            writeln!(f, "{what:<8} {}", place.path.display())?;
        }
        Ok(())
    }
}

/// A figure for people, three decimals; `-` where there is none.
pub(crate) struct Figure(pub(crate) Option<f64>);

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(value) => f.pad(&format!("{value:.3}")),
            None => f.pad("-"),
        }
    }
}

/// The task in words.
pub(crate) fn task_words(task: TaskFact) -> String {
    match task {
        TaskFact::Nowcast => "nowcast".to_owned(),
        TaskFact::Forecast { horizon_h } => format!("forecast {horizon_h} h"),
        TaskFact::DayMean => "mean of the next 24 h".to_owned(),
    }
}
