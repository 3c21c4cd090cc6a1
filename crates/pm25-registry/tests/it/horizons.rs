//! Models of several horizons, and models of one of them.

use std::fs;

use pm25_artifact::model::{Horizons, Model};
use pm25_artifact::prep::TaskFact;
use pm25_file::{Input, Output, Sha256};
use serde_json::{Value, json};

use super::papers::{GOOD, Papers, Story, eval, sealed};
use super::shop::{Shop, register_words};

const DAY_AHEAD: Story = Story {
    horizon_h: 24,
    ..GOOD
};

/// The papers of `run1` with models of 1 and 24 h; the skill of each over every baseline.
fn several(shop: &Shop, skills: [f64; 2]) {
    let papers = shop.papers(DAY_AHEAD);
    let (day, _) = Model::read(&Input::Path(papers.model.clone())).unwrap();
    let hour = Model {
        task: TaskFact::Forecast { horizon_h: 1 },
        ..day.clone()
    };
    let several = Horizons::of(vec![hour, day]).unwrap();
    let output = Output::Path(papers.model.clone());
    let sha256 = several.write(&output).unwrap();
    let report = |horizon_h: u16, skill: f64| {
        let story = Story {
            horizon_h,
            skill: Some(skill),
            ..DAY_AHEAD
        };
        serde_json::from_slice::<Value>(&eval(story, sha256, "test")).unwrap()
    };
    let body = json!({
        "model": sha256,
        "horizons": {"1": report(1, skills[0]), "24": report(24, skills[1])},
    });
    let all = sealed(
        "pm25-eval-horizons",
        "pm25-eval",
        json!([]),
        json!([]),
        body,
    );
    fs::write(&papers.eval, all).unwrap();
    prepared(&papers, [1, 24]);
}

/// Lets the preparation say that it has these horizons.
fn prepared(papers: &Papers, horizons_h: [u16; 2]) {
    let mut body: Value = serde_json::from_slice(&fs::read(&papers.prep).unwrap()).unwrap();
    let files = body["pm25"]["files"].clone();
    body.as_object_mut().unwrap().remove("pm25");
    body["task"] = json!({"kind": "forecast", "horizon_h": horizons_h[0]});
    body["horizons_h"] = json!(horizons_h);
    let prep = sealed("pm25-prep-report", "pm25-prep", json!([]), files, body);
    fs::write(&papers.prep, prep).unwrap();
}

#[test]
fn every_horizon_has_to_pass_the_gate() {
    let shop = Shop::new();
    several(&shop, [0.25, -0.5]);
    shop.run(&register_words(1)).ok();
    let ran = shop
        .run("promote --version 1 --to staging")
        .fails(10, "24 h ahead");
    assert!(ran.stderr.contains("skill_min"), "{}", ran.stderr);
    let shop = Shop::new();
    several(&shop, [0.25, 0.3]);
    shop.run(&register_words(1)).ok();
    shop.raise(1);
    let entry: Value = serde_json::from_slice(&fs::read(shop.entry(2)).unwrap()).unwrap();
    let text = entry.to_string();
    assert!(
        text.contains("skill_min at 1 h") && text.contains("skill_min at 24 h"),
        "{text}"
    );
}

#[test]
fn each_horizon_is_listed_shown_and_has_a_card() {
    let shop = Shop::new();
    several(&shop, [0.25, 0.3]);
    shop.run(&register_words(1)).ok();
    let listed = shop.json("list");
    let horizon_h = |at: usize| listed["versions"][at]["task"]["horizon_h"].clone();
    assert_eq!([horizon_h(0), horizon_h(1)], [json!(1), json!(24)]);
    let shown = shop.json("show --version 1");
    assert_eq!(shown["task"]["horizon_h"], 1);
    assert_eq!(shown["longer"][0]["skill_over_persistence"], 0.3);
    let card = "card --version 1 --out CARD.md";
    let ran = shop
        .run(card)
        .fails(2, "one model for each of 1 and 24 h ahead");
    assert!(ran.stderr.contains("--horizon-h 1"), "{}", ran.stderr);
}

#[test]
fn a_file_of_several_goes_with_its_own_evaluation_and_preparation_only() {
    let shop = Shop::new();
    several(&shop, [0.25, 0.3]);
    let path = |name: &str| shop.path("run1").join(name);
    let whole = fs::read(path("eval.json")).unwrap();
    let model = Sha256::of(&fs::read(path("model.json")).unwrap());
    fs::write(path("eval.json"), eval(DAY_AHEAD, model, "test")).unwrap();
    shop.run(&register_words(1)).fails(4, "another task");
    fs::write(path("eval.json"), &whole).unwrap();
    let papers = Papers {
        model: path("model.json"),
        eval: path("eval.json"),
        prep: path("prep.json"),
    };
    prepared(&papers, [1, 6]);
    shop.run(&register_words(1))
        .fails(4, "prepared another task");
    let export = "export --model run1/model.json --as onnx --out model.onnx";
    let ran = shop
        .run(export)
        .fails(2, "one model for each of 1 and 24 h ahead");
    assert!(ran.stderr.contains("--horizon-h 1"), "{}", ran.stderr);
}

#[test]
fn a_model_of_one_of_several_horizons_is_taken() {
    let shop = Shop::new();
    let papers = shop.papers(DAY_AHEAD);
    prepared(&papers, [1, 6]);
    shop.run(&register_words(1))
        .fails(4, "prepared another task");
    prepared(&papers, [1, 24]);
    shop.run(&register_words(1)).ok();
}
