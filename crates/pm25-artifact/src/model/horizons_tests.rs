//! Files of several horizons: what is written comes back, one member is a model, and strange files are refused.

use std::sync::Arc;

use pm25_file::{Kind, Output, Place, fill_seal};
use pm25_learn::tree::{Ensemble, LEAF, Tree};
use serde_json::{Value, json};

use super::*;

/// Written by the first build that wrote models.
const FIRST_FORM: &[u8] = include_bytes!("../../tests/models/first-form.json");

const ROW: [f32; 6] = [80.5, 40.25, 1.5, 8.0, 2.0, 1.0];

/// A forecast whose answers differ from horizon to horizon.
fn model(horizon_h: u16) -> Model {
    let mut model = Model::decode("first-form.json", FIRST_FORM).unwrap();
    model.task = TaskFact::Forecast { horizon_h };
    let trees = model.trees.as_mut().unwrap();
    let n_kept = trees.trees.len() - usize::from(horizon_h % 3);
    trees.trees.truncate(n_kept);
    model.climatology.overall += f64::from(horizon_h);
    model
        .header
        .params
        .insert("horizon".to_owned(), horizon_h.into());
    model
        .header
        .params
        .insert("model".to_owned(), "forest".into());
    model
}

fn several(horizons_h: &[u16]) -> Horizons {
    Horizons::of(horizons_h.iter().map(|&h| model(h)).collect()).unwrap()
}

fn bytes(horizons: Horizons) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.json");
    horizons.write(&Output::Path(path.clone())).unwrap();
    std::fs::read(path).unwrap()
}

fn says(model: &Model) -> Vec<f64> {
    let rows = Rows {
        station: None,
        time_s: None,
        persistence_ug_m3: None,
        features: ROW.iter().map(std::slice::from_ref).collect(),
        n_rows: 1,
    };
    let usual = model.predict_baseline(ModelKind::Climatology, &rows);
    [model.predict(&rows), usual].concat()
}

/// A sealed file of 1, 6 and 24 h with a change, and why it is refused.
fn refusal(change: impl FnOnce(&mut Value)) -> (Kind, String) {
    refusal_of(several(&[1, 6, 24]), change)
}

fn refusal_of(horizons: Horizons, change: impl FnOnce(&mut Value)) -> (Kind, String) {
    let mut document: Value = serde_json::from_slice(&bytes(horizons)).unwrap();
    change(&mut document);
    let text = serde_json::to_string(&document).unwrap();
    let at = text.find("pm25-seal:").unwrap() + "pm25-seal:".len();
    let mut bytes = text.into_bytes();
    bytes[at..at + 64].fill(b'0');
    fill_seal(&mut bytes, Place::First).unwrap();
    let fault = Horizons::decode("x.json", &bytes).unwrap_err();
    let cause = std::error::Error::source(&fault).map(ToString::to_string);
    (
        fault.kind(),
        format!("{fault} {}", cause.unwrap_or_default()),
    )
}

#[test]
fn each_horizon_comes_back_as_the_model_that_it_was() {
    let written = bytes(several(&[1, 6, 24]));
    let read = Horizons::decode("x.json", &written).unwrap();
    assert_eq!(read.members().len(), 3);
    for horizon_h in [1, 6, 24] {
        let member = read.clone().at("x.json", Some(horizon_h)).unwrap();
        let alone = model(horizon_h);
        assert_eq!(member.task, TaskFact::Forecast { horizon_h });
        assert_eq!(says(&member), says(&alone));
        assert_eq!(member.header.params, alone.header.params);
        assert_eq!(member.header.inputs, alone.header.inputs);
    }
    assert_eq!(bytes(read), written);
}

#[test]
fn one_horizon_is_a_plain_model_file() {
    let one = bytes(several(&[6]));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.json");
    model(6).write(&Output::Path(path.clone())).unwrap();
    assert_eq!(one, std::fs::read(path).unwrap());
    let read = Horizons::decode("x.json", &one).unwrap();
    assert_eq!(says(read.shortest()), says(&model(6)));
    assert!(read.clone().at("x.json", Some(6)).is_ok());
    let fault = read.at("x.json", Some(5)).unwrap_err();
    assert_eq!(fault.kind(), Kind::Usage);
    assert!(fault.hint_text().unwrap().contains("leave --horizon-h out"));
}

#[test]
fn which_of_several_has_to_be_said() {
    let bytes = bytes(several(&[1, 6, 24]));
    let fault = Model::decode("x.json", &bytes).unwrap_err();
    assert_eq!(fault.kind(), Kind::Usage);
    assert_eq!(
        fault.to_string(),
        "x.json holds one model for each of 1, 6 and 24 h ahead"
    );
    assert!(
        fault
            .hint_text()
            .unwrap()
            .contains("`pm25-train --horizon-h 1`")
    );
    let read = Horizons::decode("x.json", &bytes).unwrap();
    let fault = read.clone().at("x.json", None).unwrap_err();
    assert!(
        fault
            .hint_text()
            .unwrap()
            .contains("say which one is meant: --horizon-h 1")
    );
    let fault = read.at("x.json", Some(3)).unwrap_err();
    assert_eq!(fault.kind(), Kind::Usage);
    assert!(fault.hint_text().unwrap().contains("1, 6 and 24 h ahead"));
}

