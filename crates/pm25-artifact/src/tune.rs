//! `tune.json`: settings that were tried on time-ordered folds, and the best of them; and the small file that each
//! finished fit leaves, so that a search that is killed goes on where it was.

use std::collections::BTreeMap;

use pm25_file::{Document, Header};
use serde::{Deserialize, Serialize};

use crate::model::ModelKind;
use crate::prep::TaskFact;
use crate::train::FoldFact;

/// `tune.json`; `pm25.files` names the table of all trials.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TuneReport {
    /// Provenance and seal.
    pub pm25: Header,
    /// Which learner: linear, forest or boost.
    pub kind: ModelKind,
    /// What it is to predict.
    pub task: TaskFact,
    /// The folds, oldest first.
    pub folds: Vec<FoldFact>,
    /// What was searched.
    pub space: Vec<Searched>,
    /// The rounds of the search; each judges the survivors of the one before on more folds.
    pub rungs: Vec<Rung>,
    /// The best trial on all folds.
    pub best: BestTrial,
    /// The defaults beside the best trial.
    pub defaults: DefaultsBeside,
}

/// The defaults and the best trial on the folds that the defaults came to: other folds are other seasons.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DefaultsBeside {
    /// How many folds, the oldest first.
    pub folds: u64,
    /// Of the defaults, µg/m³.
    pub rmse_ug_m3: f64,
    /// Of the best trial, µg/m³.
    pub best_rmse_ug_m3: f64,
}

/// One searched setting.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Searched {
    /// As `--set` takes it.
    pub name: String,
    /// Smallest value.
    pub low: f64,
    /// Largest value.
    pub high: f64,
    /// Whether every factor is as likely as any other (`true`), or every difference.
    pub log: bool,
    /// Whether it takes whole numbers only.
    pub whole: bool,
}

/// One round.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rung {
    /// How many folds judge, counted from the oldest.
    pub folds: u64,
    /// How many trials take part.
    pub trials: u64,
}

/// The best trial.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BestTrial {
    /// Its number; 0 is the defaults.
    pub trial: u64,
    /// Root of the mean squared error over the judged rows of all folds, µg/m³.
    pub rmse_ug_m3: f64,
    /// Judged rows.
    pub rows: u64,
    /// Settings as `--set` takes them, for example `boost.learning_rate`.
    pub settings: BTreeMap<String, f64>,
}

impl Document for TuneReport {
    const FORMAT: &'static str = "pm25-tune-report";
    const VERSION: u32 = 1;

    fn header(&self) -> &Header {
        &self.pm25
    }

    fn header_mut(&mut self) -> &mut Header {
        &mut self.pm25
    }
}

/// One trial on one fold.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TrialFile {
    /// Provenance and seal; its inputs and parameters are those of the search.
    pub pm25: Header,
    /// Number of the trial.
    pub trial: u64,
    /// Number of the fold, from 1.
    pub fold: u64,
    /// The searched settings.
    pub settings: BTreeMap<String, f64>,
    /// Judged rows.
    pub rows: u64,
    /// Sum of squared errors over them, (µg/m³)².
    pub squares_ug2_m6: f64,
    /// Trees that were best on the fold, for a booster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trees: Option<u64>,
}

impl Document for TrialFile {
    const FORMAT: &'static str = "pm25-tune-trial";
    const VERSION: u32 = 1;

    fn header(&self) -> &Header {
        &self.pm25
    }

    fn header_mut(&mut self) -> &mut Header {
        &mut self.pm25
    }
}
