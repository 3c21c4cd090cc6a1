//! Tables with several horizons: each gets the model that it would get alone, all in one file.

use std::path::Path;
use std::process::{Command, Output};

use pm25_artifact::model::{Horizons, Model, ModelKind};
use pm25_artifact::prep::TaskFact;
use pm25_artifact::train::{HorizonsReport, LearnedFrom};
use pm25_file::{Input, read_document};
use pm25_table::Table;

use super::world::{header, header_of, said, world};

const HORIZONS_H: [u16; 2] = [1, 6];

/// Targets of 1 and 6 h; every third row has no second one, every fourth no first.
fn several(hours: std::ops::Range<i64>) -> Table {
    let one = world(hours);
    let target = one.f32("target_ug_m3").unwrap();
    let with_holes = |every: usize, shift: f32| {
        let value = |(row, y): (usize, &f32)| match row % every {
            0 => f32::NAN,
            _ => y + shift * (row % 5) as f32,
        };
        target.iter().enumerate().map(value).collect::<Vec<f32>>()
    };
    let mut table = Table::new();
    for name in one.names() {
        if name == "target_ug_m3" {
            table.push("target_h1_ug_m3", with_holes(4, 1.0));
            table.push("target_h6_ug_m3", with_holes(3, 2.5));
        } else {
            table.push(name, one.column(name).unwrap().clone());
        }
    }
    table
}

/// The rows of one horizon as a table that never had another.
fn alone(table: &Table, horizon_h: u16) -> Table {
    let target = format!("target_h{horizon_h}_ug_m3");
    let known = table.known_as(&target, "target_ug_m3").unwrap();
    let mut alone = Table::new();
    for name in known.names().filter(|name| !name.starts_with("target_h")) {
        alone.push(name, known.column(name).unwrap().clone());
    }
    alone
}

pub(crate) fn tables(folder: &Path) {
    for (part, hours) in [("train", 0..2000), ("valid", 2030..2400)] {
        let table = several(hours);
        let put = |table: &Table, name: String, header| {
            let path = pm25_file::Output::Path(folder.join(name));
            table.write(&path, "pm25-features", header).unwrap();
        };
        let task = |horizon_h| TaskFact::Forecast { horizon_h };
        put(
            &table,
            format!("{part}.parquet"),
            header_of(task(1), HORIZONS_H.into()),
        );
        for h in HORIZONS_H {
            put(
                &alone(&table, h),
                format!("{part}{h}.parquet"),
                header(task(h)),
            );
        }
    }
}

/// Runs the program on `train{of}.parquet` and `valid{of}.parquet`.
pub(crate) fn train(folder: &Path, of: &str, more: &[&str]) -> Output {
    let files = [format!("train{of}.parquet"), format!("valid{of}.parquet")];
    Command::new(env!("CARGO_BIN_EXE_pm25-train"))
        .current_dir(folder)
        .args([
            "--train",
            &files[0],
            "--valid",
            &files[1],
            "--out",
            "model.json",
        ])
        .args(more)
        .output()
        .unwrap()
}

/// The model of a horizon of the file that this run writes.
fn trained(folder: &Path, of: &str, more: &[&str], horizon_h: Option<u16>) -> Model {
    let output = train(folder, of, more);
    assert!(output.status.success(), "{}", said(&output));
    read(folder, horizon_h)
}

fn read(folder: &Path, horizon_h: Option<u16>) -> Model {
    let file = Input::Path(folder.join("model.json"));
    Model::read_at(&file, horizon_h).unwrap().0
}

/// All of a model but where it comes from.
fn body(folder: &Path, mut model: Model) -> Vec<u8> {
    model.header.inputs.clear();
    let path = folder.join("body.json");
    model.write(&pm25_file::Output::Path(path.clone())).unwrap();
    std::fs::read(path).unwrap()
}

#[test]
fn each_horizon_gets_the_model_that_it_gets_alone() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tables(folder);
    for kind in [
        &["--model", "linear"][..],
        &["--model", "boost", "--set", "n_estimators=12"],
        &[
            "--model",
            "blend",
            "--folds",
            "2",
            "--parts",
            "linear,boost",
            "--set",
            "boost.n_estimators=6",
        ],
    ] {
        trained(folder, "", kind, Some(1));
        let ours = HORIZONS_H.map(|h| body(folder, read(folder, Some(h))));
        for (h, ours) in HORIZONS_H.into_iter().zip(ours) {
            let h = h.to_string();
            let alone = trained(folder, &h, kind, None);
            assert!(ours == body(folder, alone), "{kind:?} {h} h");
            // One of several on its own is a plain model file.
            let chosen = trained(folder, "", &[&["--horizon-h", &h], kind].concat(), None);
            assert!(ours == body(folder, chosen), "{kind:?} {h} h");
        }
    }
}

#[test]
fn the_report_tells_of_each_horizon() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tables(folder);
    let set = [
        "--set",
        "n_estimators=6",
        "--report",
        "train.json",
        "--folds",
        "2",
    ];
    let output = train(folder, "", &set);
    assert!(output.status.success(), "{}", said(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("1 h  linear: learned from") && text.contains("6 h  linear:"),
        "{text}"
    );
    let report = Input::Path(folder.join("train.json"));
    let (report, _) = read_document::<HorizonsReport>(&report).unwrap();
    let (file, reference) = Horizons::read(&Input::Path(folder.join("model.json"))).unwrap();
    assert_eq!(report.model, reference.sha256);
    assert_eq!(file.members().len(), 2);
    let rows: Vec<u64> = report.horizons.values().map(|it| it.train_rows).collect();
    assert_eq!(rows, [1500, 1333]);
    for (h, of_horizon) in &report.horizons {
        assert_eq!(of_horizon.kind, ModelKind::Linear, "{h} h");
        assert_eq!(of_horizon.learned_from, LearnedFrom::TrainAndValid);
        assert_eq!(of_horizon.folds.len(), 2);
    }
    assert_eq!(file.shortest().learned_from(), LearnedFrom::TrainAndValid);
}

#[test]
fn horizons_that_are_not_there_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tables(folder);
    let refused = |more: &[&str]| {
        let output = train(folder, "", &[&["--model", "linear"], more].concat());
        assert!(!output.status.success());
        said(&output)
    };
    let unknown = refused(&["--horizon-h", "3"]);
    assert!(unknown.contains("it has 1, 6 h"), "{unknown}");
    let tune = Command::new(env!("CARGO_BIN_EXE_pm25-train"))
        .current_dir(folder)
        .args(["tune", "--train", "train.parquet", "--out-dir", "tune"])
        .output()
        .unwrap();
    assert_eq!(tune.status.code(), Some(2));
    assert!(
        said(&tune).contains("say which is meant: --horizon-h 1"),
        "{}",
        said(&tune)
    );
    let write = |name: &str, horizons_h: Vec<u16>| {
        let header = header_of(TaskFact::Forecast { horizon_h: 1 }, horizons_h);
        let path = pm25_file::Output::Path(folder.join(name));
        several(0..500)
            .write(&path, "pm25-features", header)
            .unwrap();
    };
    write("valid.parquet", vec![1, 6, 24]);
    let other = refused(&[]);
    assert!(other.contains("different horizons"), "{other}");
    write("train.parquet", Vec::new());
    assert!(
        !refused(&[]).is_empty(),
        "no `target_ug_m3` in a table of one horizon"
    );
}
