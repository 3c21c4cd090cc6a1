//! What intervals are made of, chosen on folds or asked for.

use std::fs;
use std::path::Path;

use pm25_artifact::model::{Expected, Measure, Model, Rows};
use pm25_artifact::prep::TaskFact;
use pm25_artifact::train::TrainReport;
use pm25_file::{Input, Output, read_document};
use pm25_table::{Column, Table, Text};

use super::world::{HOUR_S, header, model, said, train};

/// 30 and, in every hour that x says to be rough, up to 100 more in one of ten: no width around a mean holds that well.
fn bursts(hours: std::ops::Range<i64>) -> Table {
    let chance = |h: i64, salt: i64| ((h * 7919 + salt * 104_729) % 10_007) as f32 / 10_007.0;
    let x: Vec<f32> = hours.clone().map(|h| chance(h, 1)).collect();
    let y: Vec<f32> = hours.clone().map(|h| chance(h, 2)).collect();
    let at = |h: i64| -> f32 {
        let reach = if chance(h, 1) < 0.5 { 5.0 } else { 100.0 };
        30.0 + reach * chance(h, 3).powi(3)
    };
    let n = x.len();
    let mut table = Table::new();
    table.push("station", Column::Text(Text::from_rows(vec!["a"; n])));
    table.push(
        "time",
        Column::Time(hours.clone().map(|h| h * HOUR_S).collect()),
    );
    table.push("target_ug_m3", hours.clone().map(at).collect::<Vec<f32>>());
    table.push(
        "persistence_ug_m3",
        hours.map(|h| at(h - 1)).collect::<Vec<f32>>(),
    );
    table.push("x", x);
    table.push("y", y);
    table
}

fn tables(folder: &Path) {
    let write = |hours: std::ops::Range<i64>, name: &str| {
        let output = Output::Path(folder.join(name));
        let header = header(TaskFact::Forecast { horizon_h: 1 });
        bursts(hours)
            .write(&output, "pm25-features", header)
            .unwrap();
    };
    write(0..10_000, "train.parquet");
    write(10_000..12_000, "valid.parquet");
}

const LINE: [&str; 8] = [
    "--model",
    "blend",
    "--parts",
    "linear",
    "--folds",
    "2",
    "--report",
    "train.json",
];

fn trained(folder: &Path, more: &[&str]) -> (Model, TrainReport) {
    let output = train(folder, &[&LINE[..], more].concat());
    assert!(output.status.success(), "{}", said(&output));
    let report = Input::Path(folder.join("train.json"));
    (model(folder).0, read_document(&report).unwrap().0)
}

#[test]
fn the_way_with_the_smaller_score_out_of_fold_makes_the_intervals() {
    let folder = tempfile::tempdir().unwrap();
    tables(folder.path());
    let (model, report) = trained(folder.path(), &[]);
    let fact = report.intervals.unwrap();
    assert_eq!(fact.tried.len(), 3, "{fact:?}");
    let best = fact
        .tried
        .iter()
        .min_by(|a, b| a.winkler_ug_m3.total_cmp(&b.winkler_ug_m3));
    assert_eq!(best.unwrap().by, fact.by);
    assert!(fact.by.contains("quantiles"), "{fact:?}");
    assert!(matches!(model.spread, Some(Expected::Heads(_))));
    let later = bursts(13_000..16_000);
    let rows = Rows {
        station: None,
        time_s: None,
        persistence_ug_m3: Some(later.f32("persistence_ug_m3").unwrap()),
        features: vec![later.f32("x").unwrap(), later.f32("y").unwrap()],
        n_rows: 3000,
    };
    let predictions = model.predict(&rows);
    let ends = model
        .intervals
        .as_ref()
        .unwrap()
        .around(&model.said(&rows, &predictions));
    let truths = later.f32("target_ug_m3").unwrap();
    let held = ends.iter().zip(truths);
    let held = held.filter(|(ends, y)| ends[0] <= f64::from(**y) && f64::from(**y) <= ends[1]);
    assert!((2600..=2800).contains(&held.count()));
    let between = |(ends, p): (&[f64; 2], &f64)| 0.0 <= ends[0] && ends[0] <= *p && *p <= ends[1];
    assert!(ends.iter().zip(&predictions).all(between));
}

#[test]
fn what_is_asked_for_is_made_and_nothing_else_tried() {
    let folder = tempfile::tempdir().unwrap();
    tables(folder.path());
    let (model, report) = trained(folder.path(), &["--set", "intervals=spread"]);
    assert_eq!(model.intervals.unwrap().measure, Measure::Spread);
    assert_eq!(report.intervals.unwrap().tried.len(), 1);
    assert_eq!(report.pm25.params["intervals"], "spread");
    for (more, words) in [
        (&["--set", "intervals=widest"][..], "best, spread, heads"),
        (&["--set", "interval=heads"], "intervals"),
        (&["--set", "boost.intervals=heads"], "no setting of `boost`"),
        (
            &["--set", "intervals=heads", "--model", "linear"],
            "changes nothing",
        ),
    ] {
        let output = train(folder.path(), more);
        assert_eq!(output.status.code(), Some(2));
        assert!(said(&output).contains(words), "{}", said(&output));
    }
}

#[test]
fn heads_have_the_same_bytes_for_any_number_of_threads() {
    let bytes = ["1", "3"].map(|n| {
        let folder = tempfile::tempdir().unwrap();
        tables(folder.path());
        trained(folder.path(), &["--set", "intervals=heads", "--threads", n]);
        fs::read(folder.path().join("model.json")).unwrap()
    });
    assert_eq!(bytes[0], bytes[1]);
}
