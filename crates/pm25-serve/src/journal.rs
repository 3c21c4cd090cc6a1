//! One line per request, to standard error. Never a body, a header or a path: only what cannot be made up.
//!
//! A thread of its own writes, in blocks: a request never waits for whoever reads the log. When that one is too slow
//! lines are lost, and the next one that is written says how many.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::{Method, StatusCode};
use pm25_air::civil::format_utc;
use serde::Serialize;

use crate::guard::Said;
use crate::request_id::RequestId;
use crate::routes::Route;

/// Lines that may wait to be written.
const WAITING_MAX: usize = 8_192;
/// Pause between two blocks: what comes within it is written at once.
const BLOCK: Duration = Duration::from_millis(20);

/// How requests are told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Style {
    /// Not at all; only warnings.
    Quiet,
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// A request that was answered.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) method: Method,
    pub(crate) route: Route,
    pub(crate) status: StatusCode,
    pub(crate) taken: Duration,
    pub(crate) said: Option<Said>,
    pub(crate) id: RequestId,
}

enum Entry {
    Request(SystemTime, Box<Line>),
    Note(SystemTime, String),
    End,
}

/// Where lines go.
pub(crate) struct Journal {
    style: Style,
    sender: SyncSender<Entry>,
    lost: Arc<AtomicU64>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Journal {
    /// Starts the thread that writes.
    pub(crate) fn start(style: Style) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(WAITING_MAX);
        let lost = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&lost);
        let writer = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || write(style, &receiver, &counted))?;
        Ok(Self {
            style,
            sender,
            lost,
            writer: Mutex::new(Some(writer)),
        })
    }

    /// Tells of a request, unless nobody wants to know.
    pub(crate) fn request(&self, line: Line) {
        if self.style != Style::Quiet {
            self.send(Entry::Request(SystemTime::now(), Box::new(line)));
        }
    }

    /// Tells the operator what happened, unless nobody wants to know.
    pub(crate) fn note(&self, text: impl Into<String>) {
        if self.style != Style::Quiet {
            self.send(Entry::Note(SystemTime::now(), text.into()));
        }
    }

    /// Tells the operator what should not be so, always.
    pub(crate) fn warn(&self, text: impl std::fmt::Display) {
        self.send(Entry::Note(SystemTime::now(), format!("warning: {text}")));
    }

    /// Writes what waits, and no more after it.
    pub(crate) fn finish(&self) {
        let writer = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(writer) = writer
            && self.sender.send(Entry::End).is_ok()
        {
            // A writer that panicked has nothing left to write.
            let _ = writer.join();
        }
    }

    fn send(&self, entry: Entry) {
        if self.sender.try_send(entry).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn write(style: Style, receiver: &Receiver<Entry>, lost: &AtomicU64) {
    let mut block = String::new();
    while let Ok(first) = receiver.recv() {
        let mut goes_on = add(style, &mut block, first);
        while goes_on && let Ok(next) = receiver.try_recv() {
            goes_on = add(style, &mut block, next);
        }
        let n_lost = lost.swap(0, Ordering::Relaxed);
        if 0 < n_lost {
            note(
                style,
                &mut block,
                SystemTime::now(),
                &format!("warning: {n_lost} lines of the log were lost"),
            );
        }
        // Nobody is left to tell if standard error is gone.
        let _ = io::stderr().lock().write_all(block.as_bytes());
        block.clear();
        if !goes_on {
            return;
        }
        std::thread::sleep(BLOCK);
    }
}

/// Whether more may come.
fn add(style: Style, block: &mut String, entry: Entry) -> bool {
    match entry {
        Entry::Request(when, line) => request(style, block, when, &line),
        Entry::Note(when, text) => note(style, block, when, &text),
        Entry::End => return false,
    }
    true
}

#[derive(Serialize)]
struct RequestJson<'a> {
    time: String,
    method: &'a str,
    route: &'static str,
    status: u16,
    duration_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    request_id: &'a str,
}

#[derive(Serialize)]
struct NoteJson<'a> {
    time: String,
    note: &'a str,
}

fn request(style: Style, block: &mut String, when: SystemTime, line: &Line) {
    let known = [Method::GET, Method::HEAD, Method::POST].contains(&line.method);
    let json = RequestJson {
        time: time(when),
        method: if known { line.method.as_str() } else { "other" },
        route: line.route.template(),
        status: line.status.as_u16(),
        duration_ms: line.taken.as_micros() as f64 / 1000.0,
        rows: line.said.as_ref().map(|said| said.n_rows),
        model: line.said.as_ref().map(|said| said.model.as_str()),
        request_id: line.id.as_str(),
    };
    if style == Style::Json {
        put(block, &serde_json::to_string(&json).unwrap_or_default());
        return;
    }
    let RequestJson {
        time,
        method,
        route,
        status,
        duration_ms,
        request_id,
        ..
    } = json;
    let said = match &line.said {
        Some(Said { n_rows, model }) => format!(" rows={n_rows} model={model}"),
        None => String::new(),
    };
    put(
        block,
        &format!("{time} {method} {route} {status} {duration_ms:.3} ms{said} id={request_id}"),
    );
}

fn note(style: Style, block: &mut String, when: SystemTime, text: &str) {
    // A cause may have several lines, and a path any character; a record has one line.
    let text = text.replace(char::is_control, " ");
    let time = time(when);
    match style {
        Style::Json => put(
            block,
            &serde_json::to_string(&NoteJson { time, note: &text }).unwrap_or_default(),
        ),
        Style::Quiet | Style::Text => put(block, &format!("{time} {text}")),
    }
}

fn put(block: &mut String, line: &str) {
    // Writing into a String cannot fail.
    let _ = writeln!(block, "{line}");
}

/// RFC 3339 to the second; a clock before 1970 reads 1970.
fn time(when: SystemTime) -> String {
    let since = when.duration_since(UNIX_EPOCH).unwrap_or_default();
    format_utc(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(said: Option<Said>) -> Line {
        let (status, taken) = (StatusCode::OK, Duration::from_micros(1_234));
        Line {
            method: Method::POST,
            route: Route::Predict,
            status,
            taken,
            said,
            id: RequestId::of(None),
        }
    }

    #[test]
    fn a_record_is_one_line_whatever_is_in_it() {
        let mut block = String::new();
        let said = Said {
            n_rows: 3,
            model: "4f1c2a90".to_owned(),
        };
        for style in [Style::Text, Style::Json] {
            request(style, &mut block, UNIX_EPOCH, &line(Some(said.clone())));
            note(style, &mut block, UNIX_EPOCH, "a\nb\u{1b}\"");
        }
        let lines: Vec<&str> = block.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(lines[0].starts_with(
            "1970-01-01T00:00:00Z POST /v1/predict 200 1.234 ms rows=3 model=4f1c2a90 id="
        ));
        let json: serde_json::Value = serde_json::from_str(lines[2]).unwrap();
        assert_eq!(
            (&json["rows"], &json["duration_ms"]),
            (&3.into(), &1.234.into())
        );
        assert!(serde_json::from_str::<serde_json::Value>(lines[3]).is_ok());
    }

    #[test]
    fn an_invented_method_is_not_repeated() {
        let mut block = String::new();
        let method = Method::from_bytes(b"BREW").unwrap();
        request(
            Style::Text,
            &mut block,
            UNIX_EPOCH,
            &Line {
                method,
                ..line(None)
            },
        );
        assert!(block.contains(" other /v1/predict ") && !block.contains("BREW"));
    }
}
