//! Bodies that are wrong: each gets its refusal, none a 5xx or a null.

use pm25_air::Task;
use pm25_artifact::model::ModelKind;
use serde_json::{Value, json};

use super::http::post;
use super::kit::{CLASSIC, Site, classic, forecast, model};

/// Status, and the field if there is one.
fn refusal(site: &Site, path: &str, body: impl AsRef<[u8]>) -> (u16, Value) {
    let answer = post(site.listen, path, body);
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json"),
        "{}",
        answer.text()
    );
    let json = answer.json();
    assert_eq!(json["status"], answer.status);
    (answer.status, json)
}

#[test]
fn the_six_fields_are_exactly_six_numbers() {
    let site = Site::of(classic());
    for (from, to, status, field) in [
        ("80", "NaN", 422, "PM10"),
        ("80", "Infinity", 422, "PM10"),
        ("80", "-Infinity", 422, "PM10"),
        ("80", "1e400", 422, "PM10"),
        ("80", "-1e400", 422, "PM10"),
        ("80", "50000", 422, "PM10"),
        ("80", "-16", 422, "PM10"),
        ("80", "\"80\"", 422, "PM10"),
        ("80", "null", 422, "PM10"),
        ("80", "true", 422, "PM10"),
        ("80", "[80]", 422, "PM10"),
        ("80", "{\"x\":80}", 422, "PM10"),
        ("31.5", "9999999999999999999999999999", 422, "O3"),
        ("1.2", "1200", 422, "CO"),
        ("14", "24", 422, "hour"),
        ("14", "-1", 422, "hour"),
        ("14", "13.5", 422, "hour"),
        ("\"dayofweek\":2", "\"dayofweek\":7", 422, "dayofweek"),
        ("\"month\":11", "\"month\":13", 422, "month"),
        ("\"month\":11", "\"month\":0", 422, "month"),
        ("\"PM10\":80,", "", 422, "PM10"),
        (",\"month\":11", "", 422, "month"),
        ("\"PM10\"", "\"PM1O\"", 422, "PM1O"),
        ("\"PM10\"", "\"pm10\"", 422, "pm10"),
        ("}", ",\"NO2\":1}", 422, "NO2"),
        ("}", ",\"PM10\":80}", 400, "PM10"),
        ("}", ",\"PM\\u00310\":80}", 400, "PM10"),
    ] {
        let body = CLASSIC.replacen(from, to, 1);
        assert_ne!(body, CLASSIC);
        let (found, json) = refusal(&site, "/predict", &body);
        assert_eq!(
            (found, json["field"].as_str()),
            (status, Some(field)),
            "{body}: {json}"
        );
        assert_eq!(
            json["pointer"],
            if body.contains(field) || status == 400 {
                format!("/{field}")
            } else {
                String::new()
            },
            "{body}"
        );
    }
}

#[test]
fn a_refusal_knows_unit_range_and_the_nearest_name() {
    let site = Site::of(classic());
    let (_, json) = refusal(&site, "/predict", CLASSIC.replace("80", "50000"));
    assert_eq!(
        (&json["unit"], &json["range"]),
        (&json!("µg/m³"), &json!([-15.0, 10_000.0]))
    );
    let (_, json) = refusal(&site, "/predict", CLASSIC.replace("1.2", "1200"));
    assert_eq!(
        (&json["unit"], &json["range"]),
        (&json!("mg/m³"), &json!([-1.0, 117.0]))
    );
    let (_, json) = refusal(&site, "/predict", CLASSIC.replace("PM10", "PM1O"));
    assert_eq!(json["hint"], "did you mean `PM10`?");
    let (_, json) = refusal(
        &site,
        "/predict",
        CLASSIC.replace("\"month\":11", "\"month\":13"),
    );
    assert_eq!(json["range"], json!([1.0, 12.0]));
}

#[test]
fn the_ends_of_what_is_possible_are_taken() {
    let site = Site::of(classic());
    for (from, to) in [
        ("80", "-15"),
        ("80", "10000"),
        ("80", "8e1"),
        ("80", "80.0"),
        ("14", "23"),
        ("14", "0"),
        ("14", "14.0"),
        ("14", "-0"),
    ] {
        let body = CLASSIC.replacen(from, to, 1);
        assert_eq!(post(site.listen, "/predict", &body).status, 200, "{body}");
    }
}

