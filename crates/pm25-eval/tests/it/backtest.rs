//! Backtests beside separate runs: tables cut as `pm25-prep` cuts them, a model as `pm25-train` makes it, asked for the
//! rows until the next origin.

use std::collections::BTreeMap;
use std::path::Path;

use clap::Parser;
use pm25_air::civil::format_utc;
use pm25_air::feature::Scene;
use pm25_air::task::target;
use pm25_air::{Cut, Network, Part, Quantity, Task};
use pm25_artifact::backtest::BacktestReport;
use pm25_artifact::prep::Prepared;
use pm25_file::{Header, Input, program, read_document};
use pm25_fit::{Dataset, Facts, LearnArgs, Order, Sample, make};
use pm25_rows::{Plan, features_among};
use pm25_tool::{Common, Console};

use super::rolling::{
    FEATURES, FROM, H, HOUR_S, Row, Rows, START_S, STEP, UNTIL, World, air, hour, said,
};

const TASK: Task = Task::Forecast { horizon_h: H };

#[derive(Parser)]
struct Asked {
    #[command(flatten)]
    learn: LearnArgs,
    #[command(flatten)]
    common: Common,
}

/// A table of a part, as `pm25-prep` writes it, read as `pm25-train` reads it.
fn dataset(network: &Network, plan: &Plan, text: &str, part: Part, folder: &Path) -> Dataset {
    let set = features_among(plan.tasks[0], Some(text), &plan.vocabulary).unwrap();
    let table = pm25_rows::table(network, plan, &Scene::whole(&set, network), part);
    let prepared = Prepared {
        horizons_h: Vec::new(),
        task: plan.tasks[0].into(),
        features: pm25_rows::facts(&set),
        stations: pm25_rows::stations(network, plan, part),
        vocabulary: plan.vocabulary.clone(),
        statistics: BTreeMap::new(),
    };
    let path = folder.join("part.parquet");
    let header = prepared.put(Header::new(&program!()));
    let output = pm25_file::Output::Path(path.clone());
    table.write(&output, "pm25-features", header).unwrap();
    Dataset::read(&Input::Path(path), "target_ug_m3", &console()).unwrap()
}

fn console() -> Console {
    Console::new(&Asked::parse_from(["test", "-q"]).common)
}

/// What separate runs cut at T1 and the origin say of the rows until the next origin.
fn separate(
    network: &Network,
    (t1, origin): (i64, i64),
    text: &str,
    argv: &[&str],
) -> BTreeMap<(String, i64), [u64; 3]> {
    let folder = tempfile::tempdir().unwrap();
    let at = |hour: i64| START_S + hour * HOUR_S;
    // A table of nothing is refused: where T1 is the origin, the judged rows are the valid table, and teach nothing.
    let t2 = if t1 == origin { origin + STEP } else { origin };
    let plan = Plan::of_tasks(network, &[TASK], Cut::new(at(t1), at(t2)).unwrap()).unwrap();
    let mut judged = Plan::of_tasks(
        network,
        &[TASK],
        Cut::new(at(origin - 24), at(origin)).unwrap(),
    )
    .unwrap();
    judged.vocabulary.clone_from(&plan.vocabulary);
    let read = |plan: &Plan, part| dataset(network, plan, text, part, folder.path());
    let (train, valid) = (read(&plan, Part::Train), read(&plan, Part::Valid));
    let asked = Asked::parse_from([&["test"], argv].concat());
    let order = Order {
        stations: Default::default(),
        wanted: asked.learn.model,
        n_folds: usize::from(asked.learn.folds),
        parts: &asked.learn.parts,
        facts: &Facts::of(&train),
        params: &asked.learn.params(&[]).unwrap(),
    };
    let rows = [&train, &valid].map(|table| Sample::of(table, &train).unwrap());
    let [train_rows, valid_rows] = rows;
    let model = make(&order, (train_rows, valid_rows), &console())
        .unwrap()
        .model;
    let test = Sample::of(&read(&judged, Part::Test), &train).unwrap();
    let rows = test.rows();
    let baseline = |kind| model.predict_baseline(kind, &rows);
    use pm25_artifact::model::ModelKind::{Climatology, Linear};
    let said = [
        model.predict(&rows),
        baseline(Climatology),
        baseline(Linear),
    ];
    let (words, codes) = rows.station.unwrap();
    let places = codes.iter().zip(rows.time_s.unwrap()).enumerate();
    places
        .filter(|(_, (_, time))| **time < at(origin + STEP))
        .map(|(row, (code, time))| {
            let bits = [0, 1, 2].map(|which: usize| said[which][row].to_bits());
            ((words[*code as usize].clone(), *time), bits)
        })
        .collect()
}

