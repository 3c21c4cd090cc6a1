//! The generated parts of a model card.

use pm25_file::Sha256;
use serde::Serialize;

use super::fill::Block;
use super::{figure, table};
use crate::eval::{EvalReport, Metrics, Skill, Slice};
use crate::model::Model;
use crate::prep::{PartFact, PrepReport, TaskFact};
use crate::registry::{Name, Stage};
use crate::train::LearnedFrom;

/// A version of a model with the papers that speak for it.
pub struct ModelPapers<'a> {
    /// What it is called in the registry.
    pub name: &'a Name,
    /// Its number there.
    pub version: u32,
    /// Where it stands.
    pub stage: Stage,
    /// The model and the hash of its file.
    pub model: (&'a Model, Sha256),
    /// The evaluation and the hash of its file.
    pub eval: (&'a EvalReport, Sha256),
    /// The preparation and the hash of its file.
    pub prep: (&'a PrepReport, Sha256),
}

/// `front` (for a YAML front matter, as model hubs read it), `facts`, `features`, `scores` and `slices`.
///
/// # Errors
/// If the front matter cannot be written as YAML.
pub fn model_blocks(papers: &ModelPapers) -> Result<Vec<Block>, serde_yaml::Error> {
    let block = |name, text| Block { name, text };
    Ok(vec![
        block("front", front(papers)?),
        block("facts", facts(papers)),
        block("features", features(papers)),
        block("scores", scores(papers.eval.0)),
        block("slices", slices(papers.eval.0)),
    ])
}

/// What a model hub indexes.
#[derive(Serialize)]
struct Front<'a> {
    library_name: &'static str,
    pipeline_tag: &'static str,
    tags: [&'static str; 3],
    #[serde(rename = "model-index")]
    model_index: [Indexed<'a>; 1],
}

#[derive(Serialize)]
struct Indexed<'a> {
    name: String,
    results: [Outcome<'a>; 1],
}

#[derive(Serialize)]
struct Outcome<'a> {
    task: Task,
    dataset: Dataset<'a>,
    metrics: Vec<Metric>,
}

#[derive(Serialize)]
struct Task {
    r#type: &'static str,
    name: String,
}

#[derive(Serialize)]
struct Dataset<'a> {
    r#type: &'static str,
    name: &'static str,
    split: &'static str,
    revision: Option<&'a Sha256>,
}

#[derive(Serialize)]
struct Metric {
    r#type: &'static str,
    name: &'static str,
    value: Option<f64>,
}

fn front(papers: &ModelPapers) -> Result<String, serde_yaml::Error> {
    let (eval, prep) = (papers.eval.0, papers.prep.0);
    let metric = |r#type, name, value| Metric {
        r#type,
        name,
        value,
    };
    let metrics = vec![
        metric("rmse", "RMSE, µg/m³", eval.metrics.rmse_ug_m3),
        metric("mae", "MAE, µg/m³", eval.metrics.mae_ug_m3),
        metric("r_squared", "R²", eval.metrics.r2),
        metric(
            "skill",
            "RMSE skill over persistence",
            eval.skill_over.persistence.skill,
        ),
        metric(
            "skill",
            "RMSE skill over climatology",
            eval.skill_over.climatology.skill,
        ),
    ];
    serde_yaml::to_string(&Front {
        library_name: "pm25",
        pipeline_tag: "tabular-regression",
        tags: ["air-quality", "pm25", "time-series-forecasting"],
        model_index: [Indexed {
            name: papers.name.to_string(),
            results: [Outcome {
                task: Task {
                    r#type: "tabular-regression",
                    name: task_words(eval.model.task),
                },
                dataset: Dataset {
                    r#type: "pm25-observations",
                    name: "observations.parquet",
                    split: "test",
                    revision: prep.pm25.inputs.first().map(|input| &input.sha256),
                },
                metrics,
            }],
        }],
    })
}

