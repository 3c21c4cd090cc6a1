//! A folder with tables in it, and the program run in it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use pm25_artifact::drift::{ColumnDrift, DriftReport, Verdict};
use pm25_artifact::prep::{FeatureFact, Prepared, StationFact, TaskFact};
use pm25_file::{Header, Input, program, read_document};
use pm25_table::{Column, Table, Text};

pub(crate) const HOUR_S: i64 = 3600;

/// A temporary folder.
pub(crate) struct House(tempfile::TempDir);

/// Named columns of one table.
pub(crate) type Columns<'a> = Vec<(&'a str, Vec<f32>)>;

impl House {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// A features table of hours from `first_h` on.
    pub(crate) fn features(&self, name: &str, first_h: i64, columns: &Columns) {
        let table = hours(first_h, columns);
        let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
        self.write(name, &table, "pm25-features", prepared(&names));
    }

    pub(crate) fn write(&self, name: &str, table: &Table, format: &str, header: Header) {
        table
            .write(&pm25_file::Output::Path(self.path(name)), format, header)
            .unwrap();
    }

    pub(crate) fn run(&self, argv: &[&str]) -> Output {
        program_in(self.0.path()).args(argv).output().unwrap()
    }

    /// The same with something on standard input.
    pub(crate) fn pipe(&self, argv: &[&str], bytes: &[u8]) -> Output {
        let mut program = program_in(self.0.path());
        let piped = program
            .args(argv)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let bytes = bytes.to_vec();
        let feed = std::thread::spawn(move || stdin.write_all(&bytes));
        let output = child.wait_with_output().unwrap();
        let _ = feed.join().unwrap();
        output
    }

    /// `check` of two files; returns its status and report.
    pub(crate) fn check(
        &self,
        reference: &str,
        current: &str,
        more: &[&str],
    ) -> (i32, DriftReport) {
        let argv = [
            "check",
            "--reference",
            reference,
            "--current",
            current,
            "--out",
            "drift.json",
        ];
        let output = self.run(&[&argv[..], more].concat());
        let status = output.status.code().unwrap();
        assert!(matches!(status, 0 | 11), "{}", said(&output));
        (status, self.report())
    }

    pub(crate) fn report(&self) -> DriftReport {
        read_document(&Input::Path(self.path("drift.json")))
            .unwrap()
            .0
    }

    /// `profile` of a table.
    pub(crate) fn profile(&self, data: &str, more: &[&str]) {
        let argv = ["profile", "--data", data, "--out", "profile.json"];
        let output = self.run(&[&argv[..], more].concat());
        assert!(output.status.success(), "{}", said(&output));
    }

    /// What a `check` says in refusal, and its status.
    pub(crate) fn refused(&self, reference: &str, current: &str, more: &[&str]) -> (i32, String) {
        let argv = [
            "check",
            "--reference",
            reference,
            "--current",
            current,
            "--out",
            "drift.json",
        ];
        let output = self.run(&[&argv[..], more].concat());
        assert!(!self.path("drift.json").exists());
        (output.status.code().unwrap(), said(&output))
    }
}

fn program_in(folder: &Path) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_pm25-drift"));
    program.current_dir(folder);
    program
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn column<'a>(report: &'a DriftReport, name: &str) -> &'a ColumnDrift {
    report
        .columns
        .get(name)
        .unwrap_or_else(|| panic!("no `{name}` in {:?}", report.columns.keys()))
}

pub(crate) fn verdict(report: &DriftReport, name: &str) -> Verdict {
    column(report, name).verdict
}

/// Columns of one station's hours.
pub(crate) fn hours(first_h: i64, columns: &Columns) -> Table {
    let n_rows = columns[0].1.len();
    let mut table = Table::new();
    table.push("station", Column::Text(Text::from_rows(vec!["a"; n_rows])));
    table.push(
        "time",
        Column::Time((0..n_rows as i64).map(|i| (first_h + i) * HOUR_S).collect()),
    );
    for (name, values) in columns {
        table.push(name, values.clone());
    }
    table
}

pub(crate) fn feature(column: &str) -> FeatureFact {
    FeatureFact {
        column: column.into(),
        expression: column.into(),
        unit: "µg/m³".into(),
    }
}

pub(crate) fn station() -> StationFact {
    StationFact {
        name: "a".into(),
        utc_offset_min: 480,
    }
}

fn prepared(columns: &[&str]) -> Header {
    let features = columns.iter().filter(|name| !name.starts_with("target"));
    let prepared = Prepared {
        horizons_h: Vec::new(),
        task: TaskFact::Nowcast,
        features: features.map(|name| feature(name)).collect(),
        stations: vec![station()],
        vocabulary: vec!["a".into()],
        statistics: Default::default(),
    };
    let header = Header::new(&program!());
    prepared.put(
        columns
            .iter()
            .fold(header, |header, name| header.unit(name, "µg/m³")),
    )
}

/// `n` values without a pattern in time, evenly spread over 0 to `top`.
pub(crate) fn spread(n: usize, seed: u64, top: f32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        // A linear congruential generator (Knuth, MMIX); its upper bits are good enough to fill a table.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        top * (state >> 40) as f32 / (1_u64 << 24) as f32
    };
    std::iter::repeat_with(next).take(n).collect()
}
