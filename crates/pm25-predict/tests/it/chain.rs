//! Through the real programs, where they are built and the raw files are at hand: ingest, prep, train, predict.

use std::collections::BTreeMap;
use std::path::Path;

use pm25_air::civil::format_utc;
use pm25_artifact::model::{Model, Rows};
use pm25_file::Input;
use pm25_table::Table;

use super::house::{House, said};

/// Runs a sibling; false where it is not built.
fn ran(house: &House, program: &str, argv: &[&str]) -> bool {
    let Some(output) = house.sibling(program, argv) else {
        return false;
    };
    assert!(output.status.success(), "{program}: {}", said(&output));
    true
}

/// Observations, and tables and a model of one task; false where something is not at hand.
fn prepared(house: &House, task: &[&str], model: &[&str]) -> bool {
    let here = std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where the crate is");
    let data = Path::new(&here).join("../../../shared/data/beijing");
    let file = |name: &str| data.join(format!("PRSA_Data_{name}_20130301-20170228.csv.gz"));
    let files =
        [file("Aotizhongxin"), file("Dingling")].map(|path| path.to_string_lossy().into_owned());
    if !files.iter().all(|path| Path::new(path).exists()) {
        return false;
    }
    let ingest = [
        &files[0],
        &files[1],
        "--out",
        "obs.parquet",
        "--report",
        "ingest.json",
    ];
    let prep = [
        &["obs.parquet", "--out-dir", ".", "--split", "0.3,0.1,0.6"][..],
        task,
    ]
    .concat();
    let train = [
        "--train",
        "train.parquet",
        "--valid",
        "valid.parquet",
        "--out",
        "model.json",
    ];
    ran(house, "pm25-ingest", &ingest)
        && ran(house, "pm25-prep", &prep)
        && ran(house, "pm25-train", &[&train[..], model].concat())
}

/// The batch prediction of every row of the test table, by station and time.
fn batch(house: &House) -> BTreeMap<(String, i64), (f64, f32)> {
    let (model, _) = Model::read(&Input::Path(house.path("model.json"))).unwrap();
    let test = Table::read(&Input::Path(house.path("test.parquet")), "pm25-features").unwrap();
    let (station, time_s) = (test.text("station").unwrap(), test.time("time").unwrap());
    let known = test.f32("persistence_ug_m3").unwrap();
    let predictions = model.predict(&Rows {
        station: Some((&station.words, &station.codes)),
        time_s: Some(time_s),
        persistence_ug_m3: Some(known),
        features: model
            .inputs()
            .iter()
            .map(|input| test.f32(&input.column).unwrap())
            .collect(),
        n_rows: test.n_rows(),
    });
    let row = |row: usize| {
        (
            (station.get(row).to_owned(), time_s[row]),
            (predictions[row], known[row]),
        )
    };
    (0..test.n_rows()).map(row).collect()
}

fn agrees(task: &[&str], model: &[&str]) {
    let house = House::new();
    if !prepared(&house, task, model) {
        return;
    }
    let batch = batch(&house);
    let times: Vec<i64> = batch.keys().map(|(_, time_s)| *time_s).collect();
    let mut n_compared = 0;
    for time_s in times.iter().step_by(times.len() / 12) {
        let table = house.predict("model.json", &["--at", &format_utc(*time_s)]);
        let (stations, known) = (
            table.text("station").unwrap(),
            table.f32("persistence_ug_m3").unwrap(),
        );
        for (row, prediction) in table.f64("prediction_ug_m3").unwrap().iter().enumerate() {
            // A row without a target is in no prepared table; it is served all the same.
            let Some((expected, persistence)) = batch.get(&(stations.get(row).to_owned(), *time_s))
            else {
                continue;
            };
            assert_eq!(prediction.to_bits(), expected.to_bits());
            assert_eq!(known[row].to_bits(), persistence.to_bits());
            n_compared += 1;
        }
    }
    assert!(15 < n_compared, "{n_compared} rows compared");
}

#[test]
fn a_forecast_is_the_batch_prediction_to_the_last_bit() {
    agrees(
        &[
            "--task",
            "forecast",
            "--horizon-h",
            "24",
            "--features",
            "full",
        ],
        &["--model", "linear"],
    );
}

#[test]
fn a_nowcast_by_trees_too() {
    let trees = ["--model", "boost", "--set", "boost.n_estimators=10"];
    agrees(
        &[
            "--task",
            "nowcast",
            "--features",
            "pm10,o3,co,hour,station,mean(pm25,24)",
        ],
        &trees,
    );
}
