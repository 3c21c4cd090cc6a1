//! Where the model comes from: a file, or a stage of a registry.

use pm25_artifact::model::Horizons;
use pm25_artifact::registry::{Head, History, Name, Registry, Stage, Version};
use pm25_file::{Fault, Input, Result};

use crate::served::{Origin, Served};

/// Where the model comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A model file, read once.
    File(Input),
    /// What is in a stage of a registry, whenever that changes.
    Registry(Shelf),
}

/// A stage of one model of a registry.
#[derive(Clone, Debug)]
pub struct Shelf {
    /// The registry.
    pub registry: Registry,
    /// The model's name.
    pub name: Name,
    /// The stage: production, or the newest in staging.
    pub stage: Stage,
}

/// What a look at a registry found.
pub(crate) struct Found {
    /// The newest entry of the log.
    pub(crate) head: Head,
    /// The version that stands in the stage.
    pub(crate) version: Version,
}

impl Source {
    /// Reads, validates and tests the model; also the log's head, if there is one.
    pub(crate) fn load(&self, base_url: &str) -> Result<(Served, Option<Head>)> {
        match self {
            Self::File(input) => Ok((from_file(input, base_url)?, None)),
            Self::Registry(shelf) => {
                let found = shelf.look(None)?;
                Ok((shelf.load(&found.version, base_url)?, Some(found.head)))
            }
        }
    }
}

impl Shelf {
    /// Which version stands in the stage now.
    ///
    /// # Errors
    /// When the log is damaged, when nothing stands there, or when the log does not hold the head that was `seen`
    /// before: then entries were cut off, and what it says now is not to be believed.
    pub(crate) fn look(&self, seen: Option<Head>) -> Result<Found> {
        let history = self.registry.history(&self.name)?;
        let head = history.head();
        if let Some(seen) = seen
            && !history.holds(seen)
        {
            let what = format!(
                "the log of `{}` does not hold the entry {seen} any more; its head is {head}",
                self.name
            );
            return Err(Fault::bad_artifact(what).hint("restore the registry from a copy"));
        }
        match self.standing(&history) {
            Some(version) => Ok(Found {
                head,
                version: version.clone(),
            }),
            None => Err(Fault::bad_artifact(format!(
                "no version of `{}` is in {}",
                self.name, self.stage
            ))
            .hint(format!(
                "`pm25-registry promote --name {} --version V --to {}`",
                self.name, self.stage
            ))),
        }
    }

    /// Reads the version's model, whose bytes have the hash that the log names.
    pub(crate) fn load(&self, version: &Version, base_url: &str) -> Result<Served> {
        let sha256 = version.objects.model;
        let bytes = self.registry.object(sha256)?;
        let path = self.registry.object_path(sha256);
        let horizons = Horizons::decode(&path.display().to_string(), &bytes)?;
        let origin = Origin {
            name: self.name.to_string(),
            version: Some(version.number),
            sha256,
            base_url: base_url.to_owned(),
        };
        Served::new(horizons, origin)
    }

    fn standing<'a>(&self, history: &'a History) -> Option<&'a Version> {
        match self.stage {
            Stage::Production => history.state.production(),
            stage => history.state.newest_in(stage),
        }
    }
}

fn from_file(input: &Input, base_url: &str) -> Result<Served> {
    let (horizons, read) = Horizons::read(input)?;
    let origin = Origin {
        name: input.name(),
        version: None,
        sha256: read.sha256,
        base_url: base_url.to_owned(),
    };
    Served::new(horizons, origin)
}
