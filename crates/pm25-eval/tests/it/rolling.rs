//! Four stations of air that wanders for sixteen weeks, `away`, the first by name, only from the ninth on, and backtests of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use pm25_air::civil::format_utc;
use pm25_air::{Network, Quantity, Station};
use pm25_artifact::backtest::BacktestReport;
use pm25_file::{Header, Input, program, read_document};
use pm25_table::{Column, Table, Text};

pub(crate) const HOUR_S: i64 = 3600;
pub(crate) const START_S: i64 = 1_456_790_400; // 2016-03-01T00:00:00Z
pub(crate) const HOURS: usize = 112 * 24;
pub(crate) const H: u16 = 6;
/// Hours of the first origin and of the end.
pub(crate) const FROM: i64 = 56 * 24;
pub(crate) const UNTIL: i64 = 98 * 24;
/// From one origin to the next.
pub(crate) const STEP: i64 = 14 * 24;
pub(crate) const FEATURES: &str =
    "pm25,change(pm25,3),mean(pm25,24),others_mean(pm25),at(\"south\",pm25),wind,hour,station";

/// A number in -1 to 1 that looks like chance.
pub(crate) fn noise(seed: usize, place: usize) -> f32 {
    let x = (place as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ (seed as u64).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x >> 40) as f32 / (1u64 << 23) as f32) - 1.0
}

/// Air with a gap here and there.
pub(crate) fn air() -> Network {
    let mut common = vec![0.0f32];
    for hour in 1..HOURS {
        common.push(0.97 * common[hour - 1] + 9.0 * noise(1, hour));
    }
    let stations = ["away", "east", "north", "south"].iter().enumerate();
    let stations = stations.map(|(place, name)| {
        let first = if *name == "away" { 60 * 24 } else { 0 };
        let hours = first..HOURS;
        let mut station = Station::new(name, START_S + first as i64 * HOUR_S, 480);
        station.values = std::array::from_fn(|_| vec![f32::NAN; hours.len()]);
        station.flags = std::array::from_fn(|_| vec![0; hours.len()]);
        let pm25 = |hour: usize| match hour % 97 {
            0..3 => f32::NAN,
            _ => (90.0 + common[hour] + 8.0 * noise(2 + place, hour))
                .max(1.0)
                .round(),
        };
        station.values[Quantity::Pm25.index()] = hours.clone().map(pm25).collect();
        station.values[Quantity::WindSpeed.index()] =
            hours.map(|hour| 3.0 + noise(20 + place, hour)).collect();
        station
    });
    Network::from_stations(stations.collect()).unwrap()
}

/// The table that `pm25-ingest` writes.
pub(crate) fn write(network: &Network, path: PathBuf) {
    let columns = network.to_columns();
    let mut table = Table::new();
    let (words, codes) = (columns.words, columns.codes);
    table.push("station", Column::Text(Text { words, codes }));
    table.push("time", Column::Time(columns.time_s));
    table.push("utc_offset_min", Column::I16(columns.utc_offset_min));
    for quantity in Quantity::ALL {
        let at = quantity.index();
        table.push(quantity.column(), Column::F32(columns.values[at].clone()));
        table.push(
            quantity.flags_column(),
            Column::U16(columns.flags[at].clone()),
        );
    }
    let output = pm25_file::Output::Path(path);
    table
        .write(&output, "pm25-observations", Header::new(&program!()))
        .unwrap();
}

pub(crate) fn hour(hour: i64) -> String {
    format_utc(START_S + hour * HOUR_S)
}

pub(crate) struct World(tempfile::TempDir);

impl World {
    pub(crate) fn of(network: &Network) -> Self {
        let world = Self(tempfile::tempdir().unwrap());
        write(network, world.path("obs.parquet"));
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn run(&self, more: &[&str]) -> Output {
        let horizon = H.to_string();
        let task = ["--task", "forecast", "--horizon-h", &horizon, "--no-plots"];
        self.run_task(&[&task[..], more].concat())
    }

    pub(crate) fn run_task(&self, more: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_pm25-eval"))
            .current_dir(self.0.path())
            .args([&["backtest", "obs.parquet"], more].concat())
            .output()
            .unwrap()
    }

    /// A backtest with the origins of this file into `out`.
    pub(crate) fn backtest(&self, more: &[&str]) -> (BacktestReport, Rows) {
        let (from, until) = (hour(FROM), hour(UNTIL));
        let when = ["--from", &from, "--until", &until, "--every", "14"];
        let out = self.run(&[&when[..], &["--out-dir", "out"], more].concat());
        assert!(out.status.success(), "{}", said(&out));
        let (report, _) = read_document(&Input::Path(self.path("out/backtest.json"))).unwrap();
        (report, Rows::read(&self.path("out/predictions.parquet")))
    }

    pub(crate) fn refused(&self, status: i32, more: &[&str]) -> String {
        let out = self.run(&[more, &["--out-dir", "refused"]].concat());
        assert_eq!(out.status.code(), Some(status), "{}", said(&out));
        assert!(!self.path("refused").exists());
        said(&out)
    }
}

pub(crate) fn said(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

/// (origin, station, stamp t) to what stands in a row.
pub(crate) struct Rows(pub(crate) BTreeMap<(i64, String, i64), Row>);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) target: f64,
    pub(crate) persistence: f64,
    pub(crate) prediction: f64,
    pub(crate) climatology: f64,
    pub(crate) linear: f64,
}

impl Rows {
    pub(crate) fn read(path: &Path) -> Self {
        let table =
            Table::read(&Input::Path(path.to_owned()), "pm25-backtest-predictions").unwrap();
        let column = |name: &str| table.numbers(name).unwrap().into_owned();
        let (target, persistence) = (column("target_ug_m3"), column("persistence_ug_m3"));
        let [prediction, climatology, linear] = ["prediction", "climatology", "linear"]
            .map(|name| table.f64(&format!("{name}_ug_m3")).unwrap().to_vec());
        let place = |row: usize| {
            let station = table.text("station").unwrap().get(row).to_owned();
            let [origin, time] = ["origin", "time"].map(|name| table.time(name).unwrap()[row]);
            (origin, station, time)
        };
        let row = |at: usize| Row {
            target: f64::from(target[at]),
            persistence: f64::from(persistence[at]),
            prediction: prediction[at],
            climatology: climatology[at],
            linear: linear[at],
        };
        let rows: BTreeMap<_, _> = (0..table.n_rows()).map(|at| (place(at), row(at))).collect();
        assert_eq!(rows.len(), table.n_rows(), "no row is there twice");
        Self(rows)
    }

    /// By bits.
    pub(crate) fn predictions(
        &self,
        keep: impl Fn(i64, i64) -> bool,
    ) -> BTreeMap<(String, i64), [u64; 3]> {
        let rows = self
            .0
            .iter()
            .filter(|((origin, _, time), _)| keep(*origin, *time));
        let bits = rows.map(|((_, station, time), row)| {
            let said = [row.prediction, row.climatology, row.linear];
            ((station.clone(), *time), said.map(f64::to_bits))
        });
        bits.collect()
    }
}
