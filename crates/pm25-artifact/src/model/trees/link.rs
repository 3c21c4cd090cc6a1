//! The link of a model's trees on disk: `"log"`, `{"log1p":{"factor":1.02}}` or `{"sqrt":{"spread_ug_m3":3.1}}`.
//!
//! Absent where the sum of the trees is the prediction, as in every file before there was a link. Its numbers are
//! checked with the trees.

use pm25_learn::tree::Link;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum LinkFile {
    Log,
    Log1p { factor: f64 },
    Sqrt { spread_ug_m3: f64 },
}

impl LinkFile {
    /// None where nothing has to be said.
    pub(super) fn of(link: Link) -> Option<Self> {
        match link {
            Link::Identity => None,
            Link::Log => Some(Self::Log),
            Link::Log1p { factor } => Some(Self::Log1p { factor }),
            Link::Sqrt { spread } => Some(Self::Sqrt {
                spread_ug_m3: spread,
            }),
        }
    }
}

impl From<LinkFile> for Link {
    fn from(file: LinkFile) -> Self {
        match file {
            LinkFile::Log => Self::Log,
            LinkFile::Log1p { factor } => Self::Log1p { factor },
            LinkFile::Sqrt { spread_ug_m3 } => Self::Sqrt {
                spread: spread_ug_m3,
            },
        }
    }
}