#[test]
fn what_is_no_json_is_400() {
    let site = Site::of(classic());
    let deep = |open: &str, close: &str, n: usize| format!("{}{}", open.repeat(n), close.repeat(n));
    let bodies: Vec<Vec<u8>> = [
        "",
        " ",
        "{",
        "}",
        "nul",
        "{\"PM10\":}",
        "{\"PM10\" 80}",
        "{PM10:80}",
        "{'PM10':80}",
        "{\"PM10\":80,}",
        "{\"PM10\":+80}",
        "{\"PM10\":080}",
        "{\"PM10\":.8}",
        "{\"PM10\":8.}",
        "{\"PM10\":0x50}",
        "{\"PM10\":8e}",
        "{\"PM10\":nan}",
        "{\"a\\ud800\":1}",
        "// x\n{}",
        "{\"a\":\"\u{1}\"}",
        "{}{}",
        "\u{feff}{}",
    ]
    .iter()
    .map(|body| body.as_bytes().to_vec())
    .chain([
        format!("{CLASSIC} x").into_bytes(),
        format!("\u{feff}{CLASSIC}").into_bytes(),
        b"{\"a\xff\":1}".to_vec(),
        b"\xfe\xff\x00{".to_vec(),
        vec![0; 100],
        deep("[", "]", 17).into_bytes(),
        deep("[", "]", 100_000).into_bytes(),
        deep("{\"a\":", "}", 17).replace(":}", ":1}").into_bytes(),
        "[".repeat(1_000_000).into_bytes(),
        "{\"rows\":".repeat(100_000).into_bytes(),
        format!("{{\"rows\":[{{\"a\":{}}}]}}", deep("[", "]", 14)).into_bytes(),
    ])
    .collect();
    for path in ["/predict", "/v1/predict"] {
        for body in &bodies {
            let (status, json) = refusal(&site, path, body);
            let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
            assert_eq!(status, 400, "{path} {shown}: {json}");
        }
    }
}

