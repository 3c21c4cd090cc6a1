//! Coverage drawn: a calendar of days, a strip of months.
//!
//! Not a chart library. Neighbouring days of one shade become one rectangle, and all rectangles of a shade one path,
//! so that ten years take a few kilobytes.
//!
//! ```text
//! 2013  ..........####################==####    a row for each year, a column for each day
//!             '                                 a mark below: a doubtful hour on that day
//! ```

use std::fmt::Write;

use pm25_artifact::ingest::Coverage;

use crate::coverage::Days;
use crate::html::text::Escaped;

/// Units of the drawing.
const DAY_W: usize = 3;
const ROW_H: usize = 16;
const BAR_H: usize = 10;
const LEFT_W: usize = 34;
const TOP_H: usize = 14;
const MONTH_W: usize = 4;
/// The day of the year on which each month begins in a year without a leap day.
const MONTHS: [(usize, &str); 12] = [
    (0, "Jan"),
    (31, "Feb"),
    (59, "Mar"),
    (90, "Apr"),
    (120, "May"),
    (151, "Jun"),
    (181, "Jul"),
    (212, "Aug"),
    (243, "Sep"),
    (273, "Oct"),
    (304, "Nov"),
    (334, "Dec"),
];

/// Shades by the share of hours that are there.
const SHADES: [(&str, &str); 5] = [
    ("c0", "none"),
    ("c1", "under half"),
    ("c2", "under three quarters"),
    ("c3", "three quarters and more"),
    ("c4", "all"),
];

/// What the shades mean.
pub(crate) fn key() -> String {
    let square = |class: &str, what: &str| {
        format!(
            "<span><svg viewBox=\"0 0 8 8\" aria-hidden=\"true\"><path class=\"{class}\" d=\"M0 0h8v8h-8z\"/></svg>{what}</span>"
        )
    };
    let mut key = "<div class=\"key\">".to_owned();
    for (class, what) in SHADES {
        key.push_str(&square(class, what));
    }
    key.push_str(&square("doubt", "a doubtful hour"));
    key.push_str("</div>\n");
    key
}

const fn shade(part: f64) -> usize {
    if part <= 0.0 {
        0
    } else if part < 0.5 {
        1
    } else if part < 0.75 {
        2
    } else if part < 1.0 {
        3
    } else {
        4
    }
}

/// A row for each year, a column for each day.
pub(crate) fn years(name: &str, days: &Days) -> String {
    let first_year = days.first.year();
    let mut paths: [String; 5] = Default::default();
    let mut doubt = String::new();
    let mut labels = String::new();
    let mut run: Option<(usize, usize, usize, usize)> = None;
    let mut last_row = 0;
    for ((date, present), doubtful) in days.dated().zip(&days.doubtful) {
        let row = (date.year() - first_year) as usize;
        let column = date.day_of_year() as usize - 1;
        let shade = shade(f64::from(present) / 24.0);
        last_row = row;
        run = match run {
            Some((r, c, n, s)) if (r, s) == (row, shade) => Some((r, c, n + 1, s)),
            _ => {
                close(run, &mut paths);
                Some((row, column, 1, shade))
            }
        };
        if 0 < *doubtful {
            let (x, y) = (LEFT_W + DAY_W * column, TOP_H + ROW_H * row + BAR_H + 1);
            let _ = write!(doubt, "M{x} {y}h{DAY_W}v2h-{DAY_W}z");
        }
    }
    close(run, &mut paths);
    for row in 0..=last_row {
        let y = TOP_H + ROW_H * row + BAR_H - 1;
        let _ = write!(
            labels,
            "<text x=\"0\" y=\"{y}\">{}</text>",
            usize::from(first_year.unsigned_abs()) + row
        );
    }
    for (day, month) in MONTHS {
        let x = LEFT_W + DAY_W * day;
        let _ = write!(labels, "<text x=\"{x}\" y=\"9\">{month}</text>");
    }
    let (width, height) = (LEFT_W + DAY_W * 366, TOP_H + ROW_H * (last_row + 1));
    let mut svg = format!(
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"Days with PM2.5 at {}\">{labels}",
        Escaped(name)
    );
    push_paths(&mut svg, &paths);
    if !doubt.is_empty() {
        let _ = write!(svg, "<path class=\"doubt\" d=\"{doubt}\"/>");
    }
    svg.push_str("</svg>\n");
    svg
}

fn close(run: Option<(usize, usize, usize, usize)>, paths: &mut [String; 5]) {
    if let Some((row, column, n_days, shade)) = run {
        let (x, y) = (LEFT_W + DAY_W * column, TOP_H + ROW_H * row);
        let width = DAY_W * n_days;
        let _ = write!(paths[shade], "M{x} {y}h{width}v{BAR_H}h-{width}z");
    }
}

fn push_paths(svg: &mut String, paths: &[String; 5]) {
    for ((class, _), path) in SHADES.iter().zip(paths) {
        if !path.is_empty() {
            let _ = write!(svg, "<path class=\"{class}\" d=\"{path}\"/>");
        }
    }
}

/// A column for each month.
pub(crate) fn months(coverage: &Coverage) -> String {
    let mut paths: [String; 5] = Default::default();
    let mut column = 0;
    for same in coverage
        .present_share
        .chunk_by(|a, b| shade(*a) == shade(*b))
    {
        let (x, width) = (MONTH_W * column, MONTH_W * same.len());
        let _ = write!(paths[shade(same[0])], "M{x} 0h{width}v{BAR_H}h-{width}z");
        column += same.len();
    }
    let width = MONTH_W * column.max(1);
    let mut svg = format!(
        "<svg class=\"strip\" viewBox=\"0 0 {width} {BAR_H}\" preserveAspectRatio=\"none\" height=\"14\" role=\"img\" \
         aria-label=\"Months with PM2.5\">"
    );
    push_paths(&mut svg, &paths);
    svg.push_str("</svg>");
    svg
}
