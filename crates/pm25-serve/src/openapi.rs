//! `GET /openapi.json`: every route and answer, in OpenAPI 3.1. Written by hand and held against the routes by a test.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::Response;
use pm25_air::Quantity;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::describe::send;
use crate::example;
use crate::inputs::{Bound, Input};
use crate::predict::{EXCEED_FIELD, EXCEED_MAX_UG_M3, N_EXCEED_MAX, ObservationField, UNIT};
use crate::routes::Route;
use crate::served::{CLASSIC, Served};

/// `GET /openapi.json`
pub(crate) async fn show(State(app): State<Arc<App>>) -> Response<Body> {
    let document = app.current.model().documents.openapi.clone();
    send(document, "application/json")
}

/// The document, ready to be sent.
pub(crate) fn render(served: &Served) -> Vec<u8> {
    serde_json::to_vec_pretty(&document(served)).unwrap_or_default()
}

fn document(served: &Served) -> Value {
    let paths: Map<String, Value> = Route::ALL
        .into_iter()
        .filter(|&route| route != Route::Other)
        .map(|route| {
            let method = route.method().as_str().to_lowercase();
            (
                route.template().to_owned(),
                json!({method: operation(served, route)}),
            )
        })
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "PM2.5 predictions",
            "version": env!("CARGO_PKG_VERSION"),
            "description": format!(
                "Answers with the model {} (SHA-256 {}). All answers carry X-Request-Id, the client's own if it is \
                 [A-Za-z0-9-]{{1,64}}. Refusals are application/problem+json (RFC 9457).",
                served.origin.name, served.sha256
            ),
        },
        "servers": [{"url": served.origin.base_url}],
        "paths": paths,
        "components": {"schemas": schemas(served), "responses": {"Problem": problem_response()}},
    })
}

fn operation(served: &Served, route: Route) -> Value {
    let (id, summary) = about(route);
    let mut operation =
        json!({"operationId": id, "summary": summary, "responses": responses(route)});
    let body = match route {
        Route::PredictClassic => Some((
            "Classic",
            json!({"six fields": {"value": example::value(example::classic(served))}}),
        )),
        Route::Predict => Some((
            "Request",
            json!({
                "rows": {"value": example::value(Some(example::rows(served)))},
                "observations": {"value": example::value(example::observations(served))},
            }),
        )),
        _ => None,
    };
    if let Some((schema, examples)) = body {
        let content =
            json!({"application/json": {"schema": reference(schema), "examples": examples}});
        operation["requestBody"] = json!({"required": true, "content": content});
    }
    if route == Route::Metrics {
        operation["description"] = "On the admin listener (--admin), not on this server.".into();
    }
    operation
}

fn about(route: Route) -> (&'static str, &'static str) {
    match route {
        Route::Page => ("page", "Who this is, for people"),
        Route::PredictClassic => (
            "predictClassic",
            "PM2.5 of an hour from six measurements of it",
        ),
        Route::Predict => (
            "predict",
            "PM2.5 from rows of inputs, or from a station's newest observations",
        ),
        Route::Model => ("model", "The model and its inputs"),
        Route::OpenApi => ("openapi", "This document"),
        Route::Live => ("live", "Whether the service is alive"),
        Route::Ready => ("ready", "Whether the service should be asked"),
        Route::Metrics => ("metrics", "Counters for Prometheus"),
        Route::Other => ("other", "Anything else"),
    }
}

fn responses(route: Route) -> Value {
    let ok = match route {
        Route::Page => content("text/html", json!({"type": "string"})),
        Route::Metrics => content("text/plain", json!({"type": "string"})),
        Route::PredictClassic => content("application/json", reference("ClassicAnswer")),
        Route::Predict => content("application/json", reference("Answer")),
        _ => content("application/json", json!({"type": "object"})),
    };
    let mut responses = json!({"200": ok});
    let refusals: &[u16] = match route {
        Route::PredictClassic | Route::Predict => {
            &[400, 403, 405, 408, 409, 413, 415, 421, 422, 500, 503, 504]
        }
        Route::Ready => &[403, 405, 421, 503],
        _ => &[403, 405, 421],
    };
    for status in refusals {
        responses[status.to_string()] = json!({"$ref": "#/components/responses/Problem"});
    }
    responses
}

