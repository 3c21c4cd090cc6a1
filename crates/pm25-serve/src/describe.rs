//! `GET /v1/model`: which model answers, and what it wants to know.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Response, header};
use bytes::Bytes;
use pm25_artifact::prep::StationFact;
use serde::Serialize;

use crate::app::App;
use crate::inputs::Input;
use crate::predict::UNIT;
use crate::served::Served;

#[derive(Serialize)]
struct Description<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    sha256: &'a str,
    kind: &'static str,
    /// `nowcast` or `forecast`
    task: &'static str,
    /// Hours from a row's hour to the one that is predicted; 0 for a nowcast.
    horizon_h: u16,
    /// All of them, for a model of several: `horizon_h` is the first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    horizons_h: Vec<u16>,
    unit: &'static str,
    inputs: &'a [Input],
    /// Stations that it was trained on.
    stations: &'a [StationFact],
    /// What it can be asked with.
    requests: Vec<&'static str>,
}

/// The document, ready to be sent.
pub(crate) fn render(served: &Served) -> Vec<u8> {
    let description = Description {
        name: &served.origin.name,
        version: served.origin.version,
        sha256: &served.sha256,
        kind: served.kind(),
        task: served.task().word(),
        horizon_h: served.task().horizon_h(),
        horizons_h: match served.horizons_h() {
            one if one.len() == 1 => Vec::new(),
            several => several,
        },
        unit: UNIT,
        inputs: &served.inputs,
        stations: served.model().stations(),
        requests: requests(served),
    };
    serde_json::to_vec_pretty(&description).unwrap_or_default()
}

fn requests(served: &Served) -> Vec<&'static str> {
    let mut requests = vec!["POST /v1/predict with rows"];
    if served.features.is_some() {
        requests.push("POST /v1/predict with observations");
    }
    if served.classic.is_some() {
        requests.push("POST /predict");
    }
    requests
}

/// `GET /v1/model`
pub(crate) async fn show(State(app): State<Arc<App>>) -> Response<Body> {
    let document = app.current.model().documents.model.clone();
    send(document, "application/json")
}

/// A document that only changes with the model: to be asked for again before it is used again.
pub(crate) fn send(document: Bytes, kind: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(document));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
