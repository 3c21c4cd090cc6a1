//! `train.json`: what was tried, what each was worth on rows that it had not seen, and what was chosen.

use std::collections::BTreeMap;

use pm25_file::{Document, Header, Sha256};
use serde::{Deserialize, Serialize};

use crate::model::ModelKind;
use crate::prep::TaskFact;

/// `train.json`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TrainReport {
    /// Header.
    pub pm25: Header,
    /// The model file.
    pub model: Sha256,
    /// What it predicts.
    pub task: TaskFact,
    /// How the chosen model predicts.
    pub kind: ModelKind,
    /// How many feature columns it uses.
    pub n_features: u64,
    /// Rows of the train table.
    pub train_rows: u64,
    /// Rows of the valid table.
    pub valid_rows: u64,
    /// Which tables it learned from in the end.
    #[serde(default)]
    pub learned_from: LearnedFrom,
    /// Every model that was fitted, best first.
    pub candidates: Vec<Candidate>,
    /// The folds that it was chosen on; none if it was chosen on the valid table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub folds: Vec<FoldFact>,
    /// What the folds chose: the parts of a blend, or the one learner of the model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartFact>,
    /// How the blend learned from stations, where that was a question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stations: Option<ChoiceFact>,
    /// Why the best model was chosen on the valid table although folds were asked for, in a sentence; absent where they
    /// decided, or nobody asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_folds: Option<String>,
}

/// `train.json` of a model of several horizons.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HorizonsReport {
    /// Header.
    pub pm25: Header,
    /// The model file.
    pub model: Sha256,
    /// How many feature columns each of its models uses.
    pub n_features: u64,
    /// What led to each, by hours ahead.
    pub horizons: BTreeMap<u16, HorizonTrained>,
    /// Which horizons were learned by themselves and which together, in a sentence, where that was a question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// What the learners of all horizons learned from; absent where each horizon has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub together: Option<TogetherFact>,
}

/// What led to the model of one horizon: as the fields of the same names in [`TrainReport`].
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HorizonTrained {
    /// How the chosen model predicts.
    pub kind: ModelKind,
    /// Rows of the train table with a target at this horizon.
    pub train_rows: u64,
    /// Rows of the valid table with one.
    pub valid_rows: u64,
    /// Which tables it learned from in the end.
    pub learned_from: LearnedFrom,
    /// Every model that was fitted, best first.
    pub candidates: Vec<Candidate>,
    /// The folds that it was chosen on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub folds: Vec<FoldFact>,
    /// What the folds chose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartFact>,
    /// How the blend learned from stations, where that was a question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stations: Option<ChoiceFact>,
    /// With a model of each horizon by itself and with parts that learn from all, RMSE over the same judged rows,
    /// where that was a question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub horizons: Option<ChoiceFact>,
}

/// Ways to learn that were compared on the same judged rows of all folds.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ChoiceFact {
    /// The one that the model has.
    pub chosen: String,
    /// All that were tried, simplest first.
    pub options: Vec<OptionFact>,
}

/// One way to learn.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OptionFact {
    /// For example `pooled`.
    pub name: String,
    /// Root mean square error out of fold, µg/m³.
    pub rmse_ug_m3: f64,
}

/// What the learners of all horizons learned from.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TogetherFact {
    /// Rows that taught, each once for each horizon at which it has a target.
    pub rows: u64,
    /// How many there were; where more than taught, each horizon gave as many, evenly spread over its rows.
    pub rows_there: u64,
    /// Bytes of their values.
    pub bytes: u64,
}

impl Document for HorizonsReport {
    const FORMAT: &'static str = "pm25-train-horizons";
    const VERSION: u32 = 1;

    fn header(&self) -> &Header {
        &self.pm25
    }

    fn header_mut(&mut self) -> &mut Header {
        &mut self.pm25
    }
}

/// The tables that a model learned from; also the parameter `learned_from` of its header.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum LearnedFrom {
    /// Train; valid only chose.
    #[default]
    #[serde(rename = "train")]
    Train,
    /// Train and valid, after folds within both had chosen.
    #[serde(rename = "train+valid")]
    TrainAndValid,
}

/// One fold: rows issued before `train_before` teach, rows from `judged_from` on and before `judged_until` judge.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FoldFact {
    /// RFC 3339 in UTC.
    pub train_before: String,
    /// RFC 3339 in UTC; from `train_before` to here is the embargo.
    pub judged_from: String,
    /// RFC 3339 in UTC.
    pub judged_until: String,
    /// Rows that teach.
    pub train_rows: u64,
    /// Rows that judge.
    pub judged_rows: u64,
}

/// One part as the folds saw it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PartFact {
    /// For example `boost-change`; `persistence` is the newest value itself.
    pub name: String,
    /// Its share of the prediction.
    pub weight: f64,
    /// Of the part alone over all judged rows, µg/m³.
    pub rmse_ug_m3: f64,
    /// Trees of the refit, for a booster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trees: Option<u64>,
}

/// One fitted model on the rows that it was chosen on: the valid table, or the judged rows of all folds.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// How it predicts.
    pub kind: ModelKind,
    /// Root mean square error over these rows, µg/m³.
    pub valid_rmse_ug_m3: f64,
    /// Mean absolute error over these rows, µg/m³.
    pub valid_mae_ug_m3: f64,
    /// Root mean square error of a forest's trees on the train rows that each did not draw, µg/m³, with folds over all
    /// their train rows; none for other kinds. Neighbouring hours are alike, so that it flatters: it is no measure
    /// to choose by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oob_rmse_ug_m3: Option<f64>,
}

impl Document for TrainReport {
    const FORMAT: &'static str = "pm25-train-report";
    const VERSION: u32 = 1;

    fn header(&self) -> &Header {
        &self.pm25
    }

    fn header_mut(&mut self) -> &mut Header {
        &mut self.pm25
    }
}
