//! One run of `pm25-train` through its front door.

use std::fs;
use std::process::Command;

use pm25_artifact::model::{ModelKind, Rows};
use pm25_artifact::train::{LearnedFrom, TrainReport};
use pm25_file::{Input, Sha256, read_document};
use pm25_table::Table;

use super::world::{model, said, tables, train, world, write};

#[test]
fn the_best_model_is_chosen_and_knows_the_world() {
    let folder = tempfile::tempdir().unwrap();
    tables(folder.path());
    let output = train(
        folder.path(),
        &["--report", "train.json", "--set", "n_estimators=20"],
    );
    assert!(output.status.success(), "{}", said(&output));
    let (model, reference) = model(folder.path());
    assert_eq!(model.kind(), ModelKind::Linear);
    let rows = Rows {
        station: None,
        time_s: None,
        persistence_ug_m3: None,
        features: vec![&[2.0, 2.0], &[1.0, f32::NAN]],
        n_rows: 2,
    };
    let predictions = model.predict(&rows);
    assert!((predictions[0] - 26.0).abs() < 0.1, "{predictions:?}");
    assert!((predictions[1] - 36.0).abs() < 0.1, "{predictions:?}");

    let report = Input::Path(folder.path().join("train.json"));
    let (report, _) = read_document::<TrainReport>(&report).unwrap();
    assert_eq!(report.model, reference.sha256);
    assert_eq!((report.train_rows, report.valid_rows), (2000, 400));
    assert_eq!(report.learned_from, LearnedFrom::TrainAndValid);
    assert_eq!(report.folds.len(), 4);
    let order: Vec<_> = report
        .candidates
        .iter()
        .map(|c| c.valid_rmse_ug_m3)
        .collect();
    assert!(order.is_sorted(), "{order:?}");
    assert_eq!(report.candidates.len(), ModelKind::ALL.len());
    assert_eq!(report.kind, report.candidates[0].kind);
}

#[test]
fn persistence_falls_back_to_the_climatology_and_as_a_baseline_does_not() {
    let folder = tempfile::tempdir().unwrap();
    tables(folder.path());
    assert!(
        train(folder.path(), &["--model", "persistence"])
            .status
            .success()
    );
    let (model, _) = model(folder.path());
    let rows = Rows {
        station: None,
        time_s: None,
        persistence_ug_m3: Some(&[7.0, f32::NAN]),
        features: vec![&[0.0, 0.0], &[0.0, 0.0]],
        n_rows: 2,
    };
    assert_eq!(model.predict(&rows)[0], 7.0);
    assert_eq!(model.predict(&rows)[1], model.climatology.overall);
    assert!(model.predict_baseline(ModelKind::Persistence, &rows)[1].is_nan());
}

#[test]
fn trees_survive_the_file() {
    for kind in ["forest", "boost"] {
        let folder = tempfile::tempdir().unwrap();
        tables(folder.path());
        let output = train(
            folder.path(),
            &["--model", kind, "--set", "n_estimators=15"],
        );
        assert!(output.status.success(), "{}", said(&output));
        let (model, _) = model(folder.path());
        assert_eq!(model.trees.as_ref().unwrap().trees.len(), 15);
        let rows = Rows {
            station: None,
            time_s: None,
            persistence_ug_m3: None,
            features: vec![&[2.0, 2.0], &[1.0, f32::NAN]],
            n_rows: 2,
        };
        let predictions = model.predict(&rows);
        assert!(
            1.5 < predictions[1] - predictions[0],
            "{kind}: {predictions:?}"
        );
    }
}

#[test]
fn the_bytes_do_not_depend_on_threads_or_the_folder() {
    let hashes: Vec<Sha256> = ["1", "2", "7"]
        .iter()
        .map(|n| {
            let folder = tempfile::tempdir().unwrap();
            tables(folder.path());
            let grow = [
                "--threads",
                n,
                "--model",
                "boost",
                "--set",
                "n_estimators=30",
            ];
            assert!(train(folder.path(), &grow).status.success());
            model(folder.path()).1.sha256
        })
        .collect();
    assert!(hashes.iter().all(|hash| *hash == hashes[0]));
}

#[test]
fn validation_rows_teach_nothing() {
    let folder = tempfile::tempdir().unwrap();
    tables(folder.path());
    assert!(
        train(folder.path(), &["--model", "linear"])
            .status
            .success()
    );
    let (before, _) = model(folder.path());
    write(&world(5000..5100), &folder.path().join("valid.parquet"));
    assert!(
        train(folder.path(), &["--model", "linear"])
            .status
            .success()
    );
    let (after, _) = model(folder.path());
    assert_eq!(before.linear, after.linear);
    assert_eq!(before.climatology.overall, after.climatology.overall);
}

