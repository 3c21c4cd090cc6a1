//! `shap.json`: what a model's features add, over all explained rows.

use pm25_file::{Document, Header, Sha256};
use serde::{Deserialize, Serialize};

use crate::model::ModelKind;
use crate::prep::TaskFact;

/// `shap.json`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ShapReport {
    /// Header; its files are shap.parquet and the pictures.
    pub pm25: Header,
    /// Hash of the model file.
    pub model: Sha256,
    /// How the model predicts.
    pub kind: ModelKind,
    /// What it predicts.
    pub task: TaskFact,
    /// The space in which contributions add up: always `µg/m³` for the models there are.
    pub space: String,
    /// How a missing feature is averaged out.
    pub method: Method,
    /// The prediction when no feature is known, µg/m³.
    pub base_ug_m3: f64,
    /// How many rows were explained.
    pub rows: u64,
    /// Largest |base + Σ contributions - prediction| / max(1, |prediction|); at most 1e-9.
    pub additivity_error_max: f64,
    /// One per feature, the most important first.
    pub features: Vec<Importance>,
    /// The pairs of features that add most together, the most important first; empty unless it was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pairs: Vec<PairImportance>,
}

/// How a missing feature is averaged out.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// By the training rows that came down each branch (Lundberg et al. 2020, path-dependent TreeSHAP).
    PathDependent,
    /// By its values in a background table (Lundberg et al. 2020, interventional TreeSHAP).
    Interventional,
    /// By the train mean: exact for a line whose features are taken as independent.
    Linear,
}

/// One feature over all rows.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Importance {
    /// Its column.
    pub column: String,
    /// Its unit.
    pub unit: String,
    /// Mean of |contribution|, µg/m³.
    pub mean_abs_ug_m3: f64,
    /// Mean contribution, µg/m³.
    pub mean_ug_m3: f64,
    /// The smallest, µg/m³.
    pub min_ug_m3: f64,
    /// The largest, µg/m³.
    pub max_ug_m3: f64,
}

/// Two features over all rows.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PairImportance {
    /// Their columns.
    pub columns: [String; 2],
    /// Mean of |what they add together beyond what each adds alone|, µg/m³.
    pub mean_abs_ug_m3: f64,
}

impl Document for ShapReport {
    const FORMAT: &'static str = "pm25-shap-report";
    const VERSION: u32 = 1;

    fn header(&self) -> &Header {
        &self.pm25
    }

    fn header_mut(&mut self) -> &mut Header {
        &mut self.pm25
    }
}
