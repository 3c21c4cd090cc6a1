//! Cards equal the artifacts that they are written from.

use std::fs;

use pm25_file::{Place, Sha256, fill_seal};
use serde_json::{Value, json};

use super::papers::{self, GOOD};
use super::shop::Shop;

const CARD: &str = "card --out MODEL_CARD.md";

fn text(shop: &Shop, name: &str) -> String {
    fs::read_to_string(shop.path(name)).unwrap()
}

/// The cells of the first table row that begins with this.
fn cells(card: &str, first: &str) -> Vec<String> {
    let head = format!("| {first} |");
    let line = card.lines().find(|line| line.starts_with(&head)).unwrap();
    let cells = line.trim_matches('|').split(" | ");
    cells.map(|cell| cell.trim().to_owned()).collect()
}

fn json_of(shop: &Shop, name: &str) -> Value {
    serde_json::from_slice(&fs::read(shop.path(name)).unwrap()).unwrap()
}

/// Number by number: the card says what eval.json says.
#[test]
fn every_score_of_the_card_is_that_of_the_evaluation() {
    let shop = Shop::busy();
    shop.run(CARD).ok();
    let card = text(&shop, "MODEL_CARD.md");
    let eval = json_of(&shop, "run1/eval.json");
    let figure = |value: &Value| format!("{:.3}", value.as_f64().unwrap());
    let of = |metrics: &Value| -> Vec<String> {
        let mut cells: Vec<String> = ["rmse_ug_m3", "mae_ug_m3", "r2", "bias_ug_m3"]
            .map(|key| figure(&metrics[key]))
            .into();
        cells.push(metrics["rows"].to_string());
        cells
    };
    assert_eq!(cells(&card, "**climatology**")[1..6], of(&eval["metrics"]));
    for (row, key) in [
        ("persistence", "persistence"),
        ("climatology", "climatology"),
        ("ridge", "linear"),
    ] {
        let cells = cells(&card, row);
        assert_eq!(cells[1..6], of(&eval["baselines"][key]), "{row}");
        let skill = &eval["skill_over"][key];
        assert_eq!(
            cells[6],
            format!("{} ({})", figure(&skill["skill"]), skill["rows"])
        );
    }
    let model = Sha256::of(&fs::read(shop.path("run1/model.json")).unwrap());
    assert_eq!(cells(&card, "model.json")[1], format!("`{model}`"));
    assert_eq!(cells(&card, "version")[1], "1, production");
    let train = &json_of(&shop, "run1/prep.json")["parts"]["train"];
    assert!(cells(&card, "train")[1].starts_with(&format!("{} rows of", train["rows"])));
}

#[test]
fn the_front_matter_is_yaml_that_a_hub_can_index() {
    let shop = Shop::busy();
    shop.run(CARD).ok();
    let card = text(&shop, "MODEL_CARD.md");
    let front = card.strip_prefix("---\n").unwrap();
    let front = &front[..front.find("\n---\n").unwrap()];
    let front: Value = serde_yaml::from_str(front).unwrap();
    assert_eq!(front["license"], "apache-2.0", "outside the markers");
    let index = &front["model-index"][0];
    assert_eq!(index["name"], "pm25");
    let result = &index["results"][0];
    assert_eq!(result["task"]["type"], "tabular-regression");
    assert_eq!(result["dataset"]["split"], "test");
    let rmse = &result["metrics"][0];
    assert_eq!(
        (&rmse["type"], &rmse["value"]),
        (&json!("rmse"), &json!(21.5))
    );
}

#[test]
fn prose_is_kept_and_a_second_card_is_the_first() {
    let shop = Shop::busy();
    shop.run(CARD).ok();
    let card = text(&shop, "MODEL_CARD.md");
    let prose = card.replace(
        "## Intended use\n",
        "## Intended use\r\n\nOnly in Kraków.  \n",
    );
    fs::write(shop.path("MODEL_CARD.md"), &prose).unwrap();
    shop.run(CARD).ok();
    assert_eq!(text(&shop, "MODEL_CARD.md"), prose);
    let stale = prose.replace("21.500", "1.000");
    fs::write(shop.path("MODEL_CARD.md"), &stale).unwrap();
    shop.run("card --out other/CARD.md --like MODEL_CARD.md")
        .ok();
    assert_eq!(text(&shop, "other/CARD.md"), prose);
    assert_eq!(text(&shop, "MODEL_CARD.md"), stale, "what is read stays");
}

