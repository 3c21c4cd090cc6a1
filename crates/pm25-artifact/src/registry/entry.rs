//! One entry of a model's log: a transition that took place, as it is written down.
//!
//! It holds no clock, host or user: the same work gives the same chain. Who and when belong to the system
//! that calls; the times in `times.jsonl` are a convenience and no evidence.

use std::fmt;
use std::str::FromStr;

use pm25_file::{Document, Fault, Header, Sha256};
use serde::{Deserialize, Serialize};

use super::{Name, Passed, Reason};

/// What happened.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// A new version, made of a model and the papers that speak for it.
    Register,
    /// One stage up: to staging, or from staging to production.
    Promote,
    /// The version that was in production before is so again.
    Rollback,
    /// Never to be used again.
    Archive,
}

/// Where a version stands.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Registered, nothing more.
    None,
    /// On trial: it passed the gates once. Several versions may be.
    Staging,
    /// In use; at most one version is.
    Production,
    /// Was in production, and another took its place.
    Superseded,
    /// Never to be used again.
    Archived,
}

/// The objects of a version, by content.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Objects {
    /// `model.json`
    pub model: Sha256,
    /// `eval.json` about this very model.
    pub eval: Sha256,
    /// `prep.json` of the tables that the model learned from.
    pub prep: Sha256,
}

impl Objects {
    /// Each object with what it is.
    pub fn each(&self) -> [(&'static str, Sha256); 3] {
        [
            ("model", self.model),
            ("eval", self.eval),
            ("prep", self.prep),
        ]
    }
}

/// The state on which the decision was taken.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// Number of the newest entry then; 0 for none.
    pub head: u32,
    /// The version in production then.
    pub production: Option<u32>,
}

/// One file `log/00000001.json`, `log/00000002.json`, ...
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Header; its inputs are the files that were given to the program.
    pub pm25: Header,
    /// The model to whose log it belongs, so that logs cannot be exchanged.
    pub name: Name,
    /// 1, 2, 3, ... and the file's name.
    pub number: u32,
    /// SHA-256 of the bytes of the entry before; zeros in the first.
    pub previous: Sha256,
    /// What happened.
    pub action: Action,
    /// To which version; versions are 1, 2, 3, ... in the order of their registration.
    pub version: u32,
    /// Where that version stands now.
    pub stage: Stage,
    /// What that version is made of.
    pub objects: Objects,
    /// On which state it was decided.
    pub seen: Seen,
    /// How it passed the policy; only a promotion has to.
    pub gate: Option<Passed>,
    /// Why, in somebody's words.
    pub reason: Option<Reason>,
}

impl Document for Entry {
    const FORMAT: &'static str = "pm25-registry-entry";
    const VERSION: u32 = 1;

    fn header(&self) -> &Header {
        &self.pm25
    }

    fn header_mut(&mut self) -> &mut Header {
        &mut self.pm25
    }
}

/// The newest entry of a log: kept elsewhere, it shows later that nothing was cut off or rewritten.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Head {
    /// Its number; 0 for an empty log.
    pub number: u32,
    /// SHA-256 of its bytes; zeros for an empty log.
    pub sha256: Sha256,
}

impl Head {
    /// The head of an empty log.
    pub const NONE: Self = Self {
        number: 0,
        sha256: Sha256::ZERO,
    };
}

impl FromStr for Head {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        text.split_once(':')
            .and_then(|(number, sha256)| {
                Some(Self {
                    number: number.parse().ok()?,
                    sha256: sha256.parse().ok()?,
                })
            })
            .ok_or_else(|| {
                Fault::usage("a head is NUMBER:HASH, for example 3:9f86…0f00a08")
                    .hint("`pm25-registry verify` prints the present one")
            })
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.number, self.sha256)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Register => "register",
            Self::Promote => "promote",
            Self::Rollback => "rollback",
            Self::Archive => "archive",
        })
    }
}

impl Stage {
    /// Every stage.
    pub const ALL: [Self; 5] = [
        Self::None,
        Self::Staging,
        Self::Production,
        Self::Superseded,
        Self::Archived,
    ];

    /// As written in the log.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Staging => "staging",
            Self::Production => "production",
            Self::Superseded => "superseded",
            Self::Archived => "archived",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