/// Each body is refused with 422 at this pointer.
fn refused_at(cases: impl IntoIterator<Item = (Value, &'static str)>) {
    let site = Site::of(classic());
    for (body, pointer) in cases {
        let (status, json) = refusal(&site, "/v1/predict", body.to_string());
        let found = (status, json["pointer"].as_str());
        assert_eq!(found, (422, Some(pointer)), "{body}: {json}");
    }
}

fn row() -> Value {
    json!({"pm10_ug_m3": 80, "o3_ug_m3": 31.5, "co_mg_m3": 1.2, "hour": 14, "dayofweek": 2, "month": 11})
}

#[test]
fn rows_of_another_shape_are_422() {
    let with = |key: &str, value: Value| {
        let mut row = row();
        row[key] = value;
        json!({"rows": [row]})
    };
    refused_at([
        (json!([]), ""),
        (json!(3), ""),
        (json!(null), ""),
        (json!({}), ""),
        (json!({"rows": []}), "/rows"),
        (json!({"rows": {}}), "/rows"),
        (json!({"rows": [1]}), "/rows/0"),
        (json!({"rows": [[[[[[[[[[[[[[[]]]]]]]]]]]]]]]}), "/rows/0"),
        (json!({"rows": [row(), {}]}), "/rows/1"),
        (json!({"row": [row()]}), "/row"),
        (with("pm10_ug_m3", json!(50_000)), "/rows/0/pm10_ug_m3"),
        (with("pm1o_ug_m3", json!(5)), "/rows/0/pm1o_ug_m3"),
        (with("month", json!(13)), "/rows/0/month"),
        (with("hour", json!(0.5)), "/rows/0/hour"),
        (with("station", json!("")), "/rows/0/station"),
        (with("station", json!("a\nb")), "/rows/0/station"),
        (with("station", json!("x".repeat(257))), "/rows/0/station"),
        (with("station", json!(5)), "/rows/0/station"),
        (with("time", json!("2024-11-06 05:00")), "/rows/0/time"),
        (with("time", json!("-9999-01-02T00:00:00Z")), "/rows/0/time"),
        (
            with("persistence_ug_m3", json!(20_000)),
            "/rows/0/persistence_ug_m3",
        ),
    ]);
    let site = Site::of(classic());
    let both = json!({"rows": [row()], "station": "x"});
    assert_eq!(refusal(&site, "/v1/predict", both.to_string()).0, 422);
}

#[test]
fn observations_of_another_shape_are_422() {
    let hour = |extra: Value| {
        let mut hour = json!({"time": "2024-11-06T05:00:00Z"});
        let extra = extra.as_object().unwrap().clone();
        hour.as_object_mut().unwrap().extend(extra);
        json!({"station": "x", "utc_offset_min": 0, "observations": [hour]})
    };
    let nobody = json!({"observations": [{"time": "2024-11-06T05:00:00Z"}]});
    refused_at([
        (hour(json!({"pm10": 50_000})), "/observations/0/pm10"),
        (hour(json!({"co": 1_200})), "/observations/0/co"),
        (hour(json!({"pm1": 5})), "/observations/0/pm1"),
        (hour(json!({"time": "yesterday"})), "/observations/0/time"),
        (json!({"station": "x", "observations": []}), "/observations"),
        (
            json!({"station": "x", "observations": [{}]}),
            "/observations/0",
        ),
        (
            json!({"station": "x", "utc_offset_min": 841}),
            "/utc_offset_min",
        ),
        (
            json!({"station": "x", "utc_offset_min": 5.5}),
            "/utc_offset_min",
        ),
        (json!({"station": "x", "utc_offset_min": 0}), ""),
        (nobody, ""),
    ]);
    let site = Site::of(classic());
    let twice = hour(json!({"pm10": 5, "pm10_ug_m3": 5})).to_string();
    assert_eq!(refusal(&site, "/v1/predict", twice).0, 400);
}

#[test]
fn hours_are_of_one_grid_and_each_is_there_once() {
    let site = Site::of(forecast());
    let ask = |times: &[&str]| {
        let hours: Vec<Value> = times
            .iter()
            .map(|time| json!({"time": time, "pm25": 5}))
            .collect();
        post(
            site.listen,
            "/v1/predict",
            json!({"station": "x", "utc_offset_min": 0, "observations": hours}).to_string(),
        )
    };
    assert_eq!(
        ask(&["2024-11-06T05:30:00Z", "2024-11-06T04:30:00Z"]).status,
        200
    );
    assert_eq!(
        ask(&["2024-11-06T05:00:00Z", "2024-11-06T04:30:00Z"]).status,
        422
    );
    assert_eq!(
        ask(&["2024-11-06T05:00:00Z", "2024-11-06T10:30:00+05:30"]).status,
        422
    );
    // Eight thousand years apart, and no memory for what lies between them.
    assert_eq!(
        ask(&["0001-01-01T00:00:00Z", "9998-12-31T23:00:00Z"]).status,
        200
    );
    assert_eq!(ask(&["9999-12-31T23:00:00Z"]).status, 422);
}

#[test]
fn a_hostile_text_comes_back_harmless_and_short() {
    let site = Site::of(classic());
    let key = "<script>\u{1b}[2J\u{202e}".repeat(500);
    let (status, json) = refusal(&site, "/predict", json!({key.clone(): 1}).to_string());
    assert_eq!(status, 422);
    assert!(json.to_string().len() < 1_000);
    let (_, json) = refusal(
        &site,
        "/v1/predict",
        json!({"rows": [{key: 1}]}).to_string(),
    );
    assert!(json.to_string().len() < 1_500);
    let digits = CLASSIC.replace("80", &"9".repeat(100_000));
    assert!(refusal(&site, "/predict", digits).1.to_string().len() < 1_000);
}

/// A column of another program has no known range, so an input can be too much for the model.
#[test]
fn what_is_no_number_is_never_answered() {
    let mut model = model(Task::Nowcast, "hour", ModelKind::Linear);
    model.inputs[0].expression = "made elsewhere".to_owned();
    model.linear.terms[0].weight = 1e300;
    let site = Site::of(model);
    let ask = |hour: &str| {
        post(
            site.listen,
            "/v1/predict",
            format!("{{\"rows\":[{{\"hour\":{hour}}}]}}"),
        )
    };
    assert_eq!(ask("0.5").status, 200);
    let answer = ask("3e38");
    assert_eq!(
        (answer.status, &answer.json()["status"]),
        (500, &500.into())
    );
    let observations = json!({"station": "x", "utc_offset_min": 0, "observations": [{"time": "2024-11-06T05:00:00Z"}]});
    assert_eq!(
        post(site.listen, "/v1/predict", observations.to_string()).status,
        409
    );
}
