//! What a client may rely on.

use pm25_air::Task;
use pm25_artifact::model::ModelKind;
use serde_json::{Value, json};

use super::http::{Answer, Client, get, post};
use super::kit::{CLASSIC, FORECAST, STATIONS, Site, classic, forecast, model};

fn refused(answer: &Answer, status: u16) -> Value {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    let json = answer.json();
    assert_eq!(json["status"], status);
    assert!(!json["detail"].as_str().unwrap().is_empty());
    json
}

#[test]
fn the_originals_request_is_answered_by_the_models_hash() {
    let site = Site::of(classic());
    let answer = post(site.listen, "/predict", CLASSIC);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let json = answer.json();
    assert!(json["PM25_prediction"].as_f64().unwrap().is_finite());
    assert_eq!(json["model_used"], "linear");
    assert_eq!(json["unit"], "µg/m³");
    let model = get(site.listen, "/v1/model").json();
    assert_eq!(json["model_sha256"], model["sha256"]);
    assert_eq!(json.as_object().unwrap().len(), 4);
}

#[test]
fn a_model_of_other_inputs_sends_clients_to_the_other_route() {
    let classic_forecast = model(FORECAST, "classic", ModelKind::Linear);
    let no_month = model(
        Task::Nowcast,
        "pm10,o3,co,hour,dayofweek",
        ModelKind::Linear,
    );
    let persistence = model(Task::Nowcast, "classic", ModelKind::Persistence);
    for model in [forecast(), classic_forecast, no_month, persistence] {
        let site = Site::of(model);
        let problem = refused(&post(site.listen, "/predict", CLASSIC), 409);
        assert!(problem["hint"].as_str().unwrap().contains("/v1/predict"));
    }
}

#[test]
fn rows_are_answered_in_their_order() {
    let site = Site::of(classic());
    let row = json!({"pm10_ug_m3": 80, "o3_ug_m3": 31.5, "co_mg_m3": 1.2, "hour": 14, "dayofweek": 2, "month": 11});
    let mut missing = row.clone();
    missing["o3_ug_m3"] = Value::Null;
    let mut stamped = row.clone();
    stamped["month"] = json!(1);
    let json = post(
        site.listen,
        "/v1/predict",
        json!({"rows": [row, missing, stamped]}).to_string(),
    )
    .json();
    let values: Vec<f64> = json["predictions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["prediction_ug_m3"].as_f64().unwrap())
        .collect();
    let classic = post(site.listen, "/predict", CLASSIC).json();
    assert_eq!(
        values[0].to_bits(),
        classic["PM25_prediction"].as_f64().unwrap().to_bits()
    );
    assert_ne!(values[0], values[1]);
    assert_ne!(values[0], values[2]);
    assert_eq!(
        json["predictions"][0],
        json!({"horizon_h": 0, "prediction_ug_m3": values[0]})
    );
}

#[test]
fn a_row_may_say_whose_and_when_it_is() {
    let site = Site::of(model(FORECAST, "hour", ModelKind::Climatology));
    let row = json!({"hour": 3, "station": STATIONS[0].0, "time": "2024-11-06T05:00:00+08:00", "persistence_ug_m3": 12.5});
    let json = post(
        site.listen,
        "/v1/predict",
        json!({"rows": [row]}).to_string(),
    )
    .json();
    let prediction = &json["predictions"][0];
    assert_eq!(prediction["station"], STATIONS[0].0);
    assert_eq!(prediction["time"], "2024-11-05T21:00:00Z");
    assert_eq!(prediction["predicted_hour"], "2024-11-06T21:00:00Z");
    assert_eq!(prediction["horizon_h"], 24);
    // November, 05:00 local standard time of the day after.
    let wanted = 40.0 + (f64::from(10 * 24 + 5 + 50) + 0.3).sqrt();
    assert_eq!(
        prediction["prediction_ug_m3"].as_f64().unwrap().to_bits(),
        wanted.to_bits()
    );
}

#[test]
fn persistence_answers_what_it_was_told_and_climatology_the_rest() {
    let site = Site::of(model(FORECAST, "hour", ModelKind::Persistence));
    let ask = |row: Value| {
        let json = post(
            site.listen,
            "/v1/predict",
            json!({"rows": [row]}).to_string(),
        )
        .json();
        json["predictions"][0]["prediction_ug_m3"].as_f64().unwrap()
    };
    assert_eq!(ask(json!({"hour": 3, "persistence_ug_m3": 12.5})), 12.5);
    assert_eq!(ask(json!({"hour": 3, "persistence_ug_m3": null})), 71.5);
    assert_eq!(ask(json!({"hour": 3})), 71.5);
}

#[test]
fn rows_agree_on_what_they_say() {
    let site = Site::of(model(FORECAST, "hour", ModelKind::Climatology));
    let time = "2024-11-06T05:00:00Z";
    for (second, field) in [
        (json!({"hour": 3, "time": time}), "station"),
        (json!({"hour": 3, "station": "x"}), "time"),
    ] {
        let rows = json!({"rows": [{"hour": 3, "station": "x", "time": time}, second]});
        let problem = refused(&post(site.listen, "/v1/predict", rows.to_string()), 422);
        assert_eq!(problem["field"], field);
    }
    // A row that says it twice must not make up for one that does not say it.
    let rows = format!(r#"{{"rows":[{{"hour":3}},{{"hour":3,"time":"{time}","time":"{time}"}}]}}"#);
    refused(&post(site.listen, "/v1/predict", rows), 400);
}

#[test]
fn every_route_answers_and_every_other_says_so() {
    let site = Site::of(classic());
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/v1/model", "application/json"),
        ("/openapi.json", "application/json"),
        ("/healthz", "application/json"),
        ("/readyz", "application/json"),
    ] {
        let answer = get(site.listen, path);
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, Some(kind)),
            "{path}"
        );
        let head = Client::to(site.listen).ask("HEAD", path, b"");
        assert_eq!(head.status, 200);
        assert_eq!(
            head.header("content-length"),
            answer.header("content-length"),
            "{path}"
        );
    }
    assert_eq!(get(site.admin, "/metrics").status, 200);
    assert_eq!(get(site.admin, "/readyz").status, 200);
    assert_eq!(
        refused(&get(site.listen, "/v1/predikt"), 404)["hint"],
        "did you mean `/v1/predict`?"
    );
    let hint = refused(&get(site.listen, "/metrics"), 404)["hint"].clone();
    assert!(hint.as_str().unwrap().contains("--admin"));
    refused(&post(site.admin, "/v1/predict", "{}"), 404);
}

