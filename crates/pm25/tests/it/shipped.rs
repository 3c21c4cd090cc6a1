//! The pipeline file of the repository itself.

use std::process::Command;

use super::folder::said;

#[test]
fn the_shipped_pipeline_makes_two_models_step_by_step() {
    let here = std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where the crate is");
    let root = format!("{here}/../..");
    let tree = said(Command::new(env!("CARGO_BIN_EXE_pm25")).args(["-C", &root, "graph"]));
    assert_eq!(tree.status, 0, "{tree:#?}");
    let flat: Vec<_> = tree
        .stdout
        .lines()
        .map(|line| line.trim_start_matches([' ', '│', '├', '└', '─']))
        .collect();
    let steps = |model: &str| {
        [
            "prep", "probe", "train", "eval", "register", "stage", "promote", "card", "shap",
            "predict", "drift",
        ]
        .map(|step| format!("{step}-{model}"))
    };
    let mut expected = vec!["demo".to_owned(), "ingest".to_owned()];
    expected.extend(steps("nowcast"));
    expected.extend(steps("forecast-24h"));
    assert_eq!(flat, expected);
    assert!(
        !tree.stdout.contains("and after"),
        "each step needs the one before: {}",
        tree.stdout
    );
}
