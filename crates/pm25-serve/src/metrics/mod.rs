//! What the service counts, for Prometheus.
//!
//! Every series exists from the beginning or comes from a fixed table of methods, routes and statuses, so no request
//! can make one. Counting is an addition to an atomic number: no lock, and never a number that falls.

mod exposition;
mod histogram;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Method, Response, StatusCode, header};

use crate::app::App;
use crate::routes::Route;
use exposition::Exposition;
use histogram::Histogram;

/// Methods that have a label of their own.
const METHODS: [&str; 4] = ["GET", "HEAD", "POST", "other"];
/// Statuses that the service gives; the last cell is for any other.
const CODES: [u16; 17] = [
    200, 400, 403, 404, 405, 408, 409, 413, 414, 415, 421, 422, 431, 500, 503, 504, 505,
];
const N_ROUTES: usize = Route::ALL.len();
/// Seconds; from a twentieth of what a request takes to half of its time limit.
const DURATION_BOUNDS_S: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
];
/// µg/m³; the steps of clean air, guideline, haze and smoke.
const PREDICTION_BOUNDS_UG_M3: [f64; 11] = [
    5.0, 10.0, 15.0, 25.0, 35.0, 50.0, 75.0, 100.0, 150.0, 250.0, 500.0,
];

type PerCode = [AtomicU64; CODES.len() + 1];

/// All counters.
#[derive(Default)]
pub(crate) struct Metrics {
    requests: [[PerCode; N_ROUTES]; METHODS.len()],
    durations_s: [Histogram<{ DURATION_BOUNDS_S.len() }>; N_ROUTES],
    predictions_ug_m3: Histogram<{ PREDICTION_BOUNDS_UG_M3.len() }>,
    in_flight: AtomicU64,
    connections: AtomicU64,
    shed: AtomicU64,
    panics: AtomicU64,
    refused: AtomicU64,
    broken: AtomicU64,
    accept_failures: AtomicU64,
    reloads: AtomicU64,
    reload_failures: AtomicU64,
}

