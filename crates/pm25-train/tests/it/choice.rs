//! What is chosen on folds, and on which rows.

use std::fs;
use std::path::Path;

use pm25_artifact::model::{Model, ModelKind, Rows};
use pm25_artifact::prep::TaskFact;
use pm25_artifact::train::{LearnedFrom, TrainReport};
use pm25_file::{Input, Output, read_document};
use pm25_table::{Column, Table, Text};

use super::world::{HOUR_S, header, model, said, train};

/// The target jumps where x crosses 0.5, which only trees can follow, and rises with y; persistence is the target of an
/// hour ago, which tells nothing.
fn jumps(hours: std::ops::Range<i64>) -> Table {
    let chance = |h: i64, salt: i64| ((h * 7919 + salt * 104_729) % 10_007) as f32 / 10_007.0;
    let x: Vec<f32> = hours.clone().map(|h| chance(h, 1)).collect();
    let y: Vec<f32> = hours.clone().map(|h| chance(h, 2)).collect();
    let at = |h: i64| -> f32 {
        let step = if chance(h, 1) < 0.5 { 40.0 } else { 10.0 };
        50.0 + step + 20.0 * chance(h, 2) + 5.0 * chance(h, 3)
    };
    let mut table = Table::new();
    let n = x.len();
    table.push("station", Column::Text(Text::from_rows(vec!["a"; n])));
    table.push(
        "time",
        Column::Time(hours.clone().map(|h| h * HOUR_S).collect()),
    );
    table.push("target_ug_m3", hours.clone().map(at).collect::<Vec<f32>>());
    table.push(
        "persistence_ug_m3",
        hours
            .map(|h| if h % 50 == 0 { f32::NAN } else { at(h - 1) })
            .collect::<Vec<f32>>(),
    );
    table.push("x", x);
    table.push("y", y);
    table
}

fn write(table: &Table, path: &Path, task: TaskFact) {
    let output = Output::Path(path.to_owned());
    table.write(&output, "pm25-features", header(task)).unwrap();
}

fn tables(folder: &Path, task: TaskFact) {
    write(&jumps(0..3000), &folder.join("train.parquet"), task);
    write(&jumps(3000..3600), &folder.join("valid.parquet"), task);
}

const QUICK: [&str; 8] = [
    "--report",
    "train.json",
    "--set",
    "boost.n_estimators=40",
    "--set",
    "boost.learning_rate=0.3",
    "--set",
    "forest.n_estimators=5",
];
const FORECAST: TaskFact = TaskFact::Forecast { horizon_h: 1 };

fn report(folder: &Path) -> TrainReport {
    read_document(&Input::Path(folder.join("train.json")))
        .unwrap()
        .0
}

#[test]
fn a_jump_is_seen_by_trees_and_the_model_learns_from_both_tables() {
    let folder = tempfile::tempdir().unwrap();
    tables(folder.path(), TaskFact::Nowcast);
    let output = train(folder.path(), &QUICK);
    assert!(output.status.success(), "{}", said(&output));
    let report = report(folder.path());
    assert_eq!(report.kind, ModelKind::Boost);
    assert_eq!(report.learned_from, LearnedFrom::TrainAndValid);
    let trees = report.parts[0].trees.unwrap();
    assert_eq!(report.without_folds, None);
    let (model, _) = model(folder.path());
    assert_eq!(model.trees.unwrap().trees.len() as u64, trees);
    assert_eq!(model.header.params["learned_from"], "train+valid");
    assert_eq!(model.profile.unwrap().span.rows, 3600);
    assert!(
        report.candidates.iter().all(|c| c.kind != ModelKind::Blend),
        "a nowcast has no blend"
    );
}

#[test]
fn a_refit_has_no_more_trees_than_were_set() {
    let folder = tempfile::tempdir().unwrap();
    tables(folder.path(), FORECAST);
    let few = ["--model", "blend", "--parts", "linear,boost", "--report"];
    let few = [&few[..], &["train.json", "--set", "n_estimators=8"]].concat();
    let output = train(folder.path(), &few);
    assert!(output.status.success(), "{}", said(&output));
    let parts = report(folder.path()).parts;
    let trees: Vec<u64> = parts.iter().filter_map(|part| part.trees).collect();
    assert_eq!(trees, [8], "the folds want all that they may have");
}

