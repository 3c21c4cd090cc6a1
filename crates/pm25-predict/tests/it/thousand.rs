//! A thousand rows of each kind of model: batch (`pm25-eval`), forecast (`pm25-predict`) and service (`pm25-serve`) say
//! the same, to the last bit. Through the real programs, where they are built.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use pm25_air::civil::{HOUR_S, format_utc};
use pm25_artifact::model::{Model, ModelKind, PartModel};
use pm25_file::Input;
use pm25_table::Table;
use serde_json::{Map, Value, json};

use super::house::{House, network, said, station};

const START_S: i64 = 1_467_302_400;
const N_HOURS: usize = 60;
/// One row each; those without a target are in no batch.
const N_STATIONS: usize = 1_100;
const N_ROWS_MIN: usize = 1_000;
/// A test hour: the split leaves the last third of the record to the test.
const AT_S: i64 = START_S + 50 * HOUR_S;
const TASK: &str =
    "--task forecast --horizon-h 6 --features pm25,lag(pm25,1),mean(pm25,3),o3,hour,station";

/// Predictions of one hour by station and horizon, as bits.
type Said = BTreeMap<(String, i64), u64>;

/// Runs a sibling; false where it is not built.
fn ran(house: &House, program: &str, words: &str) -> bool {
    let argv: Vec<&str> = words.split(' ').collect();
    let Some(output) = house.sibling(program, &argv) else {
        return false;
    };
    assert!(output.status.success(), "{program}: {}", said(&output));
    true
}

fn of_hour(table: &Table) -> Said {
    let (station, time_s) = (table.text("station").unwrap(), table.time("time").unwrap());
    let horizon_h = table.i16("horizon_h").unwrap();
    let key = |row: usize| (station.get(row).to_owned(), i64::from(horizon_h[row]));
    let predictions = table.f64("prediction_ug_m3").unwrap().iter().enumerate();
    predictions
        .filter(|(row, _)| time_s[*row] == AT_S)
        .map(|(row, value)| (key(row), value.to_bits()))
        .collect()
}

