//! Tables whose rule is known, and the program run on them.

use std::path::Path;
use std::process::{Command, Output};

use pm25_artifact::model::Model;
use pm25_artifact::prep::{FeatureFact, Prepared, StationFact, TaskFact};
use pm25_file::{Header, Input, InputRef, program};
use pm25_table::{Column, Table, Text};

pub(crate) const HOUR_S: i64 = 3600;

/// What the world is like: target = 20 + 3 x + 10 where y is missing; x has no pattern in time.
pub(crate) fn world(hours: std::ops::Range<i64>) -> Table {
    let n = (hours.end - hours.start) as usize;
    let x: Vec<f32> = hours
        .clone()
        .map(|h| ((h * 7919) % 10_007) as f32 / 1000.0)
        .collect();
    let y: Vec<f32> = hours
        .clone()
        .map(|h| if h % 5 == 0 { f32::NAN } else { 1.0 })
        .collect();
    let target: Vec<f32> = x
        .iter()
        .zip(&y)
        .map(|(x, y)| 20.0 + 3.0 * x + if y.is_nan() { 10.0 } else { 0.0 })
        .collect();
    let mut table = Table::new();
    table.push("station", Column::Text(Text::from_rows(vec!["a"; n])));
    table.push("time", Column::Time(hours.map(|h| h * HOUR_S).collect()));
    table.push("target_ug_m3", target.clone());
    table.push(
        "persistence_ug_m3",
        (0..n)
            .map(|i| if i == 3 { f32::NAN } else { 40.0 })
            .collect::<Vec<_>>(),
    );
    table.push("x", x);
    table.push("y", y);
    table
}

pub(crate) fn header(task: TaskFact) -> Header {
    header_of(task, Vec::new())
}

pub(crate) fn header_of(task: TaskFact, horizons_h: Vec<u16>) -> Header {
    let feature = |column: &str| FeatureFact {
        column: column.into(),
        expression: column.into(),
        unit: "1".into(),
    };
    let prepared = Prepared {
        horizons_h,
        task,
        features: vec![feature("x"), feature("y")],
        stations: vec![StationFact {
            name: "a".into(),
            utc_offset_min: 480,
        }],
        vocabulary: vec!["a".into()],
        statistics: Default::default(),
    };
    prepared.put(Header::new(&program!()))
}

pub(crate) fn write(table: &Table, path: &Path) {
    let output = pm25_file::Output::Path(path.to_owned());
    table
        .write(
            &output,
            "pm25-features",
            header(TaskFact::Forecast { horizon_h: 1 }),
        )
        .unwrap();
}

pub(crate) fn train(folder: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pm25-train"))
        .current_dir(folder)
        .args([
            "--train",
            "train.parquet",
            "--valid",
            "valid.parquet",
            "--out",
            "model.json",
        ])
        .args(more)
        .output()
        .unwrap()
}

pub(crate) fn tables(folder: &Path) {
    write(&world(0..2000), &folder.join("train.parquet"));
    write(&world(2000..2400), &folder.join("valid.parquet"));
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn model(folder: &Path) -> (Model, InputRef) {
    Model::read(&Input::Path(folder.join("model.json"))).unwrap()
}

/// The table with a second station `b`, whose target falls with x as fast as that of `a` rises.
pub(crate) fn write_two(one: &Table, path: &Path) {
    let twice = |values: &[f32]| [values, values].concat();
    let time_s = one.time("time").unwrap();
    let n = time_s.len();
    let mut both = Table::new();
    let stations = [vec!["a"; n], vec!["b"; n]].concat();
    both.push("station", Column::Text(Text::from_rows(stations)));
    both.push("time", Column::Time([time_s, time_s].concat()));
    let y = one.f32("target_ug_m3").unwrap();
    let falls: Vec<f32> = y.iter().map(|y| 200.0 - y).collect();
    both.push("target_ug_m3", [y, &falls].concat());
    for name in ["persistence_ug_m3", "x", "y"] {
        both.push(name, twice(one.f32(name).unwrap()));
    }
    let mut header = header(TaskFact::Forecast { horizon_h: 1 });
    let mut prepared = Prepared::of(&header).unwrap();
    let b = StationFact {
        name: "b".into(),
        ..prepared.stations[0].clone()
    };
    prepared.stations.push(b);
    header = prepared.put(header);
    let output = pm25_file::Output::Path(path.to_owned());
    both.write(&output, "pm25-features", header).unwrap();
}
