//! A model of several horizons: each is judged as its own model on its own rows would be.

use std::fs;

use pm25_artifact::eval::EvalReport;
use pm25_artifact::eval_horizons::HorizonsEval;
use pm25_artifact::model::{Horizons, Model};
use pm25_file::{Input, Output, Sha256, read_document};
use pm25_table::Table;
use serde_json::json;

use crate::world::{World, text};

const HORIZONS_H: [u16; 2] = [1, 6];

/// Models alone in `m1.json` and `m6.json`, both in `model.json`; rows in `several.parquet`, `t1.parquet`, `t6.parquet`.
fn world() -> World {
    let world = World::new();
    world.several("several.parquet");
    let member = |horizon_h: u16| {
        let name = format!("m{horizon_h}.json");
        world.model(&name, |body| {
            body["task"] = json!({"kind": "forecast", "horizon_h": horizon_h});
            body["linear"]["intercept_ug_m3"] = json!(10.0 + f64::from(horizon_h));
        });
        world.alone(&format!("t{horizon_h}.parquet"), horizon_h);
        Model::read(&Input::Path(world.path(&name))).unwrap().0
    };
    let members = HORIZONS_H.map(member).into();
    let several = Horizons::of(members).unwrap();
    several
        .write(&Output::Path(world.path("model.json")))
        .unwrap();
    world
}

fn judge(world: &World, args: &str) -> String {
    let args: Vec<&str> = args.split(' ').chain(["--no-plots"]).collect();
    let output = world.eval(&args);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// What an evaluation says, without where it comes from.
fn said(mut report: EvalReport) -> EvalReport {
    report.pm25.inputs.clear();
    report.pm25.files.clear();
    report.pm25.seal = pm25_file::Seal::OPEN;
    report.model.sha256 = Sha256::ZERO;
    report
}

#[test]
fn each_horizon_is_judged_as_its_own_model_on_its_own_rows() {
    let world = world();
    let shown = judge(
        &world,
        "--model model.json --test several.parquet --out-dir all",
    );
    for h in HORIZONS_H {
        judge(
            &world,
            &format!("--model m{h}.json --test t{h}.parquet --out-dir alone{h}"),
        );
        judge(
            &world,
            &format!("--model model.json --horizon-h {h} --test several.parquet --out-dir one{h}"),
        );
        // A model of one horizon finds its rows by itself.
        judge(
            &world,
            &format!("--model m{h}.json --test several.parquet --out-dir found{h}"),
        );
        let alone = said(world.report(&format!("alone{h}")));
        assert_eq!(alone.metrics.rows, [4, 5][usize::from(h == 6)]);
        for folder in [format!("all/h{h}"), format!("one{h}"), format!("found{h}")] {
            assert_eq!(said(world.report(&folder)), alone, "{folder}");
            let table = world.predictions(&folder);
            let theirs = world.predictions(&format!("alone{h}"));
            for column in [
                "horizon_h",
                "target_ug_m3",
                "prediction_ug_m3",
                "time",
                "station",
            ] {
                assert_eq!(
                    table.column(column),
                    theirs.column(column),
                    "{folder} {column}"
                );
            }
            assert!(
                table
                    .i16("horizon_h")
                    .unwrap()
                    .iter()
                    .all(|of_row| *of_row == h as i16)
            );
        }
    }
    let summary = Input::Path(world.path("all/eval.json"));
    let (summary, _) = read_document::<HorizonsEval>(&summary).unwrap();
    for (at, h) in HORIZONS_H.into_iter().enumerate() {
        let file = &summary.pm25.files[at];
        let bytes = fs::read(world.path("all").join(&file.name)).unwrap();
        assert_eq!(Sha256::of(&bytes), file.sha256);
        assert_eq!(summary.horizons[&h], world.report(&format!("all/h{h}")));
    }
    assert_eq!(shown.lines().count(), 3, "{shown}");
    let openings = fs::read_to_string(world.path("runs.jsonl")).unwrap();
    let of_all = Sha256::of(&fs::read(world.path("model.json")).unwrap()).to_string();
    let n_openings = openings
        .lines()
        .filter(|line| line.contains(&of_all))
        .count();
    assert_eq!(n_openings, 4, "both at once, and each by itself");
}

#[test]
fn a_rival_is_asked_at_the_same_horizon() {
    let world = world();
    judge(
        &world,
        "--model model.json --test several.parquet --out-dir all",
    );
    for against in ["model.json", "all"] {
        judge(
            &world,
            &format!(
                "--model model.json --test several.parquet --out-dir again --against {against}"
            ),
        );
        for h in HORIZONS_H {
            let against = world.report(&format!("again/h{h}")).against.unwrap();
            assert_eq!(against.rmse_difference_ug_m3, Some(0.0));
            assert_eq!(against.model.task.horizon_h(), h);
        }
    }
}

#[test]
fn what_is_not_there_is_refused_by_name() {
    let world = world();
    let refused = |args: &str| {
        let args: Vec<&str> = args.split(' ').chain(["--no-plots"]).collect();
        let output = world.eval(&args);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
        text(&output.stderr)
    };
    let said = refused("--model model.json --horizon-h 3 --test several.parquet --out-dir out");
    assert!(
        said.contains("no model for 3 h ahead") && said.contains("1 and 6 h ahead"),
        "{said}"
    );
    world.model("m24.json", |body| {
        body["task"] = json!({"kind": "forecast", "horizon_h": 24});
    });
    let said = refused("--model m24.json --test several.parquet --out-dir out");
    assert!(
        said.contains("no targets 24 h ahead") && said.contains("1, 6 h"),
        "{said}"
    );
    assert!(!world.path("out").exists());
    // A table of one horizon has no rows for the other member.
    let args = "--model model.json --test t1.parquet --out-dir out --no-plots";
    let output = world.eval(&args.split(' ').collect::<Vec<_>>());
    assert!(!output.status.success());
    assert!(!world.path("out/eval.json").exists());
}

#[test]
fn dependence_is_that_of_one_horizon_on_its_rows() {
    let world = world();
    let asked = |args: &str| {
        let args = format!("dependence --no-plots --points 5 {args}");
        world.eval(&args.split(' ').collect::<Vec<_>>())
    };
    let without = asked("--model model.json --data several.parquet --out-dir d");
    assert_eq!(without.status.code(), Some(2));
    assert!(text(&without.stderr).contains("1 and 6 h ahead"));
    let of = |folder: &str, args: &str| {
        let output = asked(&format!("{args} --out-dir {folder}"));
        assert!(output.status.success(), "{}", text(&output.stderr));
        let path = Input::Path(world.path(folder).join("dependence.parquet"));
        Table::read(&path, "pm25-dependence").unwrap()
    };
    let several = of(
        "d",
        "--model model.json --horizon-h 6 --data several.parquet",
    );
    let alone = of("d6", "--model m6.json --data t6.parquet");
    assert!(several.names().eq(alone.names()));
    for name in several.names() {
        // As text: what is missing is not equal to itself.
        let [ours, theirs] = [&several, &alone].map(|table| format!("{:?}", table.column(name)));
        assert_eq!(ours, theirs, "{name}");
    }
}
