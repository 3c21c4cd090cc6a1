//! `probe.json`: whether prepared tables give away what a model is not to know.
//!
//! It does not say that a model is good, and a clean probe is no proof: each says what it looked at.

use std::collections::BTreeMap;

use pm25_file::{Document, Header};
use serde::{Deserialize, Serialize};

use crate::prep::TaskFact;

/// `probe.json`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeReport {
    /// Provenance and seal; the tables are in `inputs`.
    pub pm25: Header,
    /// What the tables are for.
    pub task: TaskFact,
    /// How many probes found a leak.
    pub leaks: u64,
    /// Every probe, in the order in which they ran.
    pub probes: Vec<Probe>,
}

/// One probe.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Its name.
    pub name: String,
    /// What it looked at.
    pub input: String,
    /// What follows.
    pub verdict: ProbeVerdict,
    /// In a sentence.
    pub finding: String,
    /// The numbers behind it.
    pub numbers: BTreeMap<String, f64>,
    /// Columns, or files, that are to blame.
    pub blamed: Vec<String>,
}

/// What a probe concludes.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeVerdict {
    /// What it looks for is not there.
    Clean,
    /// The answer has found its way into the question.
    Leak,
    /// A property of the air, not a fault.
    Reported,
    /// It lacks what it needs.
    NotRun,
}

impl Document for ProbeReport {
    const FORMAT: &'static str = "pm25-probe-report";
    const VERSION: u32 = 1;

    fn header(&self) -> &Header {
        &self.pm25
    }

    fn header_mut(&mut self) -> &mut Header {
        &mut self.pm25
    }
}
