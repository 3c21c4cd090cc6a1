//! How likely the air is worse than a threshold, and in which band: as in a batch, and refused where nobody knows.

use pm25_air::Task;
use pm25_air::aqi::Scale;
use pm25_artifact::model::{
    IntervalLevel, Intervals, Measure, Model, ModelKind, Said, WarningLine,
};
use serde_json::{Value, json};

use super::http::{get, post};
use super::kit::{FORECAST, Site, forecast, model};

/// A model that was off by -50 to 49, and warns of 75 above a prediction of 60.
fn sure(task: Task) -> Model {
    let mut sure = model(task, "pm10", ModelKind::Linear);
    sure.intervals = Some(Intervals {
        coverage: 0.9,
        rows: 100,
        measure: Measure::UgM3,
        levels: vec![IntervalLevel {
            below_ug_m3: None,
            lower: -45.0,
            upper: 45.0,
            errors: (-50..50).map(f64::from).collect(),
        }],
    });
    sure.warning_lines = vec![WarningLine {
        threshold_ug_m3: 75.0,
        line_ug_m3: 60.0,
        linear_line_ug_m3: 1.0,
        persistence_line_ug_m3: 1.0,
        csi: 0.3,
        events: 1,
        rows: 9,
        costs: None,
    }];
    sure
}

fn ask(site: &Site, request: &Value) -> (u16, Value) {
    let answer = post(site.listen, "/v1/predict", request.to_string());
    (answer.status, answer.json())
}

fn said(prediction: &Value) -> Said {
    Said {
        prediction_ug_m3: prediction["prediction_ug_m3"].as_f64().unwrap(),
        spread_ug_m3: f64::NAN,
    }
}

#[test]
fn thresholds_are_answered_as_in_a_batch() {
    let known = sure(FORECAST);
    let site = Site::of(known.clone());
    let rows = [json!({"pm10_ug_m3": 10.0}), json!({"pm10_ug_m3": 90.0})];
    let request = json!({"rows": rows, "exceed_ug_m3": [75, 35.4]});
    let (_, answer) = ask(&site, &request);
    for row in 0..2 {
        let prediction = &answer["predictions"][row];
        let said = said(prediction);
        let chance = |threshold| known.chance_above(said, threshold).unwrap();
        assert!(0.0 < chance(75.0) && chance(75.0) < chance(35.4));
        let wanted = json!([
            {"threshold_ug_m3": 75.0, "probability": chance(75.0), "warning": 60.0 < said.prediction_ug_m3},
            {"threshold_ug_m3": 35.4, "probability": chance(35.4)},
        ]);
        assert_eq!(prediction["above"], wanted);
    }
    let (_, unasked) = ask(&site, &json!({"rows": rows}));
    assert!(unasked["predictions"][0]["above"].is_null());
}

#[test]
fn each_horizon_answers_by_its_own_errors() {
    let members = [1, 24].map(|horizon_h| {
        let mut member = sure(Task::Forecast { horizon_h });
        member.linear.intercept += f64::from(horizon_h);
        member
    });
    let site = Site::of_several(members.to_vec());
    let request = json!({"rows": [{"pm10_ug_m3": 40.0}], "exceed_ug_m3": [75]});
    let (_, answer) = ask(&site, &request);
    for (idx, member) in members.iter().enumerate() {
        let prediction = &answer["predictions"][idx];
        let chance = member.chance_above(said(prediction), 75.0);
        assert_eq!(prediction["above"][0]["probability"], json!(chance));
    }
}

