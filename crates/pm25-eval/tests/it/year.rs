//! Two stations over eleven weeks, so that there are weeks to draw and thresholds to warn of.
//!
//! Targets go up and down with a period of five days; the model of [`crate::world`] says 10 + a + b / 2, so a table
//! with a = (what shall be said) - 10 and b = 0 makes it say anything.

use std::collections::BTreeMap;
use std::fs;

use pm25_artifact::eval::{EvalReport, Verdict};
use pm25_artifact::model::{Model, Rows, WarningCosts, WarningLine};
use pm25_artifact::prep::{FeatureFact, Prepared, StationFact, TaskFact};
use pm25_file::{Header, Input, program};
use pm25_table::{Column, Table, Text};
use serde_json::json;

use crate::world::{World, text};

pub(crate) const HOUR_S: i64 = 3600;
pub(crate) const START_S: i64 = 1_456_790_400; // 2016-03-01T00:00:00Z
const HOURS: usize = 80 * 24;
const TEST: [&str; 4] = ["--model", "model.json", "--test", "year.parquet"];

/// Between 20 and 220 µg/m³.
pub(crate) fn truth(station: usize, hour: usize) -> f32 {
    let turn = (hour % 120) as f32 / 120.0;
    120.0 - 100.0 * (turn * 2.0 - 1.0).abs() + 50.0 * station as f32 + (hour * 7919 % 13) as f32
}

/// Too low where it matters, and a little off everywhere.
pub(crate) fn shy(station: usize, hour: usize) -> f32 {
    0.6 * truth(station, hour) + (hour * 104_729 % 17) as f32
}

/// Writes rows of `hours`, of which the model says `said`; horizon 1 h, so the target of hour t is the truth of t + 1.
fn table(world: &World, name: &str, hours: std::ops::Range<usize>, said: Air) {
    told(world, name, hours, (said, truth));
}

/// µg/m³ of a station (0 or 1) in an hour.
pub(crate) type Air = fn(usize, usize) -> f32;

/// The same where something else came true.
pub(crate) fn told(
    world: &World,
    name: &str,
    hours: std::ops::Range<usize>,
    (said, truth): (Air, Air),
) {
    let rows: Vec<(usize, usize)> = (0..2)
        .flat_map(|station| hours.clone().map(move |hour| (station, hour)))
        .collect();
    let column = |value: &dyn Fn(usize, usize) -> f32| {
        let values = rows.iter().map(|(station, hour)| value(*station, *hour));
        values.collect::<Vec<f32>>()
    };
    let station = |name: &str| StationFact {
        name: name.into(),
        utc_offset_min: 480,
    };
    let feature = |name: &str| FeatureFact {
        column: name.into(),
        expression: name.into(),
        unit: "1".into(),
    };
    let prepared = Prepared {
        horizons_h: Vec::new(),
        task: TaskFact::Forecast { horizon_h: 1 },
        features: vec![feature("a"), feature("b")],
        stations: vec![station("east"), station("west")],
        vocabulary: vec!["east".into(), "west".into()],
        statistics: BTreeMap::new(),
    };
    let mut table = Table::new();
    let names = rows.iter().map(|row| ["east", "west"][row.0]);
    table.push("station", Column::Text(Text::from_rows(names)));
    let time_s = rows.iter().map(|row| START_S + row.1 as i64 * HOUR_S);
    table.push("time", Column::Time(time_s.collect()));
    table.push("target_ug_m3", column(&|s, hour| truth(s, hour + 1)));
    table.push(
        "persistence_ug_m3",
        column(&|s, hour| {
            if hour % 50 == 3 {
                f32::NAN
            } else {
                truth(s, hour)
            }
        }),
    );
    table.push("a", column(&|s, hour| said(s, hour + 1) - 10.0));
    table.push("b", column(&|_, _| 0.0));
    let output = pm25_file::Output::Path(world.path(name));
    let header = prepared.put(Header::new(&program!()));
    table.write(&output, "pm25-features", header).unwrap();
}

/// A world with the eleven weeks as test rows.
fn year() -> World {
    let world = World::new();
    table(&world, "year.parquet", 0..HOURS, shy);
    world.model("farther.json", |body| {
        body["linear"]["intercept_ug_m3"] = json!(-5.0)
    });
    world
}

