//! Requests that work, for the page and the OpenAPI document: as a person would write them, fields in their order.

use pm25_air::Quantity;
use pm25_air::feature::Signal;
use serde_json::Value;

use crate::inputs::typical_quantity;
use crate::served::{CLASSIC, Served};

/// The original's six fields.
pub(crate) fn classic(served: &Served) -> Option<String> {
    let places = served.classic?;
    let fields = CLASSIC.iter().zip(places);
    let fields = fields.map(|((name, _), place)| (*name, served.inputs[place].typical.to_string()));
    Some(object(fields))
}

/// One row of input columns.
pub(crate) fn rows(served: &Served) -> String {
    let fields = served
        .inputs
        .iter()
        .map(|input| (input.column.as_str(), input.typical.to_string()));
    format!("{{\"rows\":[\n {}\n]}}", object(fields))
}

/// Two hours of a station, with what the model can make use of.
pub(crate) fn observations(served: &Served) -> Option<String> {
    let set = served.features.as_ref()?;
    let signals: Vec<Signal> = set
        .features()
        .iter()
        .flat_map(|feature| feature.own_signals())
        .collect();
    let is_used = |quantity: &Quantity| match quantity {
        Quantity::WindSpeed | Quantity::WindDir => {
            let winds = [Signal::WindU, Signal::WindV, Signal::Measured(*quantity)];
            signals.iter().any(|signal| winds.contains(signal))
        }
        _ => signals.contains(&Signal::Measured(*quantity)),
    };
    let used: Vec<Quantity> = Quantity::ALL.into_iter().filter(is_used).collect();
    let hour = |time: &str| {
        let values = used
            .iter()
            .map(|&q| (q.short(), typical_quantity(q).to_string()));
        object([("time", quoted(time))].into_iter().chain(values))
    };
    let (name, utc_offset_min) = match served.model().stations().first() {
        Some(station) => (station.name.as_str(), station.utc_offset_min),
        None => ("Example", 0),
    };
    let name = quoted(name);
    let hours = [hour("2024-11-06T05:00:00Z"), hour("2024-11-06T06:00:00Z")].join(",\n ");
    let others = match served.model().looks_at_others() {
        true => {
            format!(",\"others\":[\n {{\"station\":\"A neighbour\",\"observations\":[{hours}]}}\n]")
        }
        false => String::new(),
    };
    Some(format!(
        "{{\"station\":{name},\"utc_offset_min\":{utc_offset_min},\"observations\":[\n {hours}\n]{others}}}"
    ))
}

/// The same as a value.
pub(crate) fn value(example: Option<String>) -> Value {
    example
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or(Value::Null)
}

/// A number as its shortest decimal, without the digits that an f32 has as an f64.
pub(crate) fn number(value: f32) -> Value {
    serde_json::from_str(&value.to_string()).unwrap_or(Value::Null)
}

fn object<'a>(fields: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let fields = fields
        .into_iter()
        .map(|(name, value)| format!("{}:{value}", quoted(name)));
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