const BOOST: [&str; 6] = [
    "--model",
    "boost",
    "--set",
    "n_estimators=12",
    "--set",
    "early_stopping_rounds=0",
];
const STOPPED: [&str; 6] = [
    "--model",
    "boost",
    "--set",
    "n_estimators=40",
    "--set",
    "early_stopping_rounds=3",
];

#[test]
fn an_origins_predictions_are_those_of_separate_runs() {
    let network = air();
    let world = World::of(&network);
    let linear = ["--model", "linear"];
    let best = ["--model", "best", "--folds", "2", "--set", "n_estimators=8"];
    let cases: [(&[&str], i64, &str); 4] = [
        (&BOOST, 0, "full"),
        (&STOPPED, 10, FEATURES),
        (&linear, 0, FEATURES),
        (&best, 10, FEATURES),
    ];
    for (learn, valid_days, text) in cases {
        let days = valid_days.to_string();
        let more = ["--valid-days", &days, "--features", text];
        let (report, rows) = world.backtest(&[&more[..], learn].concat());
        assert_eq!(report.origins.len(), 3);
        for origin in [FROM, FROM + 2 * STEP] {
            let ours = rows.predictions(|at, _| at == START_S + origin * HOUR_S);
            let cut = (origin - 24 * valid_days, origin);
            let theirs = separate(&network, cut, text, learn);
            assert!(900 < theirs.len());
            assert!(ours == theirs, "{learn:?} at {origin}");
        }
    }
}

#[test]
fn stations_that_begin_later_are_learned_when_they_are_there() {
    let world = World::of(&air());
    let from = hour(FROM);
    let until = hour(FROM + 2 * STEP);
    let when = ["--from", &from, "--until", &until, "--every", "14d"];
    let what = [
        "--features",
        "full",
        "--model",
        "linear",
        "--out-dir",
        "out",
    ];
    let out = world.run(&[&when[..], &what].concat());
    assert!(out.status.success(), "{}", said(&out));
    let (report, _): (BacktestReport, _) =
        read_document(&Input::Path(world.path("out/backtest.json"))).unwrap();
    let known: Vec<u64> = report
        .origins
        .iter()
        .map(|origin| origin.stations)
        .collect();
    assert_eq!(known, [3, 4]);
    let wide: Vec<u64> = report
        .origins
        .iter()
        .map(|origin| origin.n_features)
        .collect();
    assert_eq!(wide[1], wide[0] + 2, "two columns for each named station");
    // A station that the first origin's model has not met is judged all the same.
    let rows = Rows::read(&world.path("out/predictions.parquet"));
    let first = START_S + FROM * HOUR_S;
    assert!(
        rows.0
            .keys()
            .any(|(origin, station, _)| *origin == first && station == "away")
    );
}

#[test]
fn a_later_hour_changes_nothing_that_was_said_before() {
    let network = air();
    let argv = [&BOOST[..], &["--features", FEATURES]].concat();
    let (_, before) = World::of(&network).backtest(&argv);
    let third = FROM + 2 * STEP;
    // In the middle of the second origin's judged hours, and right behind the third origin: had that one's model
    // learned from a target after it, its first rows would tell.
    for changed in [FROM + STEP + 100, third + 1] {
        let changed_s = START_S + changed * HOUR_S;
        let mut stations = network.stations.clone();
        for station in &mut stations {
            let first = station.hour_idx(changed_s).unwrap();
            for quantity in [Quantity::Pm25, Quantity::WindSpeed] {
                for value in &mut station.values[quantity.index()][first..] {
                    *value = 400.0 - *value;
                }
            }
        }
        let other = World::of(&Network::from_stations(stations).unwrap());
        let (_, after) = other.backtest(&argv);
        let earlier = |_, time| time < changed_s;
        assert!(1200 < before.predictions(earlier).len());
        assert!(
            before.predictions(earlier) == after.predictions(earlier),
            "{changed}"
        );
        let last = |origin, _| origin == START_S + third * HOUR_S;
        assert!(before.predictions(last) != after.predictions(last));
    }
}

