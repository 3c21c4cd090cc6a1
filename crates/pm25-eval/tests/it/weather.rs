//! Air whose weather and emissions are known apart, and a booster that has to tell them apart again.
//!
//! Two stations over 25 months. PM2.5 = 40 + 10 cos(season) + 60 / (0.5 + wind) + noise. After a year the wind calms to two
//! thirds at both, so both are measured higher; in the same week emissions at `east` fall by 15, and at `west` by nothing.

use std::collections::BTreeMap;

use pm25_air::civil::{Civil, parse_rfc3339};
use pm25_artifact::dependence::DependenceReport;
use pm25_artifact::model::{Climatology, Model, ModelKind};
use pm25_artifact::normalise::{NormaliseReport, StationTrend};
use pm25_artifact::prep::{FeatureFact, Prepared, StationFact, TaskFact};
use pm25_file::{Header, Input, Output, program, read_document};
use pm25_learn::tree::{BoostParams, Ensemble, fit_boost};
use pm25_learn::{Columns, Linear, Term};
use pm25_stats::chance::Chance;
use pm25_table::{Column, Table, Text};
use serde_json::json;

use crate::world::{World, text};

const HOUR_S: i64 = 3600;
const OFFSET_MIN: i16 = 480;
const START: &str = "2014-01-01T00:00:00+08:00";
/// A Monday.
const CALM: &str = "2015-01-05T00:00:00+08:00";
const HOURS: usize = 760 * 24;
const FELL_BY: f64 = 15.0;
pub(crate) const FEATURES: [(&str, &str); 4] = [
    ("wind_m_s", "wind"),
    ("temp_c", "temp"),
    ("trend_d", "trend"),
    ("dayofyear", "dayofyear"),
];

/// Simulated hours: features as in [`FEATURES`], and what is measured.
struct Air {
    station: Vec<u32>,
    time_s: Vec<i64>,
    columns: Vec<Vec<f32>>,
    target: Vec<f32>,
}

fn simulated() -> Air {
    let (start_s, calm_s) = (parse_rfc3339(START).unwrap(), parse_rfc3339(CALM).unwrap());
    let chance = Chance::new(11);
    let even = |n: usize| chance.below(n, 1_000_001) as f64 / 1e6;
    let mut air = Air {
        station: Vec::new(),
        time_s: Vec::new(),
        columns: vec![Vec::new(); FEATURES.len()],
        target: Vec::new(),
    };
    for n in 0..2 * HOURS {
        let (station, hour) = (n / HOURS, n % HOURS);
        let time_s = start_s + hour as i64 * HOUR_S;
        let civil = Civil::of(time_s, OFFSET_MIN);
        let season = (f64::from(civil.dayofyear) / 365.25 * std::f64::consts::TAU).cos();
        let is_calm = calm_s <= time_s;
        let wind = (0.5 + 5.5 * even(5 * n)) * if is_calm { 2.0 / 3.0 } else { 1.0 };
        let fallen = if is_calm && station == 0 {
            FELL_BY
        } else {
            0.0
        };
        let noise: f64 = 4.0 * (even(5 * n + 1) + even(5 * n + 2) - 1.0);
        let values = [
            wind,
            14.0 - 14.0 * season + 6.0 * even(5 * n + 3),
            time_s as f64 / 86_400.0,
            f64::from(civil.dayofyear),
        ];
        for (column, value) in air.columns.iter_mut().zip(values) {
            column.push(value as f32);
        }
        air.station.push(station as u32);
        air.time_s.push(time_s);
        air.target
            .push((40.0 + 10.0 * season + 60.0 / (0.5 + wind) - fallen + noise) as f32);
    }
    air
}

fn facts() -> (Vec<FeatureFact>, Vec<StationFact>) {
    let feature = |(column, expression): (&str, &str)| FeatureFact {
        column: column.into(),
        expression: expression.into(),
        unit: "1".into(),
    };
    let station = |name: &str| StationFact {
        name: name.into(),
        utc_offset_min: OFFSET_MIN,
    };
    (
        FEATURES.map(feature).to_vec(),
        vec![station("east"), station("west")],
    )
}

