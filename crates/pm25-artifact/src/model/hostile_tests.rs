//! Model files that somebody else wrote: old ones are read, damaged and hostile ones refused, and quickly.

use pm25_file::{Seal, encode_document};
use pm25_learn::tree::{CategorySet, LEAF, Tree};
use serde_json::Value;

use super::damage_tests::{REFUSED_WITHIN, change_document, sealed, time_needed};
use super::*;

/// Written by the first build that wrote models.
const FIRST_FORM: &[u8] = include_bytes!("../../tests/models/first-form.json");

const ROWS: [[f32; 6]; 4] = [
    [80.5, 40.25, 1.5, 8.0, 2.0, 1.0],
    [f32::NAN; 6],
    [20.0, f32::NAN, 0.4, 23.0, 6.0, 7.0],
    [300.0, 10.0, 3.5, 0.0, 0.0, 12.0],
];

fn predictions(model: &Model) -> Vec<f64> {
    let trees = model.trees.as_ref().unwrap();
    ROWS.iter().map(|row| trees.predict_row(row)).collect()
}

pub(super) fn present_form() -> Vec<u8> {
    let mut model = Model::decode("first-form.json", FIRST_FORM).unwrap();
    let tree = Tree {
        feature: vec![5, LEAF, LEAF],
        threshold: vec![0.0; 3],
        missing_left: vec![true, false, false],
        left: vec![1, 0, 0],
        value: vec![0.0, 1.0, -1.0],
        cover: vec![3.0, 2.0, 1.0],
        sets: vec![CategorySet {
            node: 0,
            left: [6, 0, 0, 0],
        }],
    };
    model.trees.as_mut().unwrap().trees.push(tree);
    encode_document(&mut ModelFile::from(model)).unwrap()
}

/// A line whose intervals lie between two quantiles.
pub(super) fn with_heads() -> Vec<u8> {
    let mut model = Model::decode("first-form.json", FIRST_FORM).unwrap();
    let trees = model.trees.take().unwrap();
    model.kind = ModelKind::Linear;
    model.spread = Some(Expected::Heads(Heads {
        base: HeadsBase::Linear,
        ends: [trees.clone(), trees],
    }));
    model.intervals = Some(Intervals {
        coverage: 0.9,
        rows: 100,
        measure: Measure::Heads,
        levels: vec![IntervalLevel {
            below_ug_m3: None,
            lower: -1.1,
            upper: 1.2,
            errors: vec![-1.0, 0.5],
        }],
    });
    encode_document(&mut ModelFile::from(model)).unwrap()
}

fn refusal(of: &[u8], change: impl FnOnce(&mut Value)) -> String {
    let mut bytes = of.to_vec();
    change_document(&mut bytes, change);
    Model::decode("bad.json", &sealed(bytes))
        .unwrap_err()
        .to_string()
}

#[test]
fn heads_survive_the_file_and_go_with_their_intervals_only() {
    let bytes = with_heads();
    let model = Model::decode("heads.json", &bytes).unwrap();
    assert!(matches!(model.spread, Some(Expected::Heads(_))));
    assert_eq!(
        encode_document(&mut ModelFile::from(model.clone())).unwrap(),
        bytes
    );
    let without = refusal(&bytes, |it| {
        it.as_object_mut().unwrap().remove("heads");
    });
    assert!(without.contains("do not go together"), "{without}");
    let of_spread = refusal(&bytes, |it| it["intervals"]["measure"] = "spread".into());
    assert!(of_spread.contains("do not go together"), "{of_spread}");
    let both = refusal(&bytes, |it| it["spread"] = it["heads"]["lower"].clone());
    assert!(both.contains("do not go together"), "{both}");
    let more = refusal(&bytes, |it| it["heads"]["middle"] = 1.into());
    assert!(more.contains("cannot be read"), "{more}");
    let base = refusal(&bytes, |it| it["heads"]["base"] = "forest".into());
    assert!(base.contains("cannot be read"), "{base}");
    let one = refusal(&bytes, |it| {
        it["heads"].as_object_mut().unwrap().remove("upper");
    });
    assert!(one.contains("cannot be read"), "{one}");
    let mut narrow = model;
    narrow.inputs.truncate(2);
    narrow.linear.terms.truncate(2);
    let narrow = encode_document(&mut ModelFile::from(narrow)).unwrap();
    assert!(Model::decode("narrow.json", &narrow).is_err());
}

#[test]
fn heads_are_members_of_several_horizons_too() {
    let member = |horizon_h: u16| {
        let mut model = Model::decode("heads.json", &with_heads()).unwrap();
        model.task = TaskFact::Forecast { horizon_h };
        model
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.json");
    let several = Horizons::of(vec![member(1), member(6)]).unwrap();
    several.write(&Output::Path(path.clone())).unwrap();
    let (read, _) = Horizons::read(&Input::Path(path)).unwrap();
    for model in read.members() {
        assert_eq!(model.spread, member(1).spread);
    }
}

#[test]
fn a_model_of_the_first_form_still_predicts_the_same() {
    let model = Model::decode("first-form.json", FIRST_FORM).unwrap();
    // Computed from the file by other means (numpy).
    let expected = [
        73.91877149581983,
        71.84286084562613,
        62.44039407163932,
        104.89849987417533,
    ];
    assert_eq!(predictions(&model), expected);
    let rewritten = encode_document(&mut ModelFile::from(model)).unwrap();
    assert!(String::from_utf8_lossy(&rewritten).contains("level-order"));
    let again = Model::decode("again.json", &rewritten).unwrap();
    assert_eq!(predictions(&again), expected);
    assert_eq!(
        encode_document(&mut ModelFile::from(again)).unwrap(),
        rewritten
    );
}

#[test]
fn a_file_that_is_only_deep_or_long_is_refused_at_once() {
    let seal = Seal::OPEN;
    let start = format!(
        "{{\"pm25\":{{\"seal\":{},\"x\":",
        serde_json::to_string(&seal).unwrap()
    );
    for body in [
        "[".repeat(1_000_000),
        "{\"a\":".repeat(500_000),
        format!("{}{}", "[".repeat(200_000), "]".repeat(200_000)),
        "1".repeat(1_000_000),
        format!("\"{}\"", "\\u0000".repeat(300_000)),
    ] {
        let bytes = sealed(format!("{start}{body}").into_bytes());
        assert!(Model::decode("deep.json", &bytes).is_err());
        assert!(time_needed(&bytes) < REFUSED_WITHIN);
    }
}
