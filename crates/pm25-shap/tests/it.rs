//! `pm25-shap` through its front door.
#![expect(clippy::unwrap_used, reason = "a test stops where it stands")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use std::sync::Arc;

use pm25_artifact::model::{
    Blend, Climatology, Horizons, Learned, Model, ModelKind, Own, Part, PartModel,
};
use pm25_artifact::prep::{FeatureFact, Prepared, StationFact, TaskFact};
use pm25_artifact::shap::{Method, ShapReport, Space};
use pm25_file::{Header, Input, Sha256, program, read_document};
use pm25_learn::tree::{BoostParams, Ensemble, ForestParams, Link, fit_boost, fit_forest};
use pm25_learn::{Columns, RidgeParams, fit_ridge};
use pm25_table::{Column, Table, Text};

const N_ROWS: usize = 600;

fn features() -> Vec<FeatureFact> {
    ["a", "b", "c"]
        .map(|name| FeatureFact {
            column: name.into(),
            expression: name.into(),
            unit: "1".into(),
        })
        .to_vec()
}

fn columns() -> [Vec<f32>; 3] {
    let wave = |step: usize| (0..N_ROWS).map(move |i| ((i * step) % 613) as f32 / 61.0);
    let mut a: Vec<f32> = wave(7).collect();
    a.iter_mut().step_by(9).for_each(|v| *v = f32::NAN);
    [a, wave(101).collect(), wave(29).collect()]
}

fn target() -> Vec<f32> {
    let [a, b, _] = columns();
    a.iter()
        .zip(&b)
        .map(|(a, b)| if a.is_nan() { 50.0 } else { 3.0 * a } + a.max(5.0) * b)
        .collect()
}

fn write_table(folder: &Path) {
    write_table_of(folder, vec!["s"; N_ROWS]);
}

fn write_table_of(folder: &Path, stations: Vec<&str>) {
    let mut table = Table::new();
    table.push("station", Column::Text(Text::from_rows(stations)));
    table.push(
        "time",
        Column::Time((0..N_ROWS as i64).map(|h| h * 3600).collect()),
    );
    table.push("target_ug_m3", target());
    table.push("persistence_ug_m3", target());
    // Another order than the model's: columns go by name.
    for (name, values) in ["a", "b", "c"].iter().zip(columns()).rev() {
        table.push(name, values);
    }
    let prepared = Prepared {
        horizons_h: Vec::new(),
        task: TaskFact::Forecast { horizon_h: 6 },
        features: features(),
        stations: vec![StationFact {
            name: "s".into(),
            utc_offset_min: 0,
        }],
        vocabulary: vec!["s".into()],
        statistics: Default::default(),
    };
    let output = pm25_file::Output::Path(folder.join("test.parquet"));
    table
        .write(
            &output,
            "pm25-features",
            prepared.put(Header::new(&program!())),
        )
        .unwrap();
}

/// A line on the value and trees on what is left when half of the newest PM2.5 is taken off, with a rest of it.
fn blend(x: &Columns) -> Blend {
    let params = BoostParams::from_pairs(&[("n_estimators".to_owned(), "9".to_owned())]).unwrap();
    let half: Vec<f32> = target().iter().map(|y| y / 2.0).collect();
    let part = |name: &str, weight, reference_share, model| Part {
        name: name.to_owned(),
        weight,
        reference_share,
        model,
    };
    let line = fit_ridge(x, &target(), &RidgeParams::new(1.0).unwrap());
    let trees = fit_boost(x, &half, None, &params, &|_: u64| {}).ensemble;
    Blend {
        parts: vec![
            part("linear", 0.5, 0.0, PartModel::Linear(line)),
            part("boost-half", 0.375, 0.5, PartModel::Trees(trees)),
        ],
        reference_weight: 0.125,
        reference_mean_ug_m3: 7.0,
    }
}

fn write_model(folder: &Path, kind: ModelKind) {
    write_linked(folder, kind, Link::Identity);
}