#[test]
fn wrong_methods_are_told_the_right_one() {
    let site = Site::of(classic());
    for (method, path, allow) in [
        ("GET", "/predict", "POST"),
        ("POST", "/v1/model", "GET,HEAD"),
        ("PUT", "/predict", "GET, HEAD, POST"),
        ("DELETE", "/", "GET, HEAD, POST"),
        ("OPTIONS", "/predict", "GET, HEAD, POST"),
        ("TRACE", "/", "GET, HEAD, POST"),
        ("BREW", "/", "GET, HEAD, POST"),
    ] {
        let answer = Client::to(site.listen).ask(method, path, b"");
        refused(&answer, 405);
        assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
}

#[test]
fn a_request_keeps_its_harmless_name() {
    let site = Site::of(classic());
    let ask = |id: &str| {
        let mut client = Client::to(site.listen);
        client.say(format!(
            "GET /healthz HTTP/1.1\r\nHost: {}\r\nX-Request-Id: {id}\r\n\r\n",
            site.listen
        ));
        client
            .answer()
            .unwrap()
            .header("x-request-id")
            .unwrap()
            .to_owned()
    };
    assert_eq!(ask("Ab-9"), "Ab-9");
    for id in ["a b", "x\"y", &"a".repeat(65)] {
        assert_ne!(ask(id), id);
    }
}

#[test]
fn observations_become_the_same_row_as_in_training() {
    let site = Site::of(forecast());
    let request = |name: &str, extra: Value| {
        let mut request = json!({"station": name, "observations": [
            {"time": "2024-11-06T05:00:00Z", "pm25": 60, "pm10": 90, "wind": 0},
            {"time": "2024-11-06T04:00:00Z", "pm25_ug_m3": 55.5, "co": null},
        ]});
        request
            .as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        request.to_string()
    };
    let ask = |name: &str, extra: Value| post(site.listen, "/v1/predict", request(name, extra));
    let known = ask(STATIONS[0].0, json!({}));
    assert_eq!(known.status, 200, "{}", known.text());
    let prediction = known.json()["predictions"][0].clone();
    assert_eq!(prediction["time"], "2024-11-06T05:00:00Z");
    assert_eq!(prediction["predicted_hour"], "2024-11-07T05:00:00Z");
    let same = ask(
        STATIONS[0].0,
        json!({"utc_offset_min": 480, "at": "2024-11-06T13:00:00+08:00"}),
    );
    assert_eq!(same.json()["predictions"][0], prediction);
    let stranger = ask("Elsewhere", json!({"utc_offset_min": 480})).json();
    assert_ne!(
        stranger["predictions"][0]["prediction_ug_m3"],
        prediction["prediction_ug_m3"]
    );
    for (extra, field) in [
        (json!({"utc_offset_min": 330}), "utc_offset_min"),
        (json!({"at": "2024-11-06T06:00:00Z"}), "at"),
    ] {
        assert_eq!(refused(&ask(STATIONS[0].0, extra), 422)["field"], field);
    }
    assert_eq!(
        refused(&ask("Elsewhere", json!({})), 422)["field"],
        "utc_offset_min"
    );
}

#[test]
fn a_row_sees_nothing_that_comes_after_it() {
    let site = Site::of(forecast());
    let ask = |last: Value| {
        let request = json!({"station": STATIONS[0].0, "at": "2024-11-06T05:00:00Z", "observations": [
            {"time": "2024-11-06T05:00:00Z", "pm25": 60}, {"time": "2024-11-06T06:00:00Z", "pm25": last},
        ]});
        post(site.listen, "/v1/predict", request.to_string()).json()["predictions"][0].clone()
    };
    assert_eq!(ask(json!(1)), ask(json!(900)));
}
