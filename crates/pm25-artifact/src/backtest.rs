//! `backtest.json`: how good a way of making models is, over origins at which it was made anew from its own past.
//!
//! Not the score of one model file: each origin has a model of its own, and none is kept.

use pm25_file::{Document, Header};
use serde::{Deserialize, Serialize};

use crate::eval::{Baselines, Bootstrap, Metrics, ModStatsFact, Skill};
use crate::model::ModelKind;
use crate::prep::TaskFact;

/// `backtest.json`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BacktestReport {
    /// Header; `files` lists predictions.parquet and the pictures.
    pub pm25: Header,
    /// What was asked.
    pub task: TaskFact,
    /// Scores over the rows of all origins.
    pub overall: BacktestScores,
    /// openair's statistics over the same rows.
    pub mod_stats: ModStatsFact,
    /// How far scores would move with other weather; absent where the rows span too little time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bootstrap: Option<Bootstrap>,
    /// In the order of time.
    pub origins: Vec<OriginFact>,
    /// Origins between which and the next no hour has a target, RFC 3339 in UTC: nothing was fitted there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without_rows: Vec<String>,
}

/// Models beside their baselines on the same rows; each baseline was fitted where its model was.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BacktestScores {
    /// Of the models.
    pub metrics: Metrics,
    /// Of each baseline, on the rows that it can predict.
    pub baselines: Baselines<Metrics>,
    /// Over each baseline, on the same.
    pub skill_over: Baselines<Skill>,
}

/// One origin.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OriginFact {
    /// RFC 3339 in UTC: no target of this hour or a later one was learned from; judged rows are issued from it on.
    pub origin: String,
    /// RFC 3339 in UTC: judged rows are stamped before it.
    pub until: String,
    /// Of the model that was made here.
    pub kind: ModelKind,
    /// Its feature columns.
    pub n_features: u64,
    /// Stations that it knows: those with train rows.
    pub stations: u64,
    /// Rows that taught it.
    pub train_rows: u64,
    /// Rows that told it when to stop, or that it was chosen on.
    pub valid_rows: u64,
    /// On the judged rows.
    pub scores: BacktestScores,
}

impl Document for BacktestReport {
    const FORMAT: &'static str = "pm25-backtest-report";
    const VERSION: u32 = 1;

    fn header(&self) -> &Header {
        &self.pm25
    }

    fn header_mut(&mut self) -> &mut Header {
        &mut self.pm25
    }
}