#[test]
fn a_card_without_its_places_is_refused_and_left_alone() {
    let shop = Shop::busy();
    shop.run(CARD).ok();
    let card = text(&shop, "MODEL_CARD.md");
    let scores = "<!-- pm25:begin scores -->\n";
    for (broken, says) in [
        ("prose alone".to_owned(), "there is no `<!-- pm25:begin"),
        (card.replace(scores, ""), "line"),
        (format!("{card}{scores}<!-- pm25:end -->\n"), "twice"),
        (
            card.replace("begin scores", "begin marks"),
            "nothing is called `marks`",
        ),
    ] {
        fs::write(shop.path("MODEL_CARD.md"), &broken).unwrap();
        shop.run(CARD).fails(3, says);
        assert_eq!(text(&shop, "MODEL_CARD.md"), broken);
    }
    shop.run(&format!("{CARD} --ingest i.json --data-out MODEL_CARD.md"))
        .fails(2, "both cards");
    shop.run("card --stage staging --out x.md")
        .fails(4, "no version");
    shop.run("card --version 9 --out x.md")
        .fails(4, "no version 9");
    assert!(!shop.path("x.md").exists());
}

#[test]
fn a_card_can_be_piped() {
    let shop = Shop::busy();
    let piped = shop.run("card --out -").ok();
    shop.run(CARD).ok();
    assert_eq!(piped.stdout, text(&shop, "MODEL_CARD.md"));
    assert!(!shop.path("-").exists());
}

/// An ingest report about these observations, two stations and a raw file.
fn ingest(observations: Sha256) -> Vec<u8> {
    let rows = json!({ "read": 12, "kept": 9, "rejected": { "pm25 < 0": 3 }, "out_of_scope": 0, "averaged": 0 });
    let body = json!({
        "rows": rows, "cells": {}, "examples": {}, "notes": [], "files": [], "skipped": [], "stations": [],
        "quality": { "rules_version": 1, "profile": "none", "rules": [], "slips": [] },
    });
    let files = json!([{ "name": "observations.parquet", "sha256": observations }]);
    papers::sealed("pm25-ingest-report", "pm25-ingest", json!([]), files, body)
}

#[test]
fn a_data_card_is_about_the_models_own_observations() {
    let observations = Sha256::of(b"observations");
    let shop = Shop::new();
    shop.papers(GOOD);
    let mut prep = json_of(&shop, "run1/prep.json");
    prep["pm25"]["inputs"] = json!([{ "name": "observations.parquet", "sha256": observations }]);
    prep["pm25"]["seal"] = json!(format!("pm25-seal:{}", "0".repeat(64)));
    let mut bytes = serde_json::to_vec_pretty(&prep).unwrap();
    fill_seal(&mut bytes, Place::First).unwrap();
    fs::write(shop.path("run1/prep.json"), bytes).unwrap();
    shop.run(&super::shop::register_words(1)).ok();
    shop.raise(1);
    fs::write(shop.path("ingest.json"), ingest(observations)).unwrap();
    fs::write(shop.path("other.json"), ingest(Sha256::of(b"others"))).unwrap();
    let words = |ingest: &str| format!("{CARD} --ingest {ingest} --data-out DATA_CARD.md");
    shop.run(&words("other.json"))
        .fails(4, "not about the observations");
    assert!(!shop.path("MODEL_CARD.md").exists(), "both or none");
    shop.run(&words("ingest.json")).ok();
    let card = text(&shop, "DATA_CARD.md");
    assert!(
        card.contains("12 data lines = 9 kept + 3 rejected."),
        "{card}"
    );
    assert_eq!(cells(&card, "pm25 < 0")[1], "3");
    assert_eq!(
        cells(&card, "observations.parquet")[1],
        format!("`{observations}`")
    );
    assert_eq!(cells(&card, "train")[1], "4000");
}