fn write_linked(folder: &Path, kind: ModelKind, link: Link) {
    let columns = columns();
    let x = Columns::new(columns.iter().map(Vec::as_slice).collect(), N_ROWS);
    let pairs = [("n_estimators".to_owned(), "12".to_owned())];
    let none = |_: u64| {};
    let trees = match kind {
        ModelKind::Boost => Some(
            fit_boost(
                &x,
                &target(),
                None,
                &BoostParams::from_pairs(&pairs).unwrap(),
                &none,
            )
            .ensemble,
        ),
        ModelKind::Forest => Some(
            fit_forest(
                &x,
                &target(),
                &ForestParams::from_pairs(&pairs).unwrap(),
                &none,
            )
            .ensemble,
        ),
        _ => None,
    };
    // Scores that an exponent bears.
    let trees = trees.map(|mut trees: Ensemble| {
        if link != Link::Identity {
            trees.scale /= 100.0;
            trees.base /= 100.0;
        }
        trees.link = link;
        trees
    });
    let mut blend = (kind == ModelKind::Blend).then(|| blend(&x));
    if let Some(PartModel::Trees(trees)) = blend.as_mut().map(|blend| &mut blend.parts[1].model) {
        trees.link = link;
    }
    let model = Model {
        header: Header::new(&program!()),
        kind,
        task: TaskFact::Forecast { horizon_h: 6 },
        inputs: features(),
        stations: Vec::new(),
        climatology: Climatology::fit(0, [(None, None, 1.0)].into_iter()),
        linear: fit_ridge(&x, &target(), &RidgeParams::new(1.0).unwrap()),
        trees,
        blend,
        intervals: None,
        online: None,
        warning_lines: Vec::new(),
        spread: None,
        profile: None,
    };
    model
        .write(&pm25_file::Output::Path(folder.join("model.json")))
        .unwrap();
}

