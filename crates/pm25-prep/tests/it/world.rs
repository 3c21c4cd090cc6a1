//! Observation tables made to measure, the program run on them, and its results read back.

use std::path::{Path, PathBuf};
use std::process::{Command, Output as Finished};

use pm25_air::{Network, Quantity, Station};
use pm25_artifact::prep::{PrepReport, Prepared};
use pm25_file::{Header, Input, Output, Program, read_document};
use pm25_table::{Column, Table, Text};

/// 2020-01-01T00:00:00Z.
pub(crate) const START_S: i64 = 1_577_836_800;
pub(crate) const HOUR_S: i64 = 3_600;

/// A folder of its own, with observations in `obs.parquet`.
pub(crate) struct World {
    folder: tempfile::TempDir,
}

impl World {
    pub(crate) fn new(stations: Vec<Station>) -> Self {
        let world = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        world.observe("obs.parquet", stations);
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes an observation table of ours.
    pub(crate) fn observe(&self, name: &str, stations: Vec<Station>) {
        let table = table(&Network::from_stations(stations).unwrap());
        self.write(name, &table);
    }

    pub(crate) fn write(&self, name: &str, table: &Table) {
        let header = Header::new(&Program {
            name: "pm25-ingest",
            version: "0.1.0",
        });
        table
            .write(&Output::Path(self.path(name)), "pm25-observations", header)
            .unwrap();
    }

    /// Runs `pm25-prep` in the folder.
    pub(crate) fn prep(&self, args: &str) -> Finished {
        Command::new(env!("CARGO_BIN_EXE_pm25-prep"))
            .current_dir(self.folder.path())
            .args(args.split_whitespace())
            .output()
            .unwrap()
    }

    /// Runs it and expects success.
    pub(crate) fn made(&self, args: &str) -> PrepReport {
        let finished = self.prep(args);
        assert!(
            finished.status.success(),
            "{}",
            String::from_utf8_lossy(&finished.stderr)
        );
        self.report("out")
    }

    pub(crate) fn report(&self, folder: &str) -> PrepReport {
        read_document(&Input::Path(self.path(folder).join("prep.json")))
            .unwrap()
            .0
    }

    /// Runs it and expects this exit status; what it said on standard error.
    pub(crate) fn refused(&self, args: &str, status: i32) -> String {
        let finished = self.prep(args);
        let said = String::from_utf8_lossy(&finished.stderr).into_owned();
        assert_eq!(finished.status.code(), Some(status), "{said}");
        assert!(finished.stdout.is_empty());
        said
    }

    pub(crate) fn read(&self, name: &str) -> Made {
        let table = Table::read(&Input::Path(self.path(name)), "pm25-features").unwrap();
        Made { table }
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }
}

/// A prepared table.
pub(crate) struct Made {
    pub(crate) table: Table,
}

impl Made {
    pub(crate) fn facts(&self) -> Prepared {
        Prepared::of(self.table.header().unwrap()).unwrap()
    }

    /// Hours since the start, by row.
    pub(crate) fn hours(&self) -> Vec<i64> {
        self.table
            .time("time")
            .unwrap()
            .iter()
            .map(|time_s| (time_s - START_S).div_euclid(HOUR_S))
            .collect()
    }

    pub(crate) fn stations(&self) -> Vec<&str> {
        let text = self.table.text("station").unwrap();
        (0..self.table.n_rows()).map(|row| text.get(row)).collect()
    }

    /// The rows of one station.
    pub(crate) fn rows_of(&self, station: &str) -> Vec<usize> {
        let stations = self.stations();
        (0..stations.len())
            .filter(|&row| stations[row] == station)
            .collect()
    }

    /// The values, with a word for missing.
    pub(crate) fn column(&self, name: &str) -> Vec<Option<f32>> {
        self.table
            .f32(name)
            .unwrap()
            .iter()
            .map(|value| (!value.is_nan()).then_some(*value))
            .collect()
    }
}

/// A station whose quantities all are its hour's number.
pub(crate) fn counting(name: &str, n_hours: usize) -> Station {
    Station {
        values: std::array::from_fn(|_| (0..n_hours).map(|hour_idx| hour_idx as f32).collect()),
        flags: std::array::from_fn(|_| vec![0; n_hours]),
        ..Station::new(name, START_S, 480)
    }
}

/// The same from a later hour on.
pub(crate) fn from_hour(mut station: Station, hour: i64) -> Station {
    station.start_s += hour * HOUR_S;
    station
}

pub(crate) fn pm25(station: &mut Station) -> &mut Vec<f32> {
    &mut station.values[Quantity::Pm25.index()]
}

pub(crate) fn pm25_flags(station: &mut Station) -> &mut Vec<u16> {
    &mut station.flags[Quantity::Pm25.index()]
}

/// A network as the table that `pm25-ingest` writes.
pub(crate) fn table(network: &Network) -> Table {
    let columns = network.to_columns();
    let mut table = Table::new();
    table.push(
        "station",
        Column::Text(Text {
            words: columns.words,
            codes: columns.codes,
        }),
    );
    table.push("time", Column::Time(columns.time_s));
    table.push("utc_offset_min", Column::I16(columns.utc_offset_min));
    for quantity in Quantity::ALL {
        table.push(
            quantity.column(),
            Column::F32(columns.values[quantity.index()].clone()),
        );
    }
    for quantity in Quantity::ALL {
        table.push(
            quantity.flags_column(),
            Column::U16(columns.flags[quantity.index()].clone()),
        );
    }
    table
}

/// RFC 3339 of an hour since the start.
pub(crate) fn at(hour: i64) -> String {
    pm25_air::civil::format_utc(START_S + hour * HOUR_S)
}

/// `--train-until` and `--valid-until` at hours since the start.
pub(crate) fn cut(t1: i64, t2: i64) -> String {
    format!("--train-until {} --valid-until {}", at(t1), at(t2))
}

/// Whether a path holds nothing at all.
pub(crate) fn is_absent(path: &Path) -> bool {
    !path.exists() || std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
}
