//! Lines for warnings by what a warning costs, of a model that its validation rows have taught.

use pm25_artifact::model::{Model, Rows, WarningCosts, WarningLine};
use pm25_file::Input;
use pm25_table::Table;

use crate::world::{World, text};
use crate::year::{HOURS, said, shy, table, year};

/// A line for 150 µg/m³ that nobody asks for but by its cost.
fn line(costs: Option<WarningCosts>) -> WarningLine {
    WarningLine {
        threshold_ug_m3: 150.0,
        line_ug_m3: 150.0,
        linear_line_ug_m3: 150.0,
        persistence_line_ug_m3: 150.0,
        csi: 0.5,
        events: 1,
        rows: 1,
        costs,
    }
}

fn expect_told(world: &World, args: &[&str]) {
    let output = world.eval(args);
    assert_eq!(output.status.code(), Some(0));
    let told = text(&output.stdout);
    assert!(told.contains("model, cost 0.2 (above "), "{told}");
    assert!(
        told.contains("loss in missed hours of 1000: model "),
        "{told}"
    );
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
    expect_told(&world, &[&args[..], &cost, &valid].concat());
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
    model.warning_lines = vec![line(WarningCosts::of([&ours, &ours, &newest], 150.0))];
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
