//! The header that every table and document of ours carries: what it is, who made it, from what.
//!
//! It holds no clock, host, user or absolute path, so that the same work gives the same bytes.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Fault, Result, Seal, Sha256};

/// A program and its version, as written into headers.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// For example `pm25-prep`.
    pub name: &'static str,
    /// For example `0.1.0`.
    pub version: &'static str,
}

/// The [`Program`] of the crate in which this is written.
#[macro_export]
macro_rules! program {
    () => {
        $crate::Program {
            name: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
        }
    };
}

/// A file by name and contents.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(deny_unknown_fields)]
pub struct InputRef {
    /// Relative to the run's root, or the bare file name.
    pub name: String,
    /// Of the whole file.
    pub sha256: Sha256,
}

/// Where a file comes from and how to read it. `seal` stands first on purpose: see [`crate::check_seal`].
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// SHA-256 of the whole file with the seal's own digits read as zeros.
    pub seal: Seal,
    /// Which kind of file this is, for example `pm25-model`.
    pub format: String,
    /// Version of that format; readers refuse newer ones.
    pub version: u32,
    /// The program that wrote it.
    pub program: String,
    /// Its version.
    pub program_version: String,
    /// Parameters that affect the result; never threads or paths.
    #[serde(default)]
    pub params: BTreeMap<String, Value>,
    /// What it was made from.
    #[serde(default)]
    pub inputs: Vec<InputRef>,
    /// Files that stand beside it and belong to it (pictures, tables).
    #[serde(default)]
    pub files: Vec<InputRef>,
    /// Unit of each column or number.
    #[serde(default)]
    pub units: BTreeMap<String, String>,
    /// Whatever else a reader must know, by name.
    #[serde(default)]
    pub facts: BTreeMap<String, Value>,
}

impl Header {
    /// A header with nothing but its author; format and version are filled in on writing.
    pub fn new(program: &Program) -> Self {
        Self {
            seal: Seal::OPEN,
            format: String::new(),
            version: 0,
            program: program.name.to_owned(),
            program_version: program.version.to_owned(),
            params: BTreeMap::new(),
            inputs: Vec::new(),
            files: Vec::new(),
            units: BTreeMap::new(),
            facts: BTreeMap::new(),
        }
    }

    /// Adds a result-affecting parameter.
    #[must_use]
    pub fn param(mut self, name: &str, value: impl Serialize) -> Self {
        self.params.insert(name.to_owned(), to_value(name, value));
        self
    }

    /// Adds an input.
    #[must_use]
    pub fn input(mut self, input: InputRef) -> Self {
        self.inputs.push(input);
        self
    }

    /// Adds a file that belongs to this one.
    #[must_use]
    pub fn file(mut self, file: InputRef) -> Self {
        self.files.push(file);
        self
    }

    /// Says the unit of a column.
    #[must_use]
    pub fn unit(mut self, column: &str, unit: &str) -> Self {
        self.units.insert(column.to_owned(), unit.to_owned());
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn fact(mut self, name: &str, value: impl Serialize) -> Self {
        self.facts.insert(name.to_owned(), to_value(name, value));
        self
    }

    /// Reads a fact back; absent or of another shape is a bad artifact.
    pub fn read_fact<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        let value = self
            .facts
            .get(name)
            .ok_or_else(|| Fault::bad_artifact(format!("the header has no fact `{name}`")))?;
        T::deserialize(value).map_err(|e| {
            Fault::bad_artifact(format!("the header's fact `{name}` is unreadable")).because(e)
        })
    }

    /// Refuses a file of another kind, or one newer than this build.
    pub fn expect(&self, name: &str, format: &str, version: u32) -> Result<()> {
        if self.format != format {
            return Err(Fault::bad_artifact(format!(
                "{name} is a `{}`, not a `{format}`",
                self.format
            ))
            .hint(format!(
                "it was made by {}; give the file that holds a `{format}`",
                self.program
            )));
        }
        if version < self.version {
            return Err(Fault::bad_artifact(format!(
                "{name}: format version {}; this build reads up to {version}",
                self.version
            ))
            .hint("it comes from a newer pm25: upgrade, or make it again with this one"));
        }
        Ok(())
    }
}

fn to_value(name: &str, value: impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_else(|e| {
        unreachable!("`{name}` is made of strings, numbers and lists of them: {e}")
    })
}