/// A service of the model; it ends with the test, also with one that fails.
struct Service {
    child: Child,
    address: String,
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Service {
    fn of(house: &House) -> Option<Self> {
        let mut child = Command::new(house.program("pm25-serve")?)
            .current_dir(house.path("."))
            .args("--model model.json --listen 127.0.0.1:0 --admin 127.0.0.1:0".split(' '))
            .args(["--format", "json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let started: Value = serde_json::from_str(&line).unwrap();
        let address = started["listen"].as_str().unwrap().to_owned();
        Some(Self { child, address })
    }

    fn post(&self, body: &str) -> Value {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let (host, length) = (&self.address, body.len());
        let head = format!(
            "POST /v1/predict HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
        );
        stream
            .write_all(&[head.as_bytes(), body.as_bytes()].concat())
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap()
    }
}

/// The shortest decimal of an f32, as people and programs send it.
fn number(value: f32) -> Value {
    if value.is_nan() {
        Value::Null
    } else {
        value.to_string().parse::<f64>().unwrap().into()
    }
}

fn served(house: &House, test: &Table, model: &Model) -> Option<Said> {
    let (station, time_s) = (test.text("station").unwrap(), test.time("time").unwrap());
    let columns: Vec<&str> = model
        .inputs()
        .iter()
        .map(|input| input.column.as_str())
        .chain(["persistence_ug_m3"])
        .collect();
    let row = |row: usize| {
        let mut fields: Map<String, Value> = columns
            .iter()
            .map(|&name| (name.to_owned(), number(test.f32(name).unwrap()[row])))
            .collect();
        fields.insert("station".to_owned(), station.get(row).into());
        fields.insert("time".to_owned(), format_utc(time_s[row]).into());
        Value::Object(fields)
    };
    let of_hour = (0..test.n_rows()).filter(|&row| time_s[row] == AT_S);
    let rows: Vec<Value> = of_hour.map(row).collect();
    let answer = Service::of(house)?.post(&json!({"rows": rows}).to_string());
    let predictions = answer["predictions"]
        .as_array()
        .unwrap_or_else(|| panic!("{answer}"));
    let pair = |row: &Value| {
        let prediction = row["prediction_ug_m3"].as_f64().unwrap();
        let station = row["station"].as_str().unwrap().to_owned();
        let horizon_h = row["horizon_h"].as_i64().unwrap();
        ((station, horizon_h), prediction.to_bits())
    };
    Some(predictions.iter().map(pair).collect())
}

#[test]
fn a_thousand_rows_of_each_kind_are_the_same_in_batch_forecast_and_service() {
    let house = House::new();
    let name = |at: usize| format!("s{at:04}");
    let stations = (0..N_STATIONS).map(|at| station(&name(at), START_S, N_HOURS));
    house.observations("obs.parquet", &network(stations.collect()));
    let prep = format!("obs.parquet --out-dir . --split 0.5,0.2,0.3 {TASK}");
    if !ran(&house, "pm25-prep", &prep) {
        return;
    }
    let test = Table::read(&Input::Path(house.path("test.parquet")), "pm25-features").unwrap();
    for kind in ModelKind::ALL {
        let few = match kind {
            ModelKind::Forest | ModelKind::Boost => " --set n_estimators=12",
            ModelKind::Blend => " --parts linear,boost-half --set boost.n_estimators=12 --folds 2",
            _ => "",
        };
        let train = format!(
            "--train train.parquet --valid valid.parquet --out model.json --model {kind}{few}"
        );
        let eval = "--model model.json --test test.parquet --out-dir eval --no-plots";
        if !(ran(&house, "pm25-train", &train) && ran(&house, "pm25-eval", eval)) {
            return;
        }
        let path = Input::Path(house.path("eval/predictions.parquet"));
        let batch = of_hour(&Table::read(&path, "pm25-predictions").unwrap());
        assert!(N_ROWS_MIN <= batch.len(), "{} rows", batch.len());
        let different: std::collections::BTreeSet<u64> = batch.values().copied().collect();
        assert!(50 < different.len(), "{kind}: {} values", different.len());
        let mut forecast = of_hour(&house.predict("model.json", &["--at", &format_utc(AT_S)]));
        // A row without a target is in no batch; it is served all the same.
        forecast.retain(|key, _| batch.contains_key(key));
        assert!(forecast == batch, "{kind}: forecast and batch differ");
        let (model, _) = Model::read(&Input::Path(house.path("model.json"))).unwrap();
        let Some(served) = served(&house, &test, &model) else {
            return;
        };
        assert!(served == batch, "{kind}: service and batch differ");
    }
}

#[test]
fn a_thousand_rows_of_each_horizon_are_the_same_in_batch_forecast_and_service() {
    let house = House::new();
    let name = |at: usize| format!("s{at:04}");
    let stations = (0..N_STATIONS).map(|at| station(&name(at), START_S, N_HOURS));
    house.observations("obs.parquet", &network(stations.collect()));
    let task = TASK.replace("--horizon-h 6", "--horizon-h 1,6,9");
    let eval = "--model model.json --test test.parquet --out-dir eval --no-plots";
    let prep = format!("obs.parquet --out-dir . --split 0.5,0.2,0.3 {task}");
    let train = "--train train.parquet --valid valid.parquet --out model.json";
    for model in [
        "--model linear",
        "--model blend --parts linear,boost-together,boost-change-together --folds 2 --set boost.n_estimators=12",
    ] {
        let train = format!("{train} {model}");
        for (program, words) in [
            ("pm25-prep", &*prep),
            ("pm25-train", &*train),
            ("pm25-eval", eval),
        ] {
            if !ran(&house, program, words) {
                return;
            }
        }
        expect_the_same(&house, &["h1", "h6", "h9"]);
    }
}

/// A learner for each of three stations: rows of one hour of all of them are answered each by its own.
#[test]
fn rows_of_each_stations_own_learner_are_the_same_in_batch_forecast_and_service() {
    let house = House::new();
    let hours = 3_600;
    let start_s = AT_S - 3_000 * HOUR_S;
    let stations = ["a", "b", "c"].map(|name| station(name, start_s, hours));
    house.observations("obs.parquet", &network(stations.into()));
    let task = TASK.replace("--horizon-h 6", "--horizon-h 1,6");
    let prep = format!("obs.parquet --out-dir . --split 0.5,0.2,0.3 {task}");
    let train = "--train train.parquet --valid valid.parquet --out model.json --model blend \
        --parts linear-own,boost-effects,boost-own --folds 2 --set boost.n_estimators=12";
    let eval = "--model model.json --test test.parquet --out-dir eval --no-plots";
    let train = train.split_whitespace().collect::<Vec<_>>().join(" ");
    for (program, words) in [
        ("pm25-prep", &*prep),
        ("pm25-train", &train),
        ("pm25-eval", eval),
    ] {
        if !ran(&house, program, words) {
            return;
        }
    }
    let path = Input::Path(house.path("model.json"));
    let (model, _) = Model::read_at(&path, Some(6)).unwrap();
    let parts = model.blend.as_ref().unwrap().parts.iter();
    assert!(
        parts
            .map(|part| &part.model)
            .any(|it| matches!(it, PartModel::Own(_)))
    );
    expect_the_same(&house, &["h1", "h6"]);
}

/// What was judged of [`AT_S`] in these folders, forecast and served, to the bit.
fn expect_the_same(house: &House, folders: &[&str]) {
    let mut batch = Said::new();
    for folder in folders {
        let path = house.path("eval").join(folder).join("predictions.parquet");
        batch.extend(of_hour(
            &Table::read(&Input::Path(path), "pm25-predictions").unwrap(),
        ));
    }
    assert!(folders.len() * 3 <= batch.len() + 1, "{} rows", batch.len());
    let mut forecast = of_hour(&house.predict("model.json", &["--at", &format_utc(AT_S)]));
    forecast.retain(|key, _| batch.contains_key(key));
    assert!(forecast == batch, "forecast and batch differ");
    let test = Table::read(&Input::Path(house.path("test.parquet")), "pm25-features").unwrap();
    let path = Input::Path(house.path("model.json"));
    let (model, _) = Model::read_at(&path, Some(6)).unwrap();
    let Some(mut served) = served(house, &test, &model) else {
        return;
    };
    served.retain(|key, _| batch.contains_key(key));
    assert!(served == batch, "service and batch differ");
}
