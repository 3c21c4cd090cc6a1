//! Predictions drift too.

use pm25_artifact::drift::{ProfileFile, Profiles, Role, RowSpan, SideKind, Verdict, profiles};
use pm25_artifact::model::{Climatology, Horizons, Model, ModelKind, TrainProfile};
use pm25_artifact::prep::TaskFact;
use pm25_file::{Header, Output, program};
use pm25_learn::{Linear, Term};

use super::house::{Columns, House, column, feature, said, spread, station};

/// 5 + 2 x - 3 y, and 50 where x is missing.
fn model(profile: Option<TrainProfile>) -> Model {
    let term = |weight: f64, missing: f64| Term {
        mean: 0.0,
        weight,
        present: 0.0,
        missing,
    };
    Model {
        header: Header::new(&program!()),
        kind: ModelKind::Linear,
        task: TaskFact::Nowcast,
        inputs: vec![feature("x"), feature("y")],
        stations: vec![station()],
        climatology: Climatology::fit(1, [(None, None, 5.0)].into_iter()),
        linear: Linear {
            intercept: 5.0,
            terms: vec![term(2.0, 45.0), term(-3.0, 0.0)],
        },
        trees: None,
        blend: None,
        intervals: None,
        online: None,
        warning_lines: Vec::new(),
        spread: None,
        profile,
    }
}

fn write(house: &House, name: &str, model: Model) {
    model.write(&Output::Path(house.path(name))).unwrap();
}

fn air(seed: u64, x_top: f32) -> Columns<'static> {
    vec![
        ("x", spread(2000, seed, x_top)),
        ("y", spread(2000, seed + 1, 1.0)),
    ]
}

fn answers(columns: &Columns) -> Vec<f64> {
    let (x, y) = (&columns[0].1, &columns[1].1);
    x.iter()
        .zip(y)
        .map(|(x, y)| 5.0 + 2.0 * f64::from(*x) - 3.0 * f64::from(*y))
        .collect()
}

fn kept(columns: &Columns) -> TrainProfile {
    let kept: Profiles = profiles(
        columns
            .iter()
            .map(|(name, values)| (*name, values.as_slice())),
    );
    TrainProfile {
        span: RowSpan {
            rows: 2000,
            first: None,
            last: None,
        },
        columns: kept,
        prediction: ProfileFile::of_f64(&answers(columns)),
    }
}

#[test]
fn predictions_are_compared_where_both_sides_can_be_asked() {
    let house = House::new();
    let (then, now) = (air(1, 1.0), air(5, 1.6));
    house.features("then.parquet", 0, &then);
    house.features("now.parquet", 0, &now);
    write(&house, "bare.json", model(None));
    write(&house, "model.json", model(Some(kept(&then))));
    house.profile("then.parquet", &["--model", "bare.json"]);
    let (_, whole) = house.check("then.parquet", "now.parquet", &["--model", "bare.json"]);
    let (_, profile) = house.check("profile.json", "now.parquet", &["--model", "bare.json"]);
    let (_, inside) = house.check("model.json", "now.parquet", &[]);
    let drift = column(&whole, "prediction_ug_m3");
    assert_eq!(
        (drift.role, drift.verdict),
        (Role::Prediction, Verdict::Significant)
    );
    let mean = answers(&now).iter().sum::<f64>() / 2000.0;
    assert!((drift.current.mean.unwrap() - mean).abs() < 1e-9);
    for report in [&profile, &inside] {
        assert_eq!(column(report, "prediction_ug_m3").psi, drift.psi);
        assert_eq!(
            report.columns.keys().collect::<Vec<_>>(),
            ["prediction_ug_m3", "x", "y"]
        );
    }
    assert_eq!(
        (inside.reference.kind, inside.reference.rows.rows),
        (SideKind::Model, 2000)
    );
    assert_eq!(whole.pm25.inputs.len(), 3);
    assert_eq!(whole.pm25.units["prediction_ug_m3"], "µg/m³");

    let (_, without) = house.check("then.parquet", "now.parquet", &[]);
    assert!(!without.columns.contains_key("prediction_ug_m3"));
    let (status, itself) = house.check("model.json", "then.parquet", &["--fail-on", "moderate"]);
    assert_eq!(
        (status, column(&itself, "prediction_ug_m3").wasserstein),
        (0, Some(0.0))
    );
}

