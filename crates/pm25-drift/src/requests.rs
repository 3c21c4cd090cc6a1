//! Served requests as rows: one JSON object a line, input columns to numbers.
//!
//! ```text
//! {"pm10_ug_m3": 81.0, "o3_ug_m3": null, "hour": 7, "time": "2017-02-01T07:00:00+08:00"}
//! ```
//!
//! A number that is absent or null is missing; `time` is the row's stamp and may be absent; keys that the reference does
//! not have are ignored. A line that is no object, has a known key with something else than a number, an unreadable
//! time, or no known key at all is rejected and counted.

use std::collections::{BTreeMap, BTreeSet};

use pm25_air::civil::parse_rfc3339;
use pm25_artifact::drift::Role;
use pm25_file::{Fault, Input, Result};
use serde_json::{Map, Value};

use crate::role::{TIME, role};
use crate::rows::{Columns, Rows};
use crate::sniff;

/// Reads the requests; `known` are the reference's columns.
///
/// # Errors
/// When there is not a single request in it.
pub(crate) fn read(input: &Input, known: &BTreeSet<String>) -> Result<Rows> {
    let bytes = input.bytes()?;
    sniff::refuse_piped_table(input, &bytes)?;
    let mut requests = Requests::new(known);
    let lines = bytes
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.trim_ascii().is_empty());
    for line in lines {
        requests.take(line);
    }
    if requests.n_rows == 0 && 0 < requests.rejected {
        return Err(Fault::bad_data(format!(
            "{input}: none of its {} lines is a request with a column of the reference",
            requests.rejected
        ))
        .hint("give a table, or one JSON object per line, such as {\"pm10_ug_m3\": 81.0}"));
    }
    Ok(requests.into_rows(input, &bytes))
}

struct Requests {
    columns: BTreeMap<String, Vec<f64>>,
    /// Columns that some request has.
    seen: BTreeSet<String>,
    time_s: Vec<i64>,
    n_rows: usize,
    rejected: u64,
}

/// One line that is a request.
struct Request {
    values: BTreeMap<String, f64>,
    time_s: Option<i64>,
}

impl Requests {
    fn new(known: &BTreeSet<String>) -> Self {
        Self {
            columns: known
                .iter()
                .map(|name| (name.clone(), Vec::new()))
                .collect(),
            seen: BTreeSet::new(),
            time_s: Vec::new(),
            n_rows: 0,
            rejected: 0,
        }
    }

    fn take(&mut self, line: &[u8]) {
        let Some(request) = self.parse(line) else {
            self.rejected += 1;
            return;
        };
        for (name, values) in &mut self.columns {
            values.push(request.values.get(name).copied().unwrap_or(f64::NAN));
        }
        self.seen.extend(request.values.into_keys());
        self.time_s.extend(request.time_s);
        self.n_rows += 1;
    }

    fn parse(&self, line: &[u8]) -> Option<Request> {
        let object: Map<String, Value> = serde_json::from_slice(line).ok()?;
        let mut request = Request {
            values: BTreeMap::new(),
            time_s: None,
        };
        for (key, value) in object {
            if key == TIME && !value.is_null() {
                request.time_s = Some(parse_rfc3339(value.as_str()?).ok()?);
            } else if self.columns.contains_key(&key) {
                let value = if value.is_null() {
                    f64::NAN
                } else {
                    value.as_f64()?
                };
                request.values.insert(key, value);
            }
        }
        (!request.values.is_empty()).then_some(request)
    }

    /// An input that nobody sends any more is missing everywhere; a target or prediction that is not sent is not there.
    fn into_rows(mut self, input: &Input, bytes: &[u8]) -> Rows {
        let seen = &self.seen;
        self.columns
            .retain(|name, _| seen.contains(name) || role(name) == Some(Role::Input));
        let all_have_times = self.time_s.len() == self.n_rows && 0 < self.n_rows;
        let source = input.reference(bytes);
        let mut rows = Rows::new(Columns::Requests(self.columns), source, self.n_rows);
        rows.rejected_lines = self.rejected;
        rows.time_s = all_have_times.then_some(self.time_s);
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests(lines: &[&str]) -> Requests {
        let known = ["hour", "pm10_ug_m3", "target_ug_m3"].map(str::to_owned);
        let mut requests = Requests::new(&BTreeSet::from(known));
        for line in lines {
            requests.take(line.as_bytes());
        }
        requests
    }

    #[test]
    fn what_is_no_request_is_counted() {
        for line in [
            "pm10_ug_m3=3",
            "[1, 2]",
            "{}",
            r#"{"wind": 3}"#,
            r#"{"pm10_ug_m3": "3"}"#,
            r#"{"pm10_ug_m3": 1e999}"#,
            r#"{"pm10_ug_m3": 1, "time": "yesterday"}"#,
            r#"{"pm10_ug_m3": 1, "time": 7}"#,
            r#"{"pm10_ug_m3": [1]}"#,
            "{\"pm10_ug_m3\": \u{0}",
        ] {
            let got = requests(&[line]);
            assert_eq!((got.n_rows, got.rejected), (0, 1), "{line}");
        }
    }

    #[test]
    fn absent_and_null_are_missing() {
        let got = requests(&[
            r#"{"pm10_ug_m3": 3, "wind": "x"}"#,
            r#"{"hour": 4, "pm10_ug_m3": null}"#,
        ]);
        assert_eq!((got.n_rows, got.rejected), (2, 0));
        assert_eq!(got.columns["pm10_ug_m3"][0], 3.0);
        assert!(got.columns["pm10_ug_m3"][1].is_nan() && got.columns["hour"][0].is_nan());
        let rows = got.into_rows(&Input::Stdin, b"");
        assert_eq!(
            rows.names(),
            BTreeSet::from(["hour", "pm10_ug_m3"].map(str::to_owned))
        );
    }

    #[test]
    fn times_count_only_if_all_have_one() {
        let timed = r#"{"hour": 1, "time": "2017-02-01T00:00:00+08:00"}"#;
        let span = |lines: &[&str]| requests(lines).into_rows(&Input::Stdin, b"").span();
        assert_eq!(
            span(&[timed, timed]).first.as_deref(),
            Some("2017-01-31T16:00:00Z")
        );
        assert_eq!(span(&[timed, r#"{"hour": 1}"#]).first, None);
    }
}
