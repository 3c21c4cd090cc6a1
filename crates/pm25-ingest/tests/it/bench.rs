//! A folder of its own for each test, the program run in it, and what it wrote.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use flate2::Compression;
use flate2::write::GzEncoder;
use pm25_air::Quantity;
use pm25_artifact::ingest::IngestReport;
use pm25_file::{Input, read_document};
use pm25_table::Table;
use tempfile::TempDir;

pub(crate) struct Bench(TempDir);

impl Bench {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        self
    }

    /// Runs the program with arguments separated by spaces.
    pub(crate) fn run(&self, args: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_pm25-ingest"))
            .args(args.split_whitespace())
            .current_dir(self.0.path())
            .env_clear()
            .output()
            .unwrap()
    }

    /// Runs it on files and folders, with the outputs where the other functions look for them.
    pub(crate) fn ingest(&self, args: &str) -> Output {
        self.run(&format!("{args} --out out/o.parquet --report out/i.json"))
    }

    /// Runs it and insists on success.
    pub(crate) fn ingested(&self, args: &str) -> Ingested {
        let output = self.ingest(args);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        self.outputs()
    }

    pub(crate) fn outputs(&self) -> Ingested {
        Ingested::at(&self.path("out/o.parquet"), &self.path("out/i.json"))
    }

    /// Runs it, insists on a status, on no output being left, and on words of the complaint.
    pub(crate) fn refused(&self, args: &str, status: i32, words: &[&str]) {
        let output = self.ingest(args);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{stderr}");
        assert!(!self.path("out/o.parquet").exists() && !self.path("out/i.json").exists());
        assert!(output.stdout.is_empty());
        for word in words {
            assert!(stderr.contains(word), "`{word}` is not in: {stderr}");
        }
    }
}

pub(crate) struct Ingested {
    pub(crate) table: Table,
    pub(crate) report: IngestReport,
    pub(crate) bytes: Vec<u8>,
}

impl Ingested {
    pub(crate) fn at(table: &Path, report: &Path) -> Self {
        let path = Input::Path(table.to_owned());
        let ingested = Self {
            bytes: path.bytes().unwrap(),
            table: Table::read(&path, "pm25-observations").unwrap(),
            report: read_document(&Input::Path(report.to_owned())).unwrap().0,
        };
        let rows = &ingested.report.rows;
        assert_eq!(rows.read, rows.kept + rows.n_rejected());
        ingested
    }

    pub(crate) fn values(&self, quantity: Quantity) -> &[f32] {
        self.table.f32(quantity.column()).unwrap()
    }

    pub(crate) fn flags(&self, quantity: Quantity) -> &[u16] {
        self.table.u16(quantity.flags_column()).unwrap()
    }

    pub(crate) fn station(&self, row: usize) -> &str {
        self.table.text("station").unwrap().get(row)
    }

    /// Bit patterns of every number column, station and time: equal tables of whatever inputs.
    pub(crate) fn contents(&self) -> Vec<Vec<u64>> {
        let n_rows = self.table.n_rows();
        let time = self
            .table
            .time("time")
            .unwrap()
            .iter()
            .map(|&s| s as u64)
            .collect();
        let names = (0..n_rows)
            .map(|row| self.station(row).bytes().map(u64::from).sum())
            .collect();
        let mut columns = vec![time, names];
        for quantity in Quantity::ALL {
            columns.push(
                self.values(quantity)
                    .iter()
                    .map(|v| u64::from(v.to_bits()))
                    .collect(),
            );
            columns.push(self.flags(quantity).iter().map(|&f| u64::from(f)).collect());
        }
        columns
    }

    pub(crate) fn rejected(&self) -> Vec<(&str, u64)> {
        self.report
            .rows
            .rejected
            .iter()
            .map(|(reason, n)| (reason.as_str(), *n))
            .collect()
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(crate) fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
