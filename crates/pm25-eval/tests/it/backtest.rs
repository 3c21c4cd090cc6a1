//! Backtests over four stations of air that wanders for sixteen weeks; `away`, the first by name, begins in the ninth.
//!
//! Beside them stand separate runs: tables cut as `pm25-prep` cuts them, a model as `pm25-train` makes it, asked for the
//! rows until the next origin.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use clap::Parser;
use pm25_air::civil::format_utc;
use pm25_air::feature::Scene;
use pm25_air::task::target;
use pm25_air::{Cut, Network, Part, Quantity, Station, Task};
use pm25_artifact::backtest::BacktestReport;
use pm25_artifact::prep::Prepared;
use pm25_file::{Header, Input, program, read_document};
use pm25_fit::{Dataset, Facts, LearnArgs, Order, Sample, make};
use pm25_rows::{Plan, features_among};
use pm25_table::{Column, Table, Text};
use pm25_tool::{Common, Console};

const HOUR_S: i64 = 3600;
const START_S: i64 = 1_456_790_400; // 2016-03-01T00:00:00Z
const HOURS: usize = 112 * 24;
const H: u16 = 6;
/// Hours of the first origin and of the end.
const FROM: i64 = 56 * 24;
const UNTIL: i64 = 98 * 24;
/// From one origin to the next.
const STEP: i64 = 14 * 24;
const FEATURES: &str =
    "pm25,change(pm25,3),mean(pm25,24),others_mean(pm25),at(\"south\",pm25),wind,hour,station";

/// A number in -1 to 1 that looks like chance.
fn noise(seed: usize, place: usize) -> f32 {
    let x = (place as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ (seed as u64).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x >> 40) as f32 / (1u64 << 23) as f32) - 1.0
}

/// Air with a gap here and there.
fn air() -> Network {
    let mut common = vec![0.0f32];
    for hour in 1..HOURS {
        common.push(0.97 * common[hour - 1] + 9.0 * noise(1, hour));
    }
    let stations = ["away", "east", "north", "south"].iter().enumerate();
    let stations = stations.map(|(place, name)| {
        let first = if *name == "away" { 60 * 24 } else { 0 };
        let hours = first..HOURS;
        let mut station = Station::new(name, START_S + first as i64 * HOUR_S, 480);
        station.values = std::array::from_fn(|_| vec![f32::NAN; hours.len()]);
        station.flags = std::array::from_fn(|_| vec![0; hours.len()]);
        let pm25 = |hour: usize| match hour % 97 {
            0..3 => f32::NAN,
            _ => (90.0 + common[hour] + 8.0 * noise(2 + place, hour))
                .max(1.0)
                .round(),
        };
        station.values[Quantity::Pm25.index()] = hours.clone().map(pm25).collect();
        station.values[Quantity::WindSpeed.index()] =
            hours.map(|hour| 3.0 + noise(20 + place, hour)).collect();
        station
    });
    Network::from_stations(stations.collect()).unwrap()
}

/// The table that `pm25-ingest` writes.
fn write(network: &Network, path: PathBuf) {
    let columns = network.to_columns();
    let mut table = Table::new();
    let (words, codes) = (columns.words, columns.codes);
    table.push("station", Column::Text(Text { words, codes }));
    table.push("time", Column::Time(columns.time_s));
    table.push("utc_offset_min", Column::I16(columns.utc_offset_min));
    for quantity in Quantity::ALL {
        let at = quantity.index();
        table.push(quantity.column(), Column::F32(columns.values[at].clone()));
        table.push(
            quantity.flags_column(),
            Column::U16(columns.flags[at].clone()),
        );
    }
    let output = pm25_file::Output::Path(path);
    table
        .write(&output, "pm25-observations", Header::new(&program!()))
        .unwrap();
}

fn hour(hour: i64) -> String {
    format_utc(START_S + hour * HOUR_S)
}

struct World(tempfile::TempDir);

impl World {
    fn of(network: &Network) -> Self {
        let world = Self(tempfile::tempdir().unwrap());
        write(network, world.path("obs.parquet"));
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, more: &[&str]) -> Output {
        let horizon = H.to_string();
        let common = ["backtest", "obs.parquet", "--task", "forecast"];
        Command::new(env!("CARGO_BIN_EXE_pm25-eval"))
            .current_dir(self.0.path())
            .args([&common[..], &["--horizon-h", &horizon, "--no-plots"], more].concat())
            .output()
            .unwrap()
    }

