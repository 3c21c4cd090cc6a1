//! What the rules found: hours, what leaving them out would do, and lines to look at.
//!
//! Not the thresholds; those stand with the rules.

use pm25_air::Quantity;
use pm25_artifact::ingest::{IngestReport, RuleSummary};

use crate::html::shown;
use crate::html::text::{Escaped, change, count, counted, percent};

/// Slips that the page lists.
const SLIPS_SHOWN: usize = 50;

/// The section about rules.
pub(crate) fn section(report: &IngestReport) -> String {
    let mut section = "<h2>Rules</h2>\n<p>Each rule marks what is doubtful and changes nothing. What leaving its \
         hours out would do to PM2.5 is in µg/m³: the mean over all stations, and the largest change of a station’s \
         98th percentile.</p>\n"
        .to_owned();
    for slip in report.quality.slips.iter().take(SLIPS_SHOWN) {
        section.push_str(&format!(
            "<p class=\"card slip\"><b><bdi>{}</bdi></b>: <code>{}</code> seems multiplied by <b>{}</b> in {} from {} to {}. \
             Nothing was rescaled.</p>\n",
            Escaped(&slip.station),
            Escaped(&slip.column),
            slip.factor,
            counted(slip.hours, "hour"),
            Escaped(&slip.first),
            Escaped(&slip.last)
        ));
    }
    let hours: u64 = report
        .stations
        .iter()
        .map(|station| station.pm25_present)
        .sum();
    section.push_str(
        "<div class=\"wide\"><table>\n<thead><tr><th>Rule<th class=\"n\">Hours of PM2.5<th>Other columns\
         <th class=\"n\">Stations<th class=\"n\">Mean<th class=\"n\">98th percentile<th>First of them</tr></thead>\n",
    );
    let (found, silent): (Vec<_>, Vec<_>) = report
        .quality
        .rules
        .iter()
        .partition(|rule| 0 < rule.stations);
    for rule in found {
        section.push_str(&row(rule, hours));
    }
    section.push_str("</table></div>\n");
    if !silent.is_empty() {
        let names: Vec<String> = silent
            .iter()
            .map(|rule| {
                format!(
                    "<b>{}</b> ({})",
                    Escaped(&rule.rule),
                    Escaped(&rule.meaning)
                )
            })
            .collect();
        section.push_str(&format!(
            "<p class=\"soft\">Nothing found: {}.</p>\n",
            names.join(", ")
        ));
    }
    section
}

fn row(rule: &RuleSummary, hours: u64) -> String {
    let pm25 = rule
        .hours
        .get(Quantity::Pm25.column())
        .copied()
        .unwrap_or(0);
    let share = 100.0 * pm25 as f64 / hours.max(1) as f64;
    let others: String = rule
        .hours
        .iter()
        .filter(|(column, _)| *column != Quantity::Pm25.column())
        .map(|(column, n)| {
            format!(
                "<span class=\"chip\">{} {}</span>",
                Escaped(column),
                count(*n)
            )
        })
        .collect();
    let (mean, p98) = match &rule.pm25_ug_m3 {
        Some(effect) => (
            change(effect.mean_change),
            format!(
                "{}<br><small><bdi>{}</bdi></small>",
                change(effect.largest_p98_change),
                Escaped(&effect.station)
            ),
        ),
        None => ("–".to_owned(), "–".to_owned()),
    };
    format!(
        "<tr><th scope=\"row\">{}<br><small>{}<br>{}</small><td class=\"n\">{}<br><small>{}</small>\
         <span class=\"bar\"><i style=\"width:{:.1}%\"></i></span><td>{others}<td class=\"n\">{}<td class=\"n\">{mean}\
         <td class=\"n\">{p98}<td>{}</tr>\n",
        Escaped(&rule.rule),
        Escaped(&rule.meaning),
        Escaped(&rule.source),
        count(pm25),
        percent(pm25 as f64, hours as f64),
        share.clamp(0.0, 100.0),
        count(rule.stations),
        shown(&rule.examples)
    )
}
