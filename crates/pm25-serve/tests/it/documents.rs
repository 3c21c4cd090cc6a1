//! What can be read about the service: page, model, OpenAPI, metrics.

use std::collections::BTreeSet;

use pm25_artifact::model::ModelKind;
use serde_json::Value;

use super::http::{Client, get, post, raw};
use super::kit::{CLASSIC, FORECAST, STATIONS, Site, classic, forecast, model};

/// The command lines on the page, as a person would copy them.
fn commands(page: &str) -> Vec<String> {
    page.split("<pre>")
        .skip(1)
        .filter_map(|rest| rest.split_once("</pre>"))
        .map(|(text, _)| {
            text.replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&quot;", "\"")
                .replace("&#39;", "'")
                .replace("&amp;", "&")
        })
        .collect()
}

#[test]
fn the_pages_commands_work_as_they_stand() {
    let network = model(FORECAST, "full", ModelKind::Linear);
    for (model, n_commands) in [(classic(), 3), (forecast(), 2), (network, 2)] {
        let site = Site::of(model);
        let page = get(site.listen, "/");
        let commands = commands(&page.text());
        assert_eq!(commands.len(), n_commands);
        for command in commands {
            let command = command.replacen("curl ", "", 1);
            let (url, rest) = command.split_once(' ').unwrap();
            let path = url
                .strip_prefix(&format!("http://{}", site.listen))
                .unwrap();
            let body = rest
                .split_once("-d '")
                .unwrap()
                .1
                .strip_suffix('\'')
                .unwrap()
                .replace("'\\''", "'");
            let answer = post(site.listen, path, &body);
            assert_eq!(answer.status, 200, "{command}: {}", answer.text());
        }
    }
}