fn explain(folder: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pm25-shap"))
        .current_dir(folder)
        .args([
            "--model",
            "model.json",
            "--data",
            "test.parquet",
            "--out-dir",
            "out",
        ])
        .args(more)
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn rows(folder: &Path) -> Table {
    Table::read(&Input::Path(folder.join("out/shap.parquet")), "pm25-shap").unwrap()
}

/// Trees that say logarithms or roots: contributions add up there, predictions stay µg/m³, and the space is named.
#[test]
fn contributions_add_up_in_the_space_that_is_named() {
    for (link, space, unit) in [
        (Link::Log, "log", "ln(µg/m³)"),
        (Link::Log1p { factor: 1.25 }, "log1p", "ln(1 + µg/m³)"),
        (Link::Sqrt { spread: 2.0 }, "sqrt", "sqrt(µg/m³)"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        write_table(folder.path());
        write_linked(folder.path(), ModelKind::Boost, link);
        let output = explain(folder.path(), &["--interactions"]);
        assert!(output.status.success(), "{}", said(&output));
        assert!(String::from_utf8_lossy(&output.stdout).contains(unit));
        let rows = rows(folder.path());
        let column = |name: &str| rows.f64(name).unwrap();
        for i in 0..N_ROWS {
            let sum = column("base")[i] + column("a")[i] + column("b")[i] + column("c")[i];
            assert!((sum - column("score")[i]).abs() < 1e-9 * sum.abs().max(1.0));
            let prediction = link.prediction(column("score")[i]);
            assert_eq!(prediction.to_bits(), column("prediction")[i].to_bits());
        }
        let units = &rows.header().unwrap().units;
        assert_eq!((&units["a"][..], &units["prediction"][..]), (unit, "µg/m³"));
        let report = fs::read(folder.path().join("out/shap.json")).unwrap();
        let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
        assert_eq!(report["space"], space);
    }
}

#[test]
fn one_of_several_horizons_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_table(folder);
    let file = || pm25_file::Output::Path(folder.join("model.json"));
    let member = |horizon_h: u16, kind| {
        write_model(folder, kind);
        let (model, _) = Model::read(&Input::Path(folder.join("model.json"))).unwrap();
        let task = TaskFact::Forecast { horizon_h };
        Model { task, ..model }
    };
    let (hour, six) = (member(1, ModelKind::Linear), member(6, ModelKind::Boost));
    Horizons::of(vec![hour, six.clone()])
        .unwrap()
        .write(&file())
        .unwrap();
    let refused = explain(folder, &[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        said(&refused).contains("1 and 6 h ahead"),
        "{}",
        said(&refused)
    );
    assert!(
        explain(folder, &["--horizon-h", "6", "--no-plots"])
            .status
            .success()
    );
    let of_several = rows(folder);
    six.write(&file()).unwrap();
    assert!(explain(folder, &["--no-plots"]).status.success());
    for name in ["base", "a", "b", "c", "prediction"] {
        assert_eq!(of_several.column(name), rows(folder).column(name), "{name}");
    }
}

/// A blend with a booster of all horizons and one of station `a` alone.
fn write_shared(folder: &Path) -> Model {
    write_model(folder, ModelKind::Blend);
    let file = folder.join("model.json");
    let (mut model, _) = Model::read(&Input::Path(file.clone())).unwrap();
    let columns = columns();
    let hours: Vec<f32> = (0..N_ROWS).map(|row| [1.0, 6.0][row % 2]).collect();
    let y: Vec<f32> = target()
        .iter()
        .zip(&hours)
        .map(|(y, h)| y + 3.0 * h)
        .collect();
    let all: Vec<&[f32]> = columns
        .iter()
        .map(Vec::as_slice)
        .chain([&hours[..]])
        .collect();
    let few = BoostParams::from_pairs(&[("n_estimators".to_owned(), "12".to_owned())]).unwrap();
    let fit = |x: &[&[f32]], y: &[f32]| {
        fit_boost(
            &Columns::new(x.to_vec(), N_ROWS),
            y,
            None,
            &few,
            &|_: u64| {},
        )
        .ensemble
    };
    let own = |factor: f32| -> Vec<f32> { target().iter().map(|y| factor * y).collect() };
    model.stations = vec![StationFact {
        name: "a".to_owned(),
        utc_offset_min: 0,
    }];
    model.climatology = Climatology::fit(1, [(None, None, 1.0)].into_iter());
    let part = |name: &str, model| Part {
        name: name.to_owned(),
        weight: 0.25,
        reference_share: 0.0,
        model,
    };
    let pooled = Learned::Linear(model.linear.clone());
    let stations = vec![Some(Learned::Trees(fit(&all[..3], &own(2.0))))];
    model.blend.as_mut().unwrap().parts.extend([
        part(
            "boost-together",
            PartModel::Together(Arc::new(fit(&all, &y))),
        ),
        part("boost-own", PartModel::Own(Own { pooled, stations })),
    ]);
    model.clone().write(&pm25_file::Output::Path(file)).unwrap();
    model
}

#[test]
fn hours_ahead_and_the_station_are_features_of_their_own() {
    for more in [
        &["--no-plots"][..],
        &["--no-plots", "--background", "test.parquet"],
    ] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        // The first half of the rows is of `a`, the others of a station that nobody knew.
        let mut stations = vec!["a"; N_ROWS];
        stations[N_ROWS / 2..].fill("b");
        write_table_of(folder, stations);
        let model = write_shared(folder);
        let output = explain(folder, more);
        assert!(output.status.success(), "{}", said(&output));
        let rows = rows(folder);
        let column = |name: &str| rows.f64(name).unwrap();
        let names = [
            "a",
            "b",
            "c",
            "persistence_ug_m3",
            "horizon_h",
            "station_model",
        ];
        for row in 0..N_ROWS {
            let sum = names
                .iter()
                .fold(column("base")[row], |sum, name| sum + column(name)[row]);
            let prediction = column("prediction")[row];
            assert!(
                (sum - prediction).abs() < 1e-9 * sum.abs().max(1.0),
                "{row}: {sum} {prediction}"
            );
        }
        let station = column("station_model");
        assert!(
            station[..N_ROWS / 2]
                .iter()
                .all(|phi| *phi == station[0] && phi.abs() > 0.1)
        );
        assert!(
            station[N_ROWS / 2..].iter().all(|phi| *phi == 0.0),
            "a stranger has no learner of its own"
        );
        let hours = column("horizon_h");
        match more.len() {
            // Seen from rows of every horizon it matters that this is 6 h; from rows of 6 h alone it does not.
            1 => assert!(hours.iter().any(|phi| *phi > 0.1)),
            _ => assert!(hours.iter().all(|phi| phi.abs() < 1e-9)),
        }
        assert_eq!(model.task().horizon_h(), 6);
    }
}

#[test]
fn a_blend_of_spaces_is_refused_with_the_part() {
    let folder = tempfile::tempdir().unwrap();
    write_table(folder.path());
    write_linked(folder.path(), ModelKind::Blend, Link::Log);
    let output = explain(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("`boost-half`"), "{}", said(&output));
}

#[test]
fn base_plus_contributions_is_the_prediction_on_every_row() {
    for kind in [
        ModelKind::Linear,
        ModelKind::Forest,
        ModelKind::Boost,
        ModelKind::Blend,
    ] {
        let folder = tempfile::tempdir().unwrap();
        write_table(folder.path());
        write_model(folder.path(), kind);
        let output = explain(folder.path(), &[]);
        assert!(output.status.success(), "{}", said(&output));
        let rows = rows(folder.path());
        assert_eq!(rows.n_rows(), N_ROWS);
        let column = |name: &str| rows.f64(name).unwrap();
        for i in 0..N_ROWS {
            let mut sum = column("base")[i] + column("a")[i] + column("b")[i] + column("c")[i];
            if kind == ModelKind::Blend {
                sum += column("persistence_ug_m3")[i];
            }
            assert!((sum - column("prediction")[i]).abs() < 1e-9 * sum.abs().max(1.0));
        }
        let report = Input::Path(folder.path().join("out/shap.json"));
        let (report, _) = read_document::<ShapReport>(&report).unwrap();
        assert_eq!(report.space, Space::UgM3);
        assert!(rows.f64("score").is_err());
        assert_eq!(
            report.features.last().unwrap().column,
            "c",
            "{kind}: c tells nothing"
        );
        for file in &report.pm25.files {
            let bytes = fs::read(folder.path().join("out").join(&file.name)).unwrap();
            assert_eq!(Sha256::of(&bytes), file.sha256, "{}", file.name);
        }
        assert_eq!(report.pm25.files.len(), 1 + 3 + 3);
    }
}

#[test]
fn rows_are_the_first_ones_and_the_bytes_do_not_depend_on_threads() {
    let hashes: Vec<Sha256> = ["1", "2", "5"]
        .iter()
        .map(|n| {
            let folder = tempfile::tempdir().unwrap();
            write_table(folder.path());
            write_model(folder.path(), ModelKind::Boost);
            let output = explain(
                folder.path(),
                &["--threads", n, "--rows", "100", "--no-plots"],
            );
            assert!(output.status.success(), "{}", said(&output));
            assert_eq!(rows(folder.path()).n_rows(), 100);
            Sha256::of(&fs::read(folder.path().join("out/shap.json")).unwrap())
        })
        .collect();
    assert!(hashes.iter().all(|hash| *hash == hashes[0]));
}

#[test]
fn a_sample_is_spread_over_the_whole_table() {
    let folder = tempfile::tempdir().unwrap();
    write_table(folder.path());
    write_model(folder.path(), ModelKind::Boost);
    let output = explain(folder.path(), &["--sample", "6", "--no-plots"]);
    assert!(output.status.success(), "{}", said(&output));
    let sampled = rows(folder.path());
    let hours = [50, 150, 250, 350, 450, 550].map(|h| h * 3600);
    assert_eq!(sampled.time("time").unwrap(), hours);
    let predictions = sampled.f64("prediction").unwrap().to_vec();
    assert!(explain(folder.path(), &["--no-plots"]).status.success());
    let all = rows(folder.path());
    for (prediction, row) in predictions.iter().zip([50, 150, 250, 350, 450, 550]) {
        assert_eq!(
            prediction.to_bits(),
            all.f64("prediction").unwrap()[row].to_bits()
        );
    }
    let both = explain(folder.path(), &["--sample", "6", "--rows", "6"]);
    assert_eq!(both.status.code(), Some(2));
}

#[test]
fn what_features_add_alone_and_together_is_the_prediction() {
    for kind in [ModelKind::Forest, ModelKind::Boost] {
        let folder = tempfile::tempdir().unwrap();
        write_table(folder.path());
        write_model(folder.path(), kind);
        let output = explain(
            folder.path(),
            &["--rows", "90", "--interactions", "--no-plots"],
        );
        assert!(output.status.success(), "{}", said(&output));
        let path = folder.path().join("out/shap_interactions.parquet");
        let pairs = Table::read(&Input::Path(path.clone()), "pm25-shap-interactions").unwrap();
        let shap = rows(folder.path());
        let column = |name: &str| pairs.f64(name).unwrap();
        for i in 0..90 {
            let parts = ["base", "a", "b", "c", "a*b", "a*c", "b*c"].map(|name| column(name)[i]);
            let sum: f64 = parts.iter().sum();
            assert!((sum - column("prediction")[i]).abs() < 1e-9 * sum.abs().max(1.0));
            let of_a = column("a")[i] + 0.5 * (column("a*b")[i] + column("a*c")[i]);
            assert!((of_a - shap.f64("a").unwrap()[i]).abs() < 1e-9);
        }
        let report = Input::Path(folder.path().join("out/shap.json"));
        let (report, _) = read_document::<ShapReport>(&report).unwrap();
        assert_eq!(
            report.pairs[0].columns,
            ["a", "b"],
            "{kind}: a and b are multiplied"
        );
        assert!(explain(folder.path(), &["--no-plots"]).status.success());
        assert!(!path.exists(), "another run does not leave it behind");
    }
    let folder = tempfile::tempdir().unwrap();
    write_table(folder.path());
    write_model(folder.path(), ModelKind::Linear);
    let output = explain(folder.path(), &["--interactions"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("not a linear model"),
        "{}",
        said(&output)
    );
}

#[test]
fn against_a_background_the_base_is_its_mean_prediction() {
    for kind in [ModelKind::Linear, ModelKind::Forest, ModelKind::Boost] {
        let folder = tempfile::tempdir().unwrap();
        write_table(folder.path());
        write_model(folder.path(), kind);
        let more = ["--background", "test.parquet", "--no-plots"];
        let output = explain(folder.path(), &more);
        assert!(output.status.success(), "{}", said(&output));
        let rows = rows(folder.path());
        let base = rows.f64("base").unwrap()[0];
        // 600 rows in 100 parts of 6: their middles are 3, 9, 15, ….
        let middles = rows.f64("prediction").unwrap().iter().skip(3).step_by(6);
        let mean = middles.sum::<f64>() / 100.0;
        assert!((base - mean).abs() < 1e-9 * mean, "{kind}: {base} {mean}");
        let report = Input::Path(folder.path().join("out/shap.json"));
        let (report, _) = read_document::<ShapReport>(&report).unwrap();
        assert_eq!(report.method, Method::Interventional);
        assert_eq!(report.pm25.inputs.len(), 3);
    }
}

#[test]
fn what_cannot_be_explained_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    write_table(folder.path());
    write_model(folder.path(), ModelKind::Climatology);
    let output = explain(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("no features to explain"),
        "{}",
        said(&output)
    );

    write_model(folder.path(), ModelKind::Linear);
    let output = explain(folder.path(), &["--row", "601"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("no row 601"), "{}", said(&output));

    let path = folder.path().join("model.json");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(&path, bytes).unwrap();
    assert_eq!(explain(folder.path(), &[]).status.code(), Some(4));
    assert!(!folder.path().join("out/shap.json").exists());
}
