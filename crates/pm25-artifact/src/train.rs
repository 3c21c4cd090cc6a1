//! `train.json`: what was tried, what each was worth on the validation rows, and what was chosen.

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
    /// Rows that it learned from.
    pub train_rows: u64,
    /// Rows that it was chosen on.
    pub valid_rows: u64,
    /// Every model that was fitted, best first.
    pub candidates: Vec<Candidate>,
}

/// One fitted model on the validation rows.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// How it predicts.
    pub kind: ModelKind,
    /// Root mean square error over all validation rows, µg/m³.
    pub valid_rmse_ug_m3: f64,
    /// Mean absolute error over all validation rows, µg/m³.
    pub valid_mae_ug_m3: f64,
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
