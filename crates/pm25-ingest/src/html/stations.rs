//! The stations: what is there and when.
//!
//! Not a ranking; stations stand in the order of the table.

use pm25_artifact::ingest::{IngestReport, StationSummary};

use crate::coverage::Days;
use crate::html::calendar;
use crate::html::text::{Escaped, count, level, percent};

/// With more stations than this, each gets a strip of months instead of a calendar of days.
const CALENDARS_MAX: usize = 40;
/// Station-years of calendars that a page holds.
const YEARS_MAX: usize = 400;

/// The section about stations.
pub(crate) fn section(report: &IngestReport, days: &[Days]) -> String {
    let n_years: usize = days
        .iter()
        .map(|days| days.present.len().div_ceil(365))
        .sum();
    let mut section = format!(
        "<h2>Stations</h2>\n<p>How much of the time has a value of PM2.5, by the station’s own standard clock.</p>\n{}",
        calendar::key()
    );
    if report.stations.len() <= CALENDARS_MAX && n_years <= YEARS_MAX {
        for (station, days) in report.stations.iter().zip(days) {
            section.push_str(&card(station, days));
        }
    } else {
        section.push_str(&strips(report));
    }
    section
}

fn card(station: &StationSummary, days: &Days) -> String {
    let pm25 = &station.pm25_ug_m3;
    let flags: String = station
        .flags
        .get("pm25_ug_m3")
        .into_iter()
        .flatten()
        .map(|(flag, n)| {
            format!(
                "<span class=\"chip\">{} {}</span>",
                Escaped(flag),
                count(*n)
            )
        })
        .collect();
    format!(
        "<article class=\"card\"><header><h3><bdi>{}</bdi></h3><span class=\"soft\">{} of {} hours, {}; mean {}, 98th percentile \
         {} µg/m³; without flagged hours {} and {}</span></header>\n{}<small>{flags}</small></article>\n",
        Escaped(&station.name),
        count(station.pm25_present),
        count(station.hours),
        percent(station.pm25_present as f64, station.hours as f64),
        level(pm25.all.mean),
        level(pm25.all.p98),
        level(pm25.unflagged.mean),
        level(pm25.unflagged.p98),
        calendar::years(&station.name, days)
    )
}

fn strips(report: &IngestReport) -> String {
    let mut table = "<div class=\"wide\"><table>\n<thead><tr><th>Station<th>Months<th class=\"n\">Hours<th class=\"n\">PM2.5\
         <th class=\"n\">Mean<th class=\"n\">98th percentile<th class=\"n\">Flagged</tr></thead>\n"
        .to_owned();
    for station in &report.stations {
        let pm25 = &station.pm25_ug_m3;
        table.push_str(&format!(
            "<tr><th scope=\"row\"><bdi>{}</bdi><br><small>from {}</small><td>{}<td class=\"n\">{}<td class=\"n\">{}<td class=\"n\">{}\
             <td class=\"n\">{}<td class=\"n\">{}</tr>\n",
            Escaped(&station.name),
            Escaped(&station.pm25_coverage.from),
            calendar::months(&station.pm25_coverage),
            count(station.hours),
            percent(station.pm25_present as f64, station.hours as f64),
            level(pm25.all.mean),
            level(pm25.all.p98),
            count(pm25.all.hours - pm25.unflagged.hours)
        ));
    }
    table.push_str("</table></div>\n");
    table
}
