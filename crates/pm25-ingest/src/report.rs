//! The report of a run, and its summary for standard output.

use std::collections::BTreeMap;
use std::fmt;

use pm25_artifact::ingest::{Example, IngestReport, Quality, Rows, Skipped, StationSummary};
use pm25_file::{Fault, Header};
use serde::Serialize;

use crate::count::Reason;
use crate::file::ReadFile;

/// Examples kept per reason over all files.
const EXAMPLES_MAX: usize = 5;
/// Stations that the summary lists; the report has them all.
const STATIONS_SHOWN: usize = 20;
/// Reasons that a refusal names.
const REASONS_SHOWN: usize = 3;

/// A share of lines, 0 to 1, as `1%` or `0.01`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Share(pub(crate) f64);

impl std::str::FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, over) = match text.trim().strip_suffix('%') {
            Some(number) => (number, 100.0),
            None => (text, 1.0),
        };
        let share = number
            .trim()
            .parse()
            .map(|number: f64| number / over)
            .unwrap_or(f64::NAN);
        if (0.0..=1.0).contains(&share) {
            Ok(Self(share))
        } else {
            Err("a share is 0% to 100%, or 0 to 1".to_owned())
        }
    }
}

/// Gathers the report as far as files tell it; `skipped` in their order. What the rules found comes later.
pub(crate) fn report(header: Header, files: &[ReadFile], skipped: Vec<Skipped>) -> IngestReport {
    let mut rows = Rows::default();
    let mut cells: BTreeMap<String, u64> = BTreeMap::new();
    let mut examples: BTreeMap<String, Vec<Example>> = BTreeMap::new();
    for file in files {
        rows.add(&file.tally.rows());
        for (reason, n) in file.tally.cells() {
            *cells.entry(reason).or_default() += n;
        }
        for (reason, example) in file.tally.examples(&file.name) {
            let kept = examples.entry(reason.to_owned()).or_default();
            if kept.len() < EXAMPLES_MAX {
                kept.push(example);
            }
        }
    }
    IngestReport {
        pm25: header,
        rows,
        cells,
        examples,
        notes: remarks(files),
        files: files.iter().map(ReadFile::report).collect(),
        skipped,
        quality: Quality::default(),
        stations: Vec::new(),
    }
}

/// What the files say of themselves, each sentence once.
pub(crate) fn remarks(files: &[ReadFile]) -> Vec<String> {
    let mut remarks = Vec::new();
    for remark in files.iter().flat_map(|file| &file.layout.remarks) {
        if !remarks.contains(remark) {
            remarks.push(remark.clone());
        }
    }
    remarks
}

/// Refuses a run whose share of rejected lines, or of cells that are no numbers, is above the limit.
pub(crate) fn refuse_many_rejects(
    files: &[ReadFile],
    report: &IngestReport,
    limit: Share,
) -> Result<(), Fault> {
    let n_rejected = report.rows.n_rejected();
    refuse_share("lines", n_rejected, report.rows.read, limit, || {
        reasons(&report.rows.rejected, report)
    })?;
    let n_unreadable: u64 = files
        .iter()
        .map(|file| file.tally.count(Reason::CellUnreadable))
        .sum();
    let n_filled: u64 = files.iter().map(|file| file.tally.cells_filled).sum();
    refuse_share("filled cells", n_unreadable, n_filled, limit, || {
        let unreadable = BTreeMap::from([(Reason::CellUnreadable.text().to_owned(), n_unreadable)]);
        reasons(&unreadable, report)
    })
}

fn refuse_share(
    what: &str,
    n: u64,
    of: u64,
    limit: Share,
    reasons: impl FnOnce() -> String,
) -> Result<(), Fault> {
    let share = n as f64 / of.max(1) as f64;
    if share <= limit.0 {
        return Ok(());
    }
    Err(Fault::bad_data(format!(
        "{n} of {of} {what} ({:.1} %) cannot be used, more than --max-rejects {}%: {}",
        100.0 * share,
        100.0 * limit.0,
        reasons()
    ))
    .hint(format!(
        "look at those lines; to accept them, give `--max-rejects {}%`",
        (100.0 * share).ceil()
    )))
}

/// The biggest reasons with a line to look at.
fn reasons(counts: &BTreeMap<String, u64>, report: &IngestReport) -> String {
    let mut counts: Vec<(&String, &u64)> = counts.iter().collect();
    counts.sort_by_key(|(reason, n)| (std::cmp::Reverse(**n), reason.as_str()));
    let shown = counts.iter().take(REASONS_SHOWN).map(|(reason, n)| {
        let example = report
            .examples
            .get(*reason)
            .and_then(|examples| examples.first());
        match example {
            Some(example) => format!("{reason} {n} (first {}: {})", example.at, example.text),
            None => format!("{reason} {n}"),
        }
    });
    shown.collect::<Vec<_>>().join("; ")
}

/// So many files were taken for a source, for one reason.
#[derive(Serialize)]
struct Recognised<'a> {
    source: &'a str,
    files: usize,
    why: &'a str,
}

