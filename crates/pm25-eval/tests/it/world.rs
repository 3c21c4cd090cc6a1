//! A world so small that every number can be worked out by hand.
//!
//! The model says 10 + a + b / 2, and adds 3 where b is missing. Stations: `east` at +08:00, `west` at +05:30; the
//! horizon is 1 h, so the target's hour is t + 1 h.
//!
//! | row | station | t (UTC) | local hour of the target | target | persistence | a | b | model says | error |
//! |---|---|---|---|---|---|---|---|---|---|
//! | 0 | east | 2016-02-29T15:00 | 0, March | 10 | 14 | 2 | 0 | 12 | +2 |
//! | 1 | east | 2016-02-29T14:00 | 23, February | 20 | - | 10 | - | 23 | +3 |
//! | 2 | east | 2016-03-05T03:00 | 12, March | 40 | 44 | 26 | 8 | 40 | 0 |
//! | 3 | east | 2016-12-31T15:00 | 0, January | 100 | 90 | 80 | -20 | 80 | -20 |
//! | 4 | west | 2016-03-01T18:30 | 1, March | 0.5 | 0.5 | 0 | 0 | 10 | +9.5 |
//! | 5 | west | 2016-03-01T03:30 | 10, March | 300 | 290 | 300 | 0 | 310 | +10 |

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use pm25_air::civil::parse_rfc3339;
use pm25_artifact::eval::EvalReport;
use pm25_artifact::prep::{FeatureFact, Prepared, StationFact, TaskFact};
use pm25_file::{
    Document, Header, Input, InputRef, Sha256, program, read_document, write_document,
};
use pm25_table::{Column, Table, Text};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub(crate) const TARGETS: [f32; 6] = [10.0, 20.0, 40.0, 100.0, 0.5, 300.0];
pub(crate) const SAID: [f64; 6] = [12.0, 23.0, 40.0, 80.0, 10.0, 310.0];
const NONE: f32 = f32::NAN;

/// A folder with a model and test rows.
pub(crate) struct World {
    folder: tempfile::TempDir,
}