#[test]
fn one_of_several_horizons_is_the_reference() {
    let house = House::new();
    let then = air(1, 1.0);
    house.features("then.parquet", 0, &then);
    let member = |horizon_h: u16| {
        let mut model = model(Some(kept(&then)));
        model.task = TaskFact::Forecast { horizon_h };
        // The longer horizon says other things than were kept, as if the air had changed.
        model.linear.intercept += f64::from(horizon_h - 1);
        model
    };
    let several = Horizons::of(vec![member(1), member(6)]).unwrap();
    several
        .write(&Output::Path(house.path("model.json")))
        .unwrap();
    let (status, said) = house.refused("model.json", "then.parquet", &[]);
    assert_eq!(status, 2);
    assert!(
        said.contains("1 and 6 h ahead") && said.contains("--horizon-h 1"),
        "{said}"
    );
    for (horizon_h, distance) in [("1", 0.0), ("6", 5.0)] {
        let asked = ["--horizon-h", horizon_h];
        let (_, inside) = house.check("model.json", "then.parquet", &asked);
        let kept = column(&inside, "prediction_ug_m3");
        let moved = kept.current.mean.unwrap() - kept.reference.mean.unwrap();
        assert!((moved - distance).abs() < 1e-9, "{moved}");
        assert_eq!(inside.pm25.params["horizon_h"].to_string(), horizon_h);
        let beside = [&asked[..], &["--model", "model.json"]].concat();
        let (_, beside) = house.check("then.parquet", "then.parquet", &beside);
        assert!(beside.columns.contains_key("prediction_ug_m3"));
        house.profile(
            "then.parquet",
            &["--model", "model.json", "--horizon-h", horizon_h],
        );
    }
}

#[test]
fn requests_are_answered_too() {
    let house = House::new();
    let then = air(1, 1.0);
    write(&house, "model.json", model(Some(kept(&then))));
    let lines: String = then[0]
        .1
        .iter()
        .zip(&then[1].1)
        .map(|(x, y)| format!("{{\"x\":{x},\"y\":{y}}}\n"))
        .collect();
    std::fs::write(house.path("r.jsonl"), lines).unwrap();
    let (_, report) = house.check("model.json", "r.jsonl", &[]);
    assert_eq!(column(&report, "prediction_ug_m3").psi, Some(0.0));
}

#[test]
fn predictions_that_are_in_a_table_are_compared() {
    let house = House::new();
    let columns = air(1, 1.0);
    let mut table = super::house::hours(0, &vec![("target_ug_m3", columns[0].1.clone())]);
    table.push("prediction_ug_m3", answers(&columns));
    house.write(
        "p.parquet",
        &table,
        "pm25-predictions",
        Header::new(&program!()),
    );
    house.profile("p.parquet", &[]);
    let (_, report) = house.check("profile.json", "p.parquet", &[]);
    assert_eq!(column(&report, "prediction_ug_m3").role, Role::Prediction);
    assert_eq!(column(&report, "target_ug_m3").role, Role::Target);
}

#[test]
fn models_that_do_not_fit_are_refused_or_warned_of() {
    let house = House::new();
    let then = air(1, 1.0);
    house.features("then.parquet", 0, &then);
    house.features("x.parquet", 0, &vec![("x", spread(300, 1, 1.0))]);
    write(&house, "bare.json", model(None));
    write(&house, "model.json", model(Some(kept(&then))));
    for (reference, current, more, status, words) in [
        (
            "bare.json",
            "then.parquet",
            &[][..],
            4,
            "without a reference profile",
        ),
        (
            "model.json",
            "then.parquet",
            &["--model", "bare.json"],
            2,
            "the reference is a model",
        ),
        (
            "then.parquet",
            "x.parquet",
            &["--model", "bare.json"],
            3,
            "no column `y`",
        ),
    ] {
        let (got, said) = house.refused(reference, current, more);
        assert!(got == status && said.contains(words), "{got} {said}");
    }
    house.profile("then.parquet", &["--model", "bare.json"]);
    let other = Model {
        linear: Linear {
            intercept: 6.0,
            ..model(None).linear
        },
        ..model(None)
    };
    write(&house, "other.json", other);
    let argv = [
        "check",
        "--reference",
        "profile.json",
        "--current",
        "then.parquet",
        "--out",
        "d.json",
        "--model",
    ];
    let warned =
        |name: &str| said(&house.run(&[&argv[..], &[name]].concat())).contains("another model");
    assert!(warned("other.json") && !warned("bare.json"));
    // A model that lacks an input of its own still compares what is there.
    let (_, report) = house.check("model.json", "x.parquet", &[]);
    assert_eq!(report.columns.keys().collect::<Vec<_>>(), ["x"]);
    assert_eq!(report.only_in_reference, ["prediction_ug_m3", "y"]);
}
