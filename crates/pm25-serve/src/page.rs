//! `GET /`: who this is and how to ask it, for people. No script, nothing from elsewhere.

use std::fmt::Write;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Response, header};

use crate::app::App;
use crate::describe::send;
use crate::example;
use crate::inputs::Input;
use crate::routes::Route;
use crate::served::Served;

const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";
const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b2733}\
h1{margin-bottom:0}h2{margin-top:2rem}code,pre{font-family:ui-monospace,monospace;font-size:.9em}\
pre{background:#f2f5f7;padding:1rem;overflow-x:auto;border-radius:.4rem}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #dbe2e8}.hash{overflow-wrap:anywhere}\
@media(prefers-color-scheme:dark){body{background:#12181d;color:#dbe2e8}pre{background:#1c252c}th,td{border-color:#33414c}\
a{color:#7db8e8}}";

/// `GET /`
pub(crate) async fn show(State(app): State<Arc<App>>) -> Response<Body> {
    let page = app.current.model().documents.page.clone();
    let mut response = send(page, "text/html; charset=utf-8");
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    response
}

/// The page, ready to be sent.
pub(crate) fn render(served: &Served) -> String {
    let name = escaped(&served.origin.name);
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>PM2.5 by {name}</title>\
         <style>{STYLE}</style></head><body>\n"
    );
    page += &who(served);
    page += &how(served);
    page += &inputs(&served.inputs);
    page += &routes();
    page + "</body></html>\n"
}

fn who(served: &Served) -> String {
    let name = escaped(&served.origin.name);
    let version = served
        .origin
        .version
        .map_or_else(String::new, |version| format!(", version {version}"));
    let (kind, task, sha256) = (served.kind(), served.question(), &served.sha256);
    let n_stations = served.model().stations().len();
    format!(
        "<h1>PM2.5 predictions</h1>\n<p>Model <b>{name}</b>{version}: a {kind} model for a {task}, trained on {n_stations} \
         stations. Its answers are hourly means of PM2.5 in µg/m³.</p>\n\
         <p class=\"hash\">SHA-256 <code>{sha256}</code></p>\n"
    )
}

fn how(served: &Served) -> String {
    let mut text = "<h2>Ask it</h2>\n".to_owned();
    if let Some(body) = example::classic(served) {
        text += "<p>With six measurements of one hour. CO is in mg/m³; hour, weekday (Monday is 0) and month are local \
                 standard time.</p>\n";
        text += &curl(served, Route::PredictClassic, &body);
    }
    if let Some(body) = example::observations(served) {
        text += "<p>With a station's newest hours, from which the inputs are computed as in training. Each <code>time</code> \
                 is the start of an hour. The more hours back, the more inputs are known.</p>\n";
        text += &curl(served, Route::Predict, &body);
    }
    text += "<p>With rows of the model's own inputs, up to 10,000 at once; <code>null</code> is what was not measured.</p>\n";
    text += &curl(served, Route::Predict, &example::rows(served));
    if served.knows_errors() {
        text += "<p>Both may say <code>\"exceed_ug_m3\": [75, 150]</code>: how likely the air is worse than these.</p>\n";
    }
    text
}

fn curl(served: &Served, route: Route, body: &str) -> String {
    let (base_url, path) = (&served.origin.base_url, route.template());
    let command = format!(
        "curl {base_url}{path} -H 'Content-Type: application/json' -d '{}'",
        quoted(body)
    );
    format!("<pre>{}</pre>\n", escaped(&command))
}

/// For a shell's single quotes.
fn quoted(text: &str) -> String {
    text.replace('\'', "'\\''")
}

fn inputs(inputs: &[Input]) -> String {
    let mut text = "<h2>What it wants to know</h2>\n<table><tr><th>Input</th><th>Meaning</th><th>Unit</th><th>Possible</th></tr>\n".to_owned();
    for Input {
        column,
        expression,
        unit,
        bound,
        ..
    } in inputs
    {
        let possible = bound.map_or_else(String::new, |bound| {
            let (min, max) = bound.range();
            let whole = if bound.is_whole() { ", whole" } else { "" };
            format!("{min} to {max}{whole}")
        });
        let [column, expression, unit] = [column, expression, unit].map(|text| escaped(text));
        put(
            &mut text,
            format_args!(
                "<tr><td><code>{column}</code></td><td><code>{expression}</code></td><td>{unit}</td><td>{possible}</td></tr>\n"
            ),
        );
    }
    text + "</table>\n"
}

fn routes() -> String {
    let mut text = "<h2>What else there is</h2>\n<ul>\n".to_owned();
    for (route, what) in [
        (Route::Model, "the model and its inputs, for programs"),
        (
            Route::OpenApi,
            "every route and answer, for client generators",
        ),
        (Route::Live, "whether it is alive"),
        (Route::Ready, "whether it should be asked"),
    ] {
        let path = route.template();
        put(
            &mut text,
            format_args!("<li><a href=\"{path}\"><code>{path}</code></a>: {what}</li>\n"),
        );
    }
    text + "</ul>\n<p>Metrics are on the operator's own address (<code>--admin</code>).</p>\n"
}

fn put(text: &mut String, more: std::fmt::Arguments) {
    // Writing into a String cannot fail.
    let _ = text.write_fmt(more);
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_become_markup_or_a_command() {
        assert_eq!(
            escaped("<a href='x'>&\""),
            "&lt;a href=&#39;x&#39;&gt;&amp;&quot;"
        );
        assert_eq!(quoted("a'b"), "a'\\''b");
    }
}
