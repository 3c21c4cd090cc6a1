//! The store under test: made-up objects, since it does not care what they mean.

mod damage;
mod hostile;
mod race;
mod table;

use std::path::PathBuf;

use pm25_file::{Fault, InputRef, Program, Result, Sha256, program};
use tempfile::TempDir;

use super::log::{Change, Decision};
use super::*;

const PROGRAM: Program = program!();

/// A registry in a folder of its own, with one model.
struct Shop {
    dir: TempDir,
    registry: Registry,
    name: Name,
}

impl Shop {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let registry = Registry::at(dir.path().join("registry"));
        Self {
            dir,
            registry,
            name: "pm25".parse().unwrap(),
        }
    }

    /// Registered, staged, in production; then a second version that is only registered.
    fn busy() -> Self {
        let shop = Self::new();
        shop.register(1);
        shop.go(Action::Promote, 1, Stage::Staging).unwrap();
        shop.go(Action::Promote, 1, Stage::Production).unwrap();
        shop.register(2);
        shop
    }

    fn author(&self) -> Author<'_> {
        Author {
            registry: &self.registry,
            name: &self.name,
            program: &PROGRAM,
            reason: None,
        }
    }

    fn register(&self, model: u32) -> Outcome {
        register(&self.author(), &candidate(model), Repeat::Register).unwrap()
    }

    /// Writes an entry as it stands, past the policy: only the log's own rules hold.
    fn go(&self, action: Action, version: u32, stage: Stage) -> Result<Outcome> {
        self.registry.commit(&self.author(), |history| {
            let objects = history
                .state
                .version(version)
                .ok_or_else(|| Fault::usage("no such version"))?
                .objects;
            let (gate, inputs) = (None, Vec::new());
            Ok(Decision::Write(Box::new(Change {
                action,
                version,
                stage,
                objects,
                gate,
                inputs,
            })))
        })
    }

    fn stages(&self) -> Vec<Stage> {
        self.registry
            .history(&self.name)
            .unwrap()
            .state
            .versions()
            .iter()
            .map(|v| v.stage)
            .collect()
    }

    fn entry(&self, number: u32) -> PathBuf {
        self.registry
            .root()
            .join(format!("models/pm25/log/{number:08}.json"))
    }

    fn check(&self) -> Result<Verified> {
        self.registry.verify(Depth::Bytes)
    }
}

/// A candidate whose bytes follow from a number.
fn candidate(model: u32) -> Candidate {
    let paper = |what: &str| {
        let bytes = format!("{what} {model}").into_bytes();
        (
            InputRef {
                name: format!("{what}.json"),
                sha256: Sha256::of(&bytes),
            },
            bytes,
        )
    };
    Candidate::of_papers(paper("model"), paper("eval"), paper("prep"))
}

/// Writes over a file that is read-only.
fn overwrite(path: &std::path::Path, bytes: &[u8]) {
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, bytes).unwrap();
}
