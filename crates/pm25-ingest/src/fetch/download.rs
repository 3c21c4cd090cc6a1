//! One file over HTTP: into `NAME.part`, resumed where it broke off, renamed when its length is what was announced.
//!
//! ```text
//! GET                      200, length n      .part grows      breaks off at k
//! GET, Range k-, If-Range  206, k-n/n         .part grows      n reached: sync, rename
//!                          200                 another file by now: from the start
//! ```
//!
//! The entity tag stands in `NAME.part.tag`, so that halves of two editions are never joined.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use pm25_file::{Fault, Result};
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

use super::plan::Wanted;

/// How often a file is tried.
const ATTEMPTS_MAX: u32 = 6;
/// No wait is longer.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// A server that says nothing for so long is gone.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Bytes read at a time.
const BUFFER_BYTES: usize = 1 << 16;

/// How long to wait between attempts.
pub(crate) struct Patience {
    pub(crate) first_wait: Duration,
}

impl Patience {
    fn wait(&self, attempt: u32) -> Duration {
        self.first_wait
            .saturating_mul(1 << attempt.min(16))
            .min(WAIT_MAX)
    }
}

/// What became of a file.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Fetched {
    New {
        bytes: u64,
    },
    /// Part of it was there, or it broke off in between.
    Resumed {
        bytes: u64,
    },
    There,
    /// The provider has no such file.
    Absent,
}

/// A client that gives statuses back instead of failing.
pub(crate) fn agent() -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(SILENCE_MAX))
        .timeout_recv_response(Some(SILENCE_MAX))
        .timeout_per_read(Some(SILENCE_MAX))
        .accept_encoding("identity")
        .user_agent(concat!("pm25-ingest/", env!("CARGO_PKG_VERSION")))
        .build();
    config.new_agent()
}

/// Fetches a file unless it is there; what an earlier call left is continued.
pub(crate) fn download(
    agent: &Agent,
    wanted: &Wanted,
    out: &Path,
    patience: &Patience,
) -> Result<Fetched> {
    let goal = out.join(&wanted.path);
    if goal.exists() {
        return Ok(Fetched::There);
    }
    let unwritable =
        |e| Fault::unforeseen(format!("{}: cannot be written", goal.display())).because(e);
    if let Some(folder) = goal.parent() {
        fs::create_dir_all(folder).map_err(unwritable)?;
    }
    let part = Part::of(&goal);
    let was_begun = 0 < part.len();
    let mut last = String::new();
    for attempt in 0..ATTEMPTS_MAX {
        if 0 < attempt {
            sleep(patience.wait(attempt - 1));
        }
        match part.attempt(agent, &wanted.url) {
            Ok(Attempt::Absent) => {
                part.remove();
                return Ok(Fetched::Absent);
            }
            Ok(Attempt::Whole) => {
                let bytes = part.len();
                part.publish(&goal).map_err(unwritable)?;
                let is_resumed = was_begun || 0 < attempt;
                return Ok(if is_resumed {
                    Fetched::Resumed { bytes }
                } else {
                    Fetched::New { bytes }
                });
            }
            Ok(Attempt::Refused(status)) => {
                return Err(Fault::bad_data(format!(
                    "{}: the provider answers {status}",
                    wanted.url
                ))
                .hint("check the address; `--base-url` names another"));
            }
            Err(Trouble::Here(e)) => return Err(unwritable(e)),
            Err(Trouble::There(why)) => last = why,
        }
    }
    Err(Fault::unforeseen(format!(
        "{}: not fetched in {ATTEMPTS_MAX} attempts: {last}",
        wanted.url
    ))
    .hint("type the same command again later: what was fetched stays"))
}

enum Attempt {
    Whole,
    Absent,
    Refused(StatusCode),
}

/// Why an attempt failed.
enum Trouble {
    /// At the provider or on the way: worth another attempt.
    There(String),
    /// On our own disk.
    Here(io::Error),
}

/// A file that is not whole yet, and the tag of the edition that it is of.
struct Part {
    bytes: PathBuf,
    tag: PathBuf,
}

impl Part {
    fn of(goal: &Path) -> Self {
        let with = |ending: &str| {
            let mut name = goal.file_name().unwrap_or_default().to_owned();
            name.push(ending);
            goal.with_file_name(name)
        };
        Self {
            bytes: with(".part"),
            tag: with(".part.tag"),
        }
    }

    fn len(&self) -> u64 {
        fs::metadata(&self.bytes).map_or(0, |meta| meta.len())
    }

    fn remove(&self) {
        // What cannot be removed is tried again with the next call.
        let _ = fs::remove_file(&self.bytes);
        let _ = fs::remove_file(&self.tag);
    }

    fn publish(&self, goal: &Path) -> io::Result<()> {
        File::open(&self.bytes)?.sync_all()?;
        fs::rename(&self.bytes, goal)?;
        let _ = fs::remove_file(&self.tag);
        File::open(
            goal.parent()
                .filter(|folder| !folder.as_os_str().is_empty())
                .unwrap_or(Path::new(".")),
        )?
        .sync_all()
    }

    fn attempt(&self, agent: &Agent, url: &str) -> std::result::Result<Attempt, Trouble> {
        let mut request = agent.get(url);
        let tag = fs::read_to_string(&self.tag).unwrap_or_default();
        // Without a tag nobody knows whether the rest is of the same edition.
        let known = if tag.is_empty() { 0 } else { self.len() };
        if 0 < known {
            request = request
                .header("Range", format!("bytes={known}-"))
                .header("If-Range", &tag);
        }
        let response = request.call().map_err(|e| Trouble::There(e.to_string()))?;
        match response.status() {
            StatusCode::OK => self.take(response, 0),
            StatusCode::PARTIAL_CONTENT if begins_at(&response, known) => {
                self.take(response, known)
            }
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(Attempt::Absent),
            StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::PARTIAL_CONTENT => {
                self.remove();
                Err(Trouble::There(
                    "the rest does not fit what is here".to_owned(),
                ))
            }
            status
                if status.is_server_error() || status.as_u16() == 429 || status.as_u16() == 408 =>
            {
                Err(Trouble::There(format!("the provider answers {status}")))
            }
            status => Ok(Attempt::Refused(status)),
        }
    }

    /// Writes the body behind what is known, and compares the length at the end.
    fn take(&self, response: Response<Body>, known: u64) -> std::result::Result<Attempt, Trouble> {
        let announced = response.body().content_length().map(|rest| known + rest);
        let tag = header(&response, "etag")
            .filter(|tag| !tag.starts_with("W/"))
            .unwrap_or_default()
            .to_owned();
        let mut options = OpenOptions::new();
        let file = if 0 < known {
            options.append(true).open(&self.bytes)
        } else {
            options
                .write(true)
                .create(true)
                .truncate(true)
                .open(&self.bytes)
        };
        let mut file = file.map_err(Trouble::Here)?;
        fs::write(&self.tag, tag).map_err(Trouble::Here)?;
        let mut body = response.into_body().into_reader();
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let n = body
                .read(&mut buffer)
                .map_err(|e| Trouble::There(format!("it breaks off: {e}")))?;
            if n == 0 {
                break;
            }
            file.write_all(&buffer[..n]).map_err(Trouble::Here)?;
        }
        match announced {
            Some(announced) if announced != self.len() => Err(Trouble::There(format!(
                "it has {} bytes of {announced}",
                self.len()
            ))),
            _ => Ok(Attempt::Whole),
        }
    }
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

fn begins_at(response: &Response<Body>, known: u64) -> bool {
    header(response, "content-range")
        .is_some_and(|range| range.starts_with(&format!("bytes {known}-")))
}