impl World {
    /// The model and rows of the table above.
    pub(crate) fn new() -> Self {
        let world = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        world.model("model.json", |_| ());
        world.test("test.parquet", &["a", "b"]);
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes the model, changed somehow.
    pub(crate) fn model(&self, name: &str, change: impl FnOnce(&mut Map<String, Value>)) {
        let mut body = model();
        change(&mut body);
        let mut document = AnyModel {
            pm25: Header::new(&program!()),
            body,
        };
        write_document(&pm25_file::Output::Path(self.path(name)), &mut document).unwrap();
    }

    /// Writes the model as made from a file.
    pub(crate) fn model_made_from(&self, name: &str, input: &str, sha256: Sha256) {
        let pm25 = Header::new(&program!()).input(InputRef {
            name: input.to_owned(),
            sha256,
        });
        let mut document = AnyModel {
            pm25,
            body: model(),
        };
        write_document(&pm25_file::Output::Path(self.path(name)), &mut document).unwrap();
    }

    /// Writes the model with a parameter in its header.
    pub(crate) fn model_with_param(&self, name: &str, param: &str, value: &str) {
        let mut document = AnyModel {
            pm25: Header::new(&program!()).param(param, value),
            body: model(),
        };
        write_document(&pm25_file::Output::Path(self.path(name)), &mut document).unwrap();
    }

    /// Writes the test rows with feature columns in this order.
    pub(crate) fn test(&self, name: &str, features: &[&str]) {
        self.table(name, features, TaskFact::Forecast { horizon_h: 1 });
    }

    pub(crate) fn table(&self, name: &str, features: &[&str], task: TaskFact) {
        let header = prepared(features, task).put(Header::new(&program!()));
        rows(features)
            .write(
                &pm25_file::Output::Path(self.path(name)),
                "pm25-features",
                header,
            )
            .unwrap();
    }

    /// Test rows with targets for 1 and 6 h: rows 2 and 5 have none at 1 h, row 3 has none at 6 h.
    pub(crate) fn several(&self, name: &str) {
        let one = rows(&["a", "b"]);
        let without = |holes: &[usize], shift: f32| {
            let target = |(row, target): (usize, &f32)| match holes.contains(&row) {
                true => NONE,
                false => target + shift,
            };
            TARGETS.iter().enumerate().map(target).collect::<Vec<f32>>()
        };
        let mut table = Table::new();
        for column in one.names() {
            if column == "target_ug_m3" {
                table.push("target_h1_ug_m3", without(&[2, 5], 0.0));
                table.push("target_h6_ug_m3", without(&[3], 5.0));
            } else {
                table.push(column, one.column(column).unwrap().clone());
            }
        }
        let facts = Prepared {
            horizons_h: vec![1, 6],
            ..prepared(&["a", "b"], TaskFact::Forecast { horizon_h: 1 })
        };
        let path = pm25_file::Output::Path(self.path(name));
        let header = facts.put(Header::new(&program!()));
        table.write(&path, "pm25-features", header).unwrap();
    }

    /// The rows of `several` at one horizon, as a table that never had another.
    pub(crate) fn alone(&self, name: &str, horizon_h: u16) {
        let several = Table::read(&Input::Path(self.path("several.parquet")), "pm25-features");
        let target = format!("target_h{horizon_h}_ug_m3");
        let known = several.unwrap().known_as(&target, "target_ug_m3").unwrap();
        let mut alone = Table::new();
        for name in known.names().filter(|name| !name.starts_with("target_h")) {
            alone.push(name, known.column(name).unwrap().clone());
        }
        let facts = prepared(&["a", "b"], TaskFact::Forecast { horizon_h });
        let path = pm25_file::Output::Path(self.path(name));
        let header = facts.put(Header::new(&program!()));
        alone.write(&path, "pm25-features", header).unwrap();
    }

    pub(crate) fn eval(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_pm25-eval"))
            .current_dir(self.folder.path())
            .args(args)
            .output()
            .unwrap()
    }

    /// Judges the model on the test rows into `out`, without pictures: they take their time.
    pub(crate) fn judged(&self, more: &[&str]) -> EvalReport {
        self.judged_with_pictures(&[more, &["--no-plots"]].concat())
    }

    /// Judges the model on the test rows into `out`.
    pub(crate) fn judged_with_pictures(&self, more: &[&str]) -> EvalReport {
        let usual = [
            "--model",
            "model.json",
            "--test",
            "test.parquet",
            "--out-dir",
            "out",
        ];
        let output = self.eval(&[&usual, more].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        self.report("out")
    }

    pub(crate) fn report(&self, folder: &str) -> EvalReport {
        read_document(&Input::Path(self.path(folder).join("eval.json")))
            .unwrap()
            .0
    }

    pub(crate) fn predictions(&self, folder: &str) -> Table {
        Table::read(
            &Input::Path(self.path(folder).join("predictions.parquet")),
            "pm25-predictions",
        )
        .unwrap()
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub(crate) fn data(name: &str) -> String {
    let here = std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where the crate is");
    let path = Path::new(&here).join("tests/data").join(name);
    path.to_str().unwrap().to_owned()
}

fn rows(features: &[&str]) -> Table {
    let times = [
        "2016-02-29T15:00:00Z",
        "2016-02-29T14:00:00Z",
        "2016-03-05T03:00:00Z",
        "2016-12-31T15:00:00Z",
        "2016-03-01T18:30:00Z",
        "2016-03-01T03:30:00Z",
    ];
    let mut table = Table::new();
    table.push(
        "station",
        Column::Text(Text::from_rows([
            "east", "east", "east", "east", "west", "west",
        ])),
    );
    table.push(
        "time",
        Column::Time(
            times
                .iter()
                .map(|time| parse_rfc3339(time).unwrap())
                .collect(),
        ),
    );
    table.push("target_ug_m3", TARGETS.to_vec());
    table.push(
        "persistence_ug_m3",
        vec![14.0, NONE, 44.0, 90.0, 0.5, 290.0f32],
    );
    for feature in features {
        let values = match *feature {
            "a" => [2.0, 10.0, 26.0, 80.0, 0.0, 300.0],
            "b" => [0.0, NONE, 8.0, -20.0, 0.0, 0.0],
            _ => [7.0; 6],
        };
        table.push(feature, values.to_vec());
    }
    table
}

fn prepared(features: &[&str], task: TaskFact) -> Prepared {
    let station = |name: &str, utc_offset_min| StationFact {
        name: name.into(),
        utc_offset_min,
    };
    let feature = |name: &&str| FeatureFact {
        column: name.to_string(),
        expression: name.to_string(),
        unit: "1".into(),
    };
    Prepared {
        horizons_h: Vec::new(),
        task,
        features: features.iter().map(feature).collect(),
        stations: vec![station("east", 480), station("west", 330)],
        vocabulary: vec!["east".into(), "west".into()],
        statistics: BTreeMap::new(),
    }
}

/// The body of a model file. The climatology knows one hour of `east`, and each station's mean.
fn model() -> Map<String, Value> {
    let mut hours = vec![Value::Null; 2 * 12 * 24];
    hours[2 * 24] = json!(11.0); // east, March, hour 0
    let body = json!({
        "kind": "linear",
        "task": {"kind": "forecast", "horizon_h": 1},
        "inputs": [
            {"column": "a", "expression": "lag(pm25,1)", "unit": "1"},
            {"column": "b", "expression": "temp", "unit": "1"},
        ],
        "stations": [{"name": "east", "utc_offset_min": 480}, {"name": "west", "utc_offset_min": 330}],
        "climatology": {
            "overall_ug_m3": 50.0,
            "station_ug_m3": [30.0, 150.0],
            "station_month_ug_m3": vec![Value::Null; 24],
            "station_month_hour_ug_m3": hours,
        },
        "linear": {
            "intercept_ug_m3": 10.0,
            "terms": [
                {"mean": 0.0, "weight": 1.0, "present_ug_m3": 0.0, "missing_ug_m3": 0.0},
                {"mean": 0.0, "weight": 0.5, "present_ug_m3": 0.0, "missing_ug_m3": 3.0},
            ],
        },
    });
    match body {
        Value::Object(body) => body,
        _ => unreachable!("it is an object"),
    }
}

/// A model file whose body a test may change at will.
#[derive(Deserialize, Serialize)]
struct AnyModel {
    pm25: Header,
    #[serde(flatten)]
    body: Map<String, Value>,
}

impl Document for AnyModel {
    const FORMAT: &'static str = "pm25-model";
    const VERSION: u32 = 1;

    fn header(&self) -> &Header {
        &self.pm25
    }

    fn header_mut(&mut self) -> &mut Header {
        &mut self.pm25
    }
}