#[test]
fn threads_change_no_byte() {
    let world = World::of(&air());
    let bytes = |threads: &str| {
        let more = ["--features", FEATURES, "--threads", threads];
        world.backtest(&[&BOOST[..], &more].concat());
        ["backtest.json", "predictions.parquet"]
            .map(|name| std::fs::read(world.path("out").join(name)).unwrap())
    };
    let one = bytes("1");
    for threads in ["2", "5"] {
        assert!(one == bytes(threads), "{threads}");
    }
}

#[test]
fn scores_cover_every_hour_with_a_target_and_are_those_of_the_predictions() {
    let network = air();
    let world = World::of(&network);
    let (report, rows) = world.backtest(&["--model", "linear", "--features", FEATURES]);
    let span = START_S + FROM * HOUR_S..START_S + UNTIL * HOUR_S;
    let (mut truths, mut measured) = (BTreeMap::new(), BTreeMap::new());
    for station in &network.stations {
        let hours = 0..station.n_hours();
        for (hour, now) in target(station, Task::Nowcast, hours.clone())
            .into_iter()
            .enumerate()
        {
            if now.is_finite() {
                measured.insert((station.name.clone(), station.time_s(hour)), f64::from(now));
            }
        }
        for (hour, truth) in hours.clone().zip(target(station, TASK, hours)) {
            let time_s = station.time_s(hour);
            if span.contains(&time_s) && truth.is_finite() {
                truths.insert((station.name.clone(), time_s), f64::from(truth));
            }
        }
    }
    let targets = rows.0.iter();
    let targets: BTreeMap<_, _> = targets
        .map(|((_, station, time), row)| ((station.clone(), *time), row.target))
        .collect();
    assert_eq!(targets, truths);
    let rmse = |rows: &[Row], of: fn(&Row) -> f64| {
        let squares = rows.iter().map(|row| (of(row) - row.target).powi(2));
        (squares.sum::<f64>() / rows.len() as f64).sqrt()
    };
    let close = |a: Option<f64>, b: f64| assert!((a.unwrap() - b).abs() < 1e-9, "{a:?} {b}");
    for (at, origin) in report.origins.iter().enumerate() {
        let origin_s = START_S + (FROM + at as i64 * STEP) * HOUR_S;
        assert_eq!(origin.origin, format_utc(origin_s));
        let ours = rows.0.iter().filter(|((at, _, _), _)| *at == origin_s);
        let ours: Vec<Row> = ours.map(|(_, row)| *row).collect();
        assert_eq!(origin.scores.metrics.rows, ours.len() as u64);
        close(
            origin.scores.metrics.rmse_ug_m3,
            rmse(&ours, |row| row.prediction),
        );
        let climatology = origin.scores.baselines.climatology.rmse_ug_m3;
        close(climatology, rmse(&ours, |row| row.climatology));
        let known: Vec<Row> = ours
            .into_iter()
            .filter(|r| r.persistence.is_finite())
            .collect();
        let skill = 1.0 - rmse(&known, |r| r.prediction) / rmse(&known, |r| r.persistence);
        close(origin.scores.skill_over.persistence.skill, skill);
        // A ridge is its own baseline.
        assert_eq!(origin.scores.skill_over.linear.skill, Some(0.0));
        // By a day: PM2.5 of the hour t + 6 - 24, of which rows before the origin tell, too.
        let keys = rows.0.iter().filter(|((at, _, _), _)| *at == origin_s);
        let days: Vec<(f64, f64)> = keys
            .filter_map(|((_, station, time), row)| {
                let known = measured.get(&(station.clone(), time - 18 * HOUR_S))?;
                Some((row.target, *known))
            })
            .collect();
        let squares: f64 = days.iter().map(|(y, said)| (y - said).powi(2)).sum();
        let day = origin.scores.baselines.persistence_24h.unwrap();
        assert_eq!(day.rows, days.len() as u64);
        close(day.rmse_ug_m3, (squares / days.len() as f64).sqrt());
    }
    assert_eq!(report.overall.metrics.rows, truths.len() as u64);
    assert!(report.bootstrap.is_some());
}

