//! `pm25-serve`: answers requests for predictions over HTTP with the model that is in production.
//!
//! Narrow, correct and hard to hurt: what is not understood is refused with a reason, every wait and every size has
//! its limit, and no request names a file, a URL or a model. It does not train, judge or promote.

mod app;
mod body;
mod describe;
mod example;
mod guard;
mod health;
mod hosts;
mod inputs;
mod journal;
mod json;
mod limits;
mod metrics;
mod openapi;
mod page;
mod predict;
mod problem;
mod request_id;
mod routes;
mod served;
mod service;
mod signals;
mod source;
mod stream;
mod watch;
mod wire;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::bail;
use clap::{Parser, ValueEnum};
use pm25_artifact::registry::{Registry, Stage};
use pm25_file::{Fault, Input};
use pm25_tool::{Common, Console, Format, Outcome, Threads, Tool};

pub use journal::Style;
pub use limits::Limits;
pub use service::{Config, Ended, Service, Started};
pub use source::{Shelf, Source};

/// Answer requests for PM2.5 predictions over HTTP
///
/// Serves the version that is in production in a registry, and the next one as soon as it is promoted; or a model
/// file. POST /predict takes the original's six fields, POST /v1/predict a model's input columns or a station's newest
/// observations. GET / shows how. Metrics and health are on the admin listener. SIGTERM drains, SIGHUP looks at the
/// registry at once.
#[derive(Debug, Parser)]
#[command(name = "pm25-serve", version)]
pub struct Args {
    /// The registry's folder
    #[arg(
        long,
        value_name = "DIR",
        required_unless_present = "model",
        conflicts_with = "model"
    )]
    registry: Option<PathBuf>,
    /// Name of the model in the registry
    #[arg(long, value_name = "NAME", default_value = "pm25")]
    name: String,
    /// Which version of it: the one in production, or the newest in staging
    #[arg(long, value_enum, default_value = "production")]
    stage: Staged,
    /// Serve this model file, without a registry and until the end
    #[arg(long, value_name = "FILE")]
    model: Option<Input>,
    /// What the intervals of this model remember (`pm25-predict --state`), read at the start; after an exchange of the
    /// model they begin with what the new one remembers
    #[arg(long, value_name = "FILE")]
    state: Option<Input>,
    /// Where clients come; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8000")]
    listen: SocketAddr,
    /// Where the operator comes: metrics and health
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8001")]
    admin: SocketAddr,
    /// A further name that clients may use for this service, with or without a port; may be given several times
    #[arg(long = "allow-host", value_name = "HOST", value_delimiter = ',')]
    allow_hosts: Vec<String>,
    #[command(flatten)]
    threads: Threads,
    #[command(flatten)]
    common: Common,
}

/// A stage that can be served.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Staged {
    /// In use.
    Production,
    /// On trial.
    Staging,
}

impl Tool for Args {
    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, console: &Console) -> anyhow::Result<Outcome> {
        let config = self.config()?;
        let service = Service::start(config)?;
        let signals = signals::Signals::listen(service.runtime())?;
        console.say(&service.started())?;
        match signals.obey(service) {
            Ended::Drained => {}
            Ended::TimeOver(n) => console.warn(&format!("time was over: {n} connections were cut")),
            Ended::Cut(n) => bail!(Fault::unforeseen(format!(
                "ended at once by a second signal; {n} connections were cut"
            ))),
        }
        Ok(Outcome::Done)
    }
}

impl Args {
    fn config(self) -> anyhow::Result<Config> {
        if let Some(odd) = self.allow_hosts.iter().find(|host| !hosts::is_host(host)) {
            let fault = Fault::usage(format!("{odd:?} is no host"));
            bail!(
                fault.hint(
                    "give a name or an address, for example pm25.example.org or 192.0.2.7:8000"
                )
            );
        }
        let style = self.style();
        Ok(Config {
            listen: self.listen,
            admin: self.admin,
            source: source(self.registry, self.model, &self.name, self.stage)?,
            allow_hosts: self.allow_hosts,
            state: self.state,
            n_threads: self.threads.count(),
            limits: Limits::USUAL,
            style,
        })
    }

    fn style(&self) -> Style {
        match (self.common.quiet, self.common.verbose, self.common.format) {
            (true, _, _) => Style::Quiet,
            (false, true, _) | (false, _, Format::Json) => Style::Json,
            (false, false, Format::Text) => Style::Text,
        }
    }
}

fn source(
    registry: Option<PathBuf>,
    model: Option<Input>,
    name: &str,
    stage: Staged,
) -> anyhow::Result<Source> {
    if let Some(input) = model {
        return Ok(Source::File(input));
    }
    let Some(root) = registry else {
        bail!(Fault::usage("there is neither --registry nor --model").hint("give one of them"));
    };
    let stage = match stage {
        Staged::Production => Stage::Production,
        Staged::Staging => Stage::Staging,
    };
    Ok(Source::Registry(Shelf {
        registry: Registry::at(root),
        name: name.parse()?,
        stage,
    }))
}

impl fmt::Display for Started {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            listen,
            admin,
            model_name,
            model_version,
            model_kind,
            model_sha256,
        } = self;
        let version =
            model_version.map_or_else(String::new, |version| format!(" version {version}"));
        writeln!(
            f,
            "serving {model_name}{version} ({model_kind}, sha256 {model_sha256})"
        )?;
        writeln!(f, "clients  http://{listen}/")?;
        writeln!(f, "operator http://{admin}/metrics")
    }
}