fn content(kind: &str, schema: Value) -> Value {
    json!({"description": "The answer", "content": {kind: {"schema": schema}}})
}

fn problem_response() -> Value {
    json!({"description": "A refusal", "content": {"application/problem+json": {"schema": reference("Problem")}}})
}

fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

fn schemas(served: &Served) -> Value {
    json!({
        "Classic": classic(served),
        "ClassicAnswer": object(&[
            ("PM25_prediction", json!({"type": "number", "description": UNIT})),
            ("model_used", json!({"type": "string"})),
            ("model_sha256", json!({"type": "string"})),
            ("unit", json!({"const": UNIT})),
        ]),
        "Request": {"oneOf": [reference("Rows"), reference("Observations")]},
        "Rows": rows(served),
        "Observations": observations(),
        "Answer": object(&[
            ("predictions", list(prediction())),
            ("model_used", json!({"type": "string"})),
            ("model_sha256", json!({"type": "string"})),
            ("unit", json!({"const": UNIT})),
        ]),
        "Problem": problem(),
    })
}

/// All fields are required, and no others are known.
fn object(fields: &[(&str, Value)]) -> Value {
    let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    let properties: Map<String, Value> = fields
        .iter()
        .map(|(name, field)| ((*name).to_owned(), field.clone()))
        .collect();
    json!({"type": "object", "properties": properties, "required": names, "additionalProperties": false})
}

fn list(items: Value) -> Value {
    json!({"type": "array", "items": items, "minItems": 1, "maxItems": 10_000})
}

fn classic(served: &Served) -> Value {
    let fields: Vec<(&str, Value)> = CLASSIC
        .iter()
        .map(|(name, column)| {
            let input = served.inputs.iter().find(|input| input.column == *column);
            (
                *name,
                input.map_or_else(
                    || json!({"type": "number"}),
                    |input| number(input.bound, &input.unit),
                ),
            )
        })
        .collect();
    object(&fields)
}

fn rows(served: &Served) -> Value {
    let mut rows = object(&[
        ("rows", list(row(&served.inputs))),
        (EXCEED_FIELD, exceed()),
    ]);
    rows["required"] = json!(["rows"]);
    rows
}

/// Wanted with each prediction.
fn exceed() -> Value {
    let threshold = json!({"type": "number", "exclusiveMinimum": 0, "maximum": EXCEED_MAX_UG_M3, "description": UNIT});
    let mut exceed = list(threshold);
    exceed["minItems"] = 0.into();
    exceed["maxItems"] = N_EXCEED_MAX.into();
    exceed["description"] = "Thresholds: each prediction then says how likely the truth is above each, and whether to \
                             warn, where the model has a line for it. For a model that knows its errors."
        .into();
    exceed
}

fn row(inputs: &[Input]) -> Value {
    let fields: Vec<(&str, Value)> = inputs
        .iter()
        .map(|input| {
            (
                input.column.as_str(),
                or_null(number(input.bound, &input.unit)),
            )
        })
        .collect();
    let mut row = object(&fields);
    row["properties"]["station"] = json!({"type": "string", "maxLength": 256});
    row["properties"]["time"] = time("Start of the row's hour");
    row["properties"]["persistence_ug_m3"] = or_null(number(
        Some(Bound::of(Quantity::Pm25)),
        Quantity::Pm25.unit(),
    ));
    row
}

fn observations() -> Value {
    let mut hour: Vec<(&str, Value)> = vec![("time", time("Start of the hour"))];
    for quantity in Quantity::ALL {
        hour.push((
            quantity.short(),
            or_null(number(Some(Bound::of(quantity)), quantity.unit())),
        ));
    }
    let mut hour = object(&hour);
    hour["required"] = json!(["time"]);
    let fields = ObservationField::ALL.map(|field| {
        let schema = match field {
            ObservationField::Station => json!({"type": "string", "minLength": 1, "maxLength": 256}),
            ObservationField::UtcOffsetMin => json!({
                "type": "integer", "minimum": -720, "maximum": 840,
                "description": "Minutes that the station's standard time is ahead of UTC; may be left out for a station \
                                that the model knows",
            }),
            ObservationField::Observations => list(hour.clone()),
            ObservationField::At => time("The hour of the row; the newest observation unless it is given"),
            ObservationField::Others => others(&hour),
        };
        (field.name(), schema)
    });
    let fields = [&fields[..], &[(EXCEED_FIELD, exceed())]].concat();
    let mut request = object(&fields);
    request["required"] = json!([
        ObservationField::Station.name(),
        ObservationField::Observations.name()
    ]);
    request
}