#[test]
fn a_window_forgets_what_is_older() {
    let world = World::of(&air());
    let linear = ["--model", "linear", "--features", FEATURES];
    let (all, _) = world.backtest(&linear);
    let (window, _) = world.backtest(&[&linear[..], &["--train-window", "20"]].concat());
    for (long, short) in all.origins.iter().zip(&window.origins) {
        assert!(short.train_rows < long.train_rows);
        // 20 days less the horizon, at four stations with 94 of 97 hours at least.
        assert!(
            (1300..=4 * (480 - 6)).contains(&short.train_rows),
            "{short:?}"
        );
    }
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_written() {
    let world = World::of(&air());
    let (a, b, late) = (hour(FROM), hour(UNTIL), hour(400 * 24));
    let when = ["--from", &a, "--until", &b, "--every", "14"];
    let linear = ["--model", "linear", "--features", "pm25,hour"];
    let with = |when: &[&str], more: &[&str]| -> Vec<String> {
        let all = when.iter().chain(more);
        all.map(|word| (*word).to_owned()).collect()
    };
    let refused = |status, argv: Vec<String>| {
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        world.refused(status, &argv)
    };
    refused(
        2,
        with(&["--from", &b, "--until", &a, "--every", "14"], &linear),
    );
    refused(
        2,
        with(&["--from", &a, "--until", &b], &["--every", "year"]),
    );
    refused(2, with(&when, &["--features", "lag(pm25,-1)"]));
    let said = refused(
        3,
        with(
            &[
                "--from",
                &late,
                "--until",
                "2019-01-01T00:00:00Z",
                "--every",
                "100",
            ],
            &linear,
        ),
    );
    assert!(said.contains("has a target"), "{said}");
    let first = hour(0);
    let said = refused(
        3,
        with(&["--from", &first, "--until", &b, "--every", "14"], &linear),
    );
    assert!(said.contains("before the origin"), "{said}");
    let said = refused(
        2,
        with(&when, &[&STOPPED[..], &["--valid-days", "0"]].concat()),
    );
    assert!(said.contains("when to stop"), "{said}");
}

#[test]
fn an_origin_without_hours_to_judge_is_named() {
    let mut network = air();
    for station in &mut network.stations {
        let origin_s = START_S + (FROM + STEP) * HOUR_S;
        let first = station.hour_idx(origin_s).unwrap();
        let gap = first..first + STEP as usize + usize::from(H);
        station.values[Quantity::Pm25.index()][gap].fill(f32::NAN);
    }
    let world = World::of(&network);
    let (report, _) = world.backtest(&["--model", "linear", "--features", FEATURES]);
    assert_eq!(report.origins.len(), 2);
    assert_eq!(report.without_rows, [hour(FROM + STEP)]);
}

#[test]
fn every_task_has_its_backtest_and_every_file_its_hash() {
    let world = World::of(&air());
    let (from, until) = (hour(FROM), hour(UNTIL));
    for (task, has_day) in [("nowcast", true), ("daymean", false)] {
        let argv = [
            "--task",
            task,
            "--features",
            "wind,hour,station",
            "--model",
            "climatology",
        ];
        let when = ["--from", &from, "--until", &until, "--every", "14"];
        let out = world.run_task(&[&argv[..], &when, &["--out-dir", task]].concat());
        assert!(out.status.success(), "{}", said(&out));
        let folder = world.path(task);
        let (report, _): (BacktestReport, _) =
            read_document(&Input::Path(folder.join("backtest.json"))).unwrap();
        let overall = &report.overall;
        assert_eq!(
            overall.baselines.persistence_24h.is_some(),
            has_day,
            "{task}"
        );
        assert_eq!(overall.skill_over.climatology.skill, Some(0.0));
        let names: Vec<&str> = report.pm25.files.iter().map(|f| f.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "predictions.parquet",
                "skill_by_origin.png",
                "rmse_by_origin.png"
            ]
        );
        for file in &report.pm25.files {
            let bytes = std::fs::read(folder.join(&file.name)).unwrap();
            assert_eq!(pm25_file::Sha256::of(&bytes), file.sha256, "{}", file.name);
        }
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        assert!(text.contains("3 origins"), "{text}");
    }
}