fn task_words(task: TaskFact) -> String {
    let horizon_h = pm25_air::Task::from(task).horizon_h();
    match task {
        TaskFact::Nowcast => "PM2.5 of the hour itself (nowcast)".to_owned(),
        TaskFact::Forecast { .. } => format!("PM2.5 {horizon_h} h ahead (forecast)"),
        TaskFact::DayMean => "mean PM2.5 of the next 24 h (forecast)".to_owned(),
    }
}

fn facts(papers: &ModelPapers) -> String {
    let ((model, model_hash), (_, eval_hash)) = (papers.model, papers.eval);
    let (prep, prep_hash) = papers.prep;
    let part = |part: &PartFact| {
        format!(
            "{} rows of {} stations, {} to {}",
            part.rows, part.stations, part.first, part.last
        )
    };
    let learned_from = match model.learned_from() {
        LearnedFrom::Train => "train; chosen on valid",
        LearnedFrom::TrainAndValid => "train and valid, after folds within them had chosen",
    };
    let stations: Vec<&str> = model.stations().iter().map(|s| s.name.as_str()).collect();
    let rows = [
        ("name", papers.name.to_string()),
        ("version", format!("{}, {}", papers.version, papers.stage)),
        ("task", task_words(model.task())),
        ("kind", model.kind().to_string()),
        ("learned from", learned_from.to_owned()),
        ("train", part(&prep.parts.train)),
        ("valid", part(&prep.parts.valid)),
        ("test", part(&prep.parts.test)),
        ("stations", stations.join(", ")),
        ("model.json", format!("`{model_hash}`")),
        ("eval.json", format!("`{eval_hash}`")),
        ("prep.json", format!("`{prep_hash}`")),
    ];
    let rows = rows.into_iter().map(|(what, is)| vec![what.to_owned(), is]);
    table(&["", ""], rows)
}

fn features(papers: &ModelPapers) -> String {
    let rows = papers.model.0.inputs().iter().map(|input| {
        vec![
            format!("`{}`", input.column),
            format!("`{}`", input.expression),
            input.unit.clone(),
        ]
    });
    table(&["column", "expression", "unit"], rows)
}

const SCORES: [&str; 7] = [
    "on the test rows",
    "RMSE, µg/m³",
    "MAE, µg/m³",
    "R²",
    "bias, µg/m³",
    "rows",
    "skill of the model over it (rows)",
];

fn scores(eval: &EvalReport) -> String {
    let row = |name: &str, metrics: &Metrics, skill: Option<&Skill>| {
        let mut cells = vec![name.to_owned()];
        cells.extend(in_cells(metrics));
        cells.push(skill.map_or_else(String::new, |skill| {
            format!("{} ({})", figure(skill.skill), skill.rows)
        }));
        cells
    };
    let (of, skill) = (&eval.baselines, &eval.skill_over);
    let rows = [
        row(&format!("**{}**", eval.model.kind), &eval.metrics, None),
        row("persistence", &of.persistence, Some(&skill.persistence)),
        row("climatology", &of.climatology, Some(&skill.climatology)),
        row("ridge", &of.linear, Some(&skill.linear)),
    ];
    table(&SCORES, rows)
}

fn in_cells(metrics: &Metrics) -> [String; 5] {
    [
        figure(metrics.rmse_ug_m3),
        figure(metrics.mae_ug_m3),
        figure(metrics.r2),
        figure(metrics.bias_ug_m3),
        metrics.rows.to_string(),
    ]
}

fn slices(eval: &EvalReport) -> String {
    let head = [
        "slice",
        "",
        "RMSE, µg/m³",
        "MAE, µg/m³",
        "R²",
        "bias, µg/m³",
        "rows",
        "skill over persistence",
    ];
    let of = |what: &str, slices: &[Slice]| -> Vec<Vec<String>> {
        let row = |slice: &Slice| {
            let mut cells = vec![what.to_owned(), slice.name.clone()];
            cells.extend(in_cells(&slice.metrics));
            cells.push(figure(slice.skill.skill));
            cells
        };
        slices.iter().map(row).collect()
    };
    let all = &eval.slices;
    let rows = [
        of("station", &all.station),
        of("month", &all.month),
        of("level, µg/m³", &all.level),
    ];
    table(&head, rows.into_iter().flatten())
}