#[test]
fn the_page_names_the_model_and_trusts_nobody() {
    let site = Site::of(forecast());
    let page = get(site.listen, "/");
    let hash = get(site.listen, "/v1/model").json()["sha256"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(page.text().contains(&hash));
    assert!(!page.text().contains("<b>&'") && !page.text().contains("<script"));
    assert!(
        page.header("content-security-policy")
            .unwrap()
            .starts_with("default-src 'none'")
    );
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
}

#[test]
fn the_model_is_described_with_units_and_ranges() {
    let site = Site::of(classic());
    let model = get(site.listen, "/v1/model").json();
    assert_eq!(
        (&model["kind"], &model["task"], &model["horizon_h"]),
        (&"linear".into(), &"nowcast".into(), &0.into())
    );
    let co = &model["inputs"][2];
    assert_eq!(
        (&co["column"], &co["unit"], &co["max"]),
        (&"co_mg_m3".into(), &"mg/m³".into(), &117.0.into())
    );
    assert_eq!(model["stations"][1]["name"], STATIONS[1].0);
    assert_eq!(model["requests"].as_array().unwrap().len(), 3);
}

/// Every documented route is answered, every refusal of it is documented, and each reference leads somewhere.
#[test]
fn openapi_and_the_routes_say_the_same() {
    for model in [classic(), forecast()] {
        let site = Site::of(model);
        let document = get(site.listen, "/openapi.json").json();
        assert_eq!(document["openapi"], "3.1.0");
        let paths = document["paths"].as_object().unwrap();
        let known: BTreeSet<&str> = paths.keys().map(String::as_str).collect();
        let routes = [
            "/",
            "/predict",
            "/v1/predict",
            "/v1/model",
            "/openapi.json",
            "/healthz",
            "/readyz",
            "/metrics",
        ];
        assert_eq!(known, BTreeSet::from(routes));
        for (path, operations) in paths {
            for (method, operation) in operations.as_object().unwrap() {
                let address = if path == "/metrics" {
                    site.admin
                } else {
                    site.listen
                };
                let answer = Client::to(address).ask(&method.to_uppercase(), path, b"");
                assert!(
                    !operation["responses"][answer.status.to_string()].is_null(),
                    "{path} {}",
                    answer.status
                );
                assert!(![404, 405].contains(&answer.status), "{path}");
                for example in operation["requestBody"]["content"]["application/json"]["examples"]
                    .as_object()
                    .into_iter()
                    .flatten()
                {
                    let body = &example.1["value"];
                    let answer = post(site.listen, path, body.to_string());
                    assert!(
                        body.is_null() || answer.status == 200,
                        "{path} {}: {}",
                        example.0,
                        answer.text()
                    );
                }
            }
        }
        references(&document, &document);
    }
}

fn references(document: &Value, value: &Value) {
    match value {
        Value::Object(fields) => {
            if let Some(to) = fields.get("$ref") {
                assert!(
                    document.pointer(&to.as_str().unwrap()[1..]).is_some(),
                    "{to}"
                );
            }
            fields
                .values()
                .for_each(|field| references(document, field));
        }
        Value::Array(items) => items.iter().for_each(|item| references(document, item)),
        _ => {}
    }
}

#[test]
fn inventions_of_clients_make_no_series() {
    let site = Site::of(classic());
    let n_series = || {
        get(site.admin, "/metrics")
            .text()
            .lines()
            .filter(|line| !line.starts_with('#'))
            .count()
    };
    let mut client = Client::to(site.listen);
    let invent = |client: &mut Client, n: usize| {
        let host = site.listen;
        client.say(format!(
            "GET /x/{n}?y={n} HTTP/1.1\r\nHost: {host}\r\nX-Request-Id: {n}\r\n\r\n"
        ));
        assert_eq!(client.answer().unwrap().status, 404);
        client.ask(&format!("M{}", n % 100), "/", b"");
        client.say(format!("GET / HTTP/1.1\r\nHost: {n}.example\r\n\r\n"));
        assert_eq!(client.answer().unwrap().status, 421);
    };
    invent(&mut client, 0);
    n_series();
    let before = n_series();
    for n in 0..10_000 {
        invent(&mut client, n);
    }
    assert_eq!(n_series(), before);
}

#[test]
fn requests_and_predictions_are_counted() {
    let site = Site::of(classic());
    let series = "http_requests_total{method=\"POST\",route=\"/predict\",code=\"200\"}";
    for n in 0..5 {
        assert_eq!(site.counted(series), f64::from(n));
        assert_eq!(site.counted("pm25_predictions_total"), f64::from(n));
        post(site.listen, "/predict", CLASSIC);
    }
    post(site.listen, "/predict", "{}");
    assert_eq!(
        site.counted("http_requests_total{method=\"POST\",route=\"/predict\",code=\"422\"}"),
        1.0
    );
    assert_eq!(
        site.counted("http_request_duration_seconds_count{route=\"/predict\"}"),
        6.0
    );
    assert_eq!(
        site.counted("http_request_duration_seconds_bucket{route=\"/predict\",le=\"+Inf\"}"),
        6.0
    );
    assert_eq!(site.counted("pm25_prediction_ug_m3_count"), 5.0);
    // The scrape itself.
    assert_eq!(site.counted("http_requests_in_flight"), 1.0);
    let info = format!(
        "pm25_serve_build_info{{version=\"{}\"}}",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(site.counted(&info), 1.0);
}

#[test]
fn the_exposition_is_well_formed() {
    let site = Site::of(classic());
    raw(site.listen, "nonsense\r\n\r\n");
    post(site.listen, "/predict", CLASSIC);
    let answer = get(site.admin, "/metrics");
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    let text = answer.text();
    let mut declared = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(declared.insert(name.to_owned()), "{name} twice");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            assert!(text.contains(&format!("# HELP {name} ")));
        } else if !line.starts_with('#') {
            let (series, value) = line.rsplit_once(' ').unwrap();
            assert!(seen.insert(series.to_owned()), "{series} twice");
            assert!(value.parse::<f64>().unwrap().is_finite(), "{line}");
            let name = series.split('{').next().unwrap();
            let base = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|suffix| name.strip_suffix(suffix))
                .unwrap_or(name);
            assert!(declared.contains(name) || declared.contains(base), "{line}");
        }
    }
    assert!(1.0 <= site.counted("pm25_serve_connections_broken_total"));
}