#[test]
fn bands_of_a_day_are_together_one() {
    let known = sure(Task::DayMean);
    let (_, answer) = ask(
        &Site::of(known.clone()),
        &json!({"rows": [{"pm10_ug_m3": 80.0}]}),
    );
    let prediction = &answer["predictions"][0];
    for scale in [Scale::Us, Scale::India, Scale::China, Scale::Who] {
        let bands = prediction["scales"][scale.name()]["bands"]
            .as_array()
            .unwrap();
        let names: Vec<&str> = bands
            .iter()
            .map(|it| it["band"].as_str().unwrap())
            .collect();
        assert_eq!(names, scale.bands().each_ref().map(|band| band.name));
        let shares = bands.iter().map(|it| it["probability"].as_f64().unwrap());
        let shares: Vec<f64> = shares.collect();
        assert_eq!(
            Some(shares.clone()),
            known.band_chances(said(prediction), scale)
        );
        assert!(
            (shares.iter().sum::<f64>() - 1.0).abs() < 1e-12,
            "{shares:?}"
        );
    }
}

#[test]
fn what_cannot_be_answered_is_refused_by_its_field() {
    let request =
        |thresholds: Value| json!({"rows": [{"pm10_ug_m3": 1.0}], "exceed_ug_m3": thresholds});
    let site = Site::of(sure(FORECAST));
    for (thresholds, status, pointer) in [
        (json!([]), 200, None),
        (json!(vec![75; 10]), 200, None),
        (json!(vec![75; 11]), 422, Some("/exceed_ug_m3/10")),
        (json!([75, 0]), 422, Some("/exceed_ug_m3/1")),
        (json!([-1]), 422, Some("/exceed_ug_m3/0")),
        (json!([10_001]), 422, Some("/exceed_ug_m3/0")),
        (json!(["75"]), 422, Some("/exceed_ug_m3/0")),
        (json!(75), 422, Some("/exceed_ug_m3")),
    ] {
        let (found, answer) = ask(&site, &request(thresholds));
        assert_eq!(found, status, "{answer}");
        assert_eq!(answer["pointer"].as_str(), pointer, "{answer}");
    }
    let ignorant = Site::of(model(FORECAST, "pm10", ModelKind::Linear));
    let (status, problem) = ask(&ignorant, &request(json!([75])));
    assert_eq!((status, &problem["field"]), (422, &json!("exceed_ug_m3")));
    assert_eq!(ask(&ignorant, &request(json!([]))).0, 200);
    let twice = r#"{"exceed_ug_m3":[],"exceed_ug_m3":[]}"#;
    assert_eq!(post(site.listen, "/v1/predict", twice).status, 400);
}

/// A client that was generated from the document must know every field that it is sent.
#[test]
fn every_field_of_an_answer_is_in_the_document() {
    let known = sure(Task::DayMean);
    let model = Model {
        intervals: known.intervals,
        warning_lines: known.warning_lines,
        ..model(Task::DayMean, "pm10,others_mean(pm25)", ModelKind::Linear)
    };
    let neighbour = model.inputs[1].column.clone();
    let site = Site::of(model);
    let row = json!({"pm10_ug_m3": 80.0, neighbour: null, "station": "a", "time": "2024-11-06T05:00:00Z"});
    let (status, answer) = ask(&site, &json!({"rows": [row], "exceed_ug_m3": [75]}));
    assert_eq!(status, 200, "{answer}");
    let document = get(site.listen, "/openapi.json").json();
    let known = &document["components"]["schemas"]["Answer"]["properties"]["predictions"]["items"]
        ["properties"];
    let sent = answer["predictions"][0].as_object().unwrap();
    assert_eq!(sent.len(), 10, "{answer}");
    for field in sent.keys() {
        assert!(!known[field].is_null(), "{field}");
    }
    let requests = &document["components"]["schemas"];
    for request in ["Rows", "Observations"] {
        assert!(!requests[request]["properties"]["exceed_ug_m3"].is_null());
    }
    // A model without an answer for any of it is not advertised to have one.
    let page = |site: &Site| get(site.listen, "/").text();
    assert!(page(&site).contains("exceed_ug_m3"));
    assert!(!page(&Site::of(forecast())).contains("exceed_ug_m3"));
}
