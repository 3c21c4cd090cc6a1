//! A registry whose log is written entry by entry, past the policy: the service only reads it.

use std::fs;
use std::path::{Path, PathBuf};

use pm25_artifact::model::Model;
use pm25_artifact::registry::{Action, Entry, Name, Objects, Registry, Seen, Stage};
use pm25_file::{Header, Output, Sha256, encode_document};
use pm25_serve::{Shelf, Source};

use super::kit::PROGRAM;

pub(crate) struct Writer {
    pub(crate) registry: Registry,
    name: Name,
    n_entries: u32,
    head: Sha256,
    production: Option<u32>,
    n_versions: u32,
}

impl Writer {
    pub(crate) fn at(root: &Path) -> Self {
        let registry = Registry::at(root.join("registry"));
        let name = "pm25".parse().unwrap();
        Self {
            registry,
            name,
            n_entries: 0,
            head: Sha256::ZERO,
            production: None,
            n_versions: 0,
        }
    }

    pub(crate) fn source(&self, stage: Stage) -> Source {
        Source::Registry(Shelf {
            registry: self.registry.clone(),
            name: self.name.clone(),
            stage,
        })
    }

    /// Registers a model and brings it into production; its version and hash.
    pub(crate) fn produce(&mut self, model: Model, scratch: &Path) -> (u32, Sha256) {
        let path = scratch.join("model.json");
        model.write(&Output::Path(path.clone())).unwrap();
        let bytes = fs::read(path).unwrap();
        self.produce_bytes(&bytes)
    }

    pub(crate) fn produce_bytes(&mut self, model: &[u8]) -> (u32, Sha256) {
        self.n_versions += 1;
        let put = |bytes: &[u8]| self.registry.put_object(bytes).unwrap();
        let objects = Objects {
            model: put(model),
            eval: put(b"eval"),
            prep: put(b"prep"),
        };
        let version = self.n_versions;
        self.write(Action::Register, version, Stage::None, objects);
        self.write(Action::Promote, version, Stage::Staging, objects);
        self.write(Action::Promote, version, Stage::Production, objects);
        self.production = Some(version);
        (version, objects.model)
    }

    /// Takes the newest entries away, as if they had never been written.
    pub(crate) fn cut(&mut self, n: u32) {
        for _ in 0..n {
            fs::remove_file(self.entry(self.n_entries)).unwrap();
            self.n_entries -= 1;
        }
    }

    fn entry(&self, number: u32) -> PathBuf {
        self.registry
            .root()
            .join(format!("models/{}/log/{number:08}.json", self.name))
    }

    fn write(&mut self, action: Action, version: u32, stage: Stage, objects: Objects) {
        let number = self.n_entries + 1;
        let mut entry = Entry {
            pm25: Header::new(&PROGRAM),
            name: self.name.clone(),
            number,
            previous: self.head,
            action,
            version,
            stage,
            objects,
            seen: Seen {
                head: self.n_entries,
                production: self.production,
            },
            gate: None,
            reason: None,
        };
        let bytes = encode_document(&mut entry).unwrap();
        let path = self.entry(number);
        pm25_file::publish_new(&path, &bytes).unwrap();
        self.head = Sha256::of(&bytes);
        self.n_entries = number;
    }
}
