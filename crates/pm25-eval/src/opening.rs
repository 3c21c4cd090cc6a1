//! Who has looked at which test rows: each opening is a line in `runs.jsonl`, outside everything that is sealed.
//!
//! A test set answers one question once. Whoever tries model after model on it chooses by it, and the best score is
//! then too good. It is not a lock: it counts and warns.
//!
//! What counts is the hours that were looked at, not the file: the same hours with other features are the same exam.
//! Another horizon is another exam.
//!
//! The file is `artifacts/runs.jsonl` where the output lies below a folder of that name, as in the pipeline, else
//! `runs.jsonl` beside the output folder. One line is one write at the end of the file, so that several programs may
//! write at once; a line that is none of ours, or torn, is passed over.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use pm25_file::{InputRef, Sha256, append_line};
use serde::{Deserialize, Serialize};

const HISTORY: &str = "runs.jsonl";
const ARTIFACTS: &str = "artifacts";

/// One line.
#[derive(Deserialize, Serialize)]
struct Line {
    /// Seconds since 1970, UTC.
    started_s: u64,
    test_opening: Opening,
}

/// One look at test rows.
#[derive(Deserialize, Serialize)]
struct Opening {
    test: InputRef,
    model: InputRef,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hours: Option<Hours>,
    /// The account, as the system says it.
    who: Option<String>,
}

/// The exam: which hours of which stations are foretold how far ahead.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Hours {
    /// The task as it is typed; horizons apart.
    pub(crate) task: String,
    /// The first stamp t, RFC 3339 in UTC, which sorts as time does.
    pub(crate) first: String,
    /// The last.
    pub(crate) last: String,
    /// Of the stations' names, in order.
    pub(crate) stations: Sha256,
}

impl Hours {
    /// Whether some hour is in both.
    fn overlaps(&self, other: &Self) -> bool {
        let same = self.task == other.task && self.stations == other.stations;
        same && self.first <= other.last && other.first <= self.last
    }
}

/// Which rows, which model.
pub(crate) struct Look<'a> {
    pub(crate) test: &'a InputRef,
    pub(crate) model: &'a InputRef,
    /// None of a table without times and stations.
    pub(crate) hours: Option<Hours>,
}

/// Writes the opening down; returns how many other models have seen these rows before.
pub(crate) fn record(out_dir: &Path, look: &Look<'_>) -> io::Result<usize> {
    let path = place(out_dir);
    let others = others(&fs::read(&path).or_else(none_yet)?, look);
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let line = Line {
        started_s: now.map_or(0, |since| since.as_secs()),
        test_opening: Opening {
            test: look.test.clone(),
            model: look.model.clone(),
            hours: look.hours.clone(),
            who: std::env::var("USER").ok(),
        },
    };
    append_line(&path, &serde_json::to_string(&line)?)?;
    Ok(others)
}

fn none_yet(error: io::Error) -> io::Result<Vec<u8>> {
    match error.kind() {
        io::ErrorKind::NotFound => Ok(Vec::new()),
        _ => Err(error),
    }
}

fn others(history: &[u8], look: &Look<'_>) -> usize {
    let lines = history.split(|byte| *byte == b'\n');
    let mut models: Vec<Sha256> = lines
        .filter_map(|line| serde_json::from_slice::<Line>(line).ok())
        .map(|line| line.test_opening)
        .filter(|opening| is_same_exam(opening, look))
        .map(|opening| opening.model.sha256)
        .filter(|model| *model != look.model.sha256)
        .collect();
    models.sort_unstable();
    models.dedup();
    models.len()
}

/// The hours decide where both tell them; else the file.
fn is_same_exam(opening: &Opening, look: &Look<'_>) -> bool {
    match (&opening.hours, &look.hours) {
        (Some(theirs), Some(ours)) => theirs.overlaps(ours),
        _ => opening.test.sha256 == look.test.sha256,
    }
}

/// Where the history of this output is.
fn place(out_dir: &Path) -> PathBuf {
    let absolute = std::path::absolute(out_dir).unwrap_or_else(|_| out_dir.to_owned());
    let above = absolute.ancestors().skip(1);
    let artifacts = above
        .clone()
        .find(|folder| folder.file_name().is_some_and(|name| name == ARTIFACTS));
    let beside = absolute.parent().unwrap_or(&absolute);
    artifacts.unwrap_or(beside).join(HISTORY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> InputRef {
        InputRef {
            name: name.to_owned(),
            sha256: Sha256::of(name.as_bytes()),
        }
    }

    fn look<'a>(test: &'a InputRef, model: &'a InputRef, hours: Option<Hours>) -> Look<'a> {
        Look { test, model, hours }
    }

    #[test]
    fn only_other_models_on_the_same_rows_count_and_each_once() {
        let temp = tempfile::tempdir().unwrap();
        let out = temp.path().join("artifacts/24h/eval");
        let opened = |test: &str, model: &str| {
            let (test, model) = (file(test), file(model));
            record(&out, &look(&test, &model, None)).unwrap()
        };
        assert_eq!(opened("test", "a"), 0);
        assert_eq!(opened("test", "a"), 0, "the same again");
        assert_eq!(opened("another", "b"), 0);
        assert_eq!(opened("test", "b"), 1);
        assert_eq!(opened("test", "b"), 1);
        assert_eq!(opened("test", "c"), 2);
        let history = fs::read_to_string(temp.path().join("artifacts/runs.jsonl")).unwrap();
        assert_eq!(history.lines().count(), 6);
    }

    #[test]
    fn the_same_hours_in_another_table_are_the_same_exam() {
        let temp = tempfile::tempdir().unwrap();
        let out = temp.path().join("out");
        let hours = |task: &str, first: &str, last: &str, stations: &str| Hours {
            task: task.to_owned(),
            first: first.to_owned(),
            last: last.to_owned(),
            stations: Sha256::of(stations.as_bytes()),
        };
        let opened = |test: &str, model: &str, hours: Hours| {
            let (test, model) = (file(test), file(model));
            record(&out, &look(&test, &model, Some(hours))).unwrap()
        };
        let year = |task, stations| hours(task, "2016-03-01", "2017-02-28", stations);
        assert_eq!(opened("plain", "a", year("24 h", "abc")), 0);
        assert_eq!(opened("richer", "b", year("24 h", "abc")), 1);
        assert_eq!(
            opened("1 h", "c", year("1 h", "abc")),
            0,
            "another question"
        );
        assert_eq!(opened("delhi", "d", year("24 h", "xyz")), 0, "other air");
        let later = hours("24 h", "2017-03-01", "2018-02-28", "abc");
        assert_eq!(opened("next", "e", later), 0);
        let spring = hours("24 h", "2017-02-01", "2017-04-30", "abc");
        assert_eq!(opened("both", "f", spring), 3);
    }

    #[test]
    fn foreign_and_torn_lines_are_passed_over() {
        let temp = tempfile::tempdir().unwrap();
        fs::write(
            temp.path().join(HISTORY),
            "{\"status\":0}\n\u{fffd}\n{\"started_s\":",
        )
        .unwrap();
        let (test, a, b) = (file("test"), file("a"), file("b"));
        let out = temp.path().join("out");
        record(&out, &look(&test, &a, None)).unwrap();
        assert_eq!(record(&out, &look(&test, &b, None)).unwrap(), 1);
    }
}
