//! What every request passes before its route and every answer after it.
//!
//! ```text
//! hyper: head within its limits ─ version, target, host, method, encoding ─ route (a panic ends here) ─ headers,
//!                                                                                      counters, journal
//! ```

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use axum::body::{Body, HttpBody};
use axum::http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version, header};
use axum::response::IntoResponse;
use axum::{BoxError, Router};
use bytes::Bytes;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;

use crate::app::App;
use crate::hosts::Hosts;
use crate::journal::Line;
use crate::problem::{Problem, Reason, Result};
use crate::request_id::RequestId;
use crate::routes::Route;
use crate::stream::LengthSaid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// One listener's way in.
pub(crate) struct Door {
    pub(crate) app: Arc<App>,
    router: TowerToHyperService<Router>,
    hosts: Hosts,
}

/// What a route tells the journal.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    /// Predictions made.
    pub(crate) n_rows: usize,
    /// The model's first hex digits.
    pub(crate) model: String,
}

/// How a request says where its body ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Framing {
    /// In one way, or there is none.
    Clear,
    /// By its length and by chunks, which may not agree.
    Ambiguous,
}

impl Framing {
    /// Of a request, from a stream on which a length may have been said.
    pub(crate) fn of<B>(request: &Request<B>, length_said: &LengthSaid) -> Self {
        let is_said = length_said.take();
        if is_said && request.headers().contains_key(header::TRANSFER_ENCODING) {
            return Self::Ambiguous;
        }
        Self::Clear
    }
}

impl Door {
    /// A way in to these routes for these hosts.
    pub(crate) fn new(app: Arc<App>, router: Router, hosts: Hosts) -> Self {
        Self {
            app,
            router: TowerToHyperService::new(router),
            hosts,
        }
    }

    /// Answers a request.
    pub(crate) async fn answer<B>(&self, request: Request<B>, framing: Framing) -> Response<Body>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let begun = Instant::now();
        let _in_flight = self.app.metrics.enter();
        let id = RequestId::of(request.headers().get(&REQUEST_ID));
        let route = Route::of(request.uri().path());
        let method = request.method().clone();
        let mut response = match self.check(&request, framing) {
            Ok(()) => self.route(request).await,
            Err(problem) => problem.into_response(),
        };
        dress(&mut response, &id);
        let (status, taken) = (response.status(), begun.elapsed());
        self.app.metrics.answered(&method, route, status, taken);
        if let Some(Reason(reason)) = response.extensions_mut().remove::<Reason>() {
            let id = id.as_str();
            self.app.journal.warn(format!("{reason}; request {id}"));
        }
        let said = response.extensions_mut().remove::<Said>();
        let line = Line {
            method,
            route,
            status,
            taken,
            said,
            id,
        };
        self.app.journal.request(line);
        response
    }

    async fn route<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        match caught(self.router.call(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(Panicked) => {
                self.app.metrics.panicked();
                Problem::ours("a bug in this program").into_response()
            }
        }
    }

    fn check<B>(&self, request: &Request<B>, framing: Framing) -> Result<()> {
        if framing == Framing::Ambiguous {
            return Err(Problem::malformed(
                "a request says its Content-Length or comes in chunks, not both",
            )
            .header(header::CONNECTION, HeaderValue::from_static("close")));
        }
        if request.version() != Version::HTTP_11 {
            return Err(Problem::new(
                StatusCode::HTTP_VERSION_NOT_SUPPORTED,
                "this service speaks HTTP/1.1 only",
            )
            .hint("behind nginx, set `proxy_http_version 1.1`"));
        }
        let target = request
            .uri()
            .path_and_query()
            .map_or(0, |target| target.as_str().len());
        let bytes_max = self.app.limits.uri_bytes_max;
        if bytes_max < target {
            let detail = format!("a request's target may have at most {bytes_max} bytes");
            return Err(Problem::new(StatusCode::URI_TOO_LONG, detail));
        }
        self.hosts.check(request.uri(), request.headers())?;
        if ![Method::GET, Method::HEAD, Method::POST].contains(request.method()) {
            let detail = "this service knows GET, HEAD and POST";
            return Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
                .header(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST")));
        }
        check_encoding(request.headers().get(header::CONTENT_ENCODING))
    }
}

