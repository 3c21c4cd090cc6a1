//! `eval.json`: how good a model is on the test rows, beside its baselines on the same rows.
//!
//! It holds no opinion on what is good enough (that is the registry's policy) and no wall time. A number that is not
//! defined is null, never NaN.

use pm25_file::{Document, Header, Sha256};
use pm25_stats::Scores;
use serde::{Deserialize, Serialize};

use crate::model::ModelKind;
use crate::prep::TaskFact;

/// `eval.json`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EvalReport {
    /// Header; `files` lists predictions.parquet and every picture.
    pub pm25: Header,
    /// Which model.
    pub model: ModelRef,
    /// Over all test rows with a target.
    pub metrics: Metrics,
    /// The same model over the rows that also have persistence.
    pub metrics_with_persistence: Metrics,
    /// What travels with the model as a yardstick.
    pub baselines: Baselines<Metrics>,
    /// Over each baseline, on the rows that it can predict.
    pub skill_over: Baselines<Skill>,
    /// The same as `skill_over.persistence`, where gates look for it.
    pub skill_over_persistence: Skill,
    /// Another model on the same rows, if one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<Against>,
    /// Parts of the test rows.
    pub slices: Slices,
    /// The largest errors, worst first.
    pub worst: Vec<Worst>,
    /// Stamps t of the first and last test row; absent in a table without times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
}

/// A model by what it is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ModelRef {
    /// Of the model file.
    pub sha256: Sha256,
    /// How it predicts.
    pub kind: ModelKind,
    /// What it predicts.
    pub task: TaskFact,
}

/// How far predictions are from targets.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// Root of the mean squared error, µg/m³; null without rows.
    pub rmse_ug_m3: Option<f64>,
    /// Mean absolute error, µg/m³; null without rows.
    pub mae_ug_m3: Option<f64>,
    /// Coefficient of determination, at most 1; null where every target is the same.
    pub r2: Option<f64>,
    /// Mean absolute percentage error over targets of at least 1 µg/m³; null without such rows.
    pub mape_pct: Option<f64>,
    /// Rows that `mape_pct` covers.
    pub mape_rows: u64,
    /// Mean of prediction - target, µg/m³: positive means predicted too high; null without rows.
    pub bias_ug_m3: Option<f64>,
    /// Rows that were scored.
    pub rows: u64,
    /// Rows with a target that had no prediction; 0 for a model, which must answer every row.
    pub missing: u64,
}

impl From<&Scores> for Metrics {
    fn from(scores: &Scores) -> Self {
        Self {
            rmse_ug_m3: scores.rmse,
            mae_ug_m3: scores.mae,
            r2: scores.r2,
            mape_pct: scores.mape_pct,
            mape_rows: scores.mape_rows,
            bias_ug_m3: scores.bias,
            rows: scores.rows,
            missing: scores.missing_predictions,
        }
    }
}

/// One thing for each baseline.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Baselines<T> {
    /// The newest known PM2.5; scored where there is one.
    pub persistence: T,
    /// Mean of station, month and hour over the train rows.
    pub climatology: T,
    /// Ridge regression on the model's own features.
    pub linear: T,
}

/// How much smaller the error is than another's on the same rows.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Skill {
    /// 1 - RMSE / RMSE of the other; null where the other makes no error or there are no rows.
    pub skill: Option<f64>,
    /// Rows on which both were scored.
    pub rows: u64,
}

/// Another model, row by row.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Against {
    /// Which one.
    pub model: ModelRef,
    /// Its metrics over the same rows as the report's `metrics`.
    pub metrics: Metrics,
    /// RMSE of the evaluated model minus RMSE of the other, µg/m³: negative is better.
    pub rmse_difference_ug_m3: Option<f64>,
    /// Of the evaluated model over the other.
    pub skill: Skill,
    /// Rows where the evaluated model's error is smaller than the other's.
    pub closer_rows: u64,
    /// Rows where it is larger.
    pub farther_rows: u64,
}

/// Parts of the test rows. A list is empty where the table does not say what is needed for it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Slices {
    /// By station, in order of name.
    pub station: Vec<Slice>,
    /// By local standard hour of the target's hour, `0` to `23`.
    pub hour: Vec<Slice>,
    /// By month of the target's hour in local standard time, `1` to `12`.
    pub month: Vec<Slice>,
    /// By the target itself, µg/m³: `0-15`, ..., `250 and more`; the lower end belongs to the level, and the lowest
    /// also holds readings below zero.
    pub level: Vec<Slice>,
}

/// One part.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Slice {
    /// Which part.
    pub name: String,
    /// The model over all rows of the part.
    pub metrics: Metrics,
    /// Persistence over the rows of the part that have it.
    pub persistence: Metrics,
    /// Over persistence on those rows.
    pub skill: Skill,
}

/// One prediction that went wrong.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Worst {
    /// Where; absent in a table without stations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub station: Option<String>,
    /// Stamp t of the row, RFC 3339 in UTC; absent in a table without times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// What was measured, µg/m³.
    pub target_ug_m3: f64,
    /// What was predicted, µg/m³.
    pub prediction_ug_m3: f64,
    /// What persistence said, µg/m³.
    pub persistence_ug_m3: Option<f64>,
    /// Prediction - target, µg/m³.
    pub error_ug_m3: f64,
}

/// From when to when.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// Smallest stamp t, RFC 3339 in UTC.
    pub first: String,
    /// Largest stamp t, RFC 3339 in UTC.
    pub last: String,
}

impl Document for EvalReport {
    const FORMAT: &'static str = "pm25-eval-report";
    const VERSION: u32 = 1;

    fn header(&self) -> &Header {
        &self.pm25
    }

    fn header_mut(&mut self) -> &mut Header {
        &mut self.pm25
    }
}
