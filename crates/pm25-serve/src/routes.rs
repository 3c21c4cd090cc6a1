//! Every route of the service, on which listener it is, and who calls it.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::routing::{get, post};

use crate::app::App;
use crate::predict::{predict_classic, predict_rows};
use crate::problem::{Problem, shown};
use crate::{describe, health, metrics, openapi, page};

/// What clients see.
pub(crate) fn public(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(page::show)) // people
        .route("/predict", post(predict_classic)) // clients of the original system
        .route("/v1/predict", post(predict_rows)) // clients
        .route("/v1/model", get(describe::show)) // clients, cards
        .route("/openapi.json", get(openapi::show)) // client generators
        .route("/healthz", get(health::live)) // orchestrator: restart me?
        .route("/readyz", get(health::ready)) // balancer: send traffic?
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .with_state(app)
}

/// What the operator sees.
pub(crate) fn admin(app: Arc<App>) -> Router {
    Router::new()
        .route("/metrics", get(metrics::scrape)) // Prometheus
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .with_state(app)
}

/// A route as the counters and the journal know it. A path of a request is never a label, since anybody can
/// invent paths.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Route {
    Page,
    PredictClassic,
    Predict,
    Model,
    OpenApi,
    Live,
    Ready,
    Metrics,
    Other,
}

impl Route {
    /// Every route.
    pub(crate) const ALL: [Self; 9] = [
        Self::Page,
        Self::PredictClassic,
        Self::Predict,
        Self::Model,
        Self::OpenApi,
        Self::Live,
        Self::Ready,
        Self::Metrics,
        Self::Other,
    ];

    /// The route's template; none of ours has a variable part.
    pub(crate) const fn template(self) -> &'static str {
        match self {
            Self::Page => "/",
            Self::PredictClassic => "/predict",
            Self::Predict => "/v1/predict",
            Self::Model => "/v1/model",
            Self::OpenApi => "/openapi.json",
            Self::Live => "/healthz",
            Self::Ready => "/readyz",
            Self::Metrics => "/metrics",
            Self::Other => "other",
        }
    }

    /// The route of a path.
    pub(crate) fn of(path: &str) -> Self {
        let known = Self::ALL.into_iter().find(|route| route.template() == path);
        known.unwrap_or(Self::Other)
    }

    /// The method that it takes; GET also as HEAD.
    pub(crate) const fn method(self) -> Method {
        match self {
            Self::PredictClassic | Self::Predict => Method::POST,
            _ => Method::GET,
        }
    }
}

async fn unknown(request: Request) -> Problem {
    let path = request.uri().path();
    let problem = Problem::new(
        StatusCode::NOT_FOUND,
        format!("there is nothing at `{}`", shown(path)),
    );
    if Route::of(path) == Route::Metrics {
        return problem.hint("the metrics are on the admin listener (--admin)");
    }
    let known = Route::ALL.into_iter().map(Route::template);
    match pm25_file::nearest(path, known) {
        Some(near) if near.starts_with('/') => problem.hint(format!("did you mean `{near}`?")),
        _ => problem.hint("GET / lists what there is"),
    }
}

async fn wrong_method(request: Request) -> Problem {
    let route = Route::of(request.uri().path());
    let (wanted, path) = (route.method(), route.template());
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("`{path}` takes {wanted}, not {}", request.method()),
    )
}
