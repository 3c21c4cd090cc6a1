//! Small models, and services of them.

use std::net::SocketAddr;
use std::time::Duration;

use pm25_air::{FeatureSet, Task};
use pm25_artifact::model::{
    Climatology, Horizons, Model, ModelKind, N_HOURS, N_MONTHS, OnlineState,
};
use pm25_artifact::prep::{FeatureFact, StationFact};
use pm25_artifact::state::StateFile;
use pm25_file::{Header, Input, Output, Program, program};
use pm25_learn::{Linear, Term};
use pm25_serve::{Config, Ended, Limits, Service, Source, Style};
use tempfile::TempDir;

pub(crate) const PROGRAM: Program = program!();
pub(crate) const STATIONS: [(&str, i16); 2] = [("Aotizhongxin", 480), ("Delhi <b>&'", 330)];
pub(crate) const CLASSIC: &str =
    r#"{"PM10":80,"O3":31.5,"CO":1.2,"hour":14,"dayofweek":2,"month":11}"#;
/// Limits of a service in a hurry: a test need not wait 15 s for the end of patience.
pub(crate) const HURRY: Duration = Duration::from_secs(2);

/// A model of these features; its numbers mean nothing, and differ in every bit.
pub(crate) fn model(task: Task, features: &str, kind: ModelKind) -> Model {
    let set = FeatureSet::parse(task, features).unwrap();
    let fact = |feature: &pm25_air::Feature| FeatureFact {
        column: feature.column(),
        expression: feature.to_string(),
        unit: feature.unit().to_owned(),
    };
    let inputs: Vec<FeatureFact> = set.features().iter().map(fact).collect();
    let number = |n: usize| (n as f64 + 0.3).sqrt();
    let term = |n: usize| Term {
        mean: number(n) * 7.0,
        weight: number(n + 1) / 3.0 - 0.7,
        present: 0.25,
        missing: number(n) - 2.0,
    };
    let n_stations = STATIONS.len();
    let numbers = |n: usize, shift: usize| (0..n).map(|n| 40.0 + number(n + shift)).collect();
    Model {
        header: Header::new(&PROGRAM),
        kind,
        task: task.into(),
        linear: Linear {
            intercept: 48.7,
            terms: (0..inputs.len()).map(term).collect(),
        },
        inputs,
        stations: STATIONS
            .map(|(name, utc_offset_min)| StationFact {
                name: name.to_owned(),
                utc_offset_min,
            })
            .into(),
        climatology: Climatology {
            overall: 71.5,
            station: numbers(n_stations, 1),
            month: numbers(n_stations * N_MONTHS, 3),
            hour: numbers(n_stations * N_MONTHS * N_HOURS, 50),
        },
        trees: None,
        blend: None,
        intervals: None,
        online: None,
        warning_lines: Vec::new(),
        spread: None,
        profile: None,
    }
}

pub(crate) fn classic() -> Model {
    model(Task::Nowcast, "classic", ModelKind::Linear)
}

pub(crate) const FORECAST: Task = Task::Forecast { horizon_h: 24 };

/// A model that looks at its own station alone.
pub(crate) fn forecast() -> Model {
    model(FORECAST, &own(FORECAST), ModelKind::Linear)
}

/// What `full` says of a station by itself.
pub(crate) fn own(task: Task) -> String {
    let set = FeatureSet::parse(task, "full").unwrap();
    let all = set.features().iter().map(ToString::to_string);
    let own: Vec<String> = all.filter(|it| !it.starts_with("others_")).collect();
    own.join(",")
}

/// A service of a model file, on free ports.
pub(crate) struct Site {
    service: Option<Service>,
    pub(crate) listen: SocketAddr,
    pub(crate) admin: SocketAddr,
    _dir: TempDir,
}

impl Site {
    pub(crate) fn of(model: Model) -> Self {
        Self::with(model, Limits::USUAL)
    }

    pub(crate) fn with(model: Model, limits: Limits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.json");
        model.write(&Output::Path(path.clone())).unwrap();
        Self::start(dir, Source::File(Input::Path(path)), limits)
    }

    /// A service of models for several horizons.
    pub(crate) fn of_several(members: Vec<Model>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.json");
        let several = Horizons::of(members).unwrap();
        several.write(&Output::Path(path.clone())).unwrap();
        Self::start(dir, Source::File(Input::Path(path)), Limits::USUAL)
    }

    /// A service of a model file whose intervals have gone on from what the model remembers.
    pub(crate) fn remembering(model: Model, state: OnlineState) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let [path, state_path] = ["model.json", "state.json"].map(|name| dir.path().join(name));
        let task = model.task();
        let sha256 = model.write(&Output::Path(path.clone())).unwrap();
        let file = StateFile {
            task,
            pm25: Header::new(&program!()),
            model: sha256,
            state,
        };
        file.write(&Output::Path(state_path.clone())).unwrap();
        let source = Source::File(Input::Path(path));
        Self::begin(dir, (source, Some(Input::Path(state_path))), Limits::USUAL)
    }

    pub(crate) fn start(dir: TempDir, source: Source, limits: Limits) -> Self {
        Self::begin(dir, (source, None), limits)
    }

    fn begin(dir: TempDir, (source, state): (Source, Option<Input>), limits: Limits) -> Self {
        let free: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let config = Config {
            listen: free,
            admin: free,
            allow_hosts: vec!["pm25.example.org".to_owned()],
            source,
            state,
            n_threads: 2,
            limits,
            style: Style::Quiet,
        };
        let service = Service::start(config).unwrap();
        let (listen, admin) = (service.listen, service.admin);
        Self {
            service: Some(service),
            listen,
            admin,
            _dir: dir,
        }
    }

    pub(crate) fn service(&self) -> &Service {
        self.service.as_ref().unwrap()
    }

    /// Ends the service as one signal would.
    pub(crate) fn end(mut self) -> Ended {
        self.service.take().unwrap().end(std::future::pending())
    }

    /// The number of a series on the admin listener; 0 when it is not there.
    pub(crate) fn counted(&self, series: &str) -> f64 {
        let text = super::http::get(self.admin, "/metrics").text();
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok());
        value.unwrap_or(0.0)
    }
}

/// Limits whose patience is short.
pub(crate) fn hurried() -> Limits {
    Limits {
        head_read: HURRY,
        body_read: HURRY,
        write_stall: HURRY,
        linger: HURRY,
        ..Limits::USUAL
    }
}