#[test]
fn models_that_do_not_belong_together_make_no_file() {
    let refused = |members: Vec<Model>| Horizons::of(members).unwrap_err().to_string();
    assert!(refused(vec![model(6), model(1)]).contains("do not rise"));
    assert!(refused(vec![model(6), model(6)]).contains("do not rise"));
    assert!(refused(Vec::new()).contains("0 models"));
    let nowcast = Model {
        task: TaskFact::Nowcast,
        ..model(1)
    };
    assert!(refused(vec![nowcast, model(6)]).contains("forecast of one hour"));
    let mut other = model(6);
    other.inputs[0].column = "other".to_owned();
    assert!(refused(vec![model(1), other]).contains("differ"));
    let many = (1..=73).map(model).collect();
    assert!(refused(many).contains("73 models"));
}

#[test]
fn hostile_files_are_refused_by_name() {
    let is_refused = |why: &str, change: &dyn Fn(&mut Value)| {
        let (kind, said) = refusal(change);
        assert_eq!(kind, Kind::BadArtifact, "{said}");
        assert!(said.contains(why), "{said}");
    };
    let members = |document: &mut Value| document["members"].as_array_mut().unwrap().clone();
    is_refused("do not rise", &|d| {
        let mut m = members(d);
        m.swap(0, 1);
        d["members"] = m.into();
    });
    is_refused("do not rise", &|d| {
        let mut m = members(d);
        m[1] = m[0].clone();
        d["members"] = m.into();
    });
    is_refused("less than two", &|d| d["members"] = members(d)[..1].into());
    is_refused("less than two", &|d| d["members"] = json!([]));
    is_refused("models; 1 to 72", &|d| {
        let one = members(d)[0].clone();
        d["members"] = vec![one; 200].into();
    });
    is_refused("not that of its horizon", &|d| {
        d["members"][1]["horizon_h"] = 7.into()
    });
    is_refused("forecast of one hour", &|d| {
        d["members"][0]["model"]["task"] = json!({"kind": "daymean"});
    });
    // What a model alone may not be, a member may not be.
    is_refused("x.json (6 h ahead)", &|d| {
        d["members"][1]["model"]["linear"]["terms"] = json!([]);
    });
    is_refused("trees", &|d| {
        d["members"][2]["model"]["kind"] = "linear".into()
    });
    is_refused("twice", &|d| d["inputs"][1] = d["inputs"][0].clone());
    is_refused("share", &|d| {
        d["pm25"]["facts"]["x"] = "x".repeat(5 << 20).into();
    });
    is_refused("cannot be read", &|d| d["members"][0]["more"] = 1.into());
    is_refused("cannot be read", &|d| {
        d["members"][0]["horizon_h"] = 70_000.into()
    });
}

#[test]
fn a_cut_or_changed_file_is_damaged() {
    let good = bytes(several(&[1, 6]));
    for bad in [&good[..good.len() / 2], &good[..400]] {
        let fault = Horizons::decode("x.json", bad).unwrap_err();
        assert_eq!(fault.kind(), Kind::BadArtifact);
        assert_eq!(
            Model::decode("x.json", bad).unwrap_err().kind(),
            Kind::BadArtifact
        );
    }
    let mut changed = good.clone();
    let at = changed.len() / 2;
    changed[at] ^= 1;
    assert!(Horizons::decode("x.json", &changed).is_err());
}

/// The trees of the first form, and one that adds 100 from 6 h ahead on.
fn trees_together() -> Arc<Ensemble> {
    let mut trees = model(24).trees.unwrap();
    trees.trees.push(Tree {
        feature: vec![ROW.len() as u16, LEAF, LEAF],
        threshold: vec![5.5, 0.0, 0.0],
        missing_left: vec![false; 3],
        left: vec![1, 0, 0],
        value: vec![0.0, 0.0, 100.0],
        cover: vec![2.0, 1.0, 1.0],
        sets: Vec::new(),
    });
    Arc::new(trees)
}

/// 1, 6 and 24 h: blends of a ridge, trees that all share and a learner of one station's own.
pub(super) fn together() -> Horizons {
    let shared = trees_together();
    let member = |horizon_h: u16| {
        let mut model = model(horizon_h);
        let trees = model.trees.take().unwrap();
        let part = |name: &str, model| Part {
            name: name.to_owned(),
            weight: 0.25,
            reference_share: 0.0,
            model,
        };
        let mut stations = vec![None; model.stations.len()];
        stations[0] = Some(Learned::Trees(trees.clone()));
        let own = Own {
            pooled: Learned::Linear(model.linear.clone()),
            stations,
        };
        model.kind = ModelKind::Blend;
        model.blend = Some(Blend {
            parts: vec![
                part("linear", PartModel::Linear(model.linear.clone())),
                part("boost-together", PartModel::Together(Arc::clone(&shared))),
                part("boost-own", PartModel::Own(own)),
            ],
            reference_weight: 0.25,
            reference_mean_ug_m3: 80.0,
        });
        model
    };
    Horizons::of([1, 6, 24].map(member).into()).unwrap()
}