/// The headers that every answer has.
fn dress(response: &mut Response<Body>, id: &RequestId) {
    let headers = response.headers_mut();
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        headers.insert(REQUEST_ID, id);
    }
    let no_store = HeaderValue::from_static("no-store");
    headers.entry(header::CACHE_CONTROL).or_insert(no_store);
}

/// What is compressed may be a thousand times larger than it looks.
fn check_encoding(encoding: Option<&HeaderValue>) -> Result<()> {
    match encoding {
        None => Ok(()),
        Some(encoding) if encoding == "identity" => Ok(()),
        Some(_) => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "compressed bodies are not taken: send the document as it is, without Content-Encoding",
        )),
    }
}

struct Panicked;

/// Turns a panic into an error: it ends one request and no other. The message is told by the panic hook.
async fn caught<T>(
    future: impl Future<Output = std::result::Result<T, Infallible>>,
) -> std::result::Result<std::result::Result<T, Infallible>, Panicked> {
    let mut future = pin!(future);
    poll_fn(
        |context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(poll) => poll.map(Ok),
            Err(_) => Poll::Ready(Err(Panicked)),
        },
    )
    .await
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use pm25_artifact::model::{Climatology, Model, ModelKind};
    use pm25_artifact::prep::TaskFact;
    use pm25_file::{Header, Sha256, program};
    use pm25_learn::Linear;

    use super::*;
    use crate::journal::{Journal, Style};
    use crate::limits::Limits;
    use crate::served::{Origin, Served};

    /// A model without inputs.
    fn model(intercept: f64) -> Model {
        let (station, month, hour) = Default::default();
        Model {
            header: Header::new(&program!()),
            kind: ModelKind::Linear,
            task: TaskFact::Nowcast,
            inputs: Vec::new(),
            stations: Vec::new(),
            climatology: Climatology {
                overall: 1.0,
                station,
                month,
                hour,
            },
            linear: Linear {
                intercept,
                terms: Vec::new(),
            },
            trees: None,
            blend: None,
            intervals: None,
            online: None,
            warning_lines: Vec::new(),
            spread: None,
            profile: None,
        }
    }

    fn served(intercept: f64) -> pm25_file::Result<Served> {
        let (name, base_url) = ("m".to_owned(), String::new());
        let origin = Origin {
            name,
            version: None,
            sha256: Sha256::ZERO,
            base_url,
        };
        Served::new(model(intercept).into(), origin)
    }

    async fn bug() -> &'static str {
        std::panic::resume_unwind(Box::new("on purpose"))
    }

    /// A door to routes that do what no route of ours should.
    fn door() -> Door {
        let journal = Journal::start(Style::Quiet).unwrap();
        let app = Arc::new(App::new(Limits::USUAL, served(1.0).unwrap(), journal));
        let router = Router::new()
            .route("/bug", get(bug))
            .route("/fine", get(|| async { "fine" }));
        Door::new(
            app,
            router,
            Hosts::new("127.0.0.1:80".parse().unwrap(), &[]),
        )
    }

    fn ask(door: &Door, path: &str) -> StatusCode {
        let request = Request::get(path).header(header::HOST, "localhost");
        let request = request.body(Body::empty()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime
            .block_on(door.answer(request, Framing::Clear))
            .status()
    }

    #[test]
    fn a_bug_ends_one_request_and_no_other() {
        let door = door();
        for _ in 0..3 {
            assert_eq!(ask(&door, "/bug"), StatusCode::INTERNAL_SERVER_ERROR);
            assert_eq!(ask(&door, "/fine"), StatusCode::OK);
        }
        let text = door.app.metrics.exposition(&door.app);
        assert!(text.contains("pm25_serve_panics_total 3\n"), "{text}");
        assert!(text.contains("http_requests_in_flight 0\n"), "{text}");
    }

    #[test]
    fn a_request_without_a_host_reaches_no_route() {
        let door = door();
        let request = Request::get("/fine").body(Body::empty()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let answer = runtime.block_on(door.answer(request, Framing::Clear));
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    }

    #[test]
    fn a_model_without_finite_answers_is_not_served() {
        assert!(served(f64::NAN).is_err());
        assert!(served(f64::INFINITY).is_err());
    }
}
