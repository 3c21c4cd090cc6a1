//! `pm25-train tune` through its front door.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use pm25_artifact::prep::TaskFact;
use pm25_artifact::tune::TuneReport;
use pm25_file::{Input, read_document};
use pm25_table::Table;

use super::world::{header, model, said, tables, train, world};

const SMALL: [&str; 8] = [
    "--trials",
    "9",
    "--folds",
    "3",
    "--set",
    "n_estimators=12",
    "--out-dir",
    "tuned",
];

fn command(folder: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pm25-train"));
    command
        .current_dir(folder)
        .args([
            "tune",
            "--train",
            "train.parquet",
            "--valid",
            "valid.parquet",
        ])
        .args(more)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn tune(folder: &Path, more: &[&str]) -> Output {
    command(folder, more).output().unwrap()
}

fn report(folder: &Path) -> TuneReport {
    let input = Input::Path(folder.join("tuned/tune.json"));
    read_document(&input).unwrap().0
}

/// Every file below the folder of results with its bytes.
fn results(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for folder in [folder.join("tuned"), folder.join("tuned/trials")] {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                files.push((path.file_name().unwrap().into(), fs::read(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

#[test]
fn a_killed_search_goes_on_and_ends_with_the_same_bytes() {
    let whole = tempfile::tempdir().unwrap();
    tables(whole.path());
    let output = tune(whole.path(), &[&SMALL[..], &["--threads", "1"]].concat());
    assert!(output.status.success(), "{}", said(&output));
    for n_before_the_kill in [1, 4, 8] {
        let folder = tempfile::tempdir().unwrap();
        tables(folder.path());
        let mut child = command(folder.path(), &SMALL).spawn().unwrap();
        let trials = folder.path().join("tuned/trials");
        let started = Instant::now();
        let n_kept = || fs::read_dir(&trials).map_or(0, Iterator::count);
        while n_kept() < n_before_the_kill && started.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What a torn disk leaves, and what a killed writer leaves.
        let torn = trials.join("000000-fold-1.json");
        let bytes = fs::read(&torn).unwrap_or_default();
        fs::write(&torn, &bytes[..bytes.len() / 2]).unwrap();
        fs::write(trials.join(".pm25-x.tmp"), "half").unwrap();
        let output = tune(folder.path(), &SMALL);
        assert!(output.status.success(), "{}", said(&output));
        assert!(
            said(&output).contains("this fit is made again"),
            "{}",
            said(&output)
        );
        assert_eq!(results(folder.path()), results(whole.path()));
    }
}

#[test]
fn finished_fits_are_not_made_again_and_more_trials_go_on() {
    let folder = tempfile::tempdir().unwrap();
    tables(folder.path());
    assert!(tune(folder.path(), &SMALL).status.success());
    let stamp = |name: &str| {
        let path = folder.path().join("tuned/trials").join(name);
        fs::metadata(path).unwrap().modified().unwrap()
    };
    let before = stamp("000003-fold-1.json");
    let more = [&["--trials", "12"][..], &SMALL[2..]].concat();
    assert!(tune(folder.path(), &more).status.success());
    assert_eq!(stamp("000003-fold-1.json"), before);
    assert_eq!(report(folder.path()).rungs[0].trials, 12);
    let other = [&SMALL[..], &["--seed", "2"]].concat();
    let output = tune(folder.path(), &other);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("another search"),
        "{}",
        said(&output)
    );
}

/// The world's rule is a line in `x`: a ridge that is hardly shrunk is right, one that is shrunk a lot is not; the
/// defaults are far off because they are set so.
#[test]
fn the_planted_region_wins_and_train_takes_it() {
    let folder = tempfile::tempdir().unwrap();
    tables(folder.path());
    let argv = ["--model", "linear", "--trials", "30", "--out-dir", "tuned"];
    let output = tune(folder.path(), &argv);
    assert!(output.status.success(), "{}", said(&output));
    let found = report(folder.path());
    let alpha = found.best.settings["linear.alpha"];
    assert!(alpha < 10.0, "{alpha}");
    assert!(found.defaults.best_rmse_ug_m3 <= found.defaults.rmse_ug_m3);
    assert!(1 <= found.defaults.folds && found.defaults.folds <= found.folds.len() as u64);
    assert_eq!(
        found
            .rungs
            .iter()
            .map(|rung| rung.trials)
            .collect::<Vec<_>>(),
        [30, 10, 4]
    );
    let argv = ["--model", "linear", "--set-from", "tuned/tune.json"];
    let output = train(folder.path(), &argv);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(model(folder.path()).0.header.params["linear.alpha"], alpha);
    let argv = [&argv[..], &["--set", "alpha=77"]].concat();
    assert!(train(folder.path(), &argv).status.success());
    assert_eq!(model(folder.path()).0.header.params["linear.alpha"], 77.0);
}

#[test]
fn every_fit_is_a_row_of_the_table() {
    let folder = tempfile::tempdir().unwrap();
    tables(folder.path());
    assert!(tune(folder.path(), &SMALL).status.success());
    let input = Input::Path(folder.path().join("tuned/trials.parquet"));
    let table = Table::read(&input, "pm25-tune-trials").unwrap();
    // 9 on the oldest fold, 3 on the second, 1 and the defaults on the third.
    let trials = table.i32("trial").unwrap();
    let folds = table.i32("fold").unwrap();
    let n_on = |fold| folds.iter().filter(|&&f| f == fold).count();
    assert_eq!(n_on(1), 9);
    assert!((3..=4).contains(&n_on(2)), "{folds:?}");
    assert!(trials.is_sorted());
    let rates = table.f64("learning_rate").unwrap();
    for (&trial, rate) in trials.iter().zip(rates) {
        assert_eq!(trial == 0, rate.is_nan(), "trial 0 has the defaults");
    }
    let best = report(folder.path()).best;
    assert_eq!(best.settings["boost.early_stopping_rounds"], 0.0);
    let argv = ["--model", "boost", "--set-from", "tuned/tune.json"];
    let output = train(folder.path(), &argv);
    assert!(output.status.success(), "{}", said(&output));
    let n_trees = model(folder.path()).0.trees.unwrap().trees.len();
    assert_eq!(n_trees as f64, best.settings["boost.n_estimators"]);
    assert!(n_trees <= 12, "{n_trees} trees where 12 were set");
}

#[test]
fn what_cannot_be_searched_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    tables(folder.path());
    for (argv, status, words) in [
        (
            &["--model", "climatology", "--out-dir", "t"][..],
            2,
            "none of boost",
        ),
        (
            &["--model", "linear", "--set", "alpha=1", "--out-dir", "t"],
            2,
            "nothing is left",
        ),
        (
            &["--set", "n_estimatrs=1", "--out-dir", "t"],
            2,
            "did you mean",
        ),
        (&["--trials", "0", "--out-dir", "t"], 2, "--trials"),
        (&["--model", "linear"], 2, "--out-dir"),
    ] {
        let output = tune(folder.path(), argv);
        assert_eq!(output.status.code(), Some(status), "{}", said(&output));
        assert!(said(&output).contains(words), "{argv:?}: {}", said(&output));
    }
    assert!(!folder.path().join("t").exists());
}

#[test]
fn what_was_found_for_another_question_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    tables(folder.path());
    let output = tune(folder.path(), &SMALL);
    assert!(output.status.success(), "{}", said(&output));
    let task = TaskFact::Forecast { horizon_h: 24 };
    for (name, hours) in [("train.parquet", 0..2000), ("valid.parquet", 2100..2400)] {
        let to = pm25_file::Output::Path(folder.path().join(name));
        let table = world(hours);
        table.write(&to, "pm25-features", header(task)).unwrap();
    }
    let argv = ["--model", "boost", "--set-from", "tuned/tune.json"];
    let output = train(folder.path(), &argv);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let words = "tune.json was searched for a forecast 1 h ahead";
    assert!(said(&output).contains(words), "{}", said(&output));
    assert!(!folder.path().join("model.json").exists());
}