#[test]
fn a_blend_survives_the_file_and_is_no_worse_than_its_parts() {
    let folder = tempfile::tempdir().unwrap();
    tables(folder.path(), FORECAST);
    let output = train(folder.path(), &[&QUICK[..], &["--model", "blend"]].concat());
    assert!(output.status.success(), "{}", said(&output));
    let report = report(folder.path());
    let best_part = report
        .parts
        .iter()
        .map(|part| part.rmse_ug_m3)
        .fold(f64::MAX, f64::min);
    assert!(report.candidates[0].valid_rmse_ug_m3 < best_part * 1.01);
    let total: f64 = report.parts.iter().map(|part| part.weight).sum();
    assert!((total - 1.0).abs() < 1e-9, "{:?}", report.parts);
    let (model, _) = model(folder.path());
    let blend = model.blend.as_ref().unwrap();
    assert!(blend.reference_mean_ug_m3 > 50.0);
    let one = |x: f32, persistence: f32| {
        Model::predict(
            &model,
            &Rows {
                station: None,
                time_s: None,
                persistence_ug_m3: Some(&[persistence]),
                features: vec![&[x], &[0.5]],
                n_rows: 1,
            },
        )[0]
    };
    assert!((one(0.2, 80.0) - 102.5).abs() < 8.0, "{}", one(0.2, 80.0));
    assert!(
        (one(0.8, f32::NAN) - 72.5).abs() < 8.0,
        "{}",
        one(0.8, f32::NAN)
    );
}

#[test]
fn a_blend_has_the_parts_that_were_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    tables(folder.path(), FORECAST);
    let asked = [
        "--model",
        "blend",
        "--parts",
        "linear,boost-change",
        "--folds",
        "2",
    ];
    let output = train(folder.path(), &[&QUICK[..6], &asked].concat());
    assert!(output.status.success(), "{}", said(&output));
    let report = report(folder.path());
    assert_eq!(report.folds.len(), 2);
    let asked = serde_json::json!(["linear", "boost-change"]);
    assert_eq!(report.pm25.params["parts"], asked);
    let known = ["linear", "boost-change", "persistence"];
    assert!(
        report
            .parts
            .iter()
            .all(|part| known.contains(&part.name.as_str()))
    );
    for (more, words) in [
        (&["--parts", "linear"][..], "without --model blend"),
        (&["--model", "blend", "--parts", "linear,linear"], "twice"),
        (&["--model", "blend", "--parts", "lineal"], "no part"),
    ] {
        let output = train(folder.path(), more);
        assert_eq!(output.status.code(), Some(2));
        assert!(said(&output).contains(words), "{}", said(&output));
    }
}

#[test]
fn intervals_hold_what_they_promise_on_rows_that_came_later() {
    let folder = tempfile::tempdir().unwrap();
    tables(folder.path(), FORECAST);
    assert!(train(folder.path(), &QUICK).status.success());
    let (model, _) = model(folder.path());
    let later = jumps(4000..6000);
    let columns = [later.f32("x").unwrap(), later.f32("y").unwrap()];
    let rows = Rows {
        station: None,
        time_s: None,
        persistence_ug_m3: Some(later.f32("persistence_ug_m3").unwrap()),
        features: columns.to_vec(),
        n_rows: 2000,
    };
    let said = model.said(&rows, &model.predict(&rows));
    let ends = model.intervals.as_ref().unwrap().around(&said);
    let truths = later
        .f32("target_ug_m3")
        .unwrap()
        .iter()
        .map(|&y| f64::from(y));
    let held = ends
        .iter()
        .zip(truths)
        .filter(|(ends, y)| ends[0] <= *y && *y <= ends[1])
        .count();
    assert!((1740..=1860).contains(&held), "{held} of 2000");
}

#[test]
fn a_table_too_short_for_folds_is_chosen_on_the_valid_rows() {
    let folder = tempfile::tempdir().unwrap();
    write(
        &jumps(0..200),
        &folder.path().join("train.parquet"),
        FORECAST,
    );
    write(
        &jumps(200..260),
        &folder.path().join("valid.parquet"),
        FORECAST,
    );
    // Also where nobody wants to hear of progress: another model comes of it.
    let output = train(folder.path(), &[&QUICK[..], &["-q"]].concat());
    assert!(output.status.success(), "{}", said(&output));
    assert!(
        said(&output).contains("warning: chosen on the valid rows"),
        "{}",
        said(&output)
    );
    let told = report(folder.path());
    assert_eq!(told.learned_from, LearnedFrom::Train);
    assert!(told.without_folds.unwrap().contains("has no rows"));
    let output = train(folder.path(), &["--model", "blend"]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
}

#[test]
fn the_bytes_of_a_choice_do_not_depend_on_threads() {
    let bytes: Vec<Vec<u8>> = ["1", "3"]
        .iter()
        .map(|n| {
            let folder = tempfile::tempdir().unwrap();
            tables(folder.path(), FORECAST);
            assert!(
                train(folder.path(), &[&QUICK[..], &["--threads", n]].concat())
                    .status
                    .success()
            );
            fs::read(folder.path().join("model.json")).unwrap()
        })
        .collect();
    assert_eq!(bytes[0], bytes[1]);
}
