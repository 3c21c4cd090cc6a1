//! A folder with observations and models in it, and the program run in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use pm25_air::{FeatureSet, Network, Quantity, Station, Task};
use pm25_artifact::model::{Climatology, Model, ModelKind};
use pm25_artifact::prep::{FeatureFact, StationFact};
use pm25_file::{Header, Input, program};
use pm25_learn::{Linear, Term};
use pm25_table::{Column, Table, Text};

pub(crate) const NONE: f32 = f32::NAN;

/// A temporary folder.
pub(crate) struct House(tempfile::TempDir);

impl House {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn observations(&self, name: &str, network: &Network) {
        write_observations(&self.path(name), network);
    }

    pub(crate) fn model(&self, name: &str, model: Model) {
        model
            .write(&pm25_file::Output::Path(self.path(name)))
            .unwrap();
    }

    pub(crate) fn run(&self, argv: &[&str]) -> Output {
        run(
            Path::new(env!("CARGO_BIN_EXE_pm25-predict")),
            self.0.path(),
            argv,
        )
    }

    /// Predicts and reads the table.
    pub(crate) fn predict(&self, model: &str, more: &[&str]) -> Table {
        let argv = [
            "--model",
            model,
            "--observations",
            "obs.parquet",
            "--out",
            "f.parquet",
        ];
        let output = self.run(&[&argv[..], more].concat());
        assert!(output.status.success(), "{}", said(&output));
        self.forecast()
    }

    pub(crate) fn forecast(&self) -> Table {
        Table::read(&Input::Path(self.path("f.parquet")), "pm25-forecast").unwrap()
    }

    /// Another program that was built beside this one, run here; nothing where it was not built.
    pub(crate) fn sibling(&self, name: &str, argv: &[&str]) -> Option<Output> {
        Some(run(&self.program(name)?, self.0.path(), argv))
    }

    /// Where another program is that was built beside this one.
    pub(crate) fn program(&self, name: &str) -> Option<PathBuf> {
        let path = Path::new(env!("CARGO_BIN_EXE_pm25-predict")).with_file_name(name);
        path.exists().then_some(path)
    }
}

fn run(program: &Path, folder: &Path, argv: &[&str]) -> Output {
    Command::new(program)
        .current_dir(folder)
        .args(argv)
        .output()
        .unwrap()
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn write_observations(path: &Path, network: &Network) {
    let columns = network.to_columns();
    let mut table = Table::new();
    table.push(
        "station",
        Column::Text(Text {
            words: columns.words,
            codes: columns.codes,
        }),
    );
    table.push("time", Column::Time(columns.time_s));
    table.push("utc_offset_min", Column::I16(columns.utc_offset_min));
    for (quantity, values) in Quantity::ALL.into_iter().zip(columns.values) {
        table.push(quantity.column(), values);
    }
    for (quantity, flags) in Quantity::ALL.into_iter().zip(columns.flags) {
        table.push(quantity.flags_column(), Column::U16(flags));
    }
    let output = pm25_file::Output::Path(path.to_owned());
    table
        .write(&output, "pm25-observations", Header::new(&program!()))
        .unwrap();
}

/// A station whose every quantity wanders, with holes and doubtful values.
pub(crate) fn station(name: &str, start_s: i64, n_hours: usize) -> Station {
    let mut station = Station::new(name, start_s, 480);
    let seed = name
        .bytes()
        .fold(0, |seed, byte| seed * 31 + u64::from(byte));
    for quantity in Quantity::ALL {
        let q = quantity.index() as u64 + 1;
        let value = |hour: u64| match (hour * 31 + seed * 7 + q * 13) % 17 {
            0 => NONE,
            _ => 20.0 + ((hour * 7919 * q + seed) % 1009) as f32 / 10.0,
        };
        station.values[quantity.index()] = (0..n_hours as u64).map(value).collect();
        let flag = |hour: u64| {
            if (hour + q).is_multiple_of(29) {
                pm25_air::flag::RANGE
            } else {
                0
            }
        };
        station.flags[quantity.index()] = (0..n_hours as u64).map(flag).collect();
    }
    station
}

pub(crate) fn network(stations: Vec<Station>) -> Network {
    Network::from_stations(stations).unwrap()
}

/// A model of these features that learned from these stations: no two inputs weigh the same.
pub(crate) fn model(kind: ModelKind, task: Task, features: &str, stations: &[&str]) -> Model {
    let features = FeatureSet::parse(task, features).unwrap();
    let inputs = features.features().iter().map(|feature| FeatureFact {
        column: feature.column(),
        expression: feature.to_string(),
        unit: feature.unit().to_owned(),
    });
    let term = |i: usize| Term {
        mean: 30.0,
        weight: 0.1 + 0.01 * i as f64,
        present: 0.2,
        missing: 1.0 + i as f64,
    };
    let stations = stations.iter().map(|name| StationFact {
        name: (*name).into(),
        utc_offset_min: 480,
    });
    let stations: Vec<StationFact> = stations.collect();
    let civil = pm25_air::civil::Civil::of(0, 480);
    let targets = (0..stations.len()).map(|at| (Some(at), Some(civil), 40.0 + at as f32));
    Model {
        header: Header::new(&program!()),
        kind,
        task: task.into(),
        inputs: inputs.collect(),
        climatology: Climatology::fit(stations.len(), targets),
        linear: Linear {
            intercept: 50.0,
            terms: (0..features.features().len()).map(term).collect(),
        },
        stations,
        trees: None,
        blend: None,
        intervals: None,
        online: None,
        warning_lines: Vec::new(),
        spread: None,
        profile: None,
    }
}
