//! The report and the profile as they are said on standard output.

use std::fmt;

use pm25_artifact::drift::{ColumnDrift, DriftProfile, DriftReport, RowSpan, Side};
use serde::Serialize;

use crate::compare::strength;

/// How many columns people are shown; the report has all.
const N_SHOWN: usize = 12;

/// A report, for people or as it is.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct SaidReport<'a>(pub(crate) &'a DriftReport);

impl fmt::Display for SaidReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.0;
        writeln!(f, "drift: {}", report.verdict.word())?;
        for sentence in &report.words {
            writeln!(f, "  {sentence}")?;
        }
        writeln!(f, "reference  {}", side(&report.reference))?;
        writeln!(f, "current    {}", side(&report.current))?;
        let width = report
            .columns
            .keys()
            .map(String::len)
            .max()
            .unwrap_or(0)
            .max("column".len());
        writeln!(
            f,
            "{:<width$}  {:<11}  {:>7}  {:>9}  {:>6}  {:>7}  missing %",
            "column", "verdict", "PSI", "by chance", "KS", "W / std"
        )?;
        let columns = farthest_first(report);
        for (name, drift) in columns.iter().take(N_SHOWN) {
            writeln!(f, "{name:<width$}  {}", Line(drift))?;
        }
        match columns.len().saturating_sub(N_SHOWN) {
            0 => Ok(()),
            n => writeln!(f, "and {n} more that moved less"),
        }
    }
}

/// By verdict, then by how far they went; of equals the first name first.
fn farthest_first(report: &DriftReport) -> Vec<(&String, &ColumnDrift)> {
    let mut columns: Vec<(&String, &ColumnDrift)> = report.columns.iter().collect();
    let farther = |a: &ColumnDrift, b: &ColumnDrift| {
        let verdicts = b.verdict.cmp(&a.verdict);
        verdicts.then(strength(b).total_cmp(&strength(a)))
    };
    columns.sort_by(|a, b| farther(a.1, b.1));
    columns
}

struct Line<'a>(&'a ColumnDrift);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let drift = self.0;
        let number = |value: Option<f64>, digits: usize| {
            value.map_or("-".to_owned(), |v| format!("{v:.digits$}"))
        };
        let percent = |share: Option<f64>| number(share.map(|share| 100.0 * share), 1);
        write!(
            f,
            "{:<11}  {:>7}  {:>9}  {:>6}  {:>7}  {} -> {}",
            drift.verdict.word(),
            number(drift.psi, 3),
            number(drift.psi_by_chance, 4),
            number(drift.ks.map(|ks| ks.statistic), 3),
            number(drift.wasserstein_stds, 3),
            percent(drift.reference.missing_share),
            percent(drift.current.missing_share),
        )
    }
}

/// A profile in two lines, or as it is.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct SaidProfile<'a>(pub(crate) &'a DriftProfile);

impl fmt::Display for SaidProfile<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.columns.keys().map(String::as_str).collect();
        writeln!(f, "profile of {}", span(&self.0.rows))?;
        writeln!(f, "  {} columns: {}", names.len(), names.join(", "))
    }
}

fn side(side: &Side) -> String {
    let mut text = span(&side.rows);
    if let Some(days) = &side.days_of_year {
        let runs: Vec<String> = days
            .iter()
            .map(|[first, last]| format!("{first}-{last}"))
            .collect();
        text += &format!(", days of the year {}", runs.join(" "));
    }
    if 0 < side.rejected_lines {
        text += &format!(", {} lines rejected", side.rejected_lines);
    }
    text
}

fn span(span: &RowSpan) -> String {
    match (&span.first, &span.last) {
        (Some(first), Some(last)) => format!("{} rows from {first} to {last}", span.rows),
        _ => format!("{} rows", span.rows),
    }
}