/// A must only for a model that looks at them.
fn others(hour: &Value) -> Value {
    let mut others = list(object(&[
        (
            "station",
            json!({"type": "string", "minLength": 1, "maxLength": 256}),
        ),
        ("observations", list(hour.clone())),
    ]));
    others["minItems"] = 0.into();
    others["description"] = "The newest hours of other stations, for a model whose inputs look at neighbours \
                             (`others_mean(..)`), which is not asked without them. At most 10,000 hours in all."
        .into();
    others
}

fn prediction() -> Value {
    let mut prediction = object(&[
        ("station", json!({"type": "string"})),
        ("time", time("Start of the row's hour")),
        ("horizon_h", json!({"type": "integer"})),
        (
            "predicted_hour",
            time("Start of the hour that is predicted"),
        ),
        (
            "prediction_ug_m3",
            json!({"type": "number", "description": UNIT}),
        ),
        (
            "lower_90_ug_m3",
            json!({"type": "number", "description": "Lower end of the 90 % interval, where the model has one"}),
        ),
        (
            "upper_90_ug_m3",
            json!({"type": "number", "description": "Its upper end"}),
        ),
        (
            "above",
            json!({
                "type": "array",
                "description": "The thresholds that were asked for, in that order",
                "items": {
                    "type": "object",
                    "properties": {
                        "threshold_ug_m3": {"type": "number"}, "probability": {"type": "number"},
                        "warning": {"type": "boolean", "description": "Where the model has a line for this threshold"},
                    },
                    "required": ["threshold_ug_m3", "probability"],
                },
            }),
        ),
        (
            "warning",
            json!({"type": "string", "description": "Why nobody should rely on this prediction"}),
        ),
        ("scales", scales()),
    ]);
    prediction["required"] = json!(["horizon_h", "prediction_ug_m3"]);
    prediction
}

fn scales() -> Value {
    let band = json!({
        "type": "object",
        "properties": {"band": {"type": "string"}, "probability": {"type": "number"}},
        "required": ["band", "probability"],
    });
    json!({
        "type": "object",
        "description": "For the mean of the next 24 hours: its band, and its index where there is one, on each 24-hour scale \
                        (us, india, china, who); and how likely each band is, from the cleanest on, where the model knows \
                        its errors",
        "additionalProperties": {
            "type": "object",
            "properties": {
                "band": {"type": "string"}, "index": {"type": "integer"}, "bands": {"type": "array", "items": band},
            },
            "required": ["band"],
        },
    })
}

fn problem() -> Value {
    let mut problem = object(&[
        ("type", json!({"type": "string"})),
        ("title", json!({"type": "string"})),
        ("status", json!({"type": "integer"})),
        ("detail", json!({"type": "string"})),
        ("field", json!({"type": "string"})),
        (
            "pointer",
            json!({"type": "string", "description": "RFC 6901"}),
        ),
        ("unit", json!({"type": "string"})),
        (
            "range",
            json!({"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}),
        ),
        ("hint", json!({"type": "string"})),
    ]);
    problem["required"] = json!(["type", "title", "status", "detail"]);
    problem
}

fn number(bound: Option<Bound>, unit: &str) -> Value {
    let Some(bound) = bound else {
        return json!({"type": "number", "description": unit});
    };
    let (min, max) = bound.range();
    let kind = if bound.is_whole() {
        "integer"
    } else {
        "number"
    };
    json!({"type": kind, "minimum": example::number(min), "maximum": example::number(max), "description": unit})
}

fn or_null(mut number: Value) -> Value {
    let kind = number["type"].take();
    number["type"] = json!([kind, "null"]);
    number
}

fn time(what: &str) -> Value {
    json!({"type": "string", "format": "date-time", "description": what})
}