/// Writes the rows of one station as `NAME.parquet`.
fn write_rows(world: &World, air: &Air, station: u32) {
    let (features, stations) = facts();
    let prepared = Prepared {
        horizons_h: Vec::new(),
        task: TaskFact::Nowcast,
        features,
        vocabulary: stations
            .iter()
            .map(|station| station.name.clone())
            .collect(),
        stations,
        statistics: BTreeMap::new(),
    };
    let rows: Vec<usize> = (0..air.time_s.len())
        .filter(|row| air.station[*row] == station)
        .collect();
    let name = ["east", "west"][station as usize];
    let pick = |column: &[f32]| rows.iter().map(|row| column[*row]).collect::<Vec<f32>>();
    let mut table = Table::new();
    table.push(
        "station",
        Column::Text(Text::from_rows(rows.iter().map(|_| name))),
    );
    table.push(
        "time",
        Column::Time(rows.iter().map(|row| air.time_s[*row]).collect()),
    );
    table.push("target_ug_m3", pick(&air.target));
    for ((column, _), values) in FEATURES.iter().zip(&air.columns) {
        table.push(column, pick(values));
    }
    let output = Output::Path(world.path(&format!("{name}.parquet")));
    table
        .write(
            &output,
            "pm25-features",
            prepared.put(Header::new(&program!())),
        )
        .unwrap();
}