fn judged(world: &World, more: &[&str]) -> EvalReport {
    let output = world.eval(&[&TEST[..], &["--out-dir", "out", "--no-plots"][..], more].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    world.report("out")
}

fn said(world: &World, args: &[&str]) -> (i32, String) {
    let output = world.eval(args);
    (output.status.code().unwrap(), text(&output.stderr))
}

#[test]
fn intervals_hold_the_score_and_say_how_they_were_drawn() {
    let report = judged(&year(), &[]);
    let bootstrap = report.bootstrap.unwrap();
    assert_eq!((bootstrap.block_h, bootstrap.hours), (168, HOURS as u64));
    let inside = |ends: Option<[f64; 2]>, value: Option<f64>| {
        let ([low, high], value) = (ends.unwrap(), value.unwrap());
        assert!(
            low <= value && value <= high && low < high,
            "{low} {value} {high}"
        );
    };
    inside(bootstrap.rmse_ug_m3, report.metrics.rmse_ug_m3);
    inside(
        bootstrap.skill_over.persistence,
        report.skill_over.persistence.skill,
    );
    inside(
        bootstrap.skill_over.persistence_24h.unwrap(),
        report.skill_over.persistence_24h.unwrap().skill,
    );
    inside(
        bootstrap.skill_over.climatology,
        report.skill_over.climatology.skill,
    );
    // Six rows in most of a year: many draws hold none.
    assert_eq!(World::new().judged(&[]).bootstrap, None);
}

#[test]
fn the_day_before_is_known_from_the_table_itself() {
    let report = judged(&year(), &[]);
    let day = report.baselines.persistence_24h.unwrap();
    // Row t needs the truth of t - 23: the targets of rows from 1 on, and the persistence of row 0.
    assert_eq!((day.rows, day.missing), (2 * (HOURS as u64 - 23), 2 * 23));
    let squares =
        (0..2).flat_map(|s| (23..HOURS).map(move |t| (truth(s, t + 1) - truth(s, t - 23)).powi(2)));
    let mean = squares.map(f64::from).sum::<f64>() / day.rows as f64;
    assert!((day.rmse_ug_m3.unwrap() - mean.sqrt()).abs() < 1e-6);
}

#[test]
fn a_rival_is_better_worse_or_undecided_and_the_duel_is_fair() {
    let world = year();
    let verdict = |args: &[&str]| judged(&world, args).against.unwrap().duel.unwrap();
    let better = verdict(&["--against", "farther.json"]);
    assert_eq!(better.verdict, Verdict::Better);
    assert!(better.rmse_difference_ug_m3.unwrap()[1] < 0.0 && 0.0 < better.skill.unwrap()[0]);
    let test = better.diebold_mariano.unwrap();
    assert_eq!((test.hours, test.lags_h), (HOURS as u64, 0));
    let same = verdict(&["--against", "model.json"]);
    assert_eq!(
        (same.verdict, same.diebold_mariano),
        (Verdict::Undecided, None)
    );
    let usual = [
        "--model",
        "farther.json",
        "--test",
        "year.parquet",
        "--out-dir",
        "other",
        "--no-plots",
    ];
    assert_eq!(
        said(&world, &[&usual[..], &["--against", "model.json"]].concat()).0,
        0
    );
    let worse = world.report("other").against.unwrap().duel.unwrap();
    assert_eq!(worse.verdict, Verdict::Worse);
    let difference = worse.diebold_mariano.unwrap().mean_square_difference;
    assert_eq!(difference, -test.mean_square_difference);
}

#[test]
fn a_written_evaluation_is_as_good_a_rival_as_its_model() {
    let world = year();
    let other = [
        "--model",
        "farther.json",
        "--test",
        "year.parquet",
        "--out-dir",
        "other",
        "--no-plots",
    ];
    assert_eq!(said(&world, &other).0, 0);
    let by_folder = judged(&world, &["--against", "other"]);
    let by_model = judged(&world, &["--against", "farther.json"]);
    assert_eq!(by_folder.against, by_model.against);
    let inputs: Vec<&str> = by_folder
        .pm25
        .inputs
        .iter()
        .map(|input| input.name.as_str())
        .collect();
    assert_eq!(
        inputs[2..],
        ["other/eval.json", "other/predictions.parquet"]
    );
}

#[test]
fn other_rows_are_refused_and_so_are_exchanged_predictions() {
    let world = year();
    table(&world, "later.parquet", 24..HOURS, shy);
    let judge = |test: &str, out: &str| {
        said(
            &world,
            &[
                "--model",
                "model.json",
                "--test",
                test,
                "--out-dir",
                out,
                "--no-plots",
            ],
        )
    };
    assert_eq!(
        (
            judge("later.parquet", "later").0,
            judge("year.parquet", "same").0
        ),
        (0, 0)
    );
    let against = |folder: &str| {
        said(
            &world,
            &[&TEST[..], &["--out-dir", "out", "--against", folder][..]].concat(),
        )
    };
    let (status, why) = against("later");
    assert_eq!(status, 3);
    assert!(
        why.contains("was judged on other rows than year.parquet"),
        "{why}"
    );
    fs::copy(
        world.path("later/predictions.parquet"),
        world.path("same/predictions.parquet"),
    )
    .unwrap();
    let (status, why) = against("same");
    assert_eq!(status, 4);
    assert!(
        why.contains("not the file that eval.json beside it lists"),
        "{why}"
    );
    assert!(!world.path("out").exists());
}

#[test]
fn a_line_from_validation_rows_warns_where_the_threshold_is_shy() {
    let world = year();
    table(&world, "test.parquet", 40 * 24..HOURS, shy);
    table(&world, "valid.parquet", 0..40 * 24 - 1, shy);
    let args = [
        "--test",
        "test.parquet",
        "--valid",
        "valid.parquet",
        "--warning-cost",
        "0.2",
    ];
    let usual = [
        "--model",
        "model.json",
        "--out-dir",
        "out",
        "--thresholds",
        "130,500",
    ];
    let (status, why) = said(&world, &[&usual[..], &args].concat());
    assert_eq!(status, 0, "{why}");
    let report = world.report("out");
    let [high, never] = &report.exceedance[..] else {
        panic!("two thresholds")
    };
    let tuned = high.tuned.as_ref().unwrap();
    assert!(
        high.plain.model.pod < Some(0.2) && Some(0.75) < tuned.scores.model.csi,
        "{high:?}"
    );
    assert!((tuned.scores.model.line_ug_m3 - 0.6 * 130.0).abs() < 12.0);
    assert_eq!(tuned.csi_over_linear, Some(0.0), "the model is the ridge");
    let [low, up] = tuned.csi.unwrap();
    assert!(low <= tuned.scores.model.csi.unwrap() && tuned.scores.model.csi.unwrap() <= up);
    let counts = tuned.scores.model;
    assert_eq!(counts.hits + counts.misses, high.events);
    assert_eq!(
        counts.hits + counts.misses + counts.false_alarms + counts.quiet,
        report.metrics.rows
    );
    let cheap = high.cheapest.as_ref().unwrap();
    let alarms = cheap.scores.model;
    let loss = 0.2 * (alarms.hits + alarms.false_alarms) as f64 + alarms.misses as f64;
    assert!(
        (cheap.loss_per_1000.model.unwrap() - 1000.0 * loss / report.metrics.rows as f64).abs()
            < 1e-9
    );
    let probability = high.probability.as_ref().unwrap();
    assert!(Some(0.3) < probability.brier_skill, "{probability:?}");
    assert!(world.path("out/reliability.png").exists());
    assert_eq!(
        (never.events, never.plain.model.pod, &never.tuned),
        (0, None, &None)
    );
    assert_eq!(report.pm25.inputs[2].name, "valid.parquet");
}

/// A model that was refitted on its validation rows has lines by cost from rows out of fold: the same as if these rows
/// were given, and nothing is asked for.
#[test]
fn a_refitted_model_warns_by_the_cost_of_its_own_lines() {
    let world = year();
    table(&world, "test.parquet", 40 * 24..HOURS, shy);
    table(&world, "valid.parquet", 0..40 * 24 - 1, shy);
    let args = [
        "--model",
        "model.json",
        "--test",
        "test.parquet",
        "--out-dir",
        "out",
        "--no-plots",
    ];
    let cost = ["--thresholds", "150", "--warning-cost", "0.2"];
    let valid = ["--valid", "valid.parquet"];
    let (status, why) = said(&world, &[&args[..], &cost].concat());
    assert_eq!(status, 2, "{why}");
    assert!(why.contains("pm25-train --model best"), "{why}");
    assert_eq!(said(&world, &[&args[..], &cost, &valid].concat()).0, 0);
    let by_valid = world.report("out").exceedance[0].cheapest.clone().unwrap();
    // The rows that chose, as folds would have kept them: the model is the ridge.
    let path = Input::Path(world.path("valid.parquet"));
    let (mut model, _) = Model::read(&Input::Path(world.path("model.json"))).unwrap();
    let rows = Table::read(&path, "pm25-features").unwrap();
    let features: Vec<&[f32]> = model
        .inputs
        .iter()
        .map(|it| rows.f32(&it.column).unwrap())
        .collect();
    let answers = model.predict(&Rows {
        station: None,
        time_s: None,
        persistence_ug_m3: rows.f32("persistence_ug_m3").ok(),
        features,
        n_rows: rows.n_rows(),
    });
    let targets = rows
        .f32("target_ug_m3")
        .unwrap()
        .iter()
        .map(|&y| f64::from(y));
    let newest = rows
        .f32("persistence_ug_m3")
        .unwrap()
        .iter()
        .map(|&y| f64::from(y));
    let pairs = |said: Vec<f64>| -> Vec<(f64, f64)> {
        targets
            .clone()
            .zip(said)
            .filter(|pair| pair.1.is_finite())
            .collect()
    };
    let (ours, newest) = (pairs(answers), pairs(newest.collect()));
    model.warning_lines = vec![WarningLine {
        threshold_ug_m3: 150.0,
        line_ug_m3: 150.0,
        linear_line_ug_m3: 150.0,
        persistence_line_ug_m3: 150.0,
        csi: 0.5,
        events: 1,
        rows: ours.len() as u64,
        costs: WarningCosts::of([&ours, &ours, &newest], 150.0),
    }];
    model
        .header
        .params
        .insert("learned_from".to_owned(), "train+valid".into());
    model
        .write(&pm25_file::Output::Path(world.path("refitted.json")))
        .unwrap();
    let args = [&["--model", "refitted.json"], &args[2..]].concat();
    assert_eq!(said(&world, &[&args[..], &cost].concat()).0, 0);
    assert_eq!(world.report("out").exceedance[0].cheapest, Some(by_valid));
    let (status, why) = said(&world, &[&args[..], &cost, &valid].concat());
    assert_eq!(status, 3, "what taught it chooses nothing: {why}");
}

#[test]
fn lines_are_never_chosen_on_test_rows() {
    let world = year();
    table(&world, "valid.parquet", 0..100, shy);
    for valid in ["year.parquet", "valid.parquet"] {
        let (status, why) = said(
            &world,
            &[&TEST[..], &["--out-dir", "out", "--valid", valid][..]].concat(),
        );
        assert_eq!(status, 3, "{why}");
        assert!(
            why.contains("not before the test rows of year.parquet"),
            "{why}"
        );
    }
    // The last validation target is the hour of the first test row: one hour too late.
    table(&world, "test.parquet", 100..HOURS, shy);
    table(&world, "valid.parquet", 0..100, shy);
    let args = [
        "--model",
        "model.json",
        "--test",
        "test.parquet",
        "--valid",
        "valid.parquet",
        "--out-dir",
        "out",
    ];
    assert_eq!(said(&world, &args).0, 3);
    let (status, why) = said(
        &world,
        &[
            &TEST[..],
            &["--out-dir", "out", "--warning-cost", "0.2"][..],
        ]
        .concat(),
    );
    assert_eq!(status, 2, "{why}");
}

#[test]
fn a_second_model_on_the_same_rows_is_warned_of() {
    let world = year();
    let look = |model: &str| {
        let args = [
            "--model",
            model,
            "--test",
            "year.parquet",
            "--out-dir",
            "artifacts/x/eval",
            "--no-plots",
        ];
        said(&world, &args).1
    };
    assert_eq!(look("model.json"), "");
    assert_eq!(look("model.json"), "");
    assert!(look("farther.json").contains("another model has been judged on year.parquet before"));
    let history = fs::read_to_string(world.path("artifacts/runs.jsonl")).unwrap();
    assert_eq!(history.lines().count(), 3);
    let report = fs::read_to_string(world.path("artifacts/x/eval/eval.json")).unwrap();
    assert!(!report.contains("started_s"), "the clock stays outside");
}

#[test]
fn what_air_does_not_allow_is_warned_of() {
    let world = year();
    table(&world, "year.parquet", 0..HOURS, |station, hour| {
        truth(station, hour) + 0.1
    });
    let (status, why) = said(
        &world,
        &[&TEST[..], &["--out-dir", "out", "--no-plots"][..]].concat(),
    );
    assert_eq!(status, 0);
    assert!(
        why.contains("over persistence is too good for air"),
        "{why}"
    );
}

#[test]
fn the_worst_slices_have_rows_enough() {
    let report = judged(&year(), &[]);
    let kinds: Vec<&str> = report
        .worst_slices
        .iter()
        .map(|slice| slice.kind.as_str())
        .collect();
    // No single hour of the day has a week of rows less than its eighty days of two stations.
    assert_eq!(kinds, ["station", "month", "season", "level"]);
    let station = &report.worst_slices[0];
    let lowest = report
        .slices
        .station
        .iter()
        .map(|slice| slice.skill.skill.unwrap())
        .fold(f64::MAX, f64::min);
    assert_eq!(station.skill.skill, Some(lowest));
    let seasons: Vec<&str> = report
        .slices
        .season
        .iter()
        .map(|slice| slice.name.as_str())
        .collect();
    assert_eq!(seasons, ["MAM"]);
    assert_eq!(World::new().judged(&[]).worst_slices, []);
}

#[test]
fn mod_stats_say_the_same_as_the_metrics() {
    let report = judged(&year(), &[]);
    let (stats, metrics) = (report.mod_stats.unwrap(), report.metrics);
    let near = |a: Option<f64>, b: Option<f64>| assert!((a.unwrap() - b.unwrap()).abs() < 1e-9);
    near(stats.rmse_ug_m3, metrics.rmse_ug_m3);
    near(stats.mge_ug_m3, metrics.mae_ug_m3);
    near(stats.mb_ug_m3, metrics.bias_ug_m3);
    assert_eq!(stats.rows, metrics.rows);
}

/// A model that promises 90 % of targets within -20 and +80 of what it says, below 60 µg/m³ within -10 and +10.
fn calibrated(world: &World) {
    world.model("calibrated.json", |body| {
        let intervals = json!({
            "coverage": 0.9,
            "rows": 1000,
            "levels": [
                {"below_ug_m3": 60.0, "lower_ug_m3": -10.0, "upper_ug_m3": 10.0},
                {"below_ug_m3": null, "lower_ug_m3": -20.0, "upper_ug_m3": 80.0},
            ],
        });
        body.insert("intervals".to_owned(), intervals);
    });
}

#[test]
fn intervals_are_held_against_every_target_and_written_beside_it() {
    let world = year();
    calibrated(&world);
    let args = [
        "--model",
        "calibrated.json",
        "--test",
        "year.parquet",
        "--out-dir",
        "out",
    ];
    assert_eq!(said(&world, &args).0, 0);
    let coverage = world.report("out").coverage.unwrap();
    assert_eq!(coverage.promised, 0.9);
    let table = world.predictions("out");
    let (low, high) = (
        table.f64("lower_90_ug_m3").unwrap(),
        table.f64("upper_90_ug_m3").unwrap(),
    );
    let (target, told) = (
        table.f32("target_ug_m3").unwrap(),
        table.f64("prediction_ug_m3").unwrap(),
    );
    let (mut inside, mut winkler) = (0, 0.0);
    for row in 0..target.len() {
        let (y, below) = (f64::from(target[row]), told[row] < 60.0);
        assert_eq!(
            low[row],
            (told[row] - if below { 10.0 } else { 20.0 }).max(0.0)
        );
        assert_eq!(high[row], told[row] + if below { 10.0 } else { 80.0 });
        inside += u64::from(low[row] <= y && y <= high[row]);
        winkler +=
            high[row] - low[row] + 20.0 * ((low[row] - y).max(0.0) + (y - high[row]).max(0.0));
    }
    let n = target.len() as f64;
    assert_eq!(coverage.overall.covered, Some(inside as f64 / n));
    assert!(0 < inside && inside < target.len() as u64);
    assert!((coverage.overall.winkler_ug_m3.unwrap() - winkler / n).abs() < 1e-9);
    let rows = |parts: &[pm25_artifact::eval::CoverageSlice]| {
        parts.iter().map(|part| part.coverage.rows).sum::<u64>()
    };
    for parts in [
        &coverage.month,
        &coverage.hour,
        &coverage.station,
        &coverage.predicted_level,
    ] {
        assert_eq!(rows(parts), target.len() as u64);
    }
    let least = &coverage.predicted_level[0];
    let end: f64 = least.name.split('-').nth(1).unwrap().parse().unwrap();
    let below = told.iter().filter(|told| **told < end).count() as u64;
    assert_eq!(least.coverage.rows, below, "the level is the predicted one");
    assert!(world.path("out/coverage_by_month.png").exists());
    assert_eq!(
        judged(&year(), &[]).coverage,
        None,
        "a model without intervals"
    );
}

#[test]
fn validation_rows_that_taught_the_model_teach_no_lines() {
    let world = year();
    table(&world, "test.parquet", 40 * 24..HOURS, shy);
    table(&world, "valid.parquet", 0..40 * 24 - 1, shy);
    world.model_with_param("refitted.json", "learned_from", "train+valid");
    let args = [
        "--model",
        "refitted.json",
        "--test",
        "test.parquet",
        "--out-dir",
        "out",
        "--no-plots",
    ];
    assert_eq!(said(&world, &args).0, 0);
    let (status, why) = said(&world, &[&args[..], &["--valid", "valid.parquet"]].concat());
    assert_eq!(status, 3);
    assert!(why.contains("has learned from validation rows"), "{why}");
}
