//! The report as metrics, for the textfile collector of Prometheus' node exporter.
//!
//! A column that cannot be judged has a severity of -1 and not none: an alert on an absent series never fires.

use std::fmt::Write;

use pm25_air::civil::parse_rfc3339;
use pm25_artifact::drift::{ColumnDrift, DriftReport, Verdict};

/// All metrics as text, one sample a line.
pub(crate) fn metrics(report: &DriftReport) -> String {
    let mut page = Page(String::new());
    page.gauge(
        "pm25_drift_severity",
        "Overall drift: -1 too few rows, 0 none, 1 moderate, 2 significant.",
    );
    page.sample("pm25_drift_severity", &[], severity(report.verdict));
    page.gauge("pm25_drift_rows", "Rows that were compared.");
    for (window, side) in [
        ("reference", &report.reference),
        ("current", &report.current),
    ] {
        page.sample(
            "pm25_drift_rows",
            &[("window", window)],
            side.rows.rows as f64,
        );
    }
    page.gauge(
        "pm25_drift_current_last_timestamp_seconds",
        "Start of the newest hour that was compared.",
    );
    let last = report.current.rows.last.as_deref();
    if let Some(last_s) = last.and_then(|last| parse_rfc3339(last).ok()) {
        page.sample(
            "pm25_drift_current_last_timestamp_seconds",
            &[],
            last_s as f64,
        );
    }
    page.gauge(
        "pm25_drift_rejected_lines",
        "Lines of the request file that are no request.",
    );
    page.sample(
        "pm25_drift_rejected_lines",
        &[],
        report.current.rejected_lines as f64,
    );
    features(&mut page, report);
    page.0
}

fn features(page: &mut Page, report: &DriftReport) {
    type Of = fn(&ColumnDrift) -> Option<f64>;
    let gauges: [(&str, &str, Of); 5] = [
        (
            "pm25_feature_drift_severity",
            "-1 too few rows, 0 none, 1 moderate, 2 significant.",
            |d| Some(severity(d.verdict)),
        ),
        (
            "pm25_feature_psi",
            "Population stability index against the reference.",
            |d| d.psi,
        ),
        (
            "pm25_feature_ks",
            "Kolmogorov-Smirnov statistic against the reference.",
            |d| d.ks.map(|ks| ks.statistic),
        ),
        (
            "pm25_feature_wasserstein_stds",
            "Wasserstein distance over the reference's standard deviation.",
            |d| d.wasserstein_stds,
        ),
        (
            "pm25_feature_missing_ratio",
            "Share of current rows without a value.",
            |d| d.current.missing_share,
        ),
    ];
    for (metric, help, of) in gauges {
        page.gauge(metric, help);
        for (name, drift) in &report.columns {
            if let Some(value) = of(drift) {
                page.sample(metric, &[("feature", name)], value);
            }
        }
    }
}

fn severity(verdict: Verdict) -> f64 {
    match verdict {
        Verdict::TooFew => -1.0,
        Verdict::None => 0.0,
        Verdict::Moderate => 1.0,
        Verdict::Significant => 2.0,
    }
}

struct Page(String);

impl Page {
    fn gauge(&mut self, metric: &str, help: &str) {
        self.line(format_args!(
            "# HELP {metric} {help}\n# TYPE {metric} gauge"
        ));
    }

    fn sample(&mut self, metric: &str, labels: &[(&str, &str)], value: f64) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(name, text)| format!("{name}=\"{}\"", escaped(text)))
            .collect();
        let braces = if labels.is_empty() {
            String::new()
        } else {
            format!("{{{}}}", labels.join(","))
        };
        self.line(format_args!("{metric}{braces} {value}"));
    }

    fn line(&mut self, line: std::fmt::Arguments) {
        writeln!(self.0, "{line}").expect("a string takes every line");
    }
}

/// A label's text: backslash, quote and line end are escaped (Prometheus' text format).
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_cannot_break_out() {
        let mut page = Page(String::new());
        page.sample("m", &[("feature", "a\"} 1\nb\\")], 0.5);
        assert_eq!(page.0, "m{feature=\"a\\\"} 1\\nb\\\\\"} 0.5\n");
    }
}
