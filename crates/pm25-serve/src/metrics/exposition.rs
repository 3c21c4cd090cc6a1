//! The text format of Prometheus, version 0.0.4.

use std::fmt::{Display, Write};
use std::sync::atomic::{AtomicU64, Ordering};

/// A text on its way.
#[derive(Default)]
pub(super) struct Exposition(String);

impl Exposition {
    /// What a metric is; once, before its samples.
    pub(super) fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    /// One number.
    pub(super) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.line(format_args!("{name}"));
        for (idx, (label, text)) in labels.iter().enumerate() {
            let before = if idx == 0 { '{' } else { ',' };
            self.line(format_args!("{before}{label}=\"{}\"", escaped(text)));
        }
        let after = if labels.is_empty() { "" } else { "}" };
        self.line(format_args!("{after} {value}\n"));
    }

    /// A number that only grows.
    pub(super) fn counter(&mut self, name: &str, help: &str, value: &AtomicU64) {
        self.head(name, "counter", help);
        self.sample(name, &[], value.load(Ordering::Relaxed));
    }

    /// A number that rises and falls.
    pub(super) fn gauge(&mut self, name: &str, help: &str, value: &AtomicU64) {
        self.head(name, "gauge", help);
        self.sample(name, &[], value.load(Ordering::Relaxed));
    }

    /// The whole text.
    pub(super) fn text(self) -> String {
        self.0
    }

    fn line(&mut self, text: std::fmt::Arguments) {
        // Writing into a String cannot fail.
        let _ = self.0.write_fmt(text);
    }
}

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
        let mut out = Exposition::default();
        out.sample("x", &[("a", "q\"u\\o\nte"), ("b", "")], 1.5);
        assert_eq!(out.text(), "x{a=\"q\\\"u\\\\o\\nte\",b=\"\"} 1.5\n");
    }
}