/// `data/foreign.parquet` was written by pyarrow: `y_true` (double) = 0..99 and `x` (double) = 2 y_true;
/// `data/foreign-later.parquet` goes on with 100..149.
#[test]
fn a_table_of_another_program_is_used_with_one_warning() {
    let folder = tempfile::tempdir().unwrap();
    tables(folder.path());
    let (early, later) = (
        include_bytes!("../data/foreign.parquet"),
        include_bytes!("../data/foreign-later.parquet"),
    );
    fs::write(folder.path().join("train.parquet"), early).unwrap();
    fs::write(folder.path().join("valid.parquet"), later).unwrap();
    let output = train(folder.path(), &["--target", "y_true", "--model", "linear"]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(
        said(&output).matches("warning:").count(),
        2,
        "one for each table"
    );
    assert_eq!(model(folder.path()).0.inputs().len(), 1);
}

#[test]
fn what_cannot_be_used_is_refused_with_its_status_and_a_hint() {
    let cases: [(&[&str], i32, &str); 10] = [
        (
            &["--set", "forest.alpha=1"],
            2,
            "`alpha` is no setting of `forest`",
        ),
        (
            &["--set", "tree.max_depth=1"],
            2,
            "there is no learner `tree`",
        ),
        (
            &["--set", "n_estimatrs=1"],
            2,
            "did you mean `n_estimators`",
        ),
        (&["--set", "subsample=1.5"], 2, "from 0"),
        (&["--set", "alhpa=1"], 2, "did you mean `alpha`"),
        (&["--set", "alpha=0"], 2, "above 0"),
        (&["--set", "alpha"], 2, "has no `=`"),
        (&["--set", "alpha=much"], 2, "is no number"),
        (&["--model", "crystal-ball"], 2, "best"),
        (&["--train", "absent.parquet"], 4, "there is no such file"),
    ];
    for (more, status, words) in cases {
        let folder = tempfile::tempdir().unwrap();
        tables(folder.path());
        let argv = [&["--train", "train.parquet"][..], more].concat();
        let output = Command::new(env!("CARGO_BIN_EXE_pm25-train"))
            .current_dir(folder.path())
            .args(["--valid", "valid.parquet", "--out", "model.json"])
            .args(if more[0] == "--train" { more } else { &argv })
            .output()
            .unwrap();
        assert_eq!(
            output.status.code(),
            Some(status),
            "{more:?}: {}",
            said(&output)
        );
        assert!(said(&output).contains(words), "{more:?}: {}", said(&output));
        assert!(!folder.path().join("model.json").exists());
    }
}

#[test]
fn an_input_is_not_replaced_and_two_outputs_are_two_files() {
    let folder = tempfile::tempdir().unwrap();
    tables(folder.path());
    let before = fs::read(folder.path().join("valid.parquet")).unwrap();
    let output = train(
        folder.path(),
        &["--report", "./valid.parquet", "--model", "linear"],
    );
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert_eq!(
        fs::read(folder.path().join("valid.parquet")).unwrap(),
        before
    );
    let output = train(
        folder.path(),
        &["--report", "./model.json", "--model", "linear"],
    );
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(
        said(&output).contains("another output"),
        "{}",
        said(&output)
    );
}

#[test]
fn a_setting_that_nothing_obeys_is_a_slip() {
    let folder = tempfile::tempdir().unwrap();
    tables(folder.path());
    let output = train(
        folder.path(),
        &["--model", "linear", "--set", "n_estimators=3"],
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("changes nothing"),
        "{}",
        said(&output)
    );
}

#[test]
fn the_target_of_a_prepared_table_is_not_a_matter_of_choice() {
    let folder = tempfile::tempdir().unwrap();
    tables(folder.path());
    let output = train(folder.path(), &["--target", "x"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("target_ug_m3"), "{}", said(&output));
}

#[test]
fn a_damaged_table_is_named_and_refused() {
    let folder = tempfile::tempdir().unwrap();
    tables(folder.path());
    let path = folder.path().join("valid.parquet");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    let output = train(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(4));
    assert!(said(&output).contains("valid.parquet"));
    assert!(!folder.path().join("model.json").exists());
}

#[test]
fn a_row_without_target_is_refused_not_filled() {
    let folder = tempfile::tempdir().unwrap();
    tables(folder.path());
    let mut table = Table::new();
    for name in ["station", "time"] {
        table.push(name, world(0..50).column(name).unwrap().clone());
    }
    let mut target = vec![1.0_f32; 50];
    target[7] = f32::NAN;
    table.push("target_ug_m3", target);
    table.push("x", vec![0.0_f32; 50]);
    table.push("y", vec![0.0_f32; 50]);
    write(&table, &folder.path().join("train.parquet"));
    let output = train(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(3));
    assert!(
        said(&output).contains("row 8 has no target"),
        "{}",
        said(&output)
    );
}

#[test]
fn errors_are_json_when_json_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let output = train(folder.path(), &["--format", "json"]);
    let complaint: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(complaint["status"], 4);
    assert!(
        complaint["error"]
            .as_str()
            .unwrap()
            .contains("train.parquet")
    );
    assert!(output.stdout.is_empty());
}
