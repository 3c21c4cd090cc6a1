//! Learning from several horizons and from stations in several ways: what is chosen, written and refused.

use std::path::Path;
use std::process::Output;

use pm25_artifact::model::{Horizons, Model, PartModel};
use pm25_artifact::prep::TaskFact;
use pm25_artifact::train::{ChoiceFact, HorizonsReport, TrainReport};
use pm25_file::{Document, Input, read_document};

use super::horizons::{tables, train};
use super::world::{said, world};

const FEW: [&str; 8] = [
    "--folds",
    "2",
    "--set",
    "boost.n_estimators=8",
    "--report",
    "train.json",
    "--model",
    "blend",
];

fn trained(folder: &Path, more: &[&str]) -> Output {
    let output = train(folder, "", &[&FEW[..], more].concat());
    assert!(output.status.success(), "{}", said(&output));
    output
}

fn refused(folder: &Path, more: &[&str]) -> String {
    let output = train(folder, "", more);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    said(&output)
}

fn horizons(folder: &Path) -> Horizons {
    Horizons::read(&Input::Path(folder.join("model.json")))
        .unwrap()
        .0
}

fn report<T: Document + serde::de::DeserializeOwned>(folder: &Path) -> T {
    read_document(&Input::Path(folder.join("train.json")))
        .unwrap()
        .0
}

fn least(choice: &ChoiceFact) -> &str {
    let options = choice.options.iter();
    let least = options.min_by(|a, b| a.rmse_ug_m3.total_cmp(&b.rmse_ug_m3));
    &least.unwrap().name
}

fn asks_all(model: &Model) -> bool {
    let mut parts = model.blend.iter().flat_map(|blend| &blend.parts);
    parts.any(|part| matches!(part.model, PartModel::Together(_)))
}

#[test]
fn one_booster_learns_from_all_horizons_and_stands_in_the_file_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tables(folder);
    let output = trained(folder, &["--parts", "boost-together"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("rows of all horizons taught"), "{text}");
    let all = horizons(folder);
    assert!(all.members().iter().any(asks_all));
    let params = &all.shortest().header.params;
    assert_eq!(
        (&params["horizons"], &params["together_rows"]),
        (&"together".into(), &1_000_000.into())
    );
    let report = report::<HorizonsReport>(folder);
    let fact = report.together.unwrap();
    assert!(fact.rows == fact.rows_there && fact.bytes == fact.rows * 3 * 4);
    let first = std::fs::read(folder.join("model.json")).unwrap();
    trained(
        folder,
        &[
            "--horizons",
            "together",
            "--parts",
            "boost-together",
            "--threads",
            "1",
        ],
    );
    assert!(
        first == std::fs::read(folder.join("model.json")).unwrap(),
        "the same bytes"
    );
    trained(
        folder,
        &["--parts", "boost-together", "--together-rows", "500"],
    );
    let report = self::report::<HorizonsReport>(folder);
    assert_eq!(report.together.unwrap().rows, 500);
}

#[test]
fn the_better_way_is_taken_and_is_what_it_is_when_asked_for_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tables(folder);
    let output = trained(folder, &["--horizons", "best"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let report = report::<HorizonsReport>(folder);
    let because = report.because.unwrap();
    assert!(text.contains(&format!("horizons: {because}")), "{text}");
    let params = |all: &Horizons| all.shortest().header.params.clone();
    let chosen = horizons(folder);
    assert_eq!(params(&chosen)["horizons_because"], because);
    let mut any_together = false;
    let mut by_name = Vec::new();
    for (horizon_h, of_horizon) in &report.horizons {
        let choice = of_horizon.horizons.as_ref().unwrap();
        assert_eq!(choice.chosen, least(choice), "{horizon_h} h");
        assert!(because.contains(&choice.chosen));
        any_together |= choice.chosen == "together";
        by_name.push(choice.chosen.clone());
    }
    assert_eq!(because.contains("together"), any_together);
    for (idx, word) in by_name.iter().enumerate() {
        trained(folder, &["--horizons", word]);
        let (a, b) = (
            &chosen.members()[idx],
            &horizons(folder).members()[idx].clone(),
        );
        assert!(a.blend == b.blend && a.intervals == b.intervals, "{word}");
    }
}

#[test]
fn how_stations_are_learned_from_is_chosen_out_of_fold_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // The rule of `b` is another: what is learned of both at once fits neither.
    super::world::write_two(&world(0..2000), &folder.join("train.parquet"));
    super::world::write_two(&world(2000..2600), &folder.join("valid.parquet"));
    let output = super::world::train(
        folder,
        &[&FEW[..], &["--parts", "linear", "--stations", "best"]].concat(),
    );
    assert!(output.status.success(), "{}", said(&output));
    let report = report::<TrainReport>(folder);
    let choice = report.stations.unwrap();
    assert_eq!((choice.chosen.as_str(), least(&choice)), ("own", "own"));
    assert_eq!(choice.options.len(), 3);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("stations: own; RMSE out of fold pooled"),
        "{text}"
    );
    let (model, _) = super::world::model(folder);
    assert_eq!(model.task, TaskFact::Forecast { horizon_h: 1 });
    assert!(
        model.header.params["stations_because"]
            .as_str()
            .unwrap()
            .starts_with("own; ")
    );
    let parts = &model.blend.as_ref().unwrap().parts;
    assert!(
        parts
            .iter()
            .any(|part| matches!(part.model, PartModel::Own(_)))
    );
}

#[test]
fn what_cannot_be_is_refused_with_what_to_type() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tables(folder);
    for (more, named) in [
        (
            &["--model", "boost", "--horizons", "together"][..],
            "--model blend --horizons together",
        ),
        (
            &["--model", "linear", "--stations", "own"],
            "changes nothing in a linear model",
        ),
        (&["--horizons", "best", "--horizon-h", "1"], "there is one"),
        (
            &["--model", "linear", "--together-rows", "10"],
            "`--together-rows` changes nothing",
        ),
        (
            &["--horizon-h", "1", "--together-rows", "10"],
            "`--together-rows` changes nothing",
        ),
        (
            &[
                "--model",
                "blend",
                "--parts",
                "linear,boost",
                "--horizons",
                "together",
            ],
            "linear,patient-together",
        ),
        (
            &[
                "--model",
                "blend",
                "--parts",
                "linear-own",
                "--stations",
                "best",
            ],
            "beside parts that say what they learn from",
        ),
        (
            &["--horizons", "together", "--stations", "own"],
            "--horizons best",
        ),
        (
            &["--model", "blend", "--parts", "linear-together"],
            "-own or -together",
        ),
        (
            &[
                "--model",
                "blend",
                "--parts",
                "boost-together",
                "--horizon-h",
                "1",
                "--folds",
                "2",
            ],
            "learns from several horizons",
        ),
    ] {
        let text = refused(folder, more);
        assert!(text.contains(named), "{more:?}: {text}");
    }
}
