//! Is it alive, and should anybody send it requests?

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;

use crate::app::{App, Reload};

#[derive(Serialize)]
struct Live {
    status: &'static str,
}

#[derive(Serialize)]
struct Ready<'a> {
    status: &'static str,
    /// The model that would answer.
    model_sha256: &'a str,
    model_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_version: Option<u32>,
    /// `ok`, or `failing`: the registry wants another model than this one, and that one could not be taken.
    reload: &'static str,
}

/// `GET /healthz`: an answer is the answer.
pub(crate) async fn live() -> Response<Body> {
    json(StatusCode::OK, &Live { status: "alive" })
}

/// `GET /readyz`: 503 while the service goes down. A failing reload is told and does not make it unready: the old
/// model still answers, and a bad promotion must not take all servers away at once.
pub(crate) async fn ready(State(app): State<Arc<App>>) -> Response<Body> {
    let served = app.current.model();
    let (code, status) = match app.is_draining() {
        false => (StatusCode::OK, "ready"),
        true => (StatusCode::SERVICE_UNAVAILABLE, "draining"),
    };
    let reload = match app.current.reload() {
        Reload::Fine => "ok",
        Reload::Failed => "failing",
    };
    let ready = Ready {
        status,
        model_sha256: &served.sha256,
        model_name: &served.origin.name,
        model_version: served.origin.version,
        reload,
    };
    json(code, &ready)
}

fn json(status: StatusCode, what: &impl Serialize) -> Response<Body> {
    let mut response = Response::new(Body::from(serde_json::to_vec(what).unwrap_or_default()));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
