//! What went wrong with a request, as `application/problem+json` (RFC 9457).
//!
//! It never holds what the server knows and the client does not: no paths, no causes, no other requests.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use serde::Serialize;

/// How much of a text from a request is repeated in an answer.
const SHOWN_CHARS: usize = 80;

/// `Result` with a [`Problem`].
pub(crate) type Result<T> = std::result::Result<T, Problem>;

/// One refusal. Boxed, because the other case is the usual one.
#[derive(Debug)]
pub(crate) struct Problem(Box<Facts>);

#[derive(Debug, Serialize)]
struct Facts {
    /// RFC 9457: `about:blank` when the title is the status' own.
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    #[serde(serialize_with = "number")]
    status: StatusCode,
    detail: String,
    /// The field's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// Where it is in the document (RFC 6901).
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<[f32; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(skip)]
    header: Option<(header::HeaderName, HeaderValue)>,
    #[serde(skip)]
    reason: Option<Reason>,
}

/// Why the service failed: goes with the answer as far as the guard, and no further.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reason(pub(crate) &'static str);

impl Problem {
    /// A refusal with its reason.
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self(Box::new(Facts {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status,
            detail: detail.into(),
            field: None,
            pointer: None,
            unit: None,
            range: None,
            hint: None,
            header: None,
            reason: None,
        }))
    }

    /// 400: no JSON document.
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 422: a JSON document that does not say what it should.
    pub(crate) fn unusable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// 503: come again.
    pub(crate) fn busy(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
            .header(header::RETRY_AFTER, HeaderValue::from_static("1"))
    }

    /// 500: ours. The reason is for the journal alone.
    pub(crate) fn ours(reason: &'static str) -> Self {
        let mut problem = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the service failed; its log says why, under the request id in the header",
        );
        problem.0.reason = Some(Reason(reason));
        problem
    }

    /// Which field it is about.
    #[must_use]
    pub(crate) fn field(mut self, name: &str) -> Self {
        self.0.field = Some(shown(name));
        self
    }

    /// Where in the document.
    #[must_use]
    pub(crate) fn pointer(mut self, pointer: String) -> Self {
        self.0.pointer = Some(pointer);
        self
    }

    /// What the field is measured in.
    #[must_use]
    pub(crate) fn unit(mut self, unit: &str) -> Self {
        self.0.unit = Some(unit.to_owned());
        self
    }

    /// What the field may be.
    #[must_use]
    pub(crate) fn range(mut self, min: f32, max: f32) -> Self {
        self.0.range = Some([min, max]);
        self
    }

    /// What to send instead.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// One header of the answer.
    #[must_use]
    pub(crate) fn header(mut self, name: header::HeaderName, value: HeaderValue) -> Self {
        self.0.header = Some((name, value));
        self
    }

    /// The status.
    #[cfg(test)]
    pub(crate) fn status(&self) -> StatusCode {
        self.0.status
    }

    /// Everything that is sent.
    #[cfg(test)]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::to_value(&self.0).unwrap()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        // Strings, finite numbers and nothing else: always encodable.
        let body = serde_json::to_vec(&self.0).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.0.status;
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        if let Some(reason) = self.0.reason {
            response.extensions_mut().insert(reason);
        }
        if let Some((name, value)) = self.0.header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// The beginning of a text from a request.
pub(crate) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn number<S: serde::Serializer>(
    status: &StatusCode,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_what_it_knows_and_nothing_is_null() {
        let problem = Problem::unusable("too much").field("PM10").unit("µg/m³");
        let json = problem.range(-15.0, 10_000.0).json();
        let wanted = serde_json::json!({
            "type": "about:blank", "title": "Unprocessable Entity", "status": 422, "detail": "too much",
            "field": "PM10", "unit": "µg/m³", "range": [-15.0, 10_000.0],
        });
        assert_eq!(json, wanted);
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(shown("µg"), "µg");
        assert_eq!(shown(&"µ".repeat(10_000)).chars().count(), SHOWN_CHARS + 1);
    }
}
