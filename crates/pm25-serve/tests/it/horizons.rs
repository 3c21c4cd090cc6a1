//! A model of several horizons: every answer holds each of them, with the bits of that horizon's own model.

use pm25_air::Task;
use pm25_artifact::model::{Model, ModelKind};
use serde_json::{Value, json};

use super::http::{get, post};
use super::kit::{CLASSIC, Site, model};

const HORIZONS_H: [u16; 3] = [1, 6, 24];

fn member(horizon_h: u16) -> Model {
    let task = Task::Forecast { horizon_h };
    let kind = match horizon_h {
        6 => ModelKind::Persistence,
        _ => ModelKind::Linear,
    };
    let mut model = model(task, "pm25,lag(pm25,1),hour", kind);
    model.linear.intercept += f64::from(horizon_h) / 7.0;
    model
}

fn several() -> Site {
    Site::of_several(HORIZONS_H.map(member).into())
}

fn said(answer: &[u8]) -> Vec<Value> {
    let answer: Value = serde_json::from_slice(answer).unwrap();
    answer["predictions"].as_array().unwrap().clone()
}

/// The same request to a service of each horizon alone, one answer after the other for each row.
fn alone(request: &Value) -> Vec<Value> {
    let of_each = HORIZONS_H.map(|h| {
        let site = Site::of(member(h));
        said(&post(site.listen, "/v1/predict", request.to_string()).body)
    });
    let n_rows = of_each[0].len();
    let of_row = |row: usize| of_each.iter().map(move |answer| answer[row].clone());
    (0..n_rows).flat_map(of_row).collect()
}

#[test]
fn every_row_has_an_answer_for_each_horizon() {
    let row = |pm25: f64, hour: u32| {
        json!({
            "station": "Aotizhongxin", "time": format!("2024-11-06T{hour:02}:00:00Z"),
            "pm25_ug_m3": pm25, "pm25_ug_m3__lag_1h": null, "hour": hour, "persistence_ug_m3": pm25,
        })
    };
    let request = json!({"rows": [row(80.25, 3), row(12.5, 17)]});
    let answer = said(&post(several().listen, "/v1/predict", request.to_string()).body);
    assert_eq!(answer.len(), 6);
    assert_eq!(answer, alone(&request));
    let horizons_h: Vec<&Value> = answer.iter().map(|row| &row["horizon_h"]).collect();
    assert_eq!(horizons_h, [1, 6, 24, 1, 6, 24]);
    assert_eq!(answer[1]["prediction_ug_m3"], 80.25);
    assert_eq!(answer[2]["predicted_hour"], "2024-11-07T03:00:00Z");
}

#[test]
fn observations_are_answered_for_each_horizon() {
    let hour = |hour: u32, pm25: f64| json!({"time": format!("2024-11-06T{hour:02}:00:00Z"), "pm25": pm25});
    let request = json!({
        "station": "Aotizhongxin",
        "observations": [hour(4, 40.5), hour(5, 44.0)],
    });
    let answer = said(&post(several().listen, "/v1/predict", request.to_string()).body);
    assert_eq!(answer.len(), 3);
    assert_eq!(answer, alone(&request));
}

#[test]
fn the_documents_name_every_horizon() {
    let site = several();
    let description: Value = serde_json::from_slice(&get(site.listen, "/v1/model").body).unwrap();
    assert_eq!(description["horizons_h"], json!([1, 6, 24]));
    assert_eq!(description["kind"], "mixed");
    let page = get(site.listen, "/").text();
    assert!(page.contains("forecast 1, 6, 24 h ahead"), "{page}");
    let refused = post(site.listen, "/predict", CLASSIC);
    assert_eq!(refused.status, 409);
    let alone = Site::of(member(6));
    let description: Value = serde_json::from_slice(&get(alone.listen, "/v1/model").body).unwrap();
    assert_eq!(description.get("horizons_h"), None);
}

#[test]
fn many_horizons_take_fewer_rows_in_a_request() {
    let site = several();
    let row = json!({"pm25_ug_m3": 1, "pm25_ug_m3__lag_1h": 2, "hour": 3});
    let request = |n_rows: usize| json!({"rows": vec![row.clone(); n_rows]}).to_string();
    assert_eq!(
        said(&post(site.listen, "/v1/predict", request(3_333)).body).len(),
        9_999
    );
    assert_eq!(post(site.listen, "/v1/predict", request(3_334)).status, 413);
}
