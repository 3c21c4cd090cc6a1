//! Small documents that belong together, written as their programs would write them.

use std::fs;
use std::path::{Path, PathBuf};

use pm25_file::{Place, Sha256, fill_seal};
use serde_json::{Value, json};

/// What the made-up model and its evaluation are to say.
#[derive(Clone, Copy)]
pub(crate) struct Story {
    /// Tells models apart; its constant prediction, µg/m³.
    pub(crate) model: u32,
    /// 0 for a nowcast.
    pub(crate) horizon_h: u16,
    /// Over every baseline.
    pub(crate) skill: Option<f64>,
    /// Test rows.
    pub(crate) rows: u64,
}

/// A nowcast that meets the policy.
pub(crate) const GOOD: Story = Story {
    model: 1,
    horizon_h: 0,
    skill: Some(0.25),
    rows: 5000,
};

/// The three files of a story.
pub(crate) struct Papers {
    pub(crate) model: PathBuf,
    pub(crate) eval: PathBuf,
    pub(crate) prep: PathBuf,
}

/// Writes a story's files into a folder of their own.
pub(crate) fn write(folder: &Path, story: Story) -> Papers {
    fs::create_dir_all(folder).unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let model = model(story);
    Papers {
        eval: put("eval.json", &eval(story, Sha256::of(&model), "test")),
        prep: put("prep.json", &prep(story)),
        model: put("model.json", &model),
    }
}

/// A document with its header first and a seal that holds.
pub(crate) fn sealed(
    format: &str,
    program: &str,
    inputs: Value,
    files: Value,
    body: Value,
) -> Vec<u8> {
    let mut document = json!({ "pm25": {
        "seal": format!("pm25-seal:{}", "0".repeat(64)),
        "format": format, "version": 1, "program": program, "program_version": "0.1.0",
        "inputs": inputs, "files": files,
    }});
    let fields = document.as_object_mut().unwrap();
    fields.extend(body.as_object().unwrap().clone());
    let mut bytes = serde_json::to_vec_pretty(&document).unwrap();
    fill_seal(&mut bytes, Place::First).unwrap();
    bytes
}

/// A table of the story's preparation; tables themselves are not needed, only their hashes.
pub(crate) fn table(part: &str) -> Value {
    json!({ "name": format!("prepared/{part}.parquet"), "sha256": Sha256::of(part.as_bytes()) })
}

fn task(story: Story) -> Value {
    match story.horizon_h {
        0 => json!({ "kind": "nowcast" }),
        horizon_h => json!({ "kind": "forecast", "horizon_h": horizon_h }),
    }
}

pub(crate) fn model(story: Story) -> Vec<u8> {
    model_of(story, ["train", "valid"])
}

/// A model that learned from these two tables.
pub(crate) fn model_of(story: Story, learned_from: [&str; 2]) -> Vec<u8> {
    let body = json!({
        "kind": "climatology",
        "task": task(story),
        "inputs": [],
        "stations": [],
        "climatology": {
            "overall_ug_m3": story.model, "station_ug_m3": [],
            "station_month_ug_m3": [], "station_month_hour_ug_m3": [],
        },
        "linear": { "intercept_ug_m3": story.model, "terms": [] },
    });
    sealed(
        "pm25-model",
        "pm25-train",
        json!(learned_from.map(table)),
        json!([]),
        body,
    )
}

/// An evaluation of this model on this table.
pub(crate) fn eval(story: Story, model: Sha256, part: &str) -> Vec<u8> {
    let metrics = json!({
        "rmse_ug_m3": 21.5, "mae_ug_m3": 14.25, "r2": 0.5, "mape_pct": 40.0, "mape_rows": story.rows,
        "bias_ug_m3": -0.5, "rows": story.rows, "missing": 0,
    });
    let skill = json!({ "skill": story.skill, "rows": story.rows });
    let each =
        |value: &Value| json!({ "persistence": value, "climatology": value, "linear": value });
    let body = json!({
        "model": { "sha256": model, "kind": "climatology", "task": task(story) },
        "metrics": metrics,
        "metrics_with_persistence": metrics,
        "baselines": each(&metrics),
        "skill_over": each(&skill),
        "skill_over_persistence": skill,
        "slices": { "station": [], "hour": [], "month": [], "level": [] },
        "worst": [],
    });
    let inputs = json!([{ "name": "model.json", "sha256": model }, table(part)]);
    sealed("pm25-eval-report", "pm25-eval", inputs, json!([]), body)
}

pub(crate) fn prep(story: Story) -> Vec<u8> {
    let rows = json!({
        "read": 10_000, "gap": 0, "train": 4000, "valid": 1000, "test": 5000,
        "dropped": { "target_after_record": 0, "target_missing": 0, "target_invalid": 0, "purged": 0 },
    });
    let part = json!({
        "rows": 4000, "rows_with_persistence": 4000, "first": "2024-01-01T00:00:00Z", "last": "2024-02-01T00:00:00Z",
        "stations": 1,
        "target": { "mean": 50.0, "std": 20.0, "min": 1.0, "max": 400.0, "present": 4000, "missing": 0 },
    });
    let body = json!({
        "task": task(story),
        "feature_list": "hour",
        "split": { "train_until": "2024-02-01T00:00:00Z", "valid_until": "2024-03-01T00:00:00Z", "shares": null },
        "rows": rows,
        "parts": { "train": part, "valid": part, "test": part },
        "stations": [],
        "vocabulary": [],
        "features": [],
    });
    let files = json!([table("train"), table("valid"), table("test")]);
    sealed("pm25-prep-report", "pm25-prep", json!([]), files, body)
}
