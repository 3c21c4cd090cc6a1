//! Partial dependence of the model of [`crate::world`], 10 + a + b / 2 (3 where b is missing), worked out by hand, and
//! of trees, asked row by row.

use pm25_artifact::dependence::DependenceReport;
use pm25_file::{Input, read_document};
use pm25_table::Table;
use serde_json::json;

use crate::world::{World, text};

const ASKED: [&str; 8] = [
    "dependence",
    "--model",
    "model.json",
    "--data",
    "test.parquet",
    "--out-dir",
    "out",
    "--no-plots",
];

fn asked(world: &World, more: &[&str]) -> DependenceReport {
    let output = world.eval(&[&ASKED[..], more].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    read_document(&Input::Path(world.path("out/dependence.json")))
        .unwrap()
        .0
}

#[test]
fn a_line_depends_as_it_is_written() {
    let world = World::new();
    let report = asked(&world, &["--columns", "a,b,a:b"]);
    assert_eq!(report.rows, 6);
    let [a, b] = &report.curves[..] else {
        panic!("two columns were asked for")
    };
    // What b adds: 0, 3 where missing, 4, -10, 0, 0. What a is on average: 418 / 6.
    let (of_b, of_a) = (-3.0 / 6.0, 418.0 / 6.0);
    let near = |x: f64, y: f64| (x - y).abs() < 1e-9;
    let values: Vec<f64> = a.points.iter().map(|point| point.value).collect();
    assert_eq!(values, [0.0, 2.0, 10.0, 26.0, 80.0, 300.0]);
    assert!(
        a.points
            .iter()
            .all(|point| near(point.mean_ug_m3, 10.0 + point.value + of_b))
    );
    assert!(
        b.points
            .iter()
            .all(|point| near(point.mean_ug_m3, 10.0 + of_a + point.value / 2.0))
    );
    // Nothing acts together with anything: every row's curve is the mean curve.
    let parallel = |of: &pm25_artifact::dependence::Curve| {
        let mut points = of.points.iter();
        points.all(|point| {
            point
                .ice_10_90_ug_m3
                .iter()
                .all(|end| near(*end, point.mean_ug_m3))
        })
    };
    assert!(parallel(a) && parallel(b));
    let surface = &report.surfaces[0];
    assert_eq!(surface.columns, ["a", "b"]);
    for (a, means) in surface.values[0].iter().zip(&surface.mean_ug_m3) {
        for (b, mean) in surface.values[1].iter().zip(means) {
            assert!(near(*mean, 10.0 + a + b / 2.0), "{a} {b}: {mean}");
        }
    }
    let table = Table::read(
        &Input::Path(world.path("out/dependence.parquet")),
        "pm25-dependence",
    );
    assert_eq!(table.unwrap().n_rows(), 6 + 3 + 18);
}

#[test]
fn a_column_without_two_values_and_wrong_names_are_refused() {
    let world = World::new();
    for (columns, status, expected) in [
        ("c", 2, "the model has no column `c`"),
        ("a:a", 2, "one column twice"),
        ("a:z", 2, "the model has no column `z`"),
    ] {
        let output = world.eval(&[&ASKED[..], &["--columns", columns]].concat());
        assert_eq!(output.status.code(), Some(status));
        assert!(
            text(&output.stderr).contains(expected),
            "{}",
            text(&output.stderr)
        );
    }
    world.model("model.json", |body| {
        body["inputs"][1] = json!({"column": "constant", "expression": "temp", "unit": "1"});
    });
    world.test("test.parquet", &["a", "constant"]);
    let output = world.eval(&[&ASKED[..], &["--columns", "constant"]].concat());
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("fewer than two values"));
}
