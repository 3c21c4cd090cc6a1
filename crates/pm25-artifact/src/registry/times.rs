//! When the entries of a log were made, for people. It is no evidence: a clock can be wrong, the file may
//! be missing or torn, and nothing is ever decided on it.
//!
//! ```text
//! models/pm25/times.jsonl    {"number":1,"at":"2026-11-23T08:41:05Z"}
//! ```

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use pm25_file::{Fault, Result, append_line};
use serde::{Deserialize, Serialize};

use super::{Name, Registry, folder};

const FILE: &str = "times.jsonl";

#[derive(Deserialize, Serialize)]
struct Line {
    number: u32,
    at: String,
}

impl Registry {
    /// When each entry was made, as far as it is known: number → UTC time. The first word on a number counts.
    pub fn times(&self, name: &Name) -> BTreeMap<u32, String> {
        let bytes = folder::read(&self.root, &["models", name.as_str(), FILE])
            .ok()
            .flatten()
            .unwrap_or_default();
        let mut times = BTreeMap::new();
        for line in bytes.split(|&byte| byte == b'\n') {
            if let Ok(line) = serde_json::from_slice::<Line>(line)
                && is_time(&line.at)
            {
                times.entry(line.number).or_insert(line.at);
            }
        }
        times
    }
}

/// Adds a line. A torn last line is closed first, so that it spoils nothing but itself.
pub(super) fn note(registry: &Registry, name: &Name, number: u32) -> Result<()> {
    let parts = ["models", name.as_str(), FILE];
    // Refuses a link or a pipe in its place.
    folder::open(&registry.root, &parts)?;
    let path = folder::path(&registry.root, &parts);
    let unwritable = |e: Box<dyn std::error::Error + Send + Sync>| {
        Fault::unforeseen(format!("{}: cannot be written", path.display())).because(e)
    };
    let line =
        serde_json::to_string(&Line { number, at: now() }).map_err(|e| unwritable(e.into()))?;
    append_line(&path, &line).map_err(|e| unwritable(e.into()))
}

/// Whether it has the shape that [`now`] gives; anything else is not shown to a terminal.
fn is_time(text: &str) -> bool {
    text.len() <= 32
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || b"-:TZ+".contains(&b))
}

/// The machine's clock, UTC, whole seconds. A clock before 1970 is shown as it is.
fn now() -> String {
    let now = SystemTime::now();
    let seconds = match now.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_secs()).unwrap_or(i64::MAX),
    };
    pm25_air::civil::format_utc(seconds)
}
