//! The report as one page for people: no scripts, nothing fetched from elsewhere, light and dark.
//!
//! Not a second source of numbers: every number stands in `ingest.json` too. The page's bytes depend on the report
//! alone. A few stations get a calendar of days each, many a strip of months, so that a country's page stays small.

mod calendar;
mod rules;
mod stations;
mod text;

use pm25_artifact::ingest::{Example, IngestReport};

use crate::coverage::Days;
use crate::html::text::{Escaped, count, counted, percent};

const STYLE: &str = include_str!("style.css");
/// Files that the page lists; the report has them all.
const FILES_SHOWN: usize = 200;
/// Skipped files and notes that the page lists.
const NOTES_SHOWN: usize = 50;

/// The page. `days` are those of the report's stations, in their order.
pub(crate) fn page(report: &IngestReport, days: &[Days]) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>Observations: {}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n",
        title(report)
    );
    page.push_str(&head(report));
    page.push_str(&rules::section(report));
    page.push_str(&stations::section(report, days));
    page.push_str(&lines(report));
    page.push_str(&files(report));
    page.push_str(&foot(report));
    page.push_str("</body>\n</html>\n");
    page
}

fn title(report: &IngestReport) -> String {
    let (files, stations) = (report.files.len() as u64, report.stations.len() as u64);
    format!(
        "{}, {}",
        counted(stations, "station"),
        counted(files, "file")
    )
}

fn head(report: &IngestReport) -> String {
    let first = report.stations.iter().map(|station| &station.first).min();
    let last = report.stations.iter().map(|station| &station.last).max();
    let day = |time: Option<&String>| {
        time.map_or("", |time| time.get(..10).unwrap_or(time))
            .to_owned()
    };
    let hours: u64 = report.stations.iter().map(|station| station.hours).sum();
    let present: u64 = report
        .stations
        .iter()
        .map(|station| station.pm25_present)
        .sum();
    let rows = &report.rows;
    let tile = |number: String, what: String| format!("<li><b>{number}</b>{what}</li>\n");
    let share = percent(present as f64, hours as f64);
    let rejected = match rows.n_rejected() {
        0 => "none rejected".to_owned(),
        n => format!("{} rejected", count(n)),
    };
    format!(
        "<h1>{}</h1>\n<p class=\"soft\">{} to {}. Doubtful values are flagged, never changed. Thresholds: profile \
         <b>{}</b>.</p>\n<ul class=\"tiles\">\n{}{}{}{}</ul>\n",
        title(report),
        Escaped(&day(first)),
        Escaped(&day(last)),
        Escaped(&report.quality.profile),
        tile(count(rows.read), format!("lines read, {rejected}")),
        tile(count(hours), "hours on the stations’ grids".to_owned()),
        tile(share, format!("of them with PM2.5 ({})", count(present))),
        tile(
            count(doubted(report)),
            "hours of PM2.5 that bear a flag".to_owned()
        ),
    )
}

fn doubted(report: &IngestReport) -> u64 {
    let flagged = |all: u64, unflagged: u64| all.saturating_sub(unflagged);
    let stations = report.stations.iter();
    stations
        .map(|station| {
            flagged(
                station.pm25_ug_m3.all.hours,
                station.pm25_ug_m3.unflagged.hours,
            )
        })
        .sum()
}

/// What became of the lines.
fn lines(report: &IngestReport) -> String {
    let rows = &report.rows;
    let mut section = format!(
        "<h2>Lines</h2>\n<p>{} read = {} kept + {} rejected.",
        count(rows.read),
        count(rows.kept),
        count(rows.n_rejected())
    );
    if 0 < rows.averaged {
        section.push_str(&format!(
            " {} of the kept are finer than an hour and were averaged.",
            count(rows.averaged)
        ));
    }
    if 0 < rows.out_of_scope {
        section.push_str(&format!(
            " {} are about other pollutants or monitors.",
            count(rows.out_of_scope)
        ));
    }
    section.push_str("</p>\n");
    let reasons: Vec<(&String, &u64)> = rows.rejected.iter().chain(&report.cells).collect();
    if reasons.is_empty() {
        return section;
    }
    section.push_str("<div class=\"wide\"><table><thead><tr><th>Reason<th class=\"n\">Lines or cells<th>First of them</tr></thead>\n");
    for (reason, n) in reasons {
        let examples = report.examples.get(reason).map_or(&[][..], Vec::as_slice);
        section.push_str(&format!(
            "<tr><th scope=\"row\">{}<td class=\"n\">{}<td>{}</tr>\n",
            Escaped(reason),
            count(*n),
            shown(examples)
        ));
    }
    section.push_str("</table></div>\n");
    section
}

/// The first example, the others folded away.
fn shown(examples: &[Example]) -> String {
    let line = |example: &Example| {
        format!(
            "{}<br><code>{}</code>",
            Escaped(&example.text),
            Escaped(&example.at)
        )
    };
    match examples {
        [] => String::new(),
        [only] => line(only),
        [first, others @ ..] => {
            let others: Vec<String> = others.iter().map(line).collect();
            format!(
                "{}<details><summary>{} more</summary>{}</details>",
                line(first),
                others.len(),
                others.join("<br>")
            )
        }
    }
}

/// The raw files and how each was understood.
fn files(report: &IngestReport) -> String {
    let mut section = "<h2>Files</h2>\n".to_owned();
    for note in report.notes.iter().take(NOTES_SHOWN) {
        section.push_str(&format!("<p>{}</p>\n", Escaped(note)));
    }
    for file in report.files.iter().take(FILES_SHOWN) {
        section.push_str(&format!(
            "<details><summary><code>{}</code></summary>\n<p class=\"soft\">{}: {}. {}.</p>\n<div class=\"wide\"><table>\n",
            Escaped(&file.name),
            Escaped(&file.source),
            Escaped(&file.why),
            Escaped(&file.clock)
        ));
        for column in &file.columns {
            section.push_str(&format!(
                "<tr><th scope=\"row\">{}<td><code>{}</code><td>{}</tr>\n",
                Escaped(&column.column),
                Escaped(&column.quantity),
                Escaped(&column.because)
            ));
        }
        section.push_str("</table></div></details>\n");
    }
    if FILES_SHOWN < report.files.len() {
        let more = (report.files.len() - FILES_SHOWN) as u64;
        section.push_str(&format!("<p>And {} more in the report.</p>\n", count(more)));
    }
    for skipped in report.skipped.iter().take(NOTES_SHOWN) {
        section.push_str(&format!(
            "<p class=\"soft\">Skipped <code>{}</code>: {}.</p>\n",
            Escaped(&skipped.name),
            Escaped(&skipped.why)
        ));
    }
    section
}

fn foot(report: &IngestReport) -> String {
    format!(
        "<footer>Made by {} {} with version {} of the rules. The same numbers, and more, are in the report beside \
         this page.</footer>\n",
        Escaped(&report.pm25.program),
        Escaped(&report.pm25.program_version),
        report.quality.rules_version
    )
}

#[cfg(test)]
mod tests;
