//! What is written and said, and that it can be trusted.

use std::fs;

use pm25_file::Sha256;
use serde_json::Value;

use crate::world::{World, data, text};

const PICTURES: [&str; 6] = [
    "predicted_vs_actual.png",
    "residual_histogram.png",
    "residuals_vs_predicted.png",
    "error_by_hour.png",
    "error_by_month.png",
    "error_by_station.png",
];

#[test]
fn every_file_is_listed_with_its_hash_and_pictures_are_png() {
    let world = World::new();
    let report = world.judged_with_pictures(&[]);
    let names: Vec<&str> = report
        .pm25
        .files
        .iter()
        .map(|file| file.name.as_str())
        .collect();
    assert_eq!(names[0], "predictions.parquet");
    assert_eq!(names[1..], PICTURES);
    for file in &report.pm25.files {
        let bytes = fs::read(world.path("out").join(&file.name)).unwrap();
        assert_eq!(Sha256::of(&bytes), file.sha256, "{}", file.name);
        assert_eq!(
            bytes.starts_with(b"\x89PNG\r\n\x1a\n"),
            file.name.ends_with(".png")
        );
    }
    let model = fs::read(world.path("model.json")).unwrap();
    assert_eq!(report.model.sha256, Sha256::of(&model));
    let inputs: Vec<&str> = report
        .pm25
        .inputs
        .iter()
        .map(|input| input.name.as_str())
        .collect();
    assert_eq!(inputs, ["model.json", "test.parquet"]);
}

#[test]
fn pictures_can_be_left_out() {
    let world = World::new();
    let report = world.judged(&[]);
    assert_eq!(report.pm25.files.len(), 1);
    assert_eq!(fs::read_dir(world.path("out")).unwrap().count(), 2);
}

#[test]
fn the_same_work_gives_the_same_bytes_in_any_folder_with_any_threads() {
    let (here, there) = (World::new(), World::new());
    here.judged_with_pictures(&["--threads", "1"]);
    there.judged_with_pictures(&["--threads", "3"]);
    for name in ["eval.json", "predictions.parquet"].iter().chain(&PICTURES) {
        let read = |world: &World| fs::read(world.path("out").join(name)).unwrap();
        assert!(read(&here) == read(&there), "{name}");
    }
}

#[test]
fn json_is_one_document_with_the_same_numbers() {
    let world = World::new();
    let output = world.eval(&[
        "--model",
        "model.json",
        "--test",
        "test.parquet",
        "--out-dir",
        "out",
        "--format",
        "json",
    ]);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let written: Value =
        serde_json::from_slice(&fs::read(world.path("out/eval.json")).unwrap()).unwrap();
    for key in [
        "model",
        "metrics",
        "metrics_with_persistence",
        "baselines",
        "skill_over",
        "skill_over_persistence",
        "span",
    ] {
        assert_eq!(said[key], written[key], "{key}");
    }
    assert!(said.get("against").is_none());
}

#[test]
fn people_get_a_short_table() {
    let world = World::new();
    let output = world.eval(&[
        "--model",
        "model.json",
        "--test",
        "test.parquet",
        "--out-dir",
        "out",
        "--no-plots",
    ]);
    let said = text(&output.stdout);
    assert!(said.contains("linear (forecast 1 h ahead)"), "{said}");
    assert!(
        said.contains("6 test rows, 2016-02-29T14:00:00Z to 2016-12-31T15:00:00Z"),
        "{said}"
    );
    let persistence = said
        .lines()
        .find(|line| line.starts_with("persistence"))
        .unwrap();
    let words: Vec<&str> = persistence.split_whitespace().collect();
    assert_eq!(
        words,
        [
            "persistence",
            "6.81",
            "5.60",
            "-2.40",
            "0.996",
            "5",
            "-0.600",
            "on",
            "5",
            "rows"
        ]
    );
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn no_nan_is_ever_written() {
    let world = World::new();
    world.judged(&[]);
    let written = fs::read_to_string(world.path("out/eval.json")).unwrap();
    assert!(!written.contains("NaN") && !written.contains("inf"));
    let report: Value = serde_json::from_str(&written).unwrap();
    assert_eq!(report["slices"]["month"][1]["metrics"]["r2"], Value::Null);
}

#[test]
fn a_table_of_another_program_works_with_one_warning() {
    let world = World::new();
    let foreign = data("foreign.parquet");
    let output = world.eval(&[
        "--model",
        "model.json",
        "--test",
        &foreign,
        "--target",
        "measured",
        "--out-dir",
        "out",
    ]);
    let warnings = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{warnings}");
    assert_eq!(warnings.lines().count(), 1, "{warnings}");
    assert!(
        warnings.contains("foreign.parquet was not made by pm25-prep"),
        "{warnings}"
    );
    let (report, known) = (world.report("out"), World::new().judged(&[]));
    assert_eq!(
        report.metrics, known.metrics,
        "the same rows, the same numbers"
    );
    assert_eq!(
        (
            report.baselines.persistence.rows,
            report.baselines.persistence.missing
        ),
        (0, 6)
    );
    assert_eq!(
        (
            report.skill_over_persistence.skill,
            report.skill_over_persistence.rows
        ),
        (None, 0)
    );
    assert!(
        report.slices.station.is_empty()
            && report.slices.hour.is_empty()
            && report.slices.month.is_empty()
    );
    assert_eq!((report.slices.level.len(), report.span), (5, None));
    let names: Vec<String> = world.predictions("out").names().map(String::from).collect();
    assert_eq!(
        names,
        [
            "horizon_h",
            "target_ug_m3",
            "persistence_ug_m3",
            "prediction_ug_m3",
            "linear_ug_m3"
        ]
    );
}

#[test]
fn rows_that_the_model_learned_from_are_pointed_out() {
    let world = World::new();
    let test = Sha256::of(&fs::read(world.path("test.parquet")).unwrap());
    world.model_made_from("model.json", "test.parquet", test);
    let output = world.eval(&[
        "--model",
        "model.json",
        "--test",
        "test.parquet",
        "--out-dir",
        "out",
        "--no-plots",
    ]);
    assert!(text(&output.stderr).contains("the model was made from test.parquet"));
    assert_eq!(
        world.report("out").pm25.facts["model_was_made_from_these_rows"],
        Value::Bool(true)
    );
    assert_eq!(
        World::new().judged(&[]).pm25.facts["model_was_made_from_these_rows"],
        Value::Bool(false)
    );
}

#[test]
fn pictures_of_an_earlier_model_go() {
    let world = World::new();
    fs::create_dir(world.path("out")).unwrap();
    for name in ["reliability.png", "coverage_by_month.png", "mine.png"] {
        fs::write(world.path("out").join(name), "old").unwrap();
    }
    world.judged(&[]);
    assert!(!world.path("out/reliability.png").exists());
    assert!(!world.path("out/coverage_by_month.png").exists());
    assert_eq!(fs::read(world.path("out/mine.png")).unwrap(), b"old");
}