/// Fits each station's rows together, the stations apart by the step that one of them has.
fn write_model(world: &World, air: &Air, station: u32, name: &str) {
    let rows: Vec<usize> = (0..air.time_s.len())
        .filter(|row| air.station[*row] == station)
        .collect();
    let pick = |column: &[f32]| rows.iter().map(|row| column[*row]).collect::<Vec<f32>>();
    let columns: Vec<Vec<f32>> = air.columns.iter().map(|column| pick(column)).collect();
    let target = pick(&air.target);
    let matrix = Columns::new(columns.iter().map(Vec::as_slice).collect(), target.len());
    let settings = [
        ("n_estimators", "80"),
        ("max_leaves", "31"),
        ("learning_rate", "0.15"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let params = BoostParams::from_pairs(&settings).unwrap();
    let (inputs, stations) = facts();
    let model = Model {
        header: Header::new(&program!()),
        kind: ModelKind::Boost,
        task: TaskFact::Nowcast,
        climatology: Climatology::fit(stations.len(), target.iter().map(|v| (Some(0), None, *v))),
        linear: Linear {
            intercept: 50.0,
            terms: vec![Term::default(); inputs.len()],
        },
        inputs,
        stations,
        trees: Some(fit_boost(&matrix, &target, None, &params, &|_| ()).ensemble),
        blend: None,
        intervals: None,
        spread: None,
        online: None,
        warning_lines: Vec::new(),
        profile: None,
    };
    model.write(&Output::Path(world.path(name))).unwrap();
}

fn normalised(world: &World, station: &str, more: &[&str]) -> StationTrend {
    let (model, data) = (format!("{station}.json"), format!("{station}.parquet"));
    let usual = [
        "normalise",
        "--model",
        &model,
        "--data",
        &data,
        "--out-dir",
        station,
        "--no-plots",
    ];
    let output = world.eval(&[&usual[..], &["--draws", "20"], more].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let path = world.path(station).join("normalise.json");
    let (report, _): (NormaliseReport, _) = read_document(&Input::Path(path)).unwrap();
    let n_drawn = if more.contains(&"weather") { 2 } else { 3 };
    let order = ["wind_m_s", "temp_c", "dayofyear", "trend_d"];
    assert_eq!(report.resampled, order[..n_drawn]);
    let kept = if n_drawn == 2 {
        vec!["trend_d", "dayofyear"]
    } else {
        vec!["trend_d"]
    };
    assert_eq!(report.kept, kept);
    report.stations.into_iter().next().unwrap()
}

/// Mean of months from `from` on minus the same months a year before.
fn rise(
    station: &StationTrend,
    series: fn(&pm25_artifact::normalise::Month) -> Option<f64>,
) -> f64 {
    let of = |month: &str| {
        let found = station.months.iter().find(|of| of.month == month).unwrap();
        series(found).unwrap()
    };
    let months = 2..=12;
    let n = months.clone().count() as f64;
    months
        .map(|m| of(&format!("2015-{m:02}")) - of(&format!("2014-{m:02}")))
        .sum::<f64>()
        / n
}

#[test]
fn the_step_in_the_emissions_is_found_and_the_calmer_wind_is_taken_out() {
    let (world, air) = (World::new(), simulated());
    for (station, name) in [(0, "east"), (1, "west")] {
        write_rows(&world, &air, station);
        write_model(&world, &air, station, &format!("{name}.json"));
    }
    let (east, west) = (
        normalised(&world, "east", &[]),
        normalised(&world, "west", &[]),
    );
    // Calmer air alone: measured PM2.5 rises, normalised PM2.5 does not.
    assert!(
        6.0 < rise(&west, |m| m.observed_ug_m3),
        "{}",
        rise(&west, |m| m.observed_ug_m3)
    );
    assert!(rise(&west, |m| m.normalised_ug_m3).abs() < 1.0);
    assert_eq!(west.change_points, Some(vec![]));
    // Trees leave a few hundredths of the wind's part in the trend.
    let ends = west.normalised_trend.unwrap().interval.unwrap();
    assert!(ends.iter().all(|end| end.abs() < 1.0), "{ends:?}");
    let [low, _] = west.observed_trend.unwrap().interval.unwrap();
    assert!(5.0 < low, "{low}");
    // Fallen emissions under calmer air: measured PM2.5 hides most of it.
    assert!(-FELL_BY + 6.0 < rise(&east, |m| m.observed_ug_m3));
    let fell = rise(&east, |m| m.normalised_ug_m3);
    assert!((fell + FELL_BY).abs() < 1.5, "{fell}");
    let steps = east.change_points.unwrap();
    assert_eq!(steps.len(), 1, "{steps:?}");
    assert_eq!(steps[0].week_of, "2015-01-05");
    // A tenth of it is told of the wind, which changed in the same week.
    assert!((steps[0].change_ug_m3 + FELL_BY).abs() < 1.5, "{steps:?}");
    assert_eq!(
        (east.rows, east.donors, east.rows_without_donor),
        (HOURS as u64, HOURS as u64, 0)
    );
    // The season of the emissions stays where the calendar does, and weather comes from the days around.
    let swing = |station: &StationTrend| {
        let month = |of: &str| station.months.iter().find(|m| m.month == of).unwrap();
        month("2014-12").normalised_ug_m3.unwrap() - month("2014-07").normalised_ug_m3.unwrap()
    };
    let near = normalised(&world, "west", &["--resample", "weather", "--same-hour"]);
    let [kept, drawn] = [swing(&near), swing(&west)];
    assert!(
        (kept - 20.0).abs() < 2.0 && drawn < 0.75 * kept,
        "{drawn} {kept}"
    );
    // Threads change no byte.
    let bytes = |name: &str| std::fs::read(world.path("east").join(name)).unwrap();
    let (table, report) = (bytes("normalise.parquet"), bytes("normalise.json"));
    normalised(&world, "east", &["--threads", "1"]);
    assert!(table == bytes("normalise.parquet") && report == bytes("normalise.json"));
    normalised(&world, "east", &["--seed", "2"]);
    assert!(table != bytes("normalise.parquet"));
}

/// Trees of `east`, what they are said to depend on, and the rows that were asked about.
fn depended(world: &World) -> (Ensemble, DependenceReport, Vec<Vec<f32>>) {
    let air = simulated();
    write_rows(world, &air, 0);
    write_model(world, &air, 0, "east.json");
    let (asked, rows) = (
        ["--columns", "wind,wind:trend_d"],
        ["--rows", "40", "--points", "8"],
    );
    let (from, to) = (
        ["--model", "east.json", "--data", "east.parquet"],
        ["--out-dir", "out"],
    );
    let output = world.eval(&[&["dependence"][..], &asked, &rows, &from, &to].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let path = Input::Path(world.path("out/dependence.json"));
    let (report, _): (DependenceReport, _) = read_document(&path).unwrap();
    let (model, _) = Model::read(&Input::Path(world.path("east.json"))).unwrap();
    let rows = (0..40).map(|part| (2 * part + 1) * HOURS / 80);
    let rows = rows.map(|row| air.columns.iter().map(|column| column[row]).collect());
    (model.trees.unwrap(), report, rows.collect())
}

#[test]
fn trees_depend_as_a_slow_loop_finds() {
    let (trees, report, rows) = depended(&World::new());
    let said = |set: &[(usize, f64)], row: &[f32]| {
        let mut row = row.to_vec();
        set.iter()
            .for_each(|(column, value)| row[*column] = *value as f32);
        trees.predict_row(&row)
    };
    let mean = |set: &[(usize, f64)]| rows.iter().map(|row| said(set, row)).sum::<f64>() / 40.0;
    let curve = &report.curves[0];
    assert_eq!((curve.column.as_str(), curve.points.len()), ("wind_m_s", 8));
    let level = |row: &[f32]| {
        let all = curve
            .points
            .iter()
            .map(|point| said(&[(0, point.value)], row));
        all.sum::<f64>() / 8.0
    };
    let overall = rows.iter().map(|row| level(row)).sum::<f64>() / 40.0;
    for point in &curve.points {
        let set = [(0, point.value)];
        assert!((point.mean_ug_m3 - mean(&set)).abs() < 1e-9);
        let mut moved: Vec<f64> = rows
            .iter()
            .map(|row| said(&set, row) - level(row) + overall)
            .collect();
        moved.sort_unstable_by(f64::total_cmp);
        // Of 40 rows the 10th percentile is number 3.9, the 90th number 35.1, rounded, from 0.
        let ends = [moved[4], moved[35]];
        let near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-9;
        assert!(
            ends.iter().zip(&point.ice_10_90_ug_m3).all(near),
            "{point:?} {ends:?}"
        );
    }
    // More wind, less PM2.5: 60 / (0.5 + wind).
    assert!(curve.points[7].mean_ug_m3 + 20.0 < curve.points[0].mean_ug_m3);
    let surface = &report.surfaces[0];
    assert_eq!(surface.columns, ["wind_m_s", "trend_d"]);
    for (wind, means) in surface.values[0].iter().zip(&surface.mean_ug_m3) {
        for (day, found) in surface.values[1].iter().zip(means) {
            assert!((found - mean(&[(0, *wind), (2, *day)])).abs() < 1e-9);
        }
    }
    let pictures: Vec<&str> = report
        .pm25
        .files
        .iter()
        .map(|file| file.name.as_str())
        .collect();
    assert_eq!(
        pictures,
        [
            "dependence.parquet",
            "dependence_wind_m_s.png",
            "dependence_wind_m_s_and_trend_d.png"
        ]
    );
}

#[test]
fn the_weather_of_an_hour_is_drawn_together() {
    let (world, mut air) = (World::new(), simulated());
    // Temperature is the wind, and the model takes one from the other.
    air.columns[1] = air.columns[0].clone();
    write_rows(&world, &air, 0);
    let (inputs, stations) = facts();
    let weight = |weight: f64| Term {
        weight,
        ..Term::default()
    };
    let model = Model {
        header: Header::new(&program!()),
        kind: ModelKind::Linear,
        task: TaskFact::Nowcast,
        climatology: Climatology::fit(stations.len(), std::iter::once((Some(0), None, 50.0))),
        linear: Linear {
            intercept: 50.0,
            terms: vec![weight(1.0), weight(-1.0), weight(0.0), weight(0.0)],
        },
        inputs,
        stations,
        trees: None,
        blend: None,
        intervals: None,
        spread: None,
        online: None,
        warning_lines: Vec::new(),
        profile: None,
    };
    model.write(&Output::Path(world.path("east.json"))).unwrap();
    normalised(&world, "east", &[]);
    let path = Input::Path(world.path("east/normalise.parquet"));
    let table = Table::read(&path, "pm25-normalised").unwrap();
    assert!(
        table
            .f64("normalised_ug_m3")
            .unwrap()
            .iter()
            .all(|mean| *mean == 50.0)
    );
    assert!(
        table
            .f64("normalised_std_ug_m3")
            .unwrap()
            .iter()
            .all(|std| *std == 0.0)
    );
}

/// A nowcast of the tiny world's rows: 10 + a + b / 2, a weather, b time.
fn tiny(inputs: serde_json::Value) -> World {
    let world = World::new();
    world.model("now.json", |body| {
        body["task"] = json!({"kind": "nowcast"});
        body["inputs"] = inputs;
    });
    world.table("now.parquet", &["a", "b"], TaskFact::Nowcast);
    world
}

fn inputs(a: &str, b: &str) -> serde_json::Value {
    json!([
        {"column": "a", "expression": a, "unit": "1"},
        {"column": "b", "expression": b, "unit": "1"},
    ])
}

const TINY: [&str; 8] = [
    "normalise",
    "--model",
    "now.json",
    "--data",
    "now.parquet",
    "--out-dir",
    "out",
    "--no-plots",
];

#[test]
fn draws_are_what_a_slow_loop_draws() {
    let world = tiny(inputs("temp", "trend"));
    let output = world.eval(&[&TINY[..], &["--draws", "50", "--seed", "7"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let path = Input::Path(world.path("out/normalise.parquet"));
    let table = Table::read(&path, "pm25-normalised").unwrap();
    // By station and time: east 1, 0, 2, 3; west 5, 4 of the table in `world`.
    let rows: [(f64, f64, usize); 6] = [
        (10.0, f64::NAN, 0),
        (2.0, 0.0, 0),
        (26.0, 8.0, 0),
        (80.0, -20.0, 0),
        (300.0, 0.0, 1),
        (0.0, 0.0, 1),
    ];
    // Hours that may be drawn, in the order of time.
    let order: [&[usize]; 2] = [&[0, 1, 2, 3], &[4, 5]];
    let chance = Chance::new(7);
    for (row, (a, b, station)) in rows.iter().enumerate() {
        let said: Vec<f64> = (0..50)
            .map(|draw| {
                let donors = order[*station];
                let donor = donors[chance.below(row * 50 + draw, donors.len())];
                let time = if b.is_nan() { 3.0 } else { b / 2.0 };
                10.0 + rows[donor].0 + time
            })
            .collect();
        let mean = said.iter().sum::<f64>() / 50.0;
        let variance = said.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / 50.0;
        let near =
            |column: &str, value: f64| (table.f64(column).unwrap()[row] - value).abs() < 1e-6;
        assert!(near("normalised_ug_m3", mean), "row {row} {a}: {mean}");
        assert!(near("normalised_std_ug_m3", variance.sqrt()), "row {row}");
    }
    // Seasons are mixed only with a warning.
    let far = world.eval(&[&TINY[..], &["--resample", "weather", "--within-days", "60"]].concat());
    assert!(
        text(&far.stderr).contains("winter is asked about summer"),
        "{}",
        text(&far.stderr)
    );
    // Two hours of west on two days: with the day held, each has but itself.
    let output = world.eval(&[&TINY[..], &["--within-days", "0", "--same-hour"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let table = Table::read(&path, "pm25-normalised").unwrap();
    assert_eq!(table.f64("normalised_ug_m3").unwrap()[4..], [310.0, 10.0]);
    assert_eq!(table.f64("predicted_ug_m3").unwrap()[4..], [310.0, 10.0]);
}

#[test]
fn models_that_cannot_be_normalised_with_are_refused_by_name() {
    for (a, b, expected) in [
        (
            "lag(pm25,1)",
            "temp",
            "the model looks at `a`: what is measured of the air",
        ),
        ("temp", "others_mean(no2)", "the model looks at `b`"),
        ("temp", "hour", "no `trend`"),
        ("trend", "hour", "no weather"),
    ] {
        let output = tiny(inputs(a, b)).eval(&TINY);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(
            said.contains(expected) && said.contains("--features"),
            "{said}"
        );
    }
    let world = tiny(inputs("temp", "trend"));
    let output = world.eval(&[&TINY[..4], &["now.parquet", "now.parquet"], &TINY[5..]].concat());
    assert_eq!(output.status.code(), Some(3));
    assert!(
        text(&output.stderr).contains("twice"),
        "{}",
        text(&output.stderr)
    );
    world.model("forecast.json", |body| {
        body["inputs"] = inputs("temp", "trend")
    });
    let output = world.eval(&[
        "normalise",
        "--model",
        "forecast.json",
        "--data",
        "test.parquet",
        "--out-dir",
        "out",
    ]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("is not that of the hour it speaks of"));
    assert!(!world.path("out/normalise.json").exists());
}

#[test]
fn pictures_are_listed_with_their_hashes() {
    let world = tiny(inputs("temp", "trend"));
    let output = world.eval(&TINY[..TINY.len() - 1]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let (report, _): (NormaliseReport, _) =
        read_document(&Input::Path(world.path("out/normalise.json"))).unwrap();
    let names: Vec<&str> = report
        .pm25
        .files
        .iter()
        .map(|file| file.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "normalise.parquet",
            "normalise_east.png",
            "normalise_west.png"
        ]
    );
    for file in &report.pm25.files {
        let bytes = std::fs::read(world.path("out").join(&file.name)).unwrap();
        assert_eq!(pm25_file::Sha256::of(&bytes), file.sha256);
    }
    // Six hours: nothing can be said of years.
    assert!(
        report
            .stations
            .iter()
            .all(|one| one.normalised_trend.is_none())
    );
}
