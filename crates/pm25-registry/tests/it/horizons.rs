//! Models of several horizons: a file of them is refused by name, a model of one of their horizons is taken.

use std::fs;

use pm25_artifact::model::{Horizons, Model};
use pm25_artifact::prep::TaskFact;
use pm25_file::{Input, Output, Place, fill_seal};
use serde_json::{Value, json};

use super::papers::{GOOD, Story};
use super::shop::{Shop, register_words};

const DAY_AHEAD: Story = Story {
    horizon_h: 24,
    ..GOOD
};

#[test]
fn a_file_of_several_horizons_is_refused_by_name() {
    let shop = Shop::new();
    let papers = shop.papers(DAY_AHEAD);
    let path = || Input::Path(papers.model.clone());
    let (day, _) = Model::read(&path()).unwrap();
    let hour = Model {
        task: TaskFact::Forecast { horizon_h: 1 },
        ..day.clone()
    };
    let several = Horizons::of(vec![hour, day]).unwrap();
    several.write(&Output::Path(papers.model.clone())).unwrap();
    let ran = shop
        .run(&register_words(1))
        .fails(2, "one model for each of 1 and 24 h ahead");
    assert!(
        ran.stderr.contains("pm25-train --horizon-h 1"),
        "{}",
        ran.stderr
    );
    assert_eq!(shop.n_entries(), 0);
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
    let prepared = |horizons_h: [u16; 2]| {
        let mut prep: Value = serde_json::from_slice(&fs::read(&papers.prep).unwrap()).unwrap();
        prep["task"] = json!({"kind": "forecast", "horizon_h": horizons_h[0]});
        prep["horizons_h"] = json!(horizons_h);
        // The header comes first again.
        let header = json!({"pm25": prep["pm25"]}).to_string();
        prep.as_object_mut().unwrap().remove("pm25");
        let body = prep.to_string();
        let text = format!("{},{}", header.strip_suffix('}').unwrap(), &body[1..]);
        let at = text.find("pm25-seal:").unwrap() + "pm25-seal:".len();
        let mut bytes = text.into_bytes();
        bytes[at..at + 64].fill(b'0');
        fill_seal(&mut bytes, Place::First).unwrap();
        fs::write(&papers.prep, bytes).unwrap();
    };
    prepared([1, 6]);
    shop.run(&register_words(1))
        .fails(4, "prepared another task");
    prepared([1, 24]);
    shop.run(&register_words(1)).ok();
}