/// What standard output says.
#[derive(Serialize)]
pub(crate) struct Summary<'a> {
    rows: &'a Rows,
    cells: &'a BTreeMap<String, u64>,
    files: usize,
    recognised: Vec<Recognised<'a>>,
    skipped: &'a [Skipped],
    hours: u64,
    pm25_present: u64,
    quality: &'a Quality,
    stations: &'a [StationSummary],
    notes: &'a [String],
}

impl<'a> Summary<'a> {
    /// Of a report.
    pub(crate) fn of(report: &'a IngestReport) -> Self {
        let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for file in &report.files {
            *counts.entry((&file.source, &file.why)).or_default() += 1;
        }
        let recognised = |((source, why), files)| Recognised { source, files, why };
        Self {
            rows: &report.rows,
            cells: &report.cells,
            files: report.files.len(),
            recognised: counts.into_iter().map(recognised).collect(),
            skipped: &report.skipped,
            hours: report.stations.iter().map(|station| station.hours).sum(),
            pm25_present: report
                .stations
                .iter()
                .map(|station| station.pm25_present)
                .sum(),
            quality: &report.quality,
            stations: &report.stations,
            notes: &report.notes,
        }
    }
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        let (files, stations) = (
            plural(self.files, "file"),
            plural(self.stations.len(), "station"),
        );
        writeln!(f, "{files}, {stations}")?;
        for Recognised { source, files, why } in &self.recognised {
            writeln!(f, "source    {source} ({}): {why}", plural(*files, "file"))?;
        }
        for note in self.notes {
            writeln!(f, "note      {note}")?;
        }
        let rows = self.rows;
        writeln!(
            f,
            "lines     {} read = {} kept + {} rejected",
            rows.read,
            rows.kept,
            rows.n_rejected()
        )?;
        for (reason, n) in &rows.rejected {
            writeln!(f, "rejected  {n} {reason}")?;
        }
        if 0 < rows.averaged {
            writeln!(
                f,
                "averaged  {} of the kept lines are finer than an hour",
                rows.averaged
            )?;
        }
        if 0 < rows.out_of_scope {
            writeln!(
                f,
                "other     {} of the kept lines are about what is not held: other pollutants or monitors",
                rows.out_of_scope
            )?;
        }
        for (reason, n) in self.cells {
            writeln!(f, "cells     {n} {reason}")?;
        }
        for skipped in self.skipped {
            writeln!(f, "skipped   {}: {}", skipped.name, skipped.why)?;
        }
        let share = 100.0 * self.pm25_present as f64 / self.hours.max(1) as f64;
        writeln!(
            f,
            "hours     {}, PM2.5 in {} ({share:.2} %)",
            self.hours, self.pm25_present
        )?;
        self.rules(f)?;
        self.table(f)
    }
}

impl Summary<'_> {
    /// What the rules found: hours by quantity, with a line to look at.
    fn rules(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "profile   {}", self.quality.profile)?;
        for slip in &self.quality.slips {
            writeln!(
                f,
                "unit      {}: {} seems multiplied by {} in {} hours from {}",
                slip.station, slip.column, slip.factor, slip.hours, slip.first
            )?;
        }
        for rule in self.quality.rules.iter().filter(|rule| 0 < rule.stations) {
            let hours: Vec<String> = rule
                .hours
                .iter()
                .map(|(column, n)| format!("{column} {n}"))
                .collect();
            writeln!(f, "flagged   {}: {}", rule.rule, hours.join(", "))?;
        }
        Ok(())
    }

    fn table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = || self.stations.iter().take(STATIONS_SHOWN);
        let width = shown()
            .map(|station| station.name.chars().count())
            .max()
            .unwrap_or(0)
            .max("station".len());
        writeln!(f)?;
        writeln!(
            f,
            "{:width$}  {:<25}  {:>6}  {:>6}  {:>6}  {:>6}  {:>7}",
            "station", "first hour", "hours", "pm25 %", "mean", "p98", "flagged"
        )?;
        for station in shown() {
            let level = &station.pm25_ug_m3;
            let number =
                |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.1}"));
            writeln!(
                f,
                "{:width$}  {:<25}  {:>6}  {:>6.2}  {:>6}  {:>6}  {:>7}",
                station.name,
                station.first,
                station.hours,
                100.0 * station.pm25_present_share,
                number(level.all.mean),
                number(level.all.p98),
                level.all.hours - level.unflagged.hours,
            )?;
        }
        if STATIONS_SHOWN < self.stations.len() {
            writeln!(
                f,
                "and {} more in the report",
                self.stations.len() - STATIONS_SHOWN
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_with_or_without_percent() {
        for (text, share) in [
            ("1%", 0.01),
            ("0.5 %", 0.005),
            ("0", 0.0),
            ("0.25", 0.25),
            ("100%", 1.0),
        ] {
            assert_eq!(text.parse::<Share>().unwrap(), Share(share));
        }
        for text in ["", "%", "101%", "-1%", "2", "nan", "one"] {
            assert!(text.parse::<Share>().is_err(), "{text}");
        }
    }
}