    /// A backtest with the origins of this file into `out`.
    fn backtest(&self, more: &[&str]) -> (BacktestReport, Rows) {
        let (from, until) = (hour(FROM), hour(UNTIL));
        let when = ["--from", &from, "--until", &until, "--every", "14"];
        let out = self.run(&[&when[..], &["--out-dir", "out"], more].concat());
        assert!(out.status.success(), "{}", said(&out));
        let (report, _) = read_document(&Input::Path(self.path("out/backtest.json"))).unwrap();
        (report, Rows::read(&self.path("out/predictions.parquet")))
    }

    fn refused(&self, status: i32, more: &[&str]) -> String {
        let out = self.run(&[more, &["--out-dir", "refused"]].concat());
        assert_eq!(out.status.code(), Some(status), "{}", said(&out));
        assert!(!self.path("refused").exists());
        said(&out)
    }
}

fn said(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

/// (origin, station, stamp t) to what stands in a row.
struct Rows(BTreeMap<(i64, String, i64), Row>);

#[derive(Clone, Copy, Debug)]
struct Row {
    target: f64,
    persistence: f64,
    prediction: f64,
    climatology: f64,
    linear: f64,
}

impl Rows {
    fn read(path: &Path) -> Self {
        let table =
            Table::read(&Input::Path(path.to_owned()), "pm25-backtest-predictions").unwrap();
        let column = |name: &str| table.numbers(name).unwrap().into_owned();
        let (target, persistence) = (column("target_ug_m3"), column("persistence_ug_m3"));
        let [prediction, climatology, linear] = ["prediction", "climatology", "linear"]
            .map(|name| table.f64(&format!("{name}_ug_m3")).unwrap().to_vec());
        let place = |row: usize| {
            let station = table.text("station").unwrap().get(row).to_owned();
            let [origin, time] = ["origin", "time"].map(|name| table.time(name).unwrap()[row]);
            (origin, station, time)
        };
        let row = |at: usize| Row {
            target: f64::from(target[at]),
            persistence: f64::from(persistence[at]),
            prediction: prediction[at],
            climatology: climatology[at],
            linear: linear[at],
        };
        let rows: BTreeMap<_, _> = (0..table.n_rows()).map(|at| (place(at), row(at))).collect();
        assert_eq!(rows.len(), table.n_rows(), "no row is there twice");
        Self(rows)
    }

    /// By bits.
    fn predictions(&self, keep: impl Fn(i64, i64) -> bool) -> BTreeMap<(String, i64), [u64; 3]> {
        let rows = self
            .0
            .iter()
            .filter(|((origin, _, time), _)| keep(*origin, *time));
        let bits = rows.map(|((_, station, time), row)| {
            let said = [row.prediction, row.climatology, row.linear];
            ((station.clone(), *time), said.map(f64::to_bits))
        });
        bits.collect()
    }
}

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
    let task = Task::Forecast { horizon_h: H };
    let at = |hour: i64| START_S + hour * HOUR_S;
    let bare = features_among(task, Some("hour"), &[]).unwrap();
    // A table of nothing is refused: where T1 is the origin, the judged rows are the valid table, and teach nothing.
    let t2 = if t1 == origin { origin + STEP } else { origin };
    let plan = Plan::new(network, &bare, Cut::new(at(t1), at(t2)).unwrap()).unwrap();
    let mut judged = Plan::new(
        network,
        &bare,
        Cut::new(at(origin - 24), at(origin)).unwrap(),
    )
    .unwrap();
    judged.vocabulary.clone_from(&plan.vocabulary);
    let read = |plan: &Plan, part| dataset(network, plan, text, part, folder.path());
    let (train, valid) = (read(&plan, Part::Train), read(&plan, Part::Valid));
    let asked = Asked::parse_from([&["test"], argv].concat());
    let order = Order {
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
    let task = Task::Forecast { horizon_h: H };
    let span = START_S + FROM * HOUR_S..START_S + UNTIL * HOUR_S;
    let mut truths = BTreeMap::new();
    for station in &network.stations {
        let hours = 0..station.n_hours();
        for (hour, truth) in hours.clone().zip(target(station, task, hours)) {
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
        let day = origin.scores.baselines.persistence_24h.unwrap();
        assert!(0 < day.rows && day.rows < origin.scores.metrics.rows);
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
