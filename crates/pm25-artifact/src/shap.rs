//! `shap.json`: what a model's features add, over all explained rows.

use pm25_file::{Document, Header, Sha256};
use pm25_learn::tree::Link;
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
    /// The space in which contributions add up; `base_ug_m3` and all contributions are in its unit.
    pub space: Space,
    /// How a missing feature is averaged out.
    pub method: Method,
    /// What is said when no feature is known, in the unit of `space`.
    pub base_ug_m3: f64,
    /// How many rows were explained.
    pub rows: u64,
    /// Largest |base + Σ contributions - p| / max(1, |p|), at most 1e-9; p is the prediction as `space` has it.
    pub additivity_error_max: f64,
    /// One per feature, the most important first.
    pub features: Vec<Importance>,
    /// The pairs of features that add most together, the most important first; empty unless it was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pairs: Vec<PairImportance>,
}

/// What contributions add up to. A model whose trees say logarithms or roots has no contributions in µg/m³: what a
/// feature adds there depends on all others.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Space {
    /// The prediction.
    #[serde(rename = "ug_m3", alias = "µg/m³")]
    UgM3,
    /// The prediction's natural logarithm.
    #[serde(rename = "log")]
    Log,
    /// The mean of ln(1 + PM2.5), before the bias correction.
    #[serde(rename = "log1p")]
    Log1p,
    /// The mean of PM2.5's root, before the bias correction.
    #[serde(rename = "sqrt")]
    Sqrt,
}

impl Space {
    /// The space of trees with this link.
    pub fn of(link: Link) -> Self {
        match link {
            Link::Identity => Self::UgM3,
            Link::Log => Self::Log,
            Link::Log1p { .. } => Self::Log1p,
            Link::Sqrt { .. } => Self::Sqrt,
        }
    }

    /// The unit of contributions; PM2.5 is counted in µg/m³ within.
    pub fn unit(self) -> &'static str {
        match self {
            Self::UgM3 => "µg/m³",
            Self::Log => "ln(µg/m³)",
            Self::Log1p => "ln(1 + µg/m³)",
            Self::Sqrt => "sqrt(µg/m³)",
        }
    }
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
    /// Mean of |contribution|, in the unit of the report's space, as all below.
    pub mean_abs_ug_m3: f64,
    /// Mean contribution.
    pub mean_ug_m3: f64,
    /// The smallest.
    pub min_ug_m3: f64,
    /// The largest.
    pub max_ug_m3: f64,
}

/// Two features over all rows.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PairImportance {
    /// Their columns.
    pub columns: [String; 2],
    /// Mean of |what they add together beyond what each adds alone|, in the unit of the report's space.
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
