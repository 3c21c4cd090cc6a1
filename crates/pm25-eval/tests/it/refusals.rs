//! What is refused, with which status, and what is said about it.

use pm25_artifact::prep::TaskFact;
use serde_json::{Value, json};

use crate::world::{World, data, text};

/// Judges, expects this status and no report, and gives what was said.
fn refused(world: &World, args: &[&str], status: i32) -> String {
    let output = world.eval(&[args, &["--out-dir", "out"]].concat());
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{said}");
    assert_eq!(text(&output.stdout), "");
    assert!(!world.path("out/eval.json").exists());
    said
}

const USUAL: [&str; 4] = ["--model", "model.json", "--test", "test.parquet"];

#[test]
fn all_missing_columns_are_named_at_once() {
    let world = World::new();
    world.test("test.parquet", &["c"]);
    let said = refused(&world, &USUAL, 3);
    assert!(
        said.contains("test.parquet lacks columns that the model needs: `a`, `b`"),
        "{said}"
    );
    assert!(
        said.contains("--task forecast --horizon-h 1 --features 'lag(pm25,1),temp'"),
        "{said}"
    );
}

#[test]
fn errors_are_json_when_json_was_asked_for() {
    let world = World::new();
    world.test("test.parquet", &["a"]);
    let said = refused(&world, &[&USUAL[..], &["--format", "json"]].concat(), 3);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert!(
        said.to_string()
            .contains("lacks a column that the model needs: `b`"),
        "{said}"
    );
}

#[test]
fn a_row_without_an_answer_refuses_the_model() {
    let world = World::new();
    let said = refused(
        &world,
        &["--model", "model.json", "--test", &data("infinite.parquet")],
        3,
    );
    assert!(
        said.contains("no finite prediction for 1 of 3 rows, first east at 2016-03-01T01:00:00Z"),
        "{said}"
    );
}

#[test]
fn a_table_for_another_task_is_refused() {
    let world = World::new();
    world.table(
        "test.parquet",
        &["a", "b"],
        TaskFact::Forecast { horizon_h: 24 },
    );
    let said = refused(&world, &USUAL, 3);
    assert!(
        said.contains("asks for a forecast 24 h ahead, but the model makes a forecast 1 h ahead"),
        "{said}"
    );
}

#[test]
fn a_column_in_another_unit_is_refused() {
    let world = World::new();
    world.model("model.json", |body| {
        body["inputs"][0]["unit"] = json!("mg/m³")
    });
    let said = refused(&world, &USUAL, 3);
    assert!(
        said.contains("`a` is in 1, but the model knows it in mg/m³"),
        "{said}"
    );
}

#[test]
fn station_codes_of_other_stations_are_refused() {
    let world = World::new();
    world.test("test.parquet", &["a", "station_code"]);
    let coded = |body: &mut serde_json::Map<String, Value>| {
        body["inputs"][1]["column"] = json!("station_code")
    };
    world.model("model.json", coded);
    world.judged(&[]);
    std::fs::remove_file(world.path("out/eval.json")).unwrap();
    world.model("model.json", |body| {
        coded(body);
        body["stations"][0]["name"] = json!("a station before east");
    });
    let said = refused(&world, &USUAL, 3);
    assert!(
        said.contains("`station_code` numbers other stations"),
        "{said}"
    );
}

#[test]
fn models_of_different_tasks_are_not_compared() {
    let world = World::new();
    world.model("other.json", |body| body["task"]["horizon_h"] = json!(24));
    let said = refused(
        &world,
        &[&USUAL[..], &["--against", "other.json"]].concat(),
        3,
    );
    assert!(
        said.contains("one makes a forecast 1 h ahead, the other a forecast 24 h ahead"),
        "{said}"
    );
}

#[test]
fn the_target_of_a_prepared_table_is_not_a_matter_of_choice() {
    let world = World::new();
    let said = refused(
        &world,
        &[&USUAL[..], &["--target", "persistence_ug_m3"]].concat(),
        2,
    );
    assert!(said.contains("its target is `target_ug_m3`"), "{said}");
}

#[test]
fn damaged_and_absent_files_are_bad_artifacts() {
    let world = World::new();
    refused(
        &world,
        &["--model", "nowhere.json", "--test", "test.parquet"],
        4,
    );
    refused(
        &world,
        &["--model", "model.json", "--test", "model.json"],
        4,
    );
    let mut bytes = std::fs::read(world.path("test.parquet")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(world.path("test.parquet"), bytes).unwrap();
    refused(&world, &USUAL, 4);
}

#[test]
fn options_before_a_subcommand_are_not_ignored() {
    let world = World::new();
    let output = world.eval(&["--model", "model.json", "probe", "."]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("put the subcommand first"));
    let quiet = world.eval(&["-q", "probe", "nowhere"]);
    assert_eq!(quiet.status.code(), Some(4), "{}", text(&quiet.stderr));
}