/// Something that is going on; it ends when this is dropped.
pub(crate) struct Entered<'a>(&'a AtomicU64);

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Metrics {
    /// A request began.
    pub(crate) fn enter(&self) -> Entered<'_> {
        entered(&self.in_flight)
    }

    /// A connection was opened.
    pub(crate) fn connect(&self) -> Entered<'_> {
        entered(&self.connections)
    }

    /// A request was answered.
    pub(crate) fn answered(
        &self,
        method: &Method,
        route: Route,
        status: StatusCode,
        taken: Duration,
    ) {
        let method_idx = METHODS.iter().position(|known| *known == method.as_str());
        let code_idx = CODES.iter().position(|&known| known == status.as_u16());
        let cells = &self.requests[method_idx.unwrap_or(METHODS.len() - 1)][route as usize];
        one_more(&cells[code_idx.unwrap_or(CODES.len())]);
        self.durations_s[route as usize].add(&DURATION_BOUNDS_S, taken.as_secs_f64());
    }

    /// Predictions were made, µg/m³.
    pub(crate) fn predicted(&self, predictions: &[f64]) {
        self.predictions_ug_m3
            .add_all(&PREDICTION_BOUNDS_UG_M3, predictions);
    }

    /// A prediction was refused because too many were in work.
    pub(crate) fn shed(&self) {
        one_more(&self.shed);
    }

    /// A request ended in a panic.
    pub(crate) fn panicked(&self) {
        one_more(&self.panics);
    }

    /// A connection was refused because too many were open.
    pub(crate) fn refused(&self) {
        one_more(&self.refused);
    }

    /// A connection ended otherwise than both sides wanted: a head that was too long, too slow or no HTTP.
    pub(crate) fn broke(&self) {
        one_more(&self.broken);
    }

    /// A connection could not be accepted for want of something.
    pub(crate) fn accept_failed(&self) {
        one_more(&self.accept_failures);
    }

    /// Another model was put in place.
    pub(crate) fn reloaded(&self) {
        one_more(&self.reloads);
    }

    /// Another model should have been put in place and could not.
    pub(crate) fn reload_failed(&self) {
        one_more(&self.reload_failures);
    }

    /// Everything in the text format of Prometheus, version 0.0.4.
    pub(crate) fn exposition(&self, app: &App) -> String {
        let mut out = Exposition::default();
        self.identity(app, &mut out);
        self.http(&mut out);
        self.work(&mut out);
        self.model(&mut out);
        out.text()
    }

    fn identity(&self, app: &App, out: &mut Exposition) {
        out.head(
            "pm25_serve_build_info",
            "gauge",
            "Which pm25-serve this is.",
        );
        out.sample(
            "pm25_serve_build_info",
            &[("version", env!("CARGO_PKG_VERSION"))],
            1,
        );
        let served = app.current.model();
        let version = served
            .origin
            .version
            .map_or_else(|| "none".to_owned(), |version| version.to_string());
        out.head("pm25_model_info", "gauge", "Which model answers.");
        let labels = [
            ("name", &*served.origin.name),
            ("version", &*version),
            ("kind", served.kind()),
            ("sha256", &*served.sha256),
        ];
        out.sample("pm25_model_info", &labels, 1);
    }

    fn http(&self, out: &mut Exposition) {
        const REQUESTS: &str = "http_requests_total";
        out.head(
            REQUESTS,
            "counter",
            "Requests answered, by method, route template and status.",
        );
        for (method, routes) in METHODS.iter().zip(&self.requests) {
            for (route, cells) in Route::ALL.iter().zip(routes) {
                for (code_idx, cell) in cells.iter().enumerate() {
                    let n = cell.load(Ordering::Relaxed);
                    if 0 < n {
                        let code = CODES
                            .get(code_idx)
                            .map_or_else(|| "other".to_owned(), u16::to_string);
                        let labels = [
                            ("method", *method),
                            ("route", route.template()),
                            ("code", &*code),
                        ];
                        out.sample(REQUESTS, &labels, n);
                    }
                }
            }
        }
        const DURATION: &str = "http_request_duration_seconds";
        out.head(
            DURATION,
            "histogram",
            "Time from a request's head to its answer, by route template.",
        );
        for (route, histogram) in Route::ALL.iter().zip(&self.durations_s) {
            histogram.write(
                out,
                DURATION,
                Some(("route", route.template())),
                &DURATION_BOUNDS_S,
            );
        }
        out.gauge(
            "http_requests_in_flight",
            "Requests that are being answered.",
            &self.in_flight,
        );
        out.gauge(
            "pm25_serve_connections",
            "Open connections, both listeners.",
            &self.connections,
        );
        let help = "Connections refused because too many were open.";
        out.counter("pm25_serve_connections_refused_total", help, &self.refused);
        let help =
            "Connections that ended in an error: head too long or too slow, no HTTP, client gone.";
        out.counter("pm25_serve_connections_broken_total", help, &self.broken);
        let help = "Failures to accept a connection, for example for want of file descriptors.";
        out.counter(
            "pm25_serve_accept_failures_total",
            help,
            &self.accept_failures,
        );
    }

    fn work(&self, out: &mut Exposition) {
        out.head("pm25_predictions_total", "counter", "Rows predicted.");
        out.sample(
            "pm25_predictions_total",
            &[],
            self.predictions_ug_m3.count(),
        );
        const PREDICTION: &str = "pm25_prediction_ug_m3";
        out.head(PREDICTION, "histogram", "Predicted PM2.5, µg/m³.");
        self.predictions_ug_m3
            .write(out, PREDICTION, None, &PREDICTION_BOUNDS_UG_M3);
        let help = "Predictions refused because too many were in work.";
        out.counter("pm25_serve_predictions_shed_total", help, &self.shed);
        out.counter(
            "pm25_serve_panics_total",
            "Requests that ended in a bug of the service.",
            &self.panics,
        );
    }

    fn model(&self, out: &mut Exposition) {
        out.counter(
            "pm25_model_reloads_total",
            "Models put in place of another.",
            &self.reloads,
        );
        let help = "Attempts to take the registry's model that failed; the old one stayed.";
        out.counter(
            "pm25_model_reload_failures_total",
            help,
            &self.reload_failures,
        );
    }
}

fn entered(level: &AtomicU64) -> Entered<'_> {
    level.fetch_add(1, Ordering::Relaxed);
    Entered(level)
}

fn one_more(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// `GET /metrics`
pub(crate) async fn scrape(State(app): State<Arc<App>>) -> Response<Body> {
    let mut response = Response::new(Body::from(app.metrics.exposition(&app)));
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
