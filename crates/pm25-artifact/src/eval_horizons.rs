//! `eval.json` of a model of several horizons: each in a few numbers, and where the rest is.

use std::collections::BTreeMap;

use pm25_file::{Document, Header, Sha256};
use serde::{Deserialize, Serialize};

use crate::eval::{Baselines, Metrics, Skill};
use crate::model::ModelKind;

/// The summary; the whole evaluation of 6 h is `h6/eval.json` beside it, which the header's files name by hash.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HorizonsEval {
    /// Header.
    pub pm25: Header,
    /// The model file.
    pub model: Sha256,
    /// By hours ahead.
    pub horizons: BTreeMap<u16, HorizonScores>,
}

/// One horizon: as the fields of the same names in [`EvalReport`](crate::eval::EvalReport).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HorizonScores {
    /// How its model predicts.
    pub kind: ModelKind,
    /// Over all test rows with a target at this horizon.
    pub metrics: Metrics,
    /// The same for its yardsticks.
    pub baselines: Baselines<Metrics>,
    /// Over each of them.
    pub skill_over: Baselines<Skill>,
    /// Over persistence.
    pub skill_over_persistence: Skill,
    /// Its 95 % block-bootstrap interval; absent where the table is too short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skill_interval: Option<[f64; 2]>,
}

impl Document for HorizonsEval {
    const FORMAT: &'static str = "pm25-eval-horizons";
    const VERSION: u32 = 1;

    fn header(&self) -> &Header {
        &self.pm25
    }

    fn header_mut(&mut self) -> &mut Header {
        &mut self.pm25
    }
}