#[test]
fn what_all_horizons_share_is_written_once_and_asked_for_each() {
    let written = bytes(together());
    let document: Value = serde_json::from_slice(&written).unwrap();
    assert_eq!(document["together"].as_array().unwrap().len(), 1);
    let read = Horizons::decode("x.json", &written).unwrap();
    assert_eq!(bytes(read.clone()), written);
    let answers = |all: &Horizons| all.members().iter().map(says).collect::<Vec<_>>();
    assert_eq!(answers(&read), answers(&together()));
    // What is asked is how far ahead the model looks: a quarter of 100 scaled from 6 h on.
    let trees = trees_together();
    let said = |at: usize| {
        let model = &read.members()[at];
        let rows = Rows {
            station: None,
            time_s: None,
            persistence_ug_m3: None,
            features: ROW.iter().map(std::slice::from_ref).collect(),
            n_rows: 1,
        };
        let question = model.question(&rows);
        trees.predict(&question.with_horizon())[0]
    };
    assert!((said(1) - said(0) - 100.0 * trees.scale).abs() < 1e-3);
    assert_eq!(said(1), said(2));
    // One of them alone is a whole file.
    let one = read.clone().at("x.json", Some(6)).unwrap();
    let alone = bytes(one.clone().into());
    assert!(String::from_utf8_lossy(&alone).contains("\"together\""));
    let alone = Horizons::decode("x.json", &alone).unwrap();
    assert_eq!(says(alone.shortest()), says(&one));
}

#[test]
fn a_station_is_answered_by_its_own_learner_in_every_place_of_a_batch() {
    let read = Horizons::decode("x.json", &bytes(together())).unwrap();
    let model = read.shortest();
    let known = model.stations[0].name.clone();
    let words = ["nobody".to_owned(), known];
    let ask = |codes: &[u32]| {
        let columns: Vec<Vec<f32>> = ROW.iter().map(|&x| vec![x; codes.len()]).collect();
        model.predict(&Rows {
            station: Some((&words, codes)),
            time_s: None,
            persistence_ug_m3: None,
            features: columns.iter().map(Vec::as_slice).collect(),
            n_rows: codes.len(),
        })
    };
    let (stranger, own) = (ask(&[0])[0], ask(&[1])[0]);
    assert_ne!(stranger, own);
    assert_eq!(ask(&[1, 0, 0, 1]), [own, stranger, stranger, own]);
}

#[test]
fn hostile_shares_are_refused_by_name() {
    let refusal = |change: &dyn Fn(&mut Value)| refusal_of(together(), change);
    let part = "/members/1/model/blend/parts/1";
    let set = |path: &'static str, value: Value| {
        move |document: &mut Value| {
            let (parent, key) = path.rsplit_once('/').unwrap();
            document.pointer_mut(parent).unwrap()[key] = value.clone();
        }
    };
    for (change, named) in [
        (
            Box::new(set("/members/1/model/blend/parts/1/shared", json!(1)))
                as Box<dyn Fn(&mut Value)>,
            "not what they ask for",
        ),
        (
            Box::new(set("/together", json!([]))),
            "not what they ask for",
        ),
        (
            Box::new(set("/members/1/model/blend/parts/1/shared", json!(-1))),
            "invalid value",
        ),
        (
            Box::new(|document: &mut Value| {
                let again = document["together"][0].clone();
                document["together"].as_array_mut().unwrap().push(again);
            }),
            "not what they ask for",
        ),
        (
            Box::new(|document: &mut Value| {
                let again = document["together"][0].clone();
                document["together"] = vec![again; 101].into();
            }),
            "at most 100",
        ),
        (
            Box::new(|document: &mut Value| {
                let part = document.pointer_mut(part).unwrap();
                part["linear"] = json!({"intercept_ug_m3": 1.0, "terms": []});
            }),
            "not one line",
        ),
        (
            Box::new(set("/inputs/0/column", json!("horizon_h"))),
            "`horizon_h` is an input",
        ),
        (
            Box::new(set(
                "/members/0/model/blend/parts/2/own/stations",
                json!([]),
            )),
            "for 0 stations",
        ),
        (
            Box::new(set("/members/0/model/blend/parts/2/own/pooled", json!({}))),
            "not one line",
        ),
        (
            Box::new(set("/members/0/model/blend/parts/2/own/nested", json!({}))),
            "unknown field",
        ),
    ] {
        let (kind, what) = refusal(&*change);
        assert_eq!(kind, Kind::BadArtifact, "{what}");
        assert!(what.contains(named), "{named}: {what}");
    }
}

#[test]
fn a_nowcast_is_asked_for_no_hours_ahead() {
    let mut model = together().at("x.json", Some(1)).unwrap();
    model.task = TaskFact::Nowcast;
    let fault = Horizons::decode("x.json", &bytes(model.into())).unwrap_err();
    let text = format!("{fault}");
    assert!(text.contains("no forecast"), "{text}");
}
